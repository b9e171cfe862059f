"""The pages that people work on ask the database as often for much work as for little, and seldom."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.customers.models import Contact, Customer
from accounts.staff.models import User
from billing.remedies import effects as giving
from billing.runs.actions import run_billing
from billing.subscriptions.models import BillingPeriod
from complaints.cases.actions import add_note, record_customer_message
from complaints.cases.models import Complaint
from policies.agreements.models import Agreement
from tests import factories
from tests.complaints.cases import Desk, complaint_in, decide, propose, refund_in, register, settled, take_up
from tests.complaints.terms import agreed
from tests.test_list_queries import queries, signed_in

pytestmark = pytest.mark.django_db

#: The aim of the pages of many rows, the person and the session included.
MOST = 15
#: A page about one row asks once for each kind of thing that it shows, however much there is of it.
MOST_OF_A_CUSTOMER = 22
MOST_OF_A_CASE = 28
#: What an indemnity for a late answer looks at besides: merged cases, the terms, incidents, what was given already.
MOST_OF_A_LATE_CASE = 32


def again(person: User, url: str) -> int:
    """How often the page asks from the second time on: the first fills what is kept for a while."""
    client = signed_in(person)
    queries(client, url)
    return queries(client, url)


def test_home_and_inbox_stay_within_the_limit_however_much_waits() -> None:
    desk = Desk(limits=True)
    pages = [(desk.agent, "/"), (desk.manager, "/complaints/refund/inbox/")]

    def asked() -> list[int]:
        return [again(person, url) for person, url in pages]

    refund_in(desk, "proposed")
    register(desk)
    few = asked()
    for _ in range(4):
        refund_in(desk, "proposed")
        register(desk)
    many = asked()
    assert [b for a, b in zip(few, many, strict=True) if b > a] == []
    home, inbox = many
    assert home <= MOST
    # Who is paid to one account in the window takes two more.
    assert inbox <= MOST + 2


# --- A case -------------------------------------------------------------------------------------


def page_of(case: Complaint) -> str:
    return f"/complaints/complaint/{case.pk}/change/"


def quote_of(case: Complaint, **asked: object) -> str:
    return f"/complaints/complaint/quote/{case.pk}/?" + "&".join(f"{name}={value}" for name, value in asked.items())


def crowded(desk: Desk) -> Complaint:
    """A case with something on every card."""
    case = take_up(desk, register(desk))
    factories.phone_purchase(case.customer)
    factories.usage(case.subscription, seconds=60)
    other = decide(desk, take_up(desk, register(desk, period=case.period)))
    settled(desk, other, "special", special_amount=Decimal("10.00"))
    propose(desk, decide(desk, case))
    return case


def late(desk: Desk) -> Complaint:
    """Decided too late, where the terms name an indemnity for that: the most that an action looks at."""
    subscription = agreed(
        desk,
        subscription=factories.paid_subscription(activated_on=factories.days_ago(40), term="annual"),
        indemnity_per_day={"EUR": "1.50"},
    )
    received = factories.at(factories.days_ago(17), hour=10)
    return decide(desk, take_up(desk, register(desk, subscription, received_at=received, category="interruption")))


def stood_in(desk: Desk) -> Complaint:
    """Read by somebody who approves in a lead's place."""
    factories.delegation(desk.lead, desk.agent)
    return crowded(desk)


CASES: dict[str, Callable[[Desk], Complaint]] = {
    "registered": register,
    "waiting": lambda desk: complaint_in(desk, "waiting_customer"),
    "closed": lambda desk: complaint_in(desk, "closed"),
    "crowded": crowded,
    "late": late,
    "stood in": stood_in,
}


@pytest.mark.parametrize("make", CASES.values(), ids=CASES)
def test_a_case_asks_seldom(make: Callable[[Desk], Complaint]) -> None:
    desk = Desk(limits=True)
    case = make(desk)
    most = MOST_OF_A_LATE_CASE if make is late else MOST_OF_A_CASE
    asked = {person.first_name: again(person, page_of(case)) for person in (desk.agent, desk.manager, desk.auditor)}
    assert {name: count for name, count in asked.items() if count > most} == {}


def test_a_case_asks_seldom_when_its_reader_is_a_customer_too() -> None:
    desk = Desk(limits=True)
    case = take_up(desk, register(desk))
    desk.agent.customer = factories.CustomerFactory.create()
    desk.agent.save()
    # Once more: who else they are.
    assert again(desk.agent, page_of(case)) <= MOST_OF_A_CASE + 2


def test_a_case_asks_as_often_with_much_written_on_it() -> None:
    desk = Desk(limits=True)
    case = crowded(desk)
    few = again(desk.agent, page_of(case))
    for n in range(4):
        add_note(case.pk, by=desk.lead, text=f"Note {n}")
        record_customer_message(case.pk, by=desk.lead, channel="phone", text="As before", received_at=timezone.now())
        other = factories.paid_subscription(customer=case.customer, activated_on=factories.days_ago(9))
        settled(desk, decide(desk, take_up(desk, register(desk, other, received_on=factories.days_ago(1)))))
        factories.phone_purchase(case.customer)
        factories.outgoing_message(case.customer, complaint_id=case.pk)
    assert again(desk.agent, page_of(case)) <= few


def test_a_case_asks_as_often_beside_many_others() -> None:
    desk = Desk(limits=True)
    case = crowded(desk)
    few = again(desk.agent, page_of(case))
    for _ in range(4):
        register(desk, period=case.period, subject="Again")
        refund_in(desk, "proposed")
    assert again(desk.agent, page_of(case)) <= few


@pytest.mark.parametrize("basis", ["usage", "interruption", "full_month"])
def test_the_live_quote_asks_less_than_its_page(basis: str) -> None:
    desk = Desk(limits=True)
    case = crowded(desk)
    run_billing(case.period.closes_on, by=factories.system_user())
    other = BillingPeriod.objects.filter(subscription=case.subscription).latest("sequence")
    assert again(desk.agent, quote_of(case, basis=basis)) <= 14
    assert again(desk.agent, quote_of(case, basis=basis, period=other.pk)) <= MOST


# --- A customer ---------------------------------------------------------------------------------


def test_a_customer_asks_seldom() -> None:
    desk = Desk(limits=True)
    customer = crowded(desk).customer
    subscription = customer.subscriptions.get()
    for name in ("Ida", "Oto"):
        Contact.objects.create(customer=customer, name=name)
        factories.CustomerFactory.create(merged_into=customer)
        giving.give_credit(subscription, Decimal("5.00"), reason="A refund")
    run_billing(factories.today(), by=factories.system_user())
    giving.give_credit(subscription, Decimal("500.00"), reason="Another")
    factories.charge(subscription)
    factories.outgoing_message(customer)
    Agreement.objects.create(customer=customer, title="Terms", valid_from=factories.LONG_AGO, drafted_by=desk.manager)
    url = f"/accounts/customer/{customer.pk}/change/"
    people = (desk.agent, desk.manager, desk.clerk, desk.auditor)
    assert max(again(person, url) for person in people) <= MOST_OF_A_CUSTOMER
    gone = Customer.objects.filter(merged_into=customer)[0]
    assert again(desk.agent, f"/accounts/customer/{gone.pk}/change/") <= MOST_OF_A_CUSTOMER
