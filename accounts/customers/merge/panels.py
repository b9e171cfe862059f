"""What the two people who merge customers see: where the entries differ, and what moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.text import capfirst

from accounts.customers.merge.actions import to_move
from accounts.customers.merge.rules import differences
from accounts.customers.models import Customer
from core.text import say


def differences_table(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Context of a table of the differences."""
    return {
        "headings": [say("Detail"), say("Goes"), say("Stays")],
        "rows": [
            (
                capfirst(Customer._meta.get_field(each["field"]).verbose_name),  # type: ignore[union-attr]
                each["duplicate"] or "–",
                each["survivor"] or "–",
            )
            for each in found
        ],
        "empty": say("They differ in nothing but their number."),
    }


def merge_context(duplicate: Customer, survivor: Customer) -> dict[str, Any]:
    """Context of ``accounts/merge_comes_to.html``."""
    found = differences(duplicate, survivor)
    return {
        "duplicate": duplicate,
        "survivor": survivor,
        "moved": to_move(duplicate),
        "bank_details_differ": any(each["field"] in ("iban", "account_holder") for each in found),
        "differing": differences_table(found),
    }
