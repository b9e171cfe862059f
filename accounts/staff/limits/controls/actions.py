"""Control limits: an administrator drafts, a manager publishes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from accounts.four_eyes.rules import publish, publish_obstacle
from accounts.staff.models import ControlLimit, User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from accounts.vocabulary import AccountVerb
from audit.actions import Refused, act, checked
from audit.vocabulary import Refusal
from core.text import number_text, say
from core.validators import fits_currency


def draft_control_limit(
    *,
    by: User,
    kind: str,
    valid_from: date,
    currency: str = "",
    amount: Decimal | None = None,
    days: int | None = None,
    reason: str = "",
) -> ControlLimit:
    """Draft the highest threshold of the second approval in a currency (``amount``), or the shortest window (``days``).

    Raises:
        Refused: the amount is missing, negative or finer than the currency, or the days are missing.
    """
    with act(AccountVerb.CONTROL_LIMIT_DRAFT, by=by, reason=reason, target=(ControlLimit, None)) as action:
        require(by, May.DRAFT_STAFF)
        if kind == ControlLimit.Kind.WINDOW:
            currency, amount = "", None
            if not days:
                raise Refused(say("Say how many days."), code=Refusal.AMOUNT, data={"field": "days"})
        else:
            days = None
            if not currency:
                raise Refused(say("Say in which currency."), code=Refusal.CURRENCY, data={"field": "currency"})
            if amount is None or amount < 0 or not fits_currency(amount, currency):
                written = number_text(amount) if amount is not None else ""
                raise Refused(
                    say("{amount} is no limit in {currency}.", amount=written, currency=currency),
                    code=Refusal.AMOUNT,
                    data={"field": "amount"},
                )
        limit = checked(
            ControlLimit(kind=kind, currency=currency, amount=amount, days=days, valid_from=valid_from, drafted_by=by)
        )
        limit.save()
        action.about(limit)
        return limit


def publish_control_limit(limit_id: int, *, by: User, reason: str = "") -> ControlLimit:
    """Publish another person's draft: from its date on no policy goes beyond it."""
    with act(AccountVerb.CONTROL_LIMIT_PUBLISH, by=by, reason=reason, target=(ControlLimit, limit_id)) as action:
        require(by, May.PUBLISH_STAFF)
        limit = action.lock(ControlLimit, limit_id)
        action.about(limit)
        action.refuse_if(publish_obstacle(limit, by))
        publish(limit, by=by)
        return limit
