"""A case: a complaint of one customer, and what was done about it, step by step on working days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from random import Random

from accounts.customers.models import Customer
from accounts.staff.models import User
from billing.periods import Term, months_before
from billing.subscriptions.models import BillingPeriod, Subscription
from complaints.cases.actions import register_complaint
from complaints.cases.models import Complaint
from complaints.refunds.models import Refund
from demo.company import BEGAN, Company
from demo.customers import WAVES, Contract, arrive
from demo.names import Registry

#: Who complained no more working days ago than this came over with the second wave of customers.
RECENT = 25


@dataclass(frozen=True)
class Step:
    """Something done ``after`` so many working days since the complaint was received, or so many ``days_ago``.

    ``who`` is a user name; empty for the case's own agent.
    """

    after: int
    do: Callable[[Running, User], object]
    who: str = ""
    days_ago: int | None = None


@dataclass(frozen=True)
class Case:
    """One complaint as it is told in ``stories``.

    ``received`` counts working days back from today; ``day`` is the day of its period on which it was received,
    ``back`` how many periods before the current one it concerns, ``months`` since when they are a customer (0: any).
    ``same_as`` is an earlier case of the same customer.
    """

    key: str
    received: int
    subject: str
    text: str
    category: str = Complaint.Category.QUALITY
    channel: str = Complaint.Channel.EMAIL
    sought: str = Complaint.Sought.CREDIT
    plan: str = "OFFICE"
    term: str = "monthly"
    day: int = 10
    back: int = 0
    months: int = 0
    agent: str = "agent"
    country: str = "IT"
    language: str = "en"
    kind: str = Customer.Kind.COMPANY
    iban: bool = True
    currency: str = "EUR"
    pays: str = "prompt"
    usage: str = ""
    typed_after: int = 0
    same_as: str = ""
    #: For a complaint about long ago: a day within the period, and of the take-over that reached back so far.
    about_days_ago: int | None = None
    notes: str = ""
    steps: tuple[Step, ...] = ()


class Running:
    """A case while its story is told."""

    def __init__(self, company: Company, case: Case) -> None:
        self.company = company
        self.case = case
        self.rng = Random(f"case {case.key}")
        self.subscription: Subscription | None = None
        self.complaint_id = 0
        self.refund_ids: list[int] = []
        company.cases[case.key] = self

    # --- Before the complaint -------------------------------------------------------------------

    def set_up(self, registry: Registry) -> None:
        """The customer with a subscription whose period began ``day`` days before the complaint."""
        case, days = self.case, self.company.days
        if case.same_as:
            return
        months = case.months or self.rng.randint(3, 26)
        if case.term == Term.ANNUAL:
            # Whole years, so that the period in which the complaint came began ``day`` days before it.
            months = 12 * max(1, months // 12)
        who = registry.invent(
            self.rng, country=case.country, kind=case.kind, with_iban=case.iban, language=case.language
        )
        contract = Contract(
            plan=case.plan,
            term=case.term,
            activated_on=months_before(days.workday(case.received) - timedelta(days=case.day), months),
            pays=case.pays,
            taken_over_on=days.ago(case.about_days_ago or WAVES[case.received <= RECENT]),
        )
        arrive(self.company, who, contract, currency=case.currency, notes=case.notes, then=self._holds)

    def _holds(self, subscription: Subscription) -> None:
        self.subscription = subscription
        if self.case.usage:
            self.company.usage.has_habit(subscription, self.case.usage)

    # --- The story ------------------------------------------------------------------------------

    def schedule(self) -> None:
        """Put the registration and every step on the agenda, within office hours and in their order."""
        case, days, rng = self.case, self.company.days, self.rng
        day = days.workday(case.received)
        received_at = days.at(day, 7, 5) + timedelta(minutes=rng.randrange(110))
        moment = received_at + timedelta(minutes=rng.randint(25, 70))
        if case.typed_after:
            moment = self._office(days.workday(case.received - case.typed_after))
        self.company.agenda.add(moment, partial(self._register, received_at))
        if case.received > 1:
            upload = days.at(days.workday(case.received - 1), 7, 50)
            self.company.agenda.add(upload, lambda: self.company.usage.upload(self.held))
        for step in case.steps:
            day = days.ago(step.days_ago) if step.days_ago is not None else days.workday(case.received - step.after)
            moment = max(moment + timedelta(minutes=rng.randint(8, 30)), self._office(day))
            self.company.agenda.add(moment, partial(self._do, step))

    def _office(self, day: date) -> datetime:
        return self.company.days.at(day, 9, 5) + timedelta(minutes=self.rng.randrange(200))

    def _do(self, step: Step) -> None:
        step.do(self, self.company.person(step.who or self.case.agent))

    def _register(self, received_at: datetime) -> None:
        case = self.case
        complaint = register_complaint(
            by=self.company.person(case.agent),
            subscription_id=self.held.pk,
            period_id=self._period(received_at).pk,
            channel=case.channel,
            received_at=received_at,
            category=case.category,
            sought=case.sought,
            subject=case.subject,
            text=case.text,
        )
        self.complaint_id = complaint.pk

    def _period(self, received_at: datetime) -> BillingPeriod:
        days = self.company.days
        day = received_at.astimezone(days.zone).date()
        if self.case.about_days_ago is not None:
            day = days.ago(self.case.about_days_ago)
        periods = BillingPeriod.objects.filter(subscription=self.held)
        current = periods.containing(day).get()
        return periods.get(sequence=current.sequence - self.case.back)

    # --- What the steps ask ---------------------------------------------------------------------

    @property
    def held(self) -> Subscription:
        """The subscription, as it was when it was opened."""
        if self.case.same_as:
            return self.company.cases[self.case.same_as].held
        assert self.subscription is not None, f"{self.case.key}: no subscription yet"
        return self.subscription

    @property
    def complaint(self) -> Complaint:
        return Complaint.objects.select_related("customer", "period", "decision").get(pk=self.complaint_id)

    @property
    def refund(self) -> Refund:
        """The latest refund."""
        return Refund.objects.get(pk=self.refund_ids[-1])


def begin(company: Company, registry: Registry, cases: tuple[Case, ...]) -> None:
    """Set every case up and schedule its story."""
    horizon = BEGAN * 5 // 7 - 5
    running = [Running(company, case) for case in cases]
    for each in running:
        if each.case.received > horizon:
            raise ValueError(f"{each.case.key} was received before the company began")
        each.set_up(registry)
    for each in running:
        each.schedule()
