"""The rows of a list show what Django's own would show, cell by cell."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.contrib.admin.templatetags.admin_list import results
from django.test import RequestFactory

from backoffice.admin import TrackedAdmin
from backoffice.changelist import STYLED, rows_of
from tests import factories
from tests.complaints.cases import Desk, register
from tests.test_list_queries import add_companies

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("query", ["", "?o=1", "?q=a", "?p=1&o=-2"])
def test_every_list_shows_what_django_would_show(query: str) -> None:
    desk = Desk()
    add_companies(2)
    for _ in range(3):
        register(desk, subject="<b>Noise</b> & more")
    shown = set()
    for model, pages in admin.site._registry.items():
        assert isinstance(pages, TrackedAdmin)
        request = RequestFactory().get(pages.url_of("changelist") + query)
        request.user = factories.manager()
        cl = pages.get_changelist_instance(request)
        cl.formset = None
        ours = list(rows_of(cl))
        theirs = [_shortened("".join(row)) for row in results(cl)]
        assert ours == theirs, model
        if ours:
            shown.add(model._meta.label)
    if query != "?q=a":
        assert {"complaints.Complaint", "accounts.Customer", "billing.Invoice"} <= shown


def _shortened(row: str) -> str:
    """Django's row without the classes that no style names, and with the row alone as its checkbox's name."""

    def classes(found: re.Match[str]) -> str:
        kept = [name for name in found[1].split() if not name.startswith("field-") or name[6:] in STYLED]
        return f' class="{" ".join(kept)}"' if kept else ""

    row = re.sub(r'(?<=<t[dh]) class="([^"]*)"', classes, row)
    return row.replace(' class="action-select"', "").replace("Select this object for an action - ", "")
