"""The books of refunds, checked: what stands on periods, what remedies gave, what reversals took back."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Coalesce

from audit.history_checks import matches_history
from audit.ledger_checks import Breach, Check, each, sum_of
from billing.credits.models import Credit, CreditApplication
from billing.invoices.models import CreditNote, Invoice
from billing.payments.models import Payment
from billing.payments.prepayments.models import Prepayment
from billing.payouts.models import Payout
from billing.subscriptions.models import BillingPeriod
from complaints.cases.models import Complaint
from complaints.incidents.models import Incident, IncidentScope
from complaints.refunds.approvals import ledger as approval_ledger
from complaints.refunds.models import Refund, Remedy
from complaints.refunds.proposals import ledger as proposal_ledger
from complaints.refunds.remedies import ledger as remedy_ledger
from complaints.reversals.models import Reversal
from core.fields import MoneyField
from policies.agreements.models import Agreement
from policies.versions.models import PolicyVersion

NOTHING = Value(Decimal(0), output_field=MoneyField())


def periods() -> Iterator[Breach]:
    """Refunded is what settled refunds gave less what reversals took back; pending is what proposals hold."""
    refunds = Refund.objects.all()
    reversals = Reversal.objects.filter(state=Reversal.State.APPROVED)
    rows = (
        BillingPeriod.objects.annotate(
            given=sum_of(refunds.filter(state__in=Refund.GIVEN_STATES), "period", "total"),
            recovered=sum_of(reversals, "refund__period", "recovered"),
            charged=sum_of(reversals, "refund__period", "charge__amount"),
            due_again=sum_of(reversals, "refund__period", "due_again"),
            held=sum_of(refunds.filter(state__in=Refund.PENDING_STATES), "period", "total"),
        )
        .filter(~Q(refunded=F("given") - F("recovered") - F("charged") - F("due_again")) | ~Q(pending=F("held")))
        .select_related("subscription")
    )
    for row in each(rows):
        name = f"{row.subscription.number}, period {row.sequence}"
        back = row.recovered + row.charged + row.due_again
        if row.refunded != row.given - back:
            yield Breach(
                "period-refunded",
                name,
                f"refunded {row.refunded:f}, its refunds gave {row.given:f} less {back:f} taken back",
            )
        if row.pending != row.held:
            yield Breach("period-pending", name, f"pending {row.pending:f}, its proposals hold {row.held:f}")


def remedies() -> Iterator[Breach]:
    """The remedies and the set-off of a settled refund add up to its total, and its credit note is over both."""
    rows = (
        Refund.objects.filter(state__in=Refund.GIVEN_STATES)
        .annotate(worth=sum_of(Remedy.objects.all(), "refund"))
        .filter(
            ~Q(total=F("worth") + F("set_off"))
            | Q(credit_note__isnull=False) & ~Q(total=F("credit_note__gross"), set_off=F("credit_note__set_off"))
        )
        .select_related("credit_note")
    )
    for row in each(rows):
        if row.payable != row.worth:
            yield Breach(
                "refund-remedies",
                f"refund {row.code}",
                f"total {row.total:f} less {row.set_off:f} set off, its remedies add up to {row.worth:f}",
            )
        note = row.credit_note
        if note is not None and (note.gross, note.set_off) != (row.total, row.set_off):
            yield Breach(
                "refund-credit-note",
                f"refund {row.code}",
                f"total {row.total:f}, {row.set_off:f} of it set off; {note.number} says {note.gross:f} and "
                f"{note.set_off:f}",
            )


def set_offs() -> Iterator[Breach]:
    """What is set off on an invoice is what the settled refunds of its period say, and its voiding."""
    settled = Refund.objects.filter(state=Refund.State.SETTLED)
    voids = CreditNote.objects.filter(kind=CreditNote.Kind.VOID)
    rows = Invoice.objects.annotate(
        should=sum_of(settled, "period__invoice", "set_off") + sum_of(voids, "period__invoice", "set_off")
    ).filter(~Q(set_off=F("should")))
    for row in each(rows):
        yield Breach(
            "invoice-set-off",
            f"invoice {row.number}",
            f"set off {row.set_off:f}, the settled refunds of its period say {row.should:f}: look at their history",
        )


def gifts() -> Iterator[Breach]:
    """A remedy in credit or cash gave exactly its amount."""
    rows = Remedy.objects.filter(
        Q(credit__isnull=False) & ~Q(amount=F("credit__granted"))
        | Q(payout__isnull=False) & ~Q(amount=F("payout__amount"))
    ).select_related("refund", "credit", "payout")
    for row in each(rows):
        if row.credit is not None:
            given = f"credit {row.credit_id} grants {row.credit.granted:f}"
        else:
            given = f"payout {row.payout.key} is over {row.payout.amount:f}"
        yield Breach("remedy-gift", f"refund {row.refund.code}", f"its remedy is worth {row.amount:f}, {given}")


def reversals() -> Iterator[Breach]:
    """A reversed refund has an approved reversal whose parts add up to it; only such a reversal takes credit back."""
    approved = Reversal.objects.filter(state=Reversal.State.APPROVED)
    rows = (
        approved.annotate(asked=Coalesce("charge__amount", NOTHING))
        .filter(
            ~Q(refund__total=F("recovered") + F("used") + F("due_again"))
            | ~Q(due_again=F("refund__set_off"))
            | ~Q(refund__state=Refund.State.REVERSED)
            | Q(charge_used=True) & ~Q(asked=F("used"))
            | Q(charge_used=False) & ~Q(asked=NOTHING)
        )
        .select_related("refund")
    )
    for row in each(rows):
        yield Breach(
            "reversal",
            f"reversal of refund {row.refund.code}",
            f"the refund is {row.refund.get_state_display().lower()} over {row.refund.total:f}; {row.recovered:f} came "
            f"back, {row.used:f} was used, {row.asked:f} is charged",
        )
    without = Refund.objects.filter(~Exists(approved.filter(refund=OuterRef("pk"))), state=Refund.State.REVERSED)
    for refund in each(without):
        yield Breach("reversed-by-nobody", f"refund {refund.code}", "is reversed, no approved reversal says so")
    of_credit = approved.filter(
        Q(refund__remedies__credit=OuterRef("pk")) | Q(refund__remedies__payout__credit=OuterRef("pk"))
    )
    # What a bank took back of a payment that was too much is the billing ledger's to check.
    taken = Credit.objects.filter(~Exists(of_credit), reversed__gt=Decimal(0), payment__isnull=True)
    for credit in each(taken.select_related("subscription")):
        yield Breach(
            "credit-reversed",
            f"credit {credit.pk} of {credit.subscription.number}",
            f"reversed {credit.reversed:f}, no approved reversal took it back",
        )


def stopped() -> Iterator[Breach]:
    """Only the reversal of the refund that a payout comes from stops it, as its cash or as leftover of its credit; or
    the counter-entry of the money that became the credit, or a set-off of that against what its customer owes.
    """
    approved = Reversal.objects.filter(state=Reversal.State.APPROVED)
    by_reversal = approved.filter(
        Q(refund__remedies__payout=OuterRef("pk"))
        | Q(refund__remedies__credit=OuterRef("leftover__credit"))
        | Q(refund__remedies__payout__credit=OuterRef("leftover__credit"))
    )
    of_credit = Q(credit=OuterRef("leftover__credit"))
    taken_off = Payment.objects.filter(of_credit).filter(Q(chargeback__isnull=False) | Q(unbooking__isnull=False))
    prepaid = Prepayment.objects.filter(of_credit, unbooking__isnull=False)
    set_off = CreditApplication.objects.filter(of_credit, set_off_by__isnull=False)
    rows = Payout.objects.filter(
        ~Exists(by_reversal), ~Exists(taken_off), ~Exists(prepaid), ~Exists(set_off), state=Payout.State.CANCELLED
    )
    for row in each(rows):
        yield Breach(
            "payout-stopped",
            f"payout {row.key}",
            "is cancelled, no approved reversal, counter-entry or set-off stopped it",
        )
    open_rows = Payout.objects.filter(Exists(by_reversal), state__in=(Payout.State.PENDING, Payout.State.FAILED))
    for row in each(open_rows):
        yield Breach("payout-not-stopped", f"payout {row.key}", "waits for the bank, its refund was taken back")


#: What a reversal says of itself from the day it is proposed.
_DECIDED_LATER = (
    "state",
    "charge_used",
    "recovered",
    "used",
    "due_again",
    "entries",
    "charge_id",
    "credit_note_id",
    "decided_by_id",
    "decided_at",
)

CHECKS: tuple[Check, ...] = (
    periods,
    remedies,
    set_offs,
    gifts,
    reversals,
    stopped,
    *remedy_ledger.CHECKS,
    *proposal_ledger.CHECKS,
    *approval_ledger.CHECKS,
    matches_history(Reversal, changing=_DECIDED_LATER),
    matches_history(Complaint),
    matches_history(Incident),
    matches_history(IncidentScope),
    matches_history(Agreement),
    matches_history(PolicyVersion),
)
