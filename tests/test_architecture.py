"""The house rules that no reviewer should have to look for: who imports whom, and how rows may be written."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from accounts.numbers.models import NumberSeries
from accounts.staff.models import User
from audit.actions import Refused, act
from audit.history import HistoryRow
from audit.tracked import AppendOnlyModel, Tracked
from audit.vocabulary import ListVerb
from core.locks import ORDER as LOCK_ORDER
from tests.test_house import LAYERS, ORDER, PURE

ROOT = Path(__file__).parent.parent
#: What faces people or the outside, words and drawings included: no rule stands there.
FACES = LAYERS[-1] | {
    "amounts",
    "case_actions",
    "charts",
    "customer_totals",
    "decisions",
    "documents",
    "inbox",
    "live_quote",
    "management",
    "messages",
    "pdf",
    "registration",
    "sparkline",
    "supervision",
    "templatetags",
    "text",
}


@dataclass(frozen=True)
class Module:
    """One file of an app. ``part`` is what it is in its room, or its folder where Django looks for the folder."""

    name: str
    path: Path

    @property
    def app(self) -> str:
        return self.name.split(".")[0]

    @property
    def part(self) -> str:
        return next((part for part in self.name.split(".") if part in {"management", "templatetags"}), self.path.stem)

    @property
    def tree(self) -> ast.Module:
        return parsed(self.path)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def modules() -> tuple[Module, ...]:
    """Every module of our apps but the migrations, which are history."""
    found = []
    for app in ORDER:
        for path in sorted((ROOT / app).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "migrations" in parts:
                continue
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found.append(Module(name, path))
    assert len(found) > 60
    return tuple(found)


def imports_of(module: Module) -> Iterator[tuple[str, int]]:
    """What a module imports when it runs, with the line; what only the type checker reads is left out."""
    for node in running(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.name}:{node.lineno}: imports are absolute"
            assert node.module is not None
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield (whole if is_module(whole) else node.module), node.lineno


def running(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
            for other in node.orelse:
                yield from running(other)
            continue
        yield node
        yield from running(node)


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


# --- Who imports whom ---------------------------------------------------------------------------


@pytest.mark.parametrize("app", ORDER)
def test_only_the_pages_know_the_site(app: str) -> None:
    """Config puts everything together, so nothing that holds rules knows it."""
    wrong = [
        f"{module.name}:{line} imports {name}"
        for module in modules()
        if module.app == app and module.part not in FACES
        for name, line in imports_of(module)
        if name.split(".")[0] == "config"
    ]
    assert wrong == []


def test_pure_modules_load_without_django() -> None:
    code = f"import sys, {', '.join(PURE)}; print(sorted(m for m in sys.modules if m.startswith('django')))"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_no_way_leads_from_hardware_to_a_refund() -> None:
    """F8: what decides on money knows no phone, and no row of it can refer to one."""
    lookers = FACES | {"evidence"}
    wrong = [
        f"{module.name}:{line} imports {name}"
        for module in modules()
        if module.app in ("billing", "policies", "complaints") and module.part not in lookers
        for name, line in imports_of(module)
        if name.split(".")[0] == "hardware"
    ]
    assert wrong == []
    references = [
        f"{model.__name__}.{field.name}"
        for model in own_models()
        if model._meta.app_label in ("billing", "policies", "complaints")
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and field.related_model._meta.app_label == "hardware"
    ]
    assert references == []


# --- How rows are written -----------------------------------------------------------------------

#: Writes that leave no history, and why each may: the rows are append-only or derived from such rows.
WITHOUT_HISTORY = {
    ("core/locks.py", "model._base_manager.using.raw"),
    ("audit/actions.py", "Event.objects.bulk_create"),
    ("billing/payments/actions.py", "Payment.objects.bulk_create"),
    ("billing/payments/prepayments/effects.py", "Payment.objects.bulk_create"),
    ("messaging/outbox/queue.py", "OutgoingMessage.objects.bulk_create"),
    ("billing/usage/actions.py", "UsageRecord.objects.bulk_create"),
    ("billing/usage/actions.py", "UsageDay.objects.filter.update"),
    ("billing/usage/actions.py", "UsageDay.objects.bulk_create"),
    ("billing/imports/actions.py", "InvoiceLine.objects.bulk_create"),
    ("billing/invoices/issuing.py", "InvoiceLine.objects.bulk_create"),
    ("billing/invoices/issuing.py", "CreditApplication.objects.bulk_create"),
    ("billing/runs/batch.py", "Event.objects.bulk_create"),
    ("complaints/back_tests/running.py", "BackTestCase.objects.bulk_create"),
    ("backoffice/presence.py", "Presence.objects.filter.delete"),
    ("backoffice/one_time.py", "UsedForm.objects.filter.delete"),
    ("jobs/progress.py", "Job.objects.filter.update"),
    ("jobs/runner.py", "Job.objects.filter.update"),
}
SET_BASED = {"update", "bulk_create", "bulk_update", "delete", "raw"}
NEVER = {
    "save_without_historical_record",
    "skip_history_when_saving",
    "_raw_delete",
    "bulk_create_with_history",
    "bulk_update_with_history",
    "save_base",
}
MANAGERS = {"objects", "_base_manager", "_default_manager", "QuerySet"}


def dotted(node: ast.expr) -> str:
    """A chain of attributes and calls as names: ``A.objects.filter(...).update`` is ``A.objects.filter.update``."""
    match node:
        case ast.Attribute():
            return f"{dotted(node.value)}.{node.attr}"
        case ast.Call():
            return dotted(node.func)
        case ast.Name():
            return node.id
        case _:
            return "?"


def test_tracked_rows_are_never_written_past_their_history() -> None:
    wrong = []
    for module in modules():
        file = module.path.relative_to(ROOT).as_posix()
        if file == "audit/bulk.py":
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and node.attr in NEVER:
                wrong.append(f"{file}:{node.lineno} {node.attr}")
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SET_BASED:
                chain = dotted(node.func)
                if set(chain.split(".")) & MANAGERS and (file, chain) not in WITHOUT_HISTORY:
                    wrong.append(f"{file}:{node.lineno} {chain}")
    assert wrong == []


def test_raw_sql_stays_where_bulk_writes_are_and_where_lists_are_counted() -> None:
    """Counts and pages of lists, and the comparison of rows with their history, only read: they ask for what the query
    sets cannot put into one question. A number is taken by one statement.
    """
    knowing = {
        "accounts.numbers.models",
        "audit.bulk",
        "audit.history_checks",
        "audit.versions",
        "backoffice.badges",
        "backoffice.paging",
        "demo.build",
    }
    wrong = [
        f"{module.path.relative_to(ROOT)}:{node.lineno}"
        for module in modules()
        if module.name not in knowing
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr in {"execute", "executemany", "cursor", "RawSQL"}
    ]
    assert wrong == []


def test_money_knows_no_float_and_is_rounded_in_one_place() -> None:
    """No float in anything that holds rules; and whoever rounds asks ``round_money``."""
    wrong = []
    for module in modules():
        if module.app == "audit" or module.part in FACES or module.name == "billing.money":
            continue
        for node in ast.walk(module.tree):
            name = dotted(node.func).split(".")[-1] if isinstance(node, ast.Call) else ""
            if name in {"float", "round", "quantize", "FloatField", "DecimalField"}:
                wrong.append(f"{module.name}:{node.lineno} {name}")  # type: ignore[attr-defined]
    # Adds zeros to what has fewer than two decimals, rounds nothing.
    assert [line for line in wrong if not line.startswith("core.fields:")] == []


# --- How rows are locked ------------------------------------------------------------------------


def chains_with(attribute: str, tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Each whole chain of calls that goes through the attribute, with its line."""
    longest: dict[int, tuple[str, int]] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or attribute not in dotted(node).split("."):
            continue
        root: ast.expr = node
        while isinstance(root, ast.Call | ast.Attribute):
            root = root.func if isinstance(root, ast.Call) else root.value
        if len(dotted(node)) > len(longest.get(id(root), ("", 0))[0]):
            longest[id(root)] = (dotted(node), node.lineno)
    yield from longest.values()


def test_locks_reach_the_rows_they_name_and_leave_keys_alone() -> None:
    """A model's own order may join another table, whose row is then locked out of turn; and a lock on a key
    blocks everybody who merely refers to the row. Both have closed circles.
    """
    wrong = []
    for module in modules():
        for chain, line in chains_with("select_for_update", module.tree):
            parts = chain.split(".")
            if set(parts) & MANAGERS and not {"order_by", "get"} & set(parts):
                wrong.append(f"{module.name}:{line} locks in the model's own order")
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and dotted(node).endswith(".select_for_update"):
                options = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                if options.get("no_key") != "True":
                    wrong.append(f"{module.name}:{node.lineno} locks keys")
    assert wrong == []


def test_actions_lock_in_the_one_order() -> None:
    """Within a function; what one call locks together is put in order by ``core.locks``."""
    rank = {apps.get_model(label).__name__: place for place, label in enumerate(LOCK_ORDER)}
    several = 0
    wrong = []
    for module in modules():
        for function in ast.walk(module.tree):
            if not isinstance(function, ast.FunctionDef):
                continue
            locked = [
                (node.lineno, node.args[0].id)
                for node in ast.walk(function)
                if isinstance(node, ast.Call)
                and dotted(node.func) == "action.lock"
                and isinstance(node.args[0], ast.Name)
            ]
            places = [rank[name] for _, name in sorted(locked) if name in rank]
            several += len(places) > 1
            if places != sorted(places):
                wrong.append(f"{module.name}:{function.lineno} {function.name}")
    assert wrong == []
    assert several > 2


@pytest.mark.django_db
def test_an_actions_lock_joins_nothing() -> None:
    user = User.objects.system()
    for model in own_models():
        with (
            CaptureQueriesContext(connection) as queries,
            pytest.raises(Refused),
            act(ListVerb.LIST_EXPORT, by=user, target=(model, None)) as action,
        ):
            action.lock(model, "" if model is NumberSeries else 0)  # type: ignore[arg-type]
        selects = [query["sql"] for query in queries if f'FROM "{model._meta.db_table}"' in query["sql"]]
        assert len(selects) == 1, model.__name__
        assert "JOIN" not in selects[0], model.__name__


# --- The tables ---------------------------------------------------------------------------------

#: Rows that need no past, and why.
UNTRACKED = {
    "Job": "its progress moves every second; asking for it, cancelling it and its end are events",
    "SavedView": "a filter under a name, one's own convenience",
    "UsedForm": "a token that was used up, with the request whose events are the proof; forgotten after its week",
    "Presence": "who has a page open just now, overwritten each time",
    "UsageDay": "a sum over append-only usage records, which are the proof",
    "NumberSeries": "a counter; the numbers themselves stand in the rows that took them",
}


def own_models() -> list[type[models.Model]]:
    """The concrete models of our apps without the history tables."""
    found = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in ORDER and not issubclass(model, HistoryRow)
    ]
    assert len(found) > 35
    return found


def history_tables() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if issubclass(model, HistoryRow)]


def test_every_row_is_tracked_or_written_once() -> None:
    loose = {model.__name__ for model in own_models() if not issubclass(model, Tracked | AppendOnlyModel)}
    assert loose == set(UNTRACKED)
    without = [model.__name__ for model in own_models() if issubclass(model, Tracked) and not hasattr(model, "history")]
    assert without == []
    tracked = [model for model in own_models() if issubclass(model, Tracked)]
    assert len(history_tables()) == len(tracked)


def test_nothing_is_deleted_along_with_something_else() -> None:
    unprotected = [
        f"{model.__name__}.{field.name}"
        for model in own_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and field.remote_field.on_delete is not models.PROTECT
    ]
    assert unprotected == []


def test_constraints_have_names_that_say_what_they_keep() -> None:
    names = [constraint.name for model in own_models() for constraint in model._meta.constraints]
    assert len(names) == len(set(names))
    assert all("_" in name and len(name) <= 63 for name in names)


@pytest.mark.django_db
def test_history_tables_have_three_indexes_and_no_more() -> None:
    """By object, by person, by time: each further one is paid for at every save."""
    with connection.cursor() as cursor:
        for model in history_tables():
            pk = model.instance_type._meta.pk.attname  # type: ignore[attr-defined]
            found = connection.introspection.get_constraints(cursor, model._meta.db_table)
            indexes = {
                tuple(zip(each["columns"], each["orders"], strict=True))
                for each in found.values()
                if each["index"] and not each["primary_key"] and not each["unique"]
            }
            newest = (("history_date", "DESC"), ("history_id", "DESC"))
            assert indexes == {
                ((pk, "ASC"), *newest),
                (("history_user_id", "ASC"), *newest),
                newest,
            }, model.__name__
            unique = [name for name, each in found.items() if each["unique"] and not each["primary_key"]]
            assert unique == [], model.__name__
