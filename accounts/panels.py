"""Pages that several apps build together: each adds its cards, none imports those to its right.

The customer's page is put together here; an app that knows more about a customer registers a card from its
own ``admin.py``::

    @customer_page.panel(order=40)
    def complaints_of(request: HttpRequest, customer: Customer) -> Panel | None: ...
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import Customer
from audit.backoffice import Panel

type MakePanel[M: models.Model] = Callable[[HttpRequest, M], Panel | None]


class PagePanels[M: models.Model]:
    """The cards that apps have added to the page of one kind of row, low orders first."""

    def __init__(self) -> None:
        self._made: list[tuple[int, MakePanel[M]]] = []

    def panel(self, *, order: int = 50) -> Callable[[MakePanel[M]], MakePanel[M]]:
        """Register a function that makes a card, or ``None`` when it has nothing to say to this person."""

        def register(make: MakePanel[M]) -> MakePanel[M]:
            self._made.append((order, make))
            self._made.sort(key=lambda entry: entry[0])
            return make

        return register

    def of(self, request: HttpRequest, row: M) -> list[Panel]:
        made = (make(request, row) for _, make in self._made)
        return [panel for panel in made if panel is not None]


customer_page: PagePanels[Customer] = PagePanels()


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
