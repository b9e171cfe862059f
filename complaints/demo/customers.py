"""Customers with their subscriptions, and how they pay."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from random import Random

from accounts.actions.customers import create_customer
from accounts.models import Customer
from billing.actions.payments import record_payment
from billing.actions.run import run_billing
from billing.actions.subscriptions import cancel_subscription, open_subscription, undo_cancellation
from billing.models import Invoice, Subscription
from complaints.demo.company import BEGAN, Company
from complaints.demo.names import Registry, Somebody

COUNTRIES = ("IT",) * 9 + ("DE",) * 4 + ("FR",) * 3 + ("GB",) * 4
PLAN_MIX = ("LINE",) * 5 + ("OFFICE",) * 8 + ("CONTACT",) * 2 + ("ARCHIVE",) * 3 + ("DESK",) * 4 + ("SUITE",) * 5

#: How many customers there are besides those with a case, and how many of them have a second subscription.
QUIET_CUSTOMERS = 138
SECOND_SUBSCRIPTIONS = 22
IN_FRANCS = 4

#: Ways to pay. "prompt" pays on the first working day, "stops" has paid nothing lately, "half" pays half of each invoice.
WAYS = ("usual",) * 17 + ("late",) * 2 + ("stops",)


def months_before(day: date, months: int) -> date:
    """The same day so many months earlier, cut to the month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def enter(company: Company, who: Somebody, *, currency: str = "EUR", since: date, notes: str = "") -> Customer:
    """Put somebody on file."""
    customer = create_customer(
        by=company.person("billing"),
        name=who.name,
        kind=who.kind,
        email=who.email,
        phone=who.phone,
        country=who.country,
        language=who.language,
        currency=currency,
        iban=who.iban,
        account_holder=who.name if who.iban else "",
        customer_since=since,
        notes=notes,
    )
    company.customers.append(customer)
    return customer


def subscribe(
    company: Company,
    customer: Customer,
    *,
    plan: str,
    term: str,
    activated_on: date,
    pays: str = "usual",
    agreed_fee: Decimal | None = None,
    taken_over_on: date | None = None,
    then: Callable[[Subscription], None] | None = None,
) -> None:
    """Open a subscription on the working day of its activation, or take over an older one today."""
    today = company.clock.now.astimezone(company.days.zone).date()

    def open_it() -> None:
        subscription = open_subscription(
            by=company.person("billing"),
            customer_id=customer.pk,
            plan_id=company.plans[plan].pk,
            term=term,
            activated_on=activated_on,
            agreed_fee=agreed_fee,
            taken_over_on=(taken_over_on or today) if activated_on < today else None,
        )
        company.payers[subscription.pk] = pays
        if then is not None:
            then(subscription)

    if activated_on <= today:
        open_it()
    else:
        company.agenda.add(company.days.at(company.days.workday_from(activated_on), 8, 40), open_it)


def fill(company: Company, registry: Registry) -> None:
    """The many customers who have nothing to complain about."""
    rng = Random("customers")
    for n in range(QUIET_CUSTOMERS):
        francs = n >= QUIET_CUSTOMERS - IN_FRANCS
        kind = Customer.Kind.PERSON if rng.random() < 0.3 else Customer.Kind.COMPANY
        who = registry.invent(
            rng, country="CH" if francs else rng.choice(COUNTRIES), kind=kind, with_iban=rng.random() < 0.6
        )
        activated_on = _activation(rng, company)
        customer = enter(company, who, currency="CHF" if francs else "EUR", since=activated_on)
        plan = rng.choice(("OFFICE", "SUITE")) if francs else rng.choice(PLAN_MIX)
        term = "annual" if rng.random() < 0.3 else "monthly"
        later = partial(_come_and_go, company, n, term)
        subscribe(
            company, customer, plan=plan, term=term, activated_on=activated_on, pays=rng.choice(WAYS), then=later
        )
        if n < SECOND_SUBSCRIPTIONS:
            second = rng.choice(("ARCHIVE", "DESK", "SUITE") if plan in {"LINE", "OFFICE", "CONTACT"} else ("LINE", "OFFICE"))
            # A friendly price for the second: agreed, not published.
            agreed = Decimal("12.00") if n % 7 == 0 else None
            subscribe(
                company,
                customer,
                plan=second,
                term="monthly",
                activated_on=max(activated_on, _activation(rng, company)),
                pays="usual",
                agreed_fee=agreed,
            )


def _activation(rng: Random, company: Company) -> date:
    """Some day 1 to 30 months ago; every fourth on the last days of a month, where cycles are cut."""
    day = months_before(company.days.ago(rng.randrange(28)), rng.randint(1, 29))
    if rng.random() < 0.25:
        day = day.replace(day=min(rng.choice((29, 30, 31)), monthrange(day.year, day.month)[1]))
    return day


def _come_and_go(company: Company, n: int, term: str, subscription: Subscription) -> None:
    """Some cancel; of those some have ended by now, and one thinks better of it."""
    by = company.person("agent2")
    cancel = partial(cancel_subscription, subscription.pk, by=by, channel="email", reason="Moves to another office")
    days = company.days
    if n % 23 == 4:
        company.agenda.add(days.at(days.workday(40), 11, 5), cancel)
    elif n % 17 == 9:
        company.agenda.add(days.at(days.workday(3 if term == "monthly" else 15), 15, 20), cancel)
    elif n == 30:
        undo = partial(undo_cancellation, subscription.pk, by=by, reason="Called: they stay after all")
        company.agenda.add(days.at(days.workday(3), 10, 10), cancel)
        company.agenda.add(days.at(days.workday(2), 9, 50), undo)


class Office:
    """The nightly billing run, and the payments that come in."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._last_invoice = 0

    def bill(self) -> None:
        """Bill today, then expect each new invoice's payment."""
        company = self._company
        today = company.clock.now.astimezone(company.days.zone).date()
        result = run_billing(today, by=company.system)
        if result.problems:
            raise RuntimeError("; ".join(result.problems))
        fresh = Invoice.objects.filter(pk__gt=self._last_invoice).order_by("pk").select_related("period")
        for invoice in fresh:
            self._last_invoice = invoice.pk
            if invoice.due:
                self._expect(invoice, company.payers[invoice.period.subscription_id])

    def _expect(self, invoice: Invoice, way: str) -> None:
        days, rng = self._company.days, Random(f"payment {invoice.number}")
        lag = {"prompt": 0, "half": 0, "usual": rng.randint(1, 12), "late": rng.randint(17, 40), "stops": 5}[way]
        received_on = days.workday_from(invoice.issued_on + timedelta(days=lag))
        if way == "stops" and received_on > days.ago(50):
            return
        recorded_on = max(received_on, days.workday_from(days.ago(BEGAN - 1)))
        if recorded_on >= days.today:
            return
        hour = 8 if way in {"prompt", "half"} else rng.randint(10, 16)
        when: datetime = days.at(recorded_on, hour, rng.randint(5, 55))
        self._company.agenda.add(when, partial(self._pay, invoice.pk, received_on, part=2 if way == "half" else 1))

    def _pay(self, invoice_id: int, received_on: date, *, part: int) -> None:
        invoice = Invoice.objects.get(pk=invoice_id)
        record_payment(
            invoice_id,
            by=self._company.person("billing"),
            amount=(invoice.due / part).quantize(Decimal("0.01")),
            received_on=received_on,
            reference=f"Transfer {invoice.number}",
        )
