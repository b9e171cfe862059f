"""Reporting signals, and changing their figures under four eyes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime

from django.utils import timezone

from accounts.four_eyes.rules import publish, publish_obstacle
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Refused, act, checked
from audit.vocabulary import Refusal
from complaints.signals.kinds import FIGURES, KINDS, find_signals, windows_on
from complaints.signals.models import Signal, SignalReport, SignalWindow
from complaints.vocabulary import ComplaintVerb
from core.text import say


def report_signals(*, by: User, now: datetime | None = None) -> SignalReport:
    """Look for all patterns now, by the figures of the day, and keep what was found."""
    now = now or timezone.now()
    with act(ComplaintVerb.SIGNALS_REPORT, by=by, target=(SignalReport, None)) as action:
        require(by, May.REPORT_SIGNALS)
        windows = windows_on(timezone.localdate(now))
        findings = find_signals(now, windows)
        report = SignalReport(
            made_at=now,
            made_by=by,
            windows={signal.value: asdict(window) for signal, window in windows.items()},
            findings=[
                {
                    "signal": finding.signal.value,
                    "values": dict(finding.values),
                    "rows": [[row.label, row.model, row.pk] for row in finding.rows],
                    "refunds": sorted(finding.refunds),
                }
                for finding in findings
            ],
        )
        report.save()
        action.about(report)
        action.data = {"found": dict(Counter(finding.signal.value for finding in findings))}
        return report


def draft_signal_window(
    *, by: User, signal: str, valid_from: date, figures: Mapping[str, int | None], reason: str = ""
) -> SignalWindow:
    """Draft what counts as a signal from a date on; a figure that is left out keeps its built-in value.

    Raises:
        Refused: no figure at all, one that this signal has not, or one out of range.
    """
    with act(ComplaintVerb.SIGNAL_WINDOW_DRAFT, by=by, reason=reason, target=(SignalWindow, None)) as action:
        require(by, May.DRAFT_STAFF)
        given = {name: figure for name, figure in figures.items() if figure is not None}
        row = checked(SignalWindow(signal=signal, valid_from=valid_from, drafted_by=by, **given))
        if not given:
            raise Refused(say("Give at least one figure."), code=Refusal.NOTHING)
        own = KINDS[Signal(signal)].figures
        for name in FIGURES:
            if name in given and name not in own:
                label = FIGURES[name]
                sentence = say("This signal has no figure “{name}”.", name=label)
                raise Refused(sentence, code=Refusal.INVALID, data={"field": name})
            least, most = (1, 100) if name == "percent" else (1, 366)
            if name in given and not least <= given[name] <= most:
                sentence = say("A figure from {least} to {most} is due.", least=least, most=most)
                raise Refused(sentence, code=Refusal.INVALID, data={"field": name})
        row.save()
        action.about(row)
        action.data = given
        return row


def publish_signal_window(window_id: int, *, by: User, reason: str = "") -> SignalWindow:
    """Publish another person's draft: it holds from its date, in place of earlier figures of the signal."""
    with act(ComplaintVerb.SIGNAL_WINDOW_PUBLISH, by=by, reason=reason, target=(SignalWindow, window_id)) as action:
        require(by, May.PUBLISH_STAFF)
        row = action.lock(SignalWindow, window_id)
        action.about(row)
        action.refuse_if(publish_obstacle(row, by))
        publish(row, by=by)
        return row
