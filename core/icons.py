"""Lucide icons as inline SVG."""

from __future__ import annotations

import re
from functools import lru_cache

from django.utils.safestring import SafeString
from lucide import IconDoesNotExist, _render_icon

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
