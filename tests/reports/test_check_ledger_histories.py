"""``check_ledger`` compares every tracked row with its history, whatever the row is of."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import transaction

from audit.tracked import Tracked
from backoffice.models import Presence
from reports.management.commands.check_ledger import CHECKS
from tests.every_page import make_small_company
from tests.reports.books import alter_raw, breaches

pytestmark = pytest.mark.django_db

TRACKED = [model for model in apps.get_models() if issubclass(model, Tracked)]
#: One column of each that no room checks more closely: what somebody would change behind the product's back.
CHANGED: dict[str, tuple[str, object]] = {
    "Team": ("name", "Another team"),
    "StaffChange": ("reason", "Another reason"),
    "Contact": ("email", "thief@example.com"),
    "CompanyProfile": ("name", "Another company"),
    "MessageTemplate": ("body", "Another text"),
    "Phone": ("serial", "ANOTHER"),
    "PhoneModel": ("name", "Another model"),
    "Delivery": ("note", "It was sent"),
    "BillingRun": ("today", "2001-01-01"),
    "Policy": ("kind", "another"),
}


def test_each_tracked_model_has_a_check_of_its_history() -> None:
    names = {check.__name__ for check in CHECKS}
    assert {f"{model._meta.model_name}_history" for model in TRACKED} <= names
    assert f"{Presence._meta.model_name}_history" not in names


def test_a_row_of_any_kind_that_was_changed_past_the_product_is_found() -> None:
    make_small_company()
    before = set(breaches())  # some rows of this company come from no action
    for model in TRACKED:
        if model.__name__ not in CHANGED:
            continue
        name, value = CHANGED[model.__name__]
        row: Any = model._default_manager.order_by("-pk").first()
        assert row is not None, model
        with transaction.atomic():
            alter_raw(row, **{name: value})
            found = set(breaches()) - before
            assert {rule for rule, _ in found} == {"row-altered"}, (model, found)
            transaction.set_rollback(True)
