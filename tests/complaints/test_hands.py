"""Whoever had a hand in a refund does not approve it, and is told which; before the last one who could approve takes a
hand, the page warns. Through the actions and the pages.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.staff.models import User
from accounts.staff.permissions import Role
from audit.models import Event
from complaints.cases.actions import correct_complaint
from complaints.cases.decisions.actions import give_consent, merge_complaints
from complaints.cases.models import Complaint
from complaints.incidents.actions import edit_incident, end_incident, record_incident
from complaints.incidents.models import Incident, IncidentChange
from complaints.refunds.approvals.actions import approve_refund, return_refund
from complaints.refunds.models import CountedIncident, Refund
from complaints.refunds.proposals.actions import edit_refund, propose_refund
from complaints.refunds.work_queues import waiting_for_approval_of
from messaging.outbox.models import OutgoingMessage
from tests import factories
from tests.complaints.cases import Desk, again, decide, decided, noon, propose, register, spring_subscription, take_up
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


# --- The table ----------------------------------------------------------------------------------

#: Makes a proposal in which the manager has one hand; the agent does all else.
type Make = Callable[[Desk], Refund]


def registered(desk: Desk) -> Refund:
    return propose(desk, decide(desk, take_up(desk, register(desk, by=desk.manager))))


def corrected(desk: Desk) -> Refund:
    complaint = register(desk)
    correct_complaint(complaint.pk, by=desk.manager, reason="Misheard", category="other")
    return propose(desk, decide(desk, take_up(desk, complaint)))


def consented(desk: Desk) -> Refund:
    late = factories.at(date(2024, 5, 1) + timedelta(days=181))
    complaint = decided(desk, received_at=late)
    give_consent(complaint.pk, by=desk.manager, reason="They were ill")
    return propose(desk, complaint, "full_month")


def merged(hand: Callable[[Desk, Complaint], object]) -> Make:
    def make(desk: Desk) -> Refund:
        into = decided(desk)
        early = register(desk, into.subscription, by=desk.manager if hand is registering else desk.agent)
        hand(desk, early)
        by = desk.manager if hand is joining else desk.lead
        merge_complaints(early.pk, by=by, into_id=into.pk, reason="The same matter")
        return propose(desk, into)

    return make


def registering(desk: Desk, complaint: Complaint) -> None:
    """It was registered by the manager."""


def joining(desk: Desk, complaint: Complaint) -> None:
    """It was merged by the manager."""


def correcting(desk: Desk, complaint: Complaint) -> None:
    correct_complaint(complaint.pk, by=desk.manager, reason="Misheard", subject="Another")


def outage(desk: Desk, *, by: User, ends: bool = True, **kwargs: Any) -> Incident:
    return record_incident(
        by=by, title="Down", starts_at=noon(2), ends_at=noon(4) if ends else None, hits_everybody=True, **kwargs
    )


def recorded_incident(desk: Desk) -> Refund:
    outage(desk, by=desk.manager)
    return propose(desk, decided(desk), "interruption")


def ended_incident(desk: Desk) -> Refund:
    incident = outage(desk, by=desk.clerk, ends=False)
    end_incident(incident.pk, by=desk.manager, ends_at=noon(4))
    return propose(desk, decided(desk), "interruption")


def changed_incident(desk: Desk) -> Refund:
    """After the proposal, and without touching its figures."""
    incident = outage(desk, by=desk.clerk)
    refund = propose(desk, decided(desk), "interruption")
    edit_incident(
        incident.pk,
        by=desk.manager,
        reason="A better name",
        title="Exchange down",
        starts_at=noon(2),
        ends_at=noon(4),
        scheduled=False,
        hits_everybody=True,
    )
    return refund


def maintenance_within(desk: Desk) -> Refund:
    outage(desk, by=desk.clerk)
    record_incident(
        by=desk.manager,
        title="Repair",
        starts_at=noon(3),
        ends_at=noon(3, hour=13),
        scheduled=True,
        hits_everybody=True,
    )
    return propose(desk, decided(desk), "interruption")


def moved_maintenance(desk: Desk) -> Refund:
    """Out of the way of the outage, to other days of the period."""
    outage(desk, by=desk.clerk)
    announced = outage(desk, by=desk.clerk, scheduled=True)
    edit_incident(
        announced.pk,
        by=desk.manager,
        reason="Another day",
        title="Repair",
        starts_at=noon(20),
        ends_at=noon(21),
        scheduled=True,
        hits_everybody=True,
    )
    return propose(desk, decided(desk), "interruption")


def narrowed_maintenance(desk: Desk) -> Refund:
    """Of everybody once, of another subscription now."""
    outage(desk, by=desk.clerk)
    announced = outage(desk, by=desk.clerk, scheduled=True)
    edit_incident(
        announced.pk,
        by=desk.manager,
        reason="Only theirs",
        title="Repair",
        starts_at=noon(6),
        ends_at=noon(7),
        scheduled=True,
        hits_everybody=False,
        subscription_ids=[spring_subscription().pk],
    )
    return propose(desk, decided(desk), "interruption")


def outage_before_the_period(desk: Desk) -> Refund:
    """Two and three hours, one to each side of midnight: neither is an interruption without the other."""
    begins, midnight, ends = noon(31, month=3, hour=22), noon(1, hour=0), noon(1, hour=3)
    record_incident(by=desk.manager, title="Down", starts_at=begins, ends_at=midnight, hits_everybody=True)
    record_incident(by=desk.clerk, title="Down", starts_at=midnight, ends_at=ends, hits_everybody=True)
    return propose(desk, decided(desk), "interruption")


def named_incident(desk: Desk) -> Refund:
    incident = outage(desk, by=desk.manager)
    return propose(desk, decided(desk), "special", special_amount=Decimal("10.00"), incident_id=incident.pk)


HANDS: dict[str, tuple[Make, str, str]] = {
    "registered": (registered, "registered", "You registered C-"),
    "corrected": (corrected, "corrected", "You corrected C-"),
    "consented": (consented, "consented", "You consented to a refund of C-"),
    "registered one merged into it": (merged(registering), "registered", "You registered C-"),
    "merged one into it": (merged(joining), "joined", "You merged C-"),
    "corrected one merged into it": (merged(correcting), "corrected", "You corrected C-"),
    "recorded an incident": (recorded_incident, "own_incident", "You recorded or changed I-"),
    "ended an incident": (ended_incident, "own_incident", "You recorded or changed I-"),
    "changed an incident": (changed_incident, "own_incident", "You recorded or changed I-"),
    "moved maintenance out of its way": (moved_maintenance, "own_incident", "You recorded or changed I-"),
    "made maintenance hit others": (narrowed_maintenance, "own_incident", "You recorded or changed I-"),
    "recorded what it is one outage with": (outage_before_the_period, "own_incident", "You recorded or changed I-"),
    "recorded the incident it names": (named_incident, "own_incident", "You recorded or changed I-"),
    "maintenance within it": (maintenance_within, "own_incident", "You recorded or changed I-"),
}


@pytest.mark.parametrize(("make", "code", "says"), HANDS.values(), ids=HANDS.keys())
def test_whoever_had_a_hand_in_it_does_not_approve_it(desk: Desk, make: Make, code: str, says: str) -> None:
    refund = make(desk)
    desk.manager.is_superuser = True
    desk.manager.save()
    assert_refused(code, approve_refund, refund.pk, by=desk.manager, saying=says)
    assert says in page(desk.manager, f"/complaints/refund/{refund.pk}/change/")
    assert refund not in waiting_for_approval_of(desk.manager)
    assert refund in waiting_for_approval_of(desk.director)
    approve_refund(refund.pk, by=desk.director)
    assert again(refund).state == Refund.State.SETTLED


def page(person: User, address: str) -> str:
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    return client.get(address).content.decode()


# --- What is no hand ----------------------------------------------------------------------------


def test_the_system_leaves_no_hand_and_an_incident_that_does_not_count_is_none(desk: Desk) -> None:
    subscription = spring_subscription()
    incident = Incident(code="I-1", title="Down", starts_at=noon(2), ends_at=noon(4), hits_everybody=True)
    incident.save()
    short = record_incident(
        by=desk.manager, title="Short", starts_at=noon(6), ends_at=noon(6, hour=13), hits_everybody=True
    )
    refund = propose(desk, decided(desk, subscription=subscription), "interruption")
    counted = CountedIncident.objects.filter(refund=refund).values_list("incident", flat=True)
    assert list(counted) == [incident.pk]
    assert not IncidentChange.objects.filter(incident=incident).exists()
    assert IncidentChange.objects.get(incident=short).by == desk.manager
    approve_refund(refund.pk, by=desk.manager)


def test_only_the_round_that_waits_counts(desk: Desk) -> None:
    refund = recorded_incident(desk)
    return_refund(refund.pk, by=desk.director, reason="By usage, rather")
    edit_refund(refund.pk, by=desk.agent, basis="usage")
    propose_refund(refund.pk, by=desk.agent, reason="By usage")
    approve_refund(refund.pk, by=desk.manager)


# --- The warning --------------------------------------------------------------------------------

LAST = "after this nobody can"


def only(*able: User) -> None:
    """All others who could approve are gone, whoever made plans and prices for the test among them."""
    for person in User.objects.filter(role__name__in=(Role.LEAD, Role.MANAGER)).exclude(
        pk__in=[each.pk for each in able]
    ):
        person.is_active = False
        person.save()


@pytest.mark.parametrize("step", ["assess", "decide", "correct", "propose"])
def test_the_last_who_could_approve_is_warned_before_a_step_on_the_case(desk: Desk, step: str) -> None:
    complaint = decided(desk)
    address = f"/complaints/complaint/act/{step}/?ids={complaint.pk}"
    assert LAST not in page(desk.lead, address)
    only(desk.lead)
    assert LAST in page(desk.lead, address)
    # Who approves nothing anyway takes nothing away.
    assert LAST not in page(desk.agent, address)


def test_who_has_a_hand_already_is_not_counted_among_the_free(desk: Desk) -> None:
    complaint = decide(desk, take_up(desk, register(desk), by=desk.manager), by=desk.director)
    only(desk.lead, desk.manager, desk.director)
    address = f"/complaints/complaint/act/assess/?ids={complaint.pk}"
    assert LAST in page(desk.lead, address)
    assert LAST not in page(desk.manager, address)


def test_the_last_free_lead_is_warned_before_an_outage_and_may_go_on(desk: Desk) -> None:
    address = "/complaints/incident/do/record/"
    warning = "if you record it, nobody can"
    assert warning not in page(desk.lead, address)
    only(desk.lead)
    assert warning in page(desk.lead, address)
    assert warning not in page(desk.clerk, address)
    outage(desk, by=desk.lead)


def test_the_last_who_could_approve_a_proposal_is_warned_before_they_change_its_incident(desk: Desk) -> None:
    incident = outage(desk, by=desk.manager)
    refund = propose(desk, decided(desk), "interruption", by=desk.director)
    only(desk.lead, desk.manager, desk.director)
    address = f"/complaints/incident/act/edit/?ids={incident.pk}"
    assert f"You are the last who could approve {refund.code}" in page(desk.lead, address)
    assert LAST not in page(desk.manager, address)


# --- An incident that is changed after the refund -----------------------------------------------


def test_whoever_approved_is_told_when_a_counted_incident_is_changed_later(desk: Desk) -> None:
    """By e-mail, once a person, those in whose place it was approved too; what is not settled concerns nobody yet."""
    incident = outage(desk, by=desk.clerk)
    refund = propose(desk, decided(desk), "interruption")
    factories.delegation(desk.manager, desk.lead)
    approve_refund(refund.pk, by=desk.lead, choice=str(desk.lead.delegations_received.get().pk))
    second = propose(desk, decided(desk), "interruption")
    approve_refund(second.pk, by=desk.director)
    propose(desk, decided(desk), "interruption")
    rename(desk, incident)
    told = OutgoingMessage.objects.filter(kind="staff_incident")
    assert {message.staff: refund.code in message.body for message in told} == {
        desk.lead: True,
        desk.manager: True,
        desk.director: False,
    }
    assert "Carl" in told[0].body
    assert "A better name" in told[0].body
    event = Event.objects.filter(verb="incident.edit")[0]
    assert event.data["told"] == sorted(person.username for person in (desk.lead, desk.manager, desk.director))


def rename(desk: Desk, incident: Incident) -> None:
    edit_incident(
        incident.pk,
        by=desk.clerk,
        reason="A better name",
        title="Exchange down",
        starts_at=noon(2),
        ends_at=noon(4),
        scheduled=False,
        hits_everybody=True,
    )


def test_nobody_is_told_of_an_incident_that_no_settled_refund_counts(desk: Desk) -> None:
    incident = outage(desk, by=desk.clerk)
    propose(desk, decided(desk), "interruption")
    rename(desk, incident)
    assert not OutgoingMessage.objects.filter(kind="staff_incident").exists()
