"""How a row's past is kept: django-simple-history with our columns and lean indexes."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings
from django.db import models
from simple_history.manager import HistoryManager
from simple_history.models import HistoricalRecords

from audit import context
from audit.versions import record_versions


class HistoryRow(models.Model):
    """Columns that every history table has besides those of django-simple-history.

    The actor's name is a copy: it still reads right after somebody is renamed.
    """

    history_actor_name = models.CharField(max_length=200, default=context.actor_name, editable=False)
    history_request_id = models.CharField(max_length=32, default=context.request_id, editable=False)
    history_source = models.CharField(max_length=10, default=context.source, editable=False)

    class Meta:
        abstract = True


def _acting_user(instance: models.Model, request: Any = None) -> Any:
    return context.current().user


class HistoryRows(HistoryManager):
    """The manager of a history, whose class is made once: django-simple-history makes it again at every save."""

    @classmethod
    @cache
    def from_queryset(cls, queryset_class: type[models.QuerySet[Any]], class_name: str | None = None) -> Any:
        return super().from_queryset(queryset_class, class_name)


class TrackedRecords(HistoricalRecords):
    """Records each change with actor, reason, request and source.

    Only three indexes per history table (by object, by person, by time): a history table is written far more
    often than it is read, and each further index is paid for at every save.
    """

    def __init__(self, **options: Any) -> None:
        options.setdefault("bases", (HistoryRow,))
        options.setdefault("history_manager", HistoryRows)
        options.setdefault("history_id_field", models.BigAutoField())
        options.setdefault("history_change_reason_field", models.TextField(blank=True, default=""))
        options.setdefault("user_model", settings.AUTH_USER_MODEL)
        options.setdefault("user_db_constraint", False)
        options.setdefault("get_user", _acting_user)
        super().__init__(**options)

    def copy_fields(self, model: type[models.Model]) -> dict[str, Any]:
        fields: dict[str, Any] = super().copy_fields(model)
        for field in fields.values():
            field.db_index = False
        return fields

    def _get_history_user_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super()._get_history_user_fields()
        fields["history_user"].db_index = False
        return fields

    def get_meta_options(self, model: type[models.Model]) -> dict[str, Any]:
        pk = model._meta.pk.attname
        return {
            **super().get_meta_options(model),
            "default_permissions": (),
            "indexes": (
                models.Index(fields=(pk, "-history_date", "-history_id")),
                models.Index(fields=("history_user", "-history_date", "-history_id")),
                models.Index(fields=("-history_date", "-history_id")),
            ),
        }

    def post_save(self, instance: models.Model, created: bool, using: str | None = None, **kwargs: Any) -> None:
        # A save of untracked columns alone (a person's last login) is no change of the row's history.
        updated = kwargs.get("update_fields")
        if updated is not None and set(updated) <= set(self.excluded_fields):
            return
        super().post_save(instance, created, using=using, **kwargs)

    def create_historical_record(self, instance: models.Model, history_type: str, using: str | None = None) -> None:
        """Copy the row as it stands now, by one statement, as the set-based writes do."""
        reason = self.get_change_reason_for_object(instance, history_type, using)
        record_versions(type(instance), [instance.pk], history_type, reason)

    def get_change_reason_for_object(self, instance: models.Model, history_type: str, using: str | None) -> str:
        return getattr(instance, "_change_reason", None) or context.current().reason
