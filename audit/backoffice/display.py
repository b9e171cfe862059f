"""Small pieces of safe HTML for lists and cards: statuses, amounts, second lines, times."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Literal

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from lucide import IconDoesNotExist, _render_icon

type PillTone = Literal["good", "warn", "bad", "info", "mute"]

#: The icon of each tone: a status is never told by its colour alone.
TONE_ICONS: dict[str, str] = {
    "good": "circle-check",
    "warn": "triangle-alert",
    "bad": "circle-x",
    "info": "circle-dot",
    "mute": "circle-dashed",
}


_SHARED = re.compile(
    r' (?:xmlns|fill|stroke|stroke-width|stroke-linecap|stroke-linejoin)="[^"]*"(?=[^<]*?class="icon")'
)


@lru_cache(maxsize=256)
def icon(name: str, size: int = 16) -> SafeString:
    """A lucide icon as inline SVG, hidden from screen readers: the text beside it says the same.

    Raises:
        ValueError: there is no icon of that name.
    """
    try:
        svg = _render_icon(name, size, **{"class": "icon", "aria-hidden": "true", "focusable": "false"})
    except IconDoesNotExist as missing:
        raise ValueError(f"There is no icon named {name!r}.") from missing
    # What all icons share is said once, in the style sheet: a list shows hundreds of them.
    return SafeString(_SHARED.sub("", " ".join(svg.split())).replace("> <", "><"))


def pill(text: object, tone: PillTone = "mute", icon_name: str = "") -> SafeString:
    """A status as a pill: an icon and a word in the tone's colours."""
    return format_html('<span class="pill pill-{}">{}{}</span>', tone, icon(icon_name or TONE_ICONS[tone], 12), text)


def number(text: object, below: object = "") -> SafeString:
    """A number or an amount (already formatted), right-aligned with tabular figures; ``below`` is a second
    line.
    """
    return format_html('<span class="n">{}{}</span>', text, sub(below))


def sub(text: object) -> SafeString:
    """A quieter second line within a cell; nothing for nothing."""
    return format_html('<span class="sub">{}</span>', text) if text else SafeString("")


def when(moment: datetime | None) -> SafeString:
    """A point in time with its zone, in the business's time zone: "10 Nov 2026, 09:12 CET"."""
    if moment is None:
        return SafeString("")
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}">{} <span class="zone">{}</span></time>',
        local.isoformat(),
        date_format(local, "j M Y, H:i"),
        local.tzname() or "",
    )
