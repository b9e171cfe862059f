"""Back-tests on pages: asked for on a draft's page, read as tables, taken away as a file that runs nothing."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.staff.models import User
from complaints.back_tests.models import BackTest, BackTestCase
from jobs.runner import run_job
from policies.versions.models import PolicyVersion
from tests import factories
from tests.complaints.back_test_cases import BY_HAND, OTHER_FIGURES, case_of, draft_of, plain, tried
from tests.complaints.cases import Desk

pytestmark = pytest.mark.django_db

LIST = "/complaints/backtest/"


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


def version_url(version: PolicyVersion) -> str:
    return f"/policies/policyversion/{version.pk}/change/"


def ask_url(version: PolicyVersion) -> str:
    return f"/policies/policyversion/act/back_test/?ids={version.pk}"


def people(desk: Desk) -> dict[str, User]:
    return {
        "agent": desk.agent,
        "lead": desk.lead,
        "manager": desk.manager,
        "clerk": desk.clerk,
        "auditor": desk.auditor,
        "administrator": desk.administrator,
    }


def file_of(client: Client, back_test: BackTest) -> list[dict[str, str]]:
    response: Any = client.get(f"{LIST}{back_test.pk}/cases.csv")
    assert response.streaming
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in response.headers["Content-Disposition"]
    text = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_a_manager_asks_for_it_on_the_drafts_page_and_reads_what_came_out(desk: Desk) -> None:
    complaint = plain(desk)
    version = draft_of(desk, **OTHER_FIGURES)
    manager = signed_in(desk.director)
    assert "Not tried on past cases yet." in page(manager, version_url(version))
    answer = manager.post(ask_url(version), {"months": "3"})
    back_test = BackTest.objects.get()
    url = f"{LIST}{back_test.pk}/change/"
    assert (answer.status_code, answer.headers["Location"]) == (302, url)
    waiting = page(manager, url)
    assert f'data-job="/jobs/job/{back_test.job_id}/progress/"' in waiting
    assert "Cases that differ" not in waiting
    run_job.call(back_test.job_id)
    shown = page(manager, url)
    assert "data-job=" not in shown
    for words in ("Cases that differ", complaint.code, "The day of receipt counts otherwise.", "40.00", "42.00"):
        assert words in shown
    assert url in page(manager, version_url(version))
    assert url in page(manager, f"/jobs/job/{back_test.job_id}/change/")
    assert str(version) in page(manager, LIST)


def test_months_that_are_none_keep_the_form(desk: Desk) -> None:
    version = draft_of(desk)
    answer = signed_in(desk.manager).post(ask_url(version), {"months": "0"})
    assert answer.status_code == 200
    assert "months" in answer.context["form"].errors
    assert not BackTest.objects.exists()


@pytest.mark.parametrize(
    ("role", "asks", "sees"),
    [
        ("agent", False, False),
        ("lead", False, False),
        ("manager", True, True),
        ("clerk", False, False),
        ("auditor", False, True),
        ("administrator", False, False),
    ],
)
def test_who_asks_for_it_and_who_sees_it(desk: Desk, role: str, asks: bool, sees: bool) -> None:
    version = draft_of(desk)
    back_test = tried(version, desk.manager)
    client = signed_in(people(desk)[role])
    assert client.get(ask_url(version)).status_code == (200 if asks else 403)
    assert client.post(ask_url(version), {"months": "1"}).status_code == (302 if asks else 403)
    for url in (LIST, f"{LIST}{back_test.pk}/change/", f"{LIST}{back_test.pk}/cases.csv"):
        assert client.get(url).status_code == (200 if sees else 403), url
    assert ("Back-tests</span>" in page(client, version_url(version))) is sees
    assert BackTest.objects.count() == 1 + asks


def test_a_draft_that_was_edited_since_is_told(desk: Desk) -> None:
    version = draft_of(desk, as_of_day_counts=False)
    back_test = tried(version, desk.manager)
    manager, url = signed_in(desk.manager), f"{LIST}{back_test.pk}/change/"
    assert "has been edited since" not in page(manager, url)
    version.parameters |= {"as_of_day_counts": True}
    version.save()
    assert "has been edited since" in page(manager, url)


def test_the_file_has_every_case(desk: Desk) -> None:
    made = {name: BY_HAND[name][0](desk) for name in ("plain", "special", "rejected", "long outage", "short outage")}
    back_test = tried(draft_of(desk, **OTHER_FIGURES), desk.manager)
    rows = {row["complaint"]: row for row in file_of(signed_in(desk.auditor), back_test)}
    assert {name: (rows[made[name].code]["then"], rows[made[name].code]["under_draft"]) for name in made} == {
        name: (then, under_draft) for name, (_, _, then, under_draft, _) in BY_HAND.items() if name in made
    }
    assert rows[made["plain"].code] == {
        "complaint": made["plain"].code,
        "category": "quality",
        "outcome": "upheld",
        "refund": case_of(back_test, made["plain"]).refund.code,  # type: ignore[union-attr]
        "basis": "usage",
        "currency": "EUR",
        "then": "40.00",
        "under_draft": "42.00",
        "differs": "yes",
        "why": "The day of receipt counts otherwise.",
    }
    assert (rows[made["rejected"].code]["refund"], rows[made["rejected"].code]["differs"]) == ("", "no")


@pytest.mark.parametrize("why", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_cell_of_the_file_is_run_by_a_spreadsheet(desk: Desk, why: str) -> None:
    complaint = plain(desk)
    back_test = tried(draft_of(desk), desk.manager)
    BackTestCase(back_test=back_test, complaint=complaint, currency="EUR", why=why).save()
    cells = [row["why"] for row in file_of(signed_in(desk.manager), back_test)]
    assert cells == ["", f"'{why}"]


def test_long_lists_are_turned_page_by_page(desk: Desk) -> None:
    complaint = plain(desk)
    back_test = tried(draft_of(desk), desk.manager)
    for number in range(51):
        BackTestCase(
            back_test=back_test, complaint=complaint, currency="EUR", differs=True, why=f"Reason {number:02d}"
        ).save()
    manager, url = signed_in(desk.manager), f"{LIST}{back_test.pk}/change/"
    first, second = page(manager, url), page(manager, f"{url}?page=2")
    assert "1 to 50 of 51" in first
    assert ("Reason 49" in first, "Reason 50" in first) == (True, False)
    assert ("Reason 49" in second, "Reason 50" in second) == (False, True)


def test_the_page_asks_as_often_for_many_cases_as_for_few(desk: Desk) -> None:
    client = signed_in(desk.manager)

    def queries(back_test: BackTest) -> int:
        with CaptureQueriesContext(connection) as captured:
            page(client, f"{LIST}{back_test.pk}/change/")
        return len(captured)

    for _ in range(2):
        plain(desk)
    version = draft_of(desk, as_of_day_counts=False)
    first = tried(version, desk.manager)
    queries(first)  # what a process reads once
    few = queries(first)
    for _ in range(6):
        plain(desk)
    assert queries(tried(version, desk.manager)) == few
    with CaptureQueriesContext(connection) as for_two:
        page(client, LIST)
    for _ in range(3):
        tried(version, desk.manager)
    with CaptureQueriesContext(connection) as for_five:
        page(client, LIST)
    assert len(for_five) == len(for_two)


def test_the_links_of_the_page_lead_to_the_cases(desk: Desk) -> None:
    complaint = plain(desk)
    back_test = tried(draft_of(desk, as_of_day_counts=False), desk.manager)
    shown = page(signed_in(desk.auditor), f"{LIST}{back_test.pk}/change/")
    assert f'href="/complaints/complaint/{complaint.pk}/change/"' in shown
    assert f'href="/complaints/refund/{complaint.refunds.get().pk}/change/"' in shown
    assert factories.today().isoformat() in shown
