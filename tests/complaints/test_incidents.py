"""Recording interruptions: what is refused, and what a correction leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.models import Event
from complaints.incidents.actions import edit_incident, end_incident, record_incident
from complaints.incidents.models import Incident, IncidentScope
from tests import factories
from tests.complaints.cases import Desk, noon, only_period, spring_subscription
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return Desk()


def values(**changes: Any) -> dict[str, Any]:
    return {"title": "Exchange down", "starts_at": noon(2), "ends_at": noon(3), "hits_everybody": True, **changes}


def test_an_incident_gets_a_code_and_its_scopes(desk: Desk) -> None:
    subscription = spring_subscription()
    incident = record_incident(
        by=desk.lead,
        **values(
            title=" Exchange down ",
            hits_everybody=False,
            plan_ids=[subscription.plan_id, subscription.plan_id],
            subscription_ids=[subscription.pk],
        ),
    )
    assert (incident.code, incident.title, incident.scheduled) == ("I-0001", "Exchange down", False)
    scopes = IncidentScope.objects.filter(incident=incident).order_by("pk")
    assert [(scope.plan, scope.subscription) for scope in scopes] == [
        (subscription.plan, None),
        (None, subscription),
    ]
    event = Event.objects.order_by("-pk")[0]
    assert (event.verb, event.target_id, event.actor) == ("incident.record", incident.pk, desk.lead)


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("scope", {"hits_everybody": False}),
        ("reversed", {"ends_at": noon(2)}),
        ("reversed", {"ends_at": noon(1)}),
        ("naive_time", {"starts_at": noon(2).replace(tzinfo=None)}),
        ("naive_time", {"ends_at": noon(3).replace(tzinfo=None)}),
        ("dates", {"ends_at": timezone.now() + timedelta(days=2)}),
        ("invalid", {"title": " "}),
        ("invalid", {"title": "x" * 200}),
        ("missing", {"plan_ids": [987654]}),
        ("missing", {"subscription_ids": [987654]}),
    ],
)
def test_what_cannot_be_recorded_cannot_be_corrected_to_either(desk: Desk, code: str, changes: dict[str, Any]) -> None:
    assert_refused(code, record_incident, by=desk.lead, **values(**changes))
    incident = record_incident(by=desk.lead, **values())
    assert incident.code == "I-0001"
    assert_refused(code, edit_incident, incident.pk, by=desk.lead, reason="Wrong", scheduled=False, **values(**changes))


def test_maintenance_may_be_announced_and_an_interruption_may_not(desk: Desk) -> None:
    soon = {"starts_at": timezone.now() + timedelta(days=1), "ends_at": timezone.now() + timedelta(days=2)}
    assert_refused("dates", record_incident, by=desk.lead, **values(**soon))
    assert record_incident(by=desk.lead, **values(**soon), scheduled=True).scheduled


def test_who_records_incidents(desk: Desk) -> None:
    running = record_incident(by=desk.clerk, **values(ends_at=None))
    superuser = factories.UserFactory.create(role=None, is_superuser=True)
    for person in (desk.agent, desk.auditor, desk.administrator, desk.system, superuser):
        assert_refused("permission", record_incident, by=person, **values())
        assert_refused("permission", edit_incident, running.pk, by=person, reason="Wrong", scheduled=False, **values())
        assert_refused("permission", end_incident, running.pk, by=person, ends_at=noon(5))
    edit_incident(running.pk, by=desk.manager, reason="Wrong", scheduled=False, **values(ends_at=None))
    end_incident(running.pk, by=desk.lead, ends_at=noon(5))


def test_an_incident_ends_once_and_after_it_started(desk: Desk) -> None:
    incident = record_incident(by=desk.lead, **values(ends_at=None))
    end: Callable[..., Any] = end_incident
    assert_refused("reversed", end, incident.pk, by=desk.lead, ends_at=noon(2))
    assert_refused("naive_time", end, incident.pk, by=desk.lead, ends_at=noon(5).replace(tzinfo=None))
    assert_refused("dates", end, incident.pk, by=desk.lead, ends_at=timezone.now() + timedelta(hours=1))
    assert_refused("missing", end, 987654, by=desk.lead, ends_at=noon(5))
    end(incident.pk, by=desk.lead, ends_at=noon(5))
    assert Incident.objects.get().ends_at == noon(5)
    assert_refused("state", end, incident.pk, by=desk.lead, ends_at=noon(6), saying=incident.code)


def test_a_correction_keeps_what_was_there_and_says_why(desk: Desk) -> None:
    subscription = spring_subscription()
    incident = record_incident(by=desk.lead, **values(hits_everybody=False, subscription_ids=[subscription.pk]))
    assert_refused("reason_missing", edit_incident, incident.pk, by=desk.lead, reason=" ", scheduled=False, **values())
    assert_refused("missing", edit_incident, 987654, by=desk.lead, reason="?", scheduled=False, **values())
    edit_incident(
        incident.pk,
        by=desk.lead,
        reason="It was planned",
        scheduled=True,
        **values(
            ends_at=noon(4), hits_everybody=False, subscription_ids=[subscription.pk], plan_ids=[subscription.plan_id]
        ),
    )
    newest, oldest = incident.history.order_by("-history_id")
    assert (oldest.ends_at, oldest.scheduled) == (noon(3), False)
    assert (newest.ends_at, newest.scheduled, newest.history_change_reason) == (noon(4), True, "It was planned")
    assert IncidentScope.objects.filter(incident=incident).count() == 2


def test_the_database_keeps_intervals_and_scopes_sound(desk: Desk) -> None:
    subscription = spring_subscription()
    period = only_period(subscription)
    incident = record_incident(by=desk.lead, **values(subscription_ids=[subscription.pk]))
    incident.ends_at = incident.starts_at
    with pytest.raises(IntegrityError), transaction.atomic():
        incident.save()
    for scope in (
        IncidentScope(incident=incident),
        IncidentScope(incident=incident, plan=period.plan, subscription=subscription),
        IncidentScope(incident=incident, subscription=subscription),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            scope.save()
