"""The line that tells how far a command is."""

from __future__ import annotations

from io import StringIO
from time import monotonic, sleep

import pytest

from core import progress
from core.progress import ProgressLine


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_TICK", 0.001)


def wait_for(stream: StringIO, text: str) -> None:
    until = monotonic() + 10
    while text not in stream.getvalue() and monotonic() < until:
        sleep(0.001)
    assert text in stream.getvalue()


def test_a_terminal_has_one_line_that_moves_and_goes() -> None:
    stream = Terminal()
    with ProgressLine(stream) as line:
        line.tell("First")
        wait_for(stream, "| First (0 s)")
        wait_for(stream, "/ First (0 s)")
        line.tell("Second")
        wait_for(stream, "Second")
    assert "\n" not in stream.getvalue()
    assert stream.getvalue().endswith("\r\033[K")


def test_elsewhere_there_is_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = StringIO()
    with ProgressLine(stream) as line:
        line.tell("First")
        wait_for(stream, "First")
        line.tell("Second")
        sleep(0.05)
        assert stream.getvalue() == "First (0 s)\n"
        monkeypatch.setattr(progress, "_PLAIN_EVERY", 0.0)
        wait_for(stream, "Second")
    assert "\r" not in stream.getvalue()


def test_nothing_is_told_of_nothing() -> None:
    stream = StringIO()
    with ProgressLine(stream):
        sleep(0.01)
    assert stream.getvalue() == ""
