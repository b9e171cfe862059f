"""Which customers owe us what: unpaid invoices, and charges that no invoice asks for. Reads only.

What we owe customers is in ``owed``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.utils.translation import gettext_noop

from accounts.customers.models import Customer
from billing.invoices.models import Charge, Invoice
from billing.money import format_amount
from billing.subscriptions.models import Subscription
from core.amounts import money_text
from core.sheets.formulas import csv_lines
from core.text import Text, join

TO_PAY = "To pay"
OVERDUE = "Overdue"
DISPUTED = "In dispute"
UNASKED = gettext_noop("Charge that no invoice asks for")


@dataclass(frozen=True, slots=True)
class Receivable:
    """One amount that a customer owes us; ``number`` is the invoice's, empty for a charge."""

    customer: Customer
    what: str
    amount: Decimal
    currency: str
    number: str
    due_on: date | None
    reason: str = ""


def unasked_charges() -> QuerySet[Charge]:
    """Charges that still wait though their subscription has ended: no next invoice asks for them."""
    return Charge.objects.filter(invoiced_on__isnull=True, subscription__state=Subscription.State.ENDED)


def receivables() -> Iterator[Receivable]:
    """Everything owed to us: invoices by their due date, then charges, oldest first."""
    for invoice in Invoice.objects.unpaid().select_related("customer").order_by("due_on", "pk").iterator(2000):
        what = OVERDUE if invoice.state == Invoice.State.OVERDUE else TO_PAY
        if invoice.disputed_on is not None:
            what = DISPUTED
        reason = invoice.dispute_reason
        yield Receivable(invoice.customer, what, invoice.due, invoice.currency, invoice.number, invoice.due_on, reason)
    for charge in unasked_charges().select_related("customer").order_by("charged_on", "pk"):
        yield Receivable(charge.customer, UNASKED, charge.amount, charge.currency, "", None, charge.reason)


def write_csv(rows: Iterable[Receivable], stream: Any) -> None:
    """The list as CSV, a header first. No cell of it can be run by a spreadsheet."""
    header = ("customer_number", "customer", "what", "amount", "currency", "invoice", "due_on", "reason")
    cells = (
        (
            row.customer.number, row.customer.name, row.what, format_amount(row.amount, row.currency), row.currency,
            row.number, row.due_on.isoformat() if row.due_on else "", row.reason,
        )
        for row in rows
    )  # fmt: skip
    stream.writelines(csv_lines(header, cells))


def unasked_in_words() -> tuple[int, Text]:
    """How many charges no invoice asks for, and their sums by currency. One query."""
    groups = list(
        unasked_charges().order_by("currency").values_list("currency").annotate(count=Count("pk"), total=Sum("amount"))
    )
    sums = join(", ", (money_text(total, currency) for currency, _, total in groups))
    return sum(count for _, count, _ in groups), sums
