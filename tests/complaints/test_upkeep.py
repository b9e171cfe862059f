"""The daily look at expiries and missed deadlines: what it finds, once."""

from __future__ import annotations

from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from audit.models import Event
from complaints.cases.actions import acknowledge_complaint
from complaints.cases.decisions.actions import withdraw_complaint
from complaints.cases.models import DeadlineBreach
from complaints.refunds.models import Refund
from complaints.upkeep.actions import UpkeepResult, run_upkeep
from complaints.upkeep.tasks import upkeep
from tests import factories
from tests.complaints.cases import Desk, State, again, complaint_in, decided, draft, held, propose, refund_in, register
from tests.complaints.refusals import rows_of_every_table

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


def test_it_expires_what_is_over_and_nothing_else(desk: Desk) -> None:
    drafted = draft(desk, decided(desk))
    proposed = propose(desk, decided(desk))
    done = refund_in(desk, Refund.State.SETTLED)
    now = timezone.now()
    assert run_upkeep(by=desk.system, now=now + timedelta(days=13)).expired == 0
    assert run_upkeep(by=desk.system, now=now + timedelta(days=15)).expired == 1
    assert [again(each).state for each in (drafted, proposed, done)] == ["draft", "expired", "settled"]
    assert held(proposed.period)[0] == 0
    assert run_upkeep(by=desk.system, now=now + timedelta(days=31)).expired == 1
    assert again(drafted).state == Refund.State.EXPIRED
    event = Event.objects.filter(verb="refund.expire").order_by("pk")[0]
    assert (event.actor, event.outcome, event.target_id) == (desk.system, "done", proposed.pk)


def test_it_records_missed_deadlines_of_open_cases(desk: Desk) -> None:
    subscription = factories.paid_subscription()
    fresh = register(desk, subscription, received_on=factories.days_ago(1))
    late = register(desk)
    acknowledged = register(desk)
    acknowledge_complaint(acknowledged.pk, by=desk.agent, text=acknowledged.code)
    waiting = complaint_in(desk, State.WAITING)
    told = complaint_in(desk, State.COMMUNICATED)
    DeadlineBreach.objects.filter(complaint=told).get(deadline="decide")  # noticed when it was decided

    result = run_upkeep(by=desk.system)

    breaches = {(breach.complaint_id, breach.deadline) for breach in DeadlineBreach.objects.exclude(complaint=told)}
    assert breaches == {
        (late.pk, "acknowledge"),
        (late.pk, "decide"),
        (late.pk, "tell"),
        (acknowledged.pk, "acknowledge"),
        (acknowledged.pk, "decide"),
        (acknowledged.pk, "tell"),
        (waiting.pk, "acknowledge"),
        (waiting.pk, "decide"),
        (waiting.pk, "tell"),
    }
    # The steps on the other two noticed theirs when they were taken.
    assert result == UpkeepResult(expired=0, missed=6, escalated=3)
    assert not DeadlineBreach.objects.filter(complaint=fresh).exists()


def test_a_finished_case_misses_nothing_any_more(desk: Desk) -> None:
    subscription = factories.paid_subscription()
    complaint = register(desk, subscription, received_on=factories.days_ago(1))
    withdraw_complaint(complaint.pk, by=desk.agent, channel="phone", reason="“Never mind”")
    much_later = timezone.now() + timedelta(days=100)
    assert run_upkeep(by=desk.system, now=much_later) == UpkeepResult()
    assert not DeadlineBreach.objects.exists()


def test_a_second_run_does_nothing(desk: Desk) -> None:
    register(desk)
    propose(desk, decided(desk))
    later = timezone.now() + timedelta(days=20)
    assert run_upkeep(by=desk.system, now=later) != UpkeepResult()
    before = rows_of_every_table()
    assert run_upkeep(by=desk.system, now=later) == UpkeepResult()
    assert rows_of_every_table() == before


def test_the_command_and_the_job_say_what_they_found(desk: Desk) -> None:
    factories.system_user()
    register(desk)
    output = StringIO()
    call_command("upkeep", stdout=output)
    assert output.getvalue() == "0 refunds expired, 3 missed deadlines recorded, 1 cases escalated.\n"
    assert Event.objects.order_by("-pk")[0].source == "command"
    register(desk, received_on=date(2024, 4, 11))
    assert upkeep.call() == {"expired": 0, "missed": 3, "escalated": 1, "forgotten": 0}
    event = Event.objects.order_by("-pk")[0]
    assert (event.source, event.actor_name) == ("job", "System")


def test_the_command_can_leave_it_to_the_worker(desk: Desk) -> None:
    register(desk)
    output = StringIO()
    call_command("upkeep", "--enqueue", stdout=output)
    assert "queued" in output.getvalue()
    assert DBTaskResult.objects.get().task_path == "complaints.upkeep.tasks.upkeep"
    assert not DeadlineBreach.objects.exists()
