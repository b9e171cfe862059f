"""Staff and teams under four eyes: one drafts, a manager publishes, never for themself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password

from accounts.customers.models import Customer
from accounts.four_eyes import rules as four_eyes
from accounts.staff.models import StaffChange, Team, User
from accounts.staff.permissions import May, Role
from accounts.staff.rules import permission_obstacle, require
from accounts.vocabulary import AccountRefusal, AccountVerb
from audit.actions import Action, Obstacle, Refused, act, checked
from audit.vocabulary import Refusal
from core.text import say
from core.validators import problem_in_words


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Somebody who joins: the name they sign in with, what they are called, their first password."""

    username: str
    first_name: str
    last_name: str
    password: str
    email: str = ""


def create_team(*, by: User, name: str, reason: str = "") -> Team:
    """A new team, empty: people join it and lead it by published staff changes."""
    with act(AccountVerb.TEAM_CREATE, by=by, reason=reason, target=(Team, None)) as action:
        require(by, May.DRAFT_STAFF)
        if Team.objects.filter(name=name.strip()).exists():
            raise Refused(
                say("There is a team {name} already.", name=name.strip()),
                code=Refusal.DUPLICATE,
                data={"field": "name"},
            )
        team = checked(Team(name=name.strip()))
        team.save()
        action.about(team)
        return team


def create_staff(
    *,
    by: User,
    person: NewPerson,
    role: str,
    reason: str,
    team_id: int | None = None,
    leads_team: bool = False,
    customer_id: int | None = None,
) -> User:
    """Enter a person, and draft what they shall be. Until that is published they can't sign in.

    Raises:
        Refused: the user name is taken, the password too weak, or what ``draft_staff_change`` refuses.
    """
    with act(AccountVerb.STAFF_CREATE, by=by, reason=reason, target=(User, None)) as action:
        require(by, May.DRAFT_STAFF)
        user = _add_person(person, active=False)
        action.about(user)
        draft_staff_change(
            user.pk,
            by=by,
            reason=reason,
            role=role,
            team_id=team_id,
            leads_team=leads_team,
            customer_id=customer_id,
        )
        return user


def _add_person(person: NewPerson, *, active: bool, role: Group | None = None) -> User:
    if User.objects.filter(username__iexact=person.username).exists():
        raise Refused(
            say("The user name {name} is taken.", name=person.username),
            code=Refusal.DUPLICATE,
            data={"field": "username"},
        )
    user = User(
        username=person.username,
        first_name=person.first_name.strip(),
        last_name=person.last_name.strip(),
        email=person.email,
        is_active=active,
        role=role,
    )
    if problem := problem_in_words(lambda: validate_password(person.password, user)):
        raise Refused(problem, code=AccountRefusal.PASSWORD, data={"field": "password"})
    user.set_password(person.password)
    checked(user).save()
    return user


def change_own_password(*, by: User, password: str) -> User:
    """Change one's own password, already checked. It leaves an event: somebody who knows the first password of another
    and uses it does not stay unseen.
    """
    with act(AccountVerb.STAFF_PASSWORD, by=by, target=(User, by.pk)) as action:
        user = action.lock(User, by.pk)
        action.about(user)
        user.set_password(password)
        user.save(update_fields=["password"])
        return user


def draft_obstacle(person: User, *, open_drafts: int | None = None) -> Obstacle | None:
    """Why no change of this person can be drafted now, or None. ``open_drafts`` saves the query for them."""
    if person.username == User.SYSTEM:
        return Obstacle(say("The system user acts for jobs and commands: it has no role."), AccountRefusal.SYSTEM)
    if open_drafts is None:
        open_drafts = person.staff_changes.filter(state=StaffChange.State.DRAFT).count()
    if open_drafts:
        return Obstacle(
            say("A change of {person} is drafted already: publish or discard it first.", person=person),
            AccountRefusal.DRAFT_OPEN,
        )
    return None


def draft_staff_change(
    person_id: int,
    *,
    by: User,
    reason: str,
    role: str,
    team_id: int | None = None,
    leads_team: bool = False,
    customer_id: int | None = None,
    active: bool = True,
) -> StaffChange:
    """Draft what a person shall be once it is published: role, team, themself as a customer, active.

    A draft says all of it, not only what changes. ``role`` may be empty for somebody who is deactivated.

    Raises:
        Refused: no reason, an unknown role, an active person without a role, a lead without a team
            or a lead's role, a draft that is open already.
    """
    with act(AccountVerb.STAFF_CHANGE_DRAFT, by=by, reason=reason, target=(User, person_id)) as action:
        require(by, May.DRAFT_STAFF)
        action.require_reason()
        person = action.lock(User, person_id)
        action.about(person)
        action.refuse_if(draft_obstacle(person))
        group = Group.objects.filter(name=role).first() if role else None
        if group is None and (role or active):
            raise Refused(
                say("“{role}” is no role.", role=role) if role else say("Somebody who is active has a role."),
                code=AccountRefusal.ROLE,
                data={"field": "role"},
            )
        if leads_team and (team_id is None or role not in (Role.LEAD, Role.MANAGER) or not active):
            raise Refused(
                say("To lead a team one is in it, active, and a team lead or a manager."),
                code=AccountRefusal.LEAD,
                data={"field": "leads_team"},
            )
        change = checked(
            StaffChange(
                person=person,
                role=group,
                team=action.lock(Team, team_id) if team_id is not None else None,
                leads_team=leads_team,
                customer=action.lock(Customer, customer_id) if customer_id is not None else None,
                active=active,
                reason=reason,
                drafted_by=by,
            )
        )
        change.save()
        action.about(change)
        return change


def publish_change_obstacle(change: StaffChange, by: User) -> Obstacle | None:
    """Why this person may not publish the change now, or None."""
    found = four_eyes.publish_obstacle(change, by)
    if found is None and change.person_id == by.pk:
        return Obstacle(say("This change is about yourself: somebody else has to publish it."), AccountRefusal.OWN)
    return found


def publish_staff_change(change_id: int, *, by: User, reason: str = "") -> StaffChange:
    """Publish another person's draft about a third one; it holds from now on."""
    with act(AccountVerb.STAFF_CHANGE_PUBLISH, by=by, reason=reason, target=(StaffChange, change_id)) as action:
        require(by, May.PUBLISH_STAFF)
        change = action.lock(StaffChange, change_id)
        action.about(change)
        action.refuse_if(publish_change_obstacle(change, by))
        person = action.lock(User, change.person_id)
        _keep_an_administrator(person, change)
        person.role, person.team, person.customer = change.role, change.team, change.customer
        person.is_active = change.active
        person.save()
        _set_lead(action, person, change)
        four_eyes.publish(change, by=by)
        action.data = {
            "role": person.role_name,
            "team": str(change.team or ""),
            "leads_team": change.leads_team,
            "active": change.active,
        }
        return change


def _keep_an_administrator(person: User, change: StaffChange) -> None:
    """Without an administrator nobody could draft another. (A manager stays: the one who publishes.)"""
    stays = change.active and change.role is not None and change.role.name == Role.ADMIN
    if not person.has_role(Role.ADMIN) or stays:
        return
    others = User.objects.filter(role__name=Role.ADMIN, is_active=True).exclude(pk=person.pk)
    if not others.exists():
        raise Refused(
            say("{person} is the only administrator: nobody could draft changes of staff any more.", person=person),
            code=AccountRefusal.LAST_ADMINISTRATOR,
        )


def _set_lead(action: Action, person: User, change: StaffChange) -> None:
    for team_id in Team.objects.filter(lead=person).order_by("pk").values_list("pk", flat=True):
        if not (change.leads_team and team_id == change.team_id):
            left = action.lock(Team, team_id)
            left.lead = None
            left.save()
    if change.leads_team and change.team_id is not None:
        led = action.lock(Team, change.team_id)
        if led.lead_id != person.pk:
            led.lead = person
            led.save()


def discard_staff_change(change_id: int, *, by: User, reason: str) -> StaffChange:
    """Give a draft up: its drafters may, and those who would publish it."""
    with act(AccountVerb.STAFF_CHANGE_DISCARD, by=by, reason=reason, target=(StaffChange, change_id)) as action:
        if permission_obstacle(by, May.PUBLISH_STAFF):
            require(by, May.DRAFT_STAFF)
        action.require_reason()
        change = action.lock(StaffChange, change_id)
        action.about(change)
        action.refuse_if(four_eyes.draft_obstacle(change))
        change.state = StaffChange.State.DISCARDED
        change.save()
        return change


def bootstrap_obstacle() -> Obstacle | None:
    """Why the first people can't be made: there are people already."""
    if User.objects.filter(role__isnull=False).exists():
        return Obstacle(say("There is staff already: further people are drafted and published."), Refusal.NOT_EMPTY)
    return None


def bootstrap_staff(*, by: User, administrator: NewPerson, managers: Sequence[NewPerson]) -> list[User]:
    """Make the first administrator and two managers of an empty site, once. Only a command may.

    Two managers, because what one has drafted or is about another has to publish.
    """
    with act(AccountVerb.STAFF_BOOTSTRAP, by=by, target=(User, None)) as action:
        if by.username != User.SYSTEM:
            raise Refused(say("Only the command that sets a new site up does this."), code=Refusal.PERMISSION)
        # One row that everybody who tries this has to wait for: two commands at once make one set of people.
        action.lock(User, by.pk)
        action.refuse_if(bootstrap_obstacle())
        if len(managers) != 2:
            raise Refused(
                say("Two managers are due: one alone could not publish what is about them."),
                code=AccountRefusal.MANAGERS,
            )
        roles = {group.name: group for group in Group.objects.all()}
        made = [_add_person(administrator, active=True, role=roles[Role.ADMIN])]
        made += [_add_person(person, active=True, role=roles[Role.MANAGER]) for person in managers]
        action.target_label = "The first administrator and two managers"
        action.data = {"people": [{"username": user.username, "role": user.role_name} for user in made]}
        return made
