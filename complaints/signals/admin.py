"""The reports of signals, and the figures behind them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.four_eyes.admin import FourEyesAdmin, Publish
from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.models import Event
from backoffice.actions import ActionResult, NoReasonForm, PageAction
from backoffice.admin import TrackedAdmin
from backoffice.display import column, number, pill, when
from backoffice.links import link, page_url
from backoffice.panels import Panel, timeline_panel
from backoffice.requests import StaffRequest
from backoffice.tables import TABLE
from complaints.signals.actions import draft_signal_window, publish_signal_window
from complaints.signals.forms import SignalWindowForm
from complaints.signals.job_kinds import SIGNALS
from complaints.signals.kinds import FIGURES, KINDS, in_words, windows_on
from complaints.signals.models import Signal, SignalReport, SignalWindow
from core.text import Text, in_english, join, say
from jobs.actions import start_job
from jobs.admin import job_page
from jobs.models import Job

#: So many rows of one pattern are linked.
MOST_ROWS = 30


class MakeReport(PageAction):
    name = "make"
    label = _("Look for signals now")
    icon = "radar"
    may = May.REPORT_SIGNALS
    form_class = NoReasonForm
    intro = _("The report is made in the background, as every night, and then appears in this list.")

    def run(self, by: User, cleaned: dict[str, Any]) -> Text | ActionResult:
        title = in_english(say("Signals of {day}", day=timezone.localdate()))
        job = start_job(SIGNALS.name, title, {}, by=by)
        return ActionResult(say("The report is being made; here is how far it is."), page_url(job))


@admin.register(SignalReport)
class SignalReportAdmin(TrackedAdmin[SignalReport]):
    may_view = May.SEE_SIGNALS
    reads = ("made_by",)
    page_actions = (MakeReport,)
    list_display = ("day", "made", "made_by", "found")
    list_select_related = ("made_by",)
    numeric_columns = ("found",)
    ordering = ("-made_at", "-pk")
    empty_hint = _("None yet: the command fraud_signals makes one every night.")
    fields = ("made", "made_by", "found")
    readonly_fields = ("made", "found")

    made = column(when, "made_at", description=_("Made"), ordering="made_at")

    @admin.display(description=_("Report"), ordering="made_at")
    def day(self, obj: SignalReport) -> str:
        return str(obj)

    @admin.display(description=_("Found"))
    def found(self, obj: SignalReport) -> SafeString:
        return number(len(obj.findings))

    def change_panels(self, request: StaffRequest, obj: SignalReport) -> Sequence[Panel]:
        found: dict[str, list[Any]] = defaultdict(list)
        for finding in obj.findings:
            found[finding["signal"]].append(finding)
        panels = [
            Panel(
                Signal(signal).label,
                TABLE,
                {
                    "headings": [say("Pattern"), say("Rows")],
                    "rows": [(in_words(signal, each["values"]), _rows(each["rows"])) for each in found[signal]],
                },
                note=_figures_in_words(obj.windows[signal]),
                tone="warn",
            )
            for signal in Signal.values
            if signal in found
        ]
        quiet = [Signal(signal).label for signal in Signal.values if signal in obj.windows and signal not in found]
        rows = [(label,) for label in quiet]
        panels.append(Panel(say("Nothing found"), TABLE, {"headings": [say("Signal")], "rows": rows}, side="right"))
        return [*panels, timeline_panel(Event.objects.about(obj), about=obj, side="right")]


def _rows(rows: Sequence[Sequence[Any]]) -> SafeString:
    links = (
        (reverse(f"admin:{model.replace('.', '_')}_change", args=(pk,)), label) for label, model, pk in rows[:MOST_ROWS]
    )
    linked = format_html_join(", ", '<a href="{}">{}</a>', links)
    more = len(rows) - MOST_ROWS
    return format_html("{} {}", linked, say("and {count} more", count=more)) if more > 0 else linked


def _figures_in_words(window: Mapping[str, int]) -> Text:
    said = {
        "days": say("{count} days back", count=window.get("days", 0)),
        "within": say("{count} days between", count=window.get("within", 0)),
        "count": say("at least {count}", count=window.get("count", 0)),
        "percent": say("{count}%", count=window.get("percent", 0)),
    }
    return join(", ", (words for name, words in said.items() if window.get(name)))


# --- Figures ------------------------------------------------------------------------------------


class DraftWindow(PageAction):
    name = "draft"
    label = _("Draft figures")
    icon = "plus"
    may = May.DRAFT_STAFF
    form_class = SignalWindowForm
    intro = _("They hold once a manager has published them. What is left blank keeps its built-in figure.")
    action = draft_signal_window
    done = _("Drafted: {window}. A manager has to publish it.")
    opens = page_url

    def get_initial(self, request: StaffRequest) -> dict[str, Any]:
        return {"valid_from": timezone.localdate(), **request.GET.dict()}


class PublishWindow(Publish[SignalWindow]):
    label_plural = _("Publish figures")
    may = May.PUBLISH_STAFF
    action = publish_signal_window
    done = _("Published: {window}.")

    def consequence(self, obj: SignalWindow, by: User) -> Text:
        own = {name: getattr(obj, name) for name in FIGURES}
        return say("From {day} on: {figures}.", day=obj.valid_from, figures=_figures_in_words(own))


@admin.register(SignalWindow)
class SignalWindowAdmin(FourEyesAdmin[SignalWindow]):
    may_view = May.SEE_STAFF
    staff_actions = (PublishWindow,)
    page_actions = (DraftWindow,)
    list_display = ("signal", "valid_from", *FIGURES, "state_pill", "drafted_by", "published_by")
    list_filter = ("state", "signal")
    list_select_related = ("drafted_by", "published_by")
    empty_hint = _("The built-in figures hold, until others are drafted and published.")
    fields = ("signal", "valid_from", *FIGURES, "drafted_by", "published_by")

    def list_panels(self, request: StaffRequest) -> Sequence[Panel]:
        """The figures of today, whoever set them."""
        today = windows_on(timezone.localdate())
        rows = [
            (
                signal.label,
                *(number(getattr(window, name) or "") for name in FIGURES),
                pill(say("Changed"), "info") if KINDS[signal].usual != window else "",
            )
            for signal, window in today.items()
        ]
        headings = [say("Signal"), *((label, "n") for label in FIGURES.values()), ""]
        return [Panel(say("What holds today"), TABLE, {"headings": headings, "rows": rows}, side="top")]


@job_page.panel()
def signals_panel(request: HttpRequest, job: Job) -> Panel | None:
    """What came out of a report made in the background."""
    if job.kind != SIGNALS.name or "report" not in job.result:
        return None
    report = SignalReport.objects.get(pk=job.result["report"])
    rows = [(link(report), number(len(report.findings)))]
    return Panel(say("What was found"), TABLE, {"headings": [say("Report"), (say("Found"), "n")], "rows": rows})
