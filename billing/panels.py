"""Cards about subscriptions and money, shared by the pages of billing and those of apps that know it.

Another app adds cards to the page of a subscription or a period as to a customer's (``accounts.panels``)::

    @subscription_page.panel(order=40)
    def complaints_about(request: HttpRequest, subscription: Subscription) -> Panel | None: ...
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.amounts import money, money_text
from accounts.fields import amount_text
from accounts.panels import PagePanels, day, link, page_url
from audit.backoffice import Panel, number, pill, sub
from audit.words import Text, Words, say, say_count
from billing.giving import refundable_of
from billing.models import BillingPeriod, Credit, Invoice, Payout, Subscription
from billing.models.usage import UsageDay, UsageKind

subscription_page: PagePanels[Subscription] = PagePanels()
period_page: PagePanels[BillingPeriod] = PagePanels()

TABLE = "backoffice/panels/table.html"


# --- Statuses -----------------------------------------------------------------------------------


def subscription_pill(subscription: Subscription) -> SafeString:
    tones: dict[str, Any] = {"active": "good", "cancelled": "warn", "ended": "mute"}
    short = say("Cancelled") if subscription.state == Subscription.State.CANCELLED else ""
    return pill(short or subscription.get_state_display(), tones[subscription.state])


def period_pill(period: BillingPeriod) -> SafeString:
    return pill(period.get_state_display(), "info" if period.state == BillingPeriod.State.OPEN else "mute")


def invoice_pill(invoice: Invoice) -> SafeString:
    tones: dict[str, Any] = {"issued": "info", "paid": "good", "overdue": "bad"}
    return pill(invoice.get_state_display(), tones[invoice.state])


def dispute_pill(invoice: Invoice) -> SafeString:
    return pill(say("In dispute"), "warn") if invoice.disputed_on is not None else SafeString("")


def sums_in_words(amounts: Iterable[tuple[str, Decimal]]) -> str:
    """Amounts with their currency, summed by currency: "12.00 EUR, 5.00 USD"."""
    sums: dict[str, Decimal] = {}
    for currency, amount in amounts:
        sums[currency] = sums.get(currency, Decimal(0)) + amount
    return ", ".join(money_text(amount, currency) for currency, amount in sorted(sums.items()))


def payout_pill(payout: Payout) -> SafeString:
    tones: dict[str, Any] = {
        "pending": "warn",
        "paid": "good",
        "failed": "bad",
        "credited": "mute",
        "cancelled": "mute",
    }
    return pill(payout.get_state_display(), tones[payout.state])


# --- A period to scale --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PeriodBar:
    """A period from its first day to its last, extension included, in thousandths of its length."""

    period: BillingPeriod
    provided: int
    own: int
    today: date

    @property
    def last_own_day(self) -> date:
        return self.period.ends_on - timedelta(days=1)

    @property
    def last_day(self) -> date:
        return self.period.closes_on - timedelta(days=1)

    @property
    def days_left(self) -> int:
        return max(0, (self.period.closes_on - max(self.today, self.period.starts_on)).days)

    @property
    def extension_width(self) -> int:
        return 1000 - self.own

    @property
    def in_words(self) -> str:
        first, last, days = self.period.starts_on, self.last_own_day, self.period.days
        if not self.period.extension_days:
            return say(
                "{first} to {last}, {days}; {left}",
                first=first,
                last=last,
                days=say_count("{count} day", "{count} days", days),
                left=say_count("{count} day left", "{count} days left", self.days_left),
            )
        return say(
            "{first} to {last}, {days}, and {given} until {end}; {left}",
            first=first,
            last=last,
            days=say_count("{count} day", "{count} days", days),
            given=_days_given(self.period.extension_days),
            end=self.last_day,
            left=say_count("{count} day left", "{count} days left", self.days_left),
        )


def period_bar(period: BillingPeriod, *, today: date | None = None) -> PeriodBar:
    """How much of the period is over at the day's beginning, and how much of it was given as an extension."""
    day = today or timezone.localdate()
    whole = (period.closes_on - period.starts_on).days
    gone = min(max((day - period.starts_on).days, 0), whole)
    return PeriodBar(period, provided=1000 * gone // whole, own=1000 * period.days // whole, today=day)


def period_bar_cell(period: BillingPeriod) -> SafeString:
    """The bar alone, small, for a table's cell."""
    return render_to_string("billing/period_bar.html", {"bar": period_bar(period), "small": True})


# --- Cards --------------------------------------------------------------------------------------


def period_panel(period: BillingPeriod, title: Text, *, linked: bool = False) -> Panel:
    """A period drawn to scale, with what it includes."""
    return Panel(
        title,
        "billing/panels/period.html",
        {"bar": period_bar(period), "period": period},
        side="top",
        note=say("its page") if linked else "",
        url=page_url(period) if linked else "",
    )


def periods_panel(periods: Iterable[BillingPeriod]) -> Panel:
    rows = [
        (
            format_html(
                "{}{}{}",
                link(period, day(period.starts_on)),
                sub(say("to {day}", day=period.closes_on - timedelta(days=1))),
                sub(_days_given(period.extension_days) if period.extension_days else ""),
            ),
            period_bar_cell(period),
            period_pill(period),
            money(
                period.fee,
                period.currency,
                say("{amount} refunded", amount=money_text(period.refunded, period.currency))
                if period.refunded
                else "",
            ),
        )
        for period in periods
    ]
    headings = [say("From, to"), say("To scale"), say("State"), (say("Fee"), "n")]
    return Panel(say("Periods"), TABLE, {"headings": headings, "rows": rows})


def _days_given(days: int) -> Words:
    return say_count("{count} day given", "{count} days given", days)


def invoices_panel(invoices: Sequence[Invoice], *, note: Text = "", url: str = "") -> Panel:
    """Invoices with what is due, paid and covered by credits."""
    rows = [
        (
            format_html("{}{}", link(invoice), sub(day(invoice.issued_on))),
            invoice_pill(invoice),
            format_html("{}{}", money(invoice.gross, invoice.currency), _covered(invoice)),
            money(invoice.due, invoice.currency),
        )
        for invoice in invoices
    ]
    headings = [say("Number, issued"), say("State"), (say("Gross"), "n"), (say("Due"), "n")]
    context = {"headings": headings, "rows": rows, "empty": say("No invoice yet.")}
    return Panel(say("Invoices"), TABLE, context, note=note, url=url)


def _covered(invoice: Invoice) -> SafeString:
    """What bears of the invoice, a line each: tables stand in half a page."""
    lines = []
    if invoice.credited:
        lines.append(say("{amount} by credit", amount=money_text(invoice.credited, invoice.currency)))
    if invoice.paid:
        lines.append(say("{amount} paid", amount=money_text(invoice.paid, invoice.currency)))
    return format_html_join("", "{}", ((sub(line),) for line in lines))


def credits_panel(credits: Iterable[Credit]) -> Panel:
    """Credits with what is left of each and where the rest went. Expects ``applications__invoice``."""
    rows = []
    for credit in credits:
        used = [
            render_to_string("billing/credit_use.html", {"use": use, "currency": credit.currency}).strip()
            for use in credit.applications.all()
        ]
        went = SafeString(", ".join(used)) if used else say("waits for the next invoice")
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


def period_money_panel(period: BillingPeriod) -> Panel:
    """What was paid for a period, what was given back, and what could still be."""
    unit = period.currency
    fields = [
        (say("Fee"), money_text(period.fee, unit)),
        (say("Paid for it"), money_text(period.fee_paid, unit)),
        (say("Refunded"), money_text(period.refunded, unit)),
        (say("Proposed, pending"), money_text(period.pending, unit)),
        (say("Still refundable"), money_text(refundable_of(period), unit)),
    ]
    return Panel(say("Money"), "backoffice/panels/fields.html", {"fields": fields}, side="right")


def terms_panel(period: BillingPeriod) -> Panel:
    """What was copied onto the period when it began, and never changes."""
    unit = period.currency
    fields: list[tuple[str, object]] = [
        (say("Plan"), period.plan.name),
        (say("Term"), period.get_term_display()),
        (say("Fee, gross"), money_text(period.fee, unit)),
        (say("Tax rate"), say("{rate} %", rate=number_format(period.tax_rate))),
        (say("Included minutes"), period.included_minutes),
        (say("Cost of a minute"), amount_text(period.minute_cost, unit)),
    ]
    fields += [
        (cost["name"], say("{amount} a use", amount=amount_text(Decimal(cost["unit_cost"]), unit)))
        for cost in period.operation_costs
    ]
    return Panel(
        say("Terms"),
        "backoffice/panels/fields.html",
        {"fields": fields},
        side="right",
        note=say("fixed when the period began"),
    )


@dataclass(frozen=True, slots=True)
class DayOfUse:
    """One day on the chart of a period's calls: place in thousandths of the width, height in hundredths."""

    day: date
    seconds: int
    x: int
    width: int
    height: int

    @property
    def y(self) -> int:
        return 100 - self.height


def usage_panel(period: BillingPeriod) -> Panel:
    """What was used of a period: sums against the allowance, a small chart of calls, the days as a table."""
    days = list(period.usage_days.order_by("local_day", "kind", "operation"))
    calls: dict[date, int] = {}
    for row in days:
        if row.kind == UsageKind.CALL:
            calls[row.local_day] = calls.get(row.local_day, 0) + row.seconds
    whole = (period.closes_on - period.starts_on).days
    most = max(calls.values(), default=0)
    chart = [
        DayOfUse(
            day,
            seconds,
            x=1000 * (day - period.starts_on).days // whole,
            width=max(1, 1000 // whole - 2),
            height=max(1, 100 * seconds // most),
        )
        for day, seconds in sorted(calls.items())
        if most
    ]
    names = {cost["code"]: cost["name"] for cost in period.operation_costs}
    return Panel(
        say("Usage"),
        "billing/panels/usage.html",
        {
            "minutes": _minutes(sum(calls.values())),
            "allowance": period.included_minutes + granted_minutes(period),
            "operations": operation_sums(days, names),
            "chart": chart,
            "most": _minutes(most),
            "headings": [say("Day"), say("What"), (say("Records"), "n"), (say("Used"), "n")],
            "rows": [
                (
                    day(row.local_day),
                    names.get(row.operation, row.operation) or say("Calls"),
                    number(row.records),
                    number(_used(row)),
                )
                for row in days
            ],
        },
        note=say("by local day"),
    )


def granted_minutes(period: BillingPeriod) -> int:
    """Minutes given on top of the period's allowance."""
    return period.minutes_grants.aggregate(total=Sum("minutes"))["total"] or 0


def operation_sums(days: Iterable[UsageDay], names: dict[str, str]) -> list[tuple[str, Decimal]]:
    """Each operation's name and how often it was used."""
    sums: dict[str, Decimal] = {}
    for row in days:
        if row.kind == UsageKind.OPERATION:
            sums[row.operation] = sums.get(row.operation, Decimal(0)) + row.quantity
    return [(names.get(code, code), quantity.normalize()) for code, quantity in sorted(sums.items())]


def _minutes(seconds: int) -> str:
    """Minutes and seconds, as phones show them."""
    return f"{seconds // 60}:{seconds % 60:02d}"


def _used(row: UsageDay) -> str:
    return (
        say("{minutes} min", minutes=_minutes(row.seconds))
        if row.kind == UsageKind.CALL
        else number_format(row.quantity.normalize())
    )
