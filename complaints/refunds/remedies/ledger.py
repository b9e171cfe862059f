"""Where gifts come from, checked: every credit, grant, extension, payout, charge and credit note has the refund, the
surplus or the reversal that made it, once, and is what that says.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, ExpressionWrapper, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from audit.event_checks import Facts, as_recorded
from audit.ledger_checks import Breach, Check, each
from billing.credits.models import Credit
from billing.invoices.credit_notes.actions import standing_notes
from billing.invoices.models import Charge, CreditNote
from billing.payouts.models import Payout
from billing.remedies.models import Extension, MinutesGrant
from billing.subscriptions.cancellations.actions import given_in_money
from complaints.quotes.inputs_json import inputs_from_json
from complaints.refund_calculation import remedies_for
from complaints.refunds.models import Refund, Remedy
from complaints.refunds.remedies.kinds import REMEDIES
from complaints.reversals.models import Reversal
from complaints.vocabulary import ComplaintVerb
from core.fields import MoneyField
from policies.choices import RemedyKind
from policies.versions.models import Policy

# --- Sources ------------------------------------------------------------------------------------


def credit_sources() -> Iterator[Breach]:
    """A credit comes from one thing: a refund's remedy, what was paid too much, a prepayment that no invoice used, a
    payout that failed, a voided period or a void invoice. It is of the same subscription, in its currency.
    """
    rows = Credit.objects.annotate(
        sources=Count("remedy", distinct=True)
        + Count("payment", distinct=True)
        + Count("prepayment", distinct=True)
        + Count("payout", filter=Q(payout__leftover__isnull=True), distinct=True)
        + Count("voided_period", distinct=True)
        + Count("void_invoice", distinct=True)
    ).filter(
        ~Q(sources=1)
        | ~Q(customer=F("subscription__customer"))
        | ~Q(currency=F("subscription__currency"))
        | Q(remedy__isnull=False) & ~Q(subscription=F("remedy__refund__subscription"))
        | Q(voided_period__isnull=False) & ~Q(subscription=F("voided_period__subscription"))
    )
    for row in each(rows.select_related("subscription", "remedy__refund__subscription")):
        name = f"credit {row.pk} of {row.subscription.number}"
        if row.sources != 1:
            yield Breach(
                "credit-source",
                name,
                f"grants {row.granted:f} and has {row.sources} sources among refunds, surpluses, "
                "prepayments, failed payouts, voided periods and void invoices",
            )
            continue
        remedy = getattr(row, "remedy", None)
        of = remedy.refund.subscription.number if remedy is not None else row.subscription.number
        yield Breach(
            "credit-whose",
            name,
            f"is in {row.currency} for the customer with the key {row.customer_id}; its source is of {of}, the "
            f"subscription is in {row.subscription.currency}, the customer's key {row.subscription.customer_id}",
        )


def void_credits() -> Iterator[Breach]:
    """What a voided period left as credit is what its credit note did not set off, and what refunds had given of it as
    minutes and days, which stay.
    """
    rows = CreditNote.objects.filter(kind=CreditNote.Kind.VOID)
    for note in each(rows.select_related("period__subscription", "period__invoice", "period__void_credit")):
        period = note.period
        credit = getattr(period, "void_credit", None)
        granted = credit.granted if credit is not None else Decimal(0)
        others = standing_notes(period).gross - note.gross
        kept = others - (period.set_off - note.set_off) - given_in_money(period)
        left = note.gross - note.set_off + kept
        # Where all of it is set off, more may be unpaid than the note could cover: then less was left.
        if not (granted == left or (note.set_off == note.gross and granted < left)):
            yield Breach(
                "void-credit",
                f"{period.subscription.number}, period {period.sequence}",
                f"left {granted:f} as credit; {note.number} over {note.gross:f} sets off {note.set_off:f}, and refunds "
                f"gave {kept:f} of it as minutes or days: look at the cancellation",
            )


def unit_sources() -> Iterator[Breach]:
    """Minutes and days come from a refund, and stand on its subscription."""
    for model, rule, units in ((MinutesGrant, "minutes-source", "minutes"), (Extension, "days-source", "days")):
        rows = model._base_manager.exclude(
            remedy__refund__state__in=Refund.GIVEN_STATES,
            subscription=F("remedy__refund__subscription"),
            period__subscription=F("subscription"),
        )
        for row in each(rows.select_related("subscription", "remedy__refund")):
            remedy = getattr(row, "remedy", None)
            source = f"refund {remedy.refund.code}, {remedy.refund.state}," if remedy is not None else "no refund"
            yield Breach(
                rule,
                f"{model._meta.verbose_name} {row.pk} of {row.subscription.number}",
                f"gives {getattr(row, units)} {units} of period {row.period_id}; {source} gave them there",
            )


def payout_sources() -> Iterator[Breach]:
    """A payout comes from a refund's remedy, or from leftover credit that somebody approved; never from both."""
    rows = Payout.objects.filter(
        Q(remedy__isnull=True, leftover__isnull=True)
        | Q(remedy__isnull=False, leftover__isnull=False)
        | Q(remedy__isnull=False)
        & ~Q(subscription=F("remedy__refund__subscription"), period=F("remedy__refund__period"))
        | Q(leftover__isnull=False, period__isnull=False)
    )
    for row in each(rows.select_related("subscription")):
        yield Breach(
            "payout-source",
            f"payout {row.key}",
            f"pays {row.amount:f} {row.currency} for {row.subscription.number}: neither a refund of it nor leftover "
            "credit alone says so",
        )


def charge_sources() -> Iterator[Breach]:
    """A charge asks for what was used of a refund taken back, or of money that was taken off or taken back."""
    rows = Charge.objects.annotate(
        sources=Count("reversal", distinct=True)
        + Count("chargeback", distinct=True)
        + Count("unbooking", distinct=True)
        + Count("prepayment_taken_off", distinct=True)
    ).filter(
        ~Q(sources=1)
        | Q(reversal__isnull=False) & ~Q(subscription=F("reversal__refund__subscription"))
        | Q(reversal__isnull=False) & ~Q(reversal__state=Reversal.State.APPROVED)
        | ~Q(customer=F("subscription__customer"))
    )
    for row in each(rows.select_related("subscription")):
        yield Breach(
            "charge-source",
            f"charge {row.pk} of {row.subscription.number}",
            f"asks customer {row.customer_id} for {row.amount:f} {row.currency}: no reversal, chargeback or payment "
            "taken off of the subscription says so",
        )


# --- What was planned ---------------------------------------------------------------------------


def as_planned() -> Iterator[Breach]:
    """A settled refund gave what its plan says, in each way once: amount, minutes and days, worth what was approved."""
    rows = Remedy.objects.select_related(
        "refund__period", "refund__refund_policy__policy", "refund__agreement", "credit", "minutes_grant", "extension",
        "payout",
    )  # fmt: skip
    for row in each(rows):
        refund = row.refund
        yield from _at_once(row, refund)
        entry: dict[str, Any] = next((one for one in refund.remedy_plan if one["kind"] == row.kind), {})
        units = REMEDIES[RemedyKind(row.kind)].sized
        gave = {
            "minutes": row.minutes_grant and row.minutes_grant.minutes,
            "days": row.extension and row.extension.days,
        }
        planned = (entry.get("amount") and Decimal(entry["amount"]), entry.get(units) if units else None)
        is_ = (row.amount, gave.get(units))
        if is_ != planned or refund.state not in Refund.GIVEN_STATES:
            yield Breach(
                "remedy-plan",
                f"refund {refund.code}",
                f"is {refund.state}; by {row.kind} it gave {_said(is_, units)}, its plan says {_said(planned, units)}",
            )
        elif units and (worth := _worth(refund, row.amount, row.kind)) != gave.get(units):
            yield Breach(
                "remedy-worth",
                f"refund {refund.code}",
                f"gave {gave.get(units)} {units} for {row.amount:f}, which are worth {worth}",
            )


def _at_once(remedy: Remedy, refund: Refund) -> Iterator[Breach]:
    """What was given was given on the day of the settlement; minutes last as long as the policy says."""
    given, day = remedy.given, refund.settled_at and timezone.localdate(refund.settled_at)
    since = given.requested_on if isinstance(given, Payout) else given.granted_on
    if since != day:
        yield Breach(
            "remedy-day",
            f"refund {refund.code}",
            f"was settled on {day}; by {remedy.kind} it gave something on {since}",
        )
    # Another document than a refund policy is told of the refund.
    if isinstance(given, MinutesGrant) and refund.refund_policy.policy.kind == Policy.Kind.REFUND:
        further = refund.terms.granted_minutes_further_periods
        if given.further_periods != further:
            yield Breach(
                "minutes-end",
                f"refund {refund.code}",
                f"gave minutes for {given.further_periods} further periods, its policy says {further}",
            )


def _said(gift: tuple[Any, Any], units: str) -> str:
    amount, size = gift
    said = f"{amount:f}" if isinstance(amount, Decimal) else "nothing"
    return f"{said} as {size} {units}" if units else said


def _worth(refund: Refund, amount: Decimal, kind: str) -> int | None:
    """Whole minutes or days that the amount is worth to the period that received it, by the frozen inputs; None if they
    are none, which is told of the inputs.
    """
    try:
        receiving = inputs_from_json(refund.inputs).receiving
    except ValueError:
        return None
    assert receiving is not None
    worth = remedies_for(amount, fee=receiving.fee, days=receiving.days, minute_cost=receiving.minute_cost)
    return next(iter(REMEDIES[RemedyKind(kind)].size(worth).values()))


# --- What was taken back ------------------------------------------------------------------------


def taken_back() -> Iterator[Breach]:
    """A reversal took of each remedy what it says, once: its parts add up to it, and what was given is less by them."""
    approved = Reversal.objects.filter(state=Reversal.State.APPROVED)
    of_reversal = approved.filter(refund=OuterRef("refund"))
    rows = Remedy.objects.annotate(entries=Subquery(of_reversal.values("entries")[:1])).select_related(
        "refund", "credit", "minutes_grant", "extension", "payout__credit"
    )
    for row in each(rows):
        entry: dict[str, Any] = next((one for one in row.entries or () if one["kind"] == row.kind), {})
        recovered = Decimal(entry.get("recovered", 0))
        if (is_ := _less(row, recovered)) != (should := (recovered, entry.get("undone", 0))):
            yield Breach(
                "taken-back",
                f"refund {row.refund.code}",
                f"of its {row.kind} {is_[0]:f} came back and {is_[1]} units; its reversal says {should[0]:f} and "
                f"{should[1]}",
            )
    for reversal in each(approved.select_related("refund")):
        sums = [sum((Decimal(one[name]) for one in reversal.entries), Decimal(0)) for name in ("recovered", "used")]
        if sums != [reversal.recovered, reversal.used]:
            yield Breach(
                "reversal-entries",
                f"reversal of refund {reversal.refund.code}",
                f"took {reversal.recovered:f} back and left {reversal.used:f} used; its entries say {sums[0]:f} and "
                f"{sums[1]:f}",
            )


def _less(remedy: Remedy, recovered: Decimal) -> tuple[Decimal, int]:
    """What is gone of the thing that was given: its amount, where the thing has one, and its units."""
    given = remedy.given
    match given:
        case Credit():
            return given.reversed, 0
        case MinutesGrant():
            return recovered, given.reversed_minutes
        case Extension():
            return recovered, given.reversed_days
        case Payout() if given.credit is not None:
            return given.credit.reversed, 0
    return given.amount if given.state == Payout.State.CANCELLED else Decimal(0), 0


def _reversal(event: Any) -> Iterator[Facts]:
    recovered = sum((Decimal(one["recovered"]) for one in event.data["entries"]), Decimal(0))
    yield recovered, event.actor_id


reversals_recorded = as_recorded(
    "reversal-recorded",
    Refund,
    lambda: Reversal.objects.filter(state=Reversal.State.APPROVED).values_list(
        "refund_id", "recovered", "decided_by_id"
    ),
    {ComplaintVerb.REVERSAL_APPROVE: _reversal},
)


# --- Documents ----------------------------------------------------------------------------------


def credit_notes() -> Iterator[Breach]:
    """What was given has its credit note, what was taken back the note's reversal, both with the period's terms."""
    for refund in each(Refund.objects.filter(state__in=Refund.GIVEN_STATES, credit_note__isnull=True)):
        yield Breach("refund-without-note", f"refund {refund.code}", f"is {refund.state} and has no credit note")
    approved = Reversal.objects.filter(state=Reversal.State.APPROVED)
    without = approved.filter(credit_note__isnull=True, refund__credit_note__isnull=False)
    for reversal in each(without.select_related("refund")):
        yield Breach(
            "reversal-without-note",
            f"reversal of refund {reversal.refund.code}",
            "is approved and no credit note says what came back",
        )
    of_refund = Refund.objects.filter(
        state__in=Refund.GIVEN_STATES, credit_note=OuterRef("pk"), period=OuterRef("period")
    )
    of_reversal = approved.filter(credit_note=OuterRef("pk"), refund__credit_note=OuterRef("reverses"))
    rows = CreditNote.objects.filter(
        Q(kind=CreditNote.Kind.REFUND) & ~Exists(of_refund) | Q(kind=CreditNote.Kind.REVERSAL) & ~Exists(of_reversal)
    )
    for note in each(rows):
        yield Breach(
            "credit-note-source",
            f"credit note {note.number}",
            f"is over {note.gross:f} of period {note.period_id}: no refund or reversal of it names this note",
        )
    dated = CreditNote.objects.annotate(
        day=Coalesce(TruncDate("refund__settled_at"), TruncDate("reversal__decided_at"))
    )
    for note in each(dated.exclude(issued_on=F("day")).filter(day__isnull=False)):
        yield Breach(
            "credit-note-day",
            f"credit note {note.number}",
            f"is dated {note.issued_on}; what it is about was settled or decided on {note.day}",
        )
    asked = Coalesce("charge__amount", Value(Decimal(0), output_field=MoneyField()))
    sum_back = ExpressionWrapper(F("recovered") + F("due_again") + asked, output_field=MoneyField())
    back = approved.annotate(back=sum_back).exclude(credit_note__gross=F("back"), credit_note__set_off=F("due_again"))
    for reversal in each(back.filter(credit_note__isnull=False).select_related("refund", "credit_note")):
        note = reversal.credit_note
        yield Breach(
            "reversal-note",
            f"reversal of refund {reversal.refund.code}",
            f"took {reversal.back:f} back, {reversal.due_again:f} of it due again; {note.number} says {note.gross:f} "
            f"and {note.set_off:f}",
        )
    # A note is never written again: one of a customer who was merged keeps the name that it was sent to.
    elsewhere = CreditNote.objects.filter(period__isnull=False).filter(
        ~Q(currency=F("period__currency"))
        | ~Q(tax_rate=F("period__tax_rate"))
        | ~Q(customer=F("period__subscription__customer")) & Q(customer__merged_into__isnull=True)
        | Q(reverses__isnull=False) & ~Q(period=F("reverses__period"))
    )
    for note in each(elsewhere.select_related("customer", "period__subscription")):
        yield Breach(
            "credit-note-whose",
            f"credit note {note.number}",
            f"is for {note.customer.number} in {note.currency} at {note.tax_rate:f} %; its period is of "
            f"{note.period.subscription.number}, in {note.period.currency} at {note.period.tax_rate:f} %",
        )


CHECKS: tuple[Check, ...] = (
    credit_sources,
    void_credits,
    unit_sources,
    payout_sources,
    charge_sources,
    as_planned,
    taken_back,
    reversals_recorded,
    credit_notes,
)
