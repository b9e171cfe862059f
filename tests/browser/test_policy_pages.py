"""The staff's pages of a policy in a real browser: its versions, what two differ in, publishing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from policies.versions.actions import draft_policy_version
from policies.versions.models import PolicyVersion
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def no_violation(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    inner, outer = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert inner <= outer, f"{page.url} is {inner} wide in {outer}"


@pytest.mark.parametrize(("width", "colours"), [(390, "dark"), (1280, "light")])
def test_a_manager_reads_what_changes_and_publishes(
    new_context: Callable[..., BrowserContext], width: int, colours: str
) -> None:
    first = PolicyVersion.objects.get(policy__kind="refund")
    draft_policy_version(
        first.policy_id,
        by=factories.manager(),
        effective_from=factories.today(),
        text=first.text.replace("There is no refund", "There is never a refund"),
        parameters={**first.parameters, "decide_within_days": 9},
    )
    publisher = factories.manager()
    page = new_context(color_scheme=colours).new_page()
    page.set_viewport_size({"width": width, "height": 844})
    page.goto("/")
    page.get_by_label("Username").fill(publisher.username)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="My work")).to_be_visible()

    page.goto("/policies/policy/")
    no_violation(page)
    page.get_by_role("link", name="Version 2 of").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Refund policy, version 2")
    no_violation(page)
    page.get_by_role("link", name="what changed since version 1").click()
    expect(page.get_by_role("insertion").filter(has_text="never a")).to_be_visible()
    expect(page.get_by_role("deletion").filter(has_text="14 days")).to_be_visible()
    no_violation(page)

    page.go_back()
    page.get_by_role("link", name="Publish", exact=True).click()
    expect(page.get_by_role("insertion").filter(has_text="9 days")).to_be_visible()
    no_violation(page)
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("is published.").first).to_be_visible()
    assert page.request.get("/policy/refund/2/").ok
