"""Sentences in the language of whoever is looking, and as the record says them."""

from __future__ import annotations

import copy
import pickle
from datetime import date
from typing import Any

import pytest
from django.utils.translation import gettext_lazy, override

from core.text import Words, in_both, join, recorded, say, say_count

DAY = date(2026, 11, 22)


def both(words: Words) -> tuple[str, str]:
    return str(words), words.recorded


def test_days_are_written_as_people_do_and_recorded_as_iso() -> None:
    with override("it"):
        assert both(say("{day}", day=DAY)) == ("22 nov 2026", "2026-11-22")


def test_what_is_put_in_is_recorded_as_it_says_itself() -> None:
    inner = Words("sei", "six")
    with override("it"):
        assert both(say("[{number}]", number=inner)) == ("[sei]", "[six]")
        # Django's own words.
        assert both(say("[{answer}]", answer=gettext_lazy("Yes"))) == ("[Sì]", "[Yes]")
        assert both(join(", ", [inner, gettext_lazy("Yes"), "x"])) == ("sei, Sì, x", "six, Yes, x")


@pytest.mark.parametrize(("count", "said"), [(0, "0 of many"), (1, "1 alone"), (2, "2 of many")])
def test_the_number_chooses_the_sentence(count: int, said: str) -> None:
    assert both(say_count("{count} alone", "{count} of many", count)) == (said, said)


def test_small_and_capital_letters_change_in_both() -> None:
    assert both(Words("SEI", "SIX").lower()) == ("sei", "six")
    assert both(Words("sei", "six").capitalize()) == ("Sei", "Six")


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda words: pickle.loads(pickle.dumps(words))])  # noqa: S301
def test_a_copy_remembers_both(again: Any) -> None:
    assert both(again(Words("sei", "six"))) == ("sei", "six")


def test_what_is_no_sentence_is_recorded_as_it_is() -> None:
    with override("it"):
        assert [recorded(value) for value in ("x", 7, DAY, gettext_lazy("Yes"))] == ["x", "7", "2026-11-22", "Yes"]
        assert both(in_both(lambda: f"{gettext_lazy('Yes')}!")) == ("Sì!", "Yes!")
