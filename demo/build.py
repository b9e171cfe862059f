"""Making the demonstration company, from its founding to this moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.core.files.storage import default_storage
from django.db import connection, transaction

from accounts.customers.models import Customer
from accounts.staff.models import User
from audit.actions import Obstacle
from audit.vocabulary import Refusal
from complaints.signals.actions import report_signals
from complaints.upkeep.actions import run_upkeep
from demo import affairs, catalogue, customers, incidents, outcomes, patterns, phones, post, profile, staff
from demo.cases import begin
from demo.clock import Told, replaced
from demo.company import Company
from demo.names import Registry
from demo.stories import CASES
from demo.usage import UsageBook

#: Which share of the whole it takes to found the company, before its first day.
FOUNDING = 0.12


def occupied() -> Obstacle | None:
    """Why no demonstration company can be made here: somebody is here already."""
    if Customer.objects.exists() or User.objects.filter(role__isnull=False).exists():
        return Obstacle("This database has staff or customers in it already.", Refusal.NOT_EMPTY)
    return None


def build(now: datetime, *, told: Told = lambda _: None) -> None:
    """Make the whole company, or nothing of it, as it would be at ``now``. ``told`` is called with the share
    that is done.

    The same moment gives the same company every time, but for what is secret or unique (hashes, request ids).
    """
    company = Company.founded(now)
    try:
        with transaction.atomic(), _without_statement_log(), company.clock.running():
            _tell(company, told)
    except BaseException:
        for name in company.stored:
            default_storage.delete(name)
        raise


def _tell(company: Company, told: Told) -> None:
    told(0.0)
    company.usage = UsageBook(company)
    registry = Registry()
    staff.create_people(company)
    staff.set_limits(company)
    profile.found(company)
    catalogue.create_plans(company)
    begin(company, registry, CASES)
    told(FOUNDING / 2)
    customers.fill(company, registry)
    affairs.plan(company)
    patterns.plan(company)
    company.agenda.add(company.days.at(company.days.workday(20), 10, 0), lambda: _link_colleague(company))
    phones.sell(company)
    incidents.create_incidents(company)
    company.agenda.add(
        company.days.at(company.days.ago(catalogue.NEWER_PRICE + 9), 11, 0), lambda: catalogue.raise_prices(company)
    )
    office = customers.Office(company)
    office.bill()
    # Twice a week catches every period before somebody complains of it, at half the work.
    company.daily(0, 10, office.bill, long_ago=(0, 3))
    company.daily(0, 20, lambda: run_upkeep(by=company.system))
    company.daily(9, 5, lambda: outcomes.tell_yesterdays(company))
    mail = post.PretendedPost()
    for hour in (0, 10, 14, 18):
        company.daily(hour, 30, lambda: post.deliver(company, mail))
    company.agenda.add(company.days.at(company.days.workday(1), 7, 30), company.usage.upload_all)
    for n in (3, 2, 1):
        company.agenda.add(company.days.at(company.days.workday(n), 7, 40), lambda: report_signals(by=company.system))
    company.agenda.run(lambda share: told(FOUNDING + (1 - FOUNDING) * share))


def _link_colleague(company: Company) -> None:
    staff.link_to_customer(company, "agent2", company.cases["fresh-colleague"].held.customer_id)


@contextmanager
def _without_statement_log() -> Iterator[None]:
    """Under DEBUG Django writes every statement down, and asks SQLite how to: tens of thousands would take longer so
    than the work itself.
    """
    with replaced(connection, "make_debug_cursor", connection.make_cursor):
        yield
