"""Approving in somebody's place: up to what, and every way in which four eyes could become two."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.staff.delegations.actions import revoke_delegation
from accounts.staff.models import Delegation, User
from accounts.staff.permissions import Role
from audit.models import Event
from complaints.cases.actions import assess_complaint
from complaints.cases.decisions.actions import decide_complaint
from complaints.refunds.approvals.actions import approve_refund, reject_refund, return_refund
from complaints.refunds.endings.actions import revoke_refund
from complaints.refunds.models import Approval, Refund
from complaints.refunds.proposals.actions import edit_refund, propose_refund
from complaints.reversals.actions import approve_reversal, propose_reversal
from tests import factories
from tests.company_life import clock_on
from tests.complaints.cases import (
    Desk,
    again,
    dear_case,
    decided,
    draft,
    propose,
    register,
    settled,
    special,
    spring_subscription,
    take_up,
)
from tests.complaints.refusals import assert_refused
from tests.concurrency.racing import race, refusals_of

State = Refund.State
TODAY = factories.today


@pytest.fixture
def desk(db: None) -> Desk:
    """With limits: a lead up to 100.00, a manager up to 1,000.00."""
    return Desk(limits=True)


def deputy_of(delegator: User, deputy: User, **days: int) -> Delegation:
    return factories.delegation(delegator, deputy, **days)


def dear(desk: Desk, **kwargs: Any) -> Refund:
    """A proposal of 300.00: over a lead's limit, within a manager's, one approval."""
    return special(desk, dear_case(desk), "300.00", **kwargs)


# --- Approving ----------------------------------------------------------------------------------


def test_a_deputy_approves_within_the_absent_persons_limit(desk: Desk) -> None:
    refund = dear(desk)
    assert_refused("permission", approve_refund, refund.pk, by=desk.lead)
    delegation = deputy_of(desk.manager, desk.lead)
    approve_refund(refund.pk, by=desk.lead)
    approval = Approval.objects.get()
    assert (approval.approver, approval.on_behalf_of, approval.delegation) == (desk.lead, desk.manager, delegation)
    assert (approval.approver_role, approval.limit, approval.amount) == (Role.LEAD, Decimal(1000), Decimal(300))
    event = Event.objects.get(verb="refund.approve", outcome="done")
    assert (event.actor, event.message) == (desk.lead, f"In the place of {desk.manager}.")
    assert (event.data["on_behalf_of"], event.data["delegation"]) == (desk.manager.username, delegation.pk)
    assert again(refund).state == State.SETTLED


def test_the_own_right_goes_first_and_another_can_be_chosen(desk: Desk) -> None:
    delegation = deputy_of(desk.manager, desk.lead)
    approve_refund(propose(desk, decided(desk)).pk, by=desk.lead)
    assert Approval.objects.get().on_behalf_of is None
    approve_refund(propose(desk, decided(desk)).pk, by=desk.lead, choice=str(delegation.pk))
    assert Approval.objects.order_by("-pk")[0].on_behalf_of == desk.manager
    assert_refused("permission", approve_refund, dear(desk).pk, by=desk.lead, choice="own")
    assert_refused(
        "delegation", approve_refund, propose(desk, decided(desk)).pk, by=desk.lead, choice=str(delegation.pk + 1)
    )


def test_a_deputy_of_two_uses_the_right_that_suffices(desk: Desk) -> None:
    """The colleague stands in for two leads; one of them proposed."""
    other = factories.lead(first_name="Lars")
    deputy_of(desk.lead, desk.colleague)
    deputy_of(other, desk.colleague)
    refund = propose(desk, decided(desk), by=desk.lead)
    approve_refund(refund.pk, by=desk.colleague)
    assert Approval.objects.get().on_behalf_of == other


def test_over_every_limit_the_refusal_names_each(desk: Desk) -> None:
    deputy_of(desk.lead, desk.manager)
    complaint = dear_case(desk)
    refund = special(desk, complaint, "1500.00")
    refusal = assert_refused("over_limit", approve_refund, refund.pk, by=desk.manager)
    assert "over your limit of 1,000.00 EUR" in refusal.message
    assert f"For {desk.lead}: the role Team lead may not approve special refunds" in refusal.message


def test_what_the_customer_was_granted_lately_counts_for_the_absent_persons_limit(desk: Desk) -> None:
    customer = factories.CustomerFactory.create()
    deputy_of(desk.lead, desk.colleague)
    for _ in range(2):
        approve_refund(
            propose(desk, decided(desk, subscription=spring_subscription(customer=customer))).pk, by=desk.colleague
        )
    third = propose(desk, decided(desk, subscription=spring_subscription(customer=customer)))
    assert_refused("over_limit", approve_refund, third.pk, by=desk.colleague, saying="over their limit of 100.00 EUR")
    assert list(Approval.objects.order_by("pk").values_list("granted_before", flat=True)) == [0, Decimal(40)]


@pytest.mark.parametrize(("starts_in", "days", "on_day", "works"), [
    (1, 3, 0, False), (0, 1, 0, True), (0, 3, 2, True), (0, 3, 3, False), (2, 3, 2, True), (2, 3, 5, False),
])  # fmt: skip
def test_both_days_count_and_no_other(desk: Desk, starts_in: int, days: int, on_day: int, works: bool) -> None:
    deputy_of(desk.lead, desk.colleague, starts_in=starts_in, days=days)
    refund = propose(desk, decided(desk))
    with clock_on(TODAY() + timedelta(days=on_day)):
        if works:
            approve_refund(refund.pk, by=desk.colleague)
        else:
            assert_refused("permission", approve_refund, refund.pk, by=desk.colleague)


def _deactivate(person: User) -> None:
    person.is_active = False
    person.save()


def _demote(person: User) -> None:
    person.role = factories.agent().role
    person.save()


@pytest.mark.parametrize("change", [_deactivate, _demote])
@pytest.mark.parametrize("who", ["delegator", "deputy"])
def test_a_changed_role_or_a_deactivated_account_ends_it(desk: Desk, who: str, change: Any) -> None:
    delegation = deputy_of(desk.manager, desk.lead)
    refund = dear(desk)
    change(getattr(delegation, who))
    by = User.objects.get(pk=desk.lead.pk)
    assert_refused("permission", approve_refund, refund.pk, by=by)
    assert Delegation.objects.get().state == Delegation.State.ACTIVE


# --- Four eyes ----------------------------------------------------------------------------------


def _proposed_by(desk: Desk, person: User) -> Refund:
    return dear(desk, by=person)


def _drafted_by(desk: Desk, person: User) -> Refund:
    refund = draft(desk, dear_case(desk), "special", special_amount=Decimal(300), by=person)
    propose_refund(refund.pk, by=desk.agent, reason="The log")
    return again(refund)


def _edited_by(desk: Desk, person: User) -> Refund:
    refund = draft(desk, dear_case(desk), "special", special_amount=Decimal(300))
    edit_refund(refund.pk, by=person, special_amount=Decimal(301), justification="x", evidence="y")
    propose_refund(refund.pk, by=desk.agent, reason="The log")
    return again(refund)


def _decided_by(desk: Desk, person: User) -> Refund:
    complaint = take_up(desk, register(desk, spring_subscription(agreed_fee=Decimal("2000.00"))))
    decide_complaint(complaint.pk, by=person, outcome="upheld", reasons="The log shows it.")
    return special(desk, complaint, "300.00")


def _assessed_by(desk: Desk, person: User) -> Refund:
    complaint = dear_case(desk)
    assess_complaint(complaint.pk, by=person, severity="normal", findings="Heard it myself")
    return special(desk, complaint, "300.00")


def _linked_to(desk: Desk, person: User) -> Refund:
    refund = dear(desk)
    person.customer = refund.customer
    person.save()
    return refund


HANDS = [
    (_proposed_by, "own_proposal"),
    (_drafted_by, "own_draft"),
    (_edited_by, "own_draft"),
    (_decided_by, "decided"),
    (_assessed_by, "assessed"),
    (_linked_to, "linked"),
]


@pytest.mark.parametrize(("hand", "code"), HANDS)
def test_a_hand_of_the_absent_person_counts(desk: Desk, hand: Any, code: str) -> None:
    """Naming a deputy gets nobody's own proposal approved. (The lead's own right does not reach.)"""
    deputy_of(desk.manager, desk.lead)
    refund = hand(desk, desk.manager)
    refusal = assert_refused(code, approve_refund, refund.pk, by=desk.lead)
    assert "Your role (Team lead) may not approve special refunds." in refusal.message
    assert f"For {desk.manager}: " in refusal.message
    assert_refused(code, approve_refund, refund.pk, by=desk.lead, choice=str(Delegation.objects.get().pk))
    approve_refund(refund.pk, by=desk.director)


@pytest.mark.parametrize(("hand", "code"), HANDS)
def test_a_hand_of_the_deputy_counts(desk: Desk, hand: Any, code: str) -> None:
    deputy_of(desk.manager, desk.lead)
    assert_refused(code, approve_refund, hand(desk, desk.lead).pk, by=desk.lead)


def test_a_right_that_was_received_is_not_passed_on(desk: Desk) -> None:
    """The agent gets what the lead may themself, not what the lead has from the manager."""
    deputy_of(desk.manager, desk.lead)
    deputy_of(desk.lead, desk.colleague)
    assert_refused("permission", approve_refund, dear(desk).pk, by=desk.colleague)
    over = propose(desk, decided(desk, subscription=spring_subscription(agreed_fee=Decimal("180.00"))))
    assert_refused("over_limit", approve_refund, over.pk, by=desk.colleague, saying="over their limit of 100.00 EUR")
    approve_refund(propose(desk, decided(desk)).pk, by=desk.colleague)


# --- Two approvals ------------------------------------------------------------------------------


def twice(desk: Desk) -> Refund:
    """A proposal of 600.00, which needs two approvals."""
    return special(desk, dear_case(desk), "600.00")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("lead for manager", "manager"),
        ("manager", "lead for manager"),
        ("lead for manager", "lead2 for manager"),
        ("lead for manager", "lead for director"),
        ("lead for manager", "manager for director"),
    ],
)
def test_one_person_counts_once(desk: Desk, first: str, second: str) -> None:
    people = {"lead": desk.lead, "lead2": factories.lead(), "manager": desk.manager, "director": desk.director}
    refund = twice(desk)
    for step, attempt in enumerate((first, second)):
        name, _, for_whom = attempt.partition(" for ")
        choice = str(deputy_of(people[for_whom], people[name]).pk) if for_whom else "own"
        if step == 0:
            approve_refund(refund.pk, by=people[name], choice=choice)
        else:
            assert_refused("approved_already", approve_refund, refund.pk, by=people[name], choice=choice)
    assert again(refund).state == State.APPROVED


def test_two_deputies_of_two_managers_are_four_eyes(desk: Desk) -> None:
    refund, other = twice(desk), factories.lead()
    deputy_of(desk.manager, desk.lead)
    deputy_of(desk.director, other)
    approve_refund(refund.pk, by=desk.lead)
    assert Event.objects.order_by("-pk")[0].message == (
        f"In the place of {desk.manager}. A second person has to approve."
    )
    approve_refund(refund.pk, by=other)
    assert again(refund).state == State.SETTLED
    assert set(Approval.objects.values_list("on_behalf_of", flat=True)) == {desk.manager.pk, desk.director.pk}


def test_the_database_counts_an_absent_person_once(desk: Desk) -> None:
    refund, other = twice(desk), factories.lead()
    deputy_of(desk.manager, desk.lead)
    second = deputy_of(desk.manager, other)
    approve_refund(refund.pk, by=desk.lead)
    first = Approval.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval(
            refund=refund, round=1, step=2, approver=other, approver_role=Role.LEAD, proposer=desk.agent,
            amount=first.amount, limit=first.limit, granted_before=0, content_hash=first.content_hash,
            at=first.at, delegation=second, on_behalf_of=desk.manager,
        ).save()  # fmt: skip


# --- Deciding otherwise -------------------------------------------------------------------------


def test_a_deputy_returns_rejects_and_revokes(desk: Desk) -> None:
    first, second, third = twice(desk), dear(desk), dear(desk)
    attempts = (
        partial(revoke_refund, first.pk, by=desk.lead, reason="No"),
        partial(return_refund, second.pk, by=desk.lead, reason="No"),
        partial(reject_refund, third.pk, by=desk.lead, reason="No"),
    )
    approve_refund(first.pk, by=desk.director)
    for attempt in attempts:
        assert_refused("permission", attempt)
    deputy_of(desk.manager, desk.lead)
    for attempt in attempts:
        attempt()
        event = Event.objects.order_by("-pk")[0]
        assert event.data["on_behalf_of"] == desk.manager.username
        assert event.message == f"In the place of {desk.manager}."
    assert [again(each).state for each in (first, second, third)] == [State.REVOKED, State.DRAFT, State.REJECTED]


def test_a_deputy_does_not_reject_what_the_absent_person_proposed(desk: Desk) -> None:
    deputy_of(desk.manager, desk.lead)
    assert_refused("permission", reject_refund, dear(desk, by=desk.manager).pk, by=desk.lead, reason="No")


def test_a_reversal_waits_for_somebody_in_their_own_right(desk: Desk) -> None:
    deputy_of(desk.manager, desk.lead)
    refund = settled(desk, decided(desk))
    reversal = propose_reversal(refund.pk, by=desk.agent, reason="The wrong customer")
    assert_refused("permission", approve_reversal, reversal.pk, by=desk.lead, charge_used=False)


# --- At once ------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_manager_and_two_deputies_approve_at_once() -> None:
    desk = Desk(limits=True)
    refund, other = twice(desk), factories.lead()
    choices = [str(deputy_of(desk.manager, deputy).pk) for deputy in (desk.lead, other)]
    results = race(
        [
            partial(approve_refund, refund.pk, by=desk.manager, choice="own"),
            partial(approve_refund, refund.pk, by=desk.lead, choice=choices[0]),
            partial(approve_refund, refund.pk, by=other, choice=choices[1]),
        ]
    )
    assert [each.code for each in refusals_of(results)] == ["approved_already"] * 2
    assert again(refund).state == State.APPROVED
    assert Approval.objects.count() == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_revoking_and_approving_at_once() -> None:
    desk = Desk(limits=True)
    for _ in range(6):
        refund = dear(desk)
        delegation = deputy_of(desk.manager, desk.lead)
        results = race(
            [
                partial(approve_refund, refund.pk, by=desk.lead),
                partial(revoke_delegation, delegation.pk, by=desk.manager, reason="Back early"),
            ]
        )
        assert results[1] is None
        approved = Approval.objects.filter(refund=refund).count()
        assert approved == (1 if results[0] is None else 0)
        approving = Event.objects.filter(verb="refund.approve", target_id=refund.pk, outcome="done").first()
        revoking = Event.objects.get(verb="delegation.revoke", target_id=delegation.pk)
        if approving is not None:
            assert approving.pk < revoking.pk
