"""How far a command is: one line that moves on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
from threading import Event, Thread
from time import monotonic
from types import TracebackType
from typing import Final, Self, TextIO

_TICK: Final = 0.2  # seconds
#: Where lines cannot be written over, one is enough in so many seconds.
_PLAIN_EVERY: Final = 10.0
_SIGNS: Final = "|/-\\"


class ProgressLine:
    """Shows the latest ``tell`` and for how long it has been so, from a thread of its own: it also moves while a single
    step takes long. Nothing of it stays on a terminal.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._text = ""
        self._began = self._plain_at = monotonic()
        self._plain = ""
        self._over = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def tell(self, text: str) -> None:
        """What is being done now."""
        self._text = text

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if self._stream.isatty():
            self._write("\r\033[K")

    def _run(self) -> None:
        turn = 0
        while not self._over.wait(_TICK):
            text, seconds = self._text, int(monotonic() - self._began)
            if not text:
                continue
            if self._stream.isatty():
                # Without wrapping: a line that went on below could not be written over.
                self._write(f"\r\033[K\033[?7l{_SIGNS[turn % len(_SIGNS)]} {text} ({seconds} s)\033[?7h")
                turn += 1
            elif not self._plain or monotonic() >= self._plain_at + _PLAIN_EVERY:
                self._plain, self._plain_at = text, monotonic()
                self._write(f"{text} ({seconds} s)\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
