"""What several tests read, made once for all of them: most of their time is its making."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import transaction
from pytest_django import DjangoDbBlocker


@contextmanager
def made_once[Made](blocker: DjangoDbBlocker, make: Callable[[], Made]) -> Iterator[Made]:
    """What ``make`` makes in the database, rolled back at the end. For a fixture of a module, which also asks for
    ``django_db_setup``: a test's own transaction is within this one, so whatever it does is undone before the next.
    """
    with blocker.unblock(), transaction.atomic():
        yield make()
        transaction.set_rollback(True)
