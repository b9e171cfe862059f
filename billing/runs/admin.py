"""Billing runs: what each did and what it left undone. They are started from the list of invoices, or by night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.staff.permissions import May
from audit.models import Event
from backoffice.admin import TrackedAdmin
from backoffice.amounts import money
from backoffice.display import column, number, pill, when
from backoffice.links import day, link
from backoffice.panels import Panel, timeline_panel
from backoffice.requests import StaffRequest
from backoffice.tables import TABLE
from billing.credits.models import Credit
from billing.runs.models import BillingRun
from core.text import say

#: Credits left by ended subscriptions that a page lists.
MOST_LEFTOVER = 50


def run_pill(run: BillingRun) -> SafeString:
    """How a run stands; one that finished and left subscriptions out wants attention."""
    if run.state == BillingRun.State.FINISHED:
        return pill(say("Finished, with problems"), "warn") if run.problems else pill(say("Finished"), "good")
    return pill(run.get_state_display(), "bad" if run.state == BillingRun.State.INTERRUPTED else "info")


@admin.register(BillingRun)
class BillingRunAdmin(TrackedAdmin[BillingRun]):
    may_view = May.SEE_MONEY
    heading_pill = run_pill
    list_display = ("today", "started", "duration", "by", "opened_", "ended_", "overdue_", "problems_", "state_pill")
    list_filter = ("state", "today")
    list_select_related = ("by",)
    numeric_columns = ("duration", "opened_", "ended_", "overdue_", "problems_")
    ordering = ("-started_at", "-pk")
    empty_hint = _("Billing has not run yet: the command run_billing does it every night.")
    fields = ("today", "by", "started", "finished", "duration", "batches")
    readonly_fields = ("started", "finished", "duration")

    started = column(when, "started_at", description=_("Started"), ordering="started_at")
    finished = column(when, "finished_at", description=_("Finished"), ordering="finished_at")

    @admin.display(description=_("Took"))
    def duration(self, obj: BillingRun) -> SafeString:
        if obj.finished_at is None:
            return SafeString("")
        seconds = (obj.finished_at - obj.started_at).total_seconds()
        minutes, rest = divmod(seconds, 60)
        return number(
            say("{minutes} min {seconds} s", minutes=f"{minutes:.0f}", seconds=f"{rest:.0f}")
            if minutes
            else say("{seconds} s", seconds=number_format(round(rest, 1), 1))
        )

    opened_ = column(number, "opened", description=_("Opened"), ordering="opened")
    ended_ = column(number, "ended", description=_("Ended"), ordering="ended")
    overdue_ = column(number, "overdue", description=_("Overdue"), ordering="overdue")

    @admin.display(description=_("Not billed"))
    def problems_(self, obj: BillingRun) -> SafeString:
        return number(len(obj.problems))

    state_pill = column(run_pill, description=_("State"), ordering="state")

    def list_panels(self, request: StaffRequest) -> Sequence[Panel]:
        """Credits that wait for somebody to propose their payout."""
        left = leftover()
        if not left:
            return []
        return [replace(_leftover_panel(left), side="top")]

    def change_panels(self, request: StaffRequest, obj: BillingRun) -> Sequence[Panel]:
        counted = [
            (say("Periods opened"), number(obj.opened)),
            (say("Invoices"), number(obj.invoiced)),
            (say("Subscriptions ended"), number(obj.ended)),
            (say("Invoices marked overdue"), number(obj.overdue)),
        ]
        panels = [
            Panel(say("What it did"), TABLE, {"headings": ["", (say("Number"), "n")], "rows": counted}),
            Panel(
                say("Amounts"),
                TABLE,
                {"headings": _amount_headings(), "rows": _amounts(obj), "empty": say("Nothing was invoiced.")},
            ),
        ]
        if obj.problems:
            left_out = [(sentence,) for sentence in obj.problems]
            panels.insert(0, Panel(say("Not billed"), TABLE, {"headings": [say("Why")], "rows": left_out}, tone="bad"))
        panels.append(_leftover_panel(leftover()))
        panels.append(timeline_panel(Event.objects.about(obj), about=obj))
        return panels


def _amount_headings() -> list[Any]:
    return [say("Currency"), (say("Invoiced"), "n"), (say("Of that charges"), "n"), (say("Credits used"), "n")]


def _amounts(run: BillingRun) -> list[tuple[Any, ...]]:
    sums = [run.amounts.get(name, {}) for name in ("gross", "charged", "credited")]
    return [(unit, *(number(of.get(unit, "")) for of in sums)) for unit in sorted(set().union(*sums))]


def leftover() -> QuerySet[Credit]:
    """The credits left by subscriptions that ended, the oldest first, and one more than a page lists."""
    rows: QuerySet[Credit] = Credit.objects.left_by_ended_subscriptions().select_related("customer", "subscription")
    return rows.order_by("granted_on", "pk")[: MOST_LEFTOVER + 1]


def _leftover_panel(left: QuerySet[Credit]) -> Panel:
    found = list(left)
    rows = [
        (
            link(credit.customer),
            link(credit.subscription),
            day(credit.subscription.ended_on),
            link(credit, credit.reason),
            money(credit.remaining, credit.currency),
        )
        for credit in found[:MOST_LEFTOVER]
    ]
    more = say("the oldest {count}", count=MOST_LEFTOVER) if len(found) > MOST_LEFTOVER else ""
    return Panel(
        say("Credit left by ended subscriptions"),
        TABLE,
        {
            "headings": [say("Customer"), say("Subscription"), say("Ended"), say("Credit"), (say("Left"), "n")],
            "rows": rows,
            "empty": say("None: no ended subscription has credit left."),
        },
        note=more,
        tone="warn" if rows else "",
    )
