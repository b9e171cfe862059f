"""Approval limits: dated, drafted by one, published by another; and who could approve something."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import RequestFactory

from accounts.staff.approvers import ApprovalRights, approvers
from accounts.staff.limits.actions import draft_limit, publish_limit
from accounts.staff.limits.admin import approvers_panel
from accounts.staff.limits.rules import limit_of
from accounts.staff.models import ApprovalLimit, User
from accounts.staff.permissions import Role
from audit.models import Event
from backoffice.requests import staff
from tests import factories
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db

DAY = date(2026, 1, 1)


@pytest.fixture
def administrator() -> User:
    return factories.administrator()


@pytest.fixture
def manager() -> User:
    return factories.manager()


def draft(by: User, **given: Any) -> ApprovalLimit:
    usual: dict[str, Any] = {
        "role": Role.LEAD,
        "subject": "usage",
        "currency": "EUR",
        "valid_from": DAY,
        "amount": Decimal("50.00"),
        "batch_amount": Decimal("200.00"),
        "reason": "New scheme",
    }
    return draft_limit(by=by, **{**usual, **given})


def test_a_limit_holds_once_another_has_published_it(administrator: User, manager: User) -> None:
    limit = draft(administrator)
    assert not ApprovalLimit.objects.in_force(DAY).exists()
    publish_limit(limit.pk, by=manager, reason="Agreed")
    stored = ApprovalLimit.objects.in_force(DAY).get()
    assert (stored.amount, stored.batch_amount, stored.role.name) == (Decimal("50.00"), Decimal("200.00"), Role.LEAD)
    assert (stored.drafted_by, stored.published_by) == (administrator, manager)
    events = list(Event.objects.order_by("pk").values_list("verb", "outcome", "reason"))
    assert events == [("limit.draft", "done", "New scheme"), ("limit.publish", "done", "Agreed")]
    assert [row.history_user_id for row in stored.history.all()] == [manager.pk, administrator.pk]


def test_the_newest_that_has_begun_holds() -> None:
    for valid_from, amount in ((DAY, 50), (date(2026, 6, 1), 70), (date(2027, 1, 1), 90)):
        factories.ApprovalLimitFactory.create(valid_from=valid_from, amount=Decimal(amount))
    newest = ApprovalLimit.objects.in_force(date(2026, 6, 1)).first()
    assert newest is not None
    assert newest.amount == 70
    assert not ApprovalLimit.objects.in_force(date(2025, 12, 31)).exists()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"role": "Director"}, "role"),
        ({"role": Role.AGENT}, "role"),
        ({"role": Role.ADMIN}, "role"),
        ({"role": Role.LEAD, "subject": "full_month"}, "role"),
        ({"role": Role.LEAD, "subject": "special"}, "role"),
        ({"subject": "gift"}, "invalid"),
        ({"currency": "EURO"}, "invalid"),
        ({"amount": Decimal(-1)}, "amount"),
        ({"amount": Decimal("1.005")}, "amount"),
        ({"currency": "JPY", "batch_amount": Decimal("0.5")}, "amount"),
    ],
)
def test_limits_that_are_refused(administrator: User, given: dict[str, Any], code: str) -> None:
    assert_refused(code, draft, administrator, **given)


@pytest.mark.parametrize("role", [role for role in Role if role != Role.ADMIN])
def test_only_administrators_draft(role: Role) -> None:
    assert_refused("permission", draft, factories.UserFactory.create(role=role))


@pytest.mark.parametrize("role", [role for role in Role if role != Role.MANAGER])
def test_only_managers_publish(role: Role) -> None:
    limit = factories.ApprovalLimitFactory.create(state="draft")
    assert_refused("permission", publish_limit, limit.pk, by=factories.UserFactory.create(role=role))


def test_nobody_publishes_their_own_draft(manager: User) -> None:
    limit = factories.ApprovalLimitFactory.create(state="draft", drafted_by=manager)
    assert_refused("four_eyes", publish_limit, limit.pk, by=manager)


def test_a_limit_is_published_once_and_once_a_day(administrator: User, manager: User) -> None:
    today = factories.today()
    one, two = (draft(administrator, amount=Decimal(amount), valid_from=today) for amount in (50, 60))
    publish_limit(one.pk, by=manager)
    assert_refused("state", publish_limit, one.pk, by=factories.manager())
    assert_refused("date_taken", publish_limit, two.pk, by=manager)


def test_a_further_limit_does_not_change_what_held(administrator: User, manager: User) -> None:
    publish_limit(draft(administrator).pk, by=manager)
    yesterday = factories.days_ago(1)
    for amount in (Decimal("60.00"), None):
        late = draft(administrator, amount=amount, valid_from=yesterday)
        assert_refused("dates", publish_limit, late.pk, by=manager)
    # In another currency nobody could approve anything before.
    publish_limit(draft(administrator, currency="CHF", valid_from=yesterday).pk, by=manager)
    publish_limit(draft(administrator, amount=None, valid_from=factories.today()).pk, by=manager)


@pytest.mark.parametrize(
    ("constraint", "given"),
    [
        ("limit_not_negative", {"amount": Decimal(-1)}),
        ("limit_not_negative", {"batch_amount": Decimal(-1)}),
        ("approvallimit_published_by_another", {"published_by": None}),
        ("approvallimit_published_by_another", {"published_by": "drafter"}),
    ],
)
def test_the_database_refuses_too(constraint: str, given: dict[str, Any]) -> None:
    drafter = factories.administrator()
    if given.get("published_by") == "drafter":
        given = {"published_by": drafter}
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        factories.ApprovalLimitFactory.create(drafted_by=drafter, **given)


def test_the_database_keeps_one_published_limit_a_day() -> None:
    limit = factories.ApprovalLimitFactory.create()
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.ApprovalLimitFactory.create(valid_from=limit.valid_from)
    factories.ApprovalLimitFactory.create(valid_from=limit.valid_from, state="draft")


# --- Who could approve --------------------------------------------------------------------------


def names(day: date = DAY) -> dict[tuple[str, str], set[str]]:
    return {(found.subject, found.currency): {user.username for user in found.people} for found in approvers(day)}


def test_who_could_approve_by_role_activity_and_limit() -> None:
    factories.approval_limits()
    User.objects.get(role__name=Role.MANAGER)  # the one who published the limits
    ada, bea = factories.lead(username="ada"), factories.manager(username="bea")
    factories.manager(username="gone", is_active=False)
    factories.agent(username="agent")
    publisher = ApprovalLimit.objects.all()[0].published_by
    assert publisher is not None
    managers = {bea.username, publisher.username}
    assert names() == {
        ("usage", "EUR"): {ada.username, *managers},
        ("interruption", "EUR"): {ada.username, *managers},
        ("full_month", "EUR"): managers,
        ("special", "EUR"): managers,
        ("reversal", "EUR"): managers,
        ("leftover_credit", "EUR"): managers,
    }


def test_without_limits_nobody_could_approve_anything() -> None:
    factories.manager()
    assert names() == {(subject.value, ""): set() for subject in ApprovalLimit.Subject}


def test_a_limit_of_nothing_allows_nothing() -> None:
    factories.ApprovalLimitFactory.create(subject="special")
    factories.ApprovalLimitFactory.create(subject="special", valid_from=DAY, amount=Decimal(0))
    assert names()["special", "EUR"] == set()
    assert names(date(2025, 12, 31))["special", "EUR"] != set()


def test_currencies_count_apart() -> None:
    factories.ApprovalLimitFactory.create(subject="usage", currency="EUR")
    factories.ApprovalLimitFactory.create(subject="usage", currency="CHF", role=Role.LEAD)
    found = names()
    assert len(found["usage", "EUR"]) == 2  # both limits' publishers are managers
    assert found["usage", "CHF"] == set()


def panel_for(person: User) -> Any:
    request = RequestFactory().get("/")
    request.user = person
    return approvers_panel(staff(request))


def test_the_home_page_warns_those_who_see_staff_until_two_could_approve() -> None:
    one = factories.manager(username="one")
    panel = panel_for(one)
    assert (panel.tone, panel.side) == ("warn", "top")
    everything = {label for _, label in ApprovalLimit.Subject.choices}
    assert {row[0] for row in panel.context["rows"]} == everything
    assert panel_for(factories.agent()) is None
    assert panel_for(factories.billing_clerk()) is None
    factories.approval_limits()  # makes a second manager
    assert panel_for(one) is None
    one.is_active = False
    one.save()
    rows = panel_for(factories.administrator()).context["rows"]
    assert {row[0] for row in rows} == everything
    factories.lead()
    only_managers = [ApprovalLimit.Subject.REVERSAL.label, ApprovalLimit.Subject.LEFTOVER_CREDIT.label]
    rows = panel_for(factories.auditor()).context["rows"]
    assert [row[0] for row in rows] == ["Full month", "Special case", *only_managers]


# --- No limit, and the limit to raise -----------------------------------------------------------


def test_a_limit_may_be_none() -> None:
    administrator, manager = factories.administrator(), factories.manager()
    limit = draft_limit(
        by=administrator, role=Role.MANAGER, subject="special", currency="EUR", valid_from=DAY, amount=None
    )
    assert str(limit).startswith("Manager: Special case up to any amount from")
    publish_limit(limit.pk, by=factories.manager())
    for found in (limit_of(manager, "special", "EUR", DAY), ApprovalRights(DAY).limit_of(manager, "special", "EUR")):
        assert found.none
        assert found.covers(Decimal(10**9))
        assert found.obstacle(Decimal(10**9)) is None
    assert manager.username in names()["special", "EUR"]


@pytest.mark.parametrize("amount", [Decimal("5.00"), Decimal(0)])
def test_a_refusal_names_the_limit_to_raise(amount: Decimal) -> None:
    lead = factories.lead()
    factories.ApprovalLimitFactory.create(role=Role.LEAD, amount=amount)
    for found in (limit_of(lead, "usage", "EUR", DAY), ApprovalRights(DAY).limit_of(lead, "usage", "EUR")):
        refusal = found.obstacle(Decimal("5.01"))
        assert refusal is not None
        assert str(refusal).endswith("The limit to raise is: Team lead, usage-based refund, EUR.")
