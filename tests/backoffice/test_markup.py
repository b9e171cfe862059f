"""Data is never markup: nothing that somebody typed is marked as safe, in templates or in code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: What switches escaping off in a template.
UNSAFE_IN_TEMPLATES = re.compile(r"\|\s*(?:safe|safeseq)\b|{%-?\s*autoescape\s+off|\|\s*unescape\b")
MARKS = frozenset({"mark_safe", "SafeString", "SafeText", "SafeData"})
#: Where HTML is put together by hand, for speed, or comes from a cleaner or from our own files.
BY_HAND = {
    "backoffice/changelist.py": "cells of a list; each is safe or escaped before",
    "backoffice/display.py": "pills and numbers; every text passes ``escaped``",
    "backoffice/templatetags/backoffice.py": "a class is added to what Django made of a heading",
    "complaints/cases/admin.py": "cells of the list of cases; every text passes ``escaped``",
    "core/icons.py": "drawings that are shipped with the product",
    "policies/versions/text.py": "Markdown of a policy, cleaned by nh3",
}


def our_templates() -> list[Path]:
    return sorted(path for path in (ROOT / "templates").rglob("*") if path.is_file())


def our_code() -> list[Path]:
    apps = (path for path in ROOT.iterdir() if (path / "__init__.py").exists() and path.name != "tests")
    return sorted(path for app in apps for path in app.rglob("*.py") if "migrations" not in path.parts)


def test_no_template_switches_escaping_off() -> None:
    templates = our_templates()
    assert len(templates) > 50
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in templates
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if UNSAFE_IN_TEMPLATES.search(line)
    ]
    assert not found


def marks_of(code: str) -> Iterator[ast.Call]:
    """What the code marks as safe, but for texts that stand in the code themselves."""
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in MARKS and not all(isinstance(argument, ast.Constant) for argument in node.args):
            yield node


def test_no_code_marks_data_as_safe_but_where_it_is_listed() -> None:
    marked = {str(path.relative_to(ROOT)) for path in our_code() if any(marks_of(path.read_text()))}
    assert marked == set(BY_HAND)


def test_the_words_of_format_html_are_the_code_s_own() -> None:
    """Its first argument is taken as it is."""
    found = []
    for path in our_code():
        tree = ast.parse(path.read_text())
        named = {
            target.id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "format_html":
                words = node.args[0]
                if isinstance(words, ast.Name):
                    words = named.get(words.id, words)
                if not _is_of_the_code(words):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not found


def _is_of_the_code(words: ast.expr) -> bool:
    translated = isinstance(words, ast.Call) and getattr(words.func, "id", "") in {"gettext", "_"}
    return isinstance(words.args[0] if translated else words, ast.Constant)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("line", "unsafe"),
    [
        ("{{ field.help_text|safe }}", True),
        ("{{ name | safe }}", True),
        ("{{ names|join:', '|safeseq }}", True),
        ("{% autoescape off %}", True),
        ("{{ safe }} {{ name|escape }}", False),
    ],
)
def test_what_counts_as_switched_off(line: str, unsafe: bool) -> None:
    assert bool(UNSAFE_IN_TEMPLATES.search(line)) is unsafe


@pytest.mark.parametrize(
    ("code", "marks"),
    [
        ("mark_safe(name)", 1),
        ("SafeString(say('none'))", 1),
        ("safestring.mark_safe(f'<b>{name}</b>')", 1),
        ("SafeString('–')", 0),
        ("format_html('{}', name)", 0),
    ],
)
def test_what_counts_as_marked(code: str, marks: int) -> None:
    assert len(list(marks_of(code))) == marks
