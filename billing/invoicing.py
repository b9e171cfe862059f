"""Writing a period's invoice and using up the subscription's credits on it. For use inside actions."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from accounts.models import next_number
from billing.models import BillingPeriod, Credit, CreditApplication, Invoice, InvoiceLine
from billing.money import split_gross

PAYMENT_DAYS = 14


def issue_invoice(period: BillingPeriod) -> Invoice:
    """The period's invoice, dated on its first day, with the subscription's credits applied (R6).

    Numbers run without a gap within the year of the date.
    """
    year = period.starts_on.year
    invoice = build_invoice(period, number=invoice_number(year, next_number(invoice_series(year))))
    credits = list(Credit.objects.usable_for(period.subscription).select_for_update(no_key=True)) if period.fee else []
    parts: list[tuple[Credit, Decimal]] = []
    for credit in credits:
        part = min(credit.remaining, invoice.due)
        if part > 0:
            invoice.credited += part
            parts.append((credit, part))
    invoice.state = state_of(invoice)
    invoice.save()
    build_line(invoice).save()
    for credit, part in parts:
        credit.applied += part
        credit.save()
        CreditApplication(credit=credit, invoice=invoice, amount=part, applied_on=invoice.issued_on).save()
    return invoice


def build_invoice(period: BillingPeriod, *, number: str) -> Invoice:
    """The period's invoice as it is before any credit, not saved. Reads nothing and takes no number."""
    net, tax = split_gross(period.fee, period.tax_rate, period.currency)
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
    """The one line of a period's invoice, not saved."""
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


def invoice_series(year: int) -> str:
    """The series whose numbers the invoices of a year take."""
    return f"invoice-{year}"


def invoice_number(year: int, n: int) -> str:
    return f"{year}-{n:06d}"


def state_of(invoice: Invoice) -> str:
    """The state that fits the amounts: paid when nothing is due, otherwise as it was."""
    return Invoice.State.PAID if invoice.due == 0 else invoice.state
