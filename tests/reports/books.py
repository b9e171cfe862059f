"""A company whose books have something of everything, each thing with where it came from; and writing past the product,
as somebody at the database's console would.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, models
from django.utils import timezone

from accounts.staff.models import User
from audit.ledger_checks import run_checks
from audit.tracked import TrackedModel
from audit.versions import record_versions
from billing.invoices.models import Invoice
from billing.payments.disputes.actions import record_chargeback
from billing.payments.models import Payment
from billing.runs.actions import run_billing
from billing.subscriptions.cancellations.actions import cancel_subscription
from billing.subscriptions.models import Subscription
from complaints.refunds.models import Refund
from complaints.reversals.actions import approve_reversal, propose_reversal
from core.sql import primary_key
from hardware.purchases.actions import pay_instalment
from hardware.purchases.models import Purchase
from reports.management.commands.check_ledger import CHECKS
from tests import factories
from tests.company_life import clock_on
from tests.complaints.cases import Desk, decided, propose, settled

ONE = 10_000  # of a money column


@dataclass
class Company:
    """Rows of every kind: the names say what a test takes them for.

    ``running`` has a used credit and a longer first period, ``ended`` left a credit, ``plain`` has usage, a charge on
    an invoice and a chargeback; ``waiting`` owes a charge that no invoice asks for.
    """

    running: Subscription
    ended: Subscription
    plain: Subscription
    waiting: Subscription
    refund: Refund
    reversed: Refund
    proposed: Refund
    purchase: Purchase


def a_company() -> Company:
    factories.approval_limits()
    desk = Desk()
    operation = factories.OperationCostFactory.create().operation
    start = factories.months_ago(4)
    running, ended, plain, waiting = (factories.open_subscription(activated_on=start) for _ in range(4))
    surplus = {running: "75.00", ended: "100.00", plain: "12.20", waiting: "1.00"}
    # A line of the bank is of the day before.
    with clock_on(start + timedelta(days=1)):
        for subscription, amount in surplus.items():
            overpaid(subscription, Decimal(amount))
    factories.usage(plain, seconds=95)
    factories.usage(plain, seconds=25)
    factories.usage(plain, operation=operation.code, quantity=Decimal("1.5"))
    with clock_on(start + timedelta(days=9)):
        longer = {"special_amount": Decimal("6.00"), "remedies": [{"kind": "extension"}]}
        settled(desk, decided(desk, subscription=running, received_at=timezone.now()), "special", **longer)
    cancel_subscription(
        ended.pk, by=desk.lead, channel="phone", requested_on=factories.months_ago(3) + timedelta(days=3)
    )
    # The second invoice uses what was paid too much of the first, and the bank takes that back.
    run_billing(factories.months_ago(3), by=factories.system_user())
    taken_back(plain, desk)
    for months in (2, 1, 0):
        run_billing(factories.months_ago(months), by=factories.system_user())
    taken_back(waiting, desk)
    running_customer = {"customer": running.customer, "plan": running.plan}
    other = factories.paid_subscription(activated_on=factories.days_ago(10), **running_customer)
    invoice = Invoice.objects.filter(period__subscription=plain).order_by("issued_on")[1]
    factories.pay(invoice)
    record_chargeback(
        Payment.objects.get(invoice=invoice).pk, by=desk.clerk, taken_back_on=factories.today(), reason="Disputed"
    )
    case = decided(desk, subscription=other, received_at=timezone.now())
    refund = settled(desk, case, remedies=[{"kind": "credit", "amount": "2.00"}, {"kind": "cash"}])
    back = settled(
        desk,
        decided(desk, subscription=opened_now(), received_at=timezone.now()),
        remedies=[{"kind": "credit", "amount": "2.00"}, {"kind": "minutes"}],
    )
    reversal = propose_reversal(back.pk, by=desk.agent, reason="The wrong customer")
    approve_reversal(reversal.pk, by=desk.director, charge_used=False)
    proposed = propose(desk, decided(desk, subscription=opened_now(), received_at=timezone.now()))
    purchase = factories.phone_purchase(instalments=3)
    pay_instalment(purchase.instalments.order_by("sequence")[0].pk, by=desk.clerk, paid_on=factories.days_ago(2))
    for row in (running, ended, plain, waiting, refund, back, proposed, purchase):
        row.refresh_from_db()
    return Company(running, ended, plain, waiting, refund, back, proposed, purchase)


def opened_now() -> Subscription:
    return factories.paid_subscription(activated_on=factories.days_ago(10))


def overpaid(subscription: Subscription, surplus: Decimal) -> Payment:
    """The current period's invoice is paid, and the surplus is a credit."""
    invoice = Invoice.objects.get(period=subscription.current_period())
    return factories.overpay(invoice, f"{invoice.due + surplus:f}")


def taken_back(subscription: Subscription, desk: Desk) -> None:
    """The bank takes the first payment back: what was used of its surplus is a charge."""
    payment = Payment.objects.filter(invoice__period__subscription=subscription).order_by("pk")[0]
    record_chargeback(payment.pk, by=desk.clerk, taken_back_on=factories.today(), reason="No mandate")


# --- Looking ------------------------------------------------------------------------------------


def breaches() -> list[tuple[str, str]]:
    return [(breach.rule, breach.row) for breach in run_checks(CHECKS)]


def rules() -> set[str]:
    return {rule for rule, _ in breaches()}


# --- Writing past the product -------------------------------------------------------------------


def set_raw(row: models.Model, **columns: Any) -> None:
    """Write past models and actions, as whoever knows that there is a history: all of it is changed too."""
    alter_raw(row, **columns)
    if isinstance(row, TrackedModel | User):
        _write(row.history.model._meta.db_table, row, columns)


def alter_raw(row: models.Model, **columns: Any) -> None:
    """Write past models, history and actions."""
    assert _write(row._meta.db_table, row, columns) == 1


def _write(table: str, row: models.Model, columns: dict[str, Any]) -> int:
    assert row.pk is not None
    sets = ", ".join(f'"{name}" = %s' for name in columns)
    key = primary_key(type(row)).column
    with connection.cursor() as cursor:
        cursor.execute(f'UPDATE "{table}" SET {sets} WHERE "{key}" = %s', [*columns.values(), row.pk])  # noqa: S608
        found: int = cursor.rowcount
        return found


def delete_raw(row: models.Model, *, forged: bool = True) -> None:
    tables = [row._meta.db_table]
    if forged and isinstance(row, TrackedModel | User):
        tables.append(row.history.model._meta.db_table)
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'DELETE FROM "{table}" WHERE "{row._meta.pk.column}" = %s', [row.pk])  # noqa: S608


def double_raw(row: models.Model, *, forged: bool = True, **columns: Any) -> Any:
    """Insert a copy of the row, with some columns of its own; returns the copy."""
    twin = type(row)._base_manager.get(pk=row.pk)
    twin.pk = None
    for name, value in columns.items():
        setattr(twin, name, value)
    models.QuerySet.bulk_create(type(row)._base_manager.all(), [twin])
    if forged and isinstance(row, TrackedModel | User):
        record_versions(type(row), [twin.pk], "+", "")
    return twin


def raw(amount: Decimal) -> int:
    return int(amount * ONE)
