"""A back-test as a job: it reads, asks seldom, goes on, is cancelled, and counts deadlines as a case of now."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Event
from complaints.back_tests import running
from complaints.back_tests.actions import start_back_test
from complaints.back_tests.models import BackTest, BackTestCase
from complaints.back_tests.running import deadlines_under
from complaints.cases.deadlines.actions import set_deadlines
from complaints.cases.models import Complaint
from complaints.incidents.models import Incident, IncidentScope
from complaints.quotes.earlier_refunds import compensated
from complaints.quotes.facts import QuoteFacts
from complaints.refunds.models import Refund
from jobs.actions import cancel_job, resume_job
from jobs.models import SILENT_FOR, Job
from jobs.runner import run_job
from policies.versions.actions import edit_policy_draft
from policies.versions.models import Policy
from tests import factories
from tests.complaints.back_test_cases import (
    BY_HAND,
    INTERRUPTION,
    OTHER_FIGURES,
    by_agreement,
    case_of,
    draft_of,
    figures_of,
    outage,
    plain,
    tried,
    try_figures,
)
from tests.complaints.cases import Desk, decided, noon, only_period, settled, spring_subscription
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


# --- Deadlines ----------------------------------------------------------------------------------


def _decided_after(desk: Desk, days: int) -> Complaint:
    subscription = factories.paid_subscription(activated_on=factories.days_ago(25))
    return decided(desk, subscription=subscription, received_on=factories.days_ago(days))


def test_deadlines_missed_then_and_under_the_draft(desk: Desk) -> None:
    """Nothing was acknowledged. 14 days to decide and 2 to acknowledge then; 5 and 5 under the draft."""
    for days in (1, 3, 8, 20):
        _decided_after(desk, days)
    counts = try_figures(desk, decide_within_days=5, acknowledge_within_days=5).job.result["counts"]
    missed = {name: count for name, count in counts.items() if "missed" in name}
    assert missed == {
        "acknowledge_missed_then": 3,
        "acknowledge_missed_under_draft": 2,
        "decide_missed_then": 1,
        "decide_missed_under_draft": 2,
    }


@pytest.mark.parametrize("figures", [{}, {"deadline_days": "working", "holidays_of": "IT", "decide_within_days": 20}])
def test_deadlines_are_counted_as_for_a_case_of_now(desk: Desk, figures: dict[str, Any]) -> None:
    complaint = _decided_after(desk, 3)
    complaint.refund_policy.parameters |= figures
    set_deadlines(complaint, complaint.received_at)
    assert deadlines_under(complaint.terms, complaint) == (complaint.acknowledge_due_at, complaint.decide_due_at)


# --- It reads ------------------------------------------------------------------------------------


def _all_rows() -> dict[str, int | list[Any]]:
    """How many rows every table has, and the contents of those of the cases."""
    found: dict[str, int | list[Any]] = {}
    for model in apps.get_models(include_auto_created=True):
        label = model._meta.label
        own = model._meta.app_label in ("accounts", "messaging", "billing", "policies", "complaints", "hardware")
        found[label] = list(model._base_manager.order_by("pk").values()) if own else model._base_manager.count()
    return found


def test_nothing_but_its_own_result_is_written(desk: Desk) -> None:
    for name in ("plain", "operated that day", "long and short outage", "special", "short outage", "rejected"):
        BY_HAND[name][0](desk)
    version = draft_of(desk, **OTHER_FIGURES)
    back_test = start_back_test(version.pk, by=desk.manager, months=1)
    before = _all_rows()
    run_job.call(back_test.job_id)
    after = _all_rows()
    changed = {label for label in after if after[label] != before[label]}
    assert changed == {"complaints.BackTestCase", "audit.Event"}
    assert before["complaints.BackTestCase"] == []
    assert after["audit.Event"] == before["audit.Event"] + 1  # type: ignore[operator]
    assert Event.objects.latest("pk").verb == "job.finish"


def test_it_asks_as_often_for_many_cases_as_for_few(desk: Desk) -> None:
    def queries() -> int:
        back_test = start_back_test(draft_of(desk, **OTHER_FIGURES).pk, by=desk.manager, months=1)
        with CaptureQueriesContext(connection) as captured:
            run_job.call(back_test.job_id)
        return len(captured)

    kinds = ("plain", "operated that day", "long and short outage", "short outage", "special", "agreement")
    for name in kinds:
        BY_HAND[name][0](desk)
    few = queries()
    for _ in range(3):
        for name in kinds:
            BY_HAND[name][0](desk)
    assert queries() == few


def test_many_facts_at_once_are_those_of_one_by_one(desk: Desk, django_assert_num_queries: Any) -> None:
    cost = factories.OperationCostFactory.create()
    subscriptions = [spring_subscription() for _ in range(3)]
    for subscription in subscriptions[:2]:
        for day in (1, 5, 10, 11, 30):
            factories.usage(subscription, day=date(2024, 4, day), seconds=60 * day)
            factories.usage(subscription, day=date(2024, 4, day), operation=cost.operation.code, quantity=Decimal(day))
    outage(subscriptions[0], 3, 6)
    outage(subscriptions[0], 12, 5, scheduled=True)
    everybody = outage(subscriptions[1], 9, 7)
    everybody.hits_everybody = True
    everybody.save()
    by_plan = Incident(code="I-9", title="Plan", starts_at=noon(15), ends_at=noon(16))
    by_plan.save()
    IncidentScope(incident=by_plan, plan=subscriptions[2].plan).save()
    Incident(code="I-10", title="Still down", starts_at=noon(20), hits_everybody=True).save()
    settled(desk, decided(desk, subscription=subscriptions[0], category=INTERRUPTION), "interruption")
    periods = [only_period(subscription) for subscription in subscriptions]
    many, late = QuoteFacts.load(periods), noon(30)
    refund = Refund.objects.get()
    for period in periods:
        one = QuoteFacts.load([period])
        assert many.terms_of(period) == one.terms_of(period)
        assert many.incidents_of(period) == one.incidents_of(period)
        for end in (date(2024, 4, 1), date(2024, 4, 10), date(2024, 4, 11), date(2024, 5, 1), date(2024, 5, 9)):
            assert many.usage_until(period, end) == one.usage_until(period, end)
        assert many.interruptions_of(period, late) == one.interruptions_of(period, late)
        assert many.earlier_refunds(period) == one.earlier_refunds(period)
        assert many.earlier_refunds(period, refund) == one.earlier_refunds(period, refund)
    assert [len(many.interruptions_of(period, late)[0]) for period in periods] == [3, 2, 3]
    assert len(compensated(many.earlier_refunds(periods[0]))) == 2
    assert many.usage_on(periods[0], date(2024, 4, 10))[0] == 600
    assert many.usage_on(periods[0], date(2024, 5, 1)) == (0, ())
    hit = everybody.pk
    assert [len(many.without([hit]).interruptions_of(period, late)[0]) for period in periods] == [2, 1, 2]
    with django_assert_num_queries(0):
        many.terms_of(periods[2])
        many.without([hit]).interruptions_of(periods[2], late)
    with pytest.raises(KeyError):
        QuoteFacts.load(periods[:1]).usage_until(periods[1], date(2024, 5, 1))


# --- As a job ------------------------------------------------------------------------------------


def test_asking_for_it_leaves_two_events_and_the_figures_of_that_moment(desk: Desk) -> None:
    version = draft_of(desk, as_of_day_counts=False)
    complaint = plain(desk)
    back_test = start_back_test(version.pk, by=desk.director, months=12)
    events = list(Event.objects.order_by("-pk").values_list("verb", "target_id", "actor")[:2])
    assert events == [
        ("policy.back_test", version.pk, desk.director.pk),
        ("job.start", back_test.job_id, desk.director.pk),
    ]
    assert (back_test.since, back_test.until) == (
        factories.months_ago(12),
        factories.today() + timedelta(days=1),
    )
    edit_policy_draft(
        version.pk, by=desk.manager, effective_from=version.effective_from, text=version.text, parameters={}
    )
    run_job.call(back_test.job_id)
    assert figures_of(case_of(back_test, complaint)) == ("40.00", "42.00", True)


def test_what_is_no_draft_is_not_tried(desk: Desk) -> None:
    version = draft_of(desk)
    published = Policy.objects.get(kind=Policy.Kind.REFUND).versions.get(number=1)
    assert_refused("state", lambda: start_back_test(published.pk, by=desk.manager, months=12))
    for by in (desk.agent, desk.lead, desk.clerk, desk.auditor, desk.administrator):
        assert_refused("permission", lambda by=by: start_back_test(version.pk, by=by, months=12))
    for months in (0, 61):
        assert_refused("months", lambda months=months: start_back_test(version.pk, by=desk.manager, months=months))
    start_back_test(version.pk, by=desk.manager, months=12)
    assert_refused("under_way", lambda: start_back_test(version.pk, by=desk.director, months=12))
    assert BackTest.objects.count() == 1
    assert Job.objects.count() == 1


def _killed_after(batches: int, back_test: BackTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the job until its worker is killed in the middle of a batch."""
    real, met = running._judged, []

    def judged(*args: Any) -> Any:
        met.append(args)
        if len(met) > batches:
            raise KeyboardInterrupt
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(running, "_judged", judged)
        with pytest.raises(KeyboardInterrupt):
            run_job.call(back_test.job_id)
    Job.objects.filter(pk=back_test.job_id).update(heartbeat_at=factories.at(factories.days_ago(1)))


def test_an_interrupted_one_goes_on_and_ends_as_if_undisturbed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "BATCH", 2)
    for name in ("plain", "called that day", "special", "short outage", "rejected", "annual", "late"):
        BY_HAND[name][0](desk)
    version = draft_of(desk, **OTHER_FIGURES)
    undisturbed = tried(version, desk.manager)
    disturbed = start_back_test(version.pk, by=desk.manager, months=1)
    _killed_after(2, disturbed, monkeypatch)
    job = Job.objects.get(pk=disturbed.job_id)
    assert (job.state, job.done, job.total) == (Job.State.RUNNING, 4, 7)
    assert disturbed.cases.count() == 4
    assert job.heartbeat_at is not None
    assert job.is_interrupted(job.heartbeat_at + SILENT_FOR)
    resume_job(job.pk, by=desk.lead)
    assert run_job.call(job.pk) == Job.State.FINISHED
    assert Job.objects.get(pk=job.pk).result == undisturbed.job.result
    columns = ("complaint", "refund", "basis", "then", "under_draft", "differs", "why")
    assert list(disturbed.cases.values_list(*columns)) == list(undisturbed.cases.values_list(*columns))


def test_a_cancelled_one_stops_between_batches(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "BATCH", 1)
    for _ in range(3):
        decided(desk)
    back_test = start_back_test(draft_of(desk).pk, by=desk.manager, months=1)
    real = running._judged

    def judged(*args: Any) -> Any:
        if back_test.cases.exists():
            cancel_job(back_test.job_id, by=desk.lead)
        return real(*args)

    monkeypatch.setattr(running, "_judged", judged)
    assert run_job.call(back_test.job_id) == Job.State.CANCELLED
    assert back_test.cases.count() == 1
    assert Job.objects.get(pk=back_test.job_id).done == 1


def test_one_that_breaks_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    plain(desk)
    back_test = start_back_test(draft_of(desk, **OTHER_FIGURES).pk, by=desk.manager, months=1)

    def broken(*args: Any) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(running, "calculate", broken)
    assert run_job.call(back_test.job_id) == Job.State.FAILED
    assert "An error of the system" in Job.objects.get(pk=back_test.job_id).failure
    assert not BackTestCase.objects.exists()


def test_terms_are_those_of_the_case_but_for_the_draft(desk: Desk) -> None:
    complaint = by_agreement(desk)
    back_test = start_back_test(draft_of(desk, decide_within_days=3).pk, by=desk.manager, months=1)
    judges = running.Judges(BackTest.objects.get(pk=back_test.pk))
    judges.read([complaint])
    then, draft = judges.of(complaint)
    assert then.parameters == complaint.terms
    assert draft.parameters.decide_within_days == 3
    assert draft.parameters.as_of_day_counts is False
