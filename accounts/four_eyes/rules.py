"""The rules of what it takes two people for: who may publish a draft, who may decide on a proposal."""

from __future__ import annotations

from django.utils import timezone

from accounts.four_eyes.models import ApprovedByAnother, PublishedByAnother
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import permission_obstacle
from audit.actions import Obstacle, Refused
from audit.vocabulary import Refusal
from core.text import say


def draft_obstacle(row: PublishedByAnother) -> Obstacle | None:
    """Why the row is no draft any more, to be edited, published or discarded; or None."""
    if row.state == row.State.DRAFT:
        return None
    return Obstacle(say(row.NO_DRAFT, state=row.get_state_display().lower()), Refusal.STATE)


def publish_obstacle(row: PublishedByAnother, by: User) -> Obstacle | None:
    """Why this person may not publish the row now, or None. Queries only where drafts can be edited."""
    if found := draft_obstacle(row):
        return found
    edited = row.DRAFTS_ARE_EDITED and row.history.filter(history_user=by).exists()
    return Obstacle(say(row.OWN_DRAFT), Refusal.FOUR_EYES) if edited or row.drafted_by_id == by.pk else None


def publish(row: PublishedByAnother, *, by: User) -> None:
    """Publish another person's draft, for which nothing is in the way.

    Raises:
        Refused: another that leaves no room for it is published already, or it would change what was so.
    """
    if row.rivals().exists():
        raise Refused(say(row.DAY_TAKEN), code=Refusal.DATE_TAKEN)
    if row.comes_too_late(timezone.localdate()):
        raise Refused(
            say("Its day is over: what held then would be changed afterwards. Draft it from today on."),
            code=Refusal.DATES,
        )
    row.state = row.State.PUBLISHED
    row.published_by = by
    row.save()


def open_obstacle(row: ApprovedByAnother) -> Obstacle | None:
    """Why the proposal is not open any more, or None."""
    if row.state == row.State.PROPOSED:
        return None
    return Obstacle(say(row.NOT_PROPOSED, state=row.get_state_display()), Refusal.STATE)


def decide_obstacle(row: ApprovedByAnother, by: User, *, may: May) -> Obstacle | None:
    """Why this person may not approve or reject the proposal now, or None. A limit comes on top."""
    return (
        open_obstacle(row)
        or permission_obstacle(by, may)
        or (Obstacle(say(row.OWN_PROPOSAL), Refusal.OWN_PROPOSAL) if row.proposed_by_id == by.pk else None)
    )


def decide(row: ApprovedByAnother, state: str, *, by: User) -> None:
    """Note who decided, and what."""
    row.state = state
    row.decided_by = by
    row.decided_at = timezone.now()
    row.save()
