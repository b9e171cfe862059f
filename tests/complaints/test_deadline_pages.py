"""Deadlines, indemnities and referrals on the pages: what they show, to whom, and with how many queries."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.formats import date_format

from accounts.staff.models import User
from complaints.cases.actions import acknowledge_complaint, assign_complaint
from complaints.cases.decisions.actions import escalate_complaint
from complaints.cases.models import Complaint
from complaints.refunds.models import Refund
from tests import factories
from tests.complaints.cases import Desk, decide, register, take_up
from tests.complaints.terms import agreed

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    return client


def page(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, url
    return response.content.decode()


def recent(desk: Desk, days: int, **terms: Any) -> Complaint:
    """A complaint received so many days ago, to be decided within 14, warned of 3 days before."""
    subscription = factories.paid_subscription(activated_on=factories.days_ago(60), term="annual")
    if terms:
        agreed(desk, subscription=subscription, **terms)
    complaint = register(desk, subscription, received_at=factories.at(factories.days_ago(days), hour=10))
    assign_complaint(complaint.pk, by=desk.agent, owner_id=desk.agent.pk)
    acknowledge_complaint(complaint.pk, by=desk.agent, text=complaint.code)
    return complaint


def change(complaint: Complaint) -> str:
    return f"/complaints/complaint/{complaint.pk}/change/"


LIST = "/complaints/complaint/"


@pytest.mark.parametrize(
    ("days", "shown", "near", "overdue"),
    [
        (5, "Decide in 9 d", False, False),
        (11, "Decide in 3 d", True, False),
        (14, "Decide today", True, False),
        (17, "Overdue by 3 d", False, True),
    ],
)
def test_a_deadline_is_shown_wherever_the_case_is(desk: Desk, days: int, shown: str, near: bool, overdue: bool) -> None:
    complaint = recent(desk, days)
    agent = signed_in(desk.agent)
    for url in (
        LIST,
        change(complaint),
        "/",
        f"/accounts/customer/{complaint.customer_id}/change/",
        f"/billing/subscription/{complaint.subscription_id}/change/",
    ):
        assert shown in page(agent, url), url
    assert (complaint.code in page(agent, f"{LIST}?work=near")) == near
    assert (complaint.code in page(agent, f"{LIST}?work=overdue")) == overdue
    assert ("?work=near" in page(agent, "/")) == near


def test_work_is_listed_by_deadline_and_all_else_by_receipt(desk: Desk) -> None:
    later, sooner = recent(desk, 20), recent(desk, 25)
    listed = page(signed_in(desk.lead), "/complaints/complaint/?work=overdue")
    assert listed.index(sooner.code) < listed.index(later.code)
    listed = page(signed_in(desk.lead), "/complaints/complaint/")
    assert listed.index(later.code) < listed.index(sooner.code)


def test_the_page_tells_both_deadlines_and_the_level(desk: Desk) -> None:
    subscription = factories.paid_subscription(activated_on=factories.days_ago(60), term="annual")
    complaint = register(desk, subscription, received_at=factories.at(factories.days_ago(12), hour=10))
    escalate_complaint(complaint.pk, by=desk.lead, reason="The press called")
    shown = page(signed_in(desk.lead), change(complaint))
    for words in ("Acknowledge: 10 d late", "Decide in 2 d", "Level 1"):
        assert words in shown
    decide(desk, take_up(desk, complaint))
    shown = page(signed_in(desk.lead), change(complaint))
    assert "d late" not in shown
    assert "Missed deadlines" in shown


def test_lists_and_home_ask_as_often_for_many_cases_as_for_few(desk: Desk) -> None:
    agent = signed_in(desk.agent)

    def queries() -> list[int]:
        found = []
        for url in (LIST, f"{LIST}?work=near", "/"):
            with CaptureQueriesContext(connection) as captured:
                page(agent, url)
            found.append(len(captured))
        return found

    for days in (11, 17):
        recent(desk, days, warn_before_days=5)
        recent(desk, days)
    few = queries()
    for days in (10, 11, 12, 17):
        recent(desk, days, warn_before_days=5)
        recent(desk, days)
    assert queries() == few


def test_an_indemnity_is_drafted_on_the_cases_page(desk: Desk) -> None:
    complaint = recent(desk, 20, indemnity_per_day={"EUR": "1.50"})
    agent = signed_in(desk.agent)
    url = f"{LIST}act/indemnity/?ids={complaint.pk}"
    assert "this needs" in page(agent, url)  # not decided yet
    decide(desk, take_up(desk, complaint))
    form = page(agent, url)
    assert "6 days late at 1.50 EUR a day: 9.00 EUR" in form
    response = agent.post(url, {"remedy": "credit"})
    refund = Refund.objects.get()
    assert response.headers["Location"] == f"/complaints/refund/{refund.pk}/change/"
    assert (refund.special_amount, refund.indemnity_for is not None) == (9, True)
    assert "Indemnity for a late answer" in page(agent, f"/complaints/refund/{refund.pk}/change/")
    assert "makes this good already" in page(agent, url)


def test_a_case_without_an_indemnity_says_why(desk: Desk) -> None:
    complaint = recent(desk, 20)
    decide(desk, take_up(desk, complaint))
    assert "names no indemnity for late answers in EUR" in page(
        signed_in(desk.agent), f"{LIST}act/indemnity/?ids={complaint.pk}"
    )
    assert signed_in(desk.clerk).get(f"{LIST}act/indemnity/?ids={complaint.pk}").status_code == 403


def test_a_referral_is_recorded_and_ended_on_its_page(desk: Desk) -> None:
    complaint = recent(desk, 20)
    lead = signed_in(desk.lead)
    url = f"{LIST}act/refer/?ids={complaint.pk}"
    began, ended = factories.days_ago(10), factories.days_ago(2)
    typed = {"scheme": "Conciliation board", "reference": "17/24", "referred_on": began.isoformat()}
    assert lead.post(url, typed).status_code == 302
    assert f"Referred to Conciliation board on {date_format(began)} (17/24)." in page(lead, change(complaint))
    assert "Conciliation board" in page(lead, url)  # what is on record stands in the form
    for wrong in (
        {"ended_on": ended.isoformat()},
        {"outcome": "Settled"},
        {"ended_on": (began - timedelta(days=1)).isoformat(), "outcome": "Settled"},
        {"ended_on": (timezone.localdate() + timedelta(days=2)).isoformat(), "outcome": "Settled"},
    ):
        assert lead.post(url, {**typed, **wrong}).status_code == 200
    assert lead.post(url, {**typed, "ended_on": ended.isoformat(), "outcome": "Settled."}).status_code == 302
    assert f"That ended on {date_format(ended)}: Settled." in page(lead, change(complaint))
    found = Complaint.objects.get(pk=complaint.pk)
    dates: tuple[date | None, date | None] = (found.referred_on, found.referral_ended_on)
    assert dates == (began, ended)
    assert signed_in(desk.agent).get(url).status_code == 403
