"""Sentences for whoever is looking, in their language, that remember how the record says the same.

The record (events, jobs, notes made by the program) is in English, so that one trail reads as one. Pages are in the
language of the person. A refusal is shown and recorded at once: ``say`` makes both from one sentence. Words that are
there before anybody looks (labels, titles, choices) are Django's ``gettext_lazy`` instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import get_language, gettext, ngettext, override

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: Words that may still have to find their language: what labels, titles and hints are.
type Text = StrOrPromise

#: The language of the record.
RECORD = "en"


class Words(str):  # noqa: SLOT000
    """Text in the language that was spoken when it was made; ``recorded`` is the same in English."""

    recorded: str

    def __new__(cls, shown: str, recorded: str) -> Self:
        made = super().__new__(cls, shown)
        made.recorded = recorded
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy is made with both.
        return Words, (str(self), self.recorded)

    def lower(self) -> Words:
        return Words(super().lower(), self.recorded.lower())

    def capitalize(self) -> Words:
        return Words(super().capitalize(), self.recorded.capitalize())


def say(message: str, /, **values: object) -> Words:
    """The sentence in the language of whoever is looking. ``{names}`` in it stand for the values.

    Days are written as people of the language write them, in the record as ISO 8601 does. Amounts are to be given as
    ``core.amounts.money_text`` writes them; other words as ``say`` or ``gettext_lazy`` made them.
    """
    return Words(_filled(gettext(message), values), _filled_for_record(message, values))


def say_count(one: str, many: str, count: int, /, **values: object) -> Words:
    """The sentence for one or for many; ``{count}`` is the number."""
    values = {"count": count, **values}
    return Words(_filled(ngettext(one, many, count), values), _filled_for_record(one if count == 1 else many, values))


def join(separator: str, parts: Iterable[object]) -> Words:
    """As ``separator.join``, of sentences and words of every kind."""
    found = list(parts)
    return Words(separator.join(map(_shown, found)), separator.join(map(recorded, found)))


def in_both(write: Callable[[], str]) -> Words:
    """What the function writes in the language of whoever is looking and, for the record, in English."""
    shown = write()
    if get_language() == RECORD:
        return Words(shown, shown)
    with override(RECORD):
        return Words(shown, write())


def number_text(number: Decimal) -> Words:
    """A number with every digit, with the point or comma of the language, ungrouped."""
    return in_both(lambda: number_format(number, use_l10n=True))


def counted(number: int) -> Words:
    """A whole number, grouped as the language groups it."""
    return in_both(lambda: number_format(number, use_l10n=True, force_grouping=True))


def recorded(text: object) -> str:
    """How the record says it: as ``say`` remembers, lazy words in English, anything else as it is."""
    if isinstance(text, Words):
        return text.recorded
    if isinstance(text, str):
        return str(text)
    if isinstance(text, date):
        return (
            text.isoformat() if not isinstance(text, datetime) else timezone.localtime(text).isoformat(" ", "minutes")
        )
    # Lazy words, and rows whose names have words in them.
    with override(RECORD):
        said = str(text)
        return said.recorded if isinstance(said, Words) else said


def _filled(message: str, values: dict[str, object]) -> str:
    return message.format(**{name: _shown(value) for name, value in values.items()}) if values else message


def _filled_for_record(message: str, values: dict[str, object]) -> str:
    return message.format(**{name: recorded(value) for name, value in values.items()}) if values else message


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return date_format(timezone.localtime(value), "DATETIME_FORMAT")
    return date_format(value) if isinstance(value, date) else str(value)
