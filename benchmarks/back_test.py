"""How long a back-test of past cases takes, beside quoting the same cases live one after another.

Run by ``./dev bench``. Half of the cases were given a refund, by usage or for an outage; the others are quoted under
what judged them and under the draft. Each round starts from the same rows in a transaction that is rolled back; the
median counts. Nothing here is asserted: it prints a table and writes JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import django

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
sys.path.insert(0, str(ROOT))
django.setup()

from django.core.management import call_command
from django.db import connection, models, transaction
from django.utils import timezone

from accounts.customers.models import Customer
from accounts.staff.models import User
from benchmarks.billing_run import show
from billing.invoices.models import Invoice
from billing.plans.models import Plan
from billing.subscriptions.models import BillingPeriod, Subscription
from billing.usage.models import UsageDay
from complaints.back_tests.actions import start_back_test
from complaints.cases.models import Complaint, Decision
from complaints.incidents.models import Incident
from complaints.quotes.facts import terms_for
from complaints.quotes.inputs_json import inputs_to_json
from complaints.quotes.quoting import Choices, live_quote, suggested_basis
from complaints.refund_calculation import CURRENT_VERSION
from complaints.refunds.models import Refund
from jobs.models import Job
from jobs.runner import run_job
from policies.versions.models import Policy, PolicyVersion

CASES, CASES_SMALL, ONE_BY_ONE = 10_000, 1_000, 200
SECONDS = 30
FEE = Decimal("60.00")
APRIL, MAY = date(2024, 4, 1), date(2024, 5, 1)
RECEIVED = datetime(2024, 4, 20, 10, tzinfo=timezone.get_default_timezone())
COSTS = [{"code": "OP-1", "unit_cost": "0.50"}, {"code": "OP-2", "unit_cost": "0.30"}]
DRAFT = {
    "as_of_day_counts": False,
    "minimum_interruption_seconds": 2 * 60 * 60,
    "second_approval_above": {"EUR": "30.00"},
}


def create(rows: list[Any]) -> list[Any]:
    return models.QuerySet.bulk_create(type(rows[0])._base_manager.all(), rows, batch_size=2000)


def fill(size: int) -> None:
    """Paid months with usage and twenty outages; a decided complaint on each, every second with a refund."""
    from tests import factories

    agent = factories.agent()
    plan = factories.PlanFactory.create()
    customers = create([Customer(number=f"C-{n:06d}", name=f"Customer {n}", country="IT") for n in range(size)])
    subscriptions = create([_subscription(n, customer, plan) for n, customer in enumerate(customers)])
    periods = create([_period(subscription, plan) for subscription in subscriptions])
    create([_invoice(n, period) for n, period in enumerate(periods)])
    create([day for period in periods for day in _usage(period)])
    create([_incident(n) for n in range(20)])
    complaints = create([_complaint(n, period, agent) for n, period in enumerate(periods)])
    decisions = create([_decision(n, complaint, agent) for n, complaint in enumerate(complaints)])
    for complaint, decision in zip(complaints, decisions, strict=True):
        complaint.decision = decision
    models.QuerySet.bulk_update(Complaint._base_manager.all(), complaints, ["decision"], batch_size=500)
    # The inputs of the first of each kind, which differ from the others' by nothing.
    frozen = {basis: _frozen(complaints[n]) for n, basis in enumerate(("interruption", "usage"))}
    create([_refund(n, complaint, agent, frozen) for n, complaint in enumerate(complaints) if n % 4 < 2])
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def _subscription(n: int, customer: Customer, plan: Plan) -> Subscription:
    return Subscription(
        number=f"S-{n:06d}", customer=customer, plan=plan, term="monthly", currency="EUR", activated_on=APRIL,
        anchor_on=APRIL,
    )  # fmt: skip


def _period(subscription: Subscription, plan: Plan) -> BillingPeriod:
    return BillingPeriod(
        subscription=subscription, sequence=0, starts_on=APRIL, ends_on=MAY, closes_on=MAY, plan=plan, term="monthly",
        currency="EUR", fee=FEE, tax_rate=Decimal(22), minute_cost=Decimal("0.02"), operation_costs=COSTS,
    )  # fmt: skip


def _invoice(n: int, period: BillingPeriod) -> Invoice:
    return Invoice(
        number=f"2024-{n:06d}", customer=period.subscription.customer, period=period, currency="EUR", issued_on=APRIL,
        due_on=MAY, net=Decimal("49.18"), tax=Decimal("10.82"), gross=FEE, paid=FEE, state="paid",
    )  # fmt: skip


def _usage(period: BillingPeriod) -> list[UsageDay]:
    days = [APRIL + timedelta(days=3 * n) for n in range(7)]
    calls = [UsageDay(period=period, kind="call", local_day=day, seconds=600, records=3) for day in days]
    used = [
        UsageDay(period=period, kind="operation", operation=cost["code"], local_day=days[-1], quantity=Decimal(2))
        for cost in COSTS
    ]
    return [*calls, *used]


def _incident(n: int) -> Incident:
    start = datetime(2024, 4, 1 + n, 9, tzinfo=timezone.get_default_timezone())
    return Incident(
        code=f"I-{n:05d}", title="Down", starts_at=start, ends_at=start + timedelta(hours=1 + n % 6),
        scheduled=n % 7 == 0, hits_everybody=True,
    )  # fmt: skip


def _complaint(n: int, period: BillingPeriod, agent: User) -> Complaint:
    terms = terms_of_all()
    return Complaint(
        code=f"C-{n:06d}", customer=period.subscription.customer, subscription=period.subscription, period=period,
        channel="email", received_at=RECEIVED, registered_at=RECEIVED, registered_by=agent,
        category="quality" if n % 2 else "interruption", sought="money", subject="Calls break off", text="They do.",
        state="in_review", refund_policy=terms[Policy.Kind.REFUND], fulfilment_policy=terms[Policy.Kind.FULFILMENT],
        acknowledge_due_at=RECEIVED, decide_due_at=RECEIVED,
    )  # fmt: skip


def terms_of_all() -> dict[str, PolicyVersion]:
    """The first versions, read once."""
    if not _terms:
        _terms.update({version.policy.kind: version for version in PolicyVersion.objects.select_related("policy")})
    return _terms


_terms: dict[str, PolicyVersion] = {}


def _decision(n: int, complaint: Complaint, agent: User) -> Decision:
    outcome = "rejected" if n % 20 == 19 else "upheld"
    return Decision(complaint=complaint, outcome=outcome, reasons="The log", by=agent, at=timezone.now())


def _frozen(complaint: Complaint) -> dict[str, Any]:
    complaint = Complaint.objects.get(pk=complaint.pk)
    live = live_quote(complaint, complaint.period, Choices(basis=suggested_basis(complaint)))
    return {
        "inputs": inputs_to_json(live.inputs), "lines": live.lines, "counted": live.counted, "total": live.quote.total,
    }  # fmt: skip


def _refund(n: int, complaint: Complaint, agent: User, frozen: dict[str, dict[str, Any]]) -> Refund:
    basis = suggested_basis(complaint)
    content = frozen[basis]
    return Refund(
        code=f"R-{n:06d}", complaint=complaint, customer_id=complaint.customer_id, period=complaint.period,
        subscription_id=complaint.subscription_id, basis=basis, currency="EUR", state=Refund.State.SETTLED,
        remedy_plan=[{"kind": "credit", "amount": str(content["total"])}], drafted_by=agent, drafted_at=RECEIVED,
        proposed_by=agent, proposed_at=RECEIVED, expires_on=MAY, settled_at=timezone.now(), content_hash="0" * 64,
        calculation_version=CURRENT_VERSION, refund_policy_id=complaint.refund_policy_id,
        fulfilment_policy_id=complaint.fulfilment_policy_id, **content,
    )  # fmt: skip


# --- The two ways -------------------------------------------------------------------------------


def back_test(size: int) -> Callable[[], None]:
    """The job, from its first query to its last row."""

    def run() -> None:
        asked = start_back_test(_draft.pk, by=_manager, months=1)
        run_job.call(asked.job_id)
        job = Job.objects.get(pk=asked.job_id)
        assert (job.state, job.done) == (Job.State.FINISHED, size), job.failure

    from tests import factories

    _manager = factories.manager()
    policy = Policy.objects.get(kind=Policy.Kind.REFUND)
    in_force = terms_of_all()[Policy.Kind.REFUND].parameters
    _draft = PolicyVersion(
        policy=policy, number=2, effective_from=date(2099, 1, 1), text="Other", parameters={**in_force, **DRAFT},
        drafted_by=_manager,
    )  # fmt: skip
    _draft.save()
    return run


def one_by_one(some: int = ONE_BY_ONE) -> None:
    """A live quote for each case under its own terms, as its page makes one."""
    for pk in Complaint.objects.order_by("pk").values_list("pk", flat=True)[:some]:
        complaint = Complaint.objects.get(pk=pk)
        terms_for(complaint.period)
        live_quote(complaint, complaint.period, Choices(basis=suggested_basis(complaint)))


def timed(way: Callable[[], None]) -> tuple[float, float]:
    """(seconds on the clock, seconds of this process at work): they are far apart on a busy machine."""
    with transaction.atomic():
        start, worked = time.perf_counter(), time.process_time()
        way()
        took = time.perf_counter() - start, time.process_time() - worked
        transaction.set_rollback(True)
    return took


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument("--small", action="store_true", help="a tenth of the size, for a quick look")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    size = CASES_SMALL if options.small else CASES
    call_command("migrate", verbosity=0)
    fill(size)
    run = back_test(size)
    rounds = [timed(run) for _ in range(options.rounds)]
    taken, worked = (statistics.median(times) for times in zip(*rounds, strict=True))
    each = statistics.median(timed(one_by_one)[0] for _ in range(options.rounds)) * size / ONE_BY_ONE
    # A tenth of the cases has a tenth of the time.
    limit = SECONDS * size / CASES
    shared = {
        "what": f"back-test, {size} past cases",
        "database": connection.vendor,
        "median_ms": round(taken * 1000, 1),
        "at_work_ms": round(worked * 1000, 1),
    }
    results = [
        {
            **shared,
            "yardstick": f"{limit:g} s",
            "yardstick_ms": limit * 1000,
            "ratio": round(taken / limit, 2),
            "target": "at most 1x",
            "met": taken <= limit,
        },
        {
            **shared,
            "yardstick": "live quotes one after another",
            "yardstick_ms": round(each * 1000, 1),
            "ratio": round(each / taken, 2),
            "target": "-",
            "met": "-",
        },
    ]
    show(results)
    place = ROOT / "var" / f"bench-back-test-{connection.vendor}.json"
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
