"""Lucide icons as inline SVG."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.resources import files
from io import BytesIO
from zipfile import ZipFile

from django.utils.safestring import SafeString

_OPENING = re.compile(r'<svg[^>]*? viewBox="([^"]*)"[^>]*>')


@cache
def _drawings() -> ZipFile:
    """Lucide's icons, whose list takes long to read: once, when the first is drawn."""
    return ZipFile(BytesIO((files("lucide") / "lucide.zip").read_bytes()))


@lru_cache(maxsize=256)
def icon(name: str, size: int = 16) -> SafeString:
    """A lucide icon as inline SVG, hidden from screen readers: the text beside it says the same.

    Raises:
        ValueError: there is no icon of that name.
    """
    try:
        svg = _drawings().read(f"{name}.svg").decode()
    except KeyError as missing:
        raise ValueError(f"There is no icon named {name!r}.") from missing
    # What all icons share is said once, in the style sheet: a list shows hundreds of them.
    opening = f'<svg width="{size}" height="{size}" viewBox="\\1" class="icon" aria-hidden="true" focusable="false">'
    return SafeString(_OPENING.sub(opening, " ".join(svg.split())).replace("> <", "><"))
