"""The demonstration company comes out the same whenever it is made, and comes about on every date."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from accounts.customers.models import Customer
from audit.models import Event
from billing.invoices.models import Invoice
from billing.subscriptions.models import Subscription
from billing.usage.models import UsageDay
from complaints.cases.models import Complaint
from complaints.refunds.models import Refund
from demo.build import build

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


def _told(now: datetime) -> dict[str, list[Any]]:
    """What a company made on an empty database looks like."""
    with transaction.atomic():
        build(now)
        complaints = Complaint.objects.order_by("code")
        told: dict[str, list[Any]] = {
            "customers": list(Customer.objects.order_by("number").values_list("number", "name", "email", "iban")),
            "invoices": list(Invoice.objects.order_by("number").values_list("number", "gross", "paid", "state")),
            "complaints": list(complaints.values_list("code", "subject", "state", "received_at")),
            "refunds": list(Refund.objects.order_by("code").values_list("code", "state", "total", "lines")),
            "usage": list(UsageDay.objects.order_by("local_day").values_list("local_day").annotate(Sum("seconds"))),
            "activated": list(Subscription.objects.order_by("number").values_list("activated_on", flat=True)),
            "events": list(Event.objects.order_by("pk").values_list("verb", "outcome", "target_label")),
        }
        transaction.set_rollback(True)
    return told


# What a date gives is computed before any row is written: one date is enough for the second database.
@pytest.mark.parametrize(
    ("day", "hours"),
    [
        ("2028-02-29", ["09:00"]),
        *(
            pytest.param(day, hours, marks=pytest.mark.sqlite)
            for day, hours in (
                ("2027-01-01", ["00:03", "17:00"]),
                ("2027-03-29", ["09:00"]),
                ("2027-10-31", ["09:00"]),
                ("2027-08-31", ["09:00"]),
            )
        ),
    ],
)
def test_it_comes_about_on_every_date_and_the_same_at_every_hour(day: str, hours: list[str]) -> None:
    """New year, the days after the clocks change, the leap day, the end of a long month."""
    told, *again = (
        _told(datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=ZoneInfo(settings.BUSINESS_TIME_ZONE)))
        for hour in hours
    )
    assert all(other == told for other in again)
    assert {state for _, _, state, _ in told["complaints"]} == set(Complaint.State.values)
    assert 190 <= len(told["customers"]) <= 220
    assert 210 <= len(told["activated"]) <= 240
    assert {activated_on.day for activated_on in told["activated"]} >= {29, 30, 31}
    assert {state for _, state, _, _ in told["refunds"]} == set(Refund.State.values)
