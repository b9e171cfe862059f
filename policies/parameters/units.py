"""What a policy's figures can be: their groups, their units, and how each unit is checked. Pure.

How a unit reads stands in ``policies.parameters.text``, how it is asked for in ``policies.parameters.forms``.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import Enum, StrEnum, auto
from typing import Any, Final

from billing.money import UnknownCurrency, is_whole_minor
from policies.choices import Basis, DayCount, RemedyKind, gettext_noop, known_countries


class PolicyParameterError(ValueError):
    """A parameter that is unknown or out of range. ``field`` names it.

    ``template`` is the sentence with ``values`` in braces, for whoever says it in another language.
    """

    def __init__(self, field: str, template: str, **values: str) -> None:
        self.field, self.template, self.values = field, template, values
        self.message = template.format(**values) if values else template
        super().__init__(f"{field}: {self.message}")


class ParameterGroup(StrEnum):
    """The groups of the forms, in their order."""

    WHAT = gettext_noop("What may be refunded")
    INTERRUPTIONS = gettext_noop("Interruptions")
    APPROVALS = gettext_noop("Approvals and expiry")
    DEADLINES = gettext_noop("Deadlines")
    INDEMNITY = gettext_noop("Indemnity for a late answer")
    FURTHER = gettext_noop("The way to take it further")


class Unit(Enum):
    """What a figure counts or names."""

    YES_NO = auto()
    BASES = auto()
    REMEDIES = auto()
    DAY_COUNT = auto()
    COUNTRY = auto()
    TEXT = auto()
    SECONDS = auto()
    DAYS = auto()
    COUNT = auto()
    LAST_DAYS = auto()
    DAYS_OR_NEVER = auto()
    EVERY_DAYS_OR_NEVER = auto()
    AMOUNTS_ABOVE = auto()
    AMOUNTS_A_DAY = auto()
    AMOUNTS_AT_MOST = auto()


#: Whole numbers; those "or never" can be None, which means never.
NUMBERS: Final = frozenset(
    {Unit.SECONDS, Unit.DAYS, Unit.COUNT, Unit.LAST_DAYS, Unit.DAYS_OR_NEVER, Unit.EVERY_DAYS_OR_NEVER}
)


def checked(unit: Unit, name: str, value: Any) -> Any:
    """The value of a figure as it is kept. What comes from JSON can be of any type.

    Raises:
        PolicyParameterError: the value is none of the unit.
    """
    problem = ""
    match unit:
        case Unit.BASES:
            return _several(Basis, name, value)
        case Unit.REMEDIES:
            return _several(RemedyKind, name, value)
        case Unit.AMOUNTS_ABOVE | Unit.AMOUNTS_A_DAY | Unit.AMOUNTS_AT_MOST:
            _check_amounts(name, value, or_nothing=unit is Unit.AMOUNTS_ABOVE)
        case Unit.YES_NO if not isinstance(value, bool):
            problem = "This must be true or false."
        case Unit.DAY_COUNT if value not in list(DayCount):
            problem = f"This must be one of {', '.join(DayCount)}."
        case Unit.COUNTRY if not isinstance(value, str) or (value and value not in known_countries()):
            problem = (
                f"The public holidays of {value!r} are not known: give a country's two letters, such as IT,"
                " or nothing for the customer's country."
            )
        case Unit.TEXT if not isinstance(value, str) or not value.strip():
            problem = "Name where an unsatisfied customer can turn."
        case Unit.DAYS_OR_NEVER | Unit.EVERY_DAYS_OR_NEVER if value is None:
            return None
        case _ if unit in NUMBERS and (type(value) is not int or not 0 <= value <= 10_000_000):
            problem = "This must be a whole number, not negative."
        case Unit.EVERY_DAYS_OR_NEVER if value == 0:
            problem = "This must be at least one day, or never."
    if problem:
        raise PolicyParameterError(name, problem)
    return str(value) if unit is Unit.DAY_COUNT else value


def _several(choices: type[StrEnum], name: str, given: Any) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or not given or len(set(given)) != len(given):
        raise PolicyParameterError(name, "This must be a list of different values, at least one.")
    for value in given:
        if value not in set(choices):
            raise PolicyParameterError(name, f"{value!r} is not one of {', '.join(choices)}.")
    return tuple(str(value) for value in given)


def _check_amounts(name: str, amounts: Any, *, or_nothing: bool) -> None:
    if not isinstance(amounts, Mapping):
        raise PolicyParameterError(name, "This must give an amount by currency.")
    for currency, amount in amounts.items():
        try:
            fine = isinstance(amount, str) and Decimal(amount) >= 0 and is_whole_minor(Decimal(amount), currency)
        except (InvalidOperation, UnknownCurrency, ValueError):
            fine = False
        if not fine:
            raise PolicyParameterError(name, f"{currency}: {amount!r} is no amount of it.")
        if not or_nothing and Decimal(amount) == 0:
            sentence = gettext_noop("{currency}: leave the currency out instead of naming nothing.")
            raise PolicyParameterError(name, sentence, currency=currency)
