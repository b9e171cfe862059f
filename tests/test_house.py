"""The house: which rooms there are, what stands in each, and who imports whom.

Everything that is ours to decide stands in the tables; the tests below them only compare.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# --- The tables ---------------------------------------------------------------------------------

#: Each app imports those before it, never one after it; what only the type checker reads counts too.
ORDER = (
    "core", "audit", "backoffice", "accounts", "jobs", "messaging", "hardware", "billing", "policies", "complaints",
    "reports", "demo",
)  # fmt: skip
#: Apps that are one room: their files stand at the root, under the same names as in any other room.
ONE_ROOM = {"core", "audit", "backoffice", "jobs", "demo"}
#: What may stand at the root of an app of several rooms: the pure contracts and choices, and what Django or the frame
#: looks for.
CONTRACTS = {
    "policies/choices.py",
    "billing/money.py",
    "billing/periods.py",
    "complaints/refund_calculation.py",
    "complaints/deadlines.py",
}
AT_ROOT = {"__init__", "apps", "pages", "models", "vocabulary"}
#: Those of them that only gather what the rooms define: imports and ``__all__``.
GATHERING = {"models", "pages"}

#: The files of a room from the lowest to the highest; each imports its equals and those before it, in any app.
LAYERS: tuple[AbstractSet[str], ...] = (
    {"choices", "validators"},
    {"models"},
    {"rules", "merge_rules", "facts", "effects"},
    {"actions", "tasks", "job_kinds"},
    {"forms", "panels", "pills", "page_actions", "admin", "home", "search", "views", "urls", "pages"},
)
#: Files of a room that stand at no height: words, what is told and what is checked.
WITHOUT_LAYER = {"__init__", "apps", "text", "notifications", "kinds", "ledger", "common"}
#: Files that one room alone has: a noun of its own, which no name above says.
OWN_FILES = {
    "accounts/company/checks.py",
    "accounts/customers/changes.py",
    "accounts/customers/duplicates.py",
    "accounts/customers/links.py",
    "accounts/imports/frame.py",
    "accounts/staff/approvers.py",
    "accounts/staff/auth.py",
    "accounts/staff/language/middleware.py",
    "accounts/staff/permissions.py",
    "billing/documents/content.py",
    "billing/documents/pdf.py",
    "billing/imports/bank.py",
    "billing/imports/bank_map.py",
    "billing/imports/column_map.py",
    "billing/imports/preparing.py",
    "billing/imports/values.py",
    "billing/invoices/issuing.py",
    "billing/invoices/receivables.py",
    "billing/ledger/history.py",
    "billing/ledger/invoice_voids.py",
    "billing/ledger/money.py",
    "billing/ledger/periods.py",
    "billing/ledger/prepayments.py",
    "billing/ledger/receipts.py",
    "billing/ledger/terms.py",
    "billing/payouts/payables.py",
    "billing/remedies/granted_minutes.py",
    "billing/runs/batch.py",
    "billing/runs/due.py",
    "billing/usage/imports/rows.py",
    "billing/usage/sparkline.py",
    "complaints/back_tests/earlier_refunds.py",
    "complaints/back_tests/running.py",
    "complaints/back_tests/tally.py",
    "complaints/cases/attachments.py",
    "complaints/cases/deadlines/status.py",
    "complaints/cases/evidence.py",
    "complaints/cases/guards.py",
    "complaints/digests/contents.py",
    "complaints/digests/times.py",
    "complaints/letters/drafts.py",
    "complaints/letters/outcomes.py",
    "complaints/quotes/comparable_cases.py",
    "complaints/quotes/earlier_refunds.py",
    "complaints/quotes/input_errors.py",
    "complaints/quotes/inputs.py",
    "complaints/quotes/inputs_json.py",
    "complaints/quotes/intervals.py",
    "complaints/quotes/live_quote.py",
    "complaints/quotes/quote_json.py",
    "complaints/quotes/quoting.py",
    "complaints/quotes/what_if.py",
    "complaints/quotes/receipts.py",
    "complaints/refunds/customer_totals.py",
    "complaints/refunds/documents.py",
    "complaints/refunds/inbox.py",
    "complaints/refunds/work_queues.py",
    "complaints/reversals/plan.py",
    "complaints/signals/proposals.py",
    "hardware/imports/rows.py",
    "messaging/bounces/reading.py",
    "messaging/outbox/queue.py",
    "messaging/sending/transport.py",
    "messaging/templates/reader.py",
    "messaging/templates/rendering.py",
    "messaging/templates/tags.py",
    "policies/parameters/parameters.py",
    "policies/parameters/units.py",
    "reports/statistics/statistics.py",
}
#: Folders whose files have names of their own: Django finds them by the folder, or they are data.
FREE_FOLDERS = {"management", "migrations", "templatetags", "maps", "bank_maps"}
#: Apps in which names are the subject's own: the frame is no room by noun, nor is what everybody needs.
FREE_APPS = {"core", "audit", "backoffice", "jobs", "demo"}

#: Modules that know neither Django nor a model, and the packages that they may know.
PURE = (
    "billing.money",
    "billing.periods",
    "complaints.refund_calculation",
    "complaints.deadlines",
    "complaints.quotes.earlier_refunds",
    "complaints.quotes.input_errors",
    "complaints.quotes.inputs",
    "complaints.quotes.inputs_json",
    "complaints.quotes.intervals",
    "complaints.quotes.quote_json",
    "policies.choices",
    "policies.parameters.parameters",
    "policies.parameters.units",
)
PURE_MAY_KNOW = sys.stdlib_module_names | {"holidays", "iso4217"}

#: Class names that may stand twice, and why: Django or a library asks for the name.
TWICE = {"Command", "Operation"}  # an operation of a plan, and one in the pure calculation, a contract
LONGEST = 400


# --- Reading ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Module:
    """One file of an app."""

    name: str
    path: Path

    @property
    def app(self) -> str:
        return self.name.split(".")[0]

    @property
    def file(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def stem(self) -> str:
        """What the file is in its room; all in a folder of page actions is one of these."""
        return "page_actions" if "page_actions" in self.path.parts else self.path.stem

    @property
    def tree(self) -> ast.Module:
        return parsed(self.path)


LAYERED = frozenset().union(*LAYERS)


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
            if "migrations" not in parts:
                found.append(Module(".".join(parts[:-1] if parts[-1] == "__init__" else parts), path))
    return tuple(found)


@cache
def imports_of(module: Module) -> tuple[tuple[str, int], ...]:
    """Each module that a module imports, with the line: in functions and for the type checker alone too."""
    return tuple(_imports(module))


def _imports(module: Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.file}:{node.lineno}: imports are absolute"
            assert node.module is not None
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield (whole if is_module(whole) else node.module), node.lineno


@cache
def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def own_imports() -> Iterator[tuple[Module, Module, int]]:
    """Every arrow between two modules of ours, with its line."""
    by_name = {module.name: module for module in modules()}
    for module in modules():
        for name, line in imports_of(module):
            if name in by_name and name != module.name:
                yield module, by_name[name], line


type Graph = Mapping[str, AbstractSet[str]]


def circles(graph: Graph) -> list[list[str]]:
    """The groups of names that each reach one another (Tarjan), sorted."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(graph.get(name, ())):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            at = stack.index(name)
            group = stack[at:]
            del stack[at:]
            if len(group) > 1:
                found.append(sorted(group))

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return sorted(found)


def arrows_within(group: list[str], arrows: Mapping[tuple[str, str], list[str]]) -> str:
    """A few of the lines that close the circle, for the message."""
    lines = [f"{a} -> {b}: {where[0]}" for (a, b), where in sorted(arrows.items()) if {a, b} <= set(group)]
    return "\n".join(lines)


# --- Who imports whom ---------------------------------------------------------------------------


def test_every_app_is_in_the_order() -> None:
    assert {path.parent.name for path in ROOT.glob("*/apps.py")} <= {*ORDER, "config"}
    assert [app for app in ORDER if not (ROOT / app / "__init__.py").is_file()] == []
    assert len(modules()) > 60


@pytest.mark.parametrize("app", ORDER)
def test_an_app_imports_only_those_below_it(app: str) -> None:
    above = {*ORDER[ORDER.index(app) + 1 :], "tests", "benchmarks"}
    wrong = [
        f"{module.file}:{line} imports {name}"
        for module in modules()
        if module.app == app
        for name, line in imports_of(module)
        if name.split(".")[0] in above
    ]
    assert wrong == []


@pytest.mark.parametrize("what", ["app", "name"])
def test_no_circle_is_closed(what: str) -> None:
    """Neither between apps nor between single modules. Rooms of one app refer to each other at different heights: a
    page of invoices leads to the payments, an action on payments writes invoices.
    """
    graph: dict[str, set[str]] = defaultdict(set)
    arrows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for module, other, line in own_imports():
        a, b = getattr(module, what), getattr(other, what)
        if a != b:
            graph[a].add(b)
            arrows[a, b].append(f"{module.file}:{line}")
    found = circles(graph)
    assert found == [], "\n\n".join(f"{group}\n{arrows_within(group, arrows)}" for group in found)


def gathers(module: Module) -> bool:
    return module.app not in ONE_ROOM and module.path.parent == ROOT / module.app and module.path.stem in AT_ROOT


def test_a_circle_would_be_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}) == [["a", "b", "c"]]
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_in_a_room_imports_go_from_the_pages_to_the_actions_to_the_rules_to_the_models() -> None:
    height = {stem: at for at, layer in enumerate(LAYERS) for stem in layer}
    wrong = [
        f"{module.file}:{line} imports {other.name}"
        for module, other, line in own_imports()
        if module.app not in FREE_APPS and other.app not in FREE_APPS and not gathers(module)
        if height.get(module.stem, len(LAYERS)) < height.get(other.stem, -1)
    ]
    assert wrong == []


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_knows_neither_django_nor_a_model(name: str) -> None:
    module = {module.name: module for module in modules()}[name]
    wrong = [
        f"{module.file}:{line} imports {imported}"
        for imported, line in imports_of(module)
        if imported not in PURE and imported.split(".")[0] not in PURE_MAY_KNOW
    ]
    assert wrong == []


# --- What stands where --------------------------------------------------------------------------


def test_no_module_stands_loose_at_the_root_of_an_app() -> None:
    loose = [
        module.file
        for module in modules()
        if module.app not in ONE_ROOM and module.path.parent == ROOT / module.app
        if module.path.stem not in AT_ROOT and module.file not in CONTRACTS
    ]
    assert loose == []


def test_the_contracts_are_there() -> None:
    assert [file for file in sorted(CONTRACTS) if not (ROOT / file).is_file()] == []
    assert {file.removesuffix(".py").replace("/", ".") for file in CONTRACTS} <= set(PURE)


def test_what_gathers_defines_nothing() -> None:
    wrong = [
        f"{module.file}:{node.lineno}"
        for module in modules()
        if gathers(module) and module.path.stem in GATHERING
        for node in module.tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    ]
    assert wrong == []


def test_every_room_has_files_of_the_same_names() -> None:
    known = LAYERED | WITHOUT_LAYER
    strange = [
        module.file
        for module in modules()
        if module.app not in FREE_APPS and module.file not in CONTRACTS and not gathers(module)
        if FREE_FOLDERS.isdisjoint(module.path.parts) and module.stem not in known and module.file not in OWN_FILES
    ]
    assert strange == []
    assert [file for file in OWN_FILES if not (ROOT / file).is_file()] == []


def test_a_class_has_a_name_of_its_own() -> None:
    """Nested ones (``Meta``, ``State``) are named together with the class around them."""
    places: dict[str, list[str]] = defaultdict(list)
    for module in modules():
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef) and node.name not in TWICE:
                places[node.name].append(f"{module.file}:{node.lineno}")
    assert {name: where for name, where in sorted(places.items()) if len(where) > 1} == {}


def test_no_file_is_longer_than_a_room_needs() -> None:
    # The stories of the demonstration are told one after the other, like data.
    told = (module for module in modules() if "stories" not in module.path.parts)
    lengths = {module.file: len(module.path.read_text(encoding="utf-8").splitlines()) for module in told}
    assert {file: length for file, length in lengths.items() if length > LONGEST} == {}
