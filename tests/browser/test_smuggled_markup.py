"""What somebody typed is never obeyed: neither by the page, nor by htmx if it ever became markup."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from accounts.customers.actions import edit_customer
from accounts.customers.models import Customer
from audit.models import Event
from billing.invoices.models import Invoice
from billing.payments.models import Payment
from tests import factories
from tests.browser.test_typing import typing

pytestmark = pytest.mark.django_db(transaction=True)

type Contexts = Callable[..., BrowserContext]

#: As it was once done: asks for the page's own form to be sent as soon as it is shown.
SMUGGLED = """<i hx-post="{url}" hx-trigger="load" hx-include="main form">x</i>"""


@pytest.fixture
def invoice() -> Invoice:
    factories.open_subscription()
    return Invoice.objects.get()


def test_a_name_full_of_markup_asks_for_nothing(new_context: Contexts, invoice: Invoice) -> None:
    clerk = factories.billing_clerk()
    customer = Customer.objects.get()
    url = f"/billing/invoice/act/pay/?ids={invoice.pk}"
    name = SMUGGLED.format(url=url) + "<script>window.taken = true</script>"
    edit_customer(customer.pk, by=factories.agent(), name=name)
    page = typing(new_context, clerk, "en")
    for address in (
        f"/billing/invoice/{invoice.pk}/change/",
        f"/accounts/customer/{customer.pk}/change/",
        f"/accounts/customer/act/edit/?ids={customer.pk}",
        "/accounts/customer/",
    ):
        page.goto(address)
        page.wait_for_load_state("networkidle")
        assert "hx-post" in page.content()
        assert page.locator("main [hx-post]:not([data-pass]), main script").count() == 0
        assert page.evaluate("window.taken") is None
    assert not Payment.objects.exists()


def test_htmx_obeys_only_what_our_templates_made(new_context: Contexts, invoice: Invoice) -> None:
    clerk = factories.billing_clerk()
    page = typing(new_context, clerk, "en")
    url = f"/billing/invoice/act/pay/?ids={invoice.pk}"
    page.goto(url)
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    events = Event.objects.count()
    page.evaluate(
        """(markup) => {
            const place = document.querySelector("main");
            place.insertAdjacentHTML("beforeend", markup);
            htmx.process(place);
        }""",
        SMUGGLED.format(url=url)
        + SMUGGLED.format(url=url).replace("<i ", '<i data-pass="guessed" ')
        + '<a id="boosted" hx-boost="true" href="/accounts/customer/">on</a>',
    )
    page.locator("#boosted").click(no_wait_after=True)
    page.wait_for_timeout(300)
    assert not asked
    assert not Payment.objects.exists()
    assert Event.objects.count() == events

    # The page's own elements go on working.
    page.locator("#id_amount").fill("1,50")
    page.locator("#id_amount").press("Tab")
    expect(page.locator(".read-back").first).to_have_text("= 1.50")
    assert any("/read-back/" in one for one in asked)
