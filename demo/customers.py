"""Customers with their subscriptions, and how they pay."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from random import Random

from accounts.customers.actions import create_customer
from accounts.customers.models import Customer
from accounts.staff.models import User
from billing.imports.actions import CUSTOMERS
from billing.imports.column_map import load_map
from billing.imports.values import CustomerRowReader
from billing.invoices.models import Invoice
from billing.money import round_money
from billing.payments.actions import Received, record_payments
from billing.periods import months_before
from billing.runs.actions import run_billing
from billing.subscriptions.actions import open_subscription
from billing.subscriptions.cancellations.actions import cancel_subscription, undo_cancellation
from billing.subscriptions.models import BillingPeriod, Subscription
from demo.company import BEGAN, Company
from demo.files import import_rows
from demo.names import Registry, Somebody

COUNTRIES = ("IT",) * 9 + ("DE",) * 4 + ("FR",) * 3 + ("GB",) * 4
PLAN_MIX = ("LINE",) * 5 + ("OFFICE",) * 8 + ("CONTACT",) * 2 + ("ARCHIVE",) * 3 + ("DESK",) * 4 + ("SUITE",) * 5

#: How many customers there are besides those with a case, and how many of them have a second subscription.
QUIET_CUSTOMERS = 138
SECOND_SUBSCRIPTIONS = 22
#: Customers came over from the old system in three waves, so many days ago.
WAVES = (BEGAN, 70, 40)
IN_FRANCS = 4

#: Ways to pay. "prompt": on the first working day; "stops": nothing lately; "half": half of each invoice.
WAYS = ("usual",) * 17 + ("late",) * 2 + ("stops",)
#: Tuesday and Friday: when the clerk goes through what the bank has received.
RECORDING_DAYS = (1, 4)


@dataclass(frozen=True)
class Contract:
    """What a customer subscribes to, and how they pay for it."""

    plan: str
    term: str
    activated_on: date
    pays: str = "usual"
    agreed_fee: Decimal | None = None
    #: When they came over from the old system, if they are a customer for longer; a day earlier than the first wave
    #: brings older periods along.
    taken_over_on: date | None = None


def arrive(
    company: Company,
    who: Somebody,
    contract: Contract,
    *,
    currency: str = "EUR",
    notes: str = "",
    then: Callable[[Subscription], None] | None = None,
) -> None:
    """Put somebody on file with a subscription, on the day they come over or begin; at once, if it has passed."""

    def enter() -> None:
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
            customer_since=contract.activated_on,
            notes=notes,
        )
        company.customers.append(customer)
        _subscribe(company, customer, contract, then)

    _when_active(company, contract, enter)


@dataclass(frozen=True)
class Arrival:
    """Somebody in the file of the customers who come over on a day, and what happens with their subscription then."""

    number: str
    who: Somebody
    contract: Contract
    currency: str
    then: Callable[[Subscription], None]

    def cells(self) -> dict[str, str]:
        """Their row, by the columns of the shipped map ``own``."""
        who, contract = self.who, self.contract
        return {
            "number": self.number,
            "name": who.name,
            "kind": who.kind,
            "email": who.email,
            "phone": who.phone,
            "country": who.country,
            "language": who.language,
            "currency": self.currency,
            "plan": contract.plan,
            "term": contract.term,
            "activated_on": contract.activated_on.isoformat(),
        }


def take_over(company: Company, day: date, arrivals: Sequence[Arrival]) -> None:
    """Import the customers who come over from the old system on the day: one file, one action."""
    columns = load_map("own")
    import_rows(
        CUSTOMERS,
        f"customers-{day:%Y-%m-%d}.csv",
        [arrival.cells() for arrival in arrivals],
        lambda header: CustomerRowReader(columns.for_header(header), header, today=day).read,
        by=company.person("billing"),
        today=day,
        further={"map": columns.name, "map_sha256": columns.sha256},
    )
    found = Subscription.objects.select_related("customer", "plan")
    made = {one.customer.number: one for one in found.filter(customer__number__in=[each.number for each in arrivals])}
    for arrival in arrivals:
        subscription = made[arrival.number]
        company.customers.append(subscription.customer)
        company.payers[subscription.pk] = arrival.contract.pays
        arrival.then(subscription)


def _when_active(company: Company, contract: Contract, what: Callable[[], None]) -> None:
    _on(company, max(contract.activated_on, contract.taken_over_on or contract.activated_on), what)


def _on(company: Company, day: date, what: Callable[[], None]) -> None:
    """In the morning of the day, or of the Monday after it; at once, if it has passed."""
    if day <= company.today:
        what()
    else:
        company.agenda.add(company.days.at(company.days.workday_from(day), 8, 40), what)


def _subscribe(
    company: Company, customer: Customer, contract: Contract, then: Callable[[Subscription], None] | None = None
) -> None:
    taken_over_on = contract.taken_over_on or company.days.ago(BEGAN)
    subscription = open_subscription(
        by=company.person("billing"),
        customer_id=customer.pk,
        plan_id=company.plans[contract.plan].pk,
        term=contract.term,
        activated_on=contract.activated_on,
        agreed_fee=contract.agreed_fee,
        taken_over_on=taken_over_on if contract.activated_on < taken_over_on else None,
    )
    company.payers[subscription.pk] = contract.pays
    if then is not None:
        then(subscription)


def fill(company: Company, registry: Registry) -> None:
    """The many customers who have nothing to complain about. Those who were there before the day on which they come
    over are in that day's file, which has no bank details; the others are entered when they begin.
    """
    rng = Random("customers")
    files: dict[date, list[Arrival]] = {}
    for n in range(QUIET_CUSTOMERS):
        francs = n >= QUIET_CUSTOMERS - IN_FRANCS
        kind = Customer.Kind.PERSON if rng.random() < 0.3 else Customer.Kind.COMPANY
        country = "CH" if francs else rng.choice(COUNTRIES)
        who = registry.invent(rng, country=country, kind=kind, with_iban=rng.random() < 0.6)
        day = company.days.ago(WAVES[n % 3])
        contract = Contract(
            plan=rng.choice(("OFFICE", "SUITE")) if francs else rng.choice(PLAN_MIX),
            term="annual" if rng.random() < 0.5 else "monthly",
            activated_on=_activation(rng, company),
            pays=rng.choice(WAYS),
            taken_over_on=day,
        )
        currency = "CHF" if francs else "EUR"
        then = partial(_come_and_go, company, n, contract, _second(rng, company, n, contract))
        if contract.activated_on < day:
            files.setdefault(day, []).append(Arrival(f"A-{4107 + 13 * n}", who, contract, currency, then))
        else:
            arrive(company, who, contract, currency=currency, then=then)
    for day, arrivals in files.items():
        _on(company, day, partial(take_over, company, day, arrivals))


def _second(rng: Random, company: Company, n: int, first: Contract) -> Contract | None:
    """Some have another kind of service beside the first, every seventh of them at a fee of their own."""
    if n >= SECOND_SUBSCRIPTIONS:
        return None
    plans = ("ARCHIVE", "DESK", "SUITE") if first.plan in {"LINE", "OFFICE", "CONTACT"} else ("LINE", "OFFICE")
    return Contract(
        plan=rng.choice(plans),
        term="monthly",
        activated_on=max(first.activated_on, _activation(rng, company)),
        taken_over_on=first.taken_over_on,
        agreed_fee=Decimal("12.00") if n % 7 == 0 else None,
    )


def _activation(rng: Random, company: Company) -> date:
    """Some day 1 to 30 months ago; every fourth on the last days of a month, where cycles are cut."""
    day = months_before(company.days.ago(rng.randrange(28)), rng.randint(1, 29))
    if rng.random() < 0.25:
        day = day.replace(day=min(rng.choice((29, 30, 31)), monthrange(day.year, day.month)[1]))
    return day


def _come_and_go(
    company: Company, n: int, contract: Contract, second: Contract | None, subscription: Subscription
) -> None:
    """Some take a second subscription. Some cancel; of those some have ended by now, one thinks better of it, and
    one letter comes to hand late: what was billed since is voided.
    """
    if second is not None:
        _when_active(company, second, partial(_subscribe, company, subscription.customer, second))
    by = company.person("agent2")
    cancel = partial(cancel_subscription, subscription.pk, by=by, channel="email", reason="Moves to another office")
    days = company.days
    if n % 23 == 4:
        company.agenda.add(days.at(days.workday(40), 11, 5), cancel)
    elif n % 17 == 9:
        company.agenda.add(days.at(days.workday(3 if contract.term == "monthly" else 15), 15, 20), cancel)
    elif n == 33:
        late = partial(_cancel_late, subscription, by=company.person("lead"))
        company.agenda.add(days.at(days.workday(2), 14, 10), late)
    elif n == 30:
        undo = partial(undo_cancellation, subscription.pk, by=by, reason="Called: they stay after all")
        company.agenda.add(days.at(days.workday(3), 10, 10), cancel)
        company.agenda.add(days.at(days.workday(2), 9, 50), undo)


def _cancel_late(subscription: Subscription, *, by: User) -> None:
    period = subscription.periods.get(state=BillingPeriod.State.OPEN)
    cancel_subscription(
        subscription.pk,
        by=by,
        channel="letter",
        requested_on=period.starts_on - timedelta(days=3),
        reason="The letter lay in another department",
    )


class Office:
    """The nightly billing run, and the payments that come in."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._last_invoice = 0
        #: By the time they are recorded at: when each arrives, the invoice, the day, and which part of what is due.
        self._expected: dict[datetime, list[tuple[datetime, int, date, int]]] = {}

    def bill(self) -> None:
        """Bill today, then expect each new invoice's payment."""
        company = self._company
        result = run_billing(company.today, by=company.system)
        if result.problems:
            raise RuntimeError("; ".join(result.problems))
        fresh = Invoice.objects.filter(pk__gt=self._last_invoice).order_by("pk").select_related("period__subscription")
        for invoice in fresh:
            self._last_invoice = invoice.pk
            if invoice.due:
                self._expect(invoice, company.payers[invoice.subscription.pk])

    def _expect(self, invoice: Invoice, way: str) -> None:
        days, rng = self._company.days, Random(f"payment {invoice.number}")
        lag = {"prompt": 0, "half": 0, "usual": rng.randint(1, 12), "late": rng.randint(17, 40), "stops": 5}[way]
        received_on = days.workday_from(invoice.issued_on + timedelta(days=lag))
        if way == "stops" and received_on > days.ago(50):
            return
        at_once = way in {"prompt", "half"}
        recorded_on = self._recorded_on(received_on, at_once=at_once)
        if recorded_on >= days.today:
            return
        hour = 8 if at_once else rng.randint(10, 16)
        arrives = days.at(recorded_on, hour, rng.randint(5, 55))
        # Recorded together, before the day's cases, in the order in which they arrive.
        when = days.at(recorded_on, 8, 56)
        if when not in self._expected:
            self._expected[when] = []
            self._company.agenda.add(when, partial(self._pay, when))
        self._expected[when].append((arrives, invoice.pk, received_on, 2 if way == "half" else 1))

    def _recorded_on(self, received_on: date, *, at_once: bool) -> date:
        """The working day on which the clerk records what came in. What no case needs waits for the next day of those
        on which the bank's list is gone through.
        """
        days = self._company.days
        day = max(received_on, self._company.today, days.workday_from(days.ago(BEGAN - 1)))
        while not at_once and day.weekday() not in RECORDING_DAYS:
            day += timedelta(days=1)
        return day

    def _pay(self, when: datetime) -> None:
        expected = sorted(self._expected.pop(when))
        invoices = Invoice.objects.in_bulk([invoice_id for _, invoice_id, _, _ in expected])
        received = []
        for _, invoice_id, received_on, part in expected:
            invoice = invoices[invoice_id]
            if not invoice.due:
                # It was settled otherwise meanwhile: set off, or written off.
                continue
            amount = round_money(Fraction(invoice.due) / part, invoice.currency)
            received.append(Received(invoice_id, amount, received_on, f"Transfer {invoice.number}"))
        if received:
            record_payments(received, by=self._company.person("billing"))
