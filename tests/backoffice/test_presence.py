"""Two people at one row: who else has it open, and what a page that has grown old may not do."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.staff.models import User
from audit.models import Event
from backoffice.models import Presence
from backoffice.presence import also_open, seen_in
from complaints.cases.actions import add_note, assess_complaint
from complaints.cases.models import Complaint, Note
from tests import factories
from tests.complaints.cases import Desk, register

pytestmark = pytest.mark.django_db


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="accounts.staff.auth.StaffBackend")
    return client


def seen_on(page: str) -> str:
    found = re.search(r'name="seen" value="(\d+)"', page)
    assert found is not None
    return found[1]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def complaint(desk: Desk) -> Complaint:
    return register(desk)


def note_page(complaint: Complaint) -> str:
    return reverse("admin:complaints_complaint_act", args=("note",)) + f"?ids={complaint.pk}"


# --- Stale pages --------------------------------------------------------------------------------


def test_an_action_from_a_stale_page_is_refused_once_and_keeps_what_was_typed(desk: Desk, complaint: Complaint) -> None:
    client = client_of(desk.agent)
    page = client.get(note_page(complaint)).content.decode()
    assess_complaint(complaint.pk, by=desk.lead, severity="high", findings="Found meanwhile")
    before = Event.objects.count()

    typed = {"text": "Typed on the old page", "seen": seen_on(page)}
    answer = client.post(note_page(complaint), typed).content.decode()
    assert f"{desk.lead} assessed" in answer
    assert "Typed on the old page" in answer
    assert not Note.objects.exists()
    assert Event.objects.count() == before

    typed["seen"] = seen_on(answer)
    assert client.post(note_page(complaint), typed).status_code == 302
    assert Note.objects.get().text == "Typed on the old page"


def test_a_page_that_is_up_to_date_goes_through(desk: Desk, complaint: Complaint) -> None:
    client = client_of(desk.agent)
    page = client.get(note_page(complaint)).content.decode()
    assert client.post(note_page(complaint), {"text": "At once", "seen": seen_on(page)}).status_code == 302


def test_a_refused_try_of_somebody_changes_nothing_and_makes_nothing_stale(desk: Desk, complaint: Complaint) -> None:
    client = client_of(desk.agent)
    page = client.get(note_page(complaint)).content.decode()
    client_of(desk.lead).post(note_page(complaint), {"text": ""})
    assert client.post(note_page(complaint), {"text": "Mine", "seen": seen_on(page)}).status_code == 302


def test_the_confirmation_tells_what_changed_since_the_page_before_it(desk: Desk, complaint: Complaint) -> None:
    client = client_of(desk.agent)
    case = client.get(reverse("admin:complaints_complaint_change", args=(complaint.pk,))).content.decode()
    link = re.search(rf"act/note/\?ids={complaint.pk}&amp;seen=(\d+)", case)
    assert link is not None
    add_note(complaint.pk, by=desk.lead, text="In between")
    fresh = client.get(f"{note_page(complaint)}&seen={link[1]}").content.decode()
    assert "Since you opened the page before this one" in fresh
    assert str(desk.lead) in fresh


@pytest.mark.parametrize("typed", ["", "x", "-1", "9" * 40, "1.5", "٣x"])
def test_what_is_no_version_is_none(typed: str, desk: Desk, complaint: Complaint) -> None:
    assert seen_in(typed) is None
    answer = client_of(desk.agent).get(f"{note_page(complaint)}&seen={typed}")
    assert answer.status_code == 200


# --- Presence -----------------------------------------------------------------------------------


def presence_url(complaint: Complaint) -> str:
    return reverse("admin:complaints_complaint_presence", args=(complaint.pk,))


def test_others_who_have_the_page_open_are_named(desk: Desk, complaint: Complaint) -> None:
    assert "Also open" not in client_of(desk.agent).post(presence_url(complaint)).content.decode()
    page = client_of(desk.lead).post(presence_url(complaint)).content.decode()
    assert f"Also open: {desk.agent}" in page
    assert str(desk.lead) not in page


def test_a_page_that_was_closed_is_forgotten(desk: Desk, complaint: Complaint) -> None:
    also_open(complaint, by=desk.agent)
    Presence.objects.update(seen_at=timezone.now() - timedelta(seconds=70))
    assert also_open(complaint, by=desk.lead) == []
    Presence.objects.update(seen_at=timezone.now() - timedelta(days=2))
    assert also_open(register(desk), by=desk.agent) == []
    assert Presence.objects.filter(person=desk.agent).count() == 1


def test_an_open_page_learns_that_it_grew_old(desk: Desk, complaint: Complaint) -> None:
    client = client_of(desk.agent)
    page = client.get(reverse("admin:complaints_complaint_change", args=(complaint.pk,))).content.decode()
    seen = re.search(r'"seen": "(\d+)"', page)
    assert seen is not None
    assert "Changed" not in client.post(presence_url(complaint), {"seen": seen[1]}).content.decode()
    add_note(complaint.pk, by=desk.lead, text="New")
    assert "Changed since you opened it" in client.post(presence_url(complaint), {"seen": seen[1]}).content.decode()


def test_presence_is_for_those_who_see_the_row(complaint: Complaint) -> None:
    assert client_of(factories.administrator()).post(presence_url(complaint)).status_code == 403
    assert client_of(factories.agent()).get(presence_url(complaint)).status_code == 405
    assert client_of(factories.agent()).post(presence_url(complaint).replace(str(complaint.pk), "0")).status_code == 404
    assert not Presence.objects.exists()
