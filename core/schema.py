"""What migrations need: many tables at once, and the history of what they write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.models import CreateModel
from django.db.migrations.state import ProjectState
from django.utils import timezone


class Together(Operation):
    """Many operations on an app that has no tables yet: each table is made once, in the shape it ends with.

    One after the other, every operation has Django render all models again that refer to each other, which is most of
    the time of an installation. Data and SQL do not belong in here.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = operations

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        # Rendered models would be rendered again after each operation; without any, none of them is behind, either:
        # Django would render all anew for each operation in Python that follows.
        state.__dict__.pop("apps", None)
        state.is_delayed = False
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for operation in self._tables():
            operation.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for operation in reversed(self._tables()):
            operation.database_backwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return f"Make {len(self._tables())} tables"

    def _tables(self) -> list[CreateModel]:
        return [operation for operation in self.operations if isinstance(operation, CreateModel)]


def with_first_version(apps: Any, row: Any, reason: str) -> None:
    """Write the first version of the history of a row that a migration made: there, saving a row writes none."""
    history = apps.get_model(row._meta.app_label, f"Historical{row._meta.object_name}")
    kept = {field.attname for field in history._meta.concrete_fields}
    history.objects.create(
        **{field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if field.attname in kept},
        history_date=timezone.now(),
        history_type="+",
        history_change_reason=reason,
    )
