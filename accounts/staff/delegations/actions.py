"""Approvals while somebody is away: given to a deputy from a day to a day, and taken back."""

from __future__ import annotations

from datetime import date, timedelta

from django.utils import timezone

from accounts.staff.approvers import may_stand_in, roles_that_may_stand_in_for
from accounts.staff.models import Delegation, User
from accounts.staff.permissions import May, role_words, roles_in_words
from accounts.staff.rules import permission_obstacle, require
from accounts.vocabulary import AccountRefusal, AccountVerb
from audit.actions import Obstacle, Refused, act, checked
from audit.vocabulary import Refusal
from core.text import say

State = Delegation.State

#: Whoever is away longer gives it again: a right that nobody remembers is no right for a time.
MOST_DAYS = 92


def give_delegation(*, by: User, deputy_id: int, starts_on: date, ends_on: date, reason: str) -> Delegation:
    """Have somebody approve refunds in one's place, from a day to a day, both counted, within one's own limits.

    What one has received oneself is not part of it: the deputy gets one's own right of each day, no more.

    Raises:
        Refused: no right to approve, a deputy who may not stand in, a day that is over, too many days, no reason,
            or the same deputy has another delegation of the same person for one of the days.
    """
    with act(AccountVerb.DELEGATION_GIVE, by=by, reason=reason, target=(Delegation, None)) as action:
        require(by, May.DELEGATE_APPROVALS)
        action.require_reason()
        # Two windows of one person give one after the other, so that the second sees what the first gave.
        delegator = action.lock(User, by.pk)
        deputy = User.objects.select_related("role").filter(pk=deputy_id).first()
        if deputy is None:
            raise Refused(say("This person does not exist."), code=Refusal.MISSING, data={"field": "deputy"})
        obstacle = deputy_obstacle(delegator, deputy)
        if obstacle:
            raise Refused(obstacle.sentence, code=obstacle.code, data={"field": "deputy"})
        if starts_on < timezone.localdate():
            raise Refused(
                say("This day is over: nobody stands in for somebody in the past."),
                code=AccountRefusal.PAST,
                data={"field": "starts_on"},
            )
        if ends_on < starts_on:
            raise Refused(
                say("The last day comes before the first."), code=AccountRefusal.DAYS, data={"field": "ends_on"}
            )
        if ends_on - starts_on >= timedelta(days=MOST_DAYS):
            raise Refused(
                say("This is for {most} days at most. Give it again if you are away longer.", most=MOST_DAYS),
                code=AccountRefusal.DAYS,
                data={"field": "ends_on"},
            )
        twin = Delegation.objects.filter(
            state=State.ACTIVE, delegator=delegator, deputy=deputy, starts_on__lte=ends_on, ends_on__gte=starts_on
        ).first()
        if twin is not None:
            raise Refused(
                say(
                    "{deputy} stands in for you already from {first} to {last}: revoke that first.",
                    deputy=deputy,
                    first=twin.starts_on,
                    last=twin.ends_on,
                ),
                code=AccountRefusal.OVERLAP,
                data={"field": "starts_on"},
            )
        delegation = checked(
            Delegation(
                delegator=delegator,
                deputy=deputy,
                starts_on=starts_on,
                ends_on=ends_on,
                reason=reason.strip(),
                given_at=timezone.now(),
            )
        )
        delegation.save()
        action.about(delegation)
        action.data = {"deputy": deputy.username, "from": starts_on.isoformat(), "to": ends_on.isoformat()}
        return delegation


def deputy_obstacle(delegator: User, deputy: User) -> Obstacle | None:
    """Why the one may not approve in the other's place, or None."""
    if deputy.pk == delegator.pk:
        return Obstacle(say("You cannot stand in for yourself."), AccountRefusal.SELF)
    if not deputy.is_active:
        return Obstacle(say("The account of {deputy} is deactivated.", deputy=deputy), AccountRefusal.DEPUTY)
    if not may_stand_in(deputy, delegator):
        role = role_words(deputy.role_name) or say("no role")
        able = roles_that_may_stand_in_for(delegator)
        if not able:
            return Obstacle(
                say("{deputy} ({role}) may not approve in your place; nobody can.", deputy=deputy, role=role),
                AccountRefusal.DEPUTY,
            )
        return Obstacle(
            say(
                "{deputy} ({role}) may not approve in your place; {roles} can.",
                deputy=deputy,
                role=role,
                roles=roles_in_words(able),
            ),
            AccountRefusal.DEPUTY,
        )
    return None


def revoke_obstacle(delegation: Delegation, by: User) -> Obstacle | None:
    """Why this person may not take the delegation back now, or None: one's own, or as a manager anybody's."""
    if delegation.state != State.ACTIVE:
        return Obstacle(say("This delegation is revoked already."), Refusal.STATE)
    if delegation.ends_on < timezone.localdate():
        return Obstacle(say("This delegation ended on {day}.", day=delegation.ends_on), Refusal.STATE)
    if delegation.delegator_id == by.pk and by.is_active:
        return None
    return permission_obstacle(by, May.REVOKE_DELEGATIONS)


def revoke_delegation(delegation_id: int, *, by: User, reason: str) -> Delegation:
    """Take a delegation back, at once. What the deputy approved until then stays."""
    with act(AccountVerb.DELEGATION_REVOKE, by=by, reason=reason, target=(Delegation, delegation_id)) as action:
        delegation = action.lock(Delegation, delegation_id)
        action.about(delegation)
        action.refuse_if(revoke_obstacle(delegation, by))
        action.require_reason()
        delegation.state = State.REVOKED
        delegation.revoked_at = timezone.now()
        delegation.save()
        return delegation
