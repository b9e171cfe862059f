"""Indemnities for late answers: how much, once per fault, and then the ordinary way of a refund (R5, R7)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.actions import Obstacle
from audit.models import Event
from billing.subscriptions.models import Subscription
from complaints.cases.decisions.actions import merge_complaints, reopen_complaint
from complaints.cases.models import Complaint, DeadlineBreach
from complaints.incidents.actions import record_incident
from complaints.indemnities.actions import draft_indemnity
from complaints.indemnities.rules import indemnity_for
from complaints.refunds.approvals.actions import approve_refund, reject_refund
from complaints.refunds.endings.actions import withdraw_refund
from complaints.refunds.models import Refund
from complaints.refunds.proposals.actions import edit_refund, propose_refund
from complaints.reversals.actions import approve_reversal, propose_reversal
from policies.parameters.parameters import RefundParameters
from tests import factories
from tests.complaints.cases import (
    Desk,
    State,
    again,
    complaint_in,
    decide,
    decided,
    draft,
    held,
    lines_of,
    policy_says,
    register,
    settled,
    spring_subscription,
    take_up,
    use_credit,
)
from tests.complaints.refusals import assert_refused
from tests.complaints.terms import agreed

pytestmark = pytest.mark.django_db

PER_DAY = {"EUR": "1.50"}


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


def paying(desk: Desk, *, fee: str = "60.00", **terms: Any) -> Subscription:
    """A subscription that began 40 days ago, a year paid, whose customer is indemnified at 1.50 a day."""
    subscription = factories.paid_subscription(
        activated_on=factories.days_ago(40), term="annual", agreed_fee=Decimal(fee)
    )
    return agreed(desk, subscription=subscription, **{"indemnity_per_day": PER_DAY, **terms})


def late_by(desk: Desk, days: int, subscription: Subscription | None = None, **registration: Any) -> Complaint:
    """A complaint that is decided today, so many days late: 14 are promised."""
    return decide(desk, take_up(desk, waiting(desk, days, subscription, **registration)))


def waiting(desk: Desk, days: int, subscription: Subscription | None = None, **registration: Any) -> Complaint:
    received = factories.at(factories.days_ago(14 + days), hour=10)
    return register(desk, subscription or paying(desk), received_at=received, **registration)


# --- How much -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "terms", "fee", "amount", "said"),
    [
        (1, {}, "60.00", "1.50", "1 day late at 1.50 EUR a day: 1.50 EUR"),
        (6, {}, "60.00", "9.00", "6 days late at 1.50 EUR a day: 9.00 EUR"),
        (6, {"indemnity_maximum": {"EUR": "9.00"}}, "60.00", "9.00", "a day: 9.00 EUR"),
        (6, {"indemnity_maximum": {"EUR": "8.99"}}, "60.00", "8.99", "cut to the most for one delay: 8.99 EUR"),
        (6, {}, "7.00", "7.00", "cut to the period's fee: 7.00 EUR"),
        (6, {"indemnity_maximum": {"EUR": "8.00"}}, "7.00", "7.00", "cut to the period's fee: 7.00 EUR"),
        (6, {"indemnity_per_day": {"EUR": "0.01", "USD": "9.00"}}, "60.00", "0.06", "0.06 EUR"),
    ],
)
def test_the_days_late_are_worth_what_the_terms_say(
    desk: Desk, days: int, terms: dict[str, Any], fee: str, amount: str, said: str
) -> None:
    complaint = late_by(desk, days, paying(desk, fee=fee, **terms))
    refund = draft_indemnity(complaint.pk, by=desk.agent)
    breach = DeadlineBreach.objects.get(complaint=complaint, deadline="decide")
    assert (refund.basis, refund.state, refund.special_amount) == ("special", "draft", Decimal(amount))
    assert (refund.indemnity_for, refund.fault) == (breach, f"complaint {complaint.code}")
    assert refund.justification.startswith("Indemnity for a late answer:")
    assert said in refund.justification
    assert complaint.code in refund.evidence
    assert f"{timezone.localtime(breach.due_at):%Y-%m-%d}" in refund.evidence
    event = Event.objects.get(verb="refund.draft_indemnity")
    assert event.data == {"days_late": days, "breach": breach.pk, "fault": refund.fault}
    assert again(refund).indemnity_for == breach


def test_what_was_refunded_already_limits_it(desk: Desk) -> None:
    complaint = late_by(desk, 6)
    settled(desk, complaint, "special", special_amount=Decimal("55.00"))
    refund = draft_indemnity(complaint.pk, by=desk.agent)
    assert refund.special_amount == Decimal("5.00")
    assert "cut to what can still be refunded" in refund.justification
    withdraw_refund(refund.pk, by=desk.agent, reason="Later")
    settled(desk, complaint, "special", special_amount=Decimal("5.00"))
    assert_refused("nothing", draft_indemnity, complaint.pk, by=desk.agent)


def test_it_goes_the_ordinary_way_to_the_customer(desk: Desk) -> None:
    complaint = late_by(desk, 6)
    refund = draft_indemnity(complaint.pk, by=desk.agent, remedies=[{"kind": "minutes"}])
    propose_refund(refund.pk, by=desk.agent, reason="We were late")
    assert held(complaint.period) == (Decimal("9.00"), Decimal(0))
    assert_refused(
        "own_proposal", approve_refund, refund.pk, by=desk.agent
    ) if desk.agent.role_name == "Manager" else None
    assert_refused("permission", approve_refund, refund.pk, by=desk.lead)
    approve_refund(refund.pk, by=desk.manager)
    done = again(refund)
    assert (done.state, lines_of(done), done.remedies.get().kind) == ("settled", ["special 9.00"], "minutes")


def test_the_proposals_hash_covers_what_it_is_for(desk: Desk) -> None:
    complaint = late_by(desk, 6)
    refund = propose_refund(draft_indemnity(complaint.pk, by=desk.agent).pk, by=desk.agent, reason="We were late")
    refund.fault = "another"
    refund.save()
    assert_refused("tampered", approve_refund, refund.pk, by=desk.manager)


# --- Why not ------------------------------------------------------------------------------------


def test_an_answer_in_time_is_worth_nothing(desk: Desk) -> None:
    """On the last day, and late only in acknowledging."""
    complaint = late_by(desk, 0)
    assert {breach.deadline for breach in DeadlineBreach.objects.filter(complaint=complaint)} == {"acknowledge"}
    assert_refused("in_time", draft_indemnity, complaint.pk, by=desk.agent, saying="decided in time")


def test_terms_without_an_indemnity_give_none(desk: Desk) -> None:
    assert_refused("no_indemnity", draft_indemnity, decided(desk).pk, by=desk.agent, saying="Refund policy")
    elsewhere = late_by(desk, 6, paying(desk, indemnity_per_day={"USD": "2.00"}))
    assert_refused("no_indemnity", draft_indemnity, elsewhere.pk, by=desk.agent, saying="Key account")


@pytest.mark.parametrize(
    "state", [State.REGISTERED, State.IN_REVIEW, State.WAITING, State.CLOSED, State.WITHDRAWN, State.MERGED]
)
def test_only_a_decided_case_has_one(desk: Desk, state: str) -> None:
    complaint = complaint_in(desk, state, subscription=agreed(desk, indemnity_per_day=PER_DAY))
    assert_refused("state", draft_indemnity, complaint.pk, by=desk.agent)


@pytest.mark.parametrize("state", [State.DECIDED, State.COMMUNICATED])
def test_a_rejected_complaint_was_answered_late_all_the_same(desk: Desk, state: str) -> None:
    complaint = complaint_in(desk, state, subscription=agreed(desk, indemnity_per_day=PER_DAY))
    decide(desk, complaint, "rejected")
    assert draft_indemnity(complaint.pk, by=desk.agent).special_amount == Decimal("60.00")


def test_who_may_not(desk: Desk) -> None:
    complaint = late_by(desk, 6)
    for person in (desk.clerk, desk.auditor, desk.administrator):
        assert_refused("permission", draft_indemnity, complaint.pk, by=person)
    desk.colleague.customer = complaint.customer
    desk.colleague.save()
    assert_refused("linked", draft_indemnity, complaint.pk, by=desk.colleague)
    assert_refused("missing", draft_indemnity, 987654, by=desk.agent)
    assert draft_indemnity(complaint.pk, by=desk.lead).drafted_by == desk.lead


def test_hardware_and_a_policy_without_special_cases(desk: Desk) -> None:
    hardware = late_by(desk, 6, category="hardware")
    assert_refused("F8", draft_indemnity, hardware.pk, by=desk.agent)
    none = late_by(desk, 6, paying(desk, bases=["usage"]))
    assert_refused("basis", draft_indemnity, none.pk, by=desk.agent)


def test_another_open_refund_of_the_case_comes_first(desk: Desk) -> None:
    complaint = late_by(desk, 6)
    other = draft_indemnity(complaint.pk, by=desk.agent)
    withdraw_refund(other.pk, by=desk.agent, reason="Later")
    usage = draft(desk, complaint)
    assert_refused("open_refund", draft_indemnity, complaint.pk, by=desk.agent, saying=usage.code)


# --- Once per fault -----------------------------------------------------------------------------

type End = Callable[[Desk, Refund], object]


def _settle(desk: Desk, refund: Refund) -> None:
    propose_refund(refund.pk, by=desk.agent, reason="We were late")
    approve_refund(refund.pk, by=desk.manager)


def _reject(desk: Desk, refund: Refund) -> None:
    propose_refund(refund.pk, by=desk.agent, reason="We were late")
    reject_refund(refund.pk, by=desk.manager, reason="Not this way")


def _reverse(desk: Desk, refund: Refund) -> None:
    _settle(desk, refund)
    reversal = propose_reversal(refund.pk, by=desk.manager, reason="A mistake")
    approve_reversal(reversal.pk, by=desk.director, charge_used=False)


@pytest.mark.parametrize(
    ("end", "again_possible"),
    [
        (lambda desk, refund: None, False),
        (lambda desk, refund: propose_refund(refund.pk, by=desk.agent, reason="We were late"), False),
        (_settle, False),
        (_reject, True),
        (lambda desk, refund: withdraw_refund(refund.pk, by=desk.agent, reason="A mistake"), True),
        (_reverse, True),
    ],
)
def test_a_fault_is_made_good_once(desk: Desk, end: End, again_possible: bool) -> None:
    complaint = late_by(desk, 6)
    first = draft_indemnity(complaint.pk, by=desk.agent)
    end(desk, first)
    if again_possible:
        second = draft_indemnity(complaint.pk, by=desk.agent)
        assert (second.fault, second.special_amount) == (first.fault, Decimal("9.00"))
    else:
        assert_refused("fault_indemnified", draft_indemnity, complaint.pk, by=desk.agent, saying=first.code)


@pytest.mark.parametrize(
    ("used", "charged", "again_worth"),
    [("10.00", False, "10.00"), ("10.00", True, "20.00"), (None, False, "20.00")],
    ids=["half is left", "what was used is charged", "all came back"],
)
def test_a_reversal_frees_what_it_took_back_and_no_more(
    desk: Desk, used: str | None, charged: bool, again_worth: str
) -> None:
    policy_says(date(2023, 1, 1), indemnity_per_day={"EUR": "5.00"}, indemnity_maximum={"EUR": "20.00"})
    subscription = spring_subscription()
    complaint = decided(desk, subscription=subscription)
    refund = draft_indemnity(complaint.pk, by=desk.agent)
    assert refund.special_amount == Decimal("20.00")
    _settle(desk, refund)
    if used is not None:
        use_credit(desk, subscription, used)
    reversal = propose_reversal(refund.pk, by=desk.agent, reason="Wrong")
    approve_reversal(reversal.pk, by=desk.director, charge_used=charged)
    second = draft_indemnity(complaint.pk, by=desk.agent)
    assert second.special_amount == Decimal(again_worth)
    more: dict[str, Any] = {
        "special_amount": Decimal(again_worth) + Decimal("0.01"),
        "justification": "x",
        "evidence": "x",
    }
    assert_refused("indemnity", edit_refund, second.pk, by=desk.agent, **more)


def test_late_again_after_a_reopening_is_the_same_fault(desk: Desk) -> None:
    complaint = late_by(desk, 6)
    _settle(desk, draft_indemnity(complaint.pk, by=desk.agent))
    reopen_complaint(complaint.pk, by=desk.lead, reason="New facts", now=timezone.now() - timedelta(days=17))
    decide(desk, complaint)
    assert DeadlineBreach.objects.filter(complaint=complaint, deadline="decide").count() == 2
    assert_refused("fault_indemnified", draft_indemnity, complaint.pk, by=desk.agent)


@pytest.mark.parametrize("indemnified_first", [True, False])
def test_merged_complaints_are_one_fault(desk: Desk, indemnified_first: bool) -> None:
    subscription = paying(desk)
    one, two = late_by(desk, 6, subscription), late_by(desk, 4, subscription)
    merged, survivor = (one, two) if indemnified_first else (two, one)
    _settle(desk, draft_indemnity(one.pk, by=desk.agent))
    third = waiting(desk, 2, subscription)
    merge_complaints(merged.pk, by=desk.lead, into_id=survivor.pk, reason="The same matter")
    assert_refused("fault_indemnified", draft_indemnity, survivor.pk, by=desk.agent)
    # And by way of a third.
    merge_complaints(survivor.pk, by=desk.lead, into_id=third.pk, reason="The same matter")
    decide(desk, take_up(desk, third))
    assert_refused("fault_indemnified", draft_indemnity, third.pk, by=desk.agent)


def test_a_survivor_is_late_by_what_was_merged_into_it(desk: Desk) -> None:
    subscription = paying(desk)
    early, late = waiting(desk, 8, subscription), waiting(desk, 3, subscription)
    merge_complaints(early.pk, by=desk.lead, into_id=late.pk, reason="The same matter")
    refund = draft_indemnity(decide(desk, take_up(desk, late)).pk, by=desk.agent)
    assert refund.special_amount == Decimal("12.00")
    assert refund.fault == f"complaint {early.code}"


def test_two_complaints_about_one_incident_are_one_fault(desk: Desk) -> None:
    subscription = paying(desk)
    incident = record_incident(
        by=desk.lead,
        title="Exchange down",
        starts_at=factories.at(factories.days_ago(30)),
        ends_at=factories.at(factories.days_ago(29)),
        hits_everybody=True,
    )
    first = late_by(desk, 6, subscription, category="interruption")
    second = late_by(desk, 4, subscription, category="interruption")
    about_something_else = late_by(desk, 4, subscription, category="billing")
    other_customer = late_by(desk, 4, paying(desk), category="interruption")
    refund = draft_indemnity(first.pk, by=desk.agent)
    assert refund.fault == f"incident {incident.code}, {subscription.number}"
    assert_refused("fault_indemnified", draft_indemnity, second.pk, by=desk.agent, saying=incident.code)
    assert draft_indemnity(about_something_else.pk, by=desk.agent).fault == f"complaint {about_something_else.code}"
    assert draft_indemnity(other_customer.pk, by=desk.agent).indemnity_for is not None


def test_maintenance_and_what_came_after_the_complaint_are_no_incident_of_it(desk: Desk) -> None:
    subscription = paying(desk)
    for days, scheduled in ((30, True), (2, False)):
        record_incident(
            by=desk.lead,
            title="Down",
            starts_at=factories.at(factories.days_ago(days)),
            ends_at=factories.at(factories.days_ago(days - 1)),
            scheduled=scheduled,
            hits_everybody=True,
        )
    complaint = late_by(desk, 6, subscription, category="interruption")
    assert draft_indemnity(complaint.pk, by=desk.agent).fault == f"complaint {complaint.code}"


def test_the_database_lets_a_fault_be_made_good_once(desk: Desk) -> None:
    first = draft_indemnity(late_by(desk, 6).pk, by=desk.agent)
    second = draft_indemnity(late_by(desk, 6).pk, by=desk.agent)
    for changes in ({"fault": first.fault}, {"fault": ""}, {"basis": "usage", "special_amount": None}):
        row = again(second)
        for name, value in changes.items():
            setattr(row, name, value)
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save()


# --- Editing ------------------------------------------------------------------------------------


def test_an_edit_can_make_it_less_but_not_more_nor_something_else(desk: Desk) -> None:
    complaint = late_by(desk, 6)
    refund = draft_indemnity(complaint.pk, by=desk.agent)

    def edit(amount: str | None, **changes: Any) -> Refund:
        return edit_refund(
            refund.pk,
            by=desk.agent,
            special_amount=None if amount is None else Decimal(amount),
            justification=refund.justification,
            evidence=refund.evidence,
            **changes,
        )

    assert_refused("indemnity", edit, "9.01", saying="9.00 EUR at most")
    assert_refused("indemnity", edit, None, basis="usage")
    assert edit("8.00").special_amount == Decimal("8.00")
    assert edit("9.00", basis="special").special_amount == Decimal("9.00")
    assert again(refund).indemnity_for is not None


# --- What the page shows ------------------------------------------------------------------------


def test_the_obstacle_is_the_same_before_and_in_the_action(desk: Desk) -> None:
    complaint = late_by(desk, 0)
    found = indemnity_for(complaint, desk.agent)
    assert isinstance(found, Obstacle)
    refusal = assert_refused("in_time", draft_indemnity, complaint.pk, by=desk.agent)
    assert (str(found), found.code) == (refusal.message, refusal.code)


@pytest.mark.parametrize(
    ("days", "currency", "amount"),
    [(1, "EUR", "1.50"), (4, "EUR", "6.00"), (7, "EUR", "10.00"), (7, "JPY", "70"), (1, "USD", None)],
)
def test_the_terms_alone(days: int, currency: str, amount: str | None) -> None:
    terms = RefundParameters(indemnity_per_day={**PER_DAY, "JPY": "10"}, indemnity_maximum={"EUR": "10.00"})
    assert terms.indemnity_for(days, currency) == (None if amount is None else Decimal(amount))
    with pytest.raises(ValueError, match="no delay"):
        terms.indemnity_for(0, currency)
