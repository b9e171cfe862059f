"""Who may approve what: each refusal says which rule it is, and the database knows the hardest of them too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.formats import date_format

from accounts.staff.models import ApprovalLimit, User
from accounts.staff.permissions import Role
from audit.actions import Refused
from audit.models import Event
from audit.tracked import UntrackedWrite
from billing.credits.models import Credit
from complaints.cases.actions import assess_complaint
from complaints.cases.decisions.actions import decide_complaint, merge_complaints
from complaints.incidents.actions import edit_incident, record_incident
from complaints.refunds.approvals.actions import approve_refund, return_refund
from complaints.refunds.endings.actions import withdraw_refund
from complaints.refunds.models import Approval, Refund
from complaints.refunds.proposals.actions import edit_refund, propose_refund
from tests import factories
from tests.complaints.cases import (
    AS_OF,
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
    register,
    settled,
    special,
    spring_subscription,
    take_up,
)
from tests.complaints.refusals import assert_event_of, assert_refused, rows_of_every_table

pytestmark = pytest.mark.django_db

NOTHING = Decimal(0)
State = Refund.State


@pytest.fixture
def desk() -> Desk:
    """With limits: a lead up to 100.00, a manager up to 1,000.00."""
    return Desk(limits=True)


def refused(code: str, refund: Refund, by: User, *, saying: str = "") -> None:
    """The approval is refused, and the refund waits as before."""
    before = again(refund)
    assert_refused(code, approve_refund, refund.pk, by=by, saying=saying)
    after = again(refund)
    assert (after.state, after.content_hash) == (before.state, before.content_hash)


# --- A hand in the case -------------------------------------------------------------------------


def test_nobody_approves_their_own_proposal(desk: Desk) -> None:
    refund = propose(desk, decided(desk), by=desk.manager)
    refused("own_proposal", refund, desk.manager, saying="own proposal")
    approve_refund(refund.pk, by=desk.lead)
    assert again(refund).state == State.SETTLED


def test_nobody_approves_what_they_drafted_for_another(desk: Desk) -> None:
    refund = draft(desk, decided(desk), by=desk.manager)
    propose_refund(refund.pk, by=desk.agent, reason="The log")
    refused("own_draft", refund, desk.manager, saying="drafted")
    approve_refund(refund.pk, by=desk.director)


def test_nobody_approves_what_they_edited(desk: Desk) -> None:
    refund = draft(desk, decided(desk))
    edit_refund(refund.pk, by=desk.manager)
    propose_refund(refund.pk, by=desk.agent, reason="The log")
    refused("own_draft", refund, desk.manager, saying="edited")
    approve_refund(refund.pk, by=desk.director)


def test_a_hand_in_an_earlier_round_counts(desk: Desk) -> None:
    refund = propose(desk, decided(desk), by=desk.manager)
    return_refund(refund.pk, by=desk.director, reason="Explain it better")
    propose_refund(refund.pk, by=desk.agent, reason="The log, line 12")
    refused("own_proposal", refund, desk.manager)
    # Returning it is no hand in it.
    approve_refund(refund.pk, by=desk.director)


def test_nobody_approves_on_a_case_they_assessed(desk: Desk) -> None:
    complaint = take_up(desk, register(desk), by=desk.manager)
    refund = propose(desk, decide(desk, complaint))
    refused("assessed", refund, desk.manager, saying=complaint.code)
    approve_refund(refund.pk, by=desk.director)


def test_nobody_approves_on_a_case_they_decided(desk: Desk) -> None:
    complaint = decide(desk, take_up(desk, register(desk)), by=desk.manager)
    refund = propose(desk, complaint)
    refused("decided", refund, desk.manager, saying=complaint.code)
    # A decision that was superseded since is a hand in the case all the same.
    decide(desk, complaint, "partly_upheld")
    refused("decided", refund, desk.manager)
    approve_refund(refund.pk, by=desk.director)


@pytest.mark.parametrize("code", ["assessed", "decided"])
def test_nobody_approves_on_a_case_that_took_in_one_they_worked_on(desk: Desk, code: str) -> None:
    complaint = decided(desk)
    other = register(desk, complaint.subscription)
    take_up(desk, other, by=desk.manager)
    if code == "decided":
        decide_complaint(other.pk, by=desk.manager, outcome="upheld", reasons="The log")
    merge_complaints(other.pk, by=desk.lead, into_id=complaint.pk, reason="The same matter")
    refund = propose(desk, complaint)
    refused(code, refund, desk.manager, saying=other.code)
    approve_refund(refund.pk, by=desk.director)


def test_nobody_approves_for_the_customer_they_are_linked_to(desk: Desk) -> None:
    refund = propose(desk, decided(desk))
    linked = factories.manager(customer=refund.customer)
    refused("linked", refund, linked)
    elsewhere = factories.manager(customer=factories.CustomerFactory.create())
    approve_refund(refund.pk, by=elsewhere)


def test_a_superuser_is_no_exception(desk: Desk) -> None:
    chief = factories.manager(is_superuser=True, is_staff=True)
    refund = propose(desk, decided(desk), by=chief)
    refused("own_proposal", refund, chief)
    dear = special(desk, dear_case(desk), "1000.01")
    refused("over_limit", dear, chief)
    without_role = factories.UserFactory.create(role=None, is_superuser=True, is_staff=True)
    refused("permission", refund, without_role, saying="no role")


# --- Roles --------------------------------------------------------------------------------------


@pytest.mark.parametrize("basis", list(Refund.Basis))
def test_the_role_has_to_allow_the_basis(desk: Desk, basis: str) -> None:
    record_incident(by=desk.clerk, title="Down", starts_at=noon(2), ends_at=noon(3), hits_everybody=True)
    amount = Decimal("10.00") if basis == "special" else None
    refund = propose(desk, decided(desk), basis, special_amount=amount)
    denied = [desk.colleague, desk.clerk, desk.auditor, desk.administrator, desk.system]
    denied.append(factories.manager(is_active=False))
    if basis in ("full_month", "special"):
        denied.append(desk.lead)
    for person in denied:
        refused("permission", refund, person)
    allowed = desk.manager if desk.lead in denied else desk.lead
    approve_refund(refund.pk, by=allowed)
    assert again(refund).state == State.SETTLED


# --- Limits -------------------------------------------------------------------------------------


def test_the_limit_is_reached_exactly_and_not_exceeded(desk: Desk) -> None:
    subscription = spring_subscription(agreed_fee=Decimal("150.00"))
    # 150.00 less a third for the days provided is 100.00, a lead's limit.
    at_limit = propose(desk, decided(desk, subscription=subscription))
    assert at_limit.total == Decimal("100.00")
    over = spring_subscription(agreed_fee=Decimal("150.02"))
    above = propose(desk, decided(desk, subscription=over))
    assert above.total == Decimal("100.01")
    refused("over_limit", above, desk.lead, saying="100.01 EUR is over your limit of 100.00 EUR")
    approve_refund(at_limit.pk, by=desk.lead)
    approve_refund(above.pk, by=desk.manager)


def test_what_the_customer_was_granted_lately_counts_over_all_subscriptions(desk: Desk) -> None:
    customer = factories.CustomerFactory.create()
    earlier = settled(desk, decided(desk, subscription=spring_subscription(customer=customer)))
    assert earlier.total == Decimal("40.00")
    # Another customer's, and another currency's, do not count.
    settled(desk, decided(desk))
    refund = propose(
        desk, decided(desk, subscription=spring_subscription(customer=customer, agreed_fee=Decimal("90.02")))
    )
    assert refund.total == Decimal("60.01")
    refused(
        "over_limit",
        refund,
        desk.lead,
        saying="together with 40.00 EUR granted to this customer or account in the last 90 days",
    )

    earlier.settled_at = timezone.now() - timedelta(days=90, minutes=1)
    earlier.save()
    approve_refund(refund.pk, by=desk.lead)
    assert Approval.objects.get(refund=refund).granted_before == NOTHING


def test_what_was_granted_lately_is_copied_into_the_approval(desk: Desk) -> None:
    customer = factories.CustomerFactory.create()
    settled(desk, decided(desk, subscription=spring_subscription(customer=customer)))
    refund = settled(desk, decided(desk, subscription=spring_subscription(customer=customer)))
    approval = Approval.objects.get(refund=refund)
    assert (approval.amount, approval.granted_before, approval.limit) == (
        Decimal("40.00"),
        Decimal("40.00"),
        Decimal("1000.00"),
    )
    assert (approval.approver, approval.approver_role) == (desk.manager, Role.MANAGER)
    assert (approval.proposer, approval.content_hash) == (desk.agent, refund.content_hash)


def test_a_first_approval_counts_as_granted(desk: Desk) -> None:
    customer = factories.CustomerFactory.create()
    dear = spring_subscription(customer=customer, agreed_fee=Decimal("2000.00"))
    waiting = special(desk, decided(desk, subscription=dear), "980.00")
    approve_refund(waiting.pk, by=desk.manager)
    assert again(waiting).state == State.APPROVED
    refund = propose(desk, decided(desk, subscription=spring_subscription(customer=customer)))
    refused("over_limit", refund, desk.manager, saying="980.00")
    # For itself it does not count twice.
    approve_refund(waiting.pk, by=desk.director)
    assert Approval.objects.get(refund=waiting, step=2).granted_before == NOTHING


def test_only_a_published_limit_in_force_for_role_basis_and_currency_counts() -> None:
    desk = Desk()
    refund = propose(desk, decided(desk))

    def limit(**kwargs: Any) -> ApprovalLimit:
        return factories.ApprovalLimitFactory.create(**kwargs)

    limit(state="draft")
    limit(valid_from=factories.today() + timedelta(days=1))
    limit(currency="CHF")
    limit(subject="special")
    limit(role=Role.LEAD)
    refused("no_limit", refund, desk.manager, saying="usage refunds in EUR")
    limit(amount=Decimal("1000.00"))
    limit(amount=Decimal("39.99"), valid_from=factories.days_ago(3))
    refused("over_limit", refund, desk.manager, saying="39.99")
    limit(amount=Decimal("40.00"), valid_from=factories.today())
    approve_refund(refund.pk, by=desk.manager)


# --- Two approvals ------------------------------------------------------------------------------


def test_above_the_second_threshold_two_different_people_approve(desk: Desk) -> None:
    complaint = dear_case(desk)
    refund = special(desk, complaint, "500.01")
    first = approve_refund(refund.pk, by=desk.manager, reason="Fair")
    assert first.state == State.APPROVED
    assert held(complaint.period) == (Decimal("500.01"), NOTHING)
    assert not Credit.objects.exists()
    event = Event.objects.order_by("-pk")[0]
    assert event.message == "A second person has to approve."
    assert "settled" not in event.data

    refused("approved_already", refund, desk.manager, saying="second approval is somebody else's")
    approve_refund(refund.pk, by=desk.director)
    assert again(refund).state == State.SETTLED
    assert held(complaint.period) == (NOTHING, Decimal("500.01"))
    assert Credit.objects.get().granted == Decimal("500.01")
    steps = Approval.objects.filter(refund=refund).order_by("step")
    assert [(a.step, a.approver, a.reason) for a in steps] == [
        (1, desk.manager, "Fair"),
        (2, desk.director, ""),
    ]


def test_at_the_second_threshold_one_is_enough(desk: Desk) -> None:
    refund = special(desk, dear_case(desk), "500.00")
    approve_refund(refund.pk, by=desk.manager)
    assert again(refund).state == State.SETTLED


def test_a_currency_without_a_threshold_always_needs_two(desk: Desk) -> None:
    factories.approval_limits(Decimal(10_000), Decimal(1_000_000), currency="JPY")
    customer = factories.CustomerFactory.create(currency="JPY")
    plan = factories.PlanFactory.create()
    factories.price(plan, currency="JPY", fee=Decimal(6000), minute_cost=Decimal(3))
    refund = propose(desk, decided(desk, subscription=spring_subscription(customer=customer, plan=plan)))
    assert lines_of(refund) == ["fee 6000", "minutes 0", "time -2000"]
    approve_refund(refund.pk, by=desk.lead)
    assert again(refund).state == State.APPROVED
    approve_refund(refund.pk, by=desk.manager)
    assert again(refund).state == State.SETTLED


# --- State, time and contents -------------------------------------------------------------------


def test_an_expired_proposal_is_not_approved_even_before_the_daily_run(desk: Desk) -> None:
    refund = propose(desk, decided(desk))
    refund.expires_on = timezone.localdate()
    refund.save()
    refused("expired", refund, desk.manager, saying=date_format(refund.expires_on))
    refund.expires_on = timezone.localdate() + timedelta(days=1)
    refund.save()
    approve_refund(refund.pk, by=desk.manager)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("total", 410_000),
        ("remedy_plan", '[{"kind": "cash", "amount": "40.00"}]'),
        ("lines", '[{"code": "fee", "amount": "60.00"}]'),
        ("justification", "Because"),
        ("proposal_reason", "Because"),
        ("round", 7),
        ("content_hash", "0" * 64),
    ],
)
def test_a_proposal_that_was_tampered_with_is_not_approved(desk: Desk, column: str, value: int | str) -> None:
    refund = propose(desk, decided(desk))
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE complaints_refund SET {column} = %s WHERE id = %s", [value, refund.pk])  # noqa: S608
    refused("tampered", refund, desk.manager, saying=refund.code)


# --- The stale quote: the one refusal that changes something ------------------------------------


def go_stale(refund: Refund, by: User) -> Refused:
    """The approval is refused as stale; all that changes is that the refund is a draft which holds nothing."""
    held_before, total = again(refund.period).pending, refund.total
    before = rows_of_every_table()
    with pytest.raises(Refused) as caught:
        approve_refund(refund.pk, by=by)
    assert caught.value.code == "stale_quote"
    after = rows_of_every_table()
    event = assert_event_of(caught.value)
    assert (event.target_id, event.complaint_id) == (refund.pk, refund.complaint_id)
    changed = {table for table in after if after[table] != before[table]}
    assert changed == {
        "audit_event",
        "complaints_refund",
        "complaints_historicalrefund",
        "billing_billingperiod",
        "billing_historicalbillingperiod",
    }
    for table in ("audit_event", "complaints_historicalrefund", "billing_historicalbillingperiod"):
        assert len(after[table]) == len(before[table]) + 1

    now = again(refund)
    assert now.state == State.DRAFT
    assert now.returned_reason == caught.value.message
    assert again(refund.period).pending == held_before - total
    return caught.value


def test_a_quote_that_changed_sends_the_refund_back_to_draft_with_both_quotes(desk: Desk) -> None:
    subscription = spring_subscription()
    refund = propose(desk, decided(desk, subscription=subscription))
    # A call of the period's first days comes in late.
    factories.usage(subscription, day=AS_OF, seconds=3000)
    refusal = go_stale(refund, desk.manager)
    assert "40.00 EUR then, 39.00 EUR now" in refusal.message
    assert refusal.data == {
        "before": [
            {"code": "fee", "amount": "60.00"},
            {"code": "minutes", "amount": "0.00"},
            {"code": "time", "amount": "-20.00"},
        ],
        "after": [
            {"code": "fee", "amount": "60.00"},
            {"code": "minutes", "amount": "-1.00"},
            {"code": "time", "amount": "-20.00"},
        ],
        "differing": [{"code": "minutes", "before": "0.00", "after": "-1.00"}],
        "remedies": {
            "before": [{"kind": "credit", "amount": "40.00"}],
            "after": [{"kind": "credit", "amount": "39.00"}],
        },
    }
    assert not Approval.objects.exists()
    propose_refund(refund.pk, by=desk.agent, reason="With the late call")
    approve_refund(refund.pk, by=desk.manager)
    assert again(refund).total == Decimal("39.00")
    assert Credit.objects.get().granted == Decimal("39.00")


def test_a_quote_can_go_stale_between_two_approvals(desk: Desk) -> None:
    subscription = spring_subscription(agreed_fee=Decimal("900.00"))
    refund = propose(desk, decided(desk, subscription=subscription))
    approve_refund(refund.pk, by=desk.manager)
    factories.usage(subscription, day=AS_OF, seconds=60)
    go_stale(refund, desk.director)
    # The first approval was for other figures: both are due again.
    propose_refund(refund.pk, by=desk.agent, reason="With the late call")
    approve_refund(refund.pk, by=desk.director)
    assert again(refund).state == State.APPROVED


def test_another_cut_of_the_same_amount_is_stale_too(desk: Desk) -> None:
    """The total alone says nothing: the capped amount is the same, the interruption behind it is another."""
    incident = record_incident(by=desk.lead, title="Down", starts_at=noon(2), ends_at=noon(20), hits_everybody=True)
    subscription = spring_subscription()
    taken = special(desk, decided(desk, subscription=subscription), "50.00")
    refund = propose(desk, decided(desk, subscription=subscription), "interruption")
    assert lines_of(refund) == ["interruption 36.00", "cap -26.00"]
    assert taken.total + refund.total == Decimal("60.00")
    edit_incident(
        incident.pk,
        by=desk.lead,
        reason="The log's clock was wrong",
        title="Down",
        starts_at=noon(3),
        ends_at=noon(21),
        scheduled=False,
        hits_everybody=True,
    )
    refusal = go_stale(refund, desk.manager)
    assert refusal.data["differing"] == []


def test_what_does_not_touch_the_figures_leaves_a_proposal_fresh(desk: Desk) -> None:
    subscription = spring_subscription()
    refund = propose(desk, decided(desk, subscription=subscription))
    factories.usage(subscription, day=AS_OF + timedelta(days=1), seconds=3000)
    record_incident(by=desk.lead, title="Down", starts_at=noon(2), ends_at=noon(3), hits_everybody=True)
    special(desk, decided(desk, subscription=subscription), "20.00")
    approve_refund(refund.pk, by=desk.manager)
    assert again(refund).total == Decimal("40.00")


# --- What the database refuses by itself --------------------------------------------------------


@pytest.fixture
def approval(desk: Desk) -> Callable[..., Approval]:
    refund = special(desk, dear_case(desk), "600.00")

    def build(**changes: Any) -> Approval:
        values: dict[str, Any] = {
            "refund": refund,
            "round": 1,
            "step": 1,
            "approver": desk.manager,
            "approver_role": Role.MANAGER,
            "proposer": desk.agent,
            "amount": refund.total,
            "limit": Decimal("1000.00"),
            "granted_before": NOTHING,
            "content_hash": refund.content_hash,
            "at": timezone.now(),
        }
        return Approval(**{**values, **changes})

    return build


def test_the_database_takes_a_sound_approval_and_never_changes_it(approval: Callable[..., Approval]) -> None:
    sound = approval()
    sound.save()
    sound.reason = "Afterthought"
    with pytest.raises(UntrackedWrite):
        sound.save()
    with pytest.raises(UntrackedWrite):
        sound.delete()
    with pytest.raises(UntrackedWrite):
        Approval.objects.all().update(reason="Afterthought")


@pytest.mark.parametrize(
    "changes",
    [
        {"approver": "agent"},
        {"step": 3},
        {"step": 0},
        {"limit": Decimal("599.99")},
        {"granted_before": Decimal("400.01")},
        {"granted_before": Decimal("-1.00")},
        {"amount": NOTHING},
    ],
)
def test_the_database_refuses_an_approval_that_breaks_a_rule(
    desk: Desk, approval: Callable[..., Approval], changes: dict[str, Any]
) -> None:
    if "approver" in changes:
        changes = {"approver": desk.agent}  # the proposer
    with pytest.raises(IntegrityError), transaction.atomic():
        approval(**changes).save()
    assert not Approval.objects.exists()


def test_the_database_refuses_the_same_person_or_step_twice(desk: Desk, approval: Callable[..., Approval]) -> None:
    approval().save()
    for twice in (approval(step=2), approval(approver=desk.director)):
        with pytest.raises(IntegrityError), transaction.atomic():
            twice.save()
    approval(step=2, approver=desk.director).save()
    approval(round=2).save()


def test_an_approval_undone_by_withdrawal_leaves_its_row(desk: Desk) -> None:
    """Nothing is swept away: what was approved in a round that came to nothing can still be read."""
    refund = special(desk, dear_case(desk), "600.00")
    approve_refund(refund.pk, by=desk.manager)
    return_refund(refund.pk, by=desk.director, reason="Too much")
    withdraw_refund(refund.pk, by=desk.agent, reason="Then not")
    assert Approval.objects.get(refund=refund).approver == desk.manager
    assess_complaint(refund.complaint_id, by=desk.agent, severity="low", findings="Seen again")
