"""Makes a big office out of a small one: every customer's whole file again and again, by one statement a table.

A copy has its own keys, numbers and customer, and its original's words, amounts and days; staff, plans and policies are
shared. No trigger and no check of foreign keys runs meanwhile where the database lets us skip them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models

from accounts.customers.models import Customer
from audit.models import Event
from billing.credits.models import Credit, CreditApplication
from billing.invoices.models import CreditNote, Invoice, InvoiceLine
from billing.payments.models import Payment
from billing.payouts.models import Payout
from billing.remedies.models import Extension, MinutesGrant
from billing.subscriptions.models import BillingPeriod, Subscription
from complaints.cases.models import Assessment, Complaint, DeadlineBreach, Decision, Message, Note
from complaints.refunds.models import Approval, Contribution, Refund, Remedy
from complaints.reversals.models import Reversal
from messaging.outbox.models import Delivery, OutgoingMessage

#: Copied tables, and how their rows belong to a customer.
OF_CUSTOMER: dict[type[models.Model], str] = {
    Customer: "pk",
    Subscription: "customer",
    BillingPeriod: "subscription__customer",
    Invoice: "customer",
    InvoiceLine: "invoice__customer",
    Credit: "customer",
    Payment: "invoice__customer",
    CreditNote: "customer",
    CreditApplication: "credit__customer",
    MinutesGrant: "period__subscription__customer",
    Extension: "period__subscription__customer",
    Payout: "customer",
    OutgoingMessage: "customer",
    Delivery: "message__customer",
    Complaint: "customer",
    Assessment: "complaint__customer",
    Decision: "complaint__customer",
    Message: "complaint__customer",
    Note: "complaint__customer",
    DeadlineBreach: "complaint__customer",
    Refund: "customer",
    Contribution: "refund__customer",
    Approval: "refund__customer",
    Remedy: "refund__customer",
    Reversal: "refund__customer",
}
#: Of these the history is copied too.
WITH_HISTORY = (Customer, Subscription, BillingPeriod, Complaint, Refund, Reversal)
#: Copies are this far apart: more than any key of the original.
STRIDE = 1_000_000


def clone(customers: Sequence[int], copies: int) -> None:
    """Copy the files of these customers so many times. Every second copy number is left to whoever comes next."""
    labels = [model._meta.label_lower for model in OF_CUSTOMER]
    for model, path in OF_CUSTOMER.items():
        keys = list(model._base_manager.filter(**{f"{path}__in": customers}).values_list("pk", flat=True))
        _copy(model, "id", keys, copies)
        if model in WITH_HISTORY:
            _copy(model.history.model, "id", keys, copies)
    events = Event.objects.filter(customer_id__in=customers, target_type__in=labels)
    _copy(Event, "id", list(events.values_list("pk", flat=True)), copies)


def _copy(model: type[models.Model], key: str, keys: Iterable[int], copies: int) -> None:
    wanted = ", ".join(str(one) for one in keys)
    if not wanted or not copies:
        return
    quote = connection.ops.quote_name
    fields = [field for field in model._meta.concrete_fields if field.name != "history_id"]
    columns = ", ".join(quote(str(field.column)) for field in fields)
    values = ", ".join(_value(field) for field in fields)
    series = (
        "generate_series(CAST(1 AS bigint), %s) AS n(k)"
        if connection.vendor == "postgresql"
        else "(WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < %s) SELECT k FROM n) AS n"
    )
    table = quote(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} AS t CROSS JOIN {series}"  # noqa: S608
            f" WHERE t.{quote(key)} IN ({wanted})",
            [copies],
        )


def _value(field: models.Field[Any, Any]) -> str:
    column = f"t.{connection.ops.quote_name(str(field.column))}"
    moved = f"{column} + n.k * {STRIDE}"
    if field.model is Event and field.name == "id":
        return moved
    if field.name == "id" or (field.is_relation and field.related_model in OF_CUSTOMER):
        return moved
    if field.model is Event and field.name in ("customer_id", "complaint_id", "target_id"):
        return moved
    if isinstance(field, models.CharField) and (field.unique or field.name in ("code", "number", "key")):
        return f"{column} || '-' || n.k"
    if field.name == "fault":
        return f"CASE WHEN {column} = '' THEN '' ELSE {column} || '-' || n.k END"
    if field.is_relation and field.one_to_one:
        return "NULL"
    return column


class WithoutTriggers:
    """Rows go in as they are: what guards them was satisfied by the originals."""

    def __enter__(self) -> None:
        self._set("replica", "OFF")

    def __exit__(self, *problem: object) -> None:
        self._set("origin", "ON")

    @staticmethod
    def _set(role: str, foreign_keys: str) -> None:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(f"SET session_replication_role = {role}")
            else:
                cursor.execute(f"PRAGMA foreign_keys = {foreign_keys}")


def tidy() -> None:
    """What a database does by itself in quiet hours."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)" if connection.vendor == "postgresql" else "ANALYZE")
