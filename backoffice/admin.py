"""The base of every model's pages: who sees it, what staff do on it, how its page is laid out.

Nothing is added, changed, deleted or reverted by Django's own forms. A row's page reads; what can be done to the row is
an action of the app, which owns its transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin import ActionLocation
from django.core import checks
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from audit.actions import Obstacle, matter_obstacle
from audit.models import Event
from backoffice.actions import ActionState, PageAction, Permission, StaffAction, allowed
from backoffice.confirmation import act, do, results, stock_action
from backoffice.exports import ListPages, view_query
from backoffice.history import HistoryPages
from backoffice.lookups import SUGGESTED
from backoffice.panels import Panel, timeline_panel
from backoffice.presence import SEEN, TogetherPages
from backoffice.requests import Person, StaffRequest, staff
from core.icons import icon
from core.text import Text, say

#: What one usually does comes first, what gives something up last.
_TONES = {"primary": 0, "": 1, "danger": 2}


class TrackedAdmin[M: models.Model](HistoryPages, ListPages, TogetherPages):
    """Base of the pages of a model, tracked or written once (then without history pages).

    An app sets ``may_view`` (needed), ``staff_actions``, ``page_actions``, and as it likes ``list_display``
    and its kin, ``page_title``, ``page_pills``, ``change_panels``. A row's page is for reading: nobody gets a form
    that saves by itself.
    """

    #: Who sees the list, a row's page and its history.
    may_view: ClassVar[Permission] = None
    staff_actions: ClassVar[Sequence[type[StaffAction[Any]]]] = ()
    page_actions: ClassVar[Sequence[type[PageAction]]] = ()
    #: List columns whose heading stands to the right; the cells are made with ``display.number``.
    numeric_columns: ClassVar[Sequence[str]] = ()
    #: The field that names a row in a ``LookupField`` (its number); ``search_fields`` find the suggestions.
    lookup_by: ClassVar[str] = ""
    #: What is read along with a row, for its page and its list (``select_related``).
    reads: ClassVar[Sequence[str]] = ()
    #: The row's state as a pill, beside the heading of its page.
    heading_pill: ClassVar[Callable[[Any], SafeString] | None] = None
    #: Whether the page of a row tells what was done to it; not where that is told on another row's page.
    has_timeline: ClassVar[bool] = True
    #: A sentence for a list without rows: what to do next.
    empty_hint: ClassVar[Text] = ""

    list_per_page = 50
    list_max_show_all = 500
    show_full_result_count = False
    save_as = False

    def __init__(self, model: type[models.Model], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        self._staff_actions = {made.name: made for made in (action() for action in self.staff_actions)}
        self._page_actions = {made.name: made for made in (action() for action in self.page_actions)}
        self.actions = [
            *(self.actions or ()),
            *(stock_action(action) for action in self._staff_actions.values()),
        ]

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """Django's checks, and that every action's icon exists: a page would fail on it."""
        found = super().check(**kwargs)
        for action in (*self._staff_actions.values(), *self._page_actions.values()):
            try:
                icon(action.icon or "check")
            except ValueError as unknown:
                found.append(checks.Error(f"{action.label}: {unknown}", obj=type(self), id="backoffice.E001"))
        return found

    # --- Hooks for an app -----------------------------------------------------------------------

    def get_queryset_for_action(self, request: HttpRequest) -> models.QuerySet[M]:
        """The rows that an action reads: those this person sees, with what guards look at."""
        return self.get_queryset(request)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[M]:
        """The rows that this person sees."""
        rows: models.QuerySet[M] = super().get_queryset(request)
        return rows.select_related(*self.reads) if self.reads else rows

    def page_title(self, obj: M) -> Text:
        """The heading of a row's page."""
        return str(obj)

    def page_pills(self, request: StaffRequest, obj: M) -> Sequence[SafeString]:
        """Statuses beside the heading, made with ``display.pill``."""
        make = type(self).heading_pill
        return [make(obj)] if make is not None else ()

    def change_panels(self, request: StaffRequest, obj: M) -> Sequence[Panel]:
        """The cards of a row's page besides its fields."""
        return [timeline_panel(Event.objects.about(obj), about=obj)] if self.has_timeline else ()

    def list_panels(self, request: StaffRequest) -> Sequence[Panel]:
        """Cards above the list."""
        return ()

    # --- Who may --------------------------------------------------------------------------------

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return allowed(request.user, self.may_view)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    # --- Actions --------------------------------------------------------------------------------

    def staff_action(self, name: str) -> StaffAction[Any] | None:
        return self._staff_actions.get(name)

    def page_action(self, name: str) -> PageAction | None:
        return self._page_actions.get(name)

    @property
    def has_history(self) -> bool:
        """Whether the model's rows have versions: those that are written once have none."""
        return hasattr(self.model, "history")

    def get_actions(
        self, request: HttpRequest, action_location: ActionLocation = ActionLocation.CHANGE_LIST
    ) -> dict[str, Any]:
        offered = super().get_actions(request, action_location=action_location)
        for name, action in self._staff_actions.items():
            if not action.allowed(request.user):
                offered.pop(name, None)
        return offered

    def action_bar(self, request: StaffRequest, obj: Any, seen: int) -> list[ActionState]:
        """Every action on the row: what may be done now (primary first), then the others with the reason. ``seen`` is
        the version of the row that the page shows.
        """
        by = request.user
        own = matter_obstacle(by, type(obj), [obj.pk])
        bar = [self._bar_item(action, obj, by, seen, own) for action in self._staff_actions.values()]
        return sorted(bar, key=lambda item: (not item.ready, _TONES[item.action.tone]))

    def _bar_item(self, action: StaffAction[Any], obj: Any, by: Person, seen: int, own: Obstacle | None) -> ActionState:
        url = f"{self.url_of('changelist')}act/{action.name}/?ids={obj.pk}&{SEEN}={seen}"
        if not action.allowed(by):
            return ActionState(
                action, url, False, say("{roles} only", roles=action.roles) if action.roles else say("not in your role")
            )
        obstacle = own or action.obstacle(obj, by)
        return ActionState(action, url, obstacle is None, obstacle or "")

    def url_of(self, page: str, *args: Any) -> str:
        """The address of one of this model's pages: ``changelist``, ``change`` (with a key), ``history``."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=args, current_app=self.admin_site.name)

    # --- Addresses ------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        info = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view
        ours = [
            path("act/<slug:name>/", view(self._act_view), name=f"{info}_act"),
            path("act/<slug:name>/results/<slug:token>/", view(self._results_view), name=f"{info}_act_results"),
            path("do/<slug:name>/", view(self._do_view), name=f"{info}_do"),
            path("lookup/", view(self._lookup_view), name=f"{info}_lookup"),
        ]
        # Gone: the delete page, and Django's redirect of old addresses, which would catch its address.
        gone = {f"{info}_delete", None}
        if not self.has_history:
            gone |= {f"{info}_history", f"{info}_simple_history"}
        return ours + [pattern for pattern in super().get_urls() if pattern.name not in gone]

    def _act_view(self, request: StaffRequest, name: str) -> HttpResponse:
        return act(self, request, name)

    def _results_view(self, request: HttpRequest, name: str, token: str) -> HttpResponse:
        return results(self, request, name, token)

    def _do_view(self, request: StaffRequest, name: str) -> HttpResponse:
        return do(self, request, name)

    def _lookup_view(self, request: HttpRequest) -> HttpResponse:
        """Suggestions for a ``LookupField``: what the list's search finds of the rows this person sees."""
        if not self.lookup_by:
            raise Http404("Nothing is looked up here.")
        if not self.has_view_permission(request):
            raise PermissionDenied
        typed = request.GET.get("q", "").strip()
        rows, _ = self.get_search_results(request, self.get_queryset(request), typed)
        found = [{"value": getattr(row, self.lookup_by), "label": self.page_title(row)} for row in rows[:SUGGESTED]]
        return JsonResponse({"rows": found if typed else []})

    # --- Lists ----------------------------------------------------------------------------------

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        offered = sorted(
            (action for action in self._staff_actions.values() if action.in_bulk and action.allowed(request.user)),
            key=lambda action: _TONES[action.tone],
        )
        return super().changelist_view(
            request,
            {
                "title": capfirst(self.opts.verbose_name_plural),
                "page_actions": [action for action in self._page_actions.values() if action.allowed(request.user)],
                "bulk_actions": offered,
                "panels": self.list_panels(staff(request)) if request.method == "GET" else (),
                "empty_hint": self.empty_hint,
                "saved_views": self.views_of(request) if self.has_view_permission(request) else (),
                "view_query": view_query(request.META.get("QUERY_STRING", "")),
                **(extra_context or {}),
            },
        )

    # --- The page of one row --------------------------------------------------------------------

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if obj is not None:
            seen = self.version_of(obj)
            bar = self.action_bar(staff(request), obj, seen)
            context |= {
                "seen": seen,
                "presence_url": self.url_of("presence", obj.pk),
                "title": self.page_title(obj),
                "subtitle": None,
                "pills": self.page_pills(staff(request), obj),
                "panels": self.change_panels(staff(request), obj),
                "history_url": self.url_of("history", obj.pk) if self.has_history else "",
                "ready_actions": [item for item in bar if item.ready],
                "other_actions": [item for item in bar if not item.ready],
            }
        context["action_form"] = None
        return super().render_change_form(request, context, add=add, change=change, form_url=form_url, obj=obj)

    @property
    def media(self) -> forms.Media:
        """None of the stock scripts: our pages bring their own."""
        return forms.Media()
