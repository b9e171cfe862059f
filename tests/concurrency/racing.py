"""Several people act at the very same moment, each in a thread with a connection of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import close_old_connections, connection

from audit.actions import Refused

#: Longer than any of them may take; a deadlock would hang.
PATIENCE_SECONDS = 60


def race(attempts: Sequence[Callable[[], object]]) -> list[Refused | None]:
    """Run all attempts at once. Returns, in their order, None for each that was done and its refusal otherwise.

    Any other error (a lock that timed out, a deadlock, a constraint) is raised: nobody should meet one.
    """
    start = Barrier(len(attempts))

    def run(attempt: Callable[[], object]) -> Refused | None:
        close_old_connections()
        try:
            connection.ensure_connection()
            start.wait(PATIENCE_SECONDS)
            attempt()
        except Refused as refused:
            return refused
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(len(attempts)) as pool:
        futures = [pool.submit(run, attempt) for attempt in attempts]
        return [future.result(PATIENCE_SECONDS) for future in futures]


def refusals_of(results: Sequence[Refused | None]) -> list[Refused]:
    return [result for result in results if result is not None]
