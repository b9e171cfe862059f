"""Back-tests on pages: asked for on a draft's page, watched, read as tables, taken away as a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.forms.widgets import Script
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, pgettext_lazy

from accounts.staff.permissions import May
from backoffice.actions import ActionForm, StaffAction
from backoffice.admin import TrackedAdmin
from backoffice.amounts import money
from backoffice.display import number, sub, when
from backoffice.links import day, link, page_url
from backoffice.panels import Panel
from backoffice.requests import StaffRequest
from complaints.back_tests.actions import MOST_MONTHS, back_test_obstacle, start_back_test
from complaints.back_tests.models import BackTest, BackTestCase
from complaints.back_tests.tally import REASONS
from complaints.refunds.models import Refund
from core.amounts import money_text
from core.sheets.formulas import csv_lines
from core.text import Text, join, say, say_count
from jobs.admin import job_page, job_pill, standing_of
from jobs.models import Job
from policies.parameters.text import figures
from policies.versions.admin import DiscardVersion, EditDraft, PolicyVersionAdmin, PublishVersion, version_page
from policies.versions.models import PolicyVersion

TABLE = "backoffice/panels/table.html"
CASES_ON_A_PAGE = 50
BAR_WIDTH = 160


class BackTestForm(ActionForm):
    """How far back."""

    months = forms.IntegerField(
        min_value=1,
        max_value=MOST_MONTHS,
        initial=12,
        label=gettext_lazy("Months"),
        help_text=gettext_lazy("Complaints decided in so many months before today, and today."),
    )


class RunBackTest(StaffAction[PolicyVersion]):
    """For the page of a draft."""

    name = "back_test"
    label = gettext_lazy("Back-test")
    icon = "flask-conical"
    may = May.DRAFT_POLICIES
    form_class = BackTestForm
    intro = gettext_lazy("Past cases are judged once more as if this draft had been in force. Nothing of them changes.")
    rule = back_test_obstacle
    action = start_back_test
    done = gettext_lazy("The back-test is asked for: this page shows how far it is.")
    opens = page_url


@admin.register(BackTest)
class BackTestAdmin(TrackedAdmin[BackTest]):
    may_view = May.SEE_BACK_TESTS
    list_display = ("name", "decided", "status", "cases", "differing", "asked_by", "asked")
    list_display_links = ("name",)
    list_filter = ("version__policy__kind", "job__state")
    list_select_related = ("version__policy", "job", "asked_by")
    numeric_columns = ("cases", "differing")
    ordering = ("-asked_at", "-pk")
    empty_hint = gettext_lazy("No draft was tried yet: open a draft of a policy and choose Back-test.")
    fields = ("of_version", "decided", "asked_by", "asked", "job_link")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).select_related("version__policy", "job", "asked_by")
        return rows

    @admin.display(description=gettext_lazy("Draft"), ordering="version")
    def name(self, obj: BackTest) -> str:
        return str(obj.version)

    @admin.display(description=gettext_lazy("Draft"))
    def of_version(self, obj: BackTest) -> SafeString:
        return link(obj.version)

    @admin.display(description=pgettext_lazy("cases of a back-test", "Decided"), ordering="since")
    def decided(self, obj: BackTest) -> SafeString:
        return _decided(obj)

    @admin.display(description=gettext_lazy("State"), ordering="job__state")
    def status(self, obj: BackTest) -> SafeString:
        return job_pill(obj.job)

    @admin.display(description=gettext_lazy("Cases"))
    def cases(self, obj: BackTest) -> SafeString:
        return number(intcomma(_tally(obj)["cases"]) if _tally(obj) else "")

    @admin.display(description=gettext_lazy("Differing"))
    def differing(self, obj: BackTest) -> SafeString:
        return number(_written(obj, "differing") if _tally(obj) else "")

    @admin.display(description=gettext_lazy("Asked for"), ordering="asked_at")
    def asked(self, obj: BackTest) -> SafeString:
        return when(obj.asked_at)

    @admin.display(description=gettext_lazy("Job"))
    def job_link(self, obj: BackTest) -> SafeString:
        return link(obj.job)

    def page_title(self, obj: BackTest) -> str:
        return str(obj)

    def page_pills(self, request: StaffRequest, obj: BackTest) -> Sequence[SafeString]:
        return [job_pill(obj.job)]

    def change_panels(self, request: StaffRequest, obj: BackTest) -> Sequence[Panel]:
        panels = []
        if obj.parameters != obj.version.parameters:
            note = {"text": say("The draft has been edited since: the figures below are those that were tried.")}
            panels.append(
                Panel(say("Not the draft of now"), "backoffice/panels/text.html", note, side="top", tone="warn")
            )
        if obj.job.state != Job.State.FINISHED:
            url = reverse("admin:jobs_job_progress", args=(obj.job_id,))
            shown = {"job": obj.job, "standing": standing_of(obj.job), "url": url}
            panels.append(Panel(say("Progress"), "jobs/progress.html", shown, side="top"))
        else:
            panels += [
                _given_panel(obj),
                _quotable_panel(obj),
                _counts_panel(obj),
                _reasons_panel(obj),
                self._cases_panel(request, obj),
            ]
        parameters = obj.version.policy.parameters.from_json(obj.parameters)
        tried = [(entry.label, entry.value) for entry in figures(parameters.to_json())]
        panels.append(Panel(say("Figures tried"), "backoffice/panels/fields.html", {"fields": tried}))
        return panels

    def _cases_panel(self, request: HttpRequest, obj: BackTest) -> Panel:
        rows = obj.cases.filter(differs=True).select_related("complaint", "refund").order_by("pk")
        page = Paginator(rows, CASES_ON_A_PAGE).get_page(request.GET.get("page"))
        table = {
            "headings": [
                say("Case"),
                say("Basis"),
                (say("Then"), "n"),
                (say("Draft"), "n"),
                (say("Difference"), "n"),
                say("Why"),
            ],
            "rows": [_case_cells(row) for row in page.object_list],
            "empty": say("None: every case comes out as it did."),
        }
        return Panel(
            say("Cases that differ"),
            "complaints/panels/back_test_cases.html",
            {"table": table, "page": page},
            note=say("All cases as CSV"),
            url=f"{self.url_of('changelist')}{obj.pk}/cases.csv",
        )

    @property
    def media(self) -> forms.Media:
        return forms.Media(
            css={"all": ["backoffice/jobs.css"]},
            js=[Script("backoffice/jobs.js", defer=True)],  # type: ignore[list-item]
        )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        ours = path("<int:pk>/cases.csv", view(self._cases_view), name="complaints_backtest_csv")
        return [ours, *super().get_urls()]

    def _cases_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Every case of the back-test, streamed."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        back_test = self.get_queryset(request).filter(pk=pk).first()
        if back_test is None:
            raise Http404(say("There is no such back-test."))
        response = StreamingHttpResponse(_csv_lines(back_test), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="back-test-{pk}.csv"'
        return response


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
            _decided(back_test),
            job_pill(back_test.job),
            number(_written(back_test, "differing") if _tally(back_test) else ""),
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
    if _tally(back_test):
        shown += [
            (say("Cases"), intcomma(_tally(back_test)["cases"])),
            (say("Differing"), _written(back_test, "differing")),
        ]
    return Panel(say("What came out"), "backoffice/panels/fields.html", {"fields": shown})


# --- Tables -------------------------------------------------------------------------------------


def _tally(back_test: BackTest) -> dict[str, Any]:
    """What came out, nothing before the end."""
    return back_test.job.result if back_test.job.state == Job.State.FINISHED else {}


def _count(back_test: BackTest, what: str) -> int:
    return int(_tally(back_test).get("counts", {}).get(what, 0))


def _written(back_test: BackTest, what: str) -> str:
    return intcomma(_count(back_test, what))


def _decided(back_test: BackTest) -> SafeString:
    """The days whose decisions were tried."""
    # Translators: two days, such as "1 Mar 2026 until before 1 Nov 2026"
    return format_html(gettext("{since} until before {until}"), since=day(back_test.since), until=day(back_test.until))


def _headings(refunds_then: Text) -> list[Any]:
    """Of a table that compares both by basis."""
    under = say("Under the draft")
    amounts = [(say("Amount then"), "n"), (under, "n"), (say("Difference"), "n")]
    return [say("Basis"), (refunds_then, "n"), (under, "n"), *amounts, ""]


def _given_panel(back_test: BackTest) -> Panel:
    table = {
        "headings": _headings(say("Refunds then")),
        "rows": _compared(_tally(back_test)["given"]),
        "empty": say("No case in this time was given a refund that stands."),
    }
    return Panel(say("Refunds, then and under the draft"), TABLE, table, note=say("proposed, approved or settled"))


def _quotable_panel(back_test: BackTest) -> Panel:
    table = {
        "headings": _headings(say("Quotable then")),
        "rows": _compared(_tally(back_test)["quotable"]),
        "empty": say("Every upheld case in this time was given a refund."),
    }
    return Panel(
        say("Upheld without a refund"), TABLE, table, note=say("what a quote would allow; nobody was given it")
    )


def _compared(rows: Sequence[dict[str, Any]]) -> list[list[Any]]:
    # Bars of one currency can be compared, those of two cannot.
    most: dict[str, Decimal] = {}
    for row in rows:
        amounts = (Decimal(row["amount_then"]), Decimal(row["amount_under_draft"]))
        most[row["currency"]] = max(most.get(row["currency"], Decimal(0)), *amounts)
    return [_compared_cells(row, most[row["currency"]]) for row in rows]


def _compared_cells(row: dict[str, Any], most: Decimal) -> list[Any]:
    then, draft, currency = Decimal(row["amount_then"]), Decimal(row["amount_under_draft"]), row["currency"]
    return [
        Refund.Basis(row["basis"]).label,
        number(intcomma(row["then"])),
        number(intcomma(row["under_draft"])),
        money(then, currency),
        money(draft, currency),
        money(draft - then, currency),
        _bars(then, draft, most, currency),
    ]


def _bars(then: Decimal, draft: Decimal, most: Decimal, currency: str) -> SafeString:
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


def _counts_panel(back_test: BackTest) -> Panel:
    counted = [
        (say("Refunds that two people approve"), "second_approval"),
        (say("Refunds that need a lead's consent"), "consent"),
        (say("Late to acknowledge"), "acknowledge_missed"),
        (say("Late to decide"), "decide_missed"),
    ]
    rows: list[Any] = [
        (label, number(_written(back_test, f"{what}_then")), number(_written(back_test, f"{what}_under_draft")))
        for label, what in counted
    ]
    refunds, rejected = _count(back_test, "refunds"), _count(back_test, "rejected")
    cases, without = _tally(back_test)["cases"], _count(back_test, "upheld_without_refund")
    parts = [
        say_count("{count} case", "{count} cases", cases, count=intcomma(cases)),
        say_count("{count} refund", "{count} refunds", refunds, count=intcomma(refunds)),
        say_count("{count} upheld without one", "{count} upheld without one", without, count=intcomma(without)),
        say_count("{count} rejected", "{count} rejected", rejected, count=intcomma(rejected)),
    ]
    if unknown := _count(back_test, "deadlines_unknown"):
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


def _reasons_panel(back_test: BackTest) -> Panel:
    reasons = _tally(back_test)["reasons"].items()
    differing = _count(back_test, "differing")
    note = say_count("{count} case differs", "{count} cases differ", differing, count=intcomma(differing))
    table = {
        "headings": [say("Why"), (say("Times"), "n")],
        "rows": [(REASONS[reason], number(intcomma(count))) for reason, count in reasons],
        "empty": say("Nothing comes out otherwise."),
    }
    return Panel(say("Why cases differ"), TABLE, table, note=note)


def _case_cells(row: BackTestCase) -> tuple[Any, ...]:
    return (
        format_html("{}{}", link(row.complaint, row.complaint.code), sub(link(row.refund, _code_of(row.refund)))),
        Refund.Basis(row.basis).label if row.basis else "–",
        money(row.then, row.currency),
        money(row.under_draft, row.currency),
        money(row.under_draft - row.then, row.currency),
        format_html('<span class="why">{}</span>', row.why),
    )


def _code_of(refund: Refund | None) -> str:
    return refund.code if refund is not None else ""


# --- The file -----------------------------------------------------------------------------------

COLUMNS = (
    "complaint", "category", "outcome", "refund", "basis", "currency", "then", "under_draft", "differs", "why",
)  # fmt: skip


def _csv_lines(back_test: BackTest) -> Iterator[str]:
    rows = back_test.cases.order_by("pk").values_list(
        "complaint__code", "complaint__category", "complaint__decision__outcome", "refund__code", "basis", "currency",
        "then", "under_draft", "differs", "why",
    )  # fmt: skip
    cells = (
        (*(text or "" for text in texts), f"{then:f}", f"{under_draft:f}", "yes" if differs else "no", why)
        for *texts, then, under_draft, differs, why in rows.iterator(chunk_size=2000)
    )
    return csv_lines(COLUMNS, cells)


admin.site.unregister(PolicyVersion)


@admin.register(PolicyVersion)
class BackTestedVersionAdmin(PolicyVersionAdmin):
    """The versions' pages with a button that tries a draft on past cases."""

    staff_actions: ClassVar[Sequence[type[StaffAction[Any]]]] = (PublishVersion, EditDraft, RunBackTest, DiscardVersion)
