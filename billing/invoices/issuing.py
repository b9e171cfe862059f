"""Writing the invoices of periods: what each asks for, and using up the subscription's credits on it.

For use inside actions. One period or a whole batch goes the same way: ``issue_invoices`` reads and writes with a
number of statements that does not grow with them, and what many invoices have in common is worked out once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from django.db.models import F, OuterRef, Subquery, Sum
from django.utils import timezone

from accounts.numbers.models import next_day, next_numbers
from audit.bulk import CHUNK, create_from, create_tracked_from, update_tracked
from billing.credits.models import Credit, CreditApplication
from billing.credits.notifications import CreditsUsed, notify_credits_applied
from billing.invoices.models import Charge, Invoice, InvoiceLine
from billing.money import split_gross
from billing.payments.prepayments.effects import Prepaid, prepayments_of, write_prepaid
from billing.payments.prepayments.models import Prepayment
from billing.subscriptions.models import BillingPeriod, Subscription
from core.fields import MoneyField
from core.sql import in_list

PAYMENT_DAYS = 14


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    """An invoice with its lines and the charges it asks for, nothing saved and no number taken."""

    invoice: Invoice
    lines: Sequence[InvoiceLine]
    charges: Sequence[Charge] = ()


# --- What an invoice says: reads and writes nothing ---------------------------------------------


def draft_invoice(
    period: BillingPeriod,
    *,
    on: date,
    charges: Sequence[Charge] = (),
    credited: Decimal = Decimal(0),
    prepaid: Decimal = Decimal(0),
) -> InvoiceDraft:
    """The period's invoice, dated ``on``: its fee, the charges that wait, less what credits bear and what was paid
    before.
    """
    invoice = build_invoice(period, on=on)
    return _drafted(invoice, [build_line(invoice)], charges, credited, prepaid)


def draft_charges(
    subscription: Subscription,
    charges: Sequence[Charge],
    *,
    on: date,
    credited: Decimal = Decimal(0),
    prepaid: Decimal = Decimal(0),
) -> InvoiceDraft:
    """An invoice of charges alone, dated ``on``, less what credits bear and what was paid before."""
    invoice = Invoice(
        customer_id=subscription.customer_id,
        charges_of=subscription,
        currency=subscription.currency,
        issued_on=on,
        due_on=on + timedelta(days=PAYMENT_DAYS),
        net=Decimal(0),
        tax=Decimal(0),
        gross=Decimal(0),
    )
    return _drafted(invoice, [], charges, credited, prepaid)


def _drafted(
    invoice: Invoice, lines: list[InvoiceLine], charges: Sequence[Charge], credited: Decimal, prepaid: Decimal
) -> InvoiceDraft:
    for position, charge in enumerate(charges, start=len(lines) + 1):
        line = _charge_line(invoice, position, charge)
        lines.append(line)
        invoice.net += line.net
        invoice.tax += line.tax
        invoice.gross += line.gross
    invoice.credited = credited
    invoice.paid = prepaid
    invoice.state = Invoice.State.PAID if invoice.due == 0 else Invoice.State.ISSUED
    return InvoiceDraft(invoice, lines, charges)


def use_credits[S: (Credit, Prepayment)](sources: Iterable[S], due: Decimal) -> list[tuple[S, Decimal]]:
    """What each of the credits (R6) or prepayments bears of an amount that is due, in the order given.

    Their ``applied`` is raised in memory, so that the next invoice sees what is left.
    """
    uses = []
    for source in sources:
        part = min(source.remaining, due)
        if part > 0:
            source.applied += part
            due -= part
            uses.append((source, part))
    return uses


def build_invoice(period: BillingPeriod, *, on: date, number: str = "") -> Invoice:
    """The invoice of the period's fee, before any charge or credit, not saved. Dated ``on``, the day on which it is
    written; due some days later, or after the period has begun.
    """
    net, tax = _split(period.fee, period.tax_rate, period.currency)
    return Invoice(
        number=number,
        customer_id=period.subscription.customer_id,
        period=period,
        currency=period.currency,
        issued_on=on,
        due_on=max(on, period.starts_on) + timedelta(days=PAYMENT_DAYS),
        net=net,
        tax=tax,
        gross=period.fee,
        state=Invoice.State.ISSUED if period.fee else Invoice.State.PAID,
    )


def build_line(invoice: Invoice) -> InvoiceLine:
    """The line of the period's fee, not saved. ``invoice`` is as ``build_invoice`` made it."""
    period = invoice.period
    assert period is not None
    return InvoiceLine(
        invoice=invoice,
        position=1,
        text=f"{period.plan.name}, {period.in_figures}",
        tax_rate=period.tax_rate,
        net=invoice.net,
        tax=invoice.tax,
        gross=invoice.gross,
    )


def _charge_line(invoice: Invoice, position: int, charge: Charge) -> InvoiceLine:
    net, tax = _split(charge.amount, charge.tax_rate, charge.currency)
    return InvoiceLine(
        invoice=invoice,
        position=position,
        charge=charge,
        text=charge.reason,
        tax_rate=charge.tax_rate,
        net=net,
        tax=tax,
        gross=charge.amount,
    )


def take_numbers(count: int, *, on: date) -> tuple[date, list[str]]:
    """The day and the numbers of invoices that are written ``on`` a day (RULES 7: in the order of writing)."""
    day = next_day("invoice", on)
    return day, [f"{day.year}-{n:06d}" for n in next_numbers(f"invoice-{day.year}", count)]


def state_of(invoice: Invoice) -> str:
    """The state that fits the amounts: paid, written off or void when nothing is due, otherwise as it was."""
    return invoice.state if invoice.due else _state_at_rest(invoice)


def _state_at_rest(invoice: Invoice) -> str:
    if invoice.voided_on is not None:
        return Invoice.State.VOID
    return Invoice.State.WRITTEN_OFF if invoice.written_off else Invoice.State.PAID


def state_while_due(invoice: Invoice) -> str:
    """The state that the amounts and today's date give: disputed invoices are never overdue."""
    if invoice.due == 0:
        return _state_at_rest(invoice)
    if invoice.disputed_on is None and invoice.due_on < timezone.localdate():
        return Invoice.State.OVERDUE
    return Invoice.State.ISSUED


# Periods with credits of their own cost the same as the others. Equal decimals split equally, however written.
_split = lru_cache(maxsize=4096)(split_gross)


# --- Issuing ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToInvoice:
    """A saved period that wants its invoice. ``like`` has its days and terms: the period itself, or one that differs
    from it in nothing but its subscription, so that thousands of periods that are alike can share one.
    """

    period_id: int
    subscription_id: int
    customer_id: int
    like: BillingPeriod


@dataclass(frozen=True, slots=True)
class Issued:
    """An invoice that was written: its number, and the draft that says everything else of it but whose it is."""

    period_id: int | None
    customer_id: int
    draft: InvoiceDraft
    uses: _Uses
    number: str
    prepaid: Prepaid = ()


def issue_first_invoice(period: BillingPeriod) -> None:
    """Write the invoice of a new subscription's first period, today: it has no credits, prepayments or charges yet."""
    day, (number,) = take_numbers(1, on=timezone.localdate())
    _write([Issued(period.pk, period.subscription.customer_id, draft_invoice(period, on=day), (), number)], on=day)


def issue_charges(subscription: Subscription, charges: Sequence[Charge], *, on: date) -> Invoice:
    """Write an invoice of the waiting charges alone, dated ``on``, for a (locked) subscription that gets no other one.
    What is left of its credits and prepayments goes onto it, oldest first, as onto any invoice.
    """
    credits = _credits([subscription.pk]).get(subscription.pk, ())
    prepayments = prepayments_of([subscription.pk]).get(subscription.pk, ())
    day, (number,) = take_numbers(1, on=on)
    gross = draft_charges(subscription, charges, on=day).invoice.gross
    uses = use_credits(credits, gross)
    prepaid = use_credits(prepayments, gross - _sum(uses))
    draft = draft_charges(subscription, charges, on=day, credited=_sum(uses), prepaid=_sum(prepaid))
    _write([Issued(None, subscription.customer_id, draft, uses, number, prepaid)], on=day)
    return Invoice.objects.get(number=number)


def issue_invoices(periods: Sequence[ToInvoice], *, on: date) -> list[Issued]:
    """Write the invoices of saved periods whose subscriptions the caller holds, dated ``on``; in the periods' order.

    Everything the subscriptions have goes onto them: waiting charges as own lines, credits oldest first, then
    prepayments. Numbers run without a gap within the year of the date. Periods that are alike share one draft.
    """
    if not periods:
        return []
    subscriptions = [period.subscription_id for period in periods]
    credits, charges, prepayments = _credits(subscriptions), _charges(subscriptions), prepayments_of(subscriptions)
    day, numbers = take_numbers(len(periods), on=on)
    drafts = _Drafts(day)
    drafted = []
    for period in periods:
        # An invoice has one currency: a charge in another one waits, and the ledger's check names it.
        waiting = charges.pop(period.subscription_id, ())
        asked = [charge for charge in waiting if charge.currency == period.like.currency]
        own, paid = credits.get(period.subscription_id, ()), prepayments.get(period.subscription_id, ())
        drafted.append(drafts.draft(period.like, asked, own, paid))
    issued = [
        Issued(period.period_id, period.customer_id, draft, uses, number, prepaid)
        for period, (draft, uses, prepaid), number in zip(periods, drafted, numbers, strict=True)
    ]
    _write(issued, on=day)
    return issued


class _Drafts:
    """Drafts of periods, all of one day: one for all that are alike, have no charge, as much credit and as much paid
    before.
    """

    def __init__(self, on: date) -> None:
        self._on = on
        self._plain: dict[tuple[int, Decimal, Decimal], InvoiceDraft] = {}

    def draft(
        self,
        period: BillingPeriod,
        charges: Sequence[Charge],
        credits: Iterable[Credit],
        prepayments: Iterable[Prepayment],
    ) -> tuple[InvoiceDraft, _Uses, Prepaid]:
        gross = self._draft(period, charges, Decimal(0), Decimal(0)).invoice.gross
        uses = use_credits(credits, gross)
        prepaid = use_credits(prepayments, gross - _sum(uses))
        return self._draft(period, charges, _sum(uses), _sum(prepaid)), uses, prepaid

    def _draft(
        self, period: BillingPeriod, charges: Sequence[Charge], credited: Decimal, prepaid: Decimal
    ) -> InvoiceDraft:
        if charges:
            return draft_invoice(period, on=self._on, charges=charges, credited=credited, prepaid=prepaid)
        key = id(period), credited, prepaid
        if key not in self._plain:
            self._plain[key] = draft_invoice(period, on=self._on, credited=credited, prepaid=prepaid)
        return self._plain[key]


type _Uses = Sequence[tuple[Credit, Decimal]]


def _sum(uses: _Uses | Prepaid) -> Decimal:
    return sum((part for _, part in uses), Decimal(0))


def _credits(subscription_ids: Sequence[int]) -> Mapping[int, list[Credit]]:
    """Each subscription's credits with something left, locked; oldest first."""
    rows = (
        Credit.objects.filter(in_list("subscription", subscription_ids))
        .with_something_left()
        .order_by("pk")
        .select_for_update(no_key=True)
    )
    return _by_subscription(sorted(rows, key=lambda credit: (credit.granted_on, credit.pk)))


def _charges(subscription_ids: Sequence[int]) -> dict[int, list[Charge]]:
    """Each subscription's charges that no invoice has asked for, locked; oldest first."""
    rows = (
        Charge.objects.filter(in_list("subscription", subscription_ids), invoiced_on__isnull=True)
        .order_by("pk")
        .select_for_update(no_key=True)
    )
    return _by_subscription(sorted(rows, key=lambda charge: (charge.charged_on, charge.pk)))


def _by_subscription[R: (Credit, Charge)](rows: Iterable[R]) -> dict[int, list[R]]:
    found: dict[int, list[R]] = defaultdict(list)
    for row in rows:
        found[row.subscription_id].append(row)
    return found


def _write(issued: Sequence[Issued], *, on: date) -> None:
    keys = create_tracked_from(
        Invoice,
        [each.draft.invoice for each in issued],
        known_by="number",
        period_id=[each.period_id for each in issued],
        customer_id=[each.customer_id for each in issued],
        number=[each.number for each in issued],
    )
    lines = [(key, line) for key, each in zip(keys, issued, strict=True) for line in each.draft.lines]
    create_from(InvoiceLine, [line for _, line in lines], invoice_id=[key for key, _ in lines])
    used = [
        CreditsUsed(
            each.number,
            each.customer_id,
            # Nothing but its subscription's own credits goes onto an invoice as it is written.
            each.uses[0][0].subscription_id,
            each.draft.invoice,
            [
                CreditApplication(credit=credit, invoice_id=key, amount=part, applied_on=on)
                for credit, part in each.uses
            ],
        )
        for key, each in zip(keys, issued, strict=True)
        if each.uses
    ]
    _write_uses([application for each in used for application in each.applications])
    write_prepaid([(key, each.prepaid) for key, each in zip(keys, issued, strict=True) if each.prepaid])
    notify_credits_applied(used)
    asked = [charge.pk for each in issued for charge in each.draft.charges]
    if asked:
        update_tracked(Charge.objects.filter(in_list("pk", asked)), reason="Asked for on an invoice", invoiced_on=on)


def _write_uses(uses: Sequence[CreditApplication]) -> None:
    if not uses:
        return
    CreditApplication.objects.bulk_create(uses, batch_size=CHUNK)
    fresh = CreditApplication.objects.filter(
        in_list("invoice", {use.invoice_id for use in uses}), credit=OuterRef("pk")
    ).order_by()
    applied = Subquery(fresh.values("credit").annotate(sum=Sum("amount")).values("sum"), output_field=MoneyField())
    used = {use.credit_id for use in uses}
    update_tracked(
        Credit.objects.filter(in_list("pk", used)), reason="Used on an invoice", applied=F("applied") + applied
    )
