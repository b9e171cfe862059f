"""Asking the permission table, with a sentence for whoever may not."""

from __future__ import annotations

from accounts.staff.models import User
from accounts.staff.permissions import SYSTEM_MAY, May, may_words, role_words, roles_that
from audit.actions import Obstacle, Refused
from audit.vocabulary import Refusal
from core.text import say


def permission_obstacle(by: User, what: May) -> Obstacle | None:
    """Why this person may not do it by their role, or None. The system user has a short list of its own."""
    if by.may(what) or (by.username == User.SYSTEM and what in SYSTEM_MAY):
        return None
    if by.username == User.SYSTEM:
        sentence = say("The system itself may not {what}: {roles} can.", what=may_words(what), roles=roles_that(what))
    elif not by.is_active:
        sentence = say("This account is deactivated.")
    else:
        sentence = say(
            "Your role ({role}) may not {what}. {roles} can.",
            role=role_words(by.role_name) or say("no role"),
            what=may_words(what),
            roles=roles_that(what),
        )
    return Obstacle(sentence, Refusal.PERMISSION)


def require(by: User, what: May) -> None:
    """Raises ``Refused`` unless the person's role allows it."""
    obstacle = permission_obstacle(by, what)
    if obstacle:
        raise Refused(obstacle.sentence, code=obstacle.code)
