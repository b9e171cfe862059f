"""Prepayments on the pages of subscriptions and customers."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join

from accounts.customers.models import Customer
from accounts.customers.panels import customer_page
from audit.models import Event, EventQuerySet
from backoffice.amounts import money
from backoffice.display import sub
from backoffice.links import day, link
from backoffice.panels import Panel
from backoffice.tables import TABLE
from billing.payments.models import Payment
from billing.payments.prepayments.models import Prepayment
from billing.subscriptions.models import Subscription
from billing.subscriptions.panels import NEWEST, subscription_page
from billing.vocabulary import BillingVerb
from core.amounts import money_text
from core.text import Text, join, say


def events_of(prepayment: Prepayment) -> EventQuerySet:
    """What was done to it; that it was recorded is told of its subscription."""
    recorded = Event.objects.about(prepayment.subscription).filter(
        verb=BillingVerb.PREPAYMENT_RECORD, data__prepayment=prepayment.pk
    )
    return Event.objects.about(prepayment) | recorded


def events_of_prepayments(subscription: Subscription) -> EventQuerySet:
    """What was done to the subscription's prepayments since they were recorded."""
    return Event.objects.filter(
        target_type=Prepayment._meta.label_lower,
        target_id__in=Prepayment.objects.filter(subscription=subscription).values("pk"),
    )


def parts_in_words(prepayment: Prepayment) -> Text:
    """What became of it, part by part."""
    unit = prepayment.currency
    said = []
    if prepayment.applied:
        said.append(say("{amount} used", amount=money_text(prepayment.applied, unit)))
    if prepayment.taken_off:
        said.append(say("{amount} taken off", amount=money_text(prepayment.taken_off, unit)))
    if prepayment.credited:
        said.append(say("{amount} made a credit", amount=money_text(prepayment.credited, unit)))
    if prepayment.remaining:
        said.append(say("{amount} waits", amount=money_text(prepayment.remaining, unit)))
    return join(", ", said)


def _prepayments_panel(rows: QuerySet[Prepayment]) -> Panel | None:
    """The newest, each with where it went; none where nothing was ever paid before its invoice."""
    uses = Prefetch("payments", Payment.objects.filter(unbooking=None).select_related("invoice"))
    found = list(rows.order_by("-received_on", "-pk").prefetch_related(uses)[:NEWEST])
    if not found:
        return None
    cells = [
        (
            link(prepayment, day(prepayment.received_on)),
            format_html("{}{}", prepayment.reference, sub(_went(prepayment.payments.all()))),
            money(prepayment.amount, prepayment.currency, parts_in_words(prepayment)),
        )
        for prepayment in found
    ]
    headings = [say("Received"), say("Reference, and where it went"), (say("Amount"), "n")]
    return Panel(say("Prepayments"), TABLE, {"headings": headings, "rows": cells}, side="right")


def _went(payments: Iterable[Payment]) -> Text:
    used = [(link(payment.invoice), money_text(payment.amount, payment.invoice.currency)) for payment in payments]
    return format_html_join(", ", "{}: {}", used)


@subscription_page.panel(order=20)
def prepayments_of_subscription(request: HttpRequest, subscription: Subscription) -> Panel | None:
    return _prepayments_panel(subscription.prepayments.all())


@customer_page.panel(order=25)
def prepayments_of_customer(request: HttpRequest, customer: Customer) -> Panel | None:
    return _prepayments_panel(Prepayment.objects.filter(subscription__customer=customer))
