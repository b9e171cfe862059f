"""Every example of what may be given, read off the case's page in the browser: right facts, nothing twice, set-off
before money, remedies worth what was approved.

The table is the list of them. April 2024 has 30 days for 60.00 EUR; unless an example says otherwise it is paid, and
the complaint came on the 10th, so that 20.00 were provided.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import BrowserContext, Page, expect

from billing.invoices.models import Invoice
from billing.runs.actions import run_billing
from complaints.cases.models import Complaint
from complaints.refunds.models import Refund
from tests import factories
from tests.browser.company import session_of
from tests.company_life import clock_on
from tests.complaints.cases import (
    APRIL,
    Desk,
    decided,
    down,
    only_period,
    partly_paid,
    settled,
    spring_subscription,
    take_back,
    use_credit,
)

pytestmark = [pytest.mark.django_db(transaction=True)]

MAY = date(2024, 5, 1)
LATE_APRIL = date(2024, 4, 20)


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


# --- What happened before -----------------------------------------------------------------------


def given_in_cash(desk: Desk) -> Complaint:
    subscription = spring_subscription()
    settled(desk, decided(desk, subscription=subscription), remedies=[{"kind": "cash"}])
    return decided(desk, subscription=subscription)


def given_less(desk: Desk) -> Complaint:
    subscription = spring_subscription()
    settled(
        desk,
        decided(desk, subscription=subscription),
        reduction=Decimal("20.00"),
        reduction_reason="Half of it was theirs",
    )
    return decided(desk, subscription=subscription)


def outage_on_unused_days(desk: Desk) -> Complaint:
    subscription = spring_subscription()
    settled(desk, decided(desk, subscription=subscription))
    down(desk, 11, 15)
    return decided(desk, subscription=subscription, received_on=LATE_APRIL)


def outage_taken_back(desk: Desk) -> Complaint:
    """30.00 for an outage as credit, 20.00 of it used, taken back without a charge."""
    subscription = spring_subscription()
    down(desk, 1, 16)
    refund = settled(desk, decided(desk, subscription=subscription, received_on=LATE_APRIL), "interruption")
    return taken_back(desk, refund, "30.00", "20.00", LATE_APRIL)


def usage_taken_back(desk: Desk) -> Complaint:
    """40.00 by usage as credit, 10.00 of it used, taken back without a charge."""
    refund = settled(desk, decided(desk, subscription=spring_subscription()))
    return taken_back(desk, refund, "40.00", "10.00", date(2024, 4, 10))


def taken_back(desk: Desk, refund: Refund, given: str, used: str, received_on: date) -> Complaint:
    assert refund.total == Decimal(given)
    use_credit(desk, refund.subscription, used)
    take_back(desk, refund)
    return decided(desk, period=refund.period, received_on=received_on)


def paid_only(amount: str) -> Callable[[Desk], Complaint]:
    return lambda desk: decided(desk, subscription=partly_paid(amount), received_on=LATE_APRIL)


def paid_more_since(desk: Desk) -> Complaint:
    """10.00 paid, 20.00 set off, then 30.00 more paid."""
    subscription = partly_paid("10.00")
    settled(desk, decided(desk, subscription=subscription, received_on=LATE_APRIL))
    factories.pay(Invoice.objects.get(), Decimal("30.00"))
    return decided(desk, subscription=subscription, received_on=LATE_APRIL)


def dearer_month_receives(desk: Desk) -> Complaint:
    """The next month has 31 days and costs 600.00."""
    subscription = spring_subscription()
    factories.price(subscription.plan, valid_from=date(2024, 4, 2), fee=Decimal("600.00"), minute_cost=Decimal("0.50"))
    april = only_period(subscription)
    with clock_on(date(2024, 5, 20)):
        run_billing(MAY, by=desk.system)
        return decided(desk, period=april)


def spoken_on_granted(spoken_on: date) -> Callable[[Desk], Complaint]:
    """100 minutes were granted on 10 April; 50 are spoken on the day, and the complaint is about that day's period."""

    def prepare(desk: Desk) -> Complaint:
        with clock_on(date(2024, 4, 10)) as clock:
            subscription = spring_subscription()
            gift = decided(desk, subscription=subscription)
            settled(desk, gift, "special", special_amount=Decimal("2.00"), remedies=[{"kind": "minutes"}])
            for billed in (MAY, date(2024, 6, 1)):
                if billed <= spoken_on:
                    clock.now = factories.at(billed)
                    run_billing(billed, by=desk.clerk)
            factories.usage(subscription, day=spoken_on, seconds=3000)
            period = subscription.periods.get(starts_on__lte=spoken_on, ends_on__gt=spoken_on)
            if period.starts_on > APRIL:
                factories.pay(period.invoice)
            clock.now = factories.at(spoken_on, 20)
            return decided(desk, period=period, received_on=spoken_on)

    return prepare


def outage_of_the_old_plan(desk: Desk) -> Complaint:
    """Plan A was down for 15 days of April; the next period is on plan B."""
    subscription = spring_subscription()
    down(desk, 1, 16, plan=subscription.plan)
    other = factories.price(valid_from=APRIL).plan
    subscription.plan = other
    subscription.save()
    return decided(desk, subscription=subscription, received_on=LATE_APRIL)


def outage_of_the_new_plan(desk: Desk) -> Complaint:
    subscription = spring_subscription()
    other = factories.price(valid_from=APRIL).plan
    down(desk, 1, 16, plan=other)
    subscription.plan = other
    subscription.save()
    return decided(desk, subscription=subscription, received_on=LATE_APRIL)


def outage_after_receipt(desk: Desk) -> Complaint:
    subscription = spring_subscription()
    down(desk, 11, 26)
    return decided(desk, subscription=subscription)


# --- The examples -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Example:
    name: str
    prepare: Callable[[Desk], Complaint]
    basis: str
    refund: str
    #: Set off, payable: shown where something is set off.
    parts: tuple[str, str] | None = None
    special: str = ""
    #: What else the card says.
    says: tuple[str, ...] = ()


NOTHING = "0.00"
EXAMPLES = [
    Example("the plan that the period had was down", outage_of_the_old_plan, "interruption", "30.00"),
    Example("the plan of later was down", outage_of_the_new_plan, "interruption", NOTHING),
    Example("an outage after the complaint came", outage_after_receipt, "interruption", NOTHING),
    Example("usage given in cash, again", given_in_cash, "usage", NOTHING),
    Example("usage given in part, again", given_less, "usage", NOTHING),
    Example("an outage on days given back as unused", outage_on_unused_days, "interruption", NOTHING),
    Example("an outage taken back, 20.00 used", outage_taken_back, "interruption", "10.00"),
    Example("usage taken back, 10.00 used", usage_taken_back, "usage", "30.00"),
    Example("10.00 paid: all of it set off", paid_only("10.00"), "usage", "20.00", ("20.00", "0.00")),
    Example("45.00 paid: a part of it set off", paid_only("45.00"), "usage", "20.00", ("15.00", "5.00")),
    Example("all paid: nothing set off", paid_only("60.00"), "usage", "20.00"),
    Example("30.00 more paid since: all payable", paid_more_since, "special", "20.00", special="20.00"),
    Example(
        "days and minutes of a dearer month",
        dearer_month_receives,
        "usage",
        "40.00",
        says=("3 days", "80 min"),
    ),
    Example("granted minutes on the day of the grant", spoken_on_granted(date(2024, 4, 10)), "usage", "40.00"),
    Example("granted minutes a period later", spoken_on_granted(date(2024, 5, 10)), "usage", "40.65"),
    Example("granted minutes that have ended", spoken_on_granted(date(2024, 6, 1)), "usage", "57.00"),
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_page_has_the_figure(
    desk: Desk, new_context: Callable[..., BrowserContext], base_url: str, example: Example
) -> None:
    complaint = example.prepare(desk)
    page = page_of(new_context, base_url, desk.agent)
    asked = f"?basis={example.basis}" + (f"&special_amount={example.special}" if example.special else "")
    page.goto(f"/complaints/complaint/{complaint.pk}/change/{asked}")
    figures = page.locator("#quote-result table.quote tfoot tr")
    shown = [(row.split("\n")[0].split("\t")[0], row.split()[-2]) for row in figures.all_inner_texts()]
    if example.parts is None:
        assert shown == [("Refund", example.refund)]
    else:
        set_off, payable = example.parts
        assert [amount for _, amount in shown] == [example.refund, set_off, payable]
        assert [name for name, _ in shown] == ["Refund", "Set off against the unpaid fee", "Payable"]
    for words in example.says:
        expect(page.locator("#quote-result")).to_contain_text(words)
    if example.refund == NOTHING:
        expect(page.locator("#quote-result")).to_contain_text("Nothing can be proposed.")


def test_a_third_full_month_within_a_year_is_refused(
    desk: Desk, new_context: Callable[..., BrowserContext], base_url: str
) -> None:
    with clock_on(date(2024, 4, 10)):
        subscription = spring_subscription(activated_on=date(2024, 2, 10))
    for billed in (date(2024, 3, 10), date(2024, 4, 10)):
        run_billing(billed, by=desk.clerk)
    periods = list(subscription.periods.order_by("sequence"))
    for period in periods[1:]:
        factories.pay(period.invoice)
    for period in periods[:2]:
        settled(desk, decided(desk, period=period, received_on=period.starts_on), "full_month")
    third = decided(desk, period=periods[2], received_on=periods[2].starts_on + timedelta(days=1))

    page = page_of(new_context, base_url, desk.agent)
    page.goto(f"/complaints/complaint/act/propose/?ids={third.pk}")
    page.get_by_label("Basis").select_option("full_month")
    page.get_by_label("Justification").fill("Calls broke off all month.")
    page.get_by_label("Why so far from similar cases").fill("It stands for itself.")
    page.get_by_label("Reason of the proposal").fill("As a gesture.")
    page.get_by_role("button", name="Quote and propose a refund", exact=True).click()
    expect(page.locator("main")).to_contain_text("was given 2 full months within the last 12 months")
    assert Refund.objects.filter(state=Refund.State.PROPOSED).count() == 0


def page_of(new_context: Callable[..., BrowserContext], base_url: str, person: Any) -> Page:
    context = new_context()
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session_of(person), "url": base_url}])
    return context.new_page()
