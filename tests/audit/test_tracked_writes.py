"""No write slips past the history: every model is tracked, written once, or named here with the reason why not."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

from audit.tracked import AppendOnlyModel, AppendOnlyQuerySet, Tracked, TrackedQuerySet, UntrackedWrite

OUR_APPS = ("audit", "backoffice", "accounts", "messaging", "hardware", "billing", "policies", "complaints")
ROOT = Path(__file__).parents[2]

#: Neither tracked nor written once.
NO_HISTORY = {
    "audit.UsedForm": "a token that was used up; the events of its request are the proof",
    "accounts.NumberSeries": "counts what rows with a history got their number from",
    "backoffice.SavedView": "a filter under a name, one's own convenience",
    "backoffice.Presence": "who has a page open just now, overwritten each time",
    "billing.UsageDay": "sums of usage records, which are written once",
}
#: Where a write may go around the tracked querysets: the one place that writes the history itself.
# The latter two of them only read, a number series counts.
BYPASSES = {
    "accounts/numbers/models.py",
    "audit/bulk.py",
    "audit/versions.py",
    "backoffice/badges.py",
    "backoffice/paging.py",
}


def our_models() -> list[type[models.Model]]:
    return [
        model
        for label in OUR_APPS
        for model in apps.get_app_config(label).get_models()
        if not model.__name__.startswith("Historical")
    ]


TRACKED = [model for model in our_models() if issubclass(model, Tracked)]
WRITTEN_ONCE = [model for model in our_models() if issubclass(model, AppendOnlyModel)]


def test_every_model_is_tracked_or_written_once() -> None:
    rest = {model._meta.label for model in our_models() if model not in TRACKED and model not in WRITTEN_ONCE}
    assert rest == set(NO_HISTORY)


@pytest.mark.django_db
@pytest.mark.parametrize("model", TRACKED, ids=lambda model: model._meta.label)
def test_tracked_rows_are_not_written_in_bulk_nor_deleted(model: type[models.Model]) -> None:
    rows = model._default_manager.all()
    assert isinstance(rows, TrackedQuerySet)
    with pytest.raises(UntrackedWrite):
        rows.update(pk=1)
    with pytest.raises(UntrackedWrite):
        rows.bulk_create([])
    with pytest.raises(UntrackedWrite):
        rows.bulk_update([], ["pk"])
    with pytest.raises(UntrackedWrite):
        rows.delete()
    with pytest.raises(UntrackedWrite):
        model().delete()
    assert hasattr(model, "history")


@pytest.mark.django_db
@pytest.mark.parametrize("model", WRITTEN_ONCE, ids=lambda model: model._meta.label)
def test_rows_that_are_written_once_are_never_changed(model: type[models.Model]) -> None:
    rows = model._default_manager.all()
    assert isinstance(rows, AppendOnlyQuerySet)
    with pytest.raises(UntrackedWrite):
        rows.update(pk=1)
    with pytest.raises(UntrackedWrite):
        rows.bulk_update([], ["pk"])
    with pytest.raises(UntrackedWrite):
        rows.delete()
    with pytest.raises(UntrackedWrite):
        model().delete()
    saved = model()
    saved._state.adding = False
    with pytest.raises(UntrackedWrite):
        saved.save()


def test_every_foreign_key_protects() -> None:
    cascading = [
        f"{model._meta.label}.{field.name}"
        for model in our_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey) and field.remote_field.on_delete is not models.PROTECT
    ]
    assert cascading == []


def sources() -> Iterator[tuple[str, ast.Module]]:
    for label in (*OUR_APPS, "config"):
        for path in sorted((ROOT / label).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def written_around(tree: ast.Module) -> list[str]:
    """Calls that would write rows without the tracked querysets noticing."""
    found = []
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        name, owner = node.func.attr, ast.unparse(node.func.value)
        writes = name in {"update", "delete", "bulk_create", "bulk_update"}
        around = writes and ("_base_manager" in owner or owner.endswith("QuerySet"))
        if around or name in {"_raw_delete", "cursor", "executescript", "save_base"}:
            found.append(f"line {node.lineno}: {owner}.{name}()")
    return found


def test_nothing_goes_around_the_tracked_querysets() -> None:
    around = {path: found for path, tree in sources() if (found := written_around(tree))}
    assert set(around) == BYPASSES


@pytest.mark.parametrize(
    "line",
    [
        "Invoice._base_manager.filter(pk=1).update(paid=0)",
        "models.QuerySet.update(rows, paid=0)",
        "models.QuerySet.bulk_create(rows, [])",
        "rows._raw_delete('default')",
        "connection.cursor()",
        "row.save_base(raw=True)",
    ],
)
def test_the_search_finds_what_would_go_around(line: str) -> None:
    assert len(written_around(ast.parse(line))) == 1


def test_the_search_passes_what_is_tracked() -> None:
    assert written_around(ast.parse("row.save(); totals.update(paid=1); Invoice.objects.filter(pk=1)")) == []
