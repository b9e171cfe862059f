"""Back-tests on pages: asked for on a draft's page, watched, read as tables, taken away as a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.staff.permissions import May
from backoffice.actions import ActionForm, StaffAction
from backoffice.admin import TrackedAdmin
from backoffice.amounts import money
from backoffice.display import number, sub, when
from backoffice.forms import WholeNumberField
from backoffice.links import link, page_url
from backoffice.panels import Panel
from backoffice.requests import StaffRequest
from complaints.back_tests.actions import MOST_MONTHS, back_test_obstacle, start_back_test
from complaints.back_tests.models import BackTest, BackTestCase
from complaints.back_tests.panels import (
    count_in_words,
    counts_panel,
    decided_in_words,
    given_panel,
    quotable_panel,
    reasons_panel,
    tally_of,
)
from complaints.refunds.models import Refund
from core.sheets.formulas import csv_lines
from core.text import say
from jobs.admin import job_pill, standing_of
from jobs.models import Job
from policies.parameters.text import figures
from policies.versions.admin import DiscardVersion, EditDraft, PolicyVersionAdmin, PublishVersion
from policies.versions.models import PolicyVersion

CASES_ON_A_PAGE = 50


class BackTestForm(ActionForm):
    """How far back."""

    months = WholeNumberField(
        min_value=1,
        max_value=MOST_MONTHS,
        initial=12,
        label=_("Months"),
        help_text=_("Complaints decided in so many months before today, and today."),
    )


class RunBackTest(StaffAction[PolicyVersion]):
    """For the page of a draft."""

    name = "back_test"
    label = _("Back-test")
    icon = "flask-conical"
    may = May.DRAFT_POLICIES
    form_class = BackTestForm
    intro = _("Past cases are judged once more as if this draft had been in force. Nothing of them changes.")
    rule = back_test_obstacle
    action = start_back_test
    done = _("The back-test is asked for: this page shows how far it is.")
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
    empty_hint = _("No draft was tried yet: open a draft of a policy and choose Back-test.")
    fields = ("of_version", "decided", "asked_by", "asked", "job_link")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).select_related("version__policy", "job", "asked_by")
        return rows

    @admin.display(description=_("Draft"), ordering="version")
    def name(self, obj: BackTest) -> str:
        return str(obj.version)

    @admin.display(description=_("Draft"))
    def of_version(self, obj: BackTest) -> SafeString:
        return link(obj.version)

    @admin.display(description=pgettext_lazy("cases of a back-test", "Decided"), ordering="since")
    def decided(self, obj: BackTest) -> SafeString:
        return decided_in_words(obj)

    @admin.display(description=_("State"), ordering="job__state")
    def status(self, obj: BackTest) -> SafeString:
        return job_pill(obj.job)

    @admin.display(description=_("Cases"))
    def cases(self, obj: BackTest) -> SafeString:
        return number(intcomma(tally_of(obj)["cases"]) if tally_of(obj) else "")

    @admin.display(description=_("Differing"))
    def differing(self, obj: BackTest) -> SafeString:
        return number(count_in_words(obj, "differing") if tally_of(obj) else "")

    @admin.display(description=_("Asked for"), ordering="asked_at")
    def asked(self, obj: BackTest) -> SafeString:
        return when(obj.asked_at)

    @admin.display(description=_("Job"))
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
                given_panel(obj),
                quotable_panel(obj),
                counts_panel(obj),
                reasons_panel(obj),
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
