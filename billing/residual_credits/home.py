"""The home page's card of credit left over after a subscription."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html

from accounts.four_eyes.home import register_proposals
from accounts.staff.permissions import May
from backoffice.display import number, sub
from backoffice.links import day, link
from backoffice.panels import Panel, register_home_panels
from backoffice.requests import StaffRequest
from backoffice.tables import TABLE
from billing.credits.models import Credit
from billing.payments.home import SHOWN
from billing.residual_credits.models import ResidualCreditPayout
from core.amounts import money_text
from core.text import say, say_count


def residual_credits_panel(request: StaffRequest) -> Panel | None:
    """What ended subscriptions left of their credits and nobody has proposed to pay out."""
    user = request.user
    if not user.may(May.HANDLE_MONEY):
        return None
    waiting = ResidualCreditPayout.objects.filter(state=ResidualCreditPayout.State.PROPOSED).values("credit")
    left: QuerySet[Any] = Credit.objects.left_by_ended_subscriptions().exclude(pk__in=waiting)
    found = list(left.select_related("customer", "subscription").order_by("granted_on", "pk")[:SHOWN])
    if not found:
        return None
    rows = [
        (
            format_html("{}{}", link(credit, credit.customer.name), sub(credit.subscription.number)),
            day(credit.subscription.ended_on),
            number(money_text(credit.left, credit.currency)),
        )
        for credit in found
    ]
    return Panel(
        say("Credit that no invoice can use any more"),
        TABLE,
        {"headings": [say("Customer"), say("Service ended"), (say("Left"), "n")], "rows": rows},
        note=say("all credits"),
        url=reverse("admin:billing_credit_changelist"),
    )


register_proposals(
    "leftovers",
    ResidualCreditPayout,
    May.APPROVE_LEFTOVER,
    lambda count: say_count(
        "{count} payout of leftover credit to approve", "{count} payouts of leftover credit to approve", count
    ),
)


register_home_panels(residual_credits_panel)
