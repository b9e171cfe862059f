"""What every list has besides its rows: views kept under a name, and the whole of it as a CSV file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from html import unescape
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import label_for_field, lookup_field
from django.core.exceptions import PermissionDenied
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, QueryDict
from django.http import StreamingHttpResponse as Streaming
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.safestring import SafeString

from audit.actions import Refused, act
from audit.vocabulary import ListVerb, Refusal
from backoffice.models import SavedView
from backoffice.paging import FewValues, ShortCount, is_for_few_values
from backoffice.requests import Person, StaffRequest
from core.sheets.formulas import csv_lines, safe_cell
from core.text import counted, say

#: A longer list is to be narrowed first: nobody reads it, and whoever takes it away shall not do so unnoticed.
MOST_CSV_ROWS = 100_000
#: What a list's address says besides the view itself: the page, and Django's sign of a wrong filter.
_PASSING = ("p", "e")
_LONGEST_QUERY = 2000

_TIME = re.compile(r'<time datetime="([^"]*)">.*?</time>', re.DOTALL)
_SECOND_LINE = re.compile(r'<span class="sub">|<br ?/?>')


class ListPages(admin.ModelAdmin[Any]):
    """Base of ``TrackedAdmin``: saved views and CSV of the list, for everybody who sees it."""

    def get_urls(self) -> list[URLPattern]:
        info = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view
        ours = [
            path("csv/", view(self._csv_view), name=f"{info}_csv"),
            path("views/", view(self._views_view), name=f"{info}_views"),
        ]
        return ours + super().get_urls()

    def get_paginator(
        self,
        request: HttpRequest,
        queryset: Any,
        per_page: int,
        orphans: int = 0,
        allow_empty_first_page: bool = True,
    ) -> ShortCount:
        page = request.GET.get("p", "")
        return ShortCount(
            queryset,
            per_page,
            orphans=orphans,
            allow_empty_first_page=allow_empty_first_page,
            asked=int(page) if page.isdecimal() and len(page) < 10 else 1,
        )

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [
            (one, FewValues) if is_for_few_values(self.model, one) else one for one in super().get_list_filter(request)
        ]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """No list is filtered by a password: its hash could be read letter by letter from which rows stay."""
        if any(part.casefold() == "password" for part in lookup.split(LOOKUP_SEP)):
            return False
        return super().lookup_allowed(lookup, value, request)

    def _may_see(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    # --- Views under a name ---------------------------------------------------------------------

    def views_of(self, request: HttpRequest) -> list[SavedView]:
        """The person's own views of this list and the shared ones, own first."""
        found = SavedView.objects.seen_by(request.user.pk or 0, self.opts.label_lower).select_related("owner")
        return sorted(found, key=lambda view: (view.owner_id != request.user.pk, view.name.casefold()))

    def _views_view(self, request: StaffRequest) -> HttpResponse:
        """Keep the view that the list shows, or let one go."""
        self._may_see(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(("POST",))
        by = request.user
        query = view_query(request.POST.get("query", ""))
        try:
            if "delete" in request.POST:
                messages.success(request, say("“{name}” is gone.", name=delete_view(request.POST["delete"], by=by)))
            else:
                name, shared = request.POST.get("name", ""), "shared" in request.POST
                view = save_view(by=by, page=self.opts.label_lower, name=name, query=query, shared=shared)
                messages.success(request, say("This view is kept as “{name}”.", name=view.name))
        except Refused as refusal:
            messages.error(request, refusal.message)
        return HttpResponseRedirect(f"../?{query}" if query else "../")

    # --- CSV ------------------------------------------------------------------------------------

    def _csv_view(self, request: StaffRequest) -> HttpResponse | Streaming:
        """The rows that the list shows, all pages of them, as text. Taking them away is an event, so it is asked for by
        POST: looking at pages changes nothing.
        """
        self._may_see(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(("POST",))
        try:
            changelist = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect("../?e=1")
        by = request.user
        query = view_query(request.META.get("QUERY_STRING", ""))
        try:
            with act(ListVerb.LIST_EXPORT, by=by, target=(self.model, None)) as action:
                rows = changelist.queryset.count()
                action.data = {"rows": rows, "query": query}
                if rows > MOST_CSV_ROWS:
                    raise Refused(
                        say(
                            "These are {rows} rows; a file holds at most {most}. Please filter first.",
                            rows=counted(rows),
                            most=counted(MOST_CSV_ROWS),
                        ),
                        code=Refusal.TOO_MANY,
                    )
        except Refused as refusal:
            messages.error(request, refusal.message)
            return HttpResponseRedirect(f"../?{query}" if query else "../")
        columns = [name for name in changelist.list_display if name != "action_checkbox"]
        response = Streaming(self._csv_lines(columns, changelist.queryset), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{self.opts.model_name}-{timezone.localdate()}.csv"'
        return response

    def _csv_lines(self, columns: list[Any], rows: Any) -> Iterator[str]:
        header = [strip_tags(str(label_for_field(name, self.model, self))) for name in columns]
        cells = ([self._cell(name, row) for name in columns] for row in rows.iterator(chunk_size=1000))
        return csv_lines(header, cells, guard=safe_cell)

    def _cell(self, name: Any, row: Any) -> str:
        field, _, value = lookup_field(name, row, self)
        if field is not None and getattr(field, "choices", None):
            return str(getattr(row, f"get_{field.name}_display")())
        return plain_text(value)


def plain_text(value: Any) -> str:
    """What a cell of a list says, without its HTML: second lines behind a slash, times and dates as ISO 8601."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    if isinstance(value, SafeString):
        text = unescape(strip_tags(_SECOND_LINE.sub(" / ", _TIME.sub(r"\1", text))))
    return text.strip().replace("\N{MINUS SIGN}", "-")


def view_query(typed: str) -> str:
    """The part of a list's address that makes the view, in Django's own spelling."""
    values = QueryDict(typed.lstrip("?")[:_LONGEST_QUERY], mutable=True)
    for name in _PASSING:
        values.pop(name, None)
    return values.urlencode()


def save_view(*, by: Person, page: str, name: str, query: str, shared: bool) -> SavedView:
    """Keep a view of the list ``page`` ("app.model") under a name; the same name of the same person is replaced.

    Raises:
        Refused: no name, or one that is too long.
    """
    name = " ".join(name.split())
    most = SavedView._meta.get_field("name").max_length or 0
    if not name:
        raise Refused(say("Give the view a name."), code=Refusal.NAME_MISSING)
    if len(name) > most:
        raise Refused(say("A view's name has at most {most} characters.", most=most), code=Refusal.NAME_LONG)
    view, _ = SavedView.objects.update_or_create(
        owner=by, page=page, name=name, defaults={"query": view_query(query), "shared": shared}
    )
    return view


def delete_view(view_id: str, *, by: Person) -> str:
    """Let one's own view go; returns its name.

    Raises:
        Refused: there is none, or it is another person's.
    """
    view = SavedView.objects.filter(pk=view_id).first() if view_id.isdecimal() else None
    if view is None:
        raise Refused(say("This view does not exist (any more)."), code=Refusal.MISSING)
    if view.owner_id != by.pk:
        raise Refused(
            say("“{name}” is kept by {owner}: only they can let it go.", name=view.name, owner=view.owner),
            code=Refusal.OWNER,
        )
    view.delete()
    return view.name
