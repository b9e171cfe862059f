"""``check_ledger`` on books of a few rows, each broken behind the product's back: see ``test_check_ledger.py``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from billing.credits.models import Credit
from billing.invoices.models import Invoice
from billing.payments.bank_lines.actions import match_bank_line
from billing.payments.disputes.actions import record_chargeback
from billing.payments.models import Payment
from billing.usage.actions import correct_usage
from billing.usage.models import UsageRecord
from complaints.cases.models import Assessment, Decision
from complaints.refunds.approvals.actions import approve_refund
from complaints.refunds.models import Approval, Contribution
from tests import factories
from tests.complaints.cases import Desk, dear_case, decided, propose, special
from tests.reports.books import ONE, breaches, raw, rules, set_raw

pytestmark = pytest.mark.django_db


def test_an_empty_database_passes() -> None:
    assert breaches() == []


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("seconds", -3601, "usage-below-zero"),
        ("external_id", "another", "usage-correction"),
        ("kind", "operation", "usage-correction"),
    ],
)
def test_usage_corrected_beside_itself(column: str, value: Any, rule: str) -> None:
    subscription = factories.open_subscription()
    factories.usage(subscription, seconds=3600, external_id="c-1")
    wrong = UsageRecord.objects.get()
    correct_usage(wrong.pk, by=factories.billing_clerk(), seconds=600, reason="A slip")
    assert breaches() == []
    changed = {"operation": "FORWARD", "seconds": 0, "quantity": 10000} if column == "kind" else {}
    set_raw(UsageRecord.objects.get(corrects=wrong), **{column: value, **changed})
    assert (rule, "usage another" if column == "external_id" else "usage c-1") in breaches()


@pytest.mark.slow
def test_payments_beyond_what_was_due_are_credits() -> None:
    clerk = factories.billing_clerk()
    subscription = factories.open_subscription()
    invoice = Invoice.objects.get()
    line = factories.bank_line(text="For S-1", amount="65.00")
    match_bank_line(line.pk, by=clerk, invoice_number=invoice.number, surplus_to_credit=True)
    payment, credit = Payment.objects.get(), Credit.objects.get()
    name = f"payment {payment.pk} of {invoice.number}"
    assert breaches() == []
    set_raw(credit, granted=raw(credit.granted) + ONE)
    assert breaches() == [("payment-surplus", name)]
    set_raw(credit, granted=raw(credit.granted), subscription_id=factories.open_subscription().pk)
    assert [rule for rule, _ in breaches()] == ["payment-surplus", "credit-whose"]
    set_raw(credit, subscription_id=subscription.pk, reversed=ONE)
    assert breaches() == [("payment-charged-back", name)]
    set_raw(credit, reversed=0)
    set_raw(line, amount=raw(line.amount) + ONE)
    assert breaches() == [("bank-line", f"bank line {line.pk}")]
    set_raw(line, amount=raw(line.amount))
    record_chargeback(payment.pk, by=clerk, taken_back_on=factories.today(), reason="Disputed")
    assert breaches() == []


@pytest.mark.slow
def test_approvals_were_given_by_the_right_that_they_name() -> None:
    desk = Desk(limits=True)
    delegation = factories.delegation(desk.manager, desk.lead)
    refund = propose(desk, decided(desk))
    approve_refund(refund.pk, by=desk.lead, choice=str(delegation.pk))
    assert breaches() == []
    wrong: tuple[dict[str, Any], ...] = (
        {"deputy_id": desk.director.pk},
        {"delegator_id": desk.director.pk},
        {"starts_on": factories.today() + timedelta(days=1)},
        {"ends_on": factories.days_ago(1), "starts_on": factories.days_ago(1)},
        {"state": "revoked", "revoked_at": factories.at(factories.days_ago(1))},
        {"given_at": factories.at(factories.today() + timedelta(days=1))},
    )
    for columns in wrong:
        before = {name: getattr(delegation, name) for name in columns}
        set_raw(delegation, **columns)
        assert breaches() == [("approval-right", f"refund {refund.code}")], columns
        set_raw(delegation, **before)
    assert breaches() == []


@pytest.mark.slow
def test_nobody_counts_twice_in_a_round() -> None:
    desk = Desk(limits=True)
    delegation = factories.delegation(desk.manager, desk.lead)
    refund = special(desk, dear_case(desk), "600.00")
    approve_refund(refund.pk, by=desk.lead)
    approve_refund(refund.pk, by=desk.director)
    assert breaches() == []
    set_raw(Approval.objects.get(approver=desk.director), approver_id=desk.manager.pk)
    assert rules() == {"approval-person-twice", "approval-own-hand", "approval-recorded"}
    assert delegation.pk


@pytest.mark.slow
@pytest.mark.parametrize("column", ["approver_id", "on_behalf_of_id"])
def test_who_had_a_hand_in_it_did_not_approve(column: str) -> None:
    desk = Desk(limits=True)
    factories.delegation(desk.manager, desk.lead)
    refund = special(desk, dear_case(desk), "300.00")
    approve_refund(refund.pk, by=desk.lead)
    set_raw(Approval.objects.get(), **{column: desk.colleague.pk})
    assert "approval-own-hand" not in rules()
    for part in (Contribution, Decision, Assessment):
        mine = part._default_manager.order_by("pk")[0]
        set_raw(mine, by_id=desk.colleague.pk)
        assert ("approval-own-hand", f"refund {refund.code}") in breaches()
        set_raw(mine, by_id=desk.agent.pk)
        assert "approval-own-hand" not in rules()
