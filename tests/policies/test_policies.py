"""Policies change by two people, from today on, and never backwards (F10)."""

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
from complaints.quotes.facts import terms_for
from complaints.refunds.approvals.actions import approve_refund
from complaints.refunds.models import Refund
from complaints.refunds.proposals.actions import draft_refund
from policies.versions.actions import draft_policy_version, edit_policy_draft, publish_policy_version
from policies.versions.models import Policy, PolicyVersion
from tests import factories
from tests.complaints.cases import Desk, again, decided, only_period, propose, register, settled, spring_subscription
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db

REFUND, FULFILMENT = Policy.Kind.REFUND, Policy.Kind.FULFILMENT


@pytest.fixture
def desk() -> Desk:
    return Desk()


def policy(kind: str = REFUND) -> Policy:
    return Policy.objects.get(kind=kind)


def in_days(days: int) -> date:
    return factories.today() + timedelta(days=days)


def draft_version(
    desk: Desk,
    *,
    by: User | None = None,
    kind: str = REFUND,
    effective_from: date | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> PolicyVersion:
    return draft_policy_version(
        policy(kind).pk,
        by=by or desk.manager,
        effective_from=effective_from or factories.today(),
        text="# As from today",
        parameters=parameters or {},
    )


def publish(desk: Desk, version: PolicyVersion, *, by: User | None = None) -> PolicyVersion:
    return publish_policy_version(version.pk, by=by or desk.director, reason="Agreed")


# --- Drafting and publishing --------------------------------------------------------------------


def test_both_policies_come_with_a_published_first_version() -> None:
    first = {version.policy.kind: version for version in PolicyVersion.objects.all()}
    assert set(first) == {REFUND, FULFILMENT}
    assert {(version.number, version.state) for version in first.values()} == {(1, "published")}
    assert first[FULFILMENT].effective_from == date(2025, 2, 11)
    assert first[REFUND].effective_from == date(2025, 12, 28)
    assert first[REFUND].refund_parameters.minimum_interruption_seconds == 4 * 3600
    assert first[REFUND].refund_parameters.approval_window_days == 90
    assert first[REFUND].refund_parameters.as_of_day_counts
    assert first[FULFILMENT].fulfilment_parameters.full_month_allowed
    # Nothing is left to what is usual, which may change.
    for version in first.values():
        assert version.parameters == version.figures


def test_one_drafts_and_another_publishes(desk: Desk) -> None:
    version = draft_version(desk)
    assert (version.number, version.state, version.drafted_by) == (2, "draft", desk.manager)
    assert_refused("four_eyes", publish, desk, version, by=desk.manager)
    published = publish(desk, version)
    assert (published.state, published.published_by) == ("published", desk.director)
    assert published.published_at is not None
    event = Event.objects.order_by("-pk")[0]
    assert (event.verb, event.target_id, event.reason) == ("policy.publish", version.pk, "Agreed")
    assert_refused("state", publish, desk, version)
    assert draft_version(desk).number == 3


def test_whoever_edited_a_draft_does_not_publish_it(desk: Desk) -> None:
    version = draft_version(desk)
    edit_policy_draft(
        version.pk,
        by=desk.director,
        effective_from=in_days(1),
        text="# Better",
        parameters={"approval_window_days": 30},
    )
    # Neither the last editor nor the one who began.
    for person in (desk.director, desk.manager):
        assert_refused("four_eyes", publish, desk, version, by=person)
    third = factories.manager()
    publish(desk, version, by=third)
    now = PolicyVersion.objects.get(pk=version.pk)
    assert (now.text, now.effective_from, now.drafted_by) == ("# Better", in_days(1), desk.director)
    assert now.refund_parameters.approval_window_days == 30


def test_only_managers_change_policies(desk: Desk) -> None:
    version = draft_version(desk)
    superuser = factories.UserFactory.create(role=None, is_superuser=True)
    edited: dict[str, Any] = {"effective_from": factories.today(), "text": "#", "parameters": {}}
    for person in (desk.agent, desk.lead, desk.clerk, desk.auditor, desk.administrator, desk.system, superuser):
        assert_refused("permission", draft_version, desk, by=person)
        assert_refused("permission", edit_policy_draft, version.pk, by=person, **edited)
        assert_refused("permission", publish, desk, version, by=person)


def test_what_is_published_is_never_edited(desk: Desk) -> None:
    edited: dict[str, Any] = {"effective_from": factories.today(), "text": "#", "parameters": {}}
    for version in PolicyVersion.objects.all():
        assert_refused("state", edit_policy_draft, version.pk, by=desk.manager, **edited)


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        (REFUND, {"full_month_allowed": True}),
        (REFUND, {"bases": []}),
        (REFUND, {"bases": ["usage", "usage"]}),
        (REFUND, {"bases": ["full_month"] * 2}),
        (REFUND, {"remedies": ["voucher"]}),
        (REFUND, {"approval_window_days": -1}),
        (REFUND, {"approval_window_days": "90"}),
        (REFUND, {"as_of_day_counts": "yes"}),
        (REFUND, {"second_approval_above": {"EUR": 500}}),
        (REFUND, {"second_approval_above": {"EUR": "-1.00"}}),
        (REFUND, {"second_approval_above": {"EUR": "0.001"}}),
        (REFUND, {"second_approval_above": {"euro": "1.00"}}),
        (REFUND, {"appeal_route": " "}),
        (FULFILMENT, {"full_month_allowed": "yes"}),
        (FULFILMENT, {"bases": ["usage"]}),
    ],
)
def test_parameters_that_do_not_fit_are_refused(desk: Desk, kind: str, parameters: dict[str, Any]) -> None:
    name = next(iter(parameters))
    assert_refused("parameters", draft_version, desk, kind=kind, parameters=parameters, saying=name)


def test_a_draft_needs_a_text_and_a_day(desk: Desk) -> None:
    for changes in ({"text": ""}, {"effective_from": None}):
        given: dict[str, Any] = {"effective_from": factories.today(), "text": "#", "parameters": {}, **changes}
        assert_refused("invalid", draft_policy_version, policy().pk, by=desk.manager, **given)


def test_a_version_holds_from_today_on_and_after_those_before_it(desk: Desk) -> None:
    yesterday = draft_version(desk, effective_from=in_days(-1))
    assert_refused("dates", publish, desk, yesterday, saying="past")
    later = draft_version(desk, effective_from=in_days(10))
    publish(desk, later)
    for days in (10, 9, 0):
        assert_refused("date_taken", publish, desk, draft_version(desk, effective_from=in_days(days)))
    publish(desk, draft_version(desk, effective_from=in_days(11)))
    # The other policy has a chain of its own.
    publish(desk, draft_version(desk, kind=FULFILMENT, effective_from=in_days(5)))


# --- Which version judges -----------------------------------------------------------------------


def test_the_version_in_force_on_the_day_judges(desk: Desk) -> None:
    first = policy().versions.get()
    second = publish(desk, draft_version(desk, effective_from=in_days(5)))
    third = publish(desk, draft_version(desk, effective_from=in_days(9)))
    draft_version(desk, effective_from=in_days(7))
    judged = {
        date(1999, 1, 1): first,
        first.effective_from - timedelta(days=1): first,
        first.effective_from: first,
        in_days(4): first,
        in_days(5): second,
        in_days(8): second,
        in_days(9): third,
        in_days(9999): third,
    }
    for day, version in judged.items():
        assert PolicyVersion.objects.governing(REFUND, day) == version, day
        assert PolicyVersion.objects.governing(FULFILMENT, day).policy.kind == FULFILMENT


def test_a_case_names_the_version_of_both_that_judged_it(desk: Desk) -> None:
    factories.approval_limits()
    fulfilment = publish(desk, draft_version(desk, kind=FULFILMENT))
    refund_policy = policy().versions.get()
    subscription = factories.paid_subscription(activated_on=factories.today())
    complaint = decided(desk, subscription=subscription, received_at=timezone.now())
    assert (complaint.refund_policy, complaint.fulfilment_policy) == (refund_policy, fulfilment)
    refund = propose(desk, complaint, "full_month")
    assert (refund.refund_policy, refund.fulfilment_policy) == (refund_policy, fulfilment)
    # What is published while a proposal waits changes nothing about it.
    publish(desk, draft_version(desk, parameters={"remedies": ["cash"]}, effective_from=in_days(1)))
    approve_refund(refund.pk, by=desk.manager)
    assert again(refund).state == Refund.State.SETTLED


def new_period(desk: Desk, kind: str, parameters: dict[str, Any]) -> Callable[..., Any]:
    """Cases on a period that is judged by a version with the parameters."""
    publish(desk, draft_version(desk, kind=kind, parameters=parameters))
    subscription = factories.paid_subscription(activated_on=factories.today())
    assert terms_for(only_period(subscription)).refund.number == (2 if kind == REFUND else 1)
    return lambda: decided(desk, subscription=subscription, received_at=timezone.now())


def test_a_basis_that_the_policy_does_not_have_is_refused(desk: Desk) -> None:
    make = new_period(desk, REFUND, {"bases": ["interruption"]})
    assert_refused("basis", draft_refund, make().pk, by=desk.agent, basis="usage", saying="version 2")
    assert draft_refund(make().pk, by=desk.agent, basis="full_month").basis == "full_month"
    # Older periods keep their version.
    assert propose(desk, decided(desk)).total == Decimal("40.00")


def test_the_full_month_is_the_fulfilment_policys(desk: Desk) -> None:
    make = new_period(desk, FULFILMENT, {"full_month_allowed": False})
    assert_refused("basis", draft_refund, make().pk, by=desk.agent, basis="full_month", saying="clause F5")
    assert draft_refund(make().pk, by=desk.agent, basis="usage").basis == "usage"


def test_the_second_threshold_is_the_policys(desk: Desk) -> None:
    factories.approval_limits()
    make = new_period(desk, REFUND, {"second_approval_above": {"EUR": "10.00"}})
    refund = propose(desk, make(), "special", special_amount=Decimal("10.01"))
    approve_refund(refund.pk, by=desk.manager)
    assert again(refund).state == Refund.State.APPROVED
    assert settled(desk, decided(desk)).state == Refund.State.SETTLED


def test_deadlines_and_expiries_are_the_policys(desk: Desk) -> None:
    make = new_period(
        desk,
        REFUND,
        {
            "acknowledge_within_days": 0,
            "decide_within_days": 1,
            "draft_expires_after_days": 2,
            "proposal_expires_after_days": 3,
        },
    )
    complaint = make()
    midnight = factories.at(in_days(1), hour=0)
    assert complaint.acknowledge_due_at == midnight
    assert complaint.decide_due_at == factories.at(in_days(2), hour=0)
    drafted = draft_refund(complaint.pk, by=desk.agent, basis="usage")
    assert drafted.expires_on == in_days(2)
    proposed = propose(desk, make(), "full_month")
    assert proposed.expires_on == in_days(3)


# --- What the database refuses by itself --------------------------------------------------------


def test_the_database_keeps_four_eyes_and_the_chain(desk: Desk) -> None:
    first = policy().versions.get()
    version = draft_version(desk, effective_from=in_days(1))

    def refused_by_the_database(**changes: Any) -> None:
        row = PolicyVersion.objects.get(pk=version.pk)
        for name, value in changes.items():
            setattr(row, name, value)
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save()

    published = {"state": "published", "published_at": timezone.now()}
    refused_by_the_database(**published, published_by=desk.manager)
    refused_by_the_database(**published, published_by=None)
    refused_by_the_database(**published, published_by=desk.director, drafted_by=None)
    refused_by_the_database(published_by=desk.director)
    refused_by_the_database(number=first.number)
    refused_by_the_database(**published, published_by=desk.director, effective_from=first.effective_from)
    assert register(desk, spring_subscription()).refund_policy == first
