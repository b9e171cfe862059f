"""What differs between two versions: words, paragraphs, figures. No database."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from policies.comparison.rules import Block, compare, compare_figures, compare_texts
from policies.parameters.parameters import PARAMETERS, FulfilmentParameters, RefundParameters
from policies.parameters.text import figure, figures
from policies.versions.text import rendered

SIGNS = {"same": "{}", "removed": "[-{}-]", "added": "[+{}+]"}


def shown(block: Block) -> str:
    sign = "#" * block.level or "*" if block.level or block.entry else ""
    words = "".join(" " * piece.spaced + SIGNS[piece.change].format(piece.text) for piece in block.pieces)
    return f"{sign} {words}".strip()


def diff(before: str, after: str) -> list[str]:
    return [shown(block) for block in compare_texts(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("", "", []),
        ("One two.", "One two.", ["One two."]),
        # How lines are broken, or how many blank ones there are, is no change.
        (
            "# Refunds\nOne two\nthree.\n\nFour.",
            "# Refunds\n\nOne\ntwo three.\n\n\nFour.\n",
            ["# Refunds", "One two three.", "Four."],
        ),
        ("We answer within 14 days.", "We answer within 10 days.", ["We answer within [-14-] [+10+] days."]),
        ("One. Two.", "One.\n\nTwo.", ["One. [-Two.-]", "[+Two.+]"]),
        # A comma that came is no other word; a number is one word.
        (
            "calls and texts cost 1,500.00.",
            "calls, texts and faxes cost 1,500.50.",
            ["calls[+, texts+] and [-texts-] [+faxes+] cost [-1,500.00-] [+1,500.50+]."],
        ),
        ("the customer's e-mail", "the customers' e-mail", ["the [-customer's-] [+customers'+] e-mail"]),
        ("Alone.", "", ["[-Alone.-]"]),
        ("", "# New\nHere.", ["# [+New+]", "[+Here.+]"]),
        # Nothing alike: one paragraph went, another came.
        (
            "Apples and pears are sold here.",
            "Nobody swims on Tuesday evening.",
            ["[-Apples and pears are sold here.-]", "[+Nobody swims on Tuesday evening.+]"],
        ),
        # A heading is never the new version of a paragraph.
        ("Cash is possible", "## Cash is possible", ["[-Cash is possible-]", "## [+Cash is possible+]"]),
        (
            "- as credit\n- in cash\n  or so",
            "- as credit\n- in cash\n  or in kind",
            ["* - as credit", "* - in cash or [-so-] [+in kind+]"],
        ),
        ("1. one\n2. two", "1. one\n2. three", ["* 1. one", "* 2. [-two-] [+three+]"]),
        ("a b c d", "a X c d e\n\na b c Y", ["[+a X c d e+]", "a b c [-d-] [+Y+]"]),
    ],
)
def test_texts_are_compared_word_by_word(before: str, after: str, expected: list[str]) -> None:
    assert diff(before, after) == expected


def test_what_was_and_what_is_can_be_read_off_a_comparison() -> None:
    """Leaving out what was added gives the first version, leaving out what was removed the second."""
    before = "# One\n\nWe pay back within a month.\n\n- by credit\n- in cash\n\nGone for good.\n\nThe end is near."
    after = "# One\n\nWe pay back within two weeks, always.\n\n- in cash\n- by credit\n\nThe end is here.\n\nNew."
    blocks = list(compare_texts(before, after))
    for text, missing in ((before, "added"), (after, "removed")):
        words = [
            "".join(" " * piece.spaced + piece.text for piece in block.pieces if piece.change != missing)
            for block in blocks
        ]
        assert " ".join(words).split() == text.replace("#", "").split()


def test_what_is_marked_down_stays_text() -> None:
    assert diff("As it was before now", "As it was <b>long</b> before now") == ["As it was [+<b>long</b>+] before now"]


def test_texts_of_any_length_are_compared() -> None:
    """Even where every paragraph is new, or one paragraph is a book: both would take hours word by word."""
    before = "\n\n".join(f"word{n} and so on it goes {n}" for n in range(400))
    after = "\n\n".join(f"and on it goes word{n} so" for n in range(400, 800))
    book, other = " ".join(f"w{n % 97}" for n in range(20_000)), " ".join(f"w{n % 89}" for n in range(20_000))
    assert len(diff(before, after)) == 800
    assert len(diff(book, other)) == 2


REFUND = RefundParameters().to_json()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"decide_within_days": 1}, [("A complaint is decided within", "14 days", "1 day", True)]),
        (
            {"consent_needed_after_days": None},
            [("A team lead has to consent if the period ended longer ago than", "180 days", "never", False)],
        ),
        (
            {"remedies": ["cash"]},
            [
                (
                    "A refund can be given as",
                    "credit on the next cycle, more minutes, a longer period, cash",
                    "cash",
                    True,
                )
            ],
        ),
        (
            {"minimum_interruption_seconds": 5400},
            [("The shortest interruption that counts", "4 hours", "1 hour 30 minutes", True)],
        ),
        (
            {"second_approval_above": {"USD": "9.00", "EUR": "500.00"}},
            [("Two people approve above", "any amount", "500.00 EUR, 9.00 USD, any amount in other currencies", False)],
        ),
        (
            {"as_of_day_counts": False},
            [("The day on which a complaint arrives counts as a day of service", "yes", "no", True)],
        ),
    ],
)
def test_figures_that_differ_read_in_plain_words(changes: dict[str, Any], expected: list[tuple[Any, ...]]) -> None:
    found = compare_figures(REFUND, {**REFUND, **changes})
    assert [(change.label, change.before, change.after, change.public) for change in found] == expected


def test_a_figure_that_one_version_does_not_have_is_named() -> None:
    before = {name: value for name, value in REFUND.items() if name != "decide_within_days"}
    (gained,) = compare_figures(before, REFUND)
    (lost,) = compare_figures(REFUND, before)
    assert (gained.before, gained.after) == ("not fixed", "14 days")
    assert (lost.before, lost.after) == ("14 days", "not fixed")


def test_a_comparison_says_what_concerns_customers() -> None:
    found = compare("Same.", "Same.", REFUND, {**REFUND, "decide_within_days": 3, "approval_window_days": 30})
    assert found.is_text_same
    assert [change.name for change in found.figures] == ["decide_within_days", "approval_window_days"]
    assert [change.name for change in found.public_figures] == ["decide_within_days"]
    assert not compare("Same.", "Other.", {}, {}).is_text_same


@pytest.mark.parametrize("kind", [RefundParameters, FulfilmentParameters])
def test_every_figure_has_words(kind: type[Any]) -> None:
    """A figure without words would be shown by its stored name, and never on the public page."""
    assert {entry.name for entry in fields(kind)} - set(PARAMETERS) == set()
    values = kind().to_json()
    listed = figures(values)
    # Those for everybody come first, each part in the table's order.
    assert [shown.name for shown in listed] == [
        name for public in (True, False) for name in values if PARAMETERS[name].public is public
    ]
    for shown in listed:
        assert "_" not in shown.label + shown.value
        assert shown.value


def test_a_figure_without_words_is_still_shown_to_staff() -> None:
    unknown = figure("some_new_thing", {"EUR": [1, True]})
    assert (unknown.label, unknown.value, unknown.public) == ("Some new thing", "EUR: 1, yes", False)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# One\n\n## Two", "<h3>One</h3>\n<h4>Two</h4>\n"),
        ("## One\n\n# Two", "<h4>One</h4>\n<h3>Two</h3>\n"),
        ("### One", "<h3>One</h3>\n"),
        ("# a\n\n###### b", "<h3>a</h3>\n<h6>b</h6>\n"),
        ("<script>alert(1)</script>", ""),
        ("a ![x](https://elsewhere.example/x.png) b", "<p>a  b</p>\n"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>\n"),
        ('<b onclick="x">bold</b>', "<p><b>bold</b></p>\n"),
    ],
)
def test_texts_become_safe_html_beneath_the_pages_headings(text: str, html: str) -> None:
    assert rendered(text) == html
