"""Who acts, in which request and from which kind of place: three facts that every history row and event copies.

They travel in one context variable, so that code far below a page (a model's ``save``) need not be told.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from uuid import UUID

from audit.actors import Actor


@dataclass(slots=True)
class SentForm:
    """The one form that a request sends. It is used up by the first of its actions that goes through: the others, in a
    batch, belong to the same sending.
    """

    token: UUID
    used: bool = False


@dataclass(frozen=True, slots=True)
class Acting:
    """The acting person, the request they act in, where from (``page``, ``job`` or ``command``), why, and the form that
    asks for it.
    """

    user: Actor | None = None
    request_id: str = ""
    source: str = "command"
    reason: str = ""
    form: SentForm | None = None


_NOBODY = Acting()
_acting: ContextVar[Acting] = ContextVar("acting", default=_NOBODY)


def current() -> Acting:
    """What is known of the person acting right now."""
    return _acting.get()


@contextmanager
def acting(
    *,
    user: Actor | None = None,
    source: str | None = None,
    request_id: str | None = None,
    reason: str | None = None,
    form: SentForm | None = None,
) -> Iterator[Acting]:
    """Set the given facts for the block; those left out stay as they are."""
    before = _acting.get()
    now = replace(
        before,
        user=before.user if user is None else user,
        source=before.source if source is None else source,
        request_id=(before.request_id or new_request_id()) if request_id is None else request_id,
        reason=before.reason if reason is None else reason,
        form=before.form if form is None else form,
    )
    token = _acting.set(now)
    try:
        yield now
    finally:
        _acting.reset(token)


def new_request_id() -> str:
    """A fresh id that ties everything written in one request, job or command together."""
    return uuid.uuid4().hex


# Defaults of the columns that each history row carries.


def actor_name() -> str:
    user = current().user
    return user.get_full_name() or user.get_username() if user is not None else ""


def request_id() -> str:
    return current().request_id


def source() -> str:
    return current().source
