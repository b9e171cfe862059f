"""Which columns of a bank's statement mean what: a small TOML file. Pure.

docs/importing-bank-statements.md explains every key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.sheets import maps
from core.sheets.maps import DateOrder, MapProblem
from core.sheets.problems import quoted
from core.text import say

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
                known = ", ".join(quoted(name) for name in header[:40])
                raise MapProblem(
                    say("The file has no column {column}; it has {known}.", column=quoted(column), known=known)
                )


def shipped_bank_maps() -> list[str]:
    """The names under which maps of statements come with the product."""
    return maps.shipped_in(SHIPPED)


def load_bank_map(name_or_path: str) -> BankMap:
    """A shipped map by its name, or any other by its path.

    Raises:
        MapProblem: there is none, or it has a mistake; the message names the place in the map.
    """
    return maps.load(name_or_path, SHIPPED, parse_bank_map, largest=LARGEST_MAP)


def parse_bank_map(raw: bytes, *, name: str) -> BankMap:
    """A map from the bytes of its file. Raises ``MapProblem`` as ``load_bank_map`` does."""
    return maps.parsed(raw, lambda document: _map(document, name), name=name, largest=LARGEST_MAP)


def _map(document: Mapping[str, Any], name: str) -> BankMap:
    file = maps.table("file", document.get("file", {}))
    maps.known_keys("file", file, maps.SETTINGS)
    fields = maps.fields_of(document, (*REQUIRED, *OPTIONAL), REQUIRED)
    text = fields["text"]
    columns = {field: _column(field, fields[field]) for field in ("booked_on", "amount", *OPTIONAL) if field in fields}
    currency = fields["currency"]
    constant = ""
    if isinstance(currency, dict):
        maps.known_keys("fields.currency", currency, ("constant",))
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
        **maps.settings_of(file),
    )


def _column(field: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise MapProblem(say("{place}: a name between quotation marks is due.", place=f"fields.{field}"))
    return value.strip()
