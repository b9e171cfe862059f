"""Usage on cards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.formats import number_format

from backoffice.display import number
from backoffice.links import day
from backoffice.panels import Panel
from billing.remedies.granted_minutes import NOTHING_GRANTED, granted_use
from billing.subscriptions.models import BillingPeriod
from billing.usage.models import UsageDay, UsageKind
from core.text import Text, say


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
    use = granted_use([period.subscription_id]).get(period.subscription_id, NOTHING_GRANTED)
    granted = use.between(period.starts_on, period.closes_on)
    return Panel(
        say("Usage"),
        "billing/panels/usage.html",
        {
            "minutes": _minutes(sum(calls.values())),
            "allowance": period.included_minutes,
            "granted": _minutes(granted) if granted else "",
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


def _used(row: UsageDay) -> Text:
    return (
        say("{minutes} min", minutes=_minutes(row.seconds))
        if row.kind == UsageKind.CALL
        else number_format(row.quantity.normalize())
    )
