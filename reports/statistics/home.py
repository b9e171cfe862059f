"""The home page's charts: decisions, days, amounts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.core.cache import cache
from django.utils.formats import date_format
from django.utils.translation import gettext

from accounts.staff.permissions import May
from backoffice.charts import Chart, Series, Tone, bars, columns
from backoffice.panels import Panel, register_later_panel
from backoffice.requests import StaffRequest
from complaints.cases.models import Decision
from complaints.refunds.models import Refund
from core.amounts import money_text
from core.text import join, say, say_count
from policies.choices import RemedyKind
from reports.statistics.statistics import WEEKS, Statistics, statistics

LAST_WEEKS = say("The last {weeks} weeks", weeks=WEEKS)


#: The figures are counted again after so many seconds: nobody decides by the minute by them.
KEPT_SECONDS = 300


# --- How the work goes --------------------------------------------------------------------------

_BASES: dict[str, Tone] = {
    Refund.Basis.USAGE: "one",
    Refund.Basis.INTERRUPTION: "two",
    Refund.Basis.FULL_MONTH: "three",
    Refund.Basis.SPECIAL: "four",
}


def last_weeks(request: StaffRequest) -> Panel | None:
    """Four small charts, each with its numbers. They come after the page, since nobody's next step hangs on them."""
    user = request.user
    if not user.may(May.SEE_CASES):
        return None
    found = cache.get_or_set("reports.statistics.statistics", statistics, KEPT_SECONDS)
    assert isinstance(found, Statistics)
    charts = [decisions_chart(found), bases_chart(found), days_chart(found), given_chart(found)]
    return Panel(LAST_WEEKS, "backoffice/panels/charts.html", {"charts": charts, "as_of": found.as_of}, side="bottom")


def _week(start: date) -> str:
    return date_format(start, "MONTH_DAY_FORMAT")


def decisions_chart(found: Statistics) -> Chart:
    """Decisions a week by outcome; the lead is the share upheld."""
    share = found.share_upheld()
    tones: dict[str, Tone] = {
        Decision.Outcome.UPHELD: "good",
        Decision.Outcome.PARTLY_UPHELD: "warn",
        Decision.Outcome.REJECTED: "bad",
    }
    lead = say("No decision yet")
    if share is not None:
        lead = say_count(
            "{count} decision, {share} upheld wholly or partly",
            "{count} decisions, {share} upheld wholly or partly",
            sum(found.decided),
            share=f"{share}%",
        )
    chart = columns(
        say("Decisions by outcome"),
        lead,
        [_week(start) for start in found.weeks],
        [Series(str(Decision.Outcome(name).label), tones[name], values) for name, values in found.outcomes.items()],
    )
    shares = [found.share_upheld(at) for at in range(len(found.weeks))]
    rows = [[*row, "–" if share is None else f"{share}%"] for row, share in zip(chart.rows, shares, strict=True)]
    return Chart(
        title=chart.title,
        lead=chart.lead,
        rects=chart.rects,
        texts=chart.texts,
        lines=chart.lines,
        legend=chart.legend,
        headings=[*chart.headings, say("Share upheld")],
        rows=rows,
    )


def bases_chart(found: Statistics) -> Chart:
    """Refunds settled a week by basis."""
    given = {basis: found.bases[basis] for basis in Refund.Basis.values if basis in found.bases}
    total = sum(sum(values) for values in given.values())
    return columns(
        say("Refunds by basis"),
        say_count("{count} settled", "{count} settled", total),
        [_week(start) for start in found.weeks],
        [Series(str(Refund.Basis(basis).label), _BASES[basis], values) for basis, values in given.items()],
    )


def days_chart(found: Statistics) -> Chart:
    """Days to decide: half of the cases, and nine of ten, took no longer."""
    half, most = found.days_to_decide(50), found.days_to_decide(90)
    places = range(len(found.weeks))
    lead = say("No decision yet")
    if half is not None:
        lead = say_count(
            "Half within {count} day, nine of ten within {most}",
            "Half within {count} days, nine of ten within {most}",
            half,
            most=most,
        )
    return columns(
        say("Days to decide"),
        lead,
        [_week(start) for start in found.weeks],
        [
            Series(say("Nine of ten (p90)"), "soft", [found.days_to_decide(90, at) for at in places]),
            Series(say("Half (p50)"), "one", [found.days_to_decide(50, at) for at in places]),
        ],
        stacked=False,
    )


def given_chart(found: Statistics) -> Chart:
    """What was given, by remedy; a full bar is the largest of its currency."""
    largest: dict[str, Decimal] = {}
    for (_, currency), amount in found.given.items():
        largest[currency] = max(largest.get(currency, Decimal(0)), amount)
    ordered = sorted(found.given.items(), key=lambda entry: (entry[0][1], -entry[1], entry[0][0]))
    sums: dict[str, Decimal] = {}
    for (_, currency), amount in ordered:
        sums[currency] = sums.get(currency, Decimal(0)) + amount
    return bars(
        say("Given, by remedy"),
        join(", ", (money_text(amount, currency) for currency, amount in sums.items())) or say("Nothing yet"),
        [say("Remedy"), say("Amount")],
        [
            (gettext(RemedyKind(kind).label), amount, money_text(amount, currency), largest[currency])
            for (kind, currency), amount in ordered
        ],
    )


register_later_panel("figures", last_weeks, title=LAST_WEEKS, may=May.SEE_CASES)
