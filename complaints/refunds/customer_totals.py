"""The strip on top of a customer's page: what they owe us, what we owe them, in five figures.

All are in the customer's currency.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.utils import timezone

from accounts.customers.models import Customer
from accounts.customers.panels import customer_page
from backoffice.panels import Panel
from billing.credits.models import Credit
from billing.invoices.models import BORNE, Invoice
from billing.payouts.models import Payout
from complaints.refunds.models import Refund
from core.amounts import money_text
from core.fields import MoneyField
from core.text import Text, say
from hardware.purchases.models import Purchase

A_YEAR = timedelta(days=365)


def totals_of(customer: Customer) -> dict[str, Decimal | None]:
    """Each total by its name, in the customer's currency; None stands for nothing."""
    since = timezone.now() - A_YEAR
    open_payouts = Payout.objects.filter(state__in=(Payout.State.PENDING, Payout.State.FAILED))
    found: Any = Customer.objects.values(
        total_due=_sum(Invoice.objects.all(), F("gross") - BORNE),
        total_phones=_sum(Purchase.objects.filter(returned_on__isnull=True), F("price") - F("paid")),
        total_payouts=_sum(open_payouts, F("amount")),
        total_credit=_sum(Credit.objects.all(), F("granted") - F("applied") - F("reversed") - F("paid_out")),
        total_refunded=_sum(Refund.objects.filter(state=Refund.State.SETTLED, settled_at__gte=since), F("total")),
    ).get(pk=customer.pk)
    return dict(found)


def _sum(rows: QuerySet[Any], what: Any) -> Subquery:
    theirs = rows.filter(customer=OuterRef("pk"), currency=OuterRef("currency")).order_by().values("customer")
    return Subquery(theirs.annotate(sum_=Sum(what)).values("sum_"), output_field=MoneyField())


@customer_page.panel(order=5)
def totals_panel(request: HttpRequest, customer: Customer) -> Panel:
    """The strip."""
    known = totals_of(customer)
    words: list[tuple[Text, str]] = [
        (say("Owes on invoices"), "total_due"),
        (say("Owes on phones"), "total_phones"),
        (say("To be paid out"), "total_payouts"),
        (say("Credit left"), "total_credit"),
        (say("Refunded in 12 months"), "total_refunded"),
    ]
    figures = [(label, known[name] or Decimal(0)) for label, name in words]
    return Panel(
        say("Totals"),
        "complaints/panels/totals.html",
        {"figures": [(label, money_text(amount, customer.currency), not amount) for label, amount in figures]},
        side="top",
        note=say("in {currency}", currency=customer.currency),
    )
