"""The one confirmation page that all actions share, and the page of results after several rows.

Asking (GET) shows the form, what will happen to each row, and which rows are skipped and why. Doing (POST)
runs the action for each row that was not skipped: each in a transaction of its own, which the action opens,
so that one refusal undoes nothing else and leaves its event. What became impossible since the page was shown
is refused by the action itself, as a second click on the same button is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.http import url_has_allowed_host_and_scheme

from audit import context
from audit.actions import Refused
from audit.vocabulary import Refusal
from backoffice.actions import ActionResult, PageAction, StaffAction
from backoffice.one_time import lead_to_first_result, sent_form, was_sent_before
from backoffice.outcomes import ActingPages, ConfirmationLine, Result
from backoffice.presence import SEEN, seen_in
from backoffice.requests import Person, StaffRequest
from backoffice.selection import FILTERS, address, chosen_keys, chosen_rows, keep, kept
from core.sheets.formulas import csv_lines, safe_cell
from core.text import Text, say


def stock_action(action: StaffAction[Any]) -> Callable[..., HttpResponse]:
    """Django's admin action for one of ours: it only leads to the confirmation page."""
    both = (ActionLocation.CHANGE_LIST, ActionLocation.CHANGE_FORM)

    @admin.action(
        description=action.label,
        description_plural=action.label_plural or action.label,
        location=list(both if action.in_bulk else both[1:]),
    )
    def lead_to_confirmation(
        model_admin: ActingPages, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> HttpResponse:
        return HttpResponseRedirect(address(model_admin, request, action, queryset))

    lead_to_confirmation.__name__ = action.name
    return lead_to_confirmation


logger = logging.getLogger(__name__)


#: The name under which a form says where to go afterwards.
BACK = "back"


def add_refusal(form: Any, refusal: Refused) -> None:
    """Show a refusal as an error of the form: of the field that it names, else of the whole."""
    field = refusal.data.get("field")
    form.add_error(field if field in form.fields else None, ValidationError(refusal.message, code=refusal.code))


# --- An action on rows --------------------------------------------------------------------------


def act(model_admin: ActingPages, request: StaffRequest, name: str) -> HttpResponse:
    """The confirmation page of a ``StaffAction``."""
    action = model_admin.staff_action(name)
    if action is None:
        raise Http404(f"There is no action {name!r} here.")
    if not (model_admin.has_view_permission(request) and action.allowed(request.user)):
        raise PermissionDenied
    pks = chosen_keys(model_admin, request)
    if pks is None:
        return HttpResponseBadRequest(say("These are no rows to act on."))
    rows = chosen_rows(model_admin, request, action, pks)
    if not rows:
        raise Http404("None of these rows exists (any more).")
    by = request.user
    if request.method != "POST":
        return _ask(model_admin, request, action, rows, action.get_form(rows, by), missing=len(pks) - len(rows))
    if len(pks) == 1 and was_sent_before(request):
        return lead_to_first_result(request, model_admin.url_of("change", rows[0].pk))
    form = action.get_form(rows, by, request.POST, request.FILES)
    if "_preview" in request.POST or not form.is_valid():
        return _ask(model_admin, request, action, rows, form, missing=len(pks) - len(rows))
    if len(pks) == 1:
        stale = model_admin.stale_refusal(request, rows[0])
        if stale is not None:
            add_refusal(form, stale)
            return _ask(model_admin, request, action, rows, form, missing=0)
        return _run_one(model_admin, request, action, rows[0], form)
    return _run_many(model_admin, request, action, rows, form)


def _ask(
    model_admin: ActingPages,
    request: StaffRequest,
    action: StaffAction[Any],
    rows: Sequence[Any],
    form: Any,
    *,
    missing: int,
    refusal: Refused | None = None,
) -> HttpResponse:
    by = request.user
    lines = [_line(model_admin, action, row, by) for row in rows]
    todo = [row for row, line in zip(rows, lines, strict=True) if not line.obstacle]
    single = len(rows) == 1 and not missing
    preview: dict[str, Any] = {}
    if single and action.preview_template:
        preview = dict(action.preview_context(rows[0], by, form))
    if preview and "_preview" in request.POST and request.headers.get("HX-Request"):
        # The page is open already and only what the inputs come to is new.
        return TemplateResponse(request, str(action.preview_template), preview)
    shown = seen_in(request.GET.get(SEEN, "")) if request.method != "POST" else None
    return _page(
        model_admin,
        request,
        "backoffice/confirm.html",
        {
            "seen": model_admin.version_of(rows[0]) if single else "",
            "changes": model_admin.changes_since(rows[0], shown) if single and shown is not None else (),
            "title": f"{action.label}: {model_admin.page_title(rows[0])}"
            if single
            else (action.label_plural or action.label),
            "action": action,
            "form": form,
            "lines": lines,
            "line": lines[0] if single else None,
            "skipped": [line for line in lines if line.obstacle],
            "skipped_pks": ",".join(str(line.pk) for line in lines if line.obstacle),
            "todo": len(todo),
            "missing": missing,
            "summary": action.summary(todo, by) if todo else "",
            "warning": action.warning(rows[0], by) if single and todo else "",
            "many_obstacle": (action.many_obstacle(todo, by) or "") if len(todo) > 1 and not refusal else "",
            "preview": preview,
            "refusal": refusal,
            "back_url": lines[0].url if single else _list_url(model_admin, request),
        },
    )


def _line(model_admin: ActingPages, action: StaffAction[Any], row: Any, by: Person) -> ConfirmationLine:
    obstacle = action.why_not(row, by) or ""
    consequence = "" if obstacle else action.consequence(row, by)
    return ConfirmationLine(
        row.pk, model_admin.page_title(row), model_admin.url_of("change", row.pk), consequence, obstacle
    )


def _run_one(
    model_admin: ActingPages, request: StaffRequest, action: StaffAction[Any], row: Any, form: Any
) -> HttpResponse:
    by = request.user
    try:
        with sent_form(request):
            done = _as_done(action.run(row.pk, by, form.cleaned_data))
    except Refused as refusal:
        if refusal.code == Refusal.FORM_USED:
            return lead_to_first_result(request, model_admin.url_of("change", row.pk))
        add_refusal(form, refusal)
        # The row may have changed in between: the page shows what is so now.
        now = chosen_rows(model_admin, request, action, [row.pk]) or [row]
        return _ask(model_admin, request, action, now, form, missing=0, refusal=refusal)
    messages.success(request, done.sentence)
    return HttpResponseRedirect(_way_back(request) or done.url or model_admin.url_of("change", row.pk))


def _way_back(request: HttpRequest) -> str:
    """Where the page that sent the form wants to go on, if that is one of ours."""
    wanted = request.POST.get(BACK, "")
    ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours else ""


def _run_many(
    model_admin: ActingPages, request: StaffRequest, action: StaffAction[Any], rows: Sequence[Any], form: Any
) -> HttpResponse:
    try:
        with sent_form(request):
            found = _results(model_admin, request, action, rows, form)
    except Refused as refusal:
        add_refusal(form, refusal)
        return _ask(model_admin, request, action, rows, form, missing=0, refusal=refusal)
    token = keep(request, "backoffice_results", [asdict(result) for result in found])
    url = model_admin.url_of("act_results", action.name, token)
    filters = request.GET.get(FILTERS)
    return HttpResponseRedirect(f"{url}?{urlencode({FILTERS: filters})}" if filters else url)


def _results(
    model_admin: ActingPages, request: StaffRequest, action: StaffAction[Any], rows: Sequence[Any], form: Any
) -> list[Result]:
    by = request.user
    told_skipped = set(request.POST.get("skipped", "").split(","))
    todo = [row for row in rows if str(row.pk) not in told_skipped and not action.why_not(row, by)]
    if len(todo) > 1:
        action.begin(todo, by, form.cleaned_data)
    found = []
    for row in rows:
        if str(row.pk) in told_skipped:
            result = Result(
                row.pk,
                str(model_admin.page_title(row)),
                "",
                "skipped",
                str(action.why_not(row, by) or say("As shown.")),
            )
        else:
            result = _result(model_admin, action, row, by, form.cleaned_data)
        found.append(result)
    return found


def _result(
    model_admin: ActingPages, action: StaffAction[Any], row: Any, by: Person, cleaned: dict[str, Any]
) -> Result:
    label, url = str(model_admin.page_title(row)), model_admin.url_of("change", row.pk)
    try:
        done = _as_done(action.run(row.pk, by, dict(cleaned)))
    except Refused as refusal:
        return Result(row.pk, label, url, "refused", str(refusal.message))
    except Exception:
        # The rows before this one are done for good: the person must learn which.
        logger.exception("Action %s failed on %s %s", action.name, row._meta.label, row.pk)
        sentence = say(
            "Nothing was done: an error of the system, logged under request {request_id}.",
            request_id=context.current().request_id,
        )
        return Result(row.pk, label, url, "failed", str(sentence))
    return Result(row.pk, label, done.url or url, "done", str(done.sentence))


def results(model_admin: ActingPages, request: HttpRequest, name: str, token: str) -> HttpResponse:
    """What became of each row. Kept in the session, so that loading the page again repeats nothing."""
    action = model_admin.staff_action(name)
    if action is None:
        raise Http404(f"There is no action {name!r} here.")
    if not (model_admin.has_view_permission(request) and action.allowed(request.user)):
        raise PermissionDenied
    entries = kept(request, "backoffice_results", token)
    if entries is None:
        raise Http404("These results are no longer kept. The history of each row tells what was done.")
    found = [Result(**entry) for entry in entries]
    if request.GET.get("format") == "csv":
        return _as_csv(found, action)
    counts = {
        outcome: sum(1 for r in found if r.outcome == outcome) for outcome in ("done", "refused", "skipped", "failed")
    }
    return _page(
        model_admin,
        request,
        "backoffice/results.html",
        {
            "title": say("{action}: results", action=action.label_plural or action.label),
            "action": action,
            "results": found,
            "counts": counts,
            "back_url": _list_url(model_admin, request),
        },
    )


def _as_csv(found: Iterable[Result], action: StaffAction[Any]) -> HttpResponse:
    cells = ((result.pk, result.label, result.outcome, result.sentence) for result in found)
    lines = csv_lines(("id", "row", "outcome", "result"), cells, guard=safe_cell)
    response = HttpResponse("".join(lines), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{action.name}-results.csv"'
    return response


# --- An action without a row --------------------------------------------------------------------


def do(model_admin: ActingPages, request: StaffRequest, name: str) -> HttpResponse:
    """The page of a ``PageAction``."""
    action = model_admin.page_action(name)
    if action is None:
        raise Http404(f"There is no action {name!r} here.")
    if not action.allowed(request.user):
        raise PermissionDenied
    by = request.user
    if request.method != "POST":
        return _ask_page(model_admin, request, action, action.get_form(request))
    if was_sent_before(request):
        return lead_to_first_result(request, _list_url(model_admin, request))
    form = action.get_form(request, request.POST, request.FILES)
    if "_preview" in request.POST or not form.is_valid():
        return _ask_page(model_admin, request, action, form)
    try:
        with sent_form(request):
            done = _as_done(action.run(by, form.cleaned_data))
    except Refused as refusal:
        if refusal.code == Refusal.FORM_USED:
            return lead_to_first_result(request, _list_url(model_admin, request))
        add_refusal(form, refusal)
        return _ask_page(model_admin, request, action, form, refusal=refusal)
    messages.success(request, done.sentence)
    return HttpResponseRedirect(done.url or _list_url(model_admin, request))


def _ask_page(
    model_admin: ActingPages,
    request: StaffRequest,
    action: PageAction,
    form: Any,
    *,
    refusal: Refused | None = None,
) -> HttpResponse:
    by = request.user
    return _page(
        model_admin,
        request,
        "backoffice/do.html",
        {
            "title": action.label,
            "action": action,
            "form": form,
            "obstacle": action.obstacle(by) or "",
            "warning": action.warning(by),
            "preview": dict(action.preview_context(by, form)) if action.preview_template else {},
            "refusal": refusal,
            "back_url": _list_url(model_admin, request),
        },
    )


# --- Shared -------------------------------------------------------------------------------------


def _page(model_admin: ActingPages, request: HttpRequest, template: str, extra: dict[str, Any]) -> HttpResponse:
    request.current_app = model_admin.admin_site.name
    page = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "media": extra["form"].media if "form" in extra else "",
        "list_url": _list_url(model_admin, request) if model_admin.has_view_permission(request) else "",
        **extra,
    }
    return TemplateResponse(request, template, page)


def _list_url(model_admin: ActingPages, request: HttpRequest) -> str:
    url = model_admin.url_of("changelist")
    filters = request.GET.get(FILTERS)
    return f"{url}?{filters}" if filters else url


def _as_done(answer: Text | ActionResult) -> ActionResult:
    return answer if isinstance(answer, ActionResult) else ActionResult(answer)
