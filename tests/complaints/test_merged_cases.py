"""What is recorded on a merged case shows on the survivor's page; what a customer writes there reaches its owner."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.customers.merge.actions import approve_merge, propose_merge
from accounts.staff.models import User
from complaints.cases.actions import (
    add_note,
    ask_customer,
    assess_complaint,
    attach_file,
    record_customer_message,
)
from complaints.cases.correspondence.actions import write_message
from complaints.cases.decisions.actions import merge_complaints
from complaints.cases.models import Complaint
from tests import factories
from tests.complaints.cases import (
    Desk,
    again,
    communicate,
    complaint_in,
    decided,
    register,
    settled,
    spring_subscription,
    take_up,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


def page(person: User, url: str) -> str:
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def page_of(person: User, complaint: Complaint) -> str:
    return page(person, f"/complaints/complaint/{complaint.pk}/change/")


def test_the_survivors_page_shows_all_that_was_recorded_on_the_merged_ones(desk: Desk) -> None:
    subscription = spring_subscription()
    first = communicate(desk, decided(desk, subscription=subscription))
    refund = settled(desk, first)
    second = take_up(desk, register(desk, subscription))
    survivor = take_up(desk, register(desk, subscription))
    add_note(first.pk, by=desk.agent, text="The exchange was old.")
    attach_file(first.pk, by=desk.agent, file=SimpleUploadedFile("log.txt", b"down", "text/plain"))
    write_message(first.pk, by=desk.agent, text="We are looking into it.")
    assess_complaint(second.pk, by=desk.agent, severity="low", findings="A crackle on the line.")
    # By way of the second, too.
    merge_complaints(first.pk, by=desk.lead, into_id=second.pk, reason="The same")
    merge_complaints(second.pk, by=desk.lead, into_id=survivor.pk, reason="The same")

    shown = page_of(desk.agent, survivor)
    for what in (
        "The exchange was old.",
        "log.txt",
        "We are looking into it.",
        "A crackle on the line.",
        refund.code,
        f", on {first.code}",
        f", on {second.code}",
    ):
        assert what in shown, what
    assert f", on {survivor.code}" not in shown
    assert ", on C-" not in page_of(desk.agent, again(first))


@pytest.mark.parametrize("state", ["waiting", "closed", "merged"])
def test_what_a_customer_writes_reaches_the_owner_at_home_and_on_the_case(desk: Desk, state: str) -> None:
    case = take_up(desk, register(desk, spring_subscription()))
    owned = case
    if state == "waiting":
        ask_customer(case.pk, by=desk.agent, text="Which line?", channel="phone")
    elif state == "closed":
        case = owned = complaint_in(desk, "closed")
    else:
        owned = take_up(desk, register(desk, case.subscription))
        merge_complaints(case.pk, by=desk.lead, into_id=owned.pk, reason="The same")
    assert "Customers wrote" not in page(desk.agent, "/")
    received = timezone.now() - timedelta(minutes=1)
    record_customer_message(case.pk, by=desk.lead, text="The second one.", channel="phone", received_at=received)
    home = page(desk.agent, "/")
    assert "Customers wrote" in home
    assert owned.code in home.partition("Customers wrote")[2]
    assert "The second one." in page_of(desk.agent, owned)


def test_the_page_of_a_customers_merge_tells_its_story() -> None:
    lead, manager = factories.lead(), factories.manager()
    pair = [factories.CustomerFactory.create() for _ in range(2)]
    merge = propose_merge(pair[0].pk, into_id=pair[1].pk, by=lead, reason="Same tax number")
    url = f"/accounts/customermerge/{merge.pk}/change/"
    assert "Nothing has happened yet" not in page(manager, url)
    approve_merge(merge.pk, by=manager)
    shown = page(manager, url)
    assert "proposed to merge the customer" in shown
    assert "merged the customer" in shown
    assert "Same tax number" in shown
    for customer in pair:
        assert "merged the customer" in page(manager, f"/accounts/customer/{customer.pk}/change/")
