"""Patterns that rules allow and that are worth a look, so that the report of signals has something to show: three
customers with refunds give one address, and a payment comes to more than was due without a statement of the bank.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from accounts.customers.actions import edit_customer
from billing.invoices.models import Invoice
from billing.payments.actions import record_payment
from complaints.refunds.models import Refund
from demo.company import Company

SHARED_ADDRESS = "Via del Molo 12\n16126 Genova"


def plan(company: Company) -> None:
    """Put them on the agenda, before the first report."""
    days, add = company.days, company.agenda.add
    add(days.at(days.workday(5), 16, 5), partial(_move_in_together, company))
    add(days.at(days.workday(4), 15, 20), partial(_pay_too_much, company))


def _move_in_together(company: Company) -> None:
    """Three customers move to one place: a house of many offices, or something to ask about."""
    standing = Refund.objects.filter(state=Refund.State.SETTLED, customer__merged_into=None).order_by("-pk")
    for customer_id in list(dict.fromkeys(standing.values_list("customer_id", flat=True)[:20]))[:3]:
        edit_customer(
            customer_id, by=company.person("billing"), reason="Moved, by letter", postal_address=SHARED_ADDRESS
        )


def _pay_too_much(company: Company) -> None:
    """Typed in by hand, not read from a statement."""
    told = [running.held.customer_id for running in company.cases.values()]
    invoice = Invoice.objects.filter(state=Invoice.State.OVERDUE).exclude(customer__in=told).order_by("-pk").first()
    if invoice is not None:
        record_payment(
            invoice.pk,
            by=company.person("billing"),
            amount=invoice.due + Decimal(25),
            received_on=company.today,
            reference=f"Paid at the counter, {invoice.number}",
            surplus_to_credit=True,
        )
