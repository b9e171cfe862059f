"""Column maps, the small TOML files that say which of a file's columns means what: what all of them share. Pure.

Every mistake is told with its place in the map.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from core.sheets.problems import quoted
from core.sheets.reading import DELIMITERS
from core.text import Text, counted, say

#: The keys of the table about the file that every map has.
SETTINGS: Final = ("delimiter", "decimal", "dates")


class MapProblem(Exception):
    """The column map has a mistake, or does not fit the file."""


class DateOrder(StrEnum):
    """How the file writes dates."""

    YEAR_FIRST = "YYYY-MM-DD"
    DAY_FIRST = "DD/MM/YYYY"
    MONTH_FIRST = "MM/DD/YYYY"
    DAY_FIRST_DOTS = "DD.MM.YYYY"


def shipped_in(folder: Path) -> list[str]:
    """The names under which maps come with the product."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def load[Map](name_or_path: str, folder: Path, parse: Callable[..., Map], *, largest: int) -> Map:
    """A shipped map by its name, or any other by its path.

    Raises:
        MapProblem: there is none, or it has a mistake; the message names the place in the map.
    """
    shipped = name_or_path in shipped_in(folder)
    path = folder / f"{name_or_path}.toml" if shipped else Path(name_or_path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(largest + 1)
    except OSError as error:
        names = ", ".join(shipped_in(folder))
        raise MapProblem(
            say(
                "The map {map} cannot be read: {problem}. Give a file, or a shipped map: {names}.",
                map=quoted(name_or_path),
                problem=error.strerror,
                names=names,
            )
        ) from None
    return parse(raw, name=path.stem if shipped else path.name)


def parsed[Map](raw: bytes, make: Callable[[Mapping[str, Any]], Map], *, name: str, largest: int) -> Map:
    """What ``make`` reads from the tables of a map. Raises ``MapProblem`` as ``load`` does."""
    if len(raw) > largest:
        raise MapProblem(
            say("{file} is larger than {count} bytes: this is no column map.", file=name, count=counted(largest))
        )
    try:
        document = tomllib.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise MapProblem(say("{file} is not UTF-8 (byte {byte}).", file=name, byte=error.start + 1)) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise MapProblem(say("{file} is not TOML: {problem}.", file=name, problem=error)) from None
    try:
        known_keys("", document, ("file", "fields"))
        return make(document)
    except MapProblem as problem:
        raise MapProblem(f"{name}: {problem}") from None


def settings_of(file: Mapping[str, Any]) -> dict[str, Any]:
    """How the file is written, from the map's table about it, by the names under which maps keep it."""
    return {
        "delimiter": one_of("file.delimiter", file.get("delimiter", ","), DELIMITERS),
        "decimal_point": one_of("file.decimal", file.get("decimal", "."), (".", ",")),
        "dates": DateOrder(one_of("file.dates", file.get("dates", "YYYY-MM-DD"), tuple(DateOrder))),
    }


def fields_of(document: Mapping[str, Any], known: Sequence[str], required: Sequence[str]) -> Mapping[str, Any]:
    """The table of fields, with every required one."""
    fields = table("fields", document.get("fields", {}))
    known_keys("fields", fields, known)
    if missing := [name for name in required if name not in fields]:
        raise MapProblem(say("{place}: {names} must be there.", place="fields", names=", ".join(missing)))
    return fields


def known_keys(place: str, entries: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in entries:
        if key not in known:
            problem = say("{key} is unknown here; known are {known}.", key=quoted(key), known=", ".join(known))
            raise MapProblem(f"{place}: {problem}" if place else problem)


def table(place: str, value: Any, *, due: Text | None = None) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _not_due(place, due or say("a table"), value)
    return value


def text(place: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _not_due(place, say("a text between quotation marks"), value)
    return value


def one_of(place: str, value: Any, choices: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in choices:
        known = ", ".join(quoted(choice) for choice in choices)
        raise MapProblem(
            say("{place}: one of {known} is due, not {text}.", place=place, known=known, text=quoted(str(value)))
        )
    return value


def _not_due(place: str, due: Text, value: Any) -> MapProblem:
    match value:
        case bool():
            kind = say("true or false")
        case int() | float():
            kind = say("a number")
        case list():
            kind = say("a list")
        case dict():
            kind = say("a table")
        case str():
            kind = say("a text")
        case _:
            kind = say("a date or time")
    return MapProblem(say("{place}: {due} is due, not {kind}.", place=place, due=due, kind=kind))
