"""Taking a settled refund back: by two people, with counter-entries, and never at the cost of a past period."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from audit.ledger_checks import run_checks
from billing.credits.models import Credit
from billing.invoices.charges.actions import ask_for_charges
from billing.invoices.models import Charge, CreditNote, Invoice
from billing.payouts.actions import mark_payout_failed, mark_payout_paid, turn_payout_into_credit
from billing.payouts.models import Payout
from billing.remedies.models import Extension, MinutesGrant
from billing.residual_credits.actions import approve_residual_payout, propose_residual_payout
from billing.subscriptions.cancellations.actions import cancel_subscription
from billing.subscriptions.models import Subscription
from complaints.cases.decisions.actions import reopen_complaint
from complaints.cases.models import Complaint
from complaints.refunds.models import Refund
from complaints.reversals.actions import approve_reversal, propose_reversal, reject_reversal, withdraw_reversal
from complaints.reversals.models import Reversal
from complaints.reversals.plan import plan_reversal
from reports.management.commands.check_ledger import CHECKS
from tests import factories
from tests.company_life import clock_on
from tests.complaints.cases import Desk, again, decide, decided, settled
from tests.complaints.refusals import assert_refused
from tests.money_invariants import check_money

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    factories.approval_limits()
    return Desk()


def running(**kwargs: Any) -> Subscription:
    """A paid subscription whose current period began ten days ago."""
    return factories.paid_subscription(activated_on=factories.days_ago(10), **kwargs)


def settled_refund(desk: Desk, *kinds: str, subscription: Subscription | None = None) -> Refund:
    complaint = decided(desk, subscription=subscription or running(), received_at=timezone.now())
    remedies = [{"kind": kind, "amount": "2.00"} for kind in kinds[:-1]] + [{"kind": kinds[-1]}]
    return settled(desk, complaint, remedies=remedies)


def reverse(desk: Desk, refund: Refund, *, charge_used: bool = False) -> Reversal:
    reversal = propose_reversal(refund.pk, by=desk.agent, reason="Granted to the wrong customer")
    return approve_reversal(reversal.pk, by=desk.director, charge_used=charge_used)


def test_unused_credit_is_taken_back_whole(desk: Desk) -> None:
    refund = settled_refund(desk, "credit")
    before = again(refund.period).refunded
    reversal = reverse(desk, refund)
    credit = Credit.objects.get()
    assert (credit.granted, credit.reversed, credit.remaining) == (refund.total, refund.total, Decimal(0))
    assert (reversal.recovered, reversal.used, reversal.charge) == (refund.total, Decimal(0), None)
    assert again(refund).state == Refund.State.REVERSED
    assert again(refund.period).refunded == before - refund.total
    assert again(refund).lines == refund.lines  # the original stays as it was


def test_the_reversal_has_a_credit_note_that_names_the_refunds(desk: Desk) -> None:
    refund = settled_refund(desk, "credit")
    note = again(refund).credit_note
    assert note is not None
    assert note.gross == refund.total
    reversal = reverse(desk, refund)
    assert reversal.credit_note is not None
    assert (reversal.credit_note.reverses, reversal.credit_note.kind) == (note, CreditNote.Kind.REVERSAL)


def use_up_credit(subscription: Subscription) -> Invoice:
    """Bill the next period, so that the credit is applied."""
    period = subscription.current_period()
    assert period is not None
    factories.bill(period.closes_on, by=factories.system_user())
    return Invoice.objects.get(period__subscription=subscription, period__sequence=period.sequence + 1)


def test_used_credit_is_charged_only_if_the_approver_says_so(desk: Desk) -> None:
    subscription = running()
    refund = settled_refund(desk, "credit", subscription=subscription)
    use_up_credit(subscription)
    assert plan_reversal(refund).used == refund.total
    reversal = propose_reversal(refund.pk, by=desk.agent, reason="Wrong customer", charge_used=True)
    assert_refused("nothing", approve_reversal, reversal.pk, by=desk.director, charge_used=False)
    approved = approve_reversal(reversal.pk, by=desk.director, charge_used=True)
    charge = Charge.objects.get()
    assert (charge.amount, charge.invoiced_on, approved.charge) == (refund.total, None, charge)
    assert again(refund.period).refunded == 0


def test_what_the_customer_keeps_still_counts_as_refunded(desk: Desk) -> None:
    subscription = running()
    refund = settled_refund(desk, "minutes", "credit", subscription=subscription)
    use_up_credit(subscription)  # the credit is used, and the minutes are spoken
    granted = MinutesGrant.objects.get()
    factories.usage(subscription, day=granted.granted_on, seconds=60 * granted.minutes)
    other = settled_refund(desk, "credit", subscription=running())
    assert plan_reversal(refund).recovered == 0
    assert plan_reversal(other).used == 0
    assert again(refund.period).refunded == refund.total


def test_minutes_not_used_yet_are_taken_back_and_no_more(desk: Desk) -> None:
    subscription = running()
    refund = settled_refund(desk, "minutes", subscription=subscription)
    grant = MinutesGrant.objects.get()
    period = again(grant.period)
    # Before the grant the allowance is used; from its day on granted minutes go first.
    factories.usage(subscription, day=factories.days_ago(1), seconds=60 * (period.included_minutes + 10))
    factories.usage(subscription, day=grant.granted_on, seconds=60 * 10 - 1)
    reversal = reverse(desk, refund)
    assert MinutesGrant.objects.get().reversed_minutes == grant.minutes - 10
    assert 0 < reversal.used < refund.total
    assert reversal.recovered + reversal.used == refund.total


def test_days_that_have_not_begun_are_taken_back_and_the_anchor_returns(desk: Desk) -> None:
    subscription = factories.paid_subscription(activated_on=factories.days_ago(10))
    ends = subscription.periods.get().ends_on
    refund = settled_refund(desk, "extension", subscription=subscription)
    assert again(subscription).anchor_on > ends
    reverse(desk, refund)
    after = again(subscription)
    assert (after.anchor_on, after.anchor_sequence) == (subscription.activated_on, 0)
    period = subscription.periods.get()
    assert (period.ends_on, period.closes_on, period.extension_days) == (ends, ends, 0)
    assert Extension.objects.get().reversed_days == Extension.objects.get().days


def test_a_past_period_never_becomes_shorter(desk: Desk) -> None:
    subscription = running()
    refund = settled_refund(desk, "extension", subscription=subscription)
    period = again(refund.period)
    factories.bill(period.closes_on, by=factories.system_user())
    plan = plan_reversal(refund, today=period.closes_on)
    assert (plan.recovered, plan.entries[0].back.undone) == (Decimal(0), 0)


def test_within_an_extension_only_the_days_to_come_are_undone(desk: Desk) -> None:
    refund = settled_refund(desk, "extension", subscription=running())
    extension = Extension.objects.get()
    today: date = extension.closed_on_before + timedelta(days=1)  # two of its days have begun
    assert plan_reversal(refund, today=today).entries[0].back.undone == max(0, extension.days - 2)


@pytest.mark.parametrize("state", [Payout.State.PENDING, Payout.State.FAILED])
def test_cash_that_was_not_paid_is_stopped(desk: Desk, state: str) -> None:
    refund = settled_refund(desk, "cash")
    payout = Payout.objects.get()
    payout.state, payout.failure = state, "unknown account" if state == Payout.State.FAILED else ""
    payout.save()
    reversal = reverse(desk, refund)
    assert (Payout.objects.get().state, reversal.recovered) == (Payout.State.CANCELLED, refund.total)


# --- What a failed payout became, and what was to be paid out of a credit ------------------------


def failed_into_credit(desk: Desk, subscription: Subscription) -> tuple[Refund, Credit]:
    """A refund in cash that the bank could not pay, given as a credit instead."""
    refund = settled_refund(desk, "cash", subscription=subscription)
    payout = Payout.objects.get()
    mark_payout_failed(payout.pk, by=desk.clerk, reason="The account is closed")
    return refund, turn_payout_into_credit(payout.pk, by=desk.clerk, reason="They agreed")


def test_the_credit_that_a_failed_payout_became_is_taken_back_first(desk: Desk) -> None:
    refund, credit = failed_into_credit(desk, running())
    assert Payout.objects.get().credit == credit
    assert plan_reversal(refund).recovered == refund.total
    reversal = reverse(desk, refund)
    credit.refresh_from_db()
    assert (credit.reversed, credit.remaining) == (refund.total, Decimal(0))
    assert (reversal.recovered, reversal.used, Payout.objects.get().state) == (refund.total, 0, Payout.State.CREDITED)
    assert again(refund.period).refunded == 0
    check_money()
    assert list(run_checks(CHECKS)) == []


def test_what_was_used_of_such_a_credit_is_charged(desk: Desk) -> None:
    subscription = running()
    refund, credit = failed_into_credit(desk, subscription)
    use_up_credit(subscription)
    reversal = reverse(desk, refund, charge_used=True)
    assert (reversal.recovered, reversal.used) == (Decimal(0), refund.total)
    assert Charge.objects.get().amount == refund.total
    credit.refresh_from_db()
    assert credit.reversed == 0


def ended_with_credit(desk: Desk) -> tuple[Refund, Credit]:
    """A refund as a credit, on a subscription that was cancelled and ended before its next invoice."""
    subscription = running()
    refund = settled_refund(desk, "credit", subscription=subscription)
    cancel_subscription(subscription.pk, by=desk.agent, channel="email")
    factories.bill(subscription.periods.get().closes_on, by=desk.system)
    return Refund.objects.get(pk=refund.pk), Credit.objects.get()


@pytest.mark.parametrize("failed", [False, True])
def test_a_leftover_payout_that_is_not_paid_is_stopped(desk: Desk, failed: bool) -> None:
    refund, credit = ended_with_credit(desk)
    part = propose_residual_payout(credit.pk, by=desk.clerk, reason="They asked", amount=Decimal("10.00"))
    payout = approve_residual_payout(part.pk, by=desk.manager).payout
    assert payout is not None
    if failed:
        mark_payout_failed(payout.pk, by=desk.clerk, reason="The account is closed")
    rest = propose_residual_payout(credit.pk, by=desk.clerk, reason="The rest")
    plan = plan_reversal(refund)
    assert (plan.recovered, plan.entries[0].back.why) == (
        refund.total,
        "what is left of the credit is taken back, its payout is stopped",
    )
    reverse(desk, refund)
    credit.refresh_from_db()
    payout.refresh_from_db()
    rest.refresh_from_db()
    assert (credit.reversed, credit.paid_out, credit.remaining) == (refund.total, Decimal(0), Decimal(0))
    assert (payout.state, rest.state, rest.decided_by) == ("cancelled", "withdrawn", desk.director)
    assert_refused("state", mark_payout_paid, payout.pk, by=desk.clerk, reference="B-1", paid_on=factories.today())
    check_money()
    assert list(run_checks(CHECKS)) == []


def test_a_leftover_payout_that_was_paid_is_used_and_charged_where_no_invoice_follows(desk: Desk) -> None:
    refund, credit = ended_with_credit(desk)
    leftover = propose_residual_payout(credit.pk, by=desk.clerk, reason="They asked", amount=Decimal("10.00"))
    payout = approve_residual_payout(leftover.pk, by=desk.manager).payout
    assert payout is not None
    mark_payout_paid(payout.pk, by=desk.clerk, reference="B-1", paid_on=factories.today())
    reversal = reverse(desk, refund, charge_used=True)
    assert (reversal.recovered, reversal.used) == (refund.total - 10, Decimal("10.00"))
    charge = Charge.objects.get()
    invoice = ask_for_charges(charge.pk, by=desk.clerk)
    assert (invoice.gross, invoice.charges_of) == (Decimal("10.00"), refund.subscription)
    check_money()
    assert list(run_checks(CHECKS)) == []


# --- Late billing -------------------------------------------------------------------------------


def test_a_period_that_is_over_keeps_its_days_though_billing_is_late(desk: Desk) -> None:
    refund = settled_refund(desk, "extension", subscription=running())
    period = again(refund.period)
    assert plan_reversal(refund, today=period.closes_on - timedelta(days=2)).recovered > 0
    plan = plan_reversal(refund, today=period.closes_on)
    assert (plan.recovered, plan.entries[0].back.undone) == (Decimal(0), 0)
    with clock_on(period.closes_on):
        reversal = propose_reversal(refund.pk, by=desk.agent, reason="Wrong customer")
        assert_refused("nothing", approve_reversal, reversal.pk, by=desk.director, charge_used=False)
    assert again(period).closes_on == period.closes_on


def test_granted_minutes_end_with_the_period_after_the_one_that_received_them(desk: Desk) -> None:
    refund = settled_refund(desk, "minutes", subscription=running())
    period = again(refund.period)
    factories.bill(period.closes_on, by=desk.clerk)
    following = refund.subscription.periods.get(sequence=period.sequence + 1)
    assert plan_reversal(refund, today=following.closes_on - timedelta(days=1)).recovered == refund.total
    plan = plan_reversal(refund, today=following.closes_on)
    assert (plan.recovered, plan.entries[0].back.undone) == (Decimal(0), 0)
    with clock_on(following.closes_on):
        reversal = propose_reversal(refund.pk, by=desk.agent, reason="Wrong customer")
        assert_refused("nothing", approve_reversal, reversal.pk, by=desk.director, charge_used=False)


def test_a_reversed_amount_can_be_refunded_again(desk: Desk) -> None:
    subscription = running()
    refund = settled_refund(desk, "credit", subscription=subscription)
    reverse(desk, refund)
    second = settled_refund(desk, "credit", subscription=subscription)
    assert second.total == refund.total


def test_the_proposer_does_not_approve(desk: Desk) -> None:
    refund = settled_refund(desk, "credit")
    reversal = propose_reversal(refund.pk, by=desk.manager, reason="Wrong")
    assert_refused("own_proposal", approve_reversal, reversal.pk, by=desk.manager, charge_used=False)


def test_only_a_manager_approves_and_within_the_limit(desk: Desk) -> None:
    refund = settled_refund(desk, "credit")
    reversal = propose_reversal(refund.pk, by=desk.agent, reason="Wrong")
    assert_refused("permission", approve_reversal, reversal.pk, by=desk.lead, charge_used=False)
    factories.ApprovalLimitFactory.create(
        role=desk.director.role, subject="reversal", amount=Decimal("0.01"), valid_from=factories.today()
    )
    assert_refused("over_limit", approve_reversal, reversal.pk, by=desk.director, charge_used=False)


def test_nobody_linked_to_the_customer_has_a_hand_in_it(desk: Desk) -> None:
    refund = settled_refund(desk, "credit")
    linked = factories.manager(customer=refund.customer)
    assert_refused("linked", propose_reversal, refund.pk, by=linked, reason="Wrong")
    reversal = propose_reversal(refund.pk, by=desk.agent, reason="Wrong")
    assert_refused("linked", approve_reversal, reversal.pk, by=linked, charge_used=False)


def test_a_refund_is_reversed_once(desk: Desk) -> None:
    refund = settled_refund(desk, "credit")
    first = propose_reversal(refund.pk, by=desk.agent, reason="Wrong")
    assert_refused("open_reversal", propose_reversal, refund.pk, by=desk.lead, reason="Wrong")
    approve_reversal(first.pk, by=desk.director, charge_used=False)
    assert_refused("state", propose_reversal, refund.pk, by=desk.lead, reason="Wrong")
    assert_refused("state", approve_reversal, first.pk, by=desk.manager, charge_used=False)


def test_rejected_and_withdrawn_reversals_change_nothing_of_the_refund(desk: Desk) -> None:
    refund = settled_refund(desk, "credit")
    first = propose_reversal(refund.pk, by=desk.agent, reason="Wrong")
    assert reject_reversal(first.pk, by=desk.director, reason="It was right").state == Reversal.State.REJECTED
    second = propose_reversal(refund.pk, by=desk.agent, reason="Still wrong")
    assert_refused("permission", withdraw_reversal, second.pk, by=desk.colleague, reason="Not mine")
    assert withdraw_reversal(second.pk, by=desk.agent, reason="Mistaken").state == Reversal.State.WITHDRAWN
    assert again(refund).state == Refund.State.SETTLED
    assert Credit.objects.get().reversed == 0


def test_a_case_that_is_rejected_at_the_moment_of_its_settlement_leaves_right_books() -> None:
    """Of two decisions of one moment nobody can tell which came first: the one that upheld will do."""
    with clock_on(date(2024, 4, 10)):
        desk = Desk(limits=True)
        refund = settled(desk, decided(desk))
        reopen_complaint(refund.complaint_id, by=desk.lead, reason="News")
        decide(desk, Complaint.objects.get(pk=refund.complaint_id), "rejected")
        assert [breach for breach in run_checks(CHECKS) if breach.rule == "refund-decision"] == []
