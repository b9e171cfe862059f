"""What a policy version fixes in figures, besides its text. Pure: no Django, no models.

Stored as JSON with the version; read through these classes, which refuse what they do not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Self

from billing.money import UnknownCurrency, is_whole_minor
from policies.choices import Basis, DayCount, RemedyKind, known_countries

#: Longer than any deadline anybody promises; a warning or an escalation later than that is a slip of the hand.
MOST_DAYS_OF_WARNING = 60


class PolicyParameterError(ValueError):
    """A parameter that is unknown or out of range. ``field`` names it.

    ``code`` names what people can do wrong in a form, "" what only programs can; ``currency`` is the one it is about.
    """

    def __init__(self, field: str, message: str, *, code: str = "", currency: str = "") -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message
        self.code = code
        self.currency = currency


class _Parameters:
    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The parameters from their stored form. Raises ``PolicyParameterError``."""
        known = {entry.name for entry in fields(cls)}  # type: ignore[arg-type]
        for name in data:
            if name not in known:
                raise PolicyParameterError(name, "This is no parameter of the policy.")
        return cls(**data)

    def to_json(self) -> dict[str, Any]:
        """The stored form."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()  # type: ignore[call-overload]
        }


@dataclass(frozen=True, slots=True)
class FulfilmentParameters(_Parameters):
    """What the fulfilment policy fixes."""

    full_month_allowed: bool = True
    """Whether a full month's fee may be refunded at discretion (F5)."""

    def __post_init__(self) -> None:
        if not isinstance(self.full_month_allowed, bool):
            raise PolicyParameterError("full_month_allowed", "This must be true or false.")


@dataclass(frozen=True, slots=True)
class RefundParameters(_Parameters):
    """What the refund policy fixes. Days are calendar days, unless they are deadlines and ``deadline_days`` says
    otherwise; amounts are strings by currency.
    """

    bases: tuple[str, ...] = (Basis.USAGE, Basis.INTERRUPTION, Basis.SPECIAL)
    """The bases that may be quoted, besides the full month, which is the other policy's."""
    remedies: tuple[str, ...] = tuple(RemedyKind)
    as_of_day_counts: bool = True
    minimum_interruption_seconds: int = 4 * 60 * 60
    second_approval_above: Mapping[str, str] = field(default_factory=dict)
    """Above this amount two people approve; a currency that is not named always needs two."""
    approval_window_days: int = 90
    """How far back what a customer was granted counts against an approver's limit."""
    draft_expires_after_days: int = 30
    proposal_expires_after_days: int = 14
    acknowledge_within_days: int = 2
    decide_within_days: int = 14
    deadline_days: str = DayCount.CALENDAR
    """Which days the two deadlines count: calendar days, or working days."""
    holidays_of: str = ""
    """The country (ISO 3166) whose weekends and public holidays are no working days; empty: the customer's."""
    warn_before_days: int = 3
    """From so many calendar days before a deadline's last day on it is shown as near."""
    escalate_after_days: int | None = 7
    """So many calendar days after a missed deadline to decide, and every so many further ones, an undecided case rises
    by a level; None: never by itself.
    """
    indemnity_per_day: Mapping[str, str] = field(default_factory=dict)
    """What a day of delay may be worth to the customer; nothing in a currency that is not named."""
    indemnity_maximum: Mapping[str, str] = field(default_factory=dict)
    """The most for one delay, besides the period's fee; in a currency that is not named the fee alone limits it."""
    silence_closes_after_days: int = 30
    consent_needed_after_days: int | None = 180
    """A complaint that came later than this after its period's end needs a lead's consent; None: never."""
    further_way: str = "the dispute resolution body of the customer's country"
    """Where a customer who is not satisfied can turn; a rejection has to name it."""

    def __post_init__(self) -> None:
        self._check_choices("bases", Basis)
        self._check_choices("remedies", RemedyKind)
        if not isinstance(self.as_of_day_counts, bool):
            raise PolicyParameterError("as_of_day_counts", "This must be true or false.")
        for name in (
            "minimum_interruption_seconds",
            "approval_window_days",
            "draft_expires_after_days",
            "proposal_expires_after_days",
            "acknowledge_within_days",
            "decide_within_days",
            "silence_closes_after_days",
        ):
            self._check_whole(name, getattr(self, name))
        if self.consent_needed_after_days is not None:
            self._check_whole("consent_needed_after_days", self.consent_needed_after_days)
        self._check_deadlines()
        self._check_indemnity()
        # What comes from JSON can be of any type, whatever the annotations say.
        further_way: Any = self.further_way
        self._check_amounts("second_approval_above")
        if not isinstance(further_way, str) or not further_way.strip():
            raise PolicyParameterError("further_way", "Name where an unsatisfied customer can turn.")

    def _check_deadlines(self) -> None:
        if self.deadline_days not in list(DayCount):
            raise PolicyParameterError("deadline_days", f"This must be one of {', '.join(DayCount)}.")
        object.__setattr__(self, "deadline_days", str(self.deadline_days))
        country: Any = self.holidays_of
        if not isinstance(country, str) or (country and country not in known_countries()):
            raise PolicyParameterError(
                "holidays_of",
                f"The public holidays of {self.holidays_of!r} are not known: give a country's two letters, such as IT,"
                " or nothing for the customer's country.",
            )
        self._check_whole("warn_before_days", self.warn_before_days)
        if self.warn_before_days > MOST_DAYS_OF_WARNING:
            raise PolicyParameterError("warn_before_days", f"This can be {MOST_DAYS_OF_WARNING} days at most.")
        if self.escalate_after_days is not None:
            self._check_whole("escalate_after_days", self.escalate_after_days)
            if self.escalate_after_days == 0:
                raise PolicyParameterError("escalate_after_days", "This must be at least one day, or never.")

    def _check_indemnity(self) -> None:
        for name in ("indemnity_per_day", "indemnity_maximum"):
            self._check_amounts(name)
            for currency, amount in getattr(self, name).items():
                if Decimal(amount) == 0:
                    raise PolicyParameterError(
                        name,
                        f"{currency}: leave the currency out instead of naming nothing.",
                        code="nothing_a_day",
                        currency=currency,
                    )
        for currency in self.indemnity_maximum:
            if currency not in self.indemnity_per_day:
                raise PolicyParameterError(
                    "indemnity_maximum",
                    f"{currency}: there is a maximum, but no amount for a day of delay.",
                    code="maximum_alone",
                    currency=currency,
                )

    def needs_two_approvals(self, amount: Decimal, currency: str) -> bool:
        """Whether two different people have to approve the amount."""
        threshold = self.second_approval_above.get(currency)
        return threshold is None or amount > Decimal(threshold)

    def indemnity_for(self, days_late: int, currency: str) -> Decimal | None:
        """What a delay of so many calendar days is worth, up to the maximum; None without an indemnity in the currency.

        The period's fee and what can still be refunded limit it further. Raises ``ValueError`` without a delay.
        """
        if days_late < 1:
            raise ValueError(f"{days_late} days are no delay")
        if currency not in self.indemnity_per_day:
            return None
        amount = days_late * Decimal(self.indemnity_per_day[currency])
        most = self.indemnity_maximum.get(currency)
        return amount if most is None else min(amount, Decimal(most))

    def _check_amounts(self, name: str) -> None:
        # What comes from JSON can be of any type, whatever the annotations say.
        amounts: Any = getattr(self, name)
        if not isinstance(amounts, Mapping):
            raise PolicyParameterError(name, "This must give an amount by currency.")
        for currency, amount in amounts.items():
            try:
                fine = isinstance(amount, str) and Decimal(amount) >= 0 and is_whole_minor(Decimal(amount), currency)
            except (InvalidOperation, UnknownCurrency, ValueError):
                fine = False
            if not fine:
                raise PolicyParameterError(name, f"{currency}: {amount!r} is no amount of it.")

    def _check_choices(self, name: str, choices: type[StrEnum]) -> None:
        given = getattr(self, name)
        if not isinstance(given, list | tuple) or not given or len(set(given)) != len(given):
            raise PolicyParameterError(name, "This must be a list of different values, at least one.")
        for value in given:
            if value not in set(choices):
                raise PolicyParameterError(name, f"{value!r} is not one of {', '.join(choices)}.")
        object.__setattr__(self, name, tuple(str(value) for value in given))

    @staticmethod
    def _check_whole(name: str, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10_000_000:
            raise PolicyParameterError(name, "This must be a whole number, not negative.")
