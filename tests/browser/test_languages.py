"""The pages in Italian in a real browser: chosen in one's own menu, as good as the English ones in width and colour."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from django.core.cache import cache
from django.utils import translation
from playwright.sync_api import BrowserContext, Page, expect

from accounts.staff.language.actions import choose_language
from accounts.staff.models import User
from core.amounts import money_text
from tests.browser.test_journey import no_violation, sign_in
from tests.complaints.cases import Desk, decided, propose

pytestmark = pytest.mark.django_db(transaction=True)

type Contexts = Callable[..., BrowserContext]

ROOM = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def desk() -> Desk:
    cache.clear()
    return Desk(limits=True)


def well_made(page: Page, url: str) -> None:
    """No violation in light and dark, nothing beyond the right edge at 1280 and 390 px."""
    page.goto(url)
    expect(page.locator("html")).to_have_attribute("lang", "it")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        no_violation(page)
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(ROOM) <= 0, f"{url} is wider than {width} px"


def test_italian_is_chosen_in_the_menu_and_spoken_from_then_on(new_context: Contexts, desk: Desk) -> None:
    page = sign_in(new_context, desk.agent.username)
    page.locator("[popovertarget=user-menu]").click()
    page.get_by_role("link", name="Language of my pages").click()
    page.get_by_label("Language").select_option(label="Italiano")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Le tue pagine sono nella lingua che hai scelto.")).to_be_visible()
    assert User.objects.get(pk=desk.agent.pk).language == "it"
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Il mio lavoro")


def test_the_browsers_language_decides_where_nobody_chose(new_context: Contexts, desk: Desk) -> None:
    page = new_context().new_page()
    page.route("**/*", lambda route: route.continue_(headers={**route.request.headers, "accept-language": "it-IT,it"}))
    page.goto("/login/")
    expect(page.locator("html")).to_have_attribute("lang", "it")
    expect(page.get_by_role("button", name="Accedi")).to_be_visible()
    no_violation(page)


#: Two halves, which two processes share.
MAIN_PAGES = (
    (
        "/complaints/complaint/{complaint}/change/",
        "/complaints/refund/inbox/",
        "/complaints/refund/act/approve/?ids={refund}",
    ),
    (
        "/",
        "/accounts/customer/{customer}/change/",
        "/complaints/complaint/",
        "/complaints/refund/{refund}/change/",
    ),
)


@pytest.mark.parametrize("urls", MAIN_PAGES, ids=("case", "more"))
def test_the_main_pages_in_italian(new_context: Contexts, desk: Desk, urls: Sequence[str]) -> None:
    refund = propose(desk, decided(desk))
    page = sign_in(new_context, desk.manager.username)
    choose_language(by=desk.manager, language="it")
    for url in urls:
        keys = {"refund": refund.pk, "complaint": refund.complaint_id, "customer": refund.customer_id}
        well_made(page, url.format_map(keys))
    with translation.override("it"):
        amount = str(money_text(refund.total, refund.currency))
    assert "," in amount
    # The last page of each half tells the refund's total.
    expect(page.get_by_text(amount).first).to_be_visible()
