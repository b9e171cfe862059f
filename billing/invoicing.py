"""Writing the invoices of periods: what each asks for, and using up the subscription's credits on it.

For use inside actions. One period or a whole batch goes the same way: ``issue_invoices`` reads and writes with a
number of statements that does not grow with them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import groupby

from django.db.models import F, OuterRef, Subquery, Sum

from accounts.fields import MoneyField
from accounts.models import next_numbers
from audit.bulk import CHUNK, create_tracked, update_tracked
from billing.models import BillingPeriod, Charge, Credit, CreditApplication, Invoice, InvoiceLine
from billing.money import split_gross

PAYMENT_DAYS = 14


@dataclass(slots=True)
class Draft:
    """An invoice with its lines and the credits it uses up, nothing saved and no number taken."""

    invoice: Invoice
    lines: list[InvoiceLine]
    charges: Sequence[Charge] = ()
    uses: list[tuple[Credit, Decimal]] = field(default_factory=list)


# --- What an invoice says: reads and writes nothing ---------------------------------------------


def draft_invoice(period: BillingPeriod, *, charges: Sequence[Charge] = (), credits: Sequence[Credit] = ()) -> Draft:
    """The period's invoice: its fee, the charges that wait, less what the credits bear, in the order given (R6).

    The credits' ``applied`` is raised in memory, so that the next invoice drafted with them sees what is left.
    """
    invoice = build_invoice(period)
    lines = [build_line(invoice)]
    for position, charge in enumerate(charges, start=2):
        line = _charge_line(invoice, position, charge)
        lines.append(line)
        invoice.net += line.net
        invoice.tax += line.tax
        invoice.gross += line.gross
    draft = Draft(invoice, lines, charges)
    for credit in credits:
        part = min(credit.remaining, invoice.due)
        if part > 0:
            credit.applied += part
            invoice.credited += part
            draft.uses.append((credit, part))
    invoice.state = Invoice.State.PAID if invoice.due == 0 else Invoice.State.ISSUED
    return draft


def build_invoice(period: BillingPeriod, *, number: str = "") -> Invoice:
    """The invoice of the period's fee, before any charge or credit, not saved. Dated on the period's first day."""
    net, tax = _split(period.fee, period.tax_rate, period.currency)
    return Invoice(
        number=number,
        customer_id=period.subscription.customer_id,
        period=period,
        currency=period.currency,
        issued_on=period.starts_on,
        due_on=period.starts_on + timedelta(days=PAYMENT_DAYS),
        net=net,
        tax=tax,
        gross=period.fee,
        state=Invoice.State.ISSUED if period.fee else Invoice.State.PAID,
    )


def build_line(invoice: Invoice) -> InvoiceLine:
    """The line of the period's fee, not saved. ``invoice`` is as ``build_invoice`` made it."""
    period = invoice.period
    return InvoiceLine(
        invoice=invoice,
        position=1,
        text=f"{period.plan.name}, {period}",
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


# Most periods of a batch cost the same. Equal decimals split equally, however they are written.
_split = lru_cache(maxsize=4096)(split_gross)


def invoice_series(year: int) -> str:
    """The series whose numbers the invoices of a year take."""
    return f"invoice-{year}"


def invoice_number(year: int, n: int) -> str:
    return f"{year}-{n:06d}"


def state_of(invoice: Invoice) -> str:
    """The state that fits the amounts: paid when nothing is due, otherwise as it was."""
    return Invoice.State.PAID if invoice.due == 0 else invoice.state


# --- Issuing ------------------------------------------------------------------------------------


def issue_invoice(period: BillingPeriod) -> Invoice:
    """The invoice of one saved period."""
    return issue_invoices([period])[0].invoice


def issue_invoices(periods: Sequence[BillingPeriod]) -> list[Draft]:
    """Write the invoices of saved periods whose subscriptions the caller holds; in the periods' order.

    Everything the subscriptions have goes onto them: waiting charges as own lines, credits oldest first. Numbers
    run without a gap within the year of the date.
    """
    subscriptions = {period.subscription_id for period in periods}
    credits = _by_subscription(
        sorted(
            Credit.objects.filter(subscription__in=subscriptions)
            .with_remaining()
            .filter(left__gt=Decimal(0))  # type: ignore[misc]
            .order_by("pk")
            .select_for_update(no_key=True),
            key=lambda credit: (credit.granted_on, credit.pk),
        )
    )
    charges = _by_subscription(
        sorted(
            Charge.objects.filter(subscription__in=subscriptions, invoiced_on__isnull=True)
            .order_by("pk")
            .select_for_update(no_key=True),
            key=lambda charge: (charge.charged_on, charge.pk),
        )
    )
    drafts = []
    for period in periods:
        # An invoice has one currency: a charge in another one waits, and the ledger's check names it.
        asked = [charge for charge in charges.pop(period.subscription_id, ()) if charge.currency == period.currency]
        drafts.append(draft_invoice(period, charges=asked, credits=credits.get(period.subscription_id, ())))
    _number([draft.invoice for draft in drafts])
    _write(drafts)
    return drafts


def _by_subscription[R: (Credit, Charge)](rows: Iterable[R]) -> dict[int, list[R]]:
    found: dict[int, list[R]] = defaultdict(list)
    for row in rows:
        found[row.subscription_id].append(row)
    return found


def _number(invoices: Sequence[Invoice]) -> None:
    def year(invoice: Invoice) -> int:
        return invoice.issued_on.year

    # The sort is stable, and the years' series are locked in one order.
    for of, group in groupby(sorted(invoices, key=year), key=year):
        found = list(group)
        for invoice, n in zip(found, next_numbers(invoice_series(of), len(found)), strict=True):
            invoice.number = invoice_number(of, n)


def _write(drafts: Sequence[Draft]) -> None:
    create_tracked(Invoice, [draft.invoice for draft in drafts])
    InvoiceLine.objects.bulk_create([line for draft in drafts for line in draft.lines], batch_size=CHUNK)
    uses = [
        CreditApplication(credit=credit, invoice=draft.invoice, amount=part, applied_on=draft.invoice.issued_on)
        for draft in drafts
        for credit, part in draft.uses
    ]
    CreditApplication.objects.bulk_create(uses, batch_size=CHUNK)
    if uses:
        used = {use.credit_id for use in uses}
        fresh = CreditApplication.objects.filter(
            credit=OuterRef("pk"), invoice__in={use.invoice_id for use in uses}
        ).order_by()
        applied = Subquery(fresh.values("credit").annotate(sum=Sum("amount")).values("sum"), output_field=MoneyField())
        update_tracked(Credit.objects.filter(pk__in=used), reason="Used on an invoice", applied=F("applied") + applied)
    for on, group in groupby(
        sorted((draft for draft in drafts if draft.charges), key=lambda draft: draft.invoice.issued_on),
        key=lambda draft: draft.invoice.issued_on,
    ):
        asked = [charge.pk for draft in group for charge in draft.charges]
        update_tracked(Charge.objects.filter(pk__in=asked), reason="Asked for on an invoice", invoiced_on=on)
