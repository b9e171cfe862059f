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
    subscription = period.subscription
    net, tax = split_gross(period.fee, period.tax_rate, period.currency)
    issued_on = period.starts_on
    invoice = Invoice(
        number=f"{issued_on.year}-{next_number(f'invoice-{issued_on.year}'):06d}",
        customer_id=subscription.customer_id,
        period=period,
        currency=period.currency,
        issued_on=issued_on,
        due_on=issued_on + timedelta(days=PAYMENT_DAYS),
        net=net,
        tax=tax,
        gross=period.fee,
        state=Invoice.State.ISSUED if period.fee else Invoice.State.PAID,
    )
    credits = list(Credit.objects.usable_for(subscription).select_for_update()) if period.fee else []
    parts: list[tuple[Credit, Decimal]] = []
    for credit in credits:
        part = min(credit.remaining, invoice.due)
        if part > 0:
            invoice.credited += part
            parts.append((credit, part))
    invoice.state = state_of(invoice)
    invoice.save()
    InvoiceLine(
        invoice=invoice,
        position=1,
        text=f"{period.plan.name}, {period.starts_on:%Y-%m-%d} to {period.ends_on - timedelta(days=1):%Y-%m-%d}",
        tax_rate=period.tax_rate,
        net=net,
        tax=tax,
        gross=period.fee,
    ).save()
    for credit, part in parts:
        credit.applied += part
        credit.save()
        CreditApplication(credit=credit, invoice=invoice, amount=part, applied_on=issued_on).save()
    return invoice


def state_of(invoice: Invoice) -> str:
    """The state that fits the amounts: paid when nothing is due, otherwise as it was."""
    return Invoice.State.PAID if invoice.due == 0 else invoice.state
