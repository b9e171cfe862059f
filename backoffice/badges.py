"""Numbers beside the navigation, and the lines of "Also waiting for me": counted in one query."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections, models

from backoffice.requests import Person, StaffRequest, asked_once
from core.text import Text

# --- What waits for managers besides cases ------------------------------------------------------

#: The name of a number (``register_count``), words for it, and the list of its rows.
type Besides = tuple[str, Callable[[int], Text], Callable[[], str]]


registered_besides: list[Besides] = []


def register_besides(
    name: str, rows: Callable[[Person], Any], words: Callable[[int], Text], url: Callable[[], str]
) -> None:
    """Add a line to the manager's card of what else waits. It is counted with the numbers of the navigation, in their
    one query: ``rows`` gives what is counted, or None where it is not this person's.
    """
    register_count(name, rows)
    registered_besides.append((name, words, url))


type CountedRows = Callable[[Person], models.QuerySet[Any] | None]


#: Nobody works by a number of four digits, and counting on would take longer than the page.
MOST = 999


_counted: dict[str, CountedRows] = {}


_most: dict[str, int] = {}


def register_count(name: str, rows: CountedRows, *, most: int = MOST) -> None:
    """Let the navigation show how many rows there are, up to ``most``; ``rows`` returns ``None`` for whom they are no
    work.
    """
    _counted[name] = rows
    _most[name] = most


def counts(user: Person) -> dict[str, int]:
    """What waits for this person, by name; one more than its most stands for all that is more. One query."""
    wanted = {name: rows(user) for name, rows in _counted.items()}
    found = {name: 0 for name, rows in wanted.items() if rows is not None}
    asked: list[str] = []
    numbers: list[str] = []
    values: list[Any] = []
    alias = ""
    for name, rows in wanted.items():
        if rows is None:
            continue
        alias = alias or rows.db
        # Each is compiled by itself: put together as one queryset they are copied and renamed again and again, which
        # takes as long as the database does.
        some = rows.order_by().values("pk")[: _most[name] + 1]
        try:
            sql, parameters = some.query.get_compiler(alias).as_sql()
        except EmptyResultSet:
            continue
        asked.append(name)
        numbers.append(f"(SELECT COUNT(*) FROM ({sql}) AS counted_)")  # noqa: S608
        values.extend(parameters)
    if asked:
        with connections[alias].cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(numbers)}", values)
            found.update(zip(asked, cursor.fetchone(), strict=True))
    return found


@asked_once
def counts_of(request: StaffRequest) -> dict[str, int]:
    """The numbers for the person of a request."""
    return counts(request.user)


def in_words(name: str, number: int) -> str:
    """As it stands beside a line: "12", "999+"."""
    return f"{_most[name]}+" if number > _most[name] else str(number)
