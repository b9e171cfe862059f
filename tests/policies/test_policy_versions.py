"""Versions of a policy through pages: who publishes, what is refused by hand-typed addresses, what two differ in."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.formats import date_format

from accounts.staff.models import User
from accounts.staff.permissions import Role
from audit.models import Event
from policies.versions.actions import (
    discard_policy_draft,
    draft_policy_version,
    edit_policy_draft,
    publish_policy_version,
)
from policies.versions.models import Policy, PolicyVersion
from tests import factories
from tests.complaints.cases import Desk, decided, policy_says, propose
from tests.complaints.refusals import assert_refused, rows_of_every_table
from tests.complaints.typed import as_typed

pytestmark = pytest.mark.django_db

LIST = "/policies/policyversion/"
S = PolicyVersion.Standing


@pytest.fixture
def desk() -> Desk:
    return Desk()


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    return client


def text_of(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def in_days(days: int) -> Any:
    return factories.today() + timedelta(days=days)


def first(kind: str = "refund") -> PolicyVersion:
    return PolicyVersion.objects.get(policy__kind=kind, number=1)


def draft(desk: Desk, *, by: User | None = None, days: int = 1, text: str = "New", **parameters: Any) -> PolicyVersion:
    return draft_policy_version(
        Policy.objects.get(kind="refund").pk,
        by=by or desk.manager,
        effective_from=in_days(days),
        text=text,
        parameters=parameters,
    )


def standing(version: PolicyVersion, days: int = 0) -> str:
    return PolicyVersion.objects.with_successor().get(pk=version.pk).standing(in_days(days))


# --- Drafts, and what days make of a version ----------------------------------------------------


def test_days_decide_which_version_is_in_force(desk: Desk) -> None:
    second, third = draft(desk, days=5), draft(desk, days=9)
    assert [standing(version) for version in (first(), second)] == [S.IN_FORCE, S.DRAFT]
    # A draft takes nobody's place, whatever day it names.
    assert standing(first(), days=100) == S.IN_FORCE
    for version in (second, third):
        publish_policy_version(version.pk, by=desk.director)
    found = {days: [standing(version, days) for version in (first(), second, third)] for days in (0, 4, 5, 8, 9, 1000)}
    assert found == {
        0: [S.IN_FORCE, S.TO_COME, S.TO_COME],
        4: [S.IN_FORCE, S.TO_COME, S.TO_COME],
        5: [S.SUPERSEDED, S.IN_FORCE, S.TO_COME],
        8: [S.SUPERSEDED, S.IN_FORCE, S.TO_COME],
        9: [S.SUPERSEDED, S.SUPERSEDED, S.IN_FORCE],
        1000: [S.SUPERSEDED, S.SUPERSEDED, S.IN_FORCE],
    }
    assert standing(first("fulfilment"), days=1000) == S.IN_FORCE


def test_pages_say_where_each_version_stands(desk: Desk) -> None:
    publish_policy_version(draft(desk, days=0).pk, by=desk.director)
    publish_policy_version(draft(desk, days=3).pk, by=desk.director)
    draft(desk, days=9)
    discard_policy_draft(draft(desk).pk, by=desk.manager, reason="Changed our mind")
    client = signed_in(desk.agent)
    for address in (LIST, f"/policies/policy/{first().policy_id}/change/"):
        shown = re.findall(r'class="pill[^>]*>([A-Za-z ]+)<', text_of(client, address))
        assert sorted(set(shown)) == ["Discarded", "Draft", "In force", "Superseded", "To come"]
    page = text_of(client, f"{LIST}{first().pk}/change/")
    assert "Superseded" in page.split("</h1>")[1].split("</div>")[0]
    front = text_of(client, "/policies/policy/")
    assert f"Version 2 of {date_format(in_days(0))}" in front
    assert f"Version 3 of {date_format(in_days(3))}<" in front
    assert f"Version 4 of {date_format(in_days(9))}<" in front
    assert "Version 5" not in front


def test_a_draft_can_be_given_up_and_never_comes_back(desk: Desk) -> None:
    version = draft(desk)
    assert_refused("reason_missing", discard_policy_draft, version.pk, by=desk.director, reason=" ")
    for person in (desk.agent, desk.lead, desk.clerk, desk.auditor, desk.administrator):
        assert_refused("permission", discard_policy_draft, version.pk, by=person, reason="No")
    discard_policy_draft(version.pk, by=desk.director, reason="Not now")
    assert PolicyVersion.objects.get(pk=version.pk).state == "discarded"
    event = Event.objects.order_by("-pk")[0]
    assert (event.verb, event.target_id, event.reason) == ("policy.discard", version.pk, "Not now")
    edited: dict[str, Any] = {"effective_from": in_days(1), "text": "#", "parameters": {}}
    assert_refused("state", edit_policy_draft, version.pk, by=desk.manager, saying="discarded", **edited)
    assert_refused("state", publish_policy_version, version.pk, by=factories.manager(), saying="discarded")
    assert_refused("state", discard_policy_draft, version.pk, by=desk.manager, reason="Again")
    # Its number is not given out again.
    assert draft(desk).number == 3
    assert_refused("state", discard_policy_draft, first().pk, by=desk.manager, reason="No")


def test_the_database_never_changes_what_is_no_draft(desk: Desk) -> None:
    """Not even for somebody who goes past the actions, by a model or by SQL."""
    discarded = discard_policy_draft(draft(desk).pk, by=desk.manager, reason="No")
    published = publish_policy_version(draft(desk).pk, by=desk.director)
    changes: dict[str, Any] = {
        "text": "Other words",
        "parameters": {"decide_within_days": 1},
        "effective_from": in_days(20),
        "state": "draft",
        "number": 99,
    }
    for version in (first(), first("fulfilment"), discarded, published):
        for name, value in changes.items():
            row = PolicyVersion.objects.get(pk=version.pk)
            setattr(row, name, value)
            if name == "state":
                row.published_by = row.published_at = None
            with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
                row.save()
        with pytest.raises(IntegrityError, match="never deleted"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM policies_policyversion WHERE id = %s", [version.pk])
        with pytest.raises(IntegrityError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE policies_policyversion SET text = 'x' WHERE id = %s", [version.pk])


# --- Nobody publishes their own draft, whatever address they type --------------------------------


def publish_ways(version: PolicyVersion) -> dict[str, Callable[[Client], Any]]:
    """Every address that could publish, with what a page or a hand would send there."""
    stock = {
        "state": "published",
        "published_by": str(version.drafted_by_id),
        "published_at_0": "2026-01-01",
        "published_at_1": "00:00",
        "effective_from": str(version.effective_from),
        "text": version.text,
        "parameters": "{}",
        "policy": str(version.policy_id),
        "number": str(version.number),
        "drafted_by": "",
        "reason": "Fine",
        "_save": "Save",
    }
    act = f"{LIST}act/publish/"
    return {
        "the action": lambda client: client.post(f"{act}?ids={version.pk}", {"reason": "Fine"}),
        "the action, confirmed": lambda client: client.post(
            f"{act}?ids={version.pk}", {"ids": str(version.pk), "reason": "Fine", "_confirm": "1"}
        ),
        "a page without a row": lambda client: client.post(f"{LIST}do/publish/", {"ids": version.pk, **stock}),
        "the list's action": lambda client: client.post(
            LIST, {"action": "publish", "_selected_action": str(version.pk), "index": "0"}, follow=True
        ),
        "the list's action, of the page": lambda client: client.post(
            f"{LIST}{version.pk}/change/", {"action": "publish", "_selected_action": str(version.pk)}, follow=True
        ),
        "the stock change form": lambda client: client.post(f"{LIST}{version.pk}/change/", stock),
        "the stock change form, to edit": lambda client: client.post(f"{LIST}{version.pk}/change/?edit=1", stock),
        "the stock add form": lambda client: client.post(f"{LIST}add/", {**stock, "number": "77"}),
        "the stock delete page": lambda client: client.post(f"{LIST}{version.pk}/delete/", {"post": "yes"}),
        "deleting from the list": lambda client: client.post(
            LIST, {"action": "delete_selected", "_selected_action": str(version.pk), "post": "yes"}
        ),
        "the policy's change form": lambda client: client.post(
            f"/policies/policy/{version.policy_id}/change/", {"kind": "refund", "versions-0-state": "published"}
        ),
        "a version of its history": lambda client: client.post(
            f"{LIST}{version.pk}/history/{version.history.latest().pk}/", stock
        ),
        "the comparison": lambda client: client.post(f"{LIST}{first().pk}/compare/{version.pk}/", stock),
    }


def written(desk: Desk) -> dict[str, Any]:
    """All rows but the events, of which a refusal leaves one."""
    found: dict[str, Any] = dict(rows_of_every_table("complaints", "accounts"))
    return {name: rows for name, rows in found.items() if "event" not in name.lower() and not name.endswith(".User")}


@pytest.mark.parametrize("who", ["drafter", "first drafter", "superuser"])
def test_ones_own_draft_is_published_by_no_address(desk: Desk, who: str) -> None:
    drafter = desk.manager
    if who == "superuser":
        drafter = factories.UserFactory.create(role=Role.MANAGER, is_superuser=True, is_staff=True)
    version = draft(desk, by=drafter)
    if who == "first drafter":
        # Somebody else has edited it since: both had a hand in it.
        edit_policy_draft(version.pk, by=desk.director, effective_from=in_days(2), text="Better", parameters={})
        version.refresh_from_db()
    client = signed_in(drafter)
    before = written(desk)
    for name, post in publish_ways(version).items():
        response = post(client)
        assert response.status_code in (200, 302, 403, 404, 405), (name, response.status_code)
        assert PolicyVersion.objects.get(pk=version.pk).state == "draft", name
        assert written(desk) == before, name
    page = text_of(client, f"{LIST}act/publish/?ids={version.pk}")
    assert "You drafted this version: somebody else has to publish it." in page
    bar = text_of(client, f"{LIST}{version.pk}/change/")
    assert "You drafted this version: somebody else has to publish it." in bar


@pytest.mark.parametrize("role", [role for role in Role if role != Role.MANAGER])
def test_only_managers_publish_whatever_address_is_typed(desk: Desk, role: Role) -> None:
    version = draft(desk)
    client = signed_in(factories.UserFactory.create(role=role))
    before = written(desk)
    for name, post in publish_ways(version).items():
        assert post(client).status_code in (200, 302, 403, 404, 405), name
        assert written(desk) == before, name


def test_another_manager_publishes_on_the_page_that_shows_what_changes(desk: Desk) -> None:
    version = draft(desk, text=first().text.replace("no refund", "never a refund"), decide_within_days=3)
    client = signed_in(desk.director)
    address = f"{LIST}act/publish/?ids={version.pk}"
    shown = text_of(client, address)
    typed = as_typed(client.get(f"{LIST}act/edit/?ids={version.pk}").context["form"])
    assert "A complaint is decided within" in shown
    assert "never a</ins>" in re.sub(r"<span.*?</span>", "", shown)
    response = client.post(address, {"reason": "Agreed"}, follow=True)
    assert response.status_code == 200
    now = PolicyVersion.objects.get(pk=version.pk)
    assert (now.state, now.published_by) == ("published", desk.director)
    # And nobody does it twice, or edits it, from the same pages.
    given = {**typed, "reason": "Again", "text": "x"}
    for name in ("publish", "edit", "discard"):
        response = client.post(f"{LIST}act/{name}/?ids={version.pk}", given)
        assert "never edited" in response.content.decode(), name
    assert PolicyVersion.objects.get(pk=version.pk).text == version.text


def test_a_draft_is_discarded_on_its_page(desk: Desk) -> None:
    version = draft(desk)
    client = signed_in(desk.manager)
    assert "Discard the draft" in text_of(client, f"{LIST}{version.pk}/change/")
    client.post(f"{LIST}act/discard/?ids={version.pk}", {"reason": "Not now"})
    assert PolicyVersion.objects.get(pk=version.pk).state == "discarded"
    # The next draft begins with what was kept.
    shown = client.get(f"/policies/policy/act/draft/?ids={version.policy_id}").context["form"]
    assert shown["text"].value() == first().text


# --- Two versions side by side ------------------------------------------------------------------


def test_two_versions_are_compared_at_an_address(desk: Desk) -> None:
    later = draft(desk, text=first().text.replace("no refund", "never a refund"), decide_within_days=3)
    client = signed_in(desk.agent)
    page = text_of(client, f"{LIST}{later.pk}/change/")
    address = f"{LIST}{first().pk}/compare/{later.pk}/"
    assert page.count(f'href="{address}"') == 2
    content = re.sub(r"<span class=\"visually-hidden\">(.*?)</span>", r"\1", text_of(client, address))
    assert "<del>before: 14 days</del>" in content
    assert "<ins>after: 3 days</ins>" in content
    assert "<del>[removed: no]</del> <ins>[added: never a]</ins>" in content
    # All of the figures differ that the draft leaves to their usual values and the first version sets.
    assert "500.00 CHF" in content
    back = text_of(client, f"{LIST}{later.pk}/compare/{first().pk}/")
    assert "before: </span>3 days" in back


def test_a_version_is_the_same_as_itself(desk: Desk) -> None:
    content = signed_in(desk.auditor).get(f"{LIST}{first().pk}/compare/{first().pk}/").content.decode()
    assert "All figures are the same." in content
    assert "The text is the same, word for word." in content


def test_only_versions_of_one_policy_are_compared(desk: Desk) -> None:
    client = signed_in(desk.manager)
    one, other = first(), first("fulfilment")
    for address in (f"{one.pk}/compare/{other.pk}/", f"{one.pk}/compare/99999/", f"99999/compare/{one.pk}/"):
        assert client.get(LIST + address).status_code == 404, address
    assert client.post(f"{LIST}{one.pk}/compare/{one.pk}/").status_code == 405


@pytest.mark.parametrize("role", [None, *Role])
def test_who_sees_the_policies_sees_what_differs(desk: Desk, role: Role | None) -> None:
    address = f"{LIST}{first().pk}/compare/{first().pk}/"
    if role is None:
        response = Client().get(address)
        assert (response.status_code, response.headers["Location"].partition("?")[0]) == (302, "/login/")
        return
    client = signed_in(factories.UserFactory.create(role=role))
    assert client.get(address).status_code == 200


def test_pages_of_versions_ask_as_much_however_many_there_are(desk: Desk) -> None:
    client = signed_in(desk.manager)
    addresses = (
        LIST,
        "/policies/policy/",
        f"/policies/policy/{first().policy_id}/change/",
        f"{LIST}{first().pk}/change/",
        f"{LIST}{first().pk}/compare/{first().pk}/",
        "/policy/",
    )

    def queries() -> list[int]:
        counts = []
        for address in addresses:
            with CaptureQueriesContext(connection) as captured:
                assert client.get(address).status_code == 200
            counts.append(len(captured))
        return counts

    policy_says(in_days(-30))
    queries()
    few = queries()
    for days in range(8):
        policy_says(in_days(days))
    assert queries() == few


# --- A case names what judged it ----------------------------------------------------------------


def test_the_pages_of_a_case_name_the_versions_that_judged_it(desk: Desk) -> None:
    factories.approval_limits()
    publish_policy_version(draft(desk, days=0).pk, by=desk.director)
    subscription = factories.paid_subscription(activated_on=factories.today())
    complaint = decided(desk, subscription=subscription, received_at=timezone.now())
    refund = propose(desk, complaint, "full_month")
    second = PolicyVersion.objects.get(policy__kind="refund", number=2)
    publish_policy_version(draft(desk, days=1).pk, by=desk.director)
    client = signed_in(desk.agent)
    for address in (f"/complaints/complaint/{complaint.pk}/change/", f"/complaints/refund/{refund.pk}/change/"):
        content = text_of(client, address)
        for version in (second, first("fulfilment")):
            assert f'<a href="{LIST}{version.pk}/change/">{version}</a>' in content, address
        assert f'href="{LIST}{first().pk}/change/"' not in content
