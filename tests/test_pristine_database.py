"""A test that commits leaves nothing behind and takes nothing away."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from tests.pristine_database import PristineDatabase


def rows_of_every_table() -> dict[str, list[tuple[object, ...]]]:
    with connection.cursor() as cursor:
        rows = {}
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608
            rows[table] = sorted(cursor.fetchall(), key=repr)
        return rows


@pytest.mark.django_db(transaction=True)
def test_restoring_brings_back_exactly_the_rows_of_the_migrations(
    django_db_setup: PristineDatabase,
) -> None:
    before = rows_of_every_table()
    assert Group.objects.count() == 6

    Group.objects.create(name="Passers-by").permissions.set(Permission.objects.all()[:3])
    Group.objects.filter(name="Manager").delete()
    ContentType.objects.filter(app_label="auth").delete()
    assert rows_of_every_table() != before

    django_db_setup.restore()
    assert rows_of_every_table() == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", ["first", "second"])
def test_every_committing_test_starts_from_the_same_rows(turn: str) -> None:
    assert sorted(Group.objects.values_list("name", flat=True)) == [
        "Administrator",
        "Auditor",
        "Billing clerk",
        "Manager",
        "Support agent",
        "Team lead",
    ]
    Group.objects.all().delete()
    Group.objects.create(name=turn)
