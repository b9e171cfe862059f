"""The policies for everybody: what is in force, what was, what will be, and whom to ask (F10, F11)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from policies.public.pages import ContactPoint
from policies.versions.actions import discard_policy_draft, draft_policy_version, publish_policy_version
from policies.versions.models import Policy, PolicyVersion
from tests import factories
from tests.complaints.cases import Desk, policy_says

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
MARCH = date(2027, 3, 1)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Set the clock."""
    return lambda moment: monkeypatch.setattr(timezone, "now", lambda: moment)


def page(address: str = "/policy/", **headers: str) -> Any:
    return Client().get(address, headers=headers)


def text_of(address: str = "/policy/") -> str:
    response = page(address)
    assert response.status_code == 200, address
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", response.content.decode()))


def draft(desk: Desk, text: str = "## Brand new", days: int = 1, **parameters: Any) -> PolicyVersion:
    return draft_policy_version(
        Policy.objects.get(kind="refund").pk,
        by=desk.manager,
        effective_from=factories.today() + timedelta(days=days),
        text=text,
        parameters=parameters,
    )


def publish(desk: Desk, version: PolicyVersion) -> PolicyVersion:
    return publish_policy_version(version.pk, by=desk.director)


# --- What is shown ------------------------------------------------------------------------------


def test_both_policies_in_force_are_there_for_everybody() -> None:
    text = text_of()
    for expected in (
        "Fulfilment policy Version 1. In force since 11 February 2025",
        "Refund policy Version 1. In force since 28 December 2025",
        "The cancellation takes effect when the current period ends",
        "There is no refund without a complaint.",
        "The shortest interruption that counts4 hours",
        "A complaint is decided within14 days",
    ):
        assert expected in text
    for kind in ("fulfilment", "refund"):
        assert "In force since" in text_of(f"/policy/{kind}/1/")


def test_how_staff_check_each_other_is_not_for_everybody(desk: Desk) -> None:
    publish(desk, draft(desk, second_approval_above={"EUR": "77.00"}, approval_window_days=33))
    for address in ("/policy/", "/policy/refund/1/", "/policy/refund/2/", "/policy/refund/2/changes/"):
        text = text_of(address)
        for hidden in ("77.00", "33 days", "approve", "proposed refund", str(desk.manager), str(desk.director)):
            assert hidden not in text, (address, hidden)
    assert "No figure that concerns customers changed." in text_of("/policy/refund/2/changes/")


def test_figures_without_effect_are_left_out(desk: Desk) -> None:
    text = text_of("/policy/refund/1/")
    assert "public holidays" not in text
    assert "an answer is late" not in text
    assert "late answer" not in text
    publish(desk, draft(desk, deadline_days="working", indemnity_per_day={"EUR": "1.50"}))
    text = text_of("/policy/refund/2/")
    assert "public holidays ofthe customer&#x27;s country" in text
    assert "For each day by which an answer is late we may give1.50 EUR" in text
    assert "For one late answer at mostthe period&#x27;s fee" in text


def test_a_draft_is_never_visible(desk: Desk) -> None:
    before = page().content
    version = draft(desk, decide_within_days=3)
    draft(desk)
    discard_policy_draft(version.pk, by=desk.director, reason="Not now")
    assert page().content == before
    unknown = page("/policy/refund/9/")
    for address in ("/policy/refund/2/", "/policy/refund/3/", "/policy/refund/2/changes/"):
        found = page(address)
        # Exactly as for a version that never was.
        assert (found.status_code, found.content) == (404, unknown.content)


def test_what_is_to_come_is_announced_and_earlier_versions_stay_readable(desk: Desk) -> None:
    text = PolicyVersion.objects.get(policy__kind="refund").text.replace("without a complaint.", "without a form.")
    publish(desk, draft(desk, text, days=10, decide_within_days=3))
    starts = factories.today() + timedelta(days=10)
    front = text_of()
    assert f"This policy changes on {starts:%-d %B %Y}. Read version 2 or see what changes with it." in front
    assert "There is no refund without a complaint." in front
    assert "A complaint is decided within14 days" in front
    assert f"Version 2. Not in force yet holds from {starts:%-d %B %Y} on" in front
    coming = text_of("/policy/refund/2/")
    assert "There is no refund without a form." in coming
    assert "A complaint is decided within3 days" in coming
    ends = starts - timedelta(days=1)
    assert f"In force since 28 December 2025, up to and including {ends:%-d %B %Y}" in text_of("/policy/refund/1/")
    changes = page("/policy/refund/2/changes/").content.decode()
    assert "until then: <del>14 days</del>" in changes
    assert "from then on: <ins>3 days</ins>" in changes
    assert re.search(r"without a\s*<del><span[^>]*>\[removed: </span>complaint<", changes)
    assert re.search(r"<ins><span[^>]*>\[added: </span>form<", changes)


def test_a_first_version_has_nothing_that_it_changed() -> None:
    assert page("/policy/refund/1/changes/").status_code == 404
    assert b"/policy/refund/1/changes/" not in page().content


def test_every_link_leads_somewhere(desk: Desk) -> None:
    publish(desk, draft(desk, "One", days=0))
    publish(desk, draft(desk, "Two", days=5))
    seen, to_see = set(), ["/policy/"]
    while to_see:
        address = to_see.pop()
        seen.add(address)
        response = page(address)
        assert response.status_code == 200, address
        content = response.content.decode()
        for link in re.findall(r'href="([^"]+)"', content):
            if link.startswith("#"):
                assert f'id="{link[1:]}"' in content, link
            elif link.startswith("/policy") and link not in seen:
                to_see.append(link)
    assert seen == {
        "/policy/",
        *(f"/policy/{version}/" for version in ("fulfilment/1", "refund/1", "refund/2", "refund/3")),
        *(f"/policy/refund/{number}/changes/" for number in (2, 3)),
    }


@pytest.mark.parametrize(
    ("moment", "in_force"),
    [
        (datetime(2027, 2, 28, 22, 59, 59, tzinfo=UTC), 1),  # 23:59:59 in Rome
        (datetime(2027, 2, 28, 23, 0, 0, tzinfo=UTC), 2),
    ],
)
def test_a_version_holds_from_local_midnight_on(
    at: Callable[[datetime], None], moment: datetime, in_force: int
) -> None:
    policy_says(MARCH, decide_within_days=3)
    at(moment)
    text = text_of()
    assert f"Refund policy Version {in_force}. In force since" in text
    assert ("No longer in force held from 28 December 2025 up to and including 28 February 2027" in text) == (
        in_force == 2
    )
    assert ("This policy changes on 1 March 2027." in text) == (in_force == 1)


def test_midnight_is_that_of_the_business(at: Callable[[datetime], None], settings: Any) -> None:
    policy_says(MARCH)
    settings.TIME_ZONE = settings.BUSINESS_TIME_ZONE = "Pacific/Auckland"
    at(datetime(2027, 2, 28, 10, 59, 59, tzinfo=UTC))
    assert "Refund policy Version 1. In force" in text_of()
    at(datetime(2027, 2, 28, 11, 0, 0, tzinfo=UTC))
    text = text_of()
    assert "Refund policy Version 2. In force" in text
    assert "1 March 2027" in text
    assert "Pacific/Auckland" in text


# --- Whom to ask (F11) --------------------------------------------------------------------------


def test_every_page_names_whom_to_ask_and_where_to_cancel() -> None:
    factories.company_profile(
        name="Example Telephony",
        street="Via del Molo",
        number="1",
        questions="help@example.com\n+39 010 123456",
        cancellations="https://example.com/cancel",
    )
    for address in ("/policy/", "/policy/refund/1/", "/policy/fulfilment/1/"):
        content = page(address).content.decode()
        questions, cancelling = content.split("Questions about these policies")[1].split("Cancelling your service")
        assert '<a href="mailto:help@example.com">help@example.com</a>' in questions
        assert '<a href="tel:+39010123456">+39 010 123456</a>' in questions
        assert '<a href="https://example.com/cancel">https://example.com/cancel</a>' in cancelling
        assert "Example Telephony<br>Via del Molo 1<br>16100 Genova<br>Italy" in cancelling


def test_without_a_profile_staff_are_warned(desk: Desk, client: Client) -> None:
    client.force_login(desk.manager, backend="accounts.staff.auth.StaffBackend")
    warning = b"No contact on the public page"
    assert page().content.count(b"Not given yet") == 2
    assert warning in client.get("/policies/policy/").content
    factories.company_profile()
    assert b"Not given yet" not in page().content
    assert warning not in client.get("/policies/policy/").content


def test_the_logo_is_seen_by_everybody_once_it_is_published(client: Client) -> None:
    draft = factories.company_profile(logo=True, state="draft")
    assert client.get(f"/policy/logo-{draft.logo_id}.png").status_code == 404
    profile = factories.company_profile(logo=True)
    assert f'src="/policy/logo-{profile.logo_id}.png"'.encode() in page().content
    shown = client.get(f"/policy/logo-{profile.logo_id}.png")
    assert (shown.status_code, shown["Content-Type"]) == (200, "image/png")


@pytest.mark.parametrize(
    ("text", "href"),
    [
        ("support@example.com", "mailto:support@example.com"),
        ("https://example.com/a?b=c", "https://example.com/a?b=c"),
        ("javascript:alert(1)", ""),
        ("+39 (010) 12 34-56", "tel:+39010123456"),
        ("ask at the desk", ""),
        ("12", ""),
    ],
)
def test_a_contact_is_a_link_where_it_can_be(text: str, href: str) -> None:
    assert ContactPoint.of(text) == ContactPoint(text, href)


def test_nothing_typed_becomes_markup(desk: Desk) -> None:
    script = "<script>alert(1)</script>"
    factories.company_profile(name=script, street=script, questions=script, cancellations=script)
    publish(desk, draft(desk, f"{script}\n\n![x](https://elsewhere.example/x.png)", days=0, appeal_route=script))
    for address in ("/policy/", "/policy/refund/2/", "/policy/refund/2/changes/"):
        content = page(address).content.decode()
        assert "<script" not in content
        assert "<img" not in content


# --- How it is served ---------------------------------------------------------------------------


def test_nobody_is_known_here(desk: Desk, django_assert_num_queries: Any) -> None:
    """Whoever asks, signed in or not, with whatever cookies: the same page, no cookie back, two queries."""
    client = Client()
    client.force_login(desk.manager, backend="accounts.staff.auth.StaffBackend")
    client.cookies["csrftoken"] = client.cookies["django_language"] = "it"
    anonymous = page()
    with django_assert_num_queries(2):
        known = client.get("/policy/", headers={"accept-language": "it"})
    assert known.content == anonymous.content
    for address in ("/policy", "/policy/", "/policy/refund/1/", "/policy/refund/9/", "/policy/nothing/here"):
        for response in (page(address), client.get(address), client.post(address), client.head(address)):
            assert response.cookies == {}
            assert "set-cookie" not in response.headers
            assert "cookie" not in response.headers.get("Vary", "").lower()
            assert "no-store" not in response.headers.get("Cache-Control", "")


def test_a_cache_may_keep_it_and_ask_whether_it_changed(desk: Desk, django_assert_num_queries: Any) -> None:
    version = draft(desk, days=0)
    first = page()
    assert re.fullmatch(r'"[0-9a-f]{32}"', first.headers["ETag"])
    assert re.fullmatch(r"public, max-age=\d+", first.headers["Cache-Control"])
    with django_assert_num_queries(2):
        again = page(**{"if-none-match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
    head = Client().head("/policy/")
    assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", first.headers["ETag"])
    publish(desk, version)
    changed = page(**{"if-none-match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        (datetime(2027, 2, 28, 12, 0, tzinfo=UTC), 300),
        (datetime(2027, 2, 28, 22, 59, 30, tzinfo=UTC), 30),
        (datetime(2027, 2, 28, 22, 59, 59, 999_999, tzinfo=UTC), 0),
        # The night of 25 hours: midnight comes when the clocks say so.
        (datetime(2027, 10, 31, 22, 58, 0, tzinfo=UTC), 120),
        (datetime(2027, 3, 27, 22, 59, 0, tzinfo=UTC), 60),
    ],
)
def test_no_cache_keeps_it_beyond_the_day(at: Callable[[datetime], None], moment: datetime, seconds: int) -> None:
    at(moment)
    for address in ("/policy/", "/policy/refund/1/", "/policy/refund/9/"):
        assert page(address).headers["Cache-Control"] == f"public, max-age={seconds}"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_it_can_only_be_read(method: str) -> None:
    client = Client(enforce_csrf_checks=True)
    for address in ("/policy/", "/policy/refund/1/", "/policy/nothing"):
        response = getattr(client, method)(address)
        assert response.status_code == 405
        assert response.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "address",
    [
        "refund/",
        "refund/0/",
        "refund/01/",
        "refund/-1/",
        "refund/1",
        "refund/2/",
        "refund/99999999999/",
        "refund/1/changes",
        "refund/1/history/",
        "terms/1/",
        "%00",
        "%ff/",
    ],
)
def test_what_is_not_there_is_not_found(address: str) -> None:
    """Not found, rather than a way to the staff's login."""
    response = page(f"/policy/{address}")
    assert response.status_code == 404
    assert b"There is nothing here" in response.content
    assert b"login" not in response.content


def test_the_address_without_its_slash_leads_here() -> None:
    response = page("/policy")
    assert (response.status_code, response.headers["Location"]) == (301, "/policy/")


def test_the_policy_of_content_is_as_strict_as_elsewhere() -> None:
    for address in ("/policy/", "/policy/refund/9/"):
        response = page(address)
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert "unsafe" not in response.headers["Content-Security-Policy"]
        content = response.content.decode()
        assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=", content)
