"""Who changed what, when, why, from where: the pages of a row's past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.admin.utils import display_for_field, unquote
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.utils.text import capfirst

from backoffice.display import when
from core.text import Text, say

if TYPE_CHECKING:
    from django.contrib import admin

    class SimpleHistoryAdmin(admin.ModelAdmin[Any]):
        """What the package, which has no types, adds."""

        def has_view_history_or_change_history_permission(self, request: HttpRequest, obj: Any = None) -> bool: ...

else:
    from simple_history.admin import SimpleHistoryAdmin


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One value before and after."""

    field: str
    old: object
    new: object


class HistoryPages(SimpleHistoryAdmin):
    """django-simple-history's list of versions in our look, and a page for one version that only reads.

    Its own page for a version takes a POST that saves the old version, even where reverting is switched off.
    """

    object_history_template = "backoffice/history.html"
    history_list_per_page = 50

    def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def history_view_title(self, request: HttpRequest, obj: Any) -> Text:
        return say("History of {row}", row=obj)

    def get_history_queryset(self, request: HttpRequest, history_manager: Any, pk_name: str, object_id: Any) -> Any:
        """A row's versions with what they refer to; the package's own follows every relation of a model that
        has none of its own.
        """
        own = [field.name for field in history_manager.model.tracked_fields if isinstance(field, models.ForeignKey)]
        return history_manager.filter(**{pk_name: object_id}).select_related("history_user", *own)

    def set_history_delta_changes(
        self, request: HttpRequest, historical_records: Any, foreign_keys_are_objs: bool = True
    ) -> None:
        """Put each version's changes on it as ``changes``; the first version has none."""
        records = list(historical_records)
        if not records:
            return
        # The oldest version on a page has its predecessor on the next page.
        for record, before in zip(records, [*records[1:], _neighbour(records[-1], newer=False)], strict=True):
            record.changes = changes(record, before) if before is not None else []

    def history_form_view(
        self,
        request: HttpRequest,
        object_id: str,
        version_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """One version: what changed with it, and every value it had."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not self.has_view_permission(request):
            raise PermissionDenied  # before looking: whoever may not see it does not learn whether it is there
        versions = self.model.history.model.objects
        try:
            record = versions.get(**{self.opts.pk.attname: unquote(object_id), "history_id": version_id})
        except (versions.model.DoesNotExist, ValueError):
            raise Http404("There is no such version.") from None
        obj = self.get_queryset(request).filter(pk=getattr(record, self.opts.pk.attname)).first()
        if obj is None or not self.has_view_history_or_change_history_permission(request, obj):
            raise PermissionDenied
        older = _neighbour(record, newer=False)
        record.changes = changes(record, older) if older is not None else []
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": say("A version of {row}", row=obj),
            "opts": self.opts,
            "object": obj,
            "record": record,
            "values": [
                (capfirst(field.verbose_name), _shown(record, field))
                for field in record.tracked_fields
                if not field.primary_key
            ],
            "newer": _neighbour(record, newer=True),
            "older": older,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "backoffice/version.html", context)


def changes(record: Any, before: Any) -> Sequence[FieldChange]:
    """What differs between two versions, in the order of the model's fields."""
    return [
        FieldChange(capfirst(str(field.verbose_name)), _shown(before, field), _shown(record, field))
        for field in record.tracked_fields
        if getattr(record, field.attname) != getattr(before, field.attname)
    ]


def _neighbour(record: Any, *, newer: bool) -> Any:
    """The next or previous version of the same row. By number: versions of one moment have one time."""
    key = record.instance_type._meta.pk.attname
    same = type(record).objects.filter(**{key: getattr(record, key)})
    if newer:
        return same.filter(history_id__gt=record.history_id).order_by("history_id").first()
    return same.filter(history_id__lt=record.history_id).order_by("-history_id").first()


def _shown(record: Any, field: models.Field[Any, Any]) -> object:
    if isinstance(field, models.ForeignKey):
        key = getattr(record, field.attname)
        try:
            related = getattr(record, field.name) if key is not None else None
        except ObjectDoesNotExist:
            related = None
        return related if related is not None else ("" if key is None else f"#{key}")
    value = getattr(record, field.attname)
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    if isinstance(value, datetime):
        return when(value)
    return display_for_field(value, field, "")
