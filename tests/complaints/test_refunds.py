"""A refund's life up to its approval: what each step needs and leaves, and what the database itself keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.staff.models import User
from audit.models import Event
from billing.runs.actions import run_billing
from complaints.cases.models import Complaint
from complaints.quotes.quoting import content_hash, refund_content
from complaints.refunds.approvals.actions import approve_refund, reject_refund, return_refund
from complaints.refunds.endings.actions import expire_refund, revoke_refund, withdraw_refund
from complaints.refunds.models import Contribution, Refund
from complaints.refunds.proposals.actions import draft_refund, edit_refund, propose_refund, quote_and_propose
from tests import factories
from tests.complaints.cases import (
    LONG_LATER,
    Desk,
    again,
    dear_case,
    decide,
    decided,
    draft,
    held,
    lines_of,
    noon,
    propose,
    refund_in,
    register,
    settled,
    special,
    spring_subscription,
    take_up,
)
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db

NOTHING = Decimal(0)
State = Refund.State


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


# --- Every step in every state ------------------------------------------------------------------

type Step = Callable[[Desk, Refund], object]

STEPS: Mapping[str, Step] = {
    "edit": lambda desk, r: edit_refund(
        r.pk, by=desk.agent, special_amount=Decimal("550.00"), justification="Lost trade", evidence="The log"
    ),
    "propose": lambda desk, r: propose_refund(r.pk, by=desk.agent, reason="The log"),
    "approve": lambda desk, r: approve_refund(r.pk, by=desk.director),
    "return": lambda desk, r: return_refund(r.pk, by=desk.director, reason="Too much"),
    "reject": lambda desk, r: reject_refund(r.pk, by=desk.director, reason="Too much"),
    "withdraw": lambda desk, r: withdraw_refund(r.pk, by=desk.agent, reason="A mistake"),
    "withdraw another's": lambda desk, r: withdraw_refund(r.pk, by=desk.lead, reason="They are ill"),
    "revoke": lambda desk, r: revoke_refund(r.pk, by=desk.director, reason="Wrong customer"),
    "expire": lambda desk, r: expire_refund(r.pk, by=desk.system, today=LONG_LATER),
}
#: step -> {state: state afterwards}; from every other state it is refused.
AFTER: Mapping[str, Mapping[str, str]] = {
    "edit": {State.DRAFT: State.DRAFT},
    "propose": {State.DRAFT: State.PROPOSED},
    "approve": {State.PROPOSED: State.APPROVED, State.APPROVED: State.SETTLED},
    "return": dict.fromkeys((State.PROPOSED, State.APPROVED), State.DRAFT),
    "reject": dict.fromkeys((State.PROPOSED, State.APPROVED), State.REJECTED),
    "withdraw": dict.fromkeys((State.DRAFT, State.PROPOSED), State.WITHDRAWN),
    "withdraw another's": dict.fromkeys((State.DRAFT, State.PROPOSED), State.WITHDRAWN),
    "revoke": {State.APPROVED: State.REVOKED},
    "expire": dict.fromkeys(Refund.OPEN_STATES, State.EXPIRED),
}
#: What stands against the period of a refund of 600.00 in the state: (pending, refunded).
STANDS = {
    State.PROPOSED: (Decimal("600.00"), NOTHING),
    State.APPROVED: (Decimal("600.00"), NOTHING),
    State.SETTLED: (NOTHING, Decimal("600.00")),
}


@pytest.mark.parametrize("state", State.values)
def test_every_step_from_every_state(desk: Desk, state: str, subtests: pytest.Subtests) -> None:
    assert set(AFTER) == set(STEPS)
    if state == State.REVERSED:
        # A reversal leads there (test_reversals.py); no step leads away.
        refund = refund_in(desk, State.SETTLED)
        refund.state = state
        refund.save()
    else:
        refund = refund_in(desk, state)
        assert held(refund.period) == STANDS.get(State(state), (NOTHING, NOTHING))
    for name, step in STEPS.items():
        with subtests.test(step=name):
            if state not in AFTER[name]:
                assert_refused("state", step, desk, refund, saying=refund.code)
                continue
            with transaction.atomic():
                step(desk, refund)
                after = AFTER[name][state]
                assert again(refund).state == after
                assert held(refund.period) == STANDS.get(State(after), (NOTHING, NOTHING))
                event = Event.objects.order_by("-pk")[0]
                assert (event.outcome, event.target_id) == ("done", refund.pk)
                assert (event.complaint_id, event.customer_id) == (refund.complaint_id, refund.customer_id)
                row = refund.history.order_by("-history_id")[0]
                assert (row.state, row.history_request_id) == (after, event.request_id)
                transaction.set_rollback(True)


def test_a_refund_that_does_not_exist(desk: Desk) -> None:
    for step in STEPS.values():
        assert_refused("missing", step, desk, Refund(pk=987654), saying="exist")


@pytest.mark.parametrize("name", ["return", "reject", "withdraw", "revoke"])
def test_ending_a_refund_needs_a_reason(desk: Desk, name: str) -> None:
    refund = refund_in(desk, State.APPROVED if name == "revoke" else State.PROPOSED)
    end: Any = {
        "return": return_refund,
        "reject": reject_refund,
        "withdraw": withdraw_refund,
        "revoke": revoke_refund,
    }[name]
    by = desk.agent if name == "withdraw" else desk.director
    assert_refused("reason_missing", end, refund.pk, by=by, reason="  ")


def test_who_may_draft_edit_and_propose(desk: Desk) -> None:
    complaint = decided(desk)
    outsiders = [desk.clerk, desk.auditor, desk.administrator, desk.system, factories.agent(is_active=False)]
    outsiders.append(factories.UserFactory.create(role=None, is_superuser=True))
    linked = factories.manager(customer=complaint.customer)
    for person in outsiders:
        assert_refused("permission", draft, desk, complaint, by=person)
    assert_refused("linked", draft, desk, complaint, by=linked)
    refund = draft(desk, complaint)
    for person in outsiders:
        assert_refused("permission", edit_refund, refund.pk, by=person)
        assert_refused("permission", propose_refund, refund.pk, by=person, reason="The log")
        assert_refused("permission", withdraw_refund, refund.pk, by=person, reason="The log")
    assert_refused("linked", edit_refund, refund.pk, by=linked)
    assert_refused("linked", propose_refund, refund.pk, by=linked, reason="The log")
    assert_refused("linked", withdraw_refund, refund.pk, by=linked, reason="The log")
    assert_refused("permission", withdraw_refund, refund.pk, by=desk.colleague, reason="Not mine")
    edit_refund(refund.pk, by=desk.colleague)
    propose_refund(refund.pk, by=desk.lead, reason="The log")
    parts = [(c.part, c.by) for c in Contribution.objects.filter(refund=refund).order_by("pk")]
    assert parts == [("drafted", desk.agent), ("edited", desk.colleague), ("proposed", desk.lead)]


def test_who_may_return_reject_and_revoke(desk: Desk) -> None:
    refund = refund_in(desk, State.APPROVED)
    linked = factories.manager(customer=refund.customer)
    for end in (return_refund, reject_refund, revoke_refund):
        for person in (desk.agent, desk.lead, desk.clerk, desk.auditor, desk.administrator, desk.system):
            # A lead approves by usage and interruption, and so ends those alone.
            assert_refused("permission", end, refund.pk, by=person, reason="Too much")
        assert_refused("linked", end, refund.pk, by=linked, reason="Too much")


@pytest.mark.parametrize("end", [return_refund, reject_refund])
def test_a_proposer_withdraws_and_does_not_return_or_reject(desk: Desk, end: Callable[..., Refund]) -> None:
    complaint = decided(desk)
    refund = propose(desk, complaint, by=desk.manager)
    assert_refused("own_proposal", end, refund.pk, by=desk.manager, reason="No", saying="withdraw it instead")
    end(refund.pk, by=desk.lead, reason="Too much")


# --- Drafts -------------------------------------------------------------------------------------


def test_a_draft_promises_and_holds_nothing(desk: Desk) -> None:
    complaint = take_up(desk, register(desk))
    refund = draft(desk, complaint)
    assert (refund.code, refund.state, refund.round) == ("R-00001", State.DRAFT, 0)
    assert (refund.total, refund.lines, refund.inputs, refund.content_hash) == (NOTHING, [], None, "")
    assert refund.remedy_plan == [{"kind": "credit"}]
    assert refund.expires_on == timezone.localdate() + timedelta(days=30)
    assert held(complaint.period) == (NOTHING, NOTHING)


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("basis", {"basis": "because"}),
        ("special_amount_missing", {"basis": "special"}),
        ("special_amount_zero", {"basis": "special", "special_amount": NOTHING}),
        ("special_amount_above_fee", {"basis": "special", "special_amount": Decimal("60.01")}),
        ("negative", {"basis": "special", "special_amount": Decimal("-1.00")}),
        ("too_many_decimals", {"basis": "special", "special_amount": Decimal("1.005")}),
        ("reduction_reason_missing", {"reduction": Decimal("1.00")}),
        ("reduction_reason_missing", {"reduction": Decimal("1.00"), "reduction_reason": " "}),
        ("negative", {"reduction": Decimal("-1.00"), "reduction_reason": "Partly"}),
        ("too_many_decimals", {"reduction": Decimal("0.001"), "reduction_reason": "Partly"}),
        ("remedy", {"remedies": [{"kind": "voucher"}]}),
        ("remedy", {"remedies": [{"kind": "credit"}, {"kind": "credit", "amount": "5.00"}]}),
        ("remedy", {"remedies": [{"kind": "credit"}, {"kind": "cash"}]}),
        ("remedy", {"remedies": [{"kind": "credit", "amount": "0.00"}]}),
        ("remedy", {"remedies": [{"kind": "credit", "amount": "-5.00"}]}),
        ("remedy", {"remedies": [{"kind": "credit", "amount": "5.001"}]}),
        ("remedy", {"remedies": [{"kind": "credit", "amount": "five"}]}),
        ("retry", {"retry_of_id": 987654}),
        ("period", {"period_id": 987654}),
    ],
)
def test_what_cannot_be_drafted_cannot_be_edited_either(desk: Desk, code: str, given: dict[str, Any]) -> None:
    complaint = decided(desk)
    values = {"basis": "usage", "justification": "Lost trade", "evidence": "The log", **given}
    assert_refused(code, draft_refund, complaint.pk, by=desk.agent, **values)
    assert_refused(code, quote_and_propose, complaint.pk, by=desk.agent, reason="The log", **values)
    if not {"retry_of_id", "period_id"} & set(given):
        refund = draft(desk, complaint)
        assert_refused(code, edit_refund, refund.pk, by=desk.agent, **values)


def test_a_draft_on_another_period_of_the_subscription(desk: Desk) -> None:
    subscription = spring_subscription()
    run_billing(date(2024, 6, 1), by=desk.clerk)
    april, may, june = subscription.periods.order_by("sequence")
    complaint = decided(desk, period=may, received_on=date(2024, 5, 10))
    other = spring_subscription().periods.get()
    assert_refused("period", draft, desk, complaint, period_id=other.pk)
    assert_refused("as_of_before_period", draft, desk, complaint, period_id=june.pk, saying="1 Jun 2024")
    refund = propose(desk, complaint, "full_month", period_id=april.pk)
    assert refund.period == april
    assert held(april) == (Decimal("60.00"), NOTHING)
    # One open refund a complaint and period: another period is free.
    assert draft(desk, complaint).period == may


def test_one_open_refund_for_each_complaint_and_period(desk: Desk) -> None:
    complaint = decided(desk)
    first = draft(desk, complaint)
    assert_refused("open_refund", draft, desk, complaint, "full_month", saying=first.code)
    second = draft(desk, decided(desk, subscription=complaint.subscription))
    # The database says the same, should an action ever forget.
    second.complaint = complaint
    with pytest.raises(IntegrityError), transaction.atomic():
        second.save()
    withdraw_refund(first.pk, by=desk.agent, reason="A mistake")
    assert draft(desk, complaint).state == State.DRAFT


def test_a_retry_is_a_new_refund_linked_to_the_finished_one(desk: Desk) -> None:
    complaint = decided(desk)
    first = propose(desk, complaint)
    assert_refused("open_refund", draft, desk, complaint, retry_of_id=first.pk)
    reject_refund(first.pk, by=desk.manager, reason="Too much")
    elsewhere = decided(desk)
    assert_refused("retry", draft, desk, elsewhere, retry_of_id=first.pk)
    second = draft(desk, complaint, retry_of_id=first.pk)
    assert (second.retry_of, again(first).state) == (first, State.REJECTED)


# --- Proposals ----------------------------------------------------------------------------------


def test_a_proposal_freezes_what_it_consists_of(desk: Desk) -> None:
    complaint = decided(desk)
    refund = draft(desk, complaint)
    assert_refused("reason_missing", propose_refund, refund.pk, by=desk.agent, reason=" ")
    propose_refund(refund.pk, by=desk.agent, reason=" As the log shows ")
    refund = again(refund)
    assert lines_of(refund) == ["fee 60.00", "minutes 0.00", "time -20.00"]
    assert (refund.total, refund.round, refund.proposed_by) == (Decimal("40.00"), 1, desk.agent)
    assert refund.proposal_reason == "As the log shows"
    assert refund.inputs["as_of"] == "2024-04-10"
    assert refund.remedy_plan == [{"kind": "credit", "amount": "40.00"}]
    assert refund.calculation_version == 1
    assert refund.expires_on == timezone.localdate() + timedelta(days=14)
    assert refund.content_hash == content_hash(refund_content(refund))
    assert len(refund.content_hash) == 64
    event = Event.objects.order_by("-pk")[0]
    assert event.data == {
        "basis": "usage",
        "amount": "40.00",
        "set_off": "0.00",
        "currency": "EUR",
        "remedies": refund.remedy_plan,
        "content_hash": refund.content_hash,
        "round": 1,
        "incidents": [],
    }


def test_every_part_of_a_proposal_is_under_its_hash(desk: Desk) -> None:
    refund = propose(desk, decided(desk))
    other = spring_subscription()
    changes: dict[str, Any] = {
        "code": "R-99999",
        "complaint_id": register(desk, other).pk,
        "period_id": other.periods.get().pk,
        "round": 2,
        "basis": "special",
        "currency": "CHF",
        "inputs": {**refund.inputs, "as_of": "2024-04-09"},
        "lines": refund.lines[1:],
        "counted": [["2024-04-02T10:00:00+00:00", "2024-04-03T10:00:00+00:00"]],
        "total": Decimal("40.01"),
        "set_off": Decimal("0.01"),
        "incident_id": 4711,
        "remedy_plan": [{"kind": "cash", "amount": "40.00"}],
        "justification": "More",
        "evidence": "More",
        "unusual_reason": "More",
        "reduction_reason": "More",
        "proposed_by_id": desk.colleague.pk,
        "proposal_reason": "More",
        "refund_policy_id": refund.fulfilment_policy_id,
        "fulfilment_policy_id": refund.refund_policy_id,
        "agreement_id": 4711,
        "calculation_version": 2,
    }
    assert content_hash(refund_content(refund)) == refund.content_hash
    assert len(refund_content(refund)) == len(changes)
    for name, value in changes.items():
        altered = again(refund)
        setattr(altered, name, value)
        assert content_hash(refund_content(altered)) != refund.content_hash, name


@pytest.mark.parametrize(
    ("basis", "received_on", "saying"),
    [
        ("usage", date(2024, 6, 1), "An interruption or a special case"),
        ("interruption", date(2024, 4, 10), "No interruption"),
    ],
)
def test_a_quote_of_nothing_is_not_proposed_and_says_why(
    desk: Desk, basis: str, received_on: date, saying: str
) -> None:
    complaint = decided(desk, received_on=received_on)
    refund = draft(desk, complaint, basis)
    assert_refused("nothing", propose_refund, refund.pk, by=desk.agent, reason="The log", saying=saying)


def test_a_reduction_takes_off_with_its_reason_and_never_more_than_is_left(desk: Desk) -> None:
    complaint = decided(desk, "partly_upheld")
    refund = draft(desk, complaint, reduction=Decimal("15.00"), reduction_reason="Half of it was theirs")
    propose_refund(refund.pk, by=desk.agent, reason="The log")
    assert lines_of(again(refund))[-1] == "reduction -15.00"
    assert again(refund).total == Decimal("25.00")
    return_refund(refund.pk, by=desk.manager, reason="Less")
    edit_refund(refund.pk, by=desk.agent, reduction=Decimal("99.00"), reduction_reason="All of it was theirs")
    assert_refused("nothing", propose_refund, refund.pk, by=desk.agent, reason="The log", saying="reduction")


def test_a_quick_proposal_stays_or_goes_as_a_whole(desk: Desk) -> None:
    complaint = take_up(desk, register(desk))
    # Drafting would be fine, proposing is not: neither stays.
    assert_refused("state", quote_and_propose, complaint.pk, by=desk.agent, reason="The log", basis="usage")
    decide(desk, complaint)
    refund = quote_and_propose(complaint.pk, by=desk.agent, reason="The log", basis="usage")
    assert (again(refund).state, refund.code) == (State.PROPOSED, "R-00001")
    verbs = list(Event.objects.filter(outcome="done").order_by("-pk").values_list("verb", flat=True)[:3])
    assert verbs == ["refund.draft_and_propose", "refund.propose", "refund.draft"]


def test_a_returned_proposal_is_edited_and_proposed_again(desk: Desk) -> None:
    complaint = dear_case(desk)
    refund = special(desk, complaint, "600.00", remedies=[{"kind": "credit", "amount": "200.00"}, {"kind": "cash"}])
    approve_refund(refund.pk, by=desk.manager)
    return_refund(refund.pk, by=desk.director, reason="Too much")
    back = again(refund)
    assert (back.state, back.returned_reason, back.round) == (State.DRAFT, "Too much", 1)
    assert back.expires_on == timezone.localdate() + timedelta(days=30)
    assert held(complaint.period) == (NOTHING, NOTHING)
    # The last remedy takes whatever the rest will be.
    assert back.remedy_plan == [{"kind": "credit", "amount": "200.00"}, {"kind": "cash"}]
    edit_refund(
        refund.pk,
        by=desk.agent,
        special_amount=Decimal("550.00"),
        justification="Lost trade",
        evidence="The log",
        remedies=back.remedy_plan,
    )
    propose_refund(refund.pk, by=desk.agent, reason="Less now")
    now = again(refund)
    assert (now.round, now.returned_reason) == (2, "")
    assert [entry["amount"] for entry in now.remedy_plan] == ["200.00", "350.00"]
    # The approval of the first round counts no more: two are needed again, and the first may give one again.
    approve_refund(refund.pk, by=desk.manager)
    assert again(refund).state == State.APPROVED
    approve_refund(refund.pk, by=desk.director)
    assert again(refund).state == State.SETTLED
    assert [(a.round, a.step) for a in refund.approvals.order_by("pk")] == [(1, 1), (2, 1), (2, 2)]


# --- The cap ------------------------------------------------------------------------------------


def test_what_is_pending_or_settled_on_a_period_cuts_the_next_quote(desk: Desk) -> None:
    subscription = spring_subscription()
    one, two, three, four = (decided(desk, subscription=subscription) for _ in range(4))
    first = special(desk, one, "25.00")
    settled(desk, two, "special", special_amount=Decimal("20.00"))
    assert held(one.period) == (Decimal("25.00"), Decimal("20.00"))

    third = propose(desk, three)
    assert lines_of(third) == ["fee 60.00", "minutes 0.00", "time -20.00", "cap -25.00"]
    assert held(one.period) == (Decimal("40.00"), Decimal("20.00"))
    nothing_left = draft(desk, four, "special", special_amount=Decimal("30.00"))
    assert_refused(
        "nothing",
        propose_refund,
        nothing_left.pk,
        by=desk.agent,
        reason="Me too",
        saying="pending in another refund",
    )

    # What comes to nothing is free for others again.
    withdraw_refund(first.pk, by=desk.agent, reason="A mistake")
    propose_refund(nothing_left.pk, by=desk.agent, reason="Me too")
    assert lines_of(again(nothing_left)) == ["special 30.00", "cap -5.00"]
    for refund in (third, nothing_left):
        approve_refund(refund.pk, by=desk.manager)
    assert held(one.period) == (NOTHING, Decimal("60.00"))


def test_what_was_not_paid_is_set_off_and_only_the_rest_is_given(desk: Desk) -> None:
    subscription = factories.open_subscription(activated_on=date(2024, 4, 1))
    factories.pay(subscription.periods.get().invoice, Decimal("32.34"))
    refund = propose(desk, decided(desk, subscription=subscription))
    assert lines_of(refund) == ["fee 60.00", "minutes 0.00", "time -20.00"]
    assert (refund.total, refund.set_off, refund.payable) == (Decimal("40.00"), Decimal("27.66"), Decimal("12.34"))
    assert refund.remedy_plan == [{"kind": "credit", "amount": "12.34"}]


@pytest.mark.parametrize(
    ("pending", "refunded"),
    [("60.01", "0"), ("0", "60.01"), ("30.00", "30.01"), ("-0.01", "0"), ("0", "-0.01")],
)
def test_the_database_keeps_pending_and_refunded_within_the_fee(desk: Desk, pending: str, refunded: str) -> None:
    period = spring_subscription().periods.get()
    period.pending, period.refunded = Decimal(pending), Decimal(refunded)
    with pytest.raises(IntegrityError), transaction.atomic():
        period.save()
    assert held(period) == (NOTHING, NOTHING)


@pytest.mark.parametrize(
    "changes",
    [
        {"total": Decimal("-0.01")},
        {"reduction": Decimal("-0.01")},
        {"reduction": Decimal("1.00"), "reduction_reason": ""},
        {"state": "settled"},
        {"state": "settled", "settled_at": noon(1), "content_hash": ""},
        {"state": "rejected", "inputs": None},
        {"state": "approved", "total": NOTHING},
        {"settled_at": noon(1)},
        {"special_amount": Decimal("5.00")},
        {"basis": "special"},
        {"basis": "special", "special_amount": NOTHING},
        {"proposed_by": None},
        {"proposed_at": None},
    ],
)
def test_the_database_refuses_a_refund_that_makes_no_sense(desk: Desk, changes: dict[str, Any]) -> None:
    refund = propose(desk, decided(desk))
    for name, value in changes.items():
        setattr(refund, name, value)
    with pytest.raises(IntegrityError), transaction.atomic():
        refund.save()


def test_a_refund_is_not_its_own_retry(desk: Desk) -> None:
    refund = draft(desk, decided(desk))
    refund.retry_of = refund
    with pytest.raises(IntegrityError), transaction.atomic():
        refund.save()


# --- Expiry -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "days"), [(State.DRAFT, 30), (State.PROPOSED, 14), (State.APPROVED, 14)])
def test_drafts_and_proposals_expire_by_the_policys_days(desk: Desk, state: str, days: int) -> None:
    refund = refund_in(desk, state)
    ends = timezone.localdate() + timedelta(days=days)
    assert refund.expires_on == ends
    for person in (desk.agent, desk.clerk, desk.auditor):
        assert_refused("permission", expire_refund, refund.pk, by=person, today=ends)
    assert_refused("state", expire_refund, refund.pk, by=desk.system, today=ends - timedelta(days=1))
    expire_refund(refund.pk, by=desk.system, today=ends)
    assert again(refund).state == State.EXPIRED
    assert held(refund.period) == (NOTHING, NOTHING)


def test_an_expired_draft_frees_its_place(desk: Desk) -> None:
    complaint: Complaint = decided(desk)
    by: User = desk.lead
    expire_refund(draft(desk, complaint).pk, by=by, today=LONG_LATER)
    assert draft(desk, complaint).state == State.DRAFT
