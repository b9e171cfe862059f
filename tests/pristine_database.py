"""Puts the database back to what the migrations left, after a test that really commits.

Django's own way empties every table, also of the roles and policies that migrations write, so that the next
such test would start from less than an installation has.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Protocol

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

# PostgreSQL: where the copies are kept, out of sight of the introspection of the public schema.
SCHEMA = "pristine"
PATIENCE_SECONDS = 60


class PristineDatabase(Protocol):
    def restore(self) -> None:
        """Bring every table back to its rows at the time of ``remember_database``."""


@contextmanager
def remember_database() -> Iterator[PristineDatabase]:
    """Keep the current rows of all tables of the default database."""
    if connection.vendor == "postgresql":
        yield _InPostgreSQL()
    else:
        with closing(sqlite3.connect(":memory:")) as copy:
            yield _InSQLite(copy)


class _InSQLite:
    """The whole file as a copy in memory."""

    def __init__(self, copy: sqlite3.Connection) -> None:
        self._copy = copy
        connection.ensure_connection()
        connection.connection.backup(self._copy)

    def restore(self) -> None:
        connection.ensure_connection()
        give_up_at = time.monotonic() + PATIENCE_SECONDS

        def not_for_ever(status: int, remaining: int, total: int) -> None:
            # SQLite tries again for as long as some other connection of the test holds a lock.
            if remaining and time.monotonic() > give_up_at:
                raise TimeoutError("A connection of this test has left a transaction open.")

        self._copy.backup(connection.connection, progress=not_for_ever)


class _InPostgreSQL:
    """The rows of each table that has any, in a table of the same name in another schema."""

    def __init__(self) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            self._tables = [
                table for table in connection.introspection.table_names(cursor) if table != "django_migrations"
            ]
            cursor.execute(f"CREATE SCHEMA {SCHEMA}")
            self._columns = {
                table: self._stored_columns(cursor, table) for table in self._tables if self._has_rows(cursor, table)
            }
            for table, columns in self._columns.items():
                cursor.execute(f'CREATE TABLE {SCHEMA}."{table}" AS SELECT {columns} FROM "{table}"')  # noqa: S608

    def restore(self) -> None:
        # In one transaction: the foreign keys are checked at its end, so the order does not matter.
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("TRUNCATE " + ", ".join(f'"{table}"' for table in self._tables))
            for table, columns in self._columns.items():
                cursor.execute(f'INSERT INTO "{table}" ({columns}) SELECT {columns} FROM {SCHEMA}."{table}"')  # noqa: S608

    @staticmethod
    def _has_rows(cursor: CursorWrapper, table: str) -> bool:
        cursor.execute(f'SELECT EXISTS (SELECT FROM "{table}")')  # noqa: S608
        return bool(cursor.fetchone()[0])

    @staticmethod
    def _stored_columns(cursor: CursorWrapper, table: str) -> str:
        """The columns that can be written, as a list for SQL; generated ones cannot."""
        cursor.execute(
            "SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position)"
            " FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND table_name = %s AND is_generated = 'NEVER'",
            [table],
        )
        return str(cursor.fetchone()[0])
