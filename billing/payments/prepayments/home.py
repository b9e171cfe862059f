"""The home page's card of money that was paid for invoices which never came, and what of it waits for a manager."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.html import format_html

from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.badges import register_besides
from backoffice.display import number, sub
from backoffice.links import day, link
from backoffice.panels import Panel, register_home_panels
from backoffice.requests import StaffRequest
from backoffice.tables import TABLE
from billing.payments.home import SHOWN
from billing.payments.prepayments.models import Prepayment
from core.amounts import money_text
from core.text import say, say_count


def prepayments_left(request: StaffRequest) -> Panel | None:
    """What ended subscriptions left of their prepayments, until it is a credit or taken off."""
    if not request.user.may(May.HANDLE_MONEY):
        return None
    left = Prepayment.objects.left_by_ended_subscriptions().select_related("subscription__customer", "bank_line")
    found = list(left.order_by("received_on", "pk")[:SHOWN])
    if not found:
        return None
    rows = [
        (
            format_html(
                "{}{}{}",
                link(prepayment, prepayment.subscription.customer.name),
                sub(prepayment.subscription.number),
                sub("" if prepayment.is_proved else say("no line of the bank: a manager makes it a credit")),
            ),
            day(prepayment.subscription.ended_on),
            number(money_text(prepayment.remaining, prepayment.currency)),
        )
        for prepayment in found
    ]
    return Panel(
        say("Prepayments that no invoice will use"),
        TABLE,
        {"headings": [say("Customer"), say("Service ended"), (say("Waits"), "n")], "rows": rows},
        note=say("all of them"),
        url=_url(),
    )


def _url() -> str:
    return f"{reverse('admin:billing_prepayment_changelist')}?waits=ended"


def _to_credit(user: User) -> Any:
    if not user.may(May.APPROVE_SURPLUS):
        return None
    left = Prepayment.objects.left_by_ended_subscriptions().filter(bank_line=None)
    return left.exclude(recorded_by=user)


register_besides(
    "prepayments",
    _to_credit,
    lambda count: say_count(
        "{count} prepayment of an ended subscription to make a credit",
        "{count} prepayments of ended subscriptions to make a credit",
        count,
    ),
    _url,
)


register_home_panels(prepayments_left)
