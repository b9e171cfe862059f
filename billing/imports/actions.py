"""Writing a file of customers with their subscriptions, first periods and invoices: one action for it all."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from accounts.customers.models import Customer
from accounts.imports.frame import Import
from accounts.numbers.models import next_numbers
from accounts.staff.permissions import May
from audit.bulk import CHUNK, create_tracked
from billing.imports.preparing import Ready, prepare
from billing.invoices.issuing import build_invoice, build_line, take_numbers
from billing.invoices.models import Invoice, InvoiceLine
from billing.subscriptions.actions import SUBSCRIPTION_SERIES, build_period, subscription_number
from billing.subscriptions.models import BillingPeriod, Subscription
from billing.vocabulary import BillingVerb
from core.text import say


def _write(ready: Sequence[Ready], *, reason: str) -> None:
    create_tracked(Customer, [made.customer for made in ready], reason=reason)
    numbers = next_numbers(SUBSCRIPTION_SERIES, len(ready))
    for made, n in zip(ready, numbers, strict=True):
        made.subscription.number = subscription_number(n)
        made.subscription.customer_id = made.customer.pk
    create_tracked(Subscription, [made.subscription for made in ready], reason=reason)
    periods = [build_period(made.subscription, made.sequence, price=made.price, costs=made.costs) for made in ready]
    create_tracked(BillingPeriod, periods, reason=reason)
    day, numbers_taken = take_numbers(len(periods), on=timezone.localdate())
    invoices = [
        build_invoice(period, on=day, number=number) for period, number in zip(periods, numbers_taken, strict=True)
    ]
    create_tracked(Invoice, invoices, reason=reason)
    InvoiceLine.objects.bulk_create([build_line(invoice) for invoice in invoices], batch_size=CHUNK)


#: Customers that are not here yet, each with a subscription taken over on the day: its first period here is the one
#: that contains the day, and its invoice is issued. A row that is here with the same content is known and left alone.
#: Numbers of subscriptions and invoices follow the file's order.
CUSTOMERS = Import(
    verb=BillingVerb.CUSTOMERS_IMPORT,
    model=Customer,
    rights=(May.IMPORT,),
    prepare=prepare,
    write=_write,
    concurrent=lambda: say(
        "Somebody has added one of these customers at the same moment. Nothing was imported: run it again."
    ),
)
