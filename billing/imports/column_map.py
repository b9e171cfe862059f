"""The column map: which of a file's columns means what here. Pure.

It is a small TOML file; docs/importing-customers.md explains every key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from string import Formatter
from typing import Any, Final

from core.sheets import maps
from core.sheets.maps import DateOrder, MapProblem
from core.sheets.problems import quoted
from core.text import say

SHIPPED: Final = Path(__file__).parent / "maps"
LARGEST_MAP: Final = 256 * 1024  # bytes
EVERYTHING_ELSE: Final = "*"


class MappedField(StrEnum):
    """What an import fills in, by the names that maps and messages use."""

    NUMBER = "number"
    NAME = "name"
    KIND = "kind"
    EMAIL = "email"
    PHONE = "phone"
    COUNTRY = "country"
    LANGUAGE = "language"
    CURRENCY = "currency"
    POSTAL_ADDRESS = "postal_address"
    POSTAL_STREET = "postal_street"
    POSTAL_NUMBER = "postal_number"
    POSTAL_POSTCODE = "postal_postcode"
    POSTAL_TOWN = "postal_town"
    CUSTOMER_SINCE = "customer_since"
    NOTES = "notes"
    PLAN = "plan"
    TERM = "term"
    FEE = "fee"
    ACTIVATED_ON = "activated_on"


REQUIRED: Final = frozenset(
    {
        MappedField.NUMBER,
        MappedField.NAME,
        MappedField.COUNTRY,
        MappedField.CURRENCY,
        MappedField.PLAN,
        MappedField.TERM,
        MappedField.ACTIVATED_ON,
    }
)
DATES: Final = frozenset({MappedField.CUSTOMER_SINCE, MappedField.ACTIVATED_ON})


class Per(StrEnum):
    """For how long the file's fee is: the row's whole term, or one month of it."""

    TERM = "term"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class ColumnSource:
    """Where a field's value comes from: exactly one of the first four.

    ``pattern`` puts columns into a text: ``"Customer {customerID}"``. ``months_before_today`` is a column
    with a whole number of months, counted back from the day of the import. ``translate`` replaces values it
    knows and leaves the others; ``default`` stands in for a blank cell.
    """

    column: str | None = None
    constant: str | None = None
    pattern: str | None = None
    months_before_today: str | None = None
    translate: Mapping[str, str] = field(default_factory=dict)
    default: str = ""
    optional: bool = False
    per: Per = Per.TERM

    @property
    def columns(self) -> tuple[str, ...]:
        """The file's columns it reads, in order."""
        if self.pattern is not None:
            return tuple(name for _, name, _, _ in Formatter().parse(self.pattern) if name is not None)
        return tuple(name for name in (self.column, self.months_before_today) if name is not None)


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """A whole map; ``name`` and ``sha256`` are for the record of what an import went by."""

    name: str
    sha256: str
    sources: Mapping[MappedField, ColumnSource]
    delimiter: str = ","
    decimal_point: str = "."
    dates: DateOrder = DateOrder.YEAR_FIRST
    ignored: frozenset[str] = frozenset()

    def for_header(self, header: Sequence[str]) -> ColumnMap:
        """The map without its optional columns that this file lacks.

        Raises:
            MapProblem: a column that the file lacks, or one of the file's that is neither used nor ignored:
                leaving data out is a decision, not an oversight.
        """
        present = set(header)
        sources: dict[MappedField, ColumnSource] = {}
        for name, source in self.sources.items():
            missing = [column for column in source.columns if column not in present]
            if missing and not source.optional:
                known = ", ".join(quoted(column) for column in header[:40])
                raise MapProblem(f"{name}: the file has no column {quoted(missing[0])}; it has {known}.")
            if not missing:
                sources[name] = source
        used = {column for source in self.sources.values() for column in source.columns}
        extra = [column for column in header if column not in used | self.ignored]
        if extra and EVERYTHING_ELSE not in self.ignored:
            raise MapProblem(
                f"The map neither uses nor ignores {', '.join(quoted(column) for column in extra[:40])}:"
                " say what they are, or add them to file.ignore."
            )
        return ColumnMap(self.name, self.sha256, sources, self.delimiter, self.decimal_point, self.dates, self.ignored)


def shipped_maps() -> list[str]:
    """The names under which maps come with the product."""
    return maps.shipped_in(SHIPPED)


def load_map(name_or_path: str) -> ColumnMap:
    """A shipped map by its name (``own``, ``telco``), or any other by its path.

    Raises:
        MapProblem: there is none, or it has a mistake; the message names the place in the map.
    """
    return maps.load(name_or_path, SHIPPED, parse_map, largest=LARGEST_MAP)


def parse_map(raw: bytes, *, name: str) -> ColumnMap:
    """A map from the bytes of its file. Raises ``MapProblem`` as ``load_map`` does."""
    sha256 = hashlib.sha256(raw).hexdigest()
    return maps.parsed(raw, lambda document: _map(document, name, sha256), name=name, largest=LARGEST_MAP)


def _map(document: Mapping[str, Any], name: str, sha256: str) -> ColumnMap:
    file = maps.table("file", document.get("file", {}))
    maps.known_keys("file", file, (*maps.SETTINGS, "ignore"))
    required = [name.value for name in MappedField if name in REQUIRED]
    fields = maps.fields_of(document, tuple(MappedField), required)
    sources = {MappedField(key): _source(MappedField(key), value) for key, value in fields.items()}
    ignored = file.get("ignore", [])
    if not isinstance(ignored, list) or not all(isinstance(column, str) for column in ignored):
        raise MapProblem("file.ignore: a list of column names is due.")
    used = {column for source in sources.values() for column in source.columns}
    if both := sorted(used & set(ignored)):
        raise MapProblem(f"file.ignore: {quoted(both[0])} is used, too.")
    return ColumnMap(name, sha256, sources, ignored=frozenset(ignored), **maps.settings_of(file))


_ORIGINS: Final = ("column", "constant", "pattern", "months_before_today")
_OPTIONS: Final = ("translate", "default", "optional", "per")


def _source(name: MappedField, value: Any) -> ColumnSource:
    place = f"fields.{name}"
    if isinstance(value, str):
        value = {"column": value}
    table = maps.table(place, value, due=say("a column's name or a table"))
    maps.known_keys(place, table, _ORIGINS + _OPTIONS)
    origins = [key for key in _ORIGINS if key in table]
    if len(origins) != 1:
        raise MapProblem(f"{place}: exactly one of {', '.join(_ORIGINS)} is due.")
    origin = origins[0]
    texts = {key: maps.text(f"{place}.{key}", table[key]) for key in (origin, "default") if key in table}
    if not texts[origin].strip():
        raise MapProblem(f"{place}.{origin} is blank.")
    if origin == "months_before_today" and name not in DATES:
        raise MapProblem(f"{place}: only dates can be counted back from months.")
    if origin in {"constant", "months_before_today"} and (
        left := [key for key in _OPTIONS if key in table and key != "per"]
    ):
        raise MapProblem(f"{place}: {left[0]} means nothing beside {origin}.")
    if origin == "pattern":
        _check_pattern(f"{place}.pattern", texts[origin])
    optional = table.get("optional", False)
    if not isinstance(optional, bool):
        raise MapProblem(f"{place}.optional: true or false is due.")
    if optional and name in REQUIRED:
        raise MapProblem(f"{place}.optional: {name} must be there.")
    if "per" in table and name is not MappedField.FEE:
        raise MapProblem(f"{place}.per: only a fee is per something.")
    return ColumnSource(
        **texts,
        translate=_translation(f"{place}.translate", table.get("translate", {})),
        optional=optional,
        per=Per(maps.one_of(f"{place}.per", table.get("per", "term"), tuple(Per))),
    )


def _translation(place: str, value: Any) -> dict[str, str]:
    table = maps.table(place, value)
    return {key.strip(): maps.text(f"{place}.{quoted(key)}", text).strip() for key, text in table.items()}


def _check_pattern(place: str, pattern: str) -> None:
    try:
        parts = list(Formatter().parse(pattern))
    except ValueError as error:
        raise MapProblem(f"{place}: {error}.") from None
    names = [name for _, name, _, _ in parts if name is not None]
    if not names or not all(names):
        raise MapProblem(f"{place}: it names no column between braces, such as {{customerID}}.")
    if any(form or conversion for _, _, form, conversion in parts):
        raise MapProblem(f"{place}: only column names belong between the braces.")
