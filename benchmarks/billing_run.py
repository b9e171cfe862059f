"""How long a billing run takes, beside hand-written SQL that leaves the very same rows, and beside row by row.

Run by ``./dev bench``. Before anything is timed, the run and the SQL are compared by what they leave: every row of
billing with its history, the number series and the events, column by column. Then each way starts from the same rows in
a transaction that is rolled back, the foreign keys checked as a commit would; the ways take turns, the median counts.
Nothing here is asserted of the times: it prints a table and writes JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
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
from billing.credits.models import Credit, CreditApplication
from billing.invoices.models import Invoice
from billing.runs.actions import run_billing
from billing.subscriptions.models import BillingPeriod, Subscription
from messaging.outbox.models import Delivery, OutgoingMessage
from tests.billing.end_state import State, end_state
from tests.billing.row_by_row import bill_row_by_row

DUE, DUE_SMALL, ROW_BY_ROW = 6000, 600, 200
STARTED, TODAY = date(2024, 5, 1), date(2024, 6, 1)
FEE, MINUTE_COST = Decimal("60.00"), Decimal("0.02")
TARGETS = {"hand-written SQL": ("at most", 2.0), "row by row": ("at least", 15.0)}


def fill(size: int) -> None:
    """Subscriptions of one plan, all due on one day; every tenth has a credit of less than its fee."""
    from tests import factories

    plan = factories.PlanFactory.create()
    factories.price(plan)
    factories.OperationCostFactory.create()
    factories.system_user()

    def create(rows: list[Any]) -> list[Any]:
        return models.QuerySet.bulk_create(type(rows[0])._base_manager.all(), rows, batch_size=2000)

    customers = create([Customer(number=f"C-{n:06d}", name=f"Customer {n}", country="IT") for n in range(size)])
    subscriptions = create(
        [
            Subscription(
                number=f"S-{n:06d}", customer=customer, plan=plan, term="monthly", currency="EUR",
                activated_on=STARTED, anchor_on=STARTED,
            )
            for n, customer in enumerate(customers)
        ]
    )  # fmt: skip
    create(
        [
            BillingPeriod(
                subscription=subscription, sequence=0, starts_on=STARTED, ends_on=TODAY, closes_on=TODAY, plan=plan,
                term="monthly", currency="EUR", fee=FEE, tax_rate=Decimal(22), minute_cost=MINUTE_COST,
            )
            for subscription in subscriptions
        ]
    )  # fmt: skip
    create(
        [
            Credit(
                customer=subscription.customer, subscription=subscription, currency="EUR", granted_on=STARTED,
                reason="A refund", granted=Decimal("25.00"),
            )
            for subscription in subscriptions[::10]
        ]
    )  # fmt: skip
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


# --- The three ways -----------------------------------------------------------------------------


def product() -> None:
    run_billing(TODAY, by=User.objects.system())


def by_sql() -> None:
    """The rows of the same run, known beforehand to be of one plan on one day, without any of its locks and checks."""
    by = User.objects.system()
    net, tax = 491800, 108200
    closes = TODAY.replace(month=TODAY.month + 1)
    event = (
        "INSERT INTO audit_event (at, actor_id, actor_name, actor_role, verb, outcome, target_type, target_id,"
        " target_label, customer_id, reason, message, data, request_id, source)"
        " SELECT %s, %s, %s, '', 'subscription.bill', 'done', 'billing.subscription', s.id, s.number, s.customer_id,"
        " '', 'Invoice ' || i.number || ' for 2024-06-01 to 2024-06-30: 60.00 EUR'"
        " || CASE WHEN i.credited > 0 THEN ', of which credits bear 25.00.' ELSE '.' END,"
        " {data}, 'bench', 'command'"
        " FROM billing_invoice i JOIN billing_billingperiod p ON p.id = i.period_id"
        " JOIN billing_subscription s ON s.id = p.subscription_id WHERE p.starts_on = %s ORDER BY s.id"
    )
    built = (
        "json_object('period', p.id, 'invoice', i.number, 'gross', '60.00', 'credited',"
        " CASE WHEN i.credited > 0 THEN '25.00' ELSE '0.00' END, 'currency', 'EUR')"
    )
    costs = (
        "SELECT json_group_array(json_object('code', o.code, 'name', o.name, 'unit_cost', '0.50'))"
        " FROM billing_operationcost k JOIN billing_operation o ON o.id = k.operation_id"
    )
    if connection.vendor == "postgresql":
        built = built.replace("json_object", "jsonb_build_object")
        costs = costs.replace("json_object", "jsonb_build_object").replace("json_group_array", "jsonb_agg")
    with transaction.atomic(), connection.cursor() as cursor:
        run = cursor.execute
        run("UPDATE billing_billingperiod SET state = 'ended' WHERE state = 'open' AND closes_on = %s", [TODAY])
        history(cursor, BillingPeriod, "~", "closes_on = %s", [TODAY], by)
        run(
            "INSERT INTO billing_billingperiod (subscription_id, sequence, starts_on, ends_on, extension_days,"  # noqa: S608
            " closes_on, state, plan_id, term, currency, fee, tax_rate, included_minutes, minute_cost,"
            " operation_costs, pending, refunded)"
            " SELECT s.id, p.sequence + 1, p.closes_on, %s, 0, %s, 'open', s.plan_id, s.term, s.currency, c.fee,"
            f" c.tax_rate, c.included_minutes, c.minute_cost, ({costs}), 0, 0"
            " FROM billing_billingperiod p JOIN billing_subscription s ON s.id = p.subscription_id"
            " JOIN billing_price c ON c.plan_id = s.plan_id AND c.term = s.term AND c.currency = s.currency"
            " WHERE p.closes_on = %s ORDER BY s.id",
            [closes, closes, TODAY],
        )
        history(cursor, BillingPeriod, "+", "starts_on = %s", [TODAY], by)
        run(
            "INSERT INTO billing_invoice (number, customer_id, period_id, currency, issued_on, due_on, net, tax, gross,"
            " credited, paid, charged_back, state, disputed_on, dispute_reason)"
            " SELECT '2024-' || substr(CAST(1000000 + row_number() OVER (ORDER BY s.id) AS text), 2), s.customer_id,"
            " p.id, 'EUR', %s, %s, %s, %s, p.fee,"
            " coalesce(c.granted - c.applied, 0), 0, 0, 'issued', NULL, ''"
            " FROM billing_billingperiod p JOIN billing_subscription s ON s.id = p.subscription_id"
            " LEFT JOIN billing_credit c ON c.subscription_id = s.id WHERE p.starts_on = %s ORDER BY s.id",
            [TODAY, TODAY + timedelta(days=14), net, tax, TODAY],
        )
        history(cursor, Invoice, "+", "issued_on = %s", [TODAY], by)
        run(
            "INSERT INTO billing_invoiceline (invoice_id, position, charge_id, text, tax_rate, net, tax, gross)"
            " SELECT i.id, 1, NULL, l.name || ', 2024-06-01 to 2024-06-30', p.tax_rate, i.net, i.tax, i.gross"
            " FROM billing_invoice i JOIN billing_billingperiod p ON p.id = i.period_id"
            " JOIN billing_plan l ON l.id = p.plan_id WHERE i.issued_on = %s",
            [TODAY],
        )
        run(
            "INSERT INTO billing_creditapplication (credit_id, invoice_id, amount, applied_on)"
            " SELECT c.id, i.id, c.granted - c.applied, i.issued_on FROM billing_invoice i"
            " JOIN billing_billingperiod p ON p.id = i.period_id"
            " JOIN billing_credit c ON c.subscription_id = p.subscription_id WHERE i.issued_on = %s ORDER BY i.id",
            [TODAY],
        )
        run("UPDATE billing_credit SET applied = granted WHERE granted > applied")
        tell(cursor, by)
        history(cursor, Credit, "~", "applied > 0", [], by, "Used on an invoice")
        run("INSERT INTO accounts_numberseries (name, last) SELECT 'invoice-2024', count(*) FROM billing_invoice")
        run(event.format(data=built), [timezone.now(), by.pk, by.get_full_name(), TODAY])


def tell(cursor: Any, by: User) -> None:
    """The messages about credits that were used: their words are known beforehand, but for whom and what they name."""
    cursor.execute(
        "INSERT INTO messaging_outgoingmessage (key, kind, language, customer_id, staff_id, complaint_id, recipient,"
        " subject, body, template_id, queued_by_id, queued_at)"
        " SELECT 'credit_applied:' || a.id, 'credit_applied', k.language, k.id, NULL, NULL, '',"
        " replace(replace(replace(%s, '<invoice>', i.number), '<subscription>', s.number), '<name>', k.name),"
        " replace(replace(replace(%s, '<invoice>', i.number), '<subscription>', s.number), '<name>', k.name),"
        " %s, %s, %s"
        " FROM billing_creditapplication a JOIN billing_invoice i ON i.id = a.invoice_id"
        " JOIN billing_credit c ON c.id = a.credit_id JOIN billing_subscription s ON s.id = c.subscription_id"
        " JOIN accounts_customer k ON k.id = i.customer_id WHERE a.applied_on = %s ORDER BY a.id",
        [*words(), by.pk, timezone.now(), TODAY],
    )
    cursor.execute(
        "INSERT INTO messaging_delivery (message_id, state, tries, next_attempt_at, sent_at, note)"
        " SELECT id, 'no_address', 0, NULL, NULL, 'There was no e-mail address on file.'"
        " FROM messaging_outgoingmessage ORDER BY id"
    )
    history(cursor, Delivery, "+", "true", [], by)


@cache
def words() -> tuple[str, str, int | None]:
    """Subject and body of the message about a credit, with marks for what differs, and their template's key."""
    with transaction.atomic():
        product()
        message = OutgoingMessage.objects.earliest("pk")
        use = CreditApplication.objects.select_related("invoice__customer", "credit__subscription").earliest("pk")
        transaction.set_rollback(True)
    marks = {
        use.invoice.number: "<invoice>", use.credit.subscription.number: "<subscription>",
        use.invoice.customer.name: "<name>",
    }  # fmt: skip
    subject, body = message.subject, message.body
    for value, mark in marks.items():
        subject, body = subject.replace(value, mark), body.replace(value, mark)
    return subject, body, message.template_id


def history(
    cursor: Any, model: type[models.Model], kind: str, where: str, params: list[Any], by: User, reason: str = ""
) -> None:
    """The history rows of the model's rows that fit."""
    names = [str(field.column) for field in model._meta.concrete_fields]
    columns = ", ".join(names)
    cursor.execute(
        f"INSERT INTO {model.history.model._meta.db_table} ({columns}, history_date, history_type,"  # type: ignore[attr-defined]  # noqa: S608
        " history_change_reason, history_user_id, history_actor_name, history_request_id, history_source)"
        f" SELECT {columns}, %s, %s, %s, %s, %s, 'bench', 'command' FROM {model._meta.db_table} WHERE {where}",
        [timezone.now(), kind, reason, by.pk, by.get_full_name(), *params],
    )


def row_by_row(some: int = ROW_BY_ROW) -> None:
    """One transaction a subscription and ``save()`` for every row."""
    bill_row_by_row(TODAY, by=User.objects.system(), at_most=some)


def what_it_leaves(way: Callable[[], None]) -> State:
    """Every row after it, sorted: a batch writes table by table, and the ways in different batches."""
    with transaction.atomic():
        way()
        state = {name: sorted(rows) for name, rows in end_state().items()}
        transaction.set_rollback(True)
    return state


def require_the_same_work() -> None:
    """Raises: the hand-written SQL leaves other rows than the run, so that a ratio would say nothing."""
    run, sql = what_it_leaves(product), what_it_leaves(by_sql)
    for name, rows in run.items():
        if rows != sql[name]:
            differing = next((pair for pair in zip(rows, sql[name], strict=False) if pair[0] != pair[1]), None)
            raise SystemExit(f"{name}: the run leaves {len(rows)} rows, the SQL {len(sql[name])}; {differing}")


# --- Taking turns -------------------------------------------------------------------------------


def timed(way: Callable[[], None]) -> float:
    with transaction.atomic():
        start = time.perf_counter()
        way()
        # What a commit would do before it: the keys are checked then.
        connection.check_constraints()
        took = time.perf_counter() - start
        transaction.set_rollback(True)
    if connection.vendor == "postgresql":
        # What was rolled back would slow down whoever comes next.
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")
    return took


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument("--small", action="store_true", help="a tenth of the size, for a quick look")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    size = DUE_SMALL if options.small or connection.vendor == "sqlite" else DUE
    call_command("migrate", verbosity=0)
    fill(size)
    # The words are read off a run, and so before there is anything else to run.
    words()
    require_the_same_work()
    taken: dict[str, list[float]] = {"product": [], "hand-written SQL": [], "row by row": []}
    for _ in range(options.rounds):
        taken["product"].append(timed(product))
        taken["hand-written SQL"].append(timed(by_sql))
    taken["row by row"].append(timed(row_by_row) * size / ROW_BY_ROW)
    medians = {name: statistics.median(times) for name, times in taken.items()}
    results = []
    for name, (how, target) in TARGETS.items():
        ratio = medians["product"] / medians[name] if how == "at most" else medians[name] / medians["product"]
        results.append(
            {
                "what": f"billing run, {size} due",
                "database": connection.vendor,
                "yardstick": name,
                "median_ms": round(medians["product"] * 1000, 1),
                "yardstick_ms": round(medians[name] * 1000, 1),
                "ratio": round(ratio, 2),
                "target": f"{how} {target:g}x",
                "met": ratio <= target if how == "at most" else ratio >= target,
            }
        )
    show(results)
    place = ROOT / "var" / f"bench-billing-run-{connection.vendor}.json"
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def show(results: list[dict[str, Any]]) -> None:
    heads = ("what", "yardstick", "median_ms", "yardstick_ms", "ratio", "target", "met")
    rows = [heads, *([str(result[head]) for head in heads] for result in results)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(heads))]
    for row in rows:
        sys.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n")


if __name__ == "__main__":
    main()
