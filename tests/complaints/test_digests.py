"""Digests: told at the chosen times, once, of what one may do something about, and never of nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from io import StringIO
from itertools import pairwise
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.customers.links import linked_obstacle
from accounts.staff.approvers import ApprovalRights
from accounts.staff.models import User
from audit.models import Event
from complaints.cases.actions import acknowledge_complaint, assign_complaint
from complaints.cases.models import Complaint
from complaints.digests.actions import Slot, latest_slot, send_digests
from complaints.digests.contents import Digest, digests_for, waiting_for
from complaints.digests.models import DigestTimes
from complaints.digests.times import choose_digest_times
from complaints.refunds.approvals.actions import approve_refund, return_refund
from complaints.refunds.models import Refund
from complaints.refunds.proposals.actions import edit_refund, propose_refund
from messaging.outbox.models import OutgoingMessage
from tests import factories
from tests.company_life import clock_on
from tests.complaints.cases import Desk, dear_case, decided, draft, propose, register, special, spring_subscription
from tests.complaints.refusals import assert_refused
from tests.concurrency.racing import race, refusals_of

#: A Monday.
MONDAY = date(2024, 4, 15)
EVERY_DAY = range(7)


@pytest.fixture
def desk(db: None) -> Desk:
    """With limits; the agent, the lead and the manager have addresses."""
    desk = Desk(limits=True)
    for person in (desk.agent, desk.colleague, desk.lead, desk.manager, desk.director):
        person.email = f"{person.username}@example.com"
        person.save()
    return desk


def choose(person: User, *times: str, weekdays: Any = EVERY_DAY) -> DigestTimes:
    return choose_digest_times(by=person, times=[time.fromisoformat(at) for at in times], weekdays=list(weekdays))


def at(hour: int, minute: int = 0, day: date = MONDAY) -> datetime:
    return factories.at(day, hour, minute)


def send(desk: Desk, now: datetime) -> tuple[int, int]:
    result = send_digests(by=desk.system, now=now)
    return result.told, result.nothing


def digest_of(person: User, now: datetime | None = None) -> Digest:
    return digests_for([User.objects.select_related("role").get(pk=person.pk)], now)[person.pk]


# --- Choosing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("person", ["clerk", "auditor", "administrator", "system"])
def test_who_has_nothing_waiting_chooses_no_times(desk: Desk, person: str) -> None:
    assert_refused("permission", choose_digest_times, by=getattr(desk, person), times=[time(8)], weekdays=[0])


@pytest.mark.parametrize(
    ("times", "weekdays", "code"),
    [
        ([time(hour) for hour in range(5)], [0], "times"),
        ([time(8, 0, 1)], [0], "times"),
        ([time(8)], [7], "weekdays"),
    ],
)
def test_what_is_no_choice(desk: Desk, times: list[time], weekdays: list[int], code: str) -> None:
    assert_refused(code, choose_digest_times, by=desk.agent, times=times, weekdays=weekdays)


def test_a_choice_replaces_the_one_before(desk: Desk) -> None:
    choose(desk.agent, "14:30", "08:00", "08:00", weekdays=[4, 0])
    row = choose(desk.agent, "09:15")
    assert DigestTimes.objects.get() == row
    assert row.history.count() == 2
    first, second = Event.objects.filter(verb="digest_times.choose").order_by("pk")
    assert first.data == {"times": ["08:00", "14:30"], "weekdays": [0, 4]}
    assert (second.actor, second.data["times"]) == (desk.agent, ["09:15"])


def test_the_page(desk: Desk) -> None:
    client, address = Client(), "/complaints/digesttimes/do/choose/"
    client.force_login(desk.agent, backend="accounts.staff.auth.StaffBackend")
    assert "checked" in client.get(address).content.decode()
    for wrong in ("8", "25:00", "08:00, noon"):
        page = client.post(address, {"times": wrong, "weekdays": [0]})
        assert "is no time of day" in page.content.decode(), wrong
    response = client.post(address, {"times": "14:30; 8:05", "weekdays": [0, 3]}, follow=True)
    assert "08:05 and 14:30 on Monday, Thursday." in response.content.decode()
    assert "08:05, 14:30" in response.content.decode()
    assert client.post(address, {"times": "", "weekdays": []}).status_code == 302
    assert DigestTimes.objects.get().times == []


# --- When ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "weekdays", "since", "until", "expected"),
    [
        (["08:00"], EVERY_DAY, at(7), at(9), at(8)),
        (["08:00"], EVERY_DAY, at(7), at(8), at(8)),
        (["08:00"], EVERY_DAY, at(8), at(9), None),
        (["08:00", "14:00"], EVERY_DAY, at(7), at(15), at(14)),
        (["08:00", "14:00"], EVERY_DAY, at(7), at(13, 59), at(8)),
        (["08:00"], [0], at(7, day=date(2024, 4, 14)), at(9), at(8)),
        (["08:00"], [1], at(7, day=date(2024, 4, 14)), at(9), None),
        (["23:59"], EVERY_DAY, at(22, day=date(2024, 4, 14)), at(0, 5), at(23, 59, date(2024, 4, 14))),
        ([], EVERY_DAY, at(7), at(9), None),
        (["08:00"], [], at(7), at(9), None),
    ],
)
def test_the_latest_time_of_a_span(
    times: list[str], weekdays: Any, since: datetime, until: datetime, expected: datetime | None
) -> None:
    assert latest_slot(times, weekdays, since=since, until=until) == expected


def test_an_hour_that_the_clock_skips_and_one_that_it_shows_twice() -> None:
    """In Rome 02:30 does not exist on 31 March 2024 and comes twice on 27 October."""
    skipped = [datetime(2024, 3, 31, 0, minute, tzinfo=UTC) + timedelta(hours=1) for minute in (0, 29, 30, 31)]
    found = [latest_slot(["02:30"], EVERY_DAY, since=before, until=after) for before, after in pairwise(skipped)]
    assert [slot is not None for slot in found] == [False, True, False]
    ticks = [datetime(2024, 10, 26, 23, 0, tzinfo=UTC) + timedelta(minutes=10 * n) for n in range(24)]
    hits = [after for before, after in pairwise(ticks) if latest_slot(["02:30"], EVERY_DAY, since=before, until=after)]
    assert hits == [datetime(2024, 10, 27, 0, 30, tzinfo=UTC)]


def test_local_time_in_summer_and_winter(desk: Desk) -> None:
    for day, hour in ((date(2024, 1, 15), 7), (date(2024, 7, 15), 6)):
        moment = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
        assert latest_slot(["08:00"], EVERY_DAY, since=moment - timedelta(minutes=1), until=moment) == at(8, day=day)


# --- Sending ------------------------------------------------------------------------------------


def test_a_digest_is_sent_once_for_a_time(desk: Desk) -> None:
    with clock_on(MONDAY) as clock:
        clock.now = at(6)
        choose(desk.manager, "08:00", "14:00")
        refund = propose(desk, decided(desk))
        assert send(desk, at(7, 59)) == (0, 0)
        assert not Event.objects.filter(verb="digest.send").exists()
        assert send(desk, at(8)) == (1, 0)
        assert send(desk, at(8)) == (0, 0)
        assert send(desk, at(8, 10)) == (0, 0)
        assert send(desk, at(14, 5)) == (1, 0)
    first, second = OutgoingMessage.objects.order_by("pk")
    assert first.key == f"digest:{desk.manager.pk}:2024-04-15:08:00"
    assert second.key == f"digest:{desk.manager.pk}:2024-04-15:14:00"
    assert (first.recipient, first.staff, first.queued_by) == (desk.manager.email, desk.manager, desk.system)
    assert f"{refund.code}: 40.00 EUR, {refund.customer.name}" in first.body


@pytest.mark.parametrize(("site", "link"), [("https://redress.example.com", "https://redress.example.com/"), ("", "")])
def test_a_digest_leads_to_the_home_page(desk: Desk, settings: Any, site: str, link: str) -> None:
    settings.SITE_URL = site
    with clock_on(MONDAY) as clock:
        clock.now = at(6)
        choose(desk.manager, "08:00")
        propose(desk, decided(desk))
        send(desk, at(8))
    body = OutgoingMessage.objects.get().body
    assert ("http" in body) is bool(site)
    assert link in body


def test_nothing_to_say_is_not_said_and_not_said_late(desk: Desk) -> None:
    """What comes up after the chosen time waits for the next one."""
    with clock_on(MONDAY) as clock:
        clock.now = at(6)
        choose(desk.manager, "08:00")
        assert send(desk, at(8)) == (0, 1)
        propose(desk, decided(desk))
        assert send(desk, at(8, 5)) == (0, 0)
        assert send(desk, at(8, day=MONDAY + timedelta(days=1))) == (1, 0)
    assert OutgoingMessage.objects.count() == 1


def test_only_the_latest_time_is_caught_up_with_and_none_of_days_ago(desk: Desk) -> None:
    with clock_on(MONDAY) as clock:
        clock.now = at(6)
        choose(desk.manager, "08:00", "10:00", "12:00")
        choose(desk.lead, "08:00", weekdays=[0])
        propose(desk, decided(desk))
        assert send(desk, at(11, day=MONDAY + timedelta(days=2))) == (1, 0)
    assert OutgoingMessage.objects.get().key.endswith("2024-04-17:10:00")


def test_a_time_that_was_over_when_it_was_chosen_is_no_time_yet(desk: Desk) -> None:
    propose(desk, decided(desk))
    with clock_on(MONDAY) as clock:
        clock.now = at(9)
        choose(desk.manager, "08:00")
        assert send(desk, at(9, 5)) == (0, 0)
        assert send(desk, at(8, day=MONDAY + timedelta(days=1))) == (1, 0)


def _deactivated(person: User) -> None:
    person.is_active = False


def _clerk(person: User) -> None:
    person.role = factories.billing_clerk().role


def _without_address(person: User) -> None:
    person.email = ""


@pytest.mark.parametrize("change", [_deactivated, _clerk, _without_address])
def test_who_is_not_told(desk: Desk, change: Any) -> None:
    with clock_on(MONDAY) as clock:
        clock.now = at(6)
        choose(desk.manager, "08:00")
        propose(desk, decided(desk))
        change(desk.manager)
        desk.manager.save()
        assert send(desk, at(8)) == (0, 0)
    assert not OutgoingMessage.objects.exists()


def test_only_the_system_sends(desk: Desk) -> None:
    with clock_on(MONDAY) as clock:
        clock.now = at(6)
        choose(desk.manager, "08:00")
        assert_refused("permission", send_digests, by=desk.manager, now=at(8))


def test_the_command_says_what_it_did(desk: Desk) -> None:
    now = timezone.localtime()
    with clock_on(now.date() - timedelta(days=2)):
        choose(desk.manager, (now - timedelta(minutes=1)).strftime("%H:%M"))
    propose(desk, decided(desk))
    said = StringIO()
    for expected in ("1 people are told", "0 people are told"):
        call_command("send_digests", stdout=said)
        assert expected in said.getvalue()
    assert Event.objects.get(verb="digest.send").source == "command"
    call_command("send_digests", "--enqueue", stdout=said)
    assert "queued for the background worker" in said.getvalue()


def test_a_slot_is_named_by_the_local_day_and_time(desk: Desk) -> None:
    assert Slot(desk.lead, at(0, 30)).key == f"digest:{desk.lead.pk}:2024-04-15:00:30"


# --- Proposals that wait ------------------------------------------------------------------------


def test_who_is_told_of_a_proposal(desk: Desk) -> None:
    small = propose(desk, decided(desk))
    dear = special(desk, dear_case(desk), "300.00")
    people = [desk.agent, desk.colleague, desk.lead, desk.manager, desk.clerk, desk.auditor, desk.administrator]
    told = {pk: [each.refund for each in found] for pk, found in waiting_for(people).items()}
    assert told[desk.lead.pk] == [small]
    assert set(told[desk.manager.pk]) == {small, dear}
    assert not any(told[person.pk] for person in people if person not in (desk.lead, desk.manager))


def test_a_hand_a_limit_a_link_and_an_approval_keep_a_proposal_out(desk: Desk) -> None:
    own = propose(desk, decided(desk), by=desk.lead)
    over = propose(desk, decided(desk, subscription=spring_subscription(agreed_fee=Decimal("180.00"))))
    mine = propose(desk, decided(desk))
    desk.lead.customer = factories.CustomerFactory.create(merged_into=mine.customer)
    desk.lead.save()
    twice = special(desk, dear_case(desk), "600.00")
    approve_refund(twice.pk, by=desk.manager)
    found = waiting_for([desk.lead, desk.manager, desk.director])
    assert found[desk.lead.pk] == []
    assert {each.refund for each in found[desk.manager.pk]} == {own, over, mine}
    assert {each.refund for each in found[desk.director.pk]} == {own, over, mine, twice}


def test_what_waits_is_what_the_action_allows(desk: Desk) -> None:
    """The same answer as approving gives, for everybody and every proposal."""
    factories.delegation(desk.manager, desk.lead)
    factories.delegation(desk.lead, desk.colleague)
    customer = factories.CustomerFactory.create()
    refunds = [
        propose(desk, decided(desk, subscription=spring_subscription(customer=customer))),
        propose(desk, decided(desk, subscription=spring_subscription(customer=customer)), by=desk.lead),
        special(desk, dear_case(desk), "300.00", by=desk.manager),
        special(desk, dear_case(desk), "1900.00"),
        special(desk, dear_case(desk), "600.00"),
    ]
    approve_refund(
        propose(desk, decided(desk, subscription=spring_subscription(customer=customer))).pk, by=desk.director
    )
    people = [desk.agent, desk.colleague, desk.lead, desk.manager, desk.director]
    found = {(pk, each.refund.pk) for pk, several in waiting_for(people).items() for each in several}
    allowed = set()
    for person in people:
        for refund in refunds:
            client = Client()
            client.force_login(person, backend="accounts.staff.auth.StaffBackend")
            page = client.get(f"/complaints/refund/act/approve/?ids={refund.pk}")
            if page.status_code == 200 and page.context["todo"]:
                allowed.add((person.pk, refund.pk))
    assert found == allowed
    assert len(found) > 8


def test_in_somebodys_place(desk: Desk) -> None:
    factories.delegation(desk.manager, desk.lead)
    refund = special(desk, dear_case(desk), "300.00")
    assert digest_of(desk.lead).proposals[0].endswith(f", in the place of {desk.manager}")
    assert refund.code in digest_of(desk.lead).proposals[0]


def test_an_expired_proposal_waits_for_nobody(desk: Desk) -> None:
    refund = propose(desk, decided(desk))
    day = refund.expires_on
    assert digest_of(desk.lead, factories.at(day - timedelta(days=1))).proposals
    assert not digest_of(desk.lead, factories.at(day)).proposals


def test_links_read_once_are_the_links_asked_one_by_one(desk: Desk) -> None:
    survivor = factories.CustomerFactory.create()
    former = factories.CustomerFactory.create(merged_into=survivor)
    oldest = factories.CustomerFactory.create(merged_into=former)
    other = factories.CustomerFactory.create()
    for mine in (survivor, former, oldest, other, None):
        desk.lead.customer = mine
        rights = ApprovalRights(factories.today())
        for theirs in (survivor, former, oldest, other):
            linked = linked_obstacle(desk.lead, theirs.pk) is not None
            assert rights.is_own_customer(desk.lead, theirs.pk) is linked


# --- Cases and what came back -------------------------------------------------------------------


def fresh_case(desk: Desk, owner: User, days_ago: int = 1) -> Complaint:
    complaint = register(desk, received_on=factories.days_ago(days_ago))
    assign_complaint(complaint.pk, by=owner, owner_id=owner.pk)
    return Complaint.objects.get(pk=complaint.pk)


def test_cases_near_and_past_a_deadline(desk: Desk) -> None:
    complaint = fresh_case(desk, desk.colleague)
    due, warned = complaint.decide_due_at, complaint.terms.warn_before_days
    acknowledge_complaint(
        complaint.pk, by=desk.agent, recipient="x@example.com", text=f"Your code is {complaint.code}."
    )
    moments = [
        (due - timedelta(days=warned + 2), None),
        (due - timedelta(hours=1), "Decide today"),
        (due + timedelta(hours=1), "Overdue by 1 d"),
    ]
    for moment, words in moments:
        lines = digest_of(desk.colleague, moment).deadlines
        assert list(lines) == ([f"{complaint.code} {complaint.subject}: {words}"] if words else [])
        assert not digest_of(desk.agent, moment).deadlines
    decided_one = decided(desk)
    assign_complaint(decided_one.pk, by=desk.lead, owner_id=desk.colleague.pk, reason="Busy")
    assert len(digest_of(desk.colleague, due).deadlines) == 1


def test_a_missing_acknowledgement_is_named(desk: Desk) -> None:
    complaint = fresh_case(desk, desk.colleague)
    [line] = digest_of(desk.colleague, complaint.acknowledge_due_at + timedelta(minutes=1)).deadlines
    assert "Acknowledge: 1 d late" in line


def test_what_came_back(desk: Desk) -> None:
    refund = draft(desk, decided(desk), by=desk.colleague)
    propose_refund(refund.pk, by=desk.agent, reason="The log")
    assert not digest_of(desk.agent).returned
    return_refund(refund.pk, by=desk.manager, reason="The wrong period")
    for person in (desk.agent, desk.colleague):
        [line] = digest_of(person).returned
        assert refund.code in line
        assert "“The wrong period”" in line
    assert not digest_of(desk.lead).returned
    edit_refund(refund.pk, by=desk.agent)
    propose_refund(refund.pk, by=desk.agent, reason="The right one")
    assert not digest_of(desk.agent).returned


def test_a_long_list_is_cut_and_counted(desk: Desk) -> None:
    for _ in range(17):
        fresh_case(desk, desk.colleague, days_ago=60)
    lines = digest_of(desk.colleague).deadlines
    assert len(lines) == 16
    assert lines[-1] == "and 2 more"


# --- How often the database is asked ------------------------------------------------------------


def statements(desk: Desk, now: datetime) -> int:
    with CaptureQueriesContext(connection) as captured:
        send_digests(by=desk.system, now=now)
    return len(captured)


def more_of_everything(desk: Desk, people: int) -> None:
    customer = factories.CustomerFactory.create()
    for number in range(people):
        lead = factories.lead(email=f"lead{number}-{customer.pk}@example.com", customer=customer)
        choose(lead, "08:00", "09:00")
        factories.delegation(desk.manager, lead)
        fresh_case(desk, lead, days_ago=60)
        propose(desk, decided(desk))
        returned = propose(desk, decided(desk), by=lead)
        return_refund(returned.pk, by=desk.manager, reason="Why?")


def test_many_people_and_cases_are_read_as_often_as_few(desk: Desk) -> None:
    today = factories.today()
    with clock_on(today - timedelta(days=1)):
        more_of_everything(desk, 2)
    few = statements(desk, at(8, day=today))
    with clock_on(today - timedelta(days=1)):
        more_of_everything(desk, 6)
    assert statements(desk, at(9, day=today)) <= few
    assert OutgoingMessage.objects.filter(key__endswith="09:00").count() == 8
    assert Refund.objects.filter(state=Refund.State.DRAFT).count() == 8


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_several_runs_at_once_tell_once() -> None:
    desk = Desk(limits=True)
    desk.manager.email = "maja@example.com"
    desk.manager.save()
    with clock_on(MONDAY) as clock:
        clock.now = at(6)
        choose(desk.manager, "08:00")
        propose(desk, decided(desk))
    results = race([partial(send_digests, by=desk.system, now=at(8)) for _ in range(6)])
    assert refusals_of(results) == []
    assert OutgoingMessage.objects.count() == 1
    assert Event.objects.filter(verb="digest.send").count() in range(1, 7)
