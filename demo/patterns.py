"""Patterns that rules allow and that are worth a look, so that the report of signals has something to show: three
customers with refunds give one address, and a payment comes to more than was due without a statement of the bank.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from django.db.models import QuerySet

from accounts.customers.actions import edit_customer
from billing.invoices.models import Invoice
from billing.invoices.voids.actions import approve_void, propose_void
from billing.invoices.write_offs.actions import approve_write_off, propose_write_off
from billing.payments.surplus.actions import approve_surplus, record_with_surplus
from complaints.refunds.models import Refund
from core.addresses import Address
from demo.company import Company

SHARED_ADDRESS = Address("Via della Marina", "7", "16126", "Genova")


def plan(company: Company) -> None:
    """Put them on the agenda, before the first report."""
    days, add = company.days, company.agenda.add
    add(days.at(days.workday(5), 16, 5), partial(_move_in_together, company))
    add(days.at(days.workday(4), 15, 20), partial(_pay_too_much, company))
    add(days.at(days.workday(3), 11, 40), partial(_write_off, company))
    add(days.at(days.workday(3), 11, 50), partial(_void, company))


def _move_in_together(company: Company) -> None:
    """Three customers move to one place: a house of many offices, or something to ask about."""
    standing = Refund.objects.filter(state=Refund.State.SETTLED, customer__merged_into=None).order_by("-pk")
    for customer_id in list(dict.fromkeys(standing.values_list("customer_id", flat=True)[:20]))[:3]:
        edit_customer(customer_id, by=company.person("billing"), reason="Moved, by letter", postal=SHARED_ADDRESS)


def _unpaid(company: Company) -> QuerySet[Invoice]:
    """Invoices of customers who are in no story."""
    told = [running.held.customer_id for running in company.cases.values()]
    return Invoice.objects.unpaid().exclude(customer__in=told).order_by("-pk")


def _overdue(company: Company) -> QuerySet[Invoice]:
    return _unpaid(company).filter(state=Invoice.State.OVERDUE)


def _write_off(company: Company) -> None:
    """The oldest debt is asked for no longer."""
    if (invoice := _overdue(company).last()) is not None:
        waiting = propose_write_off(
            invoice.pk, by=company.person("billing"), reason="Letters come back, and the lawyer's fee is more than it"
        )
        approve_write_off(waiting.pk, by=company.person("manager2"), reason="Agreed")


def _void(company: Company) -> None:
    """An invoice was wrong from the first: nobody owes it."""
    untouched = _unpaid(company).filter(state=Invoice.State.ISSUED, credited=0, paid=0, set_off=0)
    if (invoice := untouched.first()) is not None:
        waiting = propose_void(
            invoice.pk, by=company.person("billing"), reason="The office was closed before the period began"
        )
        approve_void(waiting.pk, by=company.person("manager2"), reason="The letter is on file")


def _pay_too_much(company: Company) -> None:
    """Typed in by hand and approved, with no line of a bank's statement."""
    if (invoice := _overdue(company).first()) is not None:
        said = "Paid at the counter, and says that it is for the year"
        waiting = record_with_surplus(
            invoice.pk,
            by=company.person("billing"),
            amount=invoice.due + Decimal(25),
            received_on=company.today,
            reference=f"Paid at the counter, {invoice.number}",
            reason=said,
        )
        assert waiting.surplus is not None
        approve_surplus(waiting.surplus.pk, by=company.person("manager2"), reason="Seen the receipt")
