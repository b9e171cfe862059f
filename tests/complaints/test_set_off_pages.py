"""Pages tell of set-off in full: 45.00 of 60.00 is paid, 20.00 refunded, 15.00 of it set off and 5.00 payable."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from accounts.staff.models import User
from audit.actions import Refused
from billing.documents.content import credit_note_document
from billing.invoices.models import Invoice
from billing.runs.actions import run_billing
from complaints.refunds.approvals.actions import approve_refund
from complaints.refunds.models import Refund
from complaints.reversals.actions import approve_reversal, propose_reversal
from tests import factories
from tests.company_life import clock_on
from tests.complaints.cases import APRIL, Desk, again, decided, propose, settled

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


def page(by: User, name: str, *args: Any) -> str:
    client = Client()
    client.force_login(by)
    return client.get(reverse(name, args=args)).content.decode()


def partly_paid(desk: Desk) -> tuple[Invoice, Any]:
    subscription = factories.open_subscription(activated_on=APRIL)
    invoice = factories.pay(Invoice.objects.get(period__subscription=subscription), Decimal("45.00"))
    return invoice, decided(desk, subscription=subscription, received_on=date(2024, 4, 20))


def test_refund_credit_note_and_invoice_name_each_other(desk: Desk) -> None:
    invoice, complaint = partly_paid(desk)
    refund = settled(desk, complaint)
    note = refund.credit_note
    assert (refund.total, refund.set_off) == (Decimal("20.00"), Decimal("15.00"))
    assert note is not None
    given = page(desk.agent, "admin:complaints_refund_change", refund.pk)
    assert "Set-off" in given
    assert invoice.number in given
    assert note.number in page(desk.agent, "admin:billing_invoice_change", invoice.pk)
    assert f"15.00 EUR of it set off against invoice {invoice.number}" in page(
        desk.agent, "admin:billing_creditnote_change", note.pk
    )
    assert credit_note_document(note).sums[-2:] == (("Of which set off", "15.00 EUR"), ("Payable", "5.00 EUR"))


def test_a_reversal_says_what_is_due_again(desk: Desk) -> None:
    invoice, complaint = partly_paid(desk)
    reversal = propose_reversal(settled(desk, complaint).pk, by=desk.agent, reason="Wrong")
    due_again = f"due again on invoice {invoice.number}"
    assert due_again in page(desk.director, "admin:complaints_reversal_change", reversal.pk)
    done = approve_reversal(reversal.pk, by=desk.director, charge_used=False)
    assert due_again in page(desk.director, "admin:complaints_reversal_change", reversal.pk)
    assert done.credit_note is not None
    assert credit_note_document(done.credit_note).sums[-1] == ("Of which due again", "15.00 EUR")


def test_a_refused_approval_shows_both_quotes(desk: Desk) -> None:
    invoice, complaint = partly_paid(desk)
    refund = propose(desk, complaint)
    factories.pay(invoice, Decimal("15.00"))
    client = Client()
    client.force_login(desk.manager)
    url = reverse("admin:complaints_refund_act", args=("approve",))
    answer = client.post(f"{url}?ids={refund.pk}", {"reason": "", "seen": "", "skipped": ""}).content.decode()
    assert again(refund).state == Refund.State.DRAFT
    # One row a line, both figures in it; those that differ are marked. All is paid now: nothing is set off.
    both = answer[answer.index("Quote as proposed and now") :]
    rows = [" ".join(strip_tags(row.replace("<td", " <td")).split()) for row in both.split("<tr")[1:]]
    assert sum("has changed" in row for row in rows) == 3
    [set_off] = [row for row in rows if "Set off against the unpaid fee" in row]
    assert set_off.endswith("has changed 15.00 EUR 0.00 EUR"), set_off
    assert "Quote as proposed and now" in page(desk.agent, "admin:complaints_refund_change", refund.pk)


def test_an_invoice_that_was_set_off_says_so(desk: Desk) -> None:
    invoice, complaint = partly_paid(desk)
    refund = settled(desk, complaint)
    shown = page(desk.agent, "admin:billing_invoice_change", invoice.pk)
    assert "Paid, part set off" in shown
    assert refund.code in shown[shown.index("Timeline") :]


def test_only_a_reversal_says_what_it_takes_back(desk: Desk) -> None:
    _, complaint = partly_paid(desk)
    refund = settled(desk, complaint)
    assert refund.credit_note is not None
    assert "Takes back" not in page(desk.agent, "admin:billing_creditnote_change", refund.credit_note.pk)
    reversal = propose_reversal(refund.pk, by=desk.agent, reason="Wrong")
    done = approve_reversal(reversal.pk, by=desk.director, charge_used=False)
    assert done.credit_note is not None
    taken = page(desk.agent, "admin:billing_creditnote_change", done.credit_note.pk)
    assert "Takes back" in taken
    assert refund.credit_note.number in taken


def test_the_live_quote_names_the_proposal_that_it_leaves_out(desk: Desk) -> None:
    _, complaint = partly_paid(desk)
    refund = propose(desk, complaint)
    shown = page(desk.agent, "admin:complaints_complaint_quote", complaint.pk)
    notice = shown[: shown.index("waits on this period: 20.00 EUR")]
    assert reverse("admin:complaints_refund_change", args=(refund.pk,)) in notice


def test_remedies_that_come_to_something_else_are_marked_beside_those_proposed(desk: Desk) -> None:
    with clock_on(date(2024, 4, 20)) as clock:
        subscription = factories.paid_subscription(activated_on=APRIL)
        complaint = decided(desk, subscription=subscription, received_on=date(2024, 4, 20))
        refund = propose(desk, complaint, remedies=[{"kind": "extension"}])
        factories.price(subscription.plan, fee=Decimal("120.00"), valid_from=date(2024, 5, 1))
        clock.now = factories.at(date(2024, 5, 1), 9)
        run_billing(date(2024, 5, 1), by=factories.system_user())
        with pytest.raises(Refused, match="have changed"):
            approve_refund(refund.pk, by=desk.manager)
    assert again(refund).state == Refund.State.DRAFT
    shown = page(desk.agent, "admin:complaints_refund_change", refund.pk)
    both = shown[shown.index("Quote as proposed and now") :]
    words = " ".join(strip_tags(both.replace("<td", " <td")).split())
    # 20.00 is 10 days of 60.00 for 30, and 5.17, rounded up, of 120.00 for 31.
    assert "Remedies has changed 20.00 EUR as 10 more days 20.00 EUR as 6 more days" in words
