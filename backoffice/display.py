"""Small pieces of safe HTML for lists and cards: statuses, amounts, second lines, times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from html import escape
from operator import attrgetter
from typing import Any, Literal

from django.contrib import admin
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from core.icons import icon
from core.text import Text

type PillTone = Literal["good", "warn", "bad", "info", "mute"]


def escaped(value: object) -> str:
    """As ``conditional_escape`` says it. A list asks for thousands, nearly all of them strings."""
    if type(value) is SafeString:
        return value
    if type(value) is str:
        return escape(value)
    return conditional_escape(value)  # type: ignore[arg-type]


def pill(text: object, tone: PillTone = "mute", icon_name: str = "") -> SafeString:
    """A status as a pill: an icon and a word in the tone's colours. Each tone has its icon, since a status is never
    told by its colour alone: the style sheet draws it, but for one that is asked for by name.
    """
    drawn = icon(icon_name, 12) if icon_name else ""
    return SafeString(f'<span class="pill pill-{tone}">{drawn}{escaped(text)}</span>')


def number(text: object, below: object = "") -> SafeString:
    """A number or an amount (already formatted), right-aligned with tabular figures; ``below`` is a second
    line.
    """
    return SafeString(f'<span class="n">{escaped(text)}{sub(below)}</span>')


def sub(text: object) -> SafeString:
    """A quieter second line within a cell; nothing for nothing."""
    return SafeString(f'<span class="sub">{escaped(text)}</span>') if text else SafeString("")


def when(moment: datetime | None) -> SafeString:
    """A point in time with its zone, in the business's time zone: "10 Nov 2026, 09:12 CET"."""
    if moment is None:
        return SafeString("")
    local = timezone.localtime(moment)
    return SafeString(
        f'<time datetime="{local.isoformat()}">{_day(local.date(), get_language())}, {local.hour:02}:{local.minute:02}'
        f' <span class="zone">{escape(local.tzname() or "")}</span></time>'
    )


@lru_cache(maxsize=4096)
def _day(day: date, language: str | None) -> str:
    """Written once a day and language: a list says the same days again and again."""
    return escape(date_format(day))


def column(make: Callable[..., Any], *fields: str, description: Text, ordering: str | None = None) -> Any:
    """A list's column and a page's field: what ``make`` writes of these fields of the row, or of the row itself."""

    @admin.display(description=description, ordering=ordering)
    def cell(pages: Any, obj: Any) -> Any:
        return make(*(attrgetter(field)(obj) for field in fields)) if fields else make(obj)

    return cell
