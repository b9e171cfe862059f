"""Several approvals at once are an act of their own: a permission, and a limit on what they are worth (RULES 8)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.staff.batches.actions import begin_batch
from accounts.staff.batches.rules import worth_of
from accounts.staff.models import User
from audit.models import Event
from billing.invoices.models import WriteOff
from billing.invoices.write_offs.actions import propose_write_off
from billing.residual_credits.actions import propose_residual_payout
from billing.residual_credits.models import ResidualCreditPayout
from complaints.refunds.models import Refund
from tests import factories
from tests.complaints.cases import Desk, decided, propose
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    factories.approval_limits(batch_amount=Decimal("50.00"))
    return desk


def proposals(desk: Desk, *amounts: str) -> list[Refund]:
    """Special cases of customers of their own, waiting for approval."""
    return [propose(desk, decided(desk), "special", special_amount=Decimal(amount)) for amount in amounts]


def approve(client: Client, by: User, rows: list[Any]) -> str:
    """From the list: the page after it."""
    client.force_login(by, backend="accounts.staff.auth.StaffBackend")
    meta = rows[0]._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_act", args=("approve",))
    ids = ",".join(str(row.pk) for row in rows)
    page = client.post(f"{url}?ids={ids}", {"reason": "Looked at each", "skipped": ""}, follow=True)
    return page.content.decode()


def states(rows: list[Any]) -> list[str]:
    return [type(row).objects.get(pk=row.pk).state for row in rows]


def test_a_batch_within_its_limit_leaves_one_event_for_the_whole_and_one_for_each(client: Client, desk: Desk) -> None:
    rows = proposals(desk, "20.00", "30.00")
    approve(client, desk.manager, rows)
    assert states(rows) == ["settled", "settled"]
    batch = Event.objects.get(verb="batch.approve")
    assert (batch.actor, batch.target_label, batch.reason) == (desk.manager, "2 refunds", "Looked at each")
    assert batch.data == {"rows": [row.pk for row in rows], "worth": [["special", "EUR", "50.00"]]}
    each = Event.objects.filter(verb="refund.approve")
    assert [event.request_id for event in each] == [batch.request_id] * 2


def test_over_the_limit_nothing_is_approved_and_the_page_says_so_before(client: Client, desk: Desk) -> None:
    rows = proposals(desk, "20.00", "30.01")
    said = "50.01 EUR in one batch is over your limit of 50.00 EUR for batches."
    client.force_login(desk.manager, backend="accounts.staff.auth.StaffBackend")
    ids = ",".join(str(row.pk) for row in rows)
    asked = client.get(reverse("admin:complaints_refund_act", args=("approve",)) + f"?ids={ids}").content.decode()
    assert said in asked
    assert 'type="submit"' not in asked[asked.index('class="bar"') :]
    assert said in approve(client, desk.manager, rows)
    assert states(rows) == ["proposed", "proposed"]
    assert Event.objects.get(verb="batch.approve").outcome == "refused"
    # One by one it is no batch.
    approve(client, desk.manager, rows[:1])
    assert states(rows) == ["settled", "proposed"]


def test_a_batch_that_is_split_is_counted_together(client: Client, desk: Desk) -> None:
    first, second = proposals(desk, "15.00", "15.00"), proposals(desk, "10.00", "10.01")
    approve(client, desk.manager, first)
    page = approve(client, desk.manager, second)
    assert "20.01 EUR together with 30.00 EUR of your other batches of today is over your limit of 50.00 EUR" in page
    assert states(first + second) == ["settled"] * 2 + ["proposed"] * 2
    # Another manager has a limit of their own.
    approve(client, desk.director, second)
    assert states(second) == ["settled"] * 2


def test_only_managers_approve_several_at_once(client: Client, desk: Desk) -> None:
    rows = [propose(desk, decided(desk), "usage") for _ in range(2)]
    page = approve(client, desk.lead, rows)
    assert "may not approve several things at once. Manager can." in page
    assert states(rows) == ["proposed", "proposed"]
    approve(client, desk.lead, rows[:1])
    assert states(rows) == ["settled", "proposed"]


def test_rows_that_are_skipped_count_for_nothing(client: Client, desk: Desk) -> None:
    (other,) = proposals(desk, "50.00")
    own = propose(desk, decided(desk), "special", by=desk.director, special_amount=Decimal("40.00"))
    approve(client, desk.director, [other, own])
    assert states([other, own]) == ["settled", "proposed"]
    # What is left of it was one row: no batch.
    assert not Event.objects.filter(verb="batch.approve").exists()


def test_a_limit_of_nothing_allows_no_batch(desk: Desk) -> None:
    worth = worth_of([("usage", "USD", Decimal("0.01"))])
    assert_refused("over_limit", begin_batch, Refund, [1, 2], worth, by=desk.manager, saying="Manager, usage-based")


def test_leftover_credit_has_a_limit_for_batches_too(client: Client, desk: Desk) -> None:
    credits = [factories.leftover_credit(Decimal("25.01")) for _ in range(2)]
    rows = [propose_residual_payout(credit.pk, by=desk.clerk, reason="They left") for credit in credits]
    assert "50.02 EUR in one batch is over" in approve(client, desk.manager, rows)
    assert {row.state for row in ResidualCreditPayout.objects.all()} == {"proposed"}


def test_what_has_no_limits_needs_the_permission(client: Client, desk: Desk) -> None:
    rows = [propose_write_off(factories.invoice_to_pay().pk, by=desk.clerk, reason="Gone") for _ in range(2)]
    approve(client, desk.manager, rows)
    assert {row.state for row in WriteOff.objects.all()} == {"approved"}
    assert Event.objects.get(verb="batch.approve").data["worth"] == []
