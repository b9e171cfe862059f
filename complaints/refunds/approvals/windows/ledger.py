"""The books of windows, checked: no approval overlooked what its customer had been granted before.

Who shares an account with whom changes, so this asks for the customer's own refunds alone: an approval saw no less.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from heapq import merge
from itertools import groupby
from typing import Any, cast

from django.db.models import Case, F, OuterRef, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.staff.limits.controls.rules import ControlLimits
from accounts.staff.models import ControlLimit
from audit.history_checks import published
from audit.ledger_checks import CHUNK, Breach, Check
from complaints.refunds.approvals.windows.rules import window_of
from complaints.refunds.models import Approval, Refund
from complaints.reversals.models import Reversal
from core.fields import MoneyField
from policies.versions.models import Policy


class ControlsThen:
    """The control limits as they were published and in force at any moment, read once."""

    def __init__(self) -> None:
        self._rows = list(published(ControlLimit))

    def at(self, moment: datetime) -> ControlLimits:
        known = [row for row in self._rows if row.since is None or row.since <= moment]
        return ControlLimits(timezone.localdate(moment), known)


def granted() -> Iterator[Breach]:
    """What an approval saw granted is at least what the refunds of the customer that were settled in its window give.

    Two streams by customer and currency; those of one customer are in the memory at a time. Whoever was the same
    customer when both were drafted was so when one was approved, whatever was merged since.
    """
    controls = ControlsThen()
    nothing = Value(Decimal(0), output_field=MoneyField())
    used = Reversal.objects.filter(refund=OuterRef("pk"), state=Reversal.State.APPROVED).values("used")[:1]
    kept = Case(When(state=Refund.State.REVERSED, then=Coalesce(Subquery(used), nothing)), default=F("total"))
    given = Refund.objects.filter(state__in=Refund.GIVEN_STATES).annotate(whose=_drafted_for("pk"), kept=kept)
    approvals = (
        Approval.objects.filter(
            round=F("refund__round"), refund__state__in=(*Refund.GIVEN_STATES, Refund.State.APPROVED)
        )
        .annotate(whose=_drafted_for("refund_id"))
        .select_related("refund__refund_policy__policy", "refund__agreement", "approver", "on_behalf_of")
        .order_by("whose", "refund__currency", "pk")
    )
    columns = ("whose", "currency", "pk", "settled_at", "kept")
    gave = given.order_by("whose", "currency", "pk").values_list(*columns).iterator(chunk_size=CHUNK)
    streams = (
        ((row[:2], row[2:], None) for row in gave),
        (((row.whose, row.refund.currency), None, row) for row in approvals.iterator(chunk_size=CHUNK)),
    )
    for _, both in groupby(merge(*streams, key=lambda one: one[0]), key=lambda one: one[0]):
        found = list(both)
        settled = [one for _, one, _ in found if one is not None]
        for _, _, approval in found:
            if approval is not None and approval.refund.refund_policy.policy.kind == Policy.Kind.REFUND:
                yield from _overlooked(approval, settled, controls.at(approval.at))


def _overlooked(approval: Approval, settled: list[Any], controls: ControlLimits) -> Iterator[Breach]:
    refund = approval.refund
    since = approval.at - timedelta(days=window_of(refund, controls))
    before = sum(
        (kept for pk, settled_at, kept in settled if pk != refund.pk and since <= settled_at < approval.at), Decimal(0)
    )
    if before > approval.granted_before:
        yield Breach(
            "approval-window",
            f"refund {refund.code}",
            f"{approval.by_whom} approved it as if {approval.granted_before:f} had been granted before; the "
            f"customer's refunds of the window came to {before:f}",
        )


def _drafted_for(refund: str) -> Subquery:
    first = cast("Any", Refund).history.model.objects.filter(id=OuterRef(refund), history_type="+").order_by()
    return Subquery(first.values("customer_id")[:1])


CHECKS: tuple[Check, ...] = (granted,)
