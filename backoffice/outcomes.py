"""What doing something to rows asks of their pages, and what became of each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from django.db import models
from django.http import HttpRequest

from audit.actions import Refused, Why
from backoffice.actions import PageAction, StaffAction
from core.text import Text


class ActingPages(Protocol):
    """The pages of a model, as far as doing something to its rows asks them."""

    admin_site: Any
    opts: Any

    def staff_action(self, name: str) -> StaffAction[Any] | None: ...

    def page_action(self, name: str) -> PageAction | None: ...

    def page_title(self, obj: Any) -> Text: ...

    def url_of(self, page: str, *args: Any) -> str: ...

    def has_view_permission(self, request: HttpRequest) -> bool: ...

    def get_queryset_for_action(self, request: HttpRequest) -> models.QuerySet[Any]: ...

    def version_of(self, obj: Any) -> int: ...

    def changes_since(self, obj: Any, seen: int) -> Sequence[Any]: ...

    def stale_refusal(self, request: HttpRequest, obj: Any) -> Refused | None: ...


@dataclass(frozen=True, slots=True)
class ConfirmationLine:
    """A row on the confirmation page: what will happen to it, or why it is skipped."""

    pk: Any
    label: Text
    url: str
    consequence: Text = ""
    obstacle: Why = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a row. ``failed`` is an error of ours: it is logged under the request's id."""

    pk: Any
    label: str
    url: str
    outcome: Literal["done", "refused", "skipped", "failed"]
    sentence: str
