"""What the home page shows of money: the work of billing clerks, and what of it waits for a manager."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.admin.home import register_besides
from accounts.amounts import money_text
from accounts.models import User
from accounts.panels import day, link
from accounts.permissions import May
from audit.backoffice import Panel, number, register_home_panel, sub
from audit.words import say, say_count
from billing.models import BankLine, Credit, LeftoverPayout, Payout
from billing.panels import TABLE, payout_pill

SHOWN = 8


def unmatched_bank_lines(request: HttpRequest) -> Panel | None:
    """Money that came in and that nobody has laid to an invoice, the oldest first."""
    user: User = request.user  # type: ignore[assignment]
    if not user.may(May.HANDLE_MONEY):
        return None
    found = list(BankLine.objects.filter(state=BankLine.State.UNMATCHED).order_by("booked_on", "pk")[:SHOWN])
    rows = [
        (
            format_html("{}{}", link(line, line.payer or say("somebody")), sub(line.why or line.text)),
            day(line.booked_on),
            number(money_text(line.amount, line.currency)),
        )
        for line in found
    ]
    return Panel(
        say("Bank lines that match no invoice"),
        TABLE,
        {
            "headings": [say("From, and what is in the way"), say("Booked"), (say("Amount"), "n")],
            "rows": rows,
            "empty": say("Every line of the bank’s statements is laid to an invoice or set aside."),
        },
        note=say("all that match none"),
        url=f"{reverse('admin:billing_bankline_changelist')}?state__exact=unmatched",
    )


def payouts_to_make(request: HttpRequest) -> Panel | None:
    """Payouts that the bank has to be told of, those that failed on top."""
    user: User = request.user  # type: ignore[assignment]
    if not user.may(May.HANDLE_MONEY):
        return None
    failed_first = Case(When(state=Payout.State.FAILED, then=Value(0)), default=Value(1), output_field=IntegerField())
    open_ones = Payout.objects.filter(state__in=(Payout.State.PENDING, Payout.State.FAILED))
    found = list(open_ones.select_related("customer").order_by(failed_first, "requested_on", "pk")[:SHOWN])
    rows = [
        (
            format_html("{}{}", link(payout, payout.customer.name), sub(payout.reason)),
            format_html("{}{}", payout_pill(payout), sub(payout.failure or day(payout.requested_on))),
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


def leftover_credits(request: HttpRequest) -> Panel | None:
    """What ended subscriptions left of their credits and nobody has proposed to pay out."""
    user: User = request.user  # type: ignore[assignment]
    if not user.may(May.HANDLE_MONEY):
        return None
    waiting = LeftoverPayout.objects.filter(state=LeftoverPayout.State.PROPOSED).values("credit")
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


def _leftovers_to_approve(user: User) -> Any:
    if not user.may(May.APPROVE_LEFTOVER):
        return None
    return LeftoverPayout.objects.filter(state=LeftoverPayout.State.PROPOSED).exclude(proposed_by=user)


register_besides(
    "leftovers",
    _leftovers_to_approve,
    lambda count: say_count(
        "{count} payout of leftover credit to approve", "{count} payouts of leftover credit to approve", count
    ),
    lambda: f"{reverse('admin:billing_leftoverpayout_changelist')}?state__exact=proposed",
)
register_home_panel(unmatched_bank_lines, order=13)
register_home_panel(payouts_to_make, order=14)
register_home_panel(leftover_credits, order=15)
