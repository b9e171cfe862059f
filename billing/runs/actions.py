"""The billing run: what a day brings to every subscription.

It goes through the days on which periods closed, the longest past first, and through the subscriptions of each day by
key, in batches of one transaction each. What a batch does depends on nothing but the rows and the run's day, so a run
that was killed is resumed simply by running again. Many missed days come to the same end as each on its own day, but
for the invoices' dates: a document is dated on the day on which it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date
from functools import partial

from django.db import DataError, IntegrityError, models, transaction
from django.utils import timezone

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Obstacle, Refused, act
from audit.bulk import update_tracked
from audit.context import acting
from billing.credits.actions import set_off_credit
from billing.credits.models import Credit
from billing.credits.rules import left_beside_debts
from billing.invoices.models import Invoice
from billing.runs.batch import BillingResult, bill_batch
from billing.runs.models import BillingRun
from billing.subscriptions.models import BillingPeriod, Subscription
from billing.vocabulary import BillingRefusal, BillingVerb
from core.sql import in_list
from core.text import say

__all__ = ["BATCH", "BillingResult", "run_billing"]

#: Subscriptions, or invoices to mark overdue, in one transaction.
BATCH = 2000


def run_billing(
    today: date, *, by: User, dry_run: bool = False, told: Callable[[BillingResult], None] | None = None
) -> BillingResult:
    """End every period that is over, open and invoice the next, apply credits (R6), end cancelled
    subscriptions (F4) and mark overdue invoices, as of the local day.

    A second run finds nothing to do. A subscription that cannot be billed is named and left as it was; the others go
    on. With ``dry_run`` everything is done in one transaction that is rolled back: the counts are the very same, and
    nothing stays, not even an event. Until it ends, others wait for the rows it holds. ``told`` is called with what
    was done so far in the transaction of each batch; what it raises undoes that batch and ends the run.

    Raises:
        Refused: the person may not run billing, or the day is after today and it is no dry run: what is invoiced
            stays invoiced.
    """
    if not dry_run:
        with acting(user=by):
            return _Run(today, by=by, told=told).through()
    require(by, May.HANDLE_MONEY)
    with transaction.atomic(), acting(user=by):
        result = _Run(today, by=by, dry=True).through()
        transaction.set_rollback(True)
        return result


def future_obstacle(day: date) -> Obstacle | None:
    """Why nothing is billed for the day yet, or None."""
    if day <= timezone.localdate():
        return None
    return Obstacle(
        say("{day} is after today: bill it on its day, or ask for a dry run to see what it will bring.", day=day),
        BillingRefusal.FUTURE,
    )


class _Run:
    """One run: its record, and what it did so far."""

    def __init__(
        self, today: date, *, by: User, told: Callable[[BillingResult], None] | None = None, dry: bool = False
    ) -> None:
        self.today = today
        self.by = by
        self.told = told
        self.dry = dry
        self.result = BillingResult()
        self.record = self._started()

    def _started(self) -> BillingRun:
        """The run's record. One that is still "running" was killed, or runs beside this one and will yet say that it
        finished.
        """
        with act(BillingVerb.BILLING_START, by=self.by, target=(BillingRun, None)) as action:
            require(self.by, May.HANDLE_MONEY)
            if not self.dry:
                action.refuse_if(future_obstacle(self.today))
            update_tracked(
                BillingRun.objects.filter(state=BillingRun.State.RUNNING),
                reason="A later run found it unfinished",
                state=BillingRun.State.INTERRUPTED,
            )
            record = BillingRun(today=self.today, by=self.by, started_at=timezone.now())
            record.save()
            action.about(record)
            return record

    def through(self) -> BillingResult:
        """Do all of it."""
        after: tuple[date, int | None] | None = None
        while batch := next_batch(self.today, after):
            day, subscription_ids = batch
            self._bill(subscription_ids, day)
            after = day, subscription_ids[-1] if len(subscription_ids) == BATCH else None
        full = True
        while full and (invoice_ids := self._newly_overdue()):
            self._do(partial(mark_overdue, invoice_ids, self.today))
            full = len(invoice_ids) == BATCH
        self._set_off()
        self._finish()
        return self.result

    def _set_off(self) -> None:
        """What ended subscriptions left goes against what their customers owe, each in a transaction of its own."""
        for pk in list(left_beside_debts().values_list("pk", flat=True)):
            # One's own customer's waits for another's run; another credit may have borne the debt by now.
            with suppress(Refused):
                set_off_credit(pk, by=self.by, on=self.today, reason="The subscription has ended")

    def _newly_overdue(self) -> list[int]:
        rows = Invoice.objects.due_before(self.today).order_by("pk")
        return list(rows.values_list("pk", flat=True)[:BATCH])

    def _bill(self, ids: Sequence[int], day: date) -> None:
        """Bill the subscriptions in one transaction; where a row of one of them is beyond repair, in ever smaller
        ones, until that one is found and the others are done.
        """
        try:
            self._do(partial(bill_batch, ids, day, today=self.today, by=self.by))
        except (IntegrityError, DataError, ValueError) as problem:
            if len(ids) > 1:
                half = len(ids) // 2
                self._bill(ids[:half], day)
                self._bill(ids[half:], day)
                return
            number = Subscription.objects.values_list("number", flat=True).get(pk=ids[0])
            why = str(problem).splitlines()[0]
            self._do(lambda: BillingResult(problems=[f"{number}: its period from {day} cannot be written: {why}."]))

    def _do(self, part: Callable[[], BillingResult]) -> None:
        """Do a part of the run and count it in the run's record, in one transaction."""
        record = self.record
        with transaction.atomic():
            result = self.result.plus(part())
            record.batches, record.opened, record.ended = result.batches, result.opened, result.ended
            record.invoiced, record.overdue = result.invoiced, result.overdue
            record.amounts, record.problems = result.amounts, result.problems
            record.save()
            if self.told is not None:
                self.told(result)
        self.result = result

    def _finish(self) -> None:
        with act(BillingVerb.BILLING_RUN, by=self.by, target=(BillingRun, self.record.pk)) as action:
            self.record.state = BillingRun.State.FINISHED
            self.record.finished_at = timezone.now()
            self.record.save()
            self.result.leftover = Credit.objects.left_by_ended_subscriptions().count()
            action.about(self.record)
            action.data = {"today": self.today.isoformat(), **self.result.as_data()}


def next_batch(today: date, after: tuple[date, int | None] | None) -> tuple[date, list[int]] | None:
    """The next subscriptions by the day their period closes and their key, all of one day. Those that were passed
    already (``after``) and could not be billed are not met again; ``after`` a whole day has no key.
    """
    over = _open_periods().filter(closes_on__lte=today)
    if after is not None:
        passed, last = after
        if last is not None and (rest := _closing_on(passed, last)):
            return passed, rest
        over = over.filter(closes_on__gt=passed)
    day = over.order_by("closes_on").values_list("closes_on", flat=True).first()
    if day is None:
        return None
    # Nobody may be left of the day when another run has just been there; an empty batch is then the way on.
    return (day, found) if (found := _closing_on(day, 0)) else next_batch(today, (day, 0))


def _closing_on(day: date, last: int) -> list[int]:
    # Ordered as the index of open periods is: a day of many thousands is not sorted anew for each batch.
    over = _open_periods().filter(closes_on=day, subscription_id__gt=last)
    return list(over.order_by("closes_on", "subscription_id").values_list("subscription_id", flat=True)[:BATCH])


def _open_periods() -> models.QuerySet[BillingPeriod]:
    return BillingPeriod.objects.filter(state=BillingPeriod.State.OPEN).exclude(
        subscription__state=Subscription.State.ENDED
    )


def mark_overdue(invoice_ids: Sequence[int], today: date) -> BillingResult:
    """Mark those of the invoices that are still past their due date; what was paid or disputed meanwhile stays."""
    rows = Invoice.objects.due_before(today).filter(in_list("pk", invoice_ids))
    return BillingResult(
        batches=1, overdue=update_tracked(rows, reason="Past its due date", state=Invoice.State.OVERDUE)
    )
