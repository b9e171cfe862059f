"""Statements of a bank: each payment received is matched to its invoice, or left for a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import batched
from typing import Any

from django.db import IntegrityError
from django.db.models import prefetch_related_objects
from django.utils.translation import gettext_noop

from accounts.customers.links import linked_obstacle
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Refused, act
from audit.bulk import CHUNK
from audit.vocabulary import Refusal
from billing.imports.bank import Booking, Statement
from billing.invoices.models import Invoice
from billing.money import format_amount
from billing.payments.actions import WITH_DEBTS, record_payment, record_surplus
from billing.payments.bank_lines.rules import (
    line_obstacle,
    match,
    set_aside_obstacle,
    typed_by_hand,
    typed_by_hand_obstacle,
)
from billing.payments.models import BankLine
from billing.payments.prepayments.actions import record_prepayment
from billing.payments.rules import day_obstacle
from billing.subscriptions.models import Subscription
from billing.vocabulary import BillingRefusal, BillingVerb
from core.sheets.report import Report, RowResult, rows
from core.text import Text, counted, in_english, join, say

#: So many bad rows of a statement are named when it is refused.
NAMED = 5


class Became(StrEnum):
    """What became of a row. ``OUT`` is money that went out: no payment of an invoice, so not kept."""

    MATCHED = "matched"
    UNMATCHED = "not matched"
    KNOWN = "known already"
    OUT = "money that went out"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class BankReport(Report):
    """A whole statement, row by row; each outcome is a ``Became``."""

    def counts(self) -> Text:
        """How many rows there are and what became of them, in a sentence without anybody's data."""
        said = {
            Became.MATCHED: gettext_noop("{count} matched"),
            Became.UNMATCHED: gettext_noop("{count} not matched"),
            Became.KNOWN: gettext_noop("{count} known already"),
            Became.OUT: gettext_noop("{count} money that went out"),
            Became.REFUSED: gettext_noop("{count} refused"),
        }
        parts = [
            say(sentence, count=counted(self.count(became))) for became, sentence in said.items() if self.count(became)
        ]
        return say("{rows}: {counts}.", rows=rows(len(self.results)), counts=join(", ", parts))


class StatementRefused(Refused):
    """A statement with bad rows; ``report`` says which and why. Nothing was written."""

    def __init__(self, report: BankReport, *, data: dict[str, Any]) -> None:
        bad = [result for result in report.results if result.outcome is Became.REFUSED]
        sentences = [
            say(
                "{rows} of {all} cannot be read, so nothing was taken in.",
                rows=rows(len(bad)),
                all=counted(len(report.results)),
            ),
            *(
                say("Row {row}, {problems}", row=result.row, problems=join(" ", result.problems))
                for result in bad[:NAMED]
            ),
        ]
        if len(bad) > NAMED:
            sentences.append(say("And {count} more.", count=counted(len(bad) - NAMED)))
        super().__init__(
            join(" ", sentences),
            code=Refusal.ROWS,
            data=data,
        )
        self.report = report


@dataclass(frozen=True, slots=True)
class _Kept:
    """A booking to keep, with the invoice that it pays or why it pays none."""

    booking: Booking
    invoice: Invoice | None
    why: Text = ""


def import_bank(statement: Statement, *, by: User) -> BankReport:
    """Take a statement in: payments received become bank lines; those whose text names one invoice, over exactly what
    is due on it and in its currency, are recorded as its payment. A line that is here already is left alone.

    One transaction. Rows are matched in the file's order, so of two payments of one invoice the first one pays it.

    Raises:
        StatementRefused: a row cannot be read.
        Refused: the person may not, or somebody reads the same statement at the same moment.
    """
    reason = f"Read from {statement.file_name}"
    with act(BillingVerb.BANK_IMPORT, by=by, reason=reason, target=(BankLine, None)) as action:
        action.target_label = statement.file_name[:200]
        require(by, May.HANDLE_MONEY)
        require(by, May.IMPORT)
        data: dict[str, Any] = {
            "file": statement.file_name,
            "sha256": statement.sha256,
            "bytes": statement.size,
            "map": statement.map_name,
        }
        report, kept = _prepare(statement, by=by, lock=True)
        data["rows"] = {became.name.lower(): report.count(became) for became in Became}
        if report.count(Became.REFUSED):
            data["reasons"] = report.reasons()
            raise StatementRefused(report, data=data)
        try:
            received = _write(kept, statement, by=by)
        except IntegrityError as error:
            raise Refused(
                say("Somebody has read the same statement at the same moment. Nothing was taken in: look at the list."),
                code=Refusal.CONCURRENT,
            ) from error
        action.data = {**data, "received": received}
        action.message = report.counts()
        return report


def preview_bank(statement: Statement, *, by: User) -> BankReport:
    """What ``import_bank`` would do now. Writes nothing, not even an event.

    Raises:
        Refused: the person may not.
    """
    for may in (May.HANDLE_MONEY, May.IMPORT):
        require(by, may)
    return _prepare(statement, by=by, lock=False)[0]


def _prepare(statement: Statement, *, by: User, lock: bool) -> tuple[BankReport, list[_Kept]]:
    bookings = [row.value for row in statement.rows if row.value is not None]
    known = _known_keys(bookings)
    invoices = _invoices({number for booking in bookings for number in booking.numbers}, lock=lock)
    typed = typed_by_hand(invoices.values())
    prefetch_related_objects([*invoices.values()], "period__subscription", "charges_of")
    results: list[RowResult] = []
    kept: list[_Kept] = []
    for row in statement.rows:
        booking = row.value
        if booking is None:
            results.append(RowResult(row.row, "", Became.REFUSED, problems=row.problems))
        elif booking.amount < 0:
            results.append(RowResult(row.row, "", Became.OUT))
        elif booking.key in known:
            results.append(RowResult(row.row, "", Became.KNOWN))
        else:
            found: Invoice | Text = match(booking, invoices)
            if isinstance(found, Invoice):
                # One's own payment waits for a colleague; the others' do not wait for it.
                linked = linked_obstacle(by, found.customer_id)
                found = linked.sentence if linked else found
            if isinstance(found, Invoice) and (early := day_obstacle(booking.booked_on, found.subscription)):
                found = in_english(early.sentence)
            if isinstance(found, Invoice) and (found.pk, booking.booked_on, booking.amount) in typed:
                found = f"A payment of the same day and amount was recorded by hand on {found.number}."
            if not isinstance(found, Invoice):
                kept.append(_Kept(booking, None, found))
                results.append(RowResult(row.row, "", Became.UNMATCHED, found))
                continue
            # In memory alone: the payment itself is recorded by its action. The next row sees the invoice paid.
            found.paid += booking.amount
            kept.append(_Kept(booking, found))
            results.append(RowResult(row.row, "", Became.MATCHED, f"invoice {found.number}"))
    return BankReport(results), kept


def _known_keys(bookings: Iterable[Booking]) -> set[str]:
    return {
        key
        for chunk in batched((booking.key for booking in bookings), CHUNK)
        for key in BankLine.objects.filter(key__in=chunk).values_list("key", flat=True)
    }


def _invoices(numbers: set[str], *, lock: bool) -> dict[str, Invoice]:
    """The invoices by number, locked in the order of their keys."""
    found: dict[str, Invoice] = {}
    pks = [
        pk
        for chunk in batched(sorted(numbers), CHUNK)
        for pk in Invoice.objects.filter(number__in=chunk).values_list("pk", flat=True)
    ]
    for chunk in batched(sorted(pks), CHUNK):
        rows_found = Invoice.objects.filter(pk__in=chunk).order_by("pk")
        for invoice in rows_found.select_for_update(no_key=True) if lock else rows_found:
            found[invoice.number] = invoice
    return found


def _write(kept: Sequence[_Kept], statement: Statement, *, by: User) -> dict[str, str]:
    """Write the lines and record the payments; returns what was received in each currency."""
    received: dict[str, Decimal] = defaultdict(Decimal)
    for one in kept:
        booking = one.booking
        line = BankLine(
            key=booking.key,
            file_name=statement.file_name,
            row=booking.row,
            booked_on=booking.booked_on,
            amount=booking.amount,
            currency=booking.currency,
            payer=booking.payer,
            text=booking.text,
            state=BankLine.State.UNMATCHED,
            why=in_english(one.why)[:200],
        )
        if one.invoice is not None:
            line.payment = record_payment(
                one.invoice.pk,
                by=by,
                amount=booking.amount,
                received_on=booking.booked_on,
                reference=_reference(line),
                another=True,
            )
            line.state = BankLine.State.MATCHED
        line.save()
        received[booking.currency] += booking.amount
    return {currency: format_amount(amount, currency) for currency, amount in sorted(received.items())}


def _reference(line: BankLine) -> str:
    return f"{line.payer} {line.text}".strip()[:140]


# --- What a person does with a line -------------------------------------------------------------


def match_bank_line(
    line_id: int,
    *,
    by: User,
    invoice_number: str,
    surplus_to_credit: bool = False,
    another: bool = False,
    reason: str = "",
) -> BankLine:
    """Record a line that could not be matched, or was set aside, as a payment of the invoice that a person names; what
    is more than due becomes a credit of the subscription if they say so (``surplus_to_credit``). ``another`` says that
    it is no payment that somebody has recorded by hand.

    Raises:
        Refused: matched already, no such invoice, another currency, more than is due on it, or (``same_payment``) it
            may be recorded by hand already.
    """
    with act(BillingVerb.BANK_MATCH, by=by, reason=reason, target=(BankLine, line_id)) as action:
        require(by, May.HANDLE_MONEY)
        number = invoice_number.strip()
        found = Invoice.objects.filter(number=number).first()
        owner = WITH_DEBTS if surplus_to_credit else ()
        invoice = None if found is None else action.lock(Invoice, found.pk, *owner)
        line = action.lock(BankLine, line_id)
        action.about(line, customer_id=None if invoice is None else invoice.customer_id)
        action.refuse_if(line_obstacle(line))
        if invoice is None:
            raise Refused(
                say("There is no such invoice."), code=BillingRefusal.UNKNOWN, data={"field": "invoice_number"}
            )
        if invoice.currency != line.currency:
            raise Refused(
                say(
                    "Invoice {invoice} is in {currency}, the payment in {paid_in}.",
                    invoice=invoice.number,
                    currency=invoice.currency,
                    paid_in=line.currency,
                ),
                code=Refusal.CURRENCY,
                data={"field": "invoice_number"},
            )
        if not another and (typed := typed_by_hand_obstacle(line, invoice.customer_id)):
            raise Refused(typed.sentence, code=typed.code, data={"field": "another"})
        paid: dict[str, Any] = {
            "by": by,
            "amount": line.amount,
            "received_on": line.booked_on,
            "reference": _reference(line),
        }
        line.payment = (
            record_surplus(invoice.pk, **paid)
            if surplus_to_credit
            else record_payment(invoice.pk, another=True, **paid)
        )
        line.state = BankLine.State.MATCHED
        line.why = ""
        line.save()
        action.data = {"invoice": invoice.number}
        if line.payment.surplus:
            action.data["surplus"] = f"{line.payment.surplus:f}"
        return line


def match_to_subscription(
    line_id: int, *, by: User, subscription_number: str, another: bool = False, reason: str = ""
) -> BankLine:
    """Record a line that could not be matched, or was set aside, as a prepayment of the subscription that a person
    names, which no invoice asks for anything. ``another`` is as for ``match_bank_line``.

    Raises:
        Refused: matched already, no such subscription, another currency, what ``record_prepayment`` refuses, or
            (``same_payment``) it may be recorded by hand already.
    """
    with act(BillingVerb.BANK_PREPAID, by=by, reason=reason, target=(BankLine, line_id)) as action:
        require(by, May.HANDLE_MONEY)
        found = Subscription.objects.filter(number=subscription_number.strip()).first()
        subscription = None if found is None else action.lock(Subscription, found.pk)
        line = action.lock(BankLine, line_id)
        action.about(line, customer_id=None if subscription is None else subscription.customer_id)
        action.refuse_if(line_obstacle(line))
        if subscription is None:
            raise Refused(
                say("There is no such subscription."),
                code=BillingRefusal.UNKNOWN,
                data={"field": "subscription_number"},
            )
        if subscription.currency != line.currency:
            raise Refused(
                say(
                    "{subscription} pays in {currency}, the payment is in {paid_in}.",
                    subscription=subscription.number,
                    currency=subscription.currency,
                    paid_in=line.currency,
                ),
                code=Refusal.CURRENCY,
                data={"field": "subscription_number"},
            )
        if not another and (typed := typed_by_hand_obstacle(line, subscription.customer_id)):
            raise Refused(typed.sentence, code=typed.code, data={"field": "another"})
        line.prepayment = record_prepayment(
            subscription.pk,
            by=by,
            amount=line.amount,
            received_on=line.booked_on,
            reference=_reference(line),
            another=True,
        )
        line.state = BankLine.State.MATCHED
        line.why = ""
        line.save()
        action.data = {"subscription": subscription.number}
        return line


def set_aside_bank_line(line_id: int, *, by: User, reason: str) -> BankLine:
    """Note that a line pays none of our invoices, and why."""
    with act(BillingVerb.BANK_SET_ASIDE, by=by, reason=reason, target=(BankLine, line_id)) as action:
        require(by, May.HANDLE_MONEY)
        line = action.lock(BankLine, line_id)
        action.about(line)
        action.refuse_if(set_aside_obstacle(line))
        action.require_reason(say("what this payment is"))
        line.state = BankLine.State.SET_ASIDE
        line.why = reason.strip()[:200]
        line.save()
        return line
