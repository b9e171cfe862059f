"""Running the billing from a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.actions import ActionForm, ActionResult, NoReasonForm, PageAction
from backoffice.display import number
from backoffice.links import link, page_url
from backoffice.panels import Panel
from backoffice.tables import TABLE
from billing.runs.actions import run_billing
from billing.runs.due import due_for_billing
from billing.runs.job_kinds import BILLING_RUN
from billing.runs.models import BillingRun
from core.amounts import money_text
from core.text import RECORD, Text, counted, join, say
from jobs.actions import start_job
from jobs.admin import job_page
from jobs.models import Job

#: More than this many subscriptions at once are the background worker's: a page would be cut off before its end.
MOST_BY_PAGE = 500


class RunBilling(PageAction):
    name = "run_billing"
    label = _("Run billing")
    icon = "calendar-check"
    may = May.HANDLE_MONEY
    form_class = NoReasonForm
    submit_label = _("Run billing for today")
    intro = _(
        "It ends the periods that are over, opens and invoices the next ones, uses up credits, "
        "ends cancelled subscriptions and marks overdue invoices. Running it again changes "
        "nothing more."
    )
    preview_template = "billing/preview_run.html"

    def obstacle(self, by: User) -> Text | None:
        return say("Billing is running in the background: see Jobs.") if _running() else None

    def preview_context(self, by: User, form: ActionForm) -> Mapping[str, Any]:
        return {"due": due_for_billing(timezone.localdate()), "most": MOST_BY_PAGE}

    def run(self, by: User, cleaned: dict[str, Any]) -> Text | ActionResult:
        if job := _running():
            return ActionResult(say("Billing runs in the background already; here is how far it is."), page_url(job))
        today = timezone.localdate()
        due = due_for_billing(today, show=0).subscriptions
        if due > MOST_BY_PAGE:
            parameters = {"today": today.isoformat()}
            with translation.override(RECORD):
                title = f"Billing for {date_format(today)}"
            job = start_job(BILLING_RUN.name, title, parameters, by=by)
            return ActionResult(
                say("{count} subscriptions are billed in the background; here is how far it is.", count=counted(due)),
                page_url(job),
            )
        result = run_billing(today, by=by)
        credited = join(", ", (money_text(amount, unit) for unit, amount in sorted(result.credited.items())))
        sentence = say(
            "{opened} periods opened and invoiced, credits used: {credits}, {ended} subscriptions ended, "
            "{overdue} invoices overdue.",
            opened=result.opened,
            credits=credited or say("none"),
            ended=result.ended,
            overdue=result.overdue,
        )
        if not result.problems:
            return sentence
        return join(" ", [sentence, say("Not billed: {problems}", problems=" ".join(result.problems))])


def _running() -> Job | None:
    """The run that waits or runs in the background."""
    return Job.objects.open().filter(kind=BILLING_RUN.name).first()


@job_page.panel()
def billing_run_panel(request: HttpRequest, job: Job) -> Panel | None:
    """What came out of a run in the background: its record has the figures."""
    if job.kind != BILLING_RUN.name or "run" not in job.result:
        return None
    run = BillingRun.objects.get(pk=job.result["run"])
    rows = [(link(run), number(run.opened), number(run.ended), number(run.overdue), number(len(run.problems)))]
    headings = [say("Run"), (say("Opened"), "n"), (say("Ended"), "n"), (say("Overdue"), "n"), (say("Not billed"), "n")]
    return Panel(say("What it did"), TABLE, {"headings": headings, "rows": rows})
