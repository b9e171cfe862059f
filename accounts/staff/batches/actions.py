"""Saying that several things are approved at once, before each of them is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.utils import timezone

from accounts.staff.batches.rules import Worth, batch_obstacle
from accounts.staff.models import User
from accounts.vocabulary import AccountVerb
from audit.actions import act
from core.locks import lock_rows


def begin_batch(model: type[models.Model], pks: Sequence[Any], worth: Worth, *, by: User, reason: str = "") -> None:
    """Record that this person approves all of these rows at once: one event for the whole, with the keys of the rows
    and what they are worth. Each row's own approval follows, with an event and a transaction of its own.

    Raises:
        Refused: the role may not approve batches, or a sum is over the limit for them.
    """
    with act(AccountVerb.BATCH_APPROVE, by=by, reason=reason, target=(model, None)) as action:
        # Two batches of one person at the same moment do not both fit below what is left of the day's limit.
        lock_rows(User, [by.pk])
        action.target_label = f"{len(pks)} {model._meta.verbose_name_plural}"
        action.refuse_if(batch_obstacle(worth, by, timezone.localdate()))
        action.data = {
            "rows": [*pks],
            "worth": [[subject, currency, f"{amount:f}"] for (subject, currency), amount in sorted(worth.items())],
        }
