"""Sentences: shown in the language of whoever reads them, put on record in English.

``say`` makes a lazy text, as ``gettext_lazy`` does: it is put into words when somebody reads it. A page reads it as it
is; the record (events, jobs, notes made by the program) takes it ``in_english``, so that one trail reads as one. What
is kept in a column, a session or JSON is made plain text first: ``in_english`` or, for whoever looks now, ``str``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.functional import lazy
from django.utils.translation import gettext, ngettext, override

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise, StrPromise

#: Words, or words that still have to find their language.
type Text = StrOrPromise

#: The language of the record.
RECORD = "en"
_on_record = ContextVar("on_record", default=False)


def when_read[**P](write: Callable[P, str]) -> Callable[P, StrPromise]:
    """A function that writes, put off until somebody reads, in their language."""
    return lazy(write, str)  # type: ignore[return-value]


@when_read
def say(message: str, /, **values: object) -> str:
    """The sentence; ``{names}`` in it stand for the values.

    Days are written as people of the language write them, in the record as ISO 8601 does. Amounts are to be given as
    ``core.amounts.money_text`` writes them; other words, and rows, as they are: a ``str`` of them has a language.
    """
    return _filled(gettext(message), values)


@when_read
def say_count(one: str, many: str, count: int, /, **values: object) -> str:
    """The sentence for one or for many; ``{count}`` is the number."""
    return _filled(ngettext(one, many, count), {"count": count, **values})


def join(separator: str, parts: Iterable[object]) -> StrPromise:
    """As ``separator.join``, of sentences, words, rows and days."""
    return _joined(separator, list(parts))


@when_read
def _joined(separator: str, parts: list[object]) -> str:
    return separator.join(map(_words, parts))


@when_read
def lower(text: Text) -> str:
    """The words in small letters."""
    return text.lower()


@when_read
def number_text(number: Decimal) -> str:
    """A number with every digit, with the point or comma of the language, ungrouped."""
    return number_format(number, use_l10n=True)


@when_read
def counted(number: int) -> str:
    """A whole number, grouped as the language groups it."""
    return grouped(number)


def grouped(number: Decimal | int, decimals: int | None = None) -> str:
    """A number in the language of now, its thousands parted; without ``decimals`` it keeps its own."""
    # Unicode's minus sign: a hyphen before a number is easily lost.
    return number_format(number, decimals, use_l10n=True, force_grouping=True).replace("-", "\u2212", 1)


def in_english(text: object) -> str:
    """How the record says it: sentences, words and the names of rows in English, days by ISO 8601."""
    token = _on_record.set(True)
    try:
        with override(RECORD):
            return _words(text)
    finally:
        _on_record.reset(token)


@when_read
def fill(words: Text, values: dict[str, object]) -> str:
    """Words that are sentences already, their ``{names}`` filled as ``say`` fills its own."""
    return _filled(str(words), values)


def _filled(message: str, values: dict[str, object]) -> str:
    return message.format(**{name: _words(value) for name, value in values.items()}) if values else message


def _words(value: object) -> str:
    if not isinstance(value, date):
        return str(value)
    if isinstance(value, datetime):
        local = timezone.localtime(value)
        return local.isoformat(" ", "minutes") if _on_record.get() else date_format(local, "DATETIME_FORMAT")
    return value.isoformat() if _on_record.get() else date_format(value)
