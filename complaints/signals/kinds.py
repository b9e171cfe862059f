"""The table of signals: what each says, its built-in figures, and the question behind it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from types import MappingProxyType

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from complaints.refunds.models import Refund
from complaints.signals import facts
from complaints.signals.models import Signal, SignalReport, SignalWindow
from complaints.signals.proposals import Finding, Proposals, Window
from core.text import Text, say

#: The figures that a signal may have, by their column.
FIGURES: Mapping[str, Text] = MappingProxyType(
    {"days": _("Days back"), "within": _("Days between"), "count": _("At least"), "percent": _("Per cent")}
)
#: What a sentence names that is a day, kept as ISO 8601.
_DAYS = ("day", "before", "after")


@dataclass(frozen=True, slots=True)
class SignalKind:
    """One signal. ``sentence`` is filled with a finding's values; figures that ``usual`` has not are not its own.
    ``of_proposals`` says that its days back are those of the proposals that it reads, none of other rows.
    """

    sentence: str
    usual: Window
    find: Callable[[Proposals, Window], list[Finding]]
    of_proposals: bool = True

    @property
    def figures(self) -> dict[str, int]:
        """The built-in figures, by their column."""
        return {name: figure for name, figure in asdict(self.usual).items() if figure}


KINDS: Mapping[Signal, SignalKind] = MappingProxyType(
    {
        Signal.NEAR_LIMIT: SignalKind(
            gettext_noop(
                "{person} proposed {count} refunds within {percent} per cent under a limit or threshold in {days} days."
            ),
            Window(days=30, count=3, percent=10),
            facts.near_limit,
        ),
        Signal.SHARED_ACCOUNT: SignalKind(
            gettext_noop("{count} customers with refunds in {days} days have the same bank account."),
            Window(days=365, count=3),
            facts.shared_account,
            of_proposals=False,
        ),
        Signal.SHARED_ADDRESS: SignalKind(
            gettext_noop("{count} customers with refunds in {days} days have the same address."),
            Window(days=365, count=3),
            facts.shared_address,
            of_proposals=False,
        ),
        Signal.UNPROVEN_SURPLUS: SignalKind(
            gettext_noop("More was paid than was due, and no bank statement tells of it (payments: {count})."),
            Window(days=90),
            facts.unproven_surplus,
            of_proposals=False,
        ),
        Signal.RECEIVED_MOVED: SignalKind(
            gettext_noop("The receipt of {complaint} was moved from {before} to {after} shortly before {refund}."),
            Window(days=30, within=7),
            facts.received_moved,
        ),
        Signal.REGISTERED_LATE: SignalKind(
            gettext_noop(
                "{complaint}, on which {refund} was proposed, was registered on {day}, more than {within} days after"
                " its receipt."
            ),
            Window(days=30, within=30),
            facts.registered_late,
        ),
        Signal.INCIDENT_MOVED: SignalKind(
            gettext_noop("{incident} was corrected within {within} days before {refund}, which gains by it."),
            Window(days=30, within=7),
            facts.incident_moved,
        ),
        Signal.TEAM_INCIDENT: SignalKind(
            gettext_noop(
                "{incident}, which {refund} counts, was recorded in the proposer’s team within {within} days."
            ),
            Window(days=30, within=3),
            facts.team_incident,
        ),
        Signal.MUTUAL_PAIR: SignalKind(
            gettext_noop(
                "{person} and {other} approved over {percent} per cent of each other’s proposals in {days} days"
                " ({count})."
            ),
            Window(days=90, count=5, percent=80),
            facts.mutual_pair,
            of_proposals=False,
        ),
        Signal.NEW_ACCOUNT: SignalKind(
            gettext_noop("{refund} pays cash to an account that was changed on {day}."),
            Window(days=30, within=30),
            facts.new_account,
        ),
        Signal.PLAN_CHANGE: SignalKind(
            gettext_noop("{refund} was proposed shortly after the change of plan of {day}."),
            Window(days=30, within=14),
            facts.plan_change,
        ),
    }
)


def windows_on(day: date) -> dict[Signal, Window]:
    """The figures of every signal on the day: the built-in ones, and what was published in place of them."""
    published: dict[str, SignalWindow] = {}
    for row in SignalWindow.objects.in_force(day):
        published.setdefault(row.signal, row)
    found = {}
    for signal, kind in KINDS.items():
        own = {name: getattr(published.get(signal), name, None) for name in kind.figures}
        found[signal] = Window(**{**kind.figures, **{name: figure for name, figure in own.items() if figure}})
    return found


def find_signals(now: datetime, windows: Mapping[Signal, Window]) -> list[Finding]:
    """All patterns that there are, signal by signal."""
    days = max(window.days for signal, window in windows.items() if KINDS[signal].of_proposals)
    proposals = Proposals(now, days=days)
    return [finding for signal, kind in KINDS.items() for finding in kind.find(proposals, windows[signal])]


def signals_of(refunds: Iterable[Refund], now: datetime | None = None) -> dict[int, list[Text]]:
    """By the keys of these refunds: the sentences of the patterns that each belongs to, for whoever decides on it."""
    now = now or timezone.now()
    keys = [refund.pk for refund in refunds]
    found: dict[int, list[Text]] = defaultdict(list)
    if not keys:
        return found
    windows = windows_on(timezone.localdate(now))
    proposals = Proposals(now, among=keys)
    for signal, kind in KINDS.items():
        for finding in kind.find(proposals, windows[signal]):
            for pk in finding.refunds.intersection(keys):
                found[pk].append(in_words(finding.signal, finding.values))
    return found


def reported_lately(keys: Iterable[int]) -> dict[int, int]:
    """By the keys of refunds: in how many patterns of the newest report they are. One statement."""
    report = SignalReport.objects.order_by("-made_at", "-pk").only("findings").first()
    wanted = Counter[int](pk for finding in report.findings for pk in finding["refunds"]) if report else Counter[int]()
    return {pk: wanted[pk] for pk in keys}


def in_words(signal: str, values: Mapping[str, str | int]) -> Text:
    """The sentence of a finding."""
    days = {name: date.fromisoformat(str(values[name])) for name in _DAYS if name in values}
    return say(KINDS[Signal(signal)].sentence, **{**values, **days})
