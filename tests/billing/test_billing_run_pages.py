"""The pages of billing runs: what each did, and whose credit is left."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit.bulk import update_tracked
from billing import giving
from billing.actions.run import run_billing
from billing.actions.subscriptions import cancel_subscription
from billing.models import BillingRun, Subscription
from tests import factories

pytestmark = pytest.mark.django_db

LIST = "admin:billing_billingrun_changelist"


@pytest.fixture
def clerk(client: Client) -> Client:
    client.force_login(factories.billing_clerk(), backend="accounts.auth.StaffBackend")
    return client


def page(clerk: Client, run: BillingRun) -> str:
    return clerk.get(reverse("admin:billing_billingrun_change", args=(run.pk,))).content.decode()


def run_with_everything() -> Subscription:
    """A run that invoiced, used credit, left a subscription out and ended one with credit left."""
    paid = factories.open_subscription(activated_on=date(2024, 5, 1))
    giving.give_credit(paid, Decimal("10.00"), reason="A refund", on=date(2024, 5, 2))
    lost = factories.open_subscription(activated_on=date(2024, 5, 1))
    update_tracked(Subscription.objects.filter(pk=lost.pk), currency="USD")
    ended = factories.open_subscription(activated_on=date(2024, 5, 1))
    giving.give_credit(ended, Decimal("40.00"), reason="A long outage", on=date(2024, 5, 2))
    cancel_subscription(ended.pk, by=factories.agent(), channel="phone", requested_on=date(2024, 5, 3))
    run_billing(date(2024, 6, 1), by=factories.billing_clerk())
    return lost


def test_a_runs_page_tells_what_it_did_and_what_is_left(clerk: Client) -> None:
    lost = run_with_everything()
    shown = page(clerk, BillingRun.objects.get())
    assert "Finished, with problems" in shown
    assert f"{lost.number}: no published price" in shown
    for amount in ("60.00", "10.00", "40.00"):
        assert amount in shown
    assert "A long outage" in shown


def test_an_interrupted_run_and_one_that_runs_are_told_apart(clerk: Client) -> None:
    by = factories.billing_clerk()
    killed = BillingRun.objects.create(today=date(2024, 6, 1), by=by, started_at=timezone.now())
    assert "Running" in page(clerk, killed)
    run_billing(date(2024, 6, 1), by=by)
    assert "Interrupted" in page(clerk, killed)
    shown = clerk.get(reverse(LIST)).content.decode()
    assert "Interrupted" in shown
    assert "Finished" in shown


def test_the_lists_queries_do_not_grow(clerk: Client) -> None:
    run_with_everything()
    counts = []
    for _ in range(2):
        clerk.get(reverse(LIST))
        with CaptureQueriesContext(connection) as captured:
            assert clerk.get(reverse(LIST)).status_code == 200
        counts.append(len(captured))
        for _ in range(3):
            run_billing(date(2024, 6, 1), by=factories.billing_clerk())
    assert counts[0] == counts[1]
