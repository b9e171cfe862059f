"""The approvals inbox: what waits for whom, opened in place, decided through the refund's own actions."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.staff.models import User
from complaints.cases.actions import add_note
from complaints.refunds.models import Refund
from tests import factories
from tests.complaints.cases import Desk, again, decided, propose, settled

pytestmark = pytest.mark.django_db

INBOX = "/complaints/refund/inbox/"


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="accounts.staff.auth.StaffBackend")
    return client


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


def act_url(name: str, refund: Refund) -> str:
    return reverse("admin:complaints_refund_act", args=(name,)) + f"?ids={refund.pk}"


def inside(refund: Refund, by: User) -> str:
    answer = client_of(by).get(f"{INBOX}{refund.pk}/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_address() -> None:
    assert reverse("admin:complaints_refund_inbox") == INBOX


def test_a_proposal_waits_for_those_who_had_no_hand_in_it(desk: Desk) -> None:
    refund = propose(desk, decided(desk))
    own = propose(desk, decided(desk, by=desk.lead), by=desk.lead)
    page = client_of(desk.lead).get(INBOX).content.decode()
    assert refund.customer.name in page
    assert f"proposal-{refund.pk}" in page
    assert f"proposal-{own.pk}" not in page
    page = client_of(desk.manager).get(INBOX).content.decode()
    assert f"proposal-{refund.pk}" in page
    assert f"proposal-{own.pk}" in page


@pytest.mark.parametrize(
    ("person", "status"),
    [("agent", 403), ("lead", 200), ("manager", 200), ("clerk", 403), ("auditor", 403), ("administrator", 403)],
)
def test_who_has_an_inbox(desk: Desk, person: str, status: int) -> None:
    refund = propose(desk, decided(desk))
    client = client_of(getattr(desk, person))
    assert client.get(INBOX).status_code == status
    assert client.get(f"{INBOX}{refund.pk}/").status_code == status
    assert ("Waiting for me" in client.get("/").content.decode()) is (status == 200)
    assert Client().get(INBOX).status_code == 302


def test_a_line_opens_in_place_and_without_script(desk: Desk) -> None:
    refund = propose(desk, decided(desk))
    opened = inside(refund, desk.lead)
    assert "<html" not in opened
    assert "Service already provided" in opened
    assert "40.00 EUR" in opened
    page = client_of(desk.lead).get(f"{INBOX}?open={refund.pk}").content.decode()
    assert "Service already provided" in page
    assert "Service already provided" not in client_of(desk.lead).get(INBOX).content.decode()


def test_approving_in_the_inbox_is_the_action_and_leads_back(desk: Desk) -> None:
    subscription = factories.paid_subscription(activated_on=factories.days_ago(10))
    complaint = decided(desk, subscription=subscription, received_on=factories.days_ago(1))
    refund = propose(desk, complaint)
    opened = inside(refund, desk.lead)
    seen = re.search(r'name="seen" value="(\d+)"', opened)
    assert seen is not None
    typed = {"reason": "", "seen": seen[1], "skipped": "", "back": INBOX}
    answer = client_of(desk.lead).post(act_url("approve", refund), typed)
    assert (answer.status_code, answer.headers["Location"]) == (302, INBOX)
    assert again(refund).state == Refund.State.SETTLED
    assert again(refund).approvals.get().approver == desk.lead


def test_what_changed_while_the_line_was_open_stops_the_approval(desk: Desk) -> None:
    refund = propose(desk, decided(desk))
    seen = re.search(r'name="seen" value="(\d+)"', inside(refund, desk.lead))
    assert seen is not None
    add_note(refund.complaint_id, by=desk.manager, text="Wait: the customer called")
    answer = client_of(desk.lead).post(act_url("approve", refund), {"seen": seen[1], "back": INBOX})
    assert "Since you opened this page" in answer.content.decode()
    assert f'name="back" value="{INBOX}"' in answer.content.decode()
    assert again(refund).state == Refund.State.PROPOSED


@pytest.mark.parametrize("name", ["return", "reject"])
def test_sending_back_needs_a_reason(desk: Desk, name: str) -> None:
    refund = propose(desk, decided(desk))
    client = client_of(desk.lead)
    assert client.post(act_url(name, refund), {"reason": "", "back": INBOX}).status_code == 200
    assert again(refund).state == Refund.State.PROPOSED
    answer = client.post(act_url(name, refund), {"reason": "Too much", "back": INBOX})
    assert answer.headers["Location"] == INBOX
    assert again(refund).state in {Refund.State.DRAFT, Refund.State.REJECTED}


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"])
def test_it_leads_nowhere_else(desk: Desk, back: str) -> None:
    refund = propose(desk, decided(desk))
    answer = client_of(desk.lead).post(act_url("return", refund), {"reason": "Too much", "back": back})
    assert answer.headers["Location"] == reverse("admin:complaints_refund_change", args=(refund.pk,))


def test_whoever_may_not_approve_reads_why(desk: Desk) -> None:
    own = propose(desk, decided(desk, by=desk.lead), by=desk.lead)
    opened = inside(own, desk.lead)
    assert "You can’t approve this" in opened
    assert 'data-key="a"' not in opened


def test_more_proposals_need_no_more_queries(desk: Desk) -> None:
    client = client_of(desk.lead)
    counts, page = [], ""
    for _ in range(2):
        for _ in range(3):
            propose(desk, decided(desk))
        with CaptureQueriesContext(connection) as queries:
            page = client.get(INBOX).content.decode()
        counts.append(len(queries))
    assert page.count("inbox-head") == 6
    assert counts[0] == counts[1] <= 17


def test_nothing_waits(desk: Desk) -> None:
    settled(desk, decided(desk))
    assert "Nothing waits for your approval" in client_of(desk.lead).get(INBOX).content.decode()
