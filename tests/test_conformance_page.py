"""docs/policy-conformance.md: it has every clause, and whatever it names is there, down to the function."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "policy-conformance.md").read_text(encoding="utf-8")
CLAUSES = [*(f"F{number}" for number in range(1, 12)), *(f"R{number}" for number in range(1, 8))]
#: What the page sets as code: a name within a file, a file, or a test among the clauses'.
QUOTED = sorted(set(re.findall(r"`([^`]+)`", PAGE.replace("`a/file.py:name`", ""))))
WITHIN = [quoted for quoted in QUOTED if re.fullmatch(r"[\w/]+\.py:[\w.]+", quoted)]
FILES = [quoted for quoted in QUOTED if "/" in quoted and ":" not in quoted]
TESTS = {quoted for quoted in QUOTED if quoted.startswith("test_")}
#: Words of the calculation.
BASES = {"usage", "interruption", "special"}


@cache
def defined_in(path: str) -> frozenset[str]:
    """The functions and classes of a file, and the methods of the classes as ``Class.method``."""
    return frozenset(_names(ast.parse((ROOT / path).read_text(encoding="utf-8"), path), ""))


def _names(node: ast.AST, prefix: str) -> Iterator[str]:
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield prefix + inner.name
            if isinstance(inner, ast.ClassDef):
                yield from _names(inner, f"{prefix}{inner.name}.")


def row_of(clause: str) -> list[str]:
    """The cells of the clause's only row."""
    (row,) = re.findall(rf"^\| {clause} \|(.*)\|$", PAGE, re.MULTILINE)
    return [cell.strip() for cell in str(row).split(" | ")]


def test_the_page_has_these_clauses_in_order_and_no_others() -> None:
    assert re.findall(r"^\| ([A-Z]\d+) \|", PAGE, re.MULTILINE) == CLAUSES


@pytest.mark.parametrize("clause", CLAUSES)
def test_a_clause_names_its_rule_its_functions_and_its_tests(clause: str) -> None:
    rule, where, tests, gaps = row_of(clause)
    assert rule
    assert gaps
    assert set(re.findall(r"`([^`]+)`", where)) & set(WITHIN), "no function is named"
    own = set(re.findall(r"`(test_\w+)`", tests))
    assert own == {name for name in defined_in("tests/test_clauses.py") if name.startswith(f"test_{clause.lower()}_")}
    assert own


def test_whatever_is_quoted_is_something_that_can_be_looked_up() -> None:
    assert {name for name in defined_in("tests/test_clauses.py") if re.match(r"test_[fr]\d", name)} == TESTS
    assert set(QUOTED) - set(WITHIN) - set(FILES) - TESTS - BASES == set()
    assert [path for path in FILES if path.endswith(".py") and path != "tests/test_clauses.py"] == []


@pytest.mark.parametrize("named", WITHIN)
def test_the_function_is_there(named: str) -> None:
    path, _, name = named.partition(":")
    assert (ROOT / path).is_file(), f"no file {path}"
    assert name in defined_in(path), f"{path} has no {name}"


@pytest.mark.parametrize("path", FILES)
def test_the_file_is_there(path: str) -> None:
    assert (ROOT / path).is_file()
