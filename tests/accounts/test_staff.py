"""Staff and teams under four eyes: one drafts, another publishes, never for themself."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from accounts.staff.actions import (
    NewPerson,
    create_staff,
    create_team,
    discard_staff_change,
    draft_staff_change,
    publish_staff_change,
)
from accounts.staff.models import StaffChange, Team, User
from accounts.staff.permissions import May, Role
from audit.models import Event
from tests import factories
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db

PERSON = NewPerson("ada", "Ada", "Lind", "a long first password", "ada@example.com")


@pytest.fixture
def administrator() -> User:
    return factories.administrator()


@pytest.fixture
def manager() -> User:
    return factories.manager()


def test_a_new_person_cannot_sign_in_before_a_manager_published(administrator: User, manager: User) -> None:
    team = create_team(by=administrator, name="North desk")
    user = create_staff(
        by=administrator, person=PERSON, role=Role.LEAD, team_id=team.pk, leads_team=True, reason="Joins"
    )
    stored = User.objects.get(username="ada")
    assert (stored.is_active, stored.role, stored.team) == (False, None, None)
    assert stored.check_password(PERSON.password)
    assert not stored.may(May.SEE_CASES)

    change = StaffChange.objects.get(person=user)
    publish_staff_change(change.pk, by=manager, reason="Welcome")
    stored = User.objects.select_related("role", "team").get(username="ada")
    assert (stored.is_active, stored.role_name, stored.team) == (True, Role.LEAD, team)
    assert Team.objects.get().lead == stored
    change.refresh_from_db()
    assert (change.state, change.published_by) == (StaffChange.State.PUBLISHED, manager)
    verbs = list(Event.objects.order_by("pk").values_list("verb", "outcome"))
    assert verbs == [
        ("team.create", "done"),
        ("staff_change.draft", "done"),
        ("staff.create", "done"),
        ("staff_change.publish", "done"),
    ]
    newest = stored.history.first()
    assert (newest.role.name, newest.history_user_id, newest.history_change_reason) == (
        Role.LEAD,
        manager.pk,
        "Welcome",
    )


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"person": NewPerson("TAKEN", "A", "B", "a long first password")}, "duplicate"),
        ({"person": NewPerson("ada", "Ada", "Lind", "short")}, "password"),
        ({"person": NewPerson("ada", "Ada", "Lind", "password1234")}, "password"),
        ({"person": NewPerson("ada lind", "Ada", "Lind", "a long first password")}, "invalid"),
        ({"person": NewPerson("ada", "Ada", "Lind", "a long first password", "no address")}, "invalid"),
        ({"role": "Director"}, "role"),
        ({"role": ""}, "role"),
        ({"reason": " "}, "reason_missing"),
        ({"leads_team": True}, "lead"),
        ({"team_id": 12345}, "missing"),
        ({"customer_id": 12345}, "missing"),
    ],
)
def test_people_that_are_refused(administrator: User, given: dict[str, Any], code: str) -> None:
    factories.agent(username="taken")
    usual: dict[str, Any] = {"person": PERSON, "role": Role.AGENT, "reason": "Joins"}
    assert_refused(code, create_staff, by=administrator, **{**usual, **given})


@pytest.mark.parametrize("role", [role for role in Role if role != Role.ADMIN])
def test_only_administrators_draft(role: Role) -> None:
    person, other = factories.UserFactory.create(role=role), factories.agent()
    assert_refused("permission", create_staff, by=person, person=PERSON, role=Role.AGENT, reason="x")
    assert_refused("permission", draft_staff_change, other.pk, by=person, role=Role.LEAD, reason="x")
    assert_refused("permission", create_team, by=person, name="North")


@pytest.mark.parametrize("role", [role for role in Role if role != Role.MANAGER])
def test_only_managers_publish(role: Role) -> None:
    change = factories.StaffChangeFactory.create()
    assert_refused("permission", publish_staff_change, change.pk, by=factories.UserFactory.create(role=role))


def test_nobody_publishes_what_they_drafted(manager: User) -> None:
    change = factories.StaffChangeFactory.create(drafted_by=manager)
    assert_refused("four_eyes", publish_staff_change, change.pk, by=manager, saying="You drafted this")


def test_nobody_publishes_what_is_about_themself(administrator: User, manager: User) -> None:
    change = draft_staff_change(manager.pk, by=administrator, role=Role.MANAGER, reason="A raise")
    assert_refused("own", publish_staff_change, change.pk, by=manager, saying="about yourself")
    assert publish_staff_change(change.pk, by=factories.manager()).state == StaffChange.State.PUBLISHED


def test_the_system_publishes_and_becomes_nothing(administrator: User) -> None:
    change = factories.StaffChangeFactory.create()
    assert_refused("permission", publish_staff_change, change.pk, by=factories.system_user())
    assert_refused(
        "system", draft_staff_change, factories.system_user().pk, by=administrator, role=Role.MANAGER, reason="x"
    )


def test_a_change_is_published_or_discarded_once(manager: User, administrator: User) -> None:
    change = factories.StaffChangeFactory.create()
    publish_staff_change(change.pk, by=manager)
    assert_refused("state", publish_staff_change, change.pk, by=factories.manager())
    assert_refused("state", discard_staff_change, change.pk, by=administrator, reason="x")


@pytest.mark.parametrize("who", ["administrator", "manager"])
def test_a_draft_is_discarded_with_a_reason_and_changes_nobody(who: str) -> None:
    person = factories.agent()
    change = factories.StaffChangeFactory.create(person=person, role=Role.MANAGER)
    by = getattr(factories, who)()
    assert_refused("reason_missing", discard_staff_change, change.pk, by=by, reason="")
    discard_staff_change(change.pk, by=by, reason="A mistake")
    change.refresh_from_db()
    person.refresh_from_db()
    assert (change.state, change.published_by, person.role_name) == ("discarded", None, Role.AGENT)
    assert Event.objects.latest("pk").reason == "A mistake"


def test_an_agent_discards_nothing() -> None:
    change = factories.StaffChangeFactory.create()
    assert_refused("permission", discard_staff_change, change.pk, by=factories.agent(), reason="x")


def test_one_open_draft_a_person(administrator: User) -> None:
    person = factories.agent()
    change = draft_staff_change(person.pk, by=administrator, role=Role.LEAD, reason="Leads now")
    assert_refused("draft_open", draft_staff_change, person.pk, by=administrator, role=Role.AGENT, reason="x")
    discard_staff_change(change.pk, by=administrator, reason="Too early")
    assert draft_staff_change(person.pk, by=administrator, role=Role.AGENT, reason="Stays").state == "draft"


def test_somebody_who_leaves_loses_role_team_and_lead(administrator: User, manager: User) -> None:
    team = factories.TeamFactory.create()
    person = factories.lead(team=team)
    team.lead = person
    team.save()
    change = draft_staff_change(person.pk, by=administrator, role="", active=False, reason="Leaves")
    publish_staff_change(change.pk, by=manager)
    person = User.objects.get(pk=person.pk)
    assert (person.is_active, person.role, person.team) == (False, None, None)
    assert Team.objects.get(pk=team.pk).lead is None


def test_a_new_lead_takes_the_place_of_the_old_one(administrator: User, manager: User) -> None:
    old, new = factories.lead(), factories.lead()
    north, south = factories.TeamFactory.create(lead=old), factories.TeamFactory.create(lead=new)
    change = draft_staff_change(
        new.pk, by=administrator, role=Role.LEAD, team_id=north.pk, leads_team=True, reason="Moves north"
    )
    publish_staff_change(change.pk, by=manager)
    assert Team.objects.get(pk=north.pk).lead == new
    assert Team.objects.get(pk=south.pk).lead is None


@pytest.mark.parametrize("role", [Role.AGENT, Role.BILLING, Role.AUDITOR, Role.ADMIN])
def test_a_lead_is_a_lead_or_a_manager(administrator: User, role: Role) -> None:
    person, team = factories.agent(), factories.TeamFactory.create()
    assert_refused(
        "lead",
        draft_staff_change,
        person.pk,
        by=administrator,
        role=role,
        team_id=team.pk,
        leads_team=True,
        reason="x",
    )


def test_the_last_administrator_stays(administrator: User, manager: User) -> None:
    change = draft_staff_change(administrator.pk, by=administrator, role=Role.AGENT, reason="Wants to")
    assert_refused("last_administrator", publish_staff_change, change.pk, by=manager)
    factories.administrator(is_active=False)
    assert_refused("last_administrator", publish_staff_change, change.pk, by=manager)
    factories.administrator()
    publish_staff_change(change.pk, by=manager)
    assert User.objects.get(pk=administrator.pk).role_name == Role.AGENT


def test_a_team_has_a_name_of_its_own(administrator: User) -> None:
    create_team(by=administrator, name="North ")
    assert_refused("duplicate", create_team, by=administrator, name="North")
    assert_refused("invalid", create_team, by=administrator, name="")


@pytest.mark.parametrize(
    ("constraint", "given"),
    [
        ("staffchange_published_by_another", {"state": "published"}),
        ("staffchange_published_by_another", {"state": "draft", "published_by": "another"}),
        ("staffchange_published_by_another", {"state": "published", "published_by": "drafter"}),
        ("staff_change_not_published_by_self", {"state": "published", "published_by": "person"}),
        ("staff_change_leads_a_team", {"leads_team": True}),
    ],
)
def test_the_database_keeps_four_eyes(constraint: str, given: dict[str, Any]) -> None:
    people = {"person": factories.agent(), "drafter": factories.administrator(), "another": factories.manager()}
    values = {**given, "published_by": people.get(given.get("published_by", ""))}
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        factories.StaffChangeFactory.create(person=people["person"], drafted_by=people["drafter"], **values)


def test_the_database_keeps_one_draft_a_person() -> None:
    change = factories.StaffChangeFactory.create()
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.StaffChangeFactory.create(person=change.person)


def test_djangos_own_permissions_open_nothing() -> None:
    person = factories.agent(is_superuser=True, is_staff=True)
    assert not person.has_perm("accounts.change_customer")
    assert not person.may(May.APPROVE_USAGE)
    assert set(Group.objects.values_list("name", flat=True)) == {role.value for role in Role}
