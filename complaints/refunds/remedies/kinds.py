"""Each way to give something back (R4): its words, why it cannot be, what an amount is worth in it, how it is given and
taken back. Forms, plans, letters, settlement and reversal loop over ``REMEDIES``; a further way is a further entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final

from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from billing.credits.models import Credit
from billing.money import exact, round_money
from billing.payouts.models import Payout
from billing.remedies.effects import (
    NOT_PAID,
    cash_obstacle,
    credit_obstacle,
    extension_obstacle,
    give_credit,
    give_days,
    give_minutes,
    is_over,
    minutes_obstacle,
    order_payout,
    reclaimable,
    stop_payout,
    take_credit,
    take_days,
    take_minutes,
    unused_minutes,
)
from billing.remedies.models import Extension, MinutesGrant
from billing.subscriptions.models import Subscription
from complaints.refund_calculation import Remedies
from complaints.refunds.models import Refund, Remedy
from core.text import Text, lower, say, say_count
from messaging.templates.reader import Reader
from policies.choices import RemedyKind
from policies.parameters.parameters import RefundParameters


@dataclass(frozen=True, slots=True)
class Returned:
    """What of a remedy returns by itself: an amount, and the minutes or days undone for it."""

    amount: Decimal
    undone: int
    why: Text


@dataclass(frozen=True, slots=True)
class RemedyType:
    """One way. ``choice`` offers it, ``part`` and ``short_part`` ask for a part in it, ``card`` stands on the quote's
    card, ``in_letter`` tells its customer. ``sized`` names what an entry of a plan keeps besides its amount:
    whole "minutes" or "days", or nothing.

    What gives or takes back is for use inside actions, all rows being locked; ``returns`` and ``obstacle`` only read.
    """

    choice: Text
    part: Text
    short_part: Text
    card: Text
    in_letter: Callable[[str, Mapping[str, Any], Reader], Text]
    obstacle: Callable[[Subscription, Decimal], Text | None]
    in_words: Callable[[Text, Mapping[str, Any]], Text]
    give: Callable[[Refund, Mapping[str, Any], str, str, RefundParameters], Model]
    returns: Callable[[Any, Decimal, date], Returned]
    take_back: Callable[[Any, Returned, Subscription, User], None]
    sized: str = ""

    def size(self, worth: Remedies | None) -> dict[str, int]:
        """What an entry of a plan keeps besides its amount; nothing where nothing could receive it."""
        size = {"minutes": worth.minutes, "days": worth.extension_days}.get(self.sized) if worth else None
        return {} if size is None else {self.sized: size}


# --- What returns -------------------------------------------------------------------------------


def _of_credit(credit: Credit, amount: Decimal, today: date) -> Returned:
    # What is left, and what of it was to be paid out after the subscription's end and is not yet.
    on_its_way = reclaimable(credit) - credit.remaining
    left = min(credit.remaining + on_its_way, amount)
    if on_its_way:
        why = (
            say("nothing of the credit is left, its payout is stopped")
            if left == 0
            else say("what is left of the credit is taken back, its payout is stopped")
        )
    else:
        why = say("nothing of the credit is left") if left == 0 else say("what is left of the credit is taken back")
    return Returned(left, 0, why)


def _of_minutes(grant: MinutesGrant, amount: Decimal, today: date) -> Returned:
    undone = unused_minutes(grant, today)
    if undone is None:
        return Returned(Decimal(0), 0, say("the minutes ended with their period"))
    back = _share(amount, undone, grant.minutes, grant.period.currency)
    return Returned(back, undone, say("minutes not used yet are taken back"))


def _of_extension(extension: Extension, amount: Decimal, today: date) -> Returned:
    period = extension.period
    if is_over(period, today):
        return Returned(Decimal(0), 0, say("the longer period is over"))
    # What is over stays: today's service is kept, and so are the days that other refunds gave.
    own = timedelta(days=extension.days - extension.reversed_days)
    undone = max(0, (period.closes_on - max(period.closes_on - own, today + timedelta(days=1))).days)
    back = _share(amount, undone, extension.days, period.currency)
    return Returned(back, undone, say("days that have not begun are taken back"))


def _of_payout(payout: Payout, amount: Decimal, today: date) -> Returned:
    if payout.credit is not None:
        return _of_credit(payout.credit, amount, today)
    if payout.state in NOT_PAID:
        return Returned(amount, 0, say("the cash has not been paid and will not be"))
    return Returned(Decimal(0), 0, say("the payout is “{state}”", state=lower(payout.get_state_display())))


def _take_cash(payout: Payout, back: Returned, subscription: Subscription, by: User) -> None:
    # A payout that failed and became a credit gives that credit back.
    if payout.credit is not None:
        take_credit(payout.credit, back.amount, by=by)
    elif back.amount:
        stop_payout(payout)


def _share(amount: Decimal, undone: int, whole: int, currency: str) -> Decimal:
    return amount if undone == whole else round_money(exact(amount) * Fraction(undone, whole), currency)


# --- The table ----------------------------------------------------------------------------------

#: Every way by its kind, in the order in which pages offer them.
REMEDIES: Final[Mapping[RemedyKind, RemedyType]] = MappingProxyType(
    {
        RemedyKind.CREDIT: RemedyType(
            choice=_("a credit on the next cycle"),
            part=_("of which as credit"),
            short_part=_("of which credit"),
            card=_("credit, next cycle"),
            in_letter=lambda amount, entry, reader: say("{amount} as a credit on your next invoice", amount=amount),
            obstacle=lambda to, amount: credit_obstacle(to),
            in_words=lambda amount, entry: say("{amount} as credit on the next cycle", amount=amount),
            give=lambda refund, entry, key, reason, parameters: give_credit(
                refund.subscription, Decimal(entry["amount"]), reason=reason
            ),
            returns=_of_credit,
            take_back=lambda given, back, subscription, by: take_credit(given, back.amount, by=by),
        ),
        RemedyKind.MINUTES: RemedyType(
            choice=_("minutes"),
            part=_("of which as minutes"),
            short_part=_("of which minutes"),
            card=_("more minutes"),
            in_letter=lambda amount, entry, reader: say(
                "{amount} as {count} minutes", amount=amount, count=reader.number(Decimal(entry["minutes"]))
            ),
            obstacle=lambda to, amount: minutes_obstacle(to),
            in_words=lambda amount, entry: (
                say_count("{amount} as {count} minute", "{amount} as {count} minutes", entry["minutes"], amount=amount)
                if "minutes" in entry
                else say("{amount} as minutes", amount=amount)
            ),
            give=lambda refund, entry, key, reason, parameters: give_minutes(
                refund.subscription,
                entry["minutes"],
                further_periods=parameters.granted_minutes_further_periods,
                reason=reason,
            ),
            returns=_of_minutes,
            take_back=lambda given, back, subscription, by: take_minutes(given, back.undone),
            sized="minutes",
        ),
        RemedyKind.EXTENSION: RemedyType(
            choice=_("a longer period"),
            part=_("of which as a longer period"),
            short_part=_("of which days"),
            card=_("longer period"),
            in_letter=lambda amount, entry, reader: (
                say("{amount} as one more day of service", amount=amount)
                if int(entry["days"]) == 1
                else say("{amount} as {count} more days of service", amount=amount, count=entry["days"])
            ),
            obstacle=extension_obstacle,
            in_words=lambda amount, entry: (
                say_count("{amount} as {count} more day", "{amount} as {count} more days", entry["days"], amount=amount)
                if "days" in entry
                else say("{amount} as a longer period", amount=amount)
            ),
            give=lambda refund, entry, key, reason, parameters: give_days(
                refund.subscription, entry["days"], reason=reason
            ),
            returns=_of_extension,
            take_back=lambda given, back, subscription, by: take_days(given, back.undone, subscription),
            sized="days",
        ),
        RemedyKind.CASH: RemedyType(
            choice=_("cash"),
            part=_("of which in cash"),
            short_part=_("of which cash"),
            card=_("cash"),
            in_letter=lambda amount, entry, reader: say("{amount} paid to your account", amount=amount),
            obstacle=lambda to, amount: cash_obstacle(to.customer),
            in_words=lambda amount, entry: say("{amount} in cash", amount=amount),
            give=lambda refund, entry, key, reason, parameters: order_payout(
                refund.subscription, Decimal(entry["amount"]), key=key, reason=reason, period=refund.period
            ),
            returns=_of_payout,
            take_back=_take_cash,
        ),
    }
)


def type_of(remedy: Remedy) -> RemedyType:
    """The way in which a remedy was given."""
    return REMEDIES[RemedyKind(remedy.kind)]


def remedy_sought(sought: str) -> str:
    """The remedy to begin with for what a complaint seeks: a credit where that is none."""
    return sought if sought in set(RemedyKind) else RemedyKind.CREDIT.value


#: The choices of a form: each kind's stored name and what offers it.
REMEDY_CHOICES = [(kind.value, remedy.choice) for kind, remedy in REMEDIES.items()]
