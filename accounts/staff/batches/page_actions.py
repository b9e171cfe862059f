"""What approving from a list has in common, whatever is approved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.utils import timezone

from accounts.staff.batches.actions import begin_batch
from accounts.staff.batches.rules import Worth, batch_obstacle
from accounts.staff.models import User
from audit.actions import Why
from backoffice.actions import StaffAction


class ApprovesInBatches[M: models.Model](StaffAction[M]):
    """Several rows at once are a batch: one more permission, and a limit on what they are worth together."""

    def worth(self, rows: Sequence[M]) -> Worth:
        """What the rows come to, where there are limits for it."""
        return {}

    def many_obstacle(self, rows: Sequence[M], by: User) -> Why | None:
        return batch_obstacle(self.worth(rows), by, timezone.localdate())

    def begin(self, rows: Sequence[M], by: User, cleaned: dict[str, Any]) -> None:
        begin_batch(type(rows[0]), [row.pk for row in rows], self.worth(rows), by=by, reason=cleaned.get("reason", ""))
