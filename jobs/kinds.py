"""What kinds of long work there are. Each app names its own in ``job_kinds.py``, which is loaded when Django starts.

This app knows no permission: each kind says which one it takes to ask for it, and which to end another person's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.text import Text

if TYPE_CHECKING:
    from accounts.staff.permissions import May
    from jobs.models import Job
    from jobs.progress import Progress


@dataclass(frozen=True, slots=True)
class JobKind:
    """One kind of work.

    ``run`` does it in the name of whoever asked and returns what came out, as JSON values. It may be called again for
    a job that was interrupted or failed: ``progress.saved`` is then what it had saved last. It stops a job for a
    reason that people can read by raising ``audit.actions.Refused``.
    """

    name: str
    label: Text
    run: Callable[[Job, Progress], dict[str, Any]]
    may: May
    may_others: May


_kinds: dict[str, JobKind] = {}


def register_kind(kind: JobKind) -> JobKind:
    """Make a kind known. Raises ``ValueError`` if another has its name."""
    if _kinds.setdefault(kind.name, kind) != kind:
        raise ValueError(f"There is another kind of job named {kind.name!r}.")
    return kind


def kind_of(name: str) -> JobKind | None:
    """The kind, or None for one that the product no longer has."""
    return _kinds.get(name)
