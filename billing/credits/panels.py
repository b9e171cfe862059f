"""Credits, minutes and days given, on cards."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.html import format_html, format_html_join

from backoffice.amounts import money
from backoffice.display import sub
from backoffice.links import day, link
from backoffice.panels import Panel
from backoffice.tables import TABLE
from billing.credits.models import Credit
from billing.payouts.panels import payout_pill
from billing.subscriptions.models import Subscription
from core.amounts import money_text
from core.text import say, say_count


def credits_panel(credits: Iterable[Credit]) -> Panel:
    """Credits with what is left of each and where the rest went. Expects ``applications__invoice``."""
    rows = []
    for credit in credits:
        uses = [
            (link(use.invoice, use.invoice.number), money_text(use.amount, credit.currency))
            for use in credit.applications.all()
        ]
        went = format_html_join(", ", "{}: {}", uses) if uses else say("waits for the next invoice")
        left = say("used up")
        if credit.remaining:
            left = say("{amount} left", amount=money_text(credit.remaining, credit.currency))
        rows.append(
            (
                link(credit, day(credit.granted_on)),
                format_html("{}{}", credit.reason, sub(went)),
                money(credit.granted, credit.currency, left),
            )
        )
    headings = [say("Granted"), say("Why, and where it went"), (say("Amount"), "n")]
    return Panel(
        say("Credits"), TABLE, {"headings": headings, "rows": rows, "empty": say("No credit was given.")}, side="right"
    )


def given_panel(subscription: Subscription) -> Panel:
    """Minutes, days and cash that were given on a subscription."""
    minutes = [
        (grant.granted_on, say_count("{count} minute", "{count} minutes", grant.minutes), grant.reason, grant.period)
        for grant in subscription.minutes_grants.select_related("period")
    ]
    days = [
        (given.granted_on, say_count("{count} day", "{count} days", given.days), given.reason, given.period)
        for given in subscription.extensions.select_related("period")
    ]
    cash = [
        (
            payout.requested_on,
            link(payout, money_text(payout.amount, payout.currency)),
            payout.reason,
            payout_pill(payout),
        )
        for payout in subscription.payouts.select_related("customer")
    ]
    newest_first = sorted([*minutes, *days, *cash], key=lambda row: row[0], reverse=True)
    rows = [(day(on), *rest) for on, *rest in newest_first]
    headings = [say("On"), say("What"), say("Why"), say("Period or state")]
    context = {"headings": headings, "rows": rows, "empty": say("No minutes, days or cash were given.")}
    return Panel(say("Minutes, days and cash"), TABLE, context, side="right")
