"""Sentences in the language of whoever is looking, and as the record says them."""

from __future__ import annotations

import copy
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext_lazy, override

from core.text import Text, counted, in_english, join, lower, number_text, say, say_count, when_read

DAY = date(2026, 11, 22)
MOMENT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
YES = gettext_lazy("Yes")  # Django's own word


def both(text: Text) -> tuple[str, str]:
    """As an Italian reads it, and as the record says it."""
    with override("it"):
        return str(text), in_english(text)


class Row:
    """A row with words in its name."""

    def __str__(self) -> str:
        return str(say("{answer} of {day}", answer=YES, day=DAY))


def test_days_are_written_as_people_do_and_recorded_as_iso() -> None:
    assert both(say("{day}", day=DAY)) == ("22 nov 2026", "2026-11-22")
    assert in_english(say("{moment}", moment=MOMENT))[:10] == in_english(DAY) == "2026-11-22"
    assert str(say("{day}", day=DAY)) == "22 Nov 2026"


def test_what_is_put_in_is_recorded_as_it_says_itself() -> None:
    assert both(say("[{number}]", number=say("[{answer}]", answer=YES))) == ("[[Sì]]", "[[Yes]]")
    assert both(say("[{row}]", row=Row())) == ("[Sì of 22 nov 2026]", "[Yes of 2026-11-22]")
    assert both(join(", ", [say("[{answer}]", answer=YES), YES, DAY, Row(), "x"])) == (
        "[Sì], Sì, 22 nov 2026, Sì of 22 nov 2026, x",
        "[Yes], Yes, 2026-11-22, Yes of 2026-11-22, x",
    )


@pytest.mark.parametrize(("count", "said"), [(0, "0 of many"), (1, "1 alone"), (2, "2 of many")])
def test_the_number_chooses_the_sentence(count: int, said: str) -> None:
    assert both(say_count("{count} alone", "{count} of many", count)) == (said, said)


def test_a_sentence_without_values_is_not_filled() -> None:
    assert both(say("{braces} stay")) == ("{braces} stay", "{braces} stay")


def test_numbers_are_written_as_the_reader_writes_them() -> None:
    assert both(number_text(Decimal("1234.50"))) == ("1234,50", "1234.50")
    assert both(counted(1234567)) == ("1.234.567", "1,234,567")


def test_small_letters_wait_for_the_language_too() -> None:
    assert both(lower(YES)) == ("sì", "yes")


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy])
def test_a_copy_still_finds_its_language(again: Any) -> None:
    assert both(again(say("[{answer}]", answer=YES))) == ("[Sì]", "[Yes]")


def test_nothing_that_is_kept_takes_a_sentence_without_a_language() -> None:
    with pytest.raises(TypeError):
        json.dumps(say("six"))
    with override("it"):
        assert json.dumps(say("[{answer}]", answer=YES), cls=DjangoJSONEncoder, ensure_ascii=False) == '"[Sì]"'


def test_what_is_no_sentence_is_recorded_as_it_is() -> None:
    with override("it"):
        assert [in_english(value) for value in ("x", 7, DAY, YES)] == ["x", "7", "2026-11-22", "Yes"]
    assert both(when_read(lambda: f"{YES}!")()) == ("Sì!", "Yes!")


def test_the_record_leaves_the_reader_their_language() -> None:
    with override("it"):
        assert both(say("{day}", day=DAY)) == both(say("{day}", day=DAY))
        assert str(say("{day}", day=DAY)) == "22 nov 2026"
