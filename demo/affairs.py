"""What the office does besides cases: agreements, versions of the policies, somebody away, disputed invoices, a
chargeback, money that comes before its invoice, credit left to be paid out.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial

from accounts.staff.delegations.actions import give_delegation
from billing.credits.models import Credit
from billing.invoices.models import Invoice
from billing.payments.disputes.actions import open_dispute, record_chargeback
from billing.payments.models import Payment
from billing.payments.prepayments.actions import record_prepayment
from billing.payments.prepayments.rules import record_obstacle
from billing.periods import Term
from billing.residual_credits.actions import propose_residual_payout
from billing.subscriptions.models import Subscription
from demo.company import Company
from demo.stories.afterwards import AGREED
from policies.agreements.actions import draft_agreement, publish_agreement
from policies.versions.actions import draft_policy_version, publish_policy_version
from policies.versions.models import Policy, PolicyVersion

#: How many days ago the agreement was drafted; it holds from the day after, when it is published.
AGREEMENT = 68
#: In how many days the next version of the refund policy holds: what the stories tell stays judged by the first.
NEXT_VERSION = 20
#: And in how many the drafted version of the other policy would.
DRAFTED_VERSION = 45
INDEMNITY = """\

## When our answer is late
If we decide later than the figures of this policy promise, we may give something for each day of the delay, up to the
amount named there and never more than the fee of the period.
"""
NOTICE = """\
We can change this policy. The new version is published on this page at least 30 days before it holds, together with its
day,"""


def plan(company: Company) -> None:
    """Put all of it on the agenda."""
    days, add = company.days, company.agenda.add
    add(days.at(days.ago(AGREEMENT), 11, 20), partial(_agree, company))
    add(days.at(days.workday(6), 9, 35), partial(_dispute, company))
    add(days.at(days.workday(9), 9, 15), partial(_charge_back, company))
    add(days.at(days.workday(5), 10, 50), partial(_prepay, company))
    add(days.at(days.workday(2), 16, 40), partial(_propose_leftover, company))
    add(days.at(days.workday(2), 11, 15), partial(_draft_agreement, company))
    add(days.at(days.workday(7), 10, 25), partial(_change_refund_policy, company))
    add(days.at(days.workday(3), 14, 10), partial(_draft_fulfilment_policy, company))
    add(days.at(days.workday(1), 15, 45), partial(_delegate, company))


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


def _change_refund_policy(company: Company) -> None:
    """The next version, for a day to come: decisions sooner, and an indemnity for late ones. Two managers."""
    first = PolicyVersion.objects.select_related("policy").get(policy__kind=Policy.Kind.REFUND)
    changed = {
        "decide_within_days": 10,
        "minimum_interruption_seconds": 2 * 60 * 60,
        "indemnity_per_day": {"EUR": "1.00", "CHF": "1.00"},
        "indemnity_maximum": {"EUR": "15.00", "CHF": "15.00"},
    }
    version = draft_policy_version(
        first.policy_id,
        by=company.person("manager"),
        effective_from=company.days.today + timedelta(days=NEXT_VERSION),
        text=f"{first.text}{INDEMNITY}",
        parameters={**first.figures, **changed},
    )
    reason = "Agreed at the quarter's review of complaints"
    publish = partial(publish_policy_version, version.pk, by=company.person("manager2"), reason=reason)
    company.agenda.add(company.days.at(company.days.workday(5), 9, 50), publish)


def _draft_fulfilment_policy(company: Company) -> None:
    """A draft that waits for the other manager: customers hear of changes beforehand."""
    first = PolicyVersion.objects.select_related("policy").get(policy__kind=Policy.Kind.FULFILMENT)
    today_says = (
        "We can change this policy at any time. The new version is published on this page together with the day from"
        " which it\nholds,"
    )
    draft_policy_version(
        first.policy_id,
        by=company.person("manager2"),
        effective_from=company.days.today + timedelta(days=DRAFTED_VERSION),
        text=first.text.replace(today_says, NOTICE),
        parameters=first.figures,
    )


def _delegate(company: Company) -> None:
    """A lead is away next week."""
    monday = company.days.today + timedelta(days=7 - company.days.today.weekday())
    give_delegation(
        by=company.person("lead"),
        deputy_id=company.person("lead2").pk,
        starts_on=monday,
        ends_on=monday + timedelta(days=4),
        reason="Away for a training",
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


def _prepay(company: Company) -> None:
    """Somebody who owes nothing pays the next two months at once, before they are invoiced."""
    paid = Subscription.objects.filter(
        customer__in=_of_quiet_customers(company),
        state=Subscription.State.ACTIVE,
        term=Term.MONTHLY,
        activated_on__lt=_before(company, 30),
    ).order_by("-pk")
    for subscription in paid:
        period = subscription.current_period()
        if period is not None and period.fee and record_obstacle(subscription) is None:
            record_prepayment(
                subscription.pk,
                by=company.person("billing"),
                amount=2 * period.fee,
                received_on=_before(company, 1),
                reference=f"Two months ahead, {subscription.number}",
            )
            return


def _propose_leftover(company: Company) -> None:
    """Credit of a service that has ended, to be paid out once a manager approves."""
    for credit in Credit.objects.left_by_ended_subscriptions().select_related("customer").order_by("pk"):
        if credit.customer.iban:
            propose_residual_payout(
                credit.pk, by=company.person("billing"), reason="The service has ended, no invoice will use it"
            )
            return


def _before(company: Company, days: int) -> date:
    return date.fromordinal(company.today.toordinal() - days)
