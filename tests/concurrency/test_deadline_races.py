"""Several people and the nightly run at one deadline: one breach, one event, one level, one indemnity a fault."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial

import pytest
from django.utils import timezone

from audit.models import Event
from complaints.cases.deadlines.actions import escalate_overdue_complaint, record_missed_deadlines
from complaints.cases.models import DeadlineBreach
from complaints.incidents.actions import record_incident
from complaints.indemnities.actions import draft_indemnity
from complaints.refunds.models import Refund
from messaging.outbox.models import OutgoingMessage
from tests import factories
from tests.complaints.cases import Desk, again, decided, noon, register
from tests.complaints.terms import agreed
from tests.concurrency.racing import race, refusals_of

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PEOPLE = 6


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


def test_many_who_notice_a_missed_deadline_leave_one_event_each(desk: Desk) -> None:
    complaint = register(desk)
    lost = refusals_of(
        race([partial(record_missed_deadlines, complaint.pk, by=factories.lead()) for _ in range(PEOPLE)])
    )
    assert [each.code for each in lost] == ["state"] * (PEOPLE - 1)
    assert DeadlineBreach.objects.count() == 3
    assert Event.objects.filter(verb="complaint.deadline_missed", outcome="done").count() == 3


def test_two_nightly_runs_raise_a_case_by_one_level(desk: Desk) -> None:
    complaint = register(desk)
    now = timezone.now()
    runs: list[Callable[[], object]] = [
        partial(escalate_overdue_complaint, complaint.pk, by=desk.system, now=now) for _ in range(PEOPLE)
    ]
    lost = refusals_of(race(runs))
    assert [each.code for each in lost] == ["state"] * (PEOPLE - 1)
    assert again(complaint).escalation_level == 1
    assert OutgoingMessage.objects.count() == 1


def test_two_complaints_about_one_incident_are_made_good_once(desk: Desk) -> None:
    """The customer is what both wait for: no lock of theirs is shared otherwise."""
    subscription = agreed(desk, indemnity_per_day={"EUR": "0.01"})
    record_incident(by=desk.lead, title="Down", starts_at=noon(2), ends_at=noon(3), hits_everybody=True)
    cases = [decided(desk, subscription=subscription, category="interruption") for _ in range(PEOPLE)]
    lost = refusals_of(race([partial(draft_indemnity, each.pk, by=desk.agent) for each in cases]))
    assert [each.code for each in lost] == ["fault_indemnified"] * (PEOPLE - 1)
    assert Refund.objects.get().special_amount > Decimal(0)
