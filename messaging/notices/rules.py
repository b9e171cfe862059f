"""Why a change may not be written down as told, or left untold, by this person."""

from __future__ import annotations

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import permission_obstacle
from audit.actions import Obstacle
from audit.vocabulary import Refusal
from core.text import say
from messaging.notices.models import ChangeNotice
from messaging.outbox.models import Delivery, OutgoingMessage
from messaging.vocabulary import MessageRefusal


def _owed_obstacle(notice: ChangeNotice, by: User) -> Obstacle | None:
    if found := permission_obstacle(by, May.HANDLE_MESSAGES):
        return found
    if notice.state == ChangeNotice.State.OWED:
        return None
    return Obstacle(
        say("“{notice}” is “{state}”: nothing is owed.", notice=notice, state=notice.get_state_display()),
        Refusal.STATE,
    )


def _own_change(notice: ChangeNotice, by: User) -> Obstacle | None:
    if notice.made_by_id != by.pk:
        return None
    return Obstacle(say("You made this change yourself: somebody else has to do this."), MessageRefusal.OWN_NOTICE)


def _own_account(notice: ChangeNotice, by: User) -> Obstacle | None:
    return _own_change(notice, by) if notice.outcome == ChangeNotice.Outcome.BANK_DETAILS else None


def record_obstacle(notice: ChangeNotice, by: User) -> Obstacle | None:
    """Why this person may not write down how the customer was told: of other bank details whoever changed them says
    nothing, since a false account is told by nobody less than by its author.
    """
    if found := _owed_obstacle(notice, by):
        return found
    return _own_account(notice, by)


def leave_obstacle(notice: ChangeNotice, by: User) -> Obstacle | None:
    """Why this person may not leave the change untold: it takes somebody without a hand in it."""
    return _owed_obstacle(notice, by) or _own_change(notice, by)


def given_up_obstacle(delivery: Delivery) -> Obstacle | None:
    """Why a letter may not be given up: its change is owed, and how it is met is written on the notice."""
    notice = delivery.message.notice
    if notice is None or notice.state != ChangeNotice.State.OWED:
        return None
    return Obstacle(
        say(
            "The customer has to hear of this change. On its page, write down how they were told, or have a colleague "
            "leave it untold."
        ),
        MessageRefusal.NOTICE_OWED,
    )


def elsewhere_obstacle(message: OutgoingMessage, address: str, on_file: str, by: User) -> Obstacle | None:
    """Why this person may not send the letter of other bank details to another address: it is their own change, and the
    address is neither the letter's nor on file.
    """
    if message.notice is None or address in (message.recipient, on_file):
        return None
    return _own_account(message.notice, by)
