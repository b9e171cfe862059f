"""Saying no to a proposal, and taking one back: the same wherever it takes two people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accounts.four_eyes.models import ApprovedByAnother
from accounts.four_eyes.rules import decide, decide_obstacle, open_obstacle
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import permission_obstacle, require
from audit.actions import Action, Obstacle, act
from audit.vocabulary import EventVerb
from core.text import Text


@dataclass(frozen=True, slots=True)
class Endings[M: ApprovedByAnother]:
    """How proposals of a model end without effect: whoever has the right to approve rejects them, with a reason, and
    whoever has that to propose withdraws them, also a colleague's. ``locked`` locks a proposal and says whose it
    is; ``why_withdrawn`` names the reason where a withdrawal needs one.
    """

    model: type[M]
    proposing: May
    approving: May
    rejected: EventVerb
    withdrawn: EventVerb
    locked: Callable[[Action, int], M]
    why_withdrawn: Text = ""

    def decide_obstacle(self, row: M, by: User) -> Obstacle | None:
        """Why this person may not reject it now, or None; what else is in the way of an approval comes on top. One's
        own proposal is withdrawn instead.
        """
        return decide_obstacle(row, by, may=self.approving)

    def withdraw_obstacle(self, row: M, by: User) -> Obstacle | None:
        """Why this person may not withdraw it now, or None."""
        return open_obstacle(row) or permission_obstacle(by, self.proposing)

    def reject(self, pk: int, *, by: User, reason: str) -> M:
        """Say no, with the reason; what it is about stays as it is.

        Raises:
            Refused: decided already, one's own proposal, without the right, linked to the customer, or no reason.
        """
        with act(self.rejected, by=by, reason=reason, target=(self.model, pk)) as action:
            require(by, self.approving)
            row = self.locked(action, pk)
            action.refuse_if(self.decide_obstacle(row, by))
            action.require_reason()
            decide(row, row.State.REJECTED, by=by)
            return row

    def withdraw(self, pk: int, *, by: User, reason: str = "") -> M:
        """Take a proposal back.

        Raises:
            Refused: decided already, without the right, linked to the customer, or no reason where one is needed.
        """
        with act(self.withdrawn, by=by, reason=reason, target=(self.model, pk)) as action:
            require(by, self.proposing)
            row = self.locked(action, pk)
            action.refuse_if(self.withdraw_obstacle(row, by))
            if self.why_withdrawn:
                action.require_reason(self.why_withdrawn)
            decide(row, row.State.WITHDRAWN, by=by)
            return row
