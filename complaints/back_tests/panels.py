"""Back-tests on cards: what was given and would be given, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from accounts.staff.permissions import May
from backoffice.amounts import money
from backoffice.display import number, when
from backoffice.links import day, link
from backoffice.panels import Panel
from backoffice.requests import StaffRequest
from complaints.back_tests.models import BackTest
from complaints.back_tests.tally import REASONS
from complaints.refunds.models import Refund
from core.amounts import money_text
from core.text import Text, join, say, say_count
from jobs.admin import job_page, job_pill
from jobs.models import Job
from policies.versions.admin import version_page
from policies.versions.models import PolicyVersion

TABLE = "backoffice/panels/table.html"


BAR_WIDTH = 160


# --- Cards of other pages -----------------------------------------------------------------------


@version_page.panel()
def back_tests_panel(request: StaffRequest, version: PolicyVersion) -> Panel | None:
    """For a version's page: its back-tests, if there are any or could be."""
    by = request.user
    if not by.may(May.SEE_BACK_TESTS):
        return None
    known = version.back_tests.select_related("job", "version__policy").order_by("-asked_at", "-pk")
    rows = [
        (
            link(back_test, format_html("{}", when(back_test.asked_at))),
            decided_in_words(back_test),
            job_pill(back_test.job),
            number(count_in_words(back_test, "differing") if tally_of(back_test) else ""),
        )
        for back_test in known
    ]
    if not rows and version.state != PolicyVersion.State.DRAFT:
        return None
    table = {
        "headings": [say("Asked for"), say("Cases decided"), say("State"), (say("Differing"), "n")],
        "rows": rows,
        "empty": say("Not tried on past cases yet."),
    }
    return Panel(say("Back-tests"), TABLE, table)


@job_page.panel()
def back_test_of(request: StaffRequest, job: Job) -> Panel | None:
    """For the page of its job: where the result is."""
    by = request.user
    back_test = BackTest.objects.select_related("version__policy").filter(job=job).first()
    if back_test is None or not by.may(May.SEE_BACK_TESTS):
        return None
    back_test.job = job
    shown: list[tuple[Text, Any]] = [(say("Result"), link(back_test))]
    if tally_of(back_test):
        shown += [
            (say("Cases"), intcomma(tally_of(back_test)["cases"])),
            (say("Differing"), count_in_words(back_test, "differing")),
        ]
    return Panel(say("What came out"), "backoffice/panels/fields.html", {"fields": shown})


# --- Tables -------------------------------------------------------------------------------------


def tally_of(back_test: BackTest) -> dict[str, Any]:
    """What came out, nothing before the end."""
    return back_test.job.result if back_test.job.state == Job.State.FINISHED else {}


def count_of(back_test: BackTest, what: str) -> int:
    return int(tally_of(back_test).get("counts", {}).get(what, 0))


def count_in_words(back_test: BackTest, what: str) -> str:
    return intcomma(count_of(back_test, what))


def decided_in_words(back_test: BackTest) -> SafeString:
    """The days whose decisions were tried."""
    # Translators: two days, such as "1 Mar 2026 until before 1 Nov 2026"
    return format_html(gettext("{since} until before {until}"), since=day(back_test.since), until=day(back_test.until))


def then_and_under_draft(refunds_then: Text) -> list[Any]:
    """Of a table that compares both by basis."""
    under = say("Under the draft")
    amounts = [(say("Amount then"), "n"), (under, "n"), (say("Difference"), "n")]
    return [say("Basis"), (refunds_then, "n"), (under, "n"), *amounts, ""]


def given_panel(back_test: BackTest) -> Panel:
    table = {
        "headings": then_and_under_draft(say("Refunds then")),
        "rows": compared(tally_of(back_test)["given"]),
        "empty": say("No case in this time was given a refund that stands."),
    }
    return Panel(say("Refunds, then and under the draft"), TABLE, table, note=say("proposed, approved or settled"))


def quotable_panel(back_test: BackTest) -> Panel:
    table = {
        "headings": then_and_under_draft(say("Quotable then")),
        "rows": compared(tally_of(back_test)["quotable"]),
        "empty": say("Every upheld case in this time was given a refund."),
    }
    return Panel(
        say("Upheld without a refund"), TABLE, table, note=say("what a quote would allow; nobody was given it")
    )


def compared(rows: Sequence[dict[str, Any]]) -> list[list[Any]]:
    # Bars of one currency can be compared, those of two cannot.
    most: dict[str, Decimal] = {}
    for row in rows:
        amounts = (Decimal(row["amount_then"]), Decimal(row["amount_under_draft"]))
        most[row["currency"]] = max(most.get(row["currency"], Decimal(0)), *amounts)
    return [compared_cells(row, most[row["currency"]]) for row in rows]


def compared_cells(row: dict[str, Any], most: Decimal) -> list[Any]:
    then, draft, currency = Decimal(row["amount_then"]), Decimal(row["amount_under_draft"]), row["currency"]
    return [
        Refund.Basis(row["basis"]).label,
        number(intcomma(row["then"])),
        number(intcomma(row["under_draft"])),
        money(then, currency),
        money(draft, currency),
        money(draft - then, currency),
        bars_of(then, draft, most, currency),
    ]


def bars_of(then: Decimal, draft: Decimal, most: Decimal, currency: str) -> SafeString:
    """Both amounts as bars, the upper one then; the cells beside say the same in figures."""
    widths = [int(BAR_WIDTH * amount / most) if most else 0 for amount in (then, draft)]
    words = say(
        "Then {then}, under the draft {draft}", then=money_text(then, currency), draft=money_text(draft, currency)
    )
    return format_html(
        '<svg width="{}" height="20" viewBox="0 0 {} 20" role="img" aria-label="{}">'
        '<rect y="2" width="{}" height="7" fill="var(--line-strong)"></rect>'
        '<rect y="11" width="{}" height="7" fill="var(--accent)"></rect></svg>',
        *(BAR_WIDTH, BAR_WIDTH, words),
        *widths,
    )


def counts_panel(back_test: BackTest) -> Panel:
    counted = [
        (say("Refunds that two people approve"), "second_approval"),
        (say("Refunds that need a lead's consent"), "consent"),
        (say("Late to acknowledge"), "acknowledge_missed"),
        (say("Late to decide"), "decide_missed"),
    ]
    rows: list[Any] = [
        (
            label,
            number(count_in_words(back_test, f"{what}_then")),
            number(count_in_words(back_test, f"{what}_under_draft")),
        )
        for label, what in counted
    ]
    refunds, rejected = count_of(back_test, "refunds"), count_of(back_test, "rejected")
    cases, without = tally_of(back_test)["cases"], count_of(back_test, "upheld_without_refund")
    parts = [
        say_count("{count} case", "{count} cases", cases, count=intcomma(cases)),
        say_count("{count} refund", "{count} refunds", refunds, count=intcomma(refunds)),
        say_count("{count} upheld without one", "{count} upheld without one", without, count=intcomma(without)),
        say_count("{count} rejected", "{count} rejected", rejected, count=intcomma(rejected)),
    ]
    if unknown := count_of(back_test, "deadlines_unknown"):
        parts.append(
            say_count(
                "{count} without a calendar of holidays",
                "{count} without a calendar of holidays",
                unknown,
                count=intcomma(unknown),
            )
        )
    table = {"headings": ["", (say("Then"), "n"), (say("Under the draft"), "n")], "rows": rows}
    return Panel(say("Approvals and deadlines"), TABLE, table, note=join(", ", parts))


def reasons_panel(back_test: BackTest) -> Panel:
    reasons = tally_of(back_test)["reasons"].items()
    differing = count_of(back_test, "differing")
    note = say_count("{count} case differs", "{count} cases differ", differing, count=intcomma(differing))
    table = {
        "headings": [say("Why"), (say("Times"), "n")],
        "rows": [(REASONS[reason], number(intcomma(count))) for reason, count in reasons],
        "empty": say("Nothing comes out otherwise."),
    }
    return Panel(say("Why cases differ"), TABLE, table, note=note)
