"""The home page's card of payouts to make."""

from __future__ import annotations

from django.db.models import Case, IntegerField, Value, When
from django.urls import reverse
from django.utils.html import format_html

from accounts.staff.permissions import May
from backoffice.display import number, sub
from backoffice.links import day, link
from backoffice.panels import Panel, register_home_panels
from backoffice.requests import StaffRequest
from backoffice.tables import TABLE
from billing.payments.home import SHOWN
from billing.payouts.models import Payout
from billing.payouts.panels import payout_pill
from billing.payouts.rules import held_obstacle, with_debts
from core.amounts import money_text
from core.text import say


def payouts_to_make(request: StaffRequest) -> Panel | None:
    """Payouts that the bank has to be told of, those that failed on top."""
    user = request.user
    if not user.may(May.HANDLE_MONEY):
        return None
    failed_first = Case(When(state=Payout.State.FAILED, then=Value(0)), default=Value(1), output_field=IntegerField())
    open_ones = Payout.objects.filter(state__in=(Payout.State.PENDING, Payout.State.FAILED))
    found = list(with_debts(open_ones).order_by(failed_first, "requested_on", "pk")[:SHOWN])
    rows = [
        (
            format_html("{}{}", link(payout, payout.customer.name), sub(payout.reason)),
            format_html(
                "{}{}", payout_pill(payout), sub(payout.failure or held_obstacle(payout) or day(payout.requested_on))
            ),
            number(money_text(payout.amount, payout.currency)),
        )
        for payout in found
    ]
    return Panel(
        say("Payouts to make"),
        TABLE,
        {
            "headings": [say("Customer and reason"), say("State"), (say("Amount"), "n")],
            "rows": rows,
            "empty": say("No customer waits for a payout."),
        },
        note=say("all payouts"),
        url=reverse("admin:billing_payout_changelist"),
    )


register_home_panels(payouts_to_make)
