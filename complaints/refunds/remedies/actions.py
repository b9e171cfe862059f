"""How a refund is given: the plan of remedies, its check, and its settlement (R4, R1, R6). For use inside actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils import timezone

from audit.actions import Refused
from billing.money import format_amount, is_whole_minor
from billing.remedies.effects import set_off, settle_held
from billing.subscriptions.models import BillingPeriod
from complaints.quotes.facts import terms_for
from complaints.quotes.quoting import remedy_obstacle, worth_of
from complaints.refunds.models import Refund, Remedy
from complaints.refunds.remedies.kinds import REMEDIES
from complaints.vocabulary import ComplaintRefusal
from core.amounts import money_text
from core.text import say
from policies.choices import RemedyKind
from policies.versions.models import GoverningTerms


def normalise_plan(remedies: Sequence[Mapping[str, Any]], currency: str) -> list[dict[str, str]]:
    """A plan in its stored form: ``{"kind", "amount"}``, the amount left out where the entry takes the rest.

    Raises:
        Refused: an unknown or repeated kind, more than one entry without an amount, or an amount that is none.
    """
    plan: list[dict[str, str]] = []
    open_ends = 0
    for entry in remedies:
        kind = str(entry.get("kind", ""))
        if kind not in set(RemedyKind):
            raise Refused(say("“{remedy}” is no remedy.", remedy=kind), code=ComplaintRefusal.REMEDY)
        if any(known["kind"] == kind for known in plan):
            raise Refused(say("Name each remedy once."), code=ComplaintRefusal.REMEDY)
        amount = entry.get("amount")
        if amount in (None, ""):
            open_ends += 1
            plan.append({"kind": kind})
            continue
        plan.append({"kind": kind, "amount": format_amount(_amount(amount, currency), currency)})
    if open_ends > 1:
        raise Refused(
            say("Only one remedy can take the rest: give the others an amount."), code=ComplaintRefusal.REMEDY
        )
    return plan or [{"kind": RemedyKind.CREDIT.value}]


def _amount(value: Any, currency: str) -> Decimal:
    try:
        amount = value if isinstance(value, Decimal) else Decimal(str(value))
        if amount > 0 and is_whole_minor(amount, currency):
            return amount
    except (InvalidOperation, ValueError):
        pass
    raise Refused(
        say("“{value}” is no amount of {currency} above 0.", value=value, currency=currency),
        code=ComplaintRefusal.REMEDY,
    )


def remedy_plan_for(
    plan: Sequence[Mapping[str, str]], payable: Decimal, period: BillingPeriod, terms: GoverningTerms
) -> list[dict[str, Any]]:
    """The plan with every amount filled in, and what each is worth in minutes or days of the subscription's current
    period; they add up to what is payable. Empty where all of a refund is set off.

    Raises:
        Refused: the amounts do not add up to it exactly, or a remedy cannot be (with its reason).
    """
    currency = period.currency
    named = sum((Decimal(entry["amount"]) for entry in plan if "amount" in entry), Decimal(0))
    rest = payable - named
    takes_rest = [entry for entry in plan if "amount" not in entry]
    if rest == 0:
        plan = [entry for entry in plan if "amount" in entry]  # nothing is left for the one that takes the rest
    elif rest < 0 or not takes_rest:
        raise Refused(
            say(
                "The remedies have to add up to {amount} exactly; those with an amount come to {named}.",
                amount=money_text(payable, currency),
                named=money_text(named, currency),
            ),
            code=ComplaintRefusal.REMEDIES_DO_NOT_ADD_UP,
        )
    filled: list[dict[str, Any]] = []
    for entry in plan:
        kind = RemedyKind(entry["kind"])
        amount = Decimal(entry["amount"]) if "amount" in entry else rest
        obstacle = remedy_obstacle(kind, amount, period, terms)
        if obstacle:
            raise Refused(obstacle.sentence, code=obstacle.code)
        size = REMEDIES[kind].size(worth_of(amount, period.subscription))
        filled.append({"kind": kind.value, "amount": format_amount(amount, currency), **size})
    return filled


def with_open_amount(plan: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The plan of a proposal that goes back to draft: its last remedy takes the rest of whatever the total will be."""
    entries = [{"kind": entry["kind"], "amount": entry["amount"]} for entry in plan]
    if not entries:
        return [{"kind": RemedyKind.CREDIT.value}]
    del entries[-1]["amount"]
    return entries


def settle_remedies(refund: Refund) -> None:
    """Let every remedy of an approved refund take effect, all rows being locked.

    Raises:
        Refused: a remedy cannot be any more; nothing is settled then.
    """
    terms = terms_for(refund.period)
    for entry in refund.remedy_plan:
        obstacle = remedy_obstacle(entry["kind"], Decimal(entry["amount"]), refund.period, terms)
        if obstacle:
            raise Refused(
                say("{refund} cannot be settled as proposed: {obstacle}", refund=refund.code, obstacle=obstacle),
                code=obstacle.code,
            )
    # The period is written before an extension reads and moves what may be the same row.
    settle_held(refund.period, refund.total)
    if refund.set_off:
        set_off(refund.period.invoice, refund.set_off)
    reason = f"Refund {refund.code} of complaint {refund.complaint.code}"
    for entry in refund.remedy_plan:
        kind = RemedyKind(entry["kind"])
        given = REMEDIES[kind].give(refund, entry, f"refund-{refund.code}", reason, terms.parameters)
        remedy = Remedy(refund=refund, kind=kind.value, amount=Decimal(entry["amount"]), at=timezone.now())
        setattr(remedy, RemedyKind(kind).gives, given)
        remedy.save()
