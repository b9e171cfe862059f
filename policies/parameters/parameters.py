"""What a policy version fixes in figures, besides its text. Pure: no Django, no models.

The fields of the two classes are the one table of all figures: type, usual value, group, unit, words, and whether the
public page shows it. Forms, pages, comparisons and checks are made from it: a further figure is a further field.

Stored as JSON with the version; read through these classes, which refuse what they do not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any, Self

from policies.choices import Basis, DayCount, RemedyKind, gettext_noop
from policies.parameters.units import ParameterGroup, PolicyParameterError, Unit, checked

#: Longer than any deadline anybody promises; a warning or an escalation later than that is a slip of the hand.
MOST_DAYS_OF_WARNING = 60


@dataclass(frozen=True, slots=True)
class Parameter:
    """A figure for people: what it is called, in which group it is asked for, and a hint for whoever types it.

    ``public`` says whether the public page shows it: what a customer can expect is shown, how staff check each other
    is not. ``most`` is the largest number, if there is one of its own. A ``control`` is the company's own check on its
    staff: no agreement with a customer changes it, and control limits say how far a policy may go.
    """

    group: ParameterGroup
    unit: Unit
    label: str
    hint: str = ""
    public: bool = False
    most: int | None = None
    control: bool = False


def _internal(
    default: Any,
    group: ParameterGroup,
    unit: Unit,
    label: str,
    hint: str = "",
    *,
    public: bool = False,
    most: int | None = None,
    control: bool = False,
) -> Any:
    metadata = {"parameter": Parameter(group, unit, label, hint, public, most, control)}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


_public = partial(_internal, public=True)


@dataclass(frozen=True, slots=True)
class _Parameters:
    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The parameters from their stored form. Raises ``PolicyParameterError``."""
        known = {entry.name for entry in fields(cls)}
        for name in data:
            if name not in known:
                raise PolicyParameterError(name, "This is no parameter of the policy.")
        return cls(**data)

    def to_json(self) -> dict[str, Any]:
        """The stored form."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    def __post_init__(self) -> None:
        for entry in fields(self):
            parameter: Parameter = entry.metadata["parameter"]
            value = checked(parameter.unit, entry.name, getattr(self, entry.name))
            object.__setattr__(self, entry.name, value)
            if parameter.most is not None and value > parameter.most:
                raise PolicyParameterError(entry.name, f"This can be {parameter.most} days at most.")


@dataclass(frozen=True, slots=True)
class FulfilmentParameters(_Parameters):
    """What the fulfilment policy fixes."""

    # fmt: off
    # Whether a full month's fee may be refunded at discretion (F5).
    full_month_allowed: bool = _public(True, ParameterGroup.WHAT, Unit.YES_NO,
        gettext_noop("A full month may be given back at discretion"))
    cancellation_days_back: int = _internal(30, ParameterGroup.DEADLINES, Unit.DAYS,
        gettext_noop("A cancellation may be typed in for a day that lies back by up to"),
        gettext_noop("From an earlier day a team lead or a manager cancels."))

    # fmt: on


@dataclass(frozen=True, slots=True)
class RefundParameters(_Parameters):
    """What the refund policy fixes. Days are calendar days, unless they are deadlines and ``deadline_days`` says
    otherwise; amounts are strings by currency.
    """

    # fmt: off
    # The bases that may be quoted, besides the full month, which is the other policy's.
    bases: tuple[str, ...] = _public((Basis.USAGE, Basis.INTERRUPTION, Basis.SPECIAL), ParameterGroup.WHAT, Unit.BASES,
        gettext_noop("A refund is counted by"))
    remedies: tuple[str, ...] = _public(tuple(RemedyKind), ParameterGroup.WHAT, Unit.REMEDIES,
        gettext_noop("A refund can be given as"))
    as_of_day_counts: bool = _public(True, ParameterGroup.WHAT, Unit.YES_NO,
        gettext_noop("The day on which a complaint arrives counts as a day of service"),
        gettext_noop("If it counts, the customer had the service on that day, and it is taken off."))
    # A complaint that came later than this after its period's end needs a lead's consent.
    consent_needed_after_days: int | None = _internal(180, ParameterGroup.WHAT, Unit.DAYS_OR_NEVER,
        gettext_noop("A team lead has to consent if the period ended longer ago than"),
        gettext_noop("A number of days, or “never”."))
    # Pending and settled ones count, by the day of their proposal.
    full_months_within_a_year: int = _public(2, ParameterGroup.WHAT, Unit.COUNT,
        gettext_noop("Full months that one subscription may be given back within 12 months"),
        gettext_noop("More needs an agreement with the customer."))
    # Zero: they end with the period that receives them.
    granted_minutes_further_periods: int = _public(1, ParameterGroup.WHAT, Unit.COUNT,
        gettext_noop("Minutes given as a refund last for this many periods after the one that receives them"))
    minimum_interruption_seconds: int = _public(4 * 60 * 60, ParameterGroup.INTERRUPTIONS, Unit.SECONDS,
        gettext_noop("The shortest interruption that counts"))
    acknowledge_within_days: int = _public(2, ParameterGroup.DEADLINES, Unit.DAYS,
        gettext_noop("Receipt of a complaint is confirmed within"),
        gettext_noop("After the day on which it reached us."))
    decide_within_days: int = _public(14, ParameterGroup.DEADLINES, Unit.DAYS,
        gettext_noop("A complaint is decided within"),
        gettext_noop("After the day on which it reached us."))
    tell_within_days: int = _public(3, ParameterGroup.DEADLINES, Unit.DAYS,
        gettext_noop("The decision is told within"),
        gettext_noop("After the last day on which it is to be made."))
    # Which days the deadlines count.
    deadline_days: str = _public(DayCount.CALENDAR.value, ParameterGroup.DEADLINES, Unit.DAY_COUNT,
        gettext_noop("These days are"),
        gettext_noop("Working days leave out the weekends and public holidays of a country, by its calendar of each "
                     "year."))
    # ISO 3166; empty: the customer's country.
    holidays_of: str = _public("", ParameterGroup.DEADLINES, Unit.COUNTRY,
        gettext_noop("Working days leave out the weekends and public holidays of"),
        gettext_noop("For working days alone."))
    # What a day of delay may be worth to the customer; nothing in a currency that is not named.
    indemnity_per_day: Mapping[str, str] = _public({}, ParameterGroup.INDEMNITY, Unit.AMOUNTS_A_DAY,
        gettext_noop("For each day by which an answer is late we may give"),
        gettext_noop("One currency a line, such as EUR 1.50; “none” for none."))
    # The most for one delay, besides the period's fee; in a currency that is not named the fee alone limits it.
    indemnity_maximum: Mapping[str, str] = _public({}, ParameterGroup.INDEMNITY, Unit.AMOUNTS_AT_MOST,
        gettext_noop("For one late answer at most"),
        gettext_noop("One currency a line; never more than the period’s fee, whatever stands here."))
    warn_before_days: int = _internal(3, ParameterGroup.DEADLINES, Unit.DAYS,
        gettext_noop("Staff are warned before a deadline ends, by"),
        gettext_noop("From so many calendar days before its last day on, pages and digests show it as near."),
        most=MOST_DAYS_OF_WARNING)
    # So many days after a missed deadline to decide, and every so many further ones, an undecided case rises.
    escalate_after_days: int | None = _internal(7, ParameterGroup.DEADLINES, Unit.EVERY_DAYS_OR_NEVER,
        gettext_noop("An overdue case rises by a level"),
        gettext_noop("After so many calendar days beyond its deadline, and after as many again each further time; "
                     "its lead is told. Or “never”."))
    silence_closes_after_days: int = _public(30, ParameterGroup.DEADLINES, Unit.DAYS,
        gettext_noop("An answered complaint is closed if the customer is silent for"))
    appeal_route: str = _public(
        "the dispute resolution body of the customer's country", ParameterGroup.FURTHER, Unit.TEXT,
        gettext_noop("Whoever is not satisfied can turn to"), gettext_noop("A rejection has to name it."))
    # A currency that is not named always needs two.
    second_approval_above: Mapping[str, str] = _internal({}, ParameterGroup.APPROVALS, Unit.AMOUNTS_ABOVE,
        gettext_noop("Two people approve above"),
        gettext_noop("One currency a line, such as EUR 500.00. In a currency that is not named two people approve "
                     "any amount."), control=True)
    approval_window_days: int = _internal(90, ParameterGroup.APPROVALS, Unit.LAST_DAYS,
        gettext_noop("Counted against an approver's limit: what was given in"),
        gettext_noop("So many days back. What the same customer was granted in them counts."), control=True)
    draft_expires_after_days: int = _internal(30, ParameterGroup.APPROVALS, Unit.DAYS,
        gettext_noop("A draft refund expires after"))
    proposal_expires_after_days: int = _internal(14, ParameterGroup.APPROVALS, Unit.DAYS,
        gettext_noop("A proposed refund expires after"))
    # fmt: on

    def __post_init__(self) -> None:
        _Parameters.__post_init__(self)
        for currency in self.indemnity_maximum:
            if currency not in self.indemnity_per_day:
                raise PolicyParameterError(
                    "indemnity_maximum",
                    gettext_noop("{currency}: there is a maximum, but no amount for a day of delay."),
                    currency=currency,
                )

    def needs_two_approvals(self, amount: Decimal, currency: str) -> bool:
        """Whether two different people have to approve the amount."""
        threshold = self.second_threshold(currency)
        return threshold is None or amount > threshold

    def second_threshold(self, currency: str) -> Decimal | None:
        """Above this two different people have to approve; None: any amount."""
        threshold = self.second_approval_above.get(currency)
        return None if threshold is None else Decimal(threshold)

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


#: Every figure of both policies by its stored name.
PARAMETERS: Mapping[str, Parameter] = MappingProxyType(
    {
        entry.name: entry.metadata["parameter"]
        for kind in (FulfilmentParameters, RefundParameters)
        for entry in fields(kind)
    }
)
#: Those that no agreement changes.
CONTROLS = frozenset(name for name, parameter in PARAMETERS.items() if parameter.control)
