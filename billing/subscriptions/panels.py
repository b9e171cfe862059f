"""Cards about subscriptions and money, shared by the pages of billing and those of apps that know it.

Another app adds cards to the page of a subscription or a period as to a customer's (``backoffice.links``)::

    @subscription_page.panel(order=40)
    def complaints_about(request: HttpRequest, subscription: Subscription) -> Panel | None: ...
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Prefetch, Q, QuerySet, Sum
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.customers.models import Customer
from accounts.customers.panels import customer_page
from accounts.staff.permissions import May
from backoffice.amounts import money
from backoffice.display import pill, sub
from backoffice.links import day, link, page_url
from backoffice.panels import PagePanels, Panel
from backoffice.requests import StaffRequest
from backoffice.tables import TABLE
from billing.credits.models import Credit, CreditApplication
from billing.credits.panels import credits_panel
from billing.invoices.models import Invoice
from billing.invoices.panels import invoices_panel
from billing.subscriptions.models import BillingPeriod, Subscription, current_periods
from billing.usage.models import UsageDay, UsageKind
from billing.usage.sparkline import usage_cell
from core.amounts import money_text
from core.fields import amount_text
from core.text import Text, say, say_count

subscription_page: PagePanels[Subscription] = PagePanels()


period_page: PagePanels[BillingPeriod] = PagePanels()


# --- Statuses -----------------------------------------------------------------------------------


def subscription_pill(subscription: Subscription) -> SafeString:
    tones: dict[str, Any] = {"active": "good", "cancelled": "warn", "ended": "mute"}
    short = say("Cancelled") if subscription.state == Subscription.State.CANCELLED else ""
    return pill(short or subscription.get_state_display(), tones[subscription.state])


def period_pill(period: BillingPeriod) -> SafeString:
    return pill(period.get_state_display(), "info" if period.state == BillingPeriod.State.OPEN else "mute")


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
    def in_words(self) -> Text:
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


def _days_given(days: int) -> Text:
    return say_count("{count} day given", "{count} days given", days)


def period_money_panel(period: BillingPeriod) -> Panel:
    """What was paid for a period, what was given back, and what could still be."""
    unit = period.currency
    fields = [
        (say("Fee"), money_text(period.fee, unit)),
        (say("Paid for it"), money_text(period.fee_paid, unit)),
        *([(say("Set off against the unpaid fee"), money_text(period.set_off, unit))] if period.set_off else []),
        (say("Refunded"), money_text(period.refunded, unit)),
        (say("Proposed, pending"), money_text(period.pending, unit)),
        (say("Still refundable"), money_text(period.refundable, unit)),
    ]
    return Panel(say("Money"), "backoffice/panels/fields.html", {"fields": fields}, side="right")


def terms_panel(period: BillingPeriod) -> Panel:
    """What was copied onto the period when it began, and never changes."""
    unit = period.currency
    fields: list[tuple[Text, object]] = [
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


#: How much of a long life the customer's page shows; the lists have all of it.
NEWEST = 12


def last_day_of(period: BillingPeriod) -> date:
    return period.closes_on - timedelta(days=1)


def invoices_of(subscription: Subscription) -> QuerySet[Invoice]:
    """Of its periods, and of its charges alone; by the customer first, which has an index of its own."""
    mine = Q(period__subscription=subscription) | Q(charges_of=subscription)
    return Invoice.objects.filter(mine, customer=subscription.customer_id)


def newest_invoices(rows: QuerySet[Invoice]) -> list[Invoice]:
    return list(rows.order_by("-issued_on", "-pk")[:NEWEST])


def newest_credits(rows: QuerySet[Credit]) -> list[Credit]:
    """The newest, each with where it went."""
    uses = Prefetch("applications", CreditApplication.objects.select_related("invoice"))
    return list(rows.order_by("-granted_on", "-pk").prefetch_related(uses)[:NEWEST])


# --- On the customer's page ---------------------------------------------------------------------


@customer_page.panel(order=10)
def subscriptions_panel(request: StaffRequest, customer: Customer) -> Panel:
    """The customer's subscriptions, the newest first, each with its open period and the calls in it."""
    calls = Prefetch("usage_days", UsageDay.objects.filter(kind=UsageKind.CALL))
    periods = BillingPeriod.objects.annotate(granted=Sum("minutes_grants__minutes")).prefetch_related(calls)
    subscriptions = customer.subscriptions.select_related("plan").prefetch_related(current_periods(rows=periods))
    rows = []
    for subscription in subscriptions.order_by("-activated_on", "-pk"):
        period = subscription.current_period()
        rows.append(
            (
                link(subscription),
                subscription.plan,
                subscription.get_term_display(),
                subscription_pill(subscription),
                period_bar_cell(period) if period else "",
                day(last_day_of(period) if period else subscription.ended_on),
                usage_cell(period) if period else "",
                money(period.fee, period.currency) if period else "",
            )
        )
    may = request.user.may(May.OPEN_SUBSCRIPTIONS)
    headings = [
        say("Number"),
        say("Plan"),
        say("Term"),
        say("State"),
        say("Current period"),
        say("Runs to"),
        say("Calls in it"),
        (say("Fee"), "n"),
    ]
    return Panel(
        say("Subscriptions"),
        "backoffice/panels/table.html",
        {"headings": headings, "rows": rows, "empty": say("No subscription.")},
        note=say("Open a subscription") if may else "",
        url=f"{reverse('admin:billing_subscription_do', args=('open',))}?customer={customer.number}" if may else "",
        side="top",
    )


@customer_page.panel(order=20)
def customers_invoices_panel(request: HttpRequest, customer: Customer) -> Panel:
    invoices = newest_invoices(Invoice.objects.filter(customer=customer))
    more = len(invoices) == NEWEST
    url = f"{reverse('admin:billing_invoice_changelist')}?customer__id__exact={customer.pk}" if more else ""
    return replace(invoices_panel(invoices, note=say("all invoices") if more else "", url=url), side="right")


@customer_page.panel(order=30)
def customers_credits_panel(request: HttpRequest, customer: Customer) -> Panel:
    return credits_panel(newest_credits(Credit.objects.filter(customer=customer)))
