"""Naming a deputy and taking it back: who may, for which days, and what the pages show of it."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.staff.approvers import ApprovalRights, approvers
from accounts.staff.delegations.actions import give_delegation, revoke_delegation
from accounts.staff.models import Delegation, User
from audit.models import Event
from complaints.refunds.approvals.actions import approve_refund
from complaints.refunds.models import Approval, Refund
from tests import factories
from tests.complaints.cases import Desk, again, dear_case, decided, propose, special
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


def given(desk: Desk, **changes: Any) -> dict[str, Any]:
    return {
        "by": desk.manager,
        "deputy_id": desk.lead.pk,
        "starts_on": TODAY(),
        "ends_on": TODAY() + timedelta(days=7),
        "reason": "On holiday",
        **changes,
    }


# --- Giving -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("delegator", "deputy", "code"),
    [
        ("lead", "agent", None),
        ("lead", "manager", None),
        ("manager", "lead", None),
        ("manager", "director", None),
        ("manager", "agent", "deputy"),
        ("manager", "clerk", "deputy"),
        ("manager", "auditor", "deputy"),
        ("manager", "administrator", "deputy"),
        ("lead", "clerk", "deputy"),
        ("lead", "lead", "self"),
        ("agent", "colleague", "permission"),
        ("clerk", "lead", "permission"),
        ("auditor", "lead", "permission"),
        ("administrator", "lead", "permission"),
        ("system", "lead", "permission"),
    ],
)
def test_who_may_stand_in_for_whom(desk: Desk, delegator: str, deputy: str, code: str | None) -> None:
    values = given(desk, by=getattr(desk, delegator), deputy_id=getattr(desk, deputy).pk)
    if code is None:
        delegation = give_delegation(**values)
        assert (delegation.delegator, delegation.deputy) == (getattr(desk, delegator), getattr(desk, deputy))
        event = Event.objects.get(verb="delegation.give")
        assert (event.actor, event.reason, event.target_id) == (delegation.delegator, "On holiday", delegation.pk)
    else:
        assert_refused(code, give_delegation, **values)


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [(0, 0, None), (0, 91, None), (30, 40, None), (-1, 3, "past"), (3, 2, "days"), (0, 92, "days"), (400, 500, "days")],
)
def test_the_days_of_a_delegation(desk: Desk, first: int, last: int, code: str | None) -> None:
    days = {"starts_on": TODAY() + timedelta(days=first), "ends_on": TODAY() + timedelta(days=last)}
    if code is None:
        assert give_delegation(**given(desk, **days)).ends_on == days["ends_on"]
    else:
        assert_refused(code, give_delegation, **given(desk, **days))


def test_a_reason_and_an_active_deputy_are_needed(desk: Desk) -> None:
    assert_refused("reason_missing", give_delegation, **given(desk, reason=" "))
    assert_refused("missing", give_delegation, **given(desk, deputy_id=10**9))
    desk.lead.is_active = False
    desk.lead.save()
    assert_refused("deputy", give_delegation, **given(desk), saying="deactivated")


@pytest.mark.parametrize(("starts_in", "days", "refused"), [(0, 5, True), (4, 1, True), (-0, 30, True), (5, 3, False)])
def test_the_same_deputy_is_named_once_for_a_day(desk: Desk, starts_in: int, days: int, refused: bool) -> None:
    first = deputy_of(desk.manager, desk.lead, days=5)
    values = given(
        desk,
        starts_on=TODAY() + timedelta(days=starts_in),
        ends_on=TODAY() + timedelta(days=starts_in + days - 1),
    )
    if not refused:
        give_delegation(**values)
        return
    assert_refused("overlap", give_delegation, **values)
    # Another deputy, another delegator, or once the first is revoked: that is no overlap.
    give_delegation(**{**values, "deputy_id": desk.director.pk})
    give_delegation(**{**values, "by": desk.director})
    revoke_delegation(first.pk, by=desk.manager, reason="Back early")
    give_delegation(**values)


def test_the_database_knows_no_deputy_of_oneself_and_no_days_backwards(desk: Desk) -> None:
    whole = {"given_at": factories.at(TODAY()), "reason": "x", "starts_on": TODAY()}
    with pytest.raises(IntegrityError, match="delegation_to_another"), transaction.atomic():
        Delegation(delegator=desk.lead, deputy=desk.lead, ends_on=TODAY(), **whole).save()
    with pytest.raises(IntegrityError, match="delegation_ends_after_start"), transaction.atomic():
        Delegation(delegator=desk.manager, deputy=desk.lead, ends_on=TODAY() - timedelta(days=1), **whole).save()


# --- Revoking -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("person", "code"),
    [
        ("manager", None),
        ("director", None),
        ("lead", "permission"),
        ("agent", "permission"),
        ("auditor", "permission"),
        ("administrator", "permission"),
    ],
)
def test_the_delegator_or_a_manager_revokes(desk: Desk, person: str, code: str | None) -> None:
    delegation = deputy_of(desk.manager, desk.lead)
    attempt = partial(revoke_delegation, delegation.pk, by=getattr(desk, person), reason="Back early")
    if code is not None:
        assert_refused(code, attempt)
        return
    attempt()
    assert_refused("state", attempt)
    assert_refused("permission", approve_refund, dear(desk).pk, by=desk.lead)


def test_a_lead_revokes_their_own(desk: Desk) -> None:
    delegation = deputy_of(desk.lead, desk.colleague)
    assert_refused("reason_missing", revoke_delegation, delegation.pk, by=desk.lead, reason="")
    revoke_delegation(delegation.pk, by=desk.lead, reason="Back early")
    assert_refused("permission", approve_refund, propose(desk, decided(desk)).pk, by=desk.colleague)


# --- What is shown ------------------------------------------------------------------------------


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    return client


def test_approvers_list_deputies_apart(desk: Desk) -> None:
    delegation = deputy_of(desk.manager, desk.lead)
    found = {(each.subject, each.currency): each for each in approvers(TODAY())}
    special_ones = found["special", "EUR"]
    assert set(special_ones.people) == {desk.manager, desk.director}
    assert special_ones.deputies == [delegation]
    assert found["reversal", "EUR"].deputies == []
    desk.director.is_active = False
    desk.director.save()
    found = {(each.subject, each.currency): each for each in approvers(TODAY())}
    assert not found["special", "EUR"].enough


def test_the_page_names_who_could_approve(desk: Desk) -> None:
    deputy_of(desk.manager, desk.lead)
    refund = dear(desk)
    panels = signed_in(desk.agent).get(f"/complaints/refund/{refund.pk}/change/").context["panels"]
    rows = next(panel for panel in panels if panel.title == "Who could approve").context["rows"]
    names = {str(row[0]).partition("<")[0] for row in rows}
    assert {str(desk.director), str(desk.manager), f"{desk.lead} for {desk.manager}"} <= names
    assert not {str(desk.agent), str(desk.colleague), str(desk.lead)} & names


def test_the_confirmation_says_in_whose_place(desk: Desk) -> None:
    delegation = deputy_of(desk.manager, desk.lead)
    small, big = propose(desk, decided(desk)), dear(desk)
    client = signed_in(desk.lead)
    page = client.get(f"/complaints/refund/act/approve/?ids={small.pk}").content.decode()
    assert "Your own limit of 100.00 EUR suffices." in page
    page = client.get(f"/complaints/refund/act/approve/?ids={big.pk}").content.decode()
    assert f"You approve in the place of {desk.manager}, within their limit of 1,000.00 EUR." in page
    client.post(f"/complaints/refund/act/approve/?ids={small.pk}", {"choice": str(delegation.pk), "reason": ""})
    assert Approval.objects.get().on_behalf_of == desk.manager
    page = client.get(f"/complaints/refund/{small.pk}/change/").content.decode()
    assert f"{desk.lead} for {desk.manager}" in page


def test_an_agent_gets_the_page_while_standing_in(desk: Desk) -> None:
    refund = propose(desk, decided(desk))
    client, address = signed_in(desk.colleague), f"/complaints/refund/act/approve/?ids={refund.pk}"
    assert client.get(address).status_code == 403
    delegation = deputy_of(desk.lead, desk.colleague)
    assert client.get(address).status_code == 200
    assert client.post(address, {"reason": ""}).status_code == 302
    assert again(refund).state == State.SETTLED
    revoke_delegation(delegation.pk, by=desk.lead, reason="Back early")
    assert client.get(address).status_code == 403


def test_a_deputy_is_named_and_revoked_on_pages(desk: Desk) -> None:
    client = signed_in(desk.manager)
    form = client.get("/accounts/delegation/do/give/").content.decode()
    assert f"{desk.lead} (Team lead)" in form
    assert f"{desk.agent} (" not in form
    days = {"starts_on": TODAY().isoformat(), "ends_on": (TODAY() + timedelta(days=3)).isoformat()}
    typed = {"deputy": desk.lead.pk, "reason": "On holiday", **days}
    assert client.post("/accounts/delegation/do/give/", {**typed, "deputy": desk.agent.pk}).status_code == 200
    assert client.post("/accounts/delegation/do/give/", typed).status_code == 302
    delegation = Delegation.objects.get()
    assert "You for " in signed_in(desk.lead).get("/").content.decode()
    revoke = f"/accounts/delegation/act/revoke/?ids={delegation.pk}"
    assert "may not" in signed_in(desk.lead).get(revoke).content.decode()
    assert client.post(revoke, {"reason": "Back early"}).status_code == 302
    assert Delegation.objects.get().state == Delegation.State.REVOKED


def test_rights_are_read_in_two_statements(desk: Desk, django_assert_num_queries: Any) -> None:
    for _ in range(3):
        factories.delegation()
    with django_assert_num_queries(2):
        rights = ApprovalRights(date.today())  # noqa: DTZ011
        assert all(rights.received_by(person) == () for person in (desk.agent, desk.manager))


# --- At once -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_same_deputy_is_named_once_in_eight_windows() -> None:
    desk = Desk(limits=True)
    results = race([partial(give_delegation, **given(desk)) for _ in range(8)])
    assert [each.code for each in refusals_of(results)] == ["overlap"] * 7
    assert Delegation.objects.count() == 1
