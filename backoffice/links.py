"""Links to the pages of rows, and days for cells."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import models
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString


def day(on: date | None) -> SafeString:
    """A local day for a cell: never broken into two lines; nothing for nothing."""
    if on is None:
        return SafeString("")
    return format_html('<time datetime="{}">{}</time>', on.isoformat(), date_format(on))


def page_url(row: models.Model) -> str:
    """The address of a row's page."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=(row.pk,))


def link(row: models.Model | None, text: Any = None) -> SafeString:
    """A link to a row's page; nothing for nothing."""
    if row is None:
        return SafeString("")
    return format_html('<a href="{}">{}</a>', page_url(row), row if text is None else text)
