"""The numbers beside the navigation: how much waits, asked for in one query however many numbers there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import F, Func, Subquery

if TYPE_CHECKING:
    from accounts.models import User

type CountedRows = Callable[[User], models.QuerySet[models.Model] | None]

_counted: dict[str, CountedRows] = {}


def register_count(name: str, rows: CountedRows) -> None:
    """Let the navigation show how many rows there are; ``rows`` returns ``None`` for whom they are no work."""
    _counted[name] = rows


def counts(user: User) -> dict[str, int]:
    """What waits for this person, by name. One query."""
    wanted = {name: rows(user) for name, rows in _counted.items()}
    numbers = {name: _number(rows) for name, rows in wanted.items() if rows is not None}
    if not numbers:
        return {}
    people = get_user_model()._default_manager.order_by()
    found: Any = people.filter(pk=user.pk).values(**{f"{name}_": one for name, one in numbers.items()}).get()
    return {name: found[f"{name}_"] for name in numbers}


def _number(rows: models.QuerySet[models.Model]) -> Subquery:
    count = Func(F("pk"), function="COUNT", output_field=models.IntegerField())
    return Subquery(rows.order_by().annotate(number_=count).values("number_"))
