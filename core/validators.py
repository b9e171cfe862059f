"""Codes that come from the world's lists: currencies, countries, bank accounts."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import cache

from babel import Locale
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from iso4217 import Currency
from stdnum import iban
from stdnum.eu import vat
from stdnum.exceptions import ValidationError as NumberError

from core.text import say, when_read

#: Marks that turn the direction of what follows: a name with one shows as another name.
BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def validate_visible(text: str) -> None:
    """A name that people can read: a letter, digit or sign in it, no control character, no mark that turns its
    direction.
    """
    if any(char in BIDI or unicodedata.category(char) in {"Cc", "Zl", "Zp"} for char in text):
        raise ValidationError(say("This holds characters that cannot be seen."), code="hidden")
    if not any(unicodedata.category(char)[0] in "LNPS" for char in text):
        raise ValidationError(say("This has no character that can be seen."), code="blank")


@when_read
def problem_in_words(check: Callable[[], object]) -> str:
    """What a check says when it fails, as a page and as the record says it; nothing when it does not fail.

    It is asked anew for the record: Django's checks write their messages in the language of the moment.
    """
    try:
        check()
    except ValidationError as problem:
        return " ".join(problem.messages)
    return ""


def validate_currency(code: str) -> None:
    """An ISO 4217 code of a currency that has a minor unit (no metals, no test codes)."""
    try:
        known = Currency(code).exponent is not None
    except ValueError:
        known = False
    if not known:
        raise ValidationError(say("“%(code)s” is no currency of ISO 4217."), code="currency", params={"code": code})


def fits_currency(amount: Decimal, currency: str) -> bool:
    """Whether the amount is a whole number of the (known) currency's minor units: 10.50 EUR is, 10.5 JPY is not."""
    decimals: int = Currency(currency).exponent or 0
    scaled: Fraction = Fraction(amount) * 10**decimals
    return scaled.denominator == 1


_NO_COUNTRIES = frozenset({"ZZ", "EU", "EZ", "UN", "QO", "XA", "XB"})


def names_in(language: str | None) -> Locale:
    """Where the names of countries and currencies are found in a language of the pages."""
    return Locale.parse((language or settings.LANGUAGE_CODE).replace("-", "_"))


def countries() -> dict[str, str]:
    """The names of ISO 3166's countries by their two-letter codes, in the language of whoever is looking."""
    return _countries(get_language())


@cache
def _countries(language: str | None) -> dict[str, str]:
    # The same codes in every language: a few names are known in English alone.
    territories = {**Locale("en").territories, **names_in(language).territories}
    return {
        code: name
        for code, name in territories.items()
        if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES
    }


def validate_country(code: str) -> None:
    """An ISO 3166 two-letter code."""
    if code not in countries():
        raise ValidationError(say("“%(code)s” is no country of ISO 3166."), code="country", params={"code": code})


def validate_iban(number: str) -> None:
    """An IBAN with a right checksum and the right length for its country."""
    try:
        iban.validate(number)
    except NumberError as problem:
        raise ValidationError(
            say("“%(number)s” is no valid IBAN: %(problem)s"),
            code="iban",
            params={"number": number, "problem": problem},
        ) from None


def clean_tax_number(number: str, country: str) -> str:
    """The tax number in one spelling. Where the country has VAT numbers of the EU it is one of them, checked by its
    digits and with its prefix; elsewhere it is kept as it was written.

    Raises:
        ValidationError: it is no VAT number of the country.
    """
    text = " ".join(number.split())
    if not text or country.lower() not in vat.MEMBER_STATES:
        return text
    compact = text.upper().translate(str.maketrans("", "", " .-/"))
    prefix = "EL" if country == "GR" else country
    whole = compact if compact.startswith((prefix, country)) else prefix + compact
    if not vat.is_valid(whole):
        raise ValidationError(
            say("“%(number)s” is no VAT number of %(country)s."),
            code="tax_number",
            params={"number": number, "country": countries().get(country, country)},
        )
    return prefix + whole[2:]
