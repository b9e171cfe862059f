"""Which columns of a bank's statement mean what: a small TOML file. Pure.

docs/importing-bank-statements.md explains every key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from billing.imports.column_map import DateOrder, MapProblem
from core.sheets.problems import shown
from core.sheets.reading import DELIMITERS
from core.text import counted, say

SHIPPED: Final = Path(__file__).parent / "bank_maps"
LARGEST_MAP: Final = 64 * 1024  # bytes
REQUIRED: Final = ("booked_on", "amount", "currency", "text")
OPTIONAL: Final = ("payer", "id")


@dataclass(frozen=True, slots=True)
class BankMap:
    """Columns by what they mean. ``text`` may be several columns; ``currency`` a column or the same code throughout.

    ``line_id`` is the bank's own number of a booking, if its files have one.
    """

    name: str
    booked_on: str
    amount: str
    text: tuple[str, ...]
    currency: str = ""
    constant_currency: str = ""
    payer: str = ""
    line_id: str = ""
    delimiter: str = ","
    decimal_point: str = "."
    dates: DateOrder = DateOrder.YEAR_FIRST

    def check_header(self, header: Sequence[str]) -> None:
        """Raises ``MapProblem`` when the file lacks a column that the map names."""
        for column in (self.booked_on, self.amount, self.currency, self.payer, self.line_id, *self.text):
            if column and column not in header:
                known = ", ".join(shown(name) for name in header[:40])
                raise MapProblem(
                    say("The file has no column {column}; it has {known}.", column=shown(column), known=known)
                )


def shipped_bank_maps() -> list[str]:
    """The names under which maps of statements come with the product."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def load_bank_map(name_or_path: str) -> BankMap:
    """A shipped map by its name, or any other by its path.

    Raises:
        MapProblem: there is none, or it has a mistake; the message names the place in the map.
    """
    shipped = name_or_path in shipped_bank_maps()
    path = SHIPPED / f"{name_or_path}.toml" if shipped else Path(name_or_path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(LARGEST_MAP + 1)
    except OSError as error:
        names = ", ".join(shipped_bank_maps())
        raise MapProblem(
            say(
                "The map {map} cannot be read: {problem}. Give a file, or a shipped map: {names}.",
                map=shown(name_or_path),
                problem=error.strerror,
                names=names,
            )
        ) from None
    return parse_bank_map(raw, name=path.stem if shipped else path.name)


def parse_bank_map(raw: bytes, *, name: str) -> BankMap:
    """A map from the bytes of its file. Raises ``MapProblem`` as ``load_bank_map`` does."""
    if len(raw) > LARGEST_MAP:
        raise MapProblem(
            say(
                "{file} is larger than {count} bytes: this is no map of columns.", file=name, count=counted(LARGEST_MAP)
            )
        )
    try:
        document = tomllib.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise MapProblem(say("{file} is not UTF-8 (byte {byte}).", file=name, byte=error.start + 1)) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise MapProblem(say("{file} is not TOML: {problem}.", file=name, problem=error)) from None
    try:
        return _map(document, name)
    except MapProblem as problem:
        raise MapProblem(f"{name}: {problem}") from None


def _map(document: Mapping[str, Any], name: str) -> BankMap:
    _known_keys("", document, ("file", "fields"))
    file, fields = (_table(part, document.get(part, {})) for part in ("file", "fields"))
    _known_keys("file", file, ("delimiter", "decimal", "dates"))
    _known_keys("fields", fields, (*REQUIRED, *OPTIONAL))
    if missing := [field for field in REQUIRED if field not in fields]:
        raise MapProblem(say("{place}: {names} must be there.", place="fields", names=", ".join(missing)))
    text = fields["text"]
    columns = {field: _column(field, fields[field]) for field in ("booked_on", "amount", *OPTIONAL) if field in fields}
    currency = fields["currency"]
    constant = ""
    if isinstance(currency, dict):
        _known_keys("fields.currency", currency, ("constant",))
        constant, currency = _column("currency.constant", currency.get("constant")), ""
    else:
        currency = _column("currency", currency)
    return BankMap(
        name=name,
        booked_on=columns["booked_on"],
        amount=columns["amount"],
        text=tuple(_column("text", part) for part in (text if isinstance(text, list) and text else [text])),
        currency=currency,
        constant_currency=constant,
        payer=columns.get("payer", ""),
        line_id=columns.get("id", ""),
        delimiter=_one_of("file.delimiter", file.get("delimiter", ","), DELIMITERS),
        decimal_point=_one_of("file.decimal", file.get("decimal", "."), (".", ",")),
        dates=DateOrder(_one_of("file.dates", file.get("dates", "YYYY-MM-DD"), tuple(DateOrder))),
    )


def _known_keys(place: str, table: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in table:
        if key not in known:
            problem = say("{key} is unknown here; known are {known}.", key=shown(key), known=", ".join(known))
            raise MapProblem(f"{place}: {problem}" if place else problem)


def _table(place: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise MapProblem(say("{place}: a table is due.", place=place))
    return value


def _column(field: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise MapProblem(say("{place}: a name between quotation marks is due.", place=f"fields.{field}"))
    return value.strip()


def _one_of(place: str, value: Any, choices: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in choices:
        known = ", ".join(shown(choice) for choice in choices)
        raise MapProblem(
            say("{place}: one of {known} is due, not {text}.", place=place, known=known, text=shown(str(value)))
        )
    return value
