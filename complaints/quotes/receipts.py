"""Which day, and which moment, of receipt a refund goes by, where complaints were joined: each keeps its own.

Reads only. Days are local ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.utils import timezone

from billing.subscriptions.models import BillingPeriod
from complaints.cases.models import Complaint
from complaints.refunds.rules import NEED_AN_UPHELD_COMPLAINT

if TYPE_CHECKING:
    from billing.subscriptions.models import PeriodQuerySet


#: So many of the newest periods of the subscription can be chosen.
PERIODS = 36


@dataclass(frozen=True, slots=True)
class Receipt:
    """``as_of`` is the day up to which the service counts as provided; an interruption counts if it began before
    ``until``.
    """

    as_of: date
    until: datetime


def receipt_for(complaint: Complaint, period: BillingPeriod, basis: str) -> Receipt | None:
    """What a refund of the period goes by; None if no complaint of the matter came in or after the period: what had
    not begun yet was nothing to complain about.

    A merged complaint has a say if it was about this subscription's service, and was not rejected where the basis needs
    one that is upheld: joining what could not have been refunded itself moves no day.
    """
    about_service = _about_service(complaint)
    if basis in NEED_AN_UPHELD_COMPLAINT:
        about_service = [each for each in about_service if each == complaint or not _was_rejected(each)]
    in_time = [each for each in about_service if _received_on(each) >= period.starts_on]
    if not in_time:
        return None
    about_it = [each for each in in_time if each.period_id == period.pk] or in_time
    return Receipt(as_of=min(_received_on(each) for each in in_time), until=max(each.received_at for each in about_it))


def _about_service(complaint: Complaint) -> list[Complaint]:
    """The case, and of those merged into it all about the same subscription's service."""
    return [
        each
        for each in complaint.matter()
        if each == complaint
        or (each.subscription_id == complaint.subscription_id and each.category != Complaint.Category.HARDWARE)
    ]


def _was_rejected(complaint: Complaint) -> bool:
    return complaint.decision is not None and not complaint.decision.is_upheld


def last_received_on(complaint: Complaint) -> date:
    """The day of the latest receipt of the matter: no refund concerns a period that began after it."""
    return max(_received_on(each) for each in _about_service(complaint))


def periods_to_refund(complaint: Complaint) -> PeriodQuerySet:
    """The periods of the subscription that a refund on the case may concern, the newest first."""
    begun = complaint.subscription.periods.filter(starts_on__lte=last_received_on(complaint))
    return begun.order_by("-sequence")


def _received_on(complaint: Complaint) -> date:
    return timezone.localdate(complaint.received_at)
