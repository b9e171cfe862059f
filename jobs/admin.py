"""Long work on pages: who asked for it, a bar that moves, how it ended.

They are here because the jobs themselves know neither staff nor permissions. An app adds what came out of its kind of
job as a card: ``@job_page.panel()``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms.widgets import Script
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.staff.permissions import May, roles_that
from audit.models import Event
from backoffice.actions import OptionalReasonForm, StaffAction
from backoffice.admin import TrackedAdmin
from backoffice.display import PillTone, column, pill, when
from backoffice.panels import PagePanels, Panel, timeline_panel
from backoffice.requests import StaffRequest, staff
from core.text import Text, say
from jobs import actions
from jobs.kinds import kind_of
from jobs.models import Job

#: Cards that apps add to a job's page: what came out of their kind.
job_page: PagePanels[Job] = PagePanels()

#: A job that has waited for so long has perhaps no worker to wait for.
WAITING_LONG = timedelta(minutes=1)

_TONES: dict[str, PillTone] = {
    Job.State.QUEUED: "mute",
    Job.State.RUNNING: "info",
    Job.State.FINISHED: "good",
    Job.State.FAILED: "bad",
    Job.State.CANCELLED: "mute",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How a job stands: a key that changes when its page should be loaded again, and words."""

    key: str
    label: Text
    figures: Text
    hint: Text = ""


def standing_of(job: Job) -> Standing:
    """How the job stands now, an interrupted one told from one that runs."""
    now = timezone.now()
    done, total = intcomma(job.done), intcomma(job.total)
    if job.total:
        share = 100 * job.done // job.total
        figures = say("{done} of {total} ({share} %)", done=done, total=total, share=share)
    else:
        figures = say("Not counted yet") if job.is_open else say("Nothing was counted")
    if job.is_interrupted(now):
        hint = say(
            "Nothing has been heard of it for minutes: its worker was probably stopped. It can go on from there."
        )
        return Standing("interrupted", say("Interrupted"), figures, hint)
    if job.state == Job.State.QUEUED and job.asked_at <= now - WAITING_LONG:
        hint = say("It has been waiting for a while: an earlier job may be running, or no background worker is.")
        return Standing("waiting", job.get_state_display(), figures, hint)
    return Standing(job.state, job.get_state_display(), figures)


def job_pill(job: Job) -> SafeString:
    """How the job stands, as a pill."""
    standing = standing_of(job)
    return pill(standing.label, "warn" if standing.key == "interrupted" else _TONES[job.state])


class _JobAction(StaffAction[Job]):
    # Whoever can ask for long work of some kind; the obstacle tells one's own from another's.
    may = (May.HANDLE_JOBS_OF_OTHERS, May.DRAFT_POLICIES, May.WORK_COMPLAINTS, May.IMPORT)
    form_class = OptionalReasonForm

    @property
    def roles(self) -> Text:
        return roles_that(May.HANDLE_JOBS_OF_OTHERS)


class CancelJob(_JobAction):
    name = "cancel"
    label = _("Cancel the job")
    tone = "danger"
    icon = "circle-stop"
    intro = _("What it has done so far stays on record.")
    rule = actions.cancel_obstacle
    action = actions.cancel_job
    done = _("{job} is cancelled.")


class ResumeJob(_JobAction):
    name = "resume"
    label = _("Let it go on")
    tone = "primary"
    icon = "rotate-cw"
    intro = _("It goes on from what it had saved last.")
    rule = actions.resume_obstacle
    action = actions.resume_job
    done = _("{job} goes on.")


@admin.register(Job)
class JobAdmin(TrackedAdmin[Job]):
    may_view = May.SEE_JOBS
    heading_pill = job_pill
    staff_actions = (ResumeJob, CancelJob)
    list_display = ("title", "status", "progress", "asked_by", "asked", "took")
    list_filter = ("state", "asked_at")
    list_select_related = ("asked_by",)
    search_fields = ("title",)
    ordering = ("-asked_at", "-pk")
    empty_hint = _("No long work was asked for yet. Back-tests of policy drafts are listed here.")
    fields = ("kind_label", "asked_by", "asked", "started", "finished", "took")
    readonly_fields = ("kind_label", "asked", "started", "finished", "took")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        by = staff(request).user
        return rows if by.may(May.SEE_JOBS_OF_OTHERS) else rows.filter(asked_by=by)

    status = column(job_pill, description=_("State"), ordering="state")

    @admin.display(description=_("Progress"))
    def progress(self, obj: Job) -> SafeString:
        figures = standing_of(obj).figures
        if not obj.total:
            return format_html('<span class="quiet">{}</span>', figures)
        bar = '<progress value="{}" max="{}" aria-label="{}"></progress> <span class="sub">{}</span>'
        return format_html(bar, obj.done, obj.total, figures, figures)

    @admin.display(description=_("Kind"))
    def kind_label(self, obj: Job) -> str:
        kind = kind_of(obj.kind)
        return str(kind.label) if kind is not None else obj.kind

    asked = column(when, "asked_at", description=_("Asked for"), ordering="asked_at")
    started = column(when, "started_at", description=_("Started"))
    finished = column(when, "finished_at", description=_("Ended"))

    @admin.display(description=_("Took"))
    def took(self, obj: Job) -> Text:
        if obj.started_at is None or obj.finished_at is None:
            return "–"
        minutes, seconds = divmod((obj.finished_at - obj.started_at).total_seconds(), 60)
        return (
            say("{minutes} min {seconds} s", minutes=f"{minutes:.0f}", seconds=f"{seconds:.0f}")
            if minutes
            else say("{seconds} s", seconds=number_format(round(seconds, 1), 1))
        )

    def page_title(self, obj: Job) -> str:
        return obj.title

    def change_panels(self, request: StaffRequest, obj: Job) -> Sequence[Panel]:
        shown = {"job": obj, "standing": standing_of(obj), "url": f"{self.url_of('changelist')}{obj.pk}/progress/"}
        return [
            Panel(say("Progress"), "jobs/progress.html", shown, side="top"),
            *job_page.of(request, obj),
            timeline_panel(Event.objects.about(obj), side="right", about=obj),
        ]

    @property
    def media(self) -> forms.Media:
        return forms.Media(
            css={"all": ["backoffice/jobs.css"]},
            js=[Script("backoffice/jobs.js", defer=True)],  # type: ignore[list-item]
        )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [path("<int:pk>/progress/", view(self._progress_view), name="jobs_job_progress"), *super().get_urls()]

    def _progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """How far the job is, for the script of its page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        job = self.get_queryset(request).filter(pk=pk).first()
        if job is None:
            raise Http404(say("There is no such job."))
        standing = standing_of(job)
        now = {"state": standing.key, "done": job.done, "total": job.total, "figures": standing.figures}
        return JsonResponse(now)
