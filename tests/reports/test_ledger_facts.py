"""``check_ledger`` against the facts of then: what was recorded, by whom, and what a refund was computed from."""

from __future__ import annotations

from datetime import date

import pytest

from billing.usage.actions import correct_usage
from billing.usage.models import UsageRecord
from tests import factories
from tests.complaints import cases
from tests.complaints.cases import Desk
from tests.reports.books import breaches

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

DAY = date(2024, 4, 3)


def test_usage_corrected_later_leaves_a_refund_as_it_is() -> None:
    desk = Desk(limits=True)
    subscription = cases.spring_subscription()
    factories.usage(subscription, day=DAY, seconds=600)
    factories.usage(subscription, day=DAY, seconds=60)
    cases.settled(desk, cases.decided(desk, subscription=subscription))
    first = UsageRecord.objects.order_by("pk")[0]
    correct_usage(first.pk, by=desk.clerk, reason="The wrong line", seconds=0)
    assert breaches() == []
    factories.usage(subscription, day=DAY, seconds=6_000)
    assert breaches() == []
