"""What the office does besides cases: an agreement, disputed invoices, a chargeback, credit left to be paid out."""

from __future__ import annotations

from datetime import date
from functools import partial

from billing.actions.disputes import open_dispute, record_chargeback
from billing.actions.leftover import propose_leftover
from billing.models import Credit, Invoice, Payment
from complaints.actions.agreements import draft_agreement, publish_agreement
from complaints.demo.company import Company
from complaints.demo.stories.afterwards import AGREED

#: How many days ago the agreement was drafted; it holds from the day after, when it is published.
AGREEMENT = 68


def plan(company: Company) -> None:
    """Put all of it on the agenda."""
    days, add = company.days, company.agenda.add
    add(days.at(days.ago(AGREEMENT), 11, 20), partial(_agree, company))
    add(days.at(days.workday(6), 9, 35), partial(_dispute, company))
    add(days.at(days.workday(9), 9, 15), partial(_charge_back, company))
    add(days.at(days.workday(2), 16, 40), partial(_propose_leftover, company))
    add(days.at(days.workday(2), 11, 15), partial(_draft_agreement, company))


def _agree(company: Company) -> None:
    """Terms of one customer: shorter interruptions count, and decisions come sooner. Two managers."""
    case = AGREED[0]
    begins = company.days.ago(AGREEMENT - 1)
    agreement = draft_agreement(
        company.cases[case.key].held.customer_id,
        by=company.person("manager"),
        title="Service level for the head office",
        text="Agreed on renewal: interruptions count from one hour, and complaints are decided within five days.",
        terms={"minimum_interruption_seconds": 60 * 60, "decide_within_days": 5},
        valid_from=begins,
    )
    publish = partial(publish_agreement, agreement.pk, by=company.person("manager2"), reason="As signed by both sides")
    company.agenda.add(company.days.at(begins, 9, 10), publish)


def _draft_agreement(company: Company) -> None:
    """A draft that waits for the other manager."""
    draft_agreement(
        company.cases["second-thoughts"].held.customer_id,
        by=company.person("manager2"),
        title="Full month on every outage of a day",
        text="Asked for by the customer before the next renewal.",
        terms={"full_month_allowed": True, "minimum_interruption_seconds": 2 * 60 * 60},
        valid_from=company.days.today,
    )


def _of_quiet_customers(company: Company) -> list[int]:
    """Customers who are in no case."""
    told = {running.held.customer_id for running in company.cases.values()}
    return [customer.pk for customer in company.customers if customer.pk not in told]


def _dispute(company: Company) -> None:
    """Somebody who does not pay says why: not chased until that is settled."""
    invoice = (
        Invoice.objects.filter(state=Invoice.State.OVERDUE, customer__in=_of_quiet_customers(company))
        .order_by("pk")
        .first()
    )
    if invoice is not None:
        open_dispute(
            invoice.pk,
            by=company.person("billing"),
            disputed_on=company.today,
            reason="Says that the number was carried over a month later than billed",
        )


def _charge_back(company: Company) -> None:
    """The bank takes a payment back."""
    payment = (
        Payment.objects.filter(invoice__customer__in=_of_quiet_customers(company), received_on__lt=_before(company, 3))
        .order_by("-received_on", "pk")
        .first()
    )
    if payment is not None:
        record_chargeback(
            payment.pk,
            by=company.person("billing"),
            taken_back_on=company.today,
            reason="Returned by the customer's bank: account closed",
        )


def _propose_leftover(company: Company) -> None:
    """Credit of a service that has ended, to be paid out once a manager approves."""
    for credit in Credit.objects.left_by_ended_subscriptions().select_related("customer").order_by("pk"):
        if credit.customer.iban:
            propose_leftover(
                credit.pk, by=company.person("billing"), reason="The service has ended, no invoice will use it"
            )
            return


def _before(company: Company, days: int) -> date:
    return date.fromordinal(company.today.toordinal() - days)
