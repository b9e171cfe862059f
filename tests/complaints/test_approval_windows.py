"""Limit and second threshold count the same sum: what the customer was granted in the policy's window, under every
number and together with whoever is paid to the same account. The action, the page and the inbox say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.customers.actions import edit_customer
from accounts.customers.bank_details.rules import paid_alike
from accounts.customers.models import BankDetailsChange, Customer
from accounts.staff.limits.controls.rules import ControlLimits
from accounts.staff.models import User
from complaints.refunds.approvals.actions import approve_refund
from complaints.refunds.approvals.windows.rules import granted_lately
from complaints.refunds.models import Approval, Refund
from policies.agreements.actions import draft_agreement
from policies.agreements.models import Agreement
from policies.versions.actions import draft_policy_version, publish_policy_version
from policies.versions.models import PolicyVersion
from tests import factories
from tests.complaints.cases import Desk, again, decided, policy_says, special, spring_subscription
from tests.complaints.refusals import assert_refused
from tests.reports.books import alter_raw

pytestmark = pytest.mark.django_db

IBAN = "IT60X0542811101000000123456"


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


def controls() -> ControlLimits:
    return ControlLimits(factories.today())


def proposal(desk: Desk, customer: Customer, amount: str, **kwargs: Any) -> Refund:
    subscription = spring_subscription(customer=customer, agreed_fee=Decimal("2000.00"))
    return special(desk, decided(desk, subscription=subscription), amount, unusual_reason="As agreed", **kwargs)


# --- Whose sum it is ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Granted:
    """What was granted before to whom, and what it makes of the next refund."""

    amounts: tuple[str, ...]
    customers: Callable[[int], list[Customer]]
    next: str
    takes_two: bool
    before: str


def one_customer(number: int) -> list[Customer]:
    return [factories.CustomerFactory.create()] * number


def strangers(number: int) -> list[Customer]:
    return [factories.CustomerFactory.create() for _ in range(number)]


def without_an_account(number: int) -> list[Customer]:
    return [factories.CustomerFactory.create(iban="") for _ in range(number)]


def one_account(number: int) -> list[Customer]:
    """The same account in other spellings, entered as staff do."""
    found = strangers(number)
    spelt = [IBAN, "it60 x054 2811 1010 0000 0123 456", " IT60-X0542811101000000123456 "]
    for customer, iban in zip(found, spelt, strict=False):
        edit_customer(customer.pk, by=factories.billing_clerk(), reason="By letter", iban=iban)
    return [Customer.objects.get(pk=customer.pk) for customer in found]


def numbers_of_one(number: int) -> list[Customer]:
    """One customer under several numbers, merged one into the next."""
    found = strangers(number)
    for customer, into in pairwise(found):
        customer.merged_into = into
        customer.save()
    return found


def by_way_of_a_merged_one(number: int) -> list[Customer]:
    """What has the account is only merged with them."""
    found = strangers(number)
    for customer in found[:-1]:
        factories.CustomerFactory.create(iban=found[-1].iban, merged_into=customer)
    return found


CASES = {
    "half twice": Granted(("499.99",), one_customer, "499.99", True, "499.99"),
    "exactly the threshold": Granted(("250.00",), one_customer, "250.00", False, "250.00"),
    "a cent above": Granted(("250.00",), one_customer, "250.01", True, "250.00"),
    "alone above": Granted((), one_customer, "500.01", True, "0.00"),
    "strangers": Granted(("499.99",), strangers, "499.99", False, "0.00"),
    "no account at all": Granted(("499.99",), without_an_account, "499.99", False, "0.00"),
    "three with one account": Granted(("200.00", "200.00"), one_account, "200.00", True, "400.00"),
    "an account of a merged one": Granted(("300.00",), by_way_of_a_merged_one, "300.00", True, "300.00"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_second_person_is_due_by_the_sum(desk: Desk, case: Granted) -> None:
    customers = case.customers(len(case.amounts) + 1)
    for amount, customer in zip(case.amounts, customers, strict=False):
        earlier = proposal(desk, customer, amount)
        assert approve_refund(earlier.pk, by=desk.manager).state == Refund.State.SETTLED
    refund = proposal(desk, customers[-1], case.next)
    assert granted_lately([refund], controls())[refund.pk] == Decimal(case.before)
    assert on_pages(desk.manager, refund) == ({"step", "inbox", "opened"} if case.takes_two else set())
    approve_refund(refund.pk, by=desk.manager)
    assert again(refund).state == (Refund.State.APPROVED if case.takes_two else Refund.State.SETTLED)
    assert Approval.objects.get(refund=refund).granted_before == Decimal(case.before)
    if case.takes_two:
        approve_refund(refund.pk, by=desk.director)
        assert again(refund).state == Refund.State.SETTLED


def on_pages(person: User, refund: Refund) -> set[str]:
    """The places that say that two have to approve."""
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    first = "First of two approvals"
    pages = {
        "step": (f"/complaints/refund/act/approve/?ids={refund.pk}", first),
        "opened": (f"/complaints/refund/inbox/{refund.pk}/", first),
        "inbox": ("/complaints/refund/inbox/", "Needs two"),
    }
    return {name for name, (address, words) in pages.items() if words in client.get(address).content.decode()}


def test_a_customer_counts_under_every_number(desk: Desk) -> None:
    former, survivor = strangers(2)
    approve_refund(proposal(desk, former, "300.00").pk, by=desk.manager)
    refund = proposal(desk, survivor, "300.00")
    former.merged_into = survivor
    former.save()
    approve_refund(refund.pk, by=desk.manager)
    assert again(refund).state == Refund.State.APPROVED


def test_the_limit_counts_one_account_as_one(desk: Desk) -> None:
    first, second = one_account(2)
    approve_refund(proposal(desk, first, "600.00").pk, by=desk.manager)
    refund = proposal(desk, second, "400.01")
    assert_refused("over_limit", approve_refund, refund.pk, by=desk.manager)
    approve_refund(proposal(desk, first, "400.00").pk, by=desk.manager)


@pytest.mark.parametrize(("days", "takes_two"), [(29, True), (31, False)])
def test_only_the_window_counts(desk: Desk, days: int, takes_two: bool) -> None:
    policy_says(factories.LONG_AGO + timedelta(days=1), approval_window_days=30)
    (customer,) = one_customer(1)
    earlier = proposal(desk, customer, "300.00")
    approve_refund(earlier.pk, by=desk.manager)
    earlier = again(earlier)
    earlier.settled_at = timezone.now() - timedelta(days=days)
    earlier.save()
    refund = proposal(desk, customer, "300.00")
    approve_refund(refund.pk, by=desk.manager)
    assert (again(refund).state == Refund.State.APPROVED) is takes_two


def test_what_is_only_proposed_counts_once_it_is_approved(desk: Desk) -> None:
    """Two proposals wait side by side: neither counts for the other until one of them is approved."""
    (customer,) = one_customer(1)
    first, second = proposal(desk, customer, "499.99"), proposal(desk, customer, "499.99")
    assert granted_lately([first, second], controls()) == {first.pk: Decimal(0), second.pk: Decimal(0)}
    approve_refund(first.pk, by=desk.manager)
    approve_refund(second.pk, by=desk.manager)
    assert (again(first).state, again(second).state) == (Refund.State.SETTLED, Refund.State.APPROVED)


def emptied(customer: Customer) -> None:
    edit_customer(customer.pk, by=factories.billing_clerk(), reason="x", iban="")


def another(customer: Customer) -> None:
    edit_customer(customer.pk, by=factories.billing_clerk(), reason="x", iban=factories.own_iban(9))


def away_and_back(customer: Customer) -> None:
    """The account of a stranger for a minute, in which the money goes out."""
    emptied(customer)
    edit_customer(customer.pk, by=factories.billing_clerk(), reason="x", iban=IBAN)


@pytest.mark.parametrize("escape", [emptied, another, away_and_back])
@pytest.mark.parametrize("whose", ["paid", "asks"])
def test_changing_the_account_takes_nobody_out_of_the_sum(
    desk: Desk, escape: Callable[[Customer], None], whose: str
) -> None:
    paid, asks = one_account(2)
    first = proposal(desk, paid, "499.99")
    approve_refund(first.pk, by=desk.manager)
    escape({"paid": paid, "asks": asks}[whose])
    second = proposal(desk, asks, "499.99")
    assert granted_lately([second], controls())[second.pk] == Decimal("499.99")
    assert approve_refund(second.pk, by=desk.manager).state == Refund.State.APPROVED


def test_the_account_on_a_payout_counts_whatever_is_on_file(desk: Desk) -> None:
    paid, asks = one_account(2)
    first = proposal(desk, paid, "499.99", remedies=[{"kind": "cash"}])
    approve_refund(first.pk, by=desk.manager)
    # By a hand in the database.
    alter_raw(paid, iban="")
    for change in BankDetailsChange.objects.filter(customer=paid):
        alter_raw(change, iban_before="", iban_after="")
    second = proposal(desk, asks, "499.99")
    assert granted_lately([second], controls())[second.pk] == Decimal("499.99")


def test_an_account_given_up_before_the_window_counts_no_more(desk: Desk) -> None:
    one, other = one_account(2)
    emptied(one)
    assert paid_alike([other.pk], timezone.now() - timedelta(days=1))[other.pk] == {one.pk, other.pk}
    assert paid_alike([other.pk], timezone.now() + timedelta(days=1))[other.pk] == {other.pk}


# --- Who is paid alike --------------------------------------------------------------------------


def paid_alike_now(customers: Collection[int]) -> Mapping[int, frozenset[int]]:
    return paid_alike(customers, timezone.now())


def test_who_is_paid_alike_takes_three_statements(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    same, merged, alone = one_account(2), numbers_of_one(3), strangers(1)
    asked = [customer.pk for customer in (*same, *merged, *alone)]
    with django_assert_num_queries(3):
        found = paid_alike_now(asked)
    # Numbers that nobody asked about cost no more.
    with django_assert_num_queries(3):
        assert paid_alike_now([merged[0].pk]) == {merged[0].pk: {one.pk for one in merged}}
    assert {pk: set(others) for pk, others in found.items()} == {
        **{customer.pk: {one.pk for one in same} for customer in same},
        **{customer.pk: {one.pk for one in merged} for customer in merged},
        **{customer.pk: {customer.pk} for customer in alone},
    }


# --- How far a policy goes ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("figures", "amount", "takes_two"),
    [
        ({"second_approval_above": {"EUR": "1000000.00"}}, "700.00", True),
        ({"second_approval_above": {"EUR": "1000000.00"}}, "600.00", False),
        ({"second_approval_above": {"EUR": "100.00"}}, "100.01", True),
        ({"second_approval_above": {}}, "0.01", True),
    ],
)
def test_a_policy_acts_only_within_the_control_limits(
    desk: Desk, figures: dict[str, Any], amount: str, takes_two: bool
) -> None:
    """Whatever was published before the control limit was: the stricter of the two holds."""
    policy_says(factories.LONG_AGO + timedelta(days=1), **figures)
    factories.control_limit(amount=Decimal("650.00"))
    (customer,) = one_customer(1)
    refund = proposal(desk, customer, amount)
    approve_refund(refund.pk, by=desk.manager)
    assert (again(refund).state == Refund.State.APPROVED) is takes_two


@pytest.mark.parametrize(("days", "takes_two"), [(59, True), (61, False)])
def test_the_window_is_no_shorter_than_the_control_limit(desk: Desk, days: int, takes_two: bool) -> None:
    policy_says(factories.LONG_AGO + timedelta(days=1), approval_window_days=0)
    factories.control_limit(days=60)
    (customer,) = one_customer(1)
    earlier = proposal(desk, customer, "300.00")
    approve_refund(earlier.pk, by=desk.manager)
    earlier = again(earlier)
    earlier.settled_at = timezone.now() - timedelta(days=days)
    earlier.save()
    refund = proposal(desk, customer, "300.00")
    approve_refund(refund.pk, by=desk.manager)
    assert (again(refund).state == Refund.State.APPROVED) is takes_two


LOOSE = {"second_approval_above": {"EUR": "1000000.00"}, "approval_window_days": 0}


@pytest.mark.parametrize("name", list(LOOSE))
def test_an_agreement_cannot_touch_them(desk: Desk, name: str) -> None:
    (customer,) = one_customer(1)
    terms = {"remedies": ["credit"], name: LOOSE[name]}
    values = {"title": "Loose", "valid_from": factories.today()}
    assert_refused(
        "control", draft_agreement, customer.pk, by=desk.director, terms=terms, saying="how staff check", **values
    )
    client = Client()
    client.force_login(desk.director, backend="accounts.staff.auth.StaffBackend")
    assert name not in client.get("/policies/agreement/do/draft/").content.decode()


def test_an_agreement_that_says_so_all_the_same_changes_nothing(desk: Desk) -> None:
    """One that stood before there were control limits: threshold 1,000,000 and window 0."""
    (customer,) = one_customer(1)
    Agreement(
        customer=customer,
        title="Loose",
        terms={**LOOSE, "full_month_allowed": False},
        valid_from=factories.LONG_AGO,
        drafted_by=desk.manager,
        published_by=desk.director,
        published_at=timezone.now(),
        state=Agreement.State.PUBLISHED,
    ).save()
    first, second = proposal(desk, customer, "300.00"), proposal(desk, customer, "300.00")
    assert first.agreement is not None
    assert not first.governing.full_month_allowed
    assert first.terms.approval_window_days == 90
    approve_refund(first.pk, by=desk.manager)
    approve_refund(second.pk, by=desk.manager)
    assert (again(first).state, again(second).state) == (Refund.State.SETTLED, Refund.State.APPROVED)


@pytest.mark.parametrize(
    ("figures", "saying"),
    [
        ({"second_approval_above": {"EUR": "1000.01"}}, "the control limit is 1,000.00 EUR"),
        ({"second_approval_above": {"SEK": "1.00"}}, "the control limit is 0.00 SEK"),
        ({"approval_window_days": 29}, "the control limit is 30 days"),
        ({"second_approval_above": {"EUR": "1000.00"}, "approval_window_days": 30}, ""),
    ],
)
def test_a_version_beyond_the_control_limits_is_not_published(desk: Desk, figures: dict[str, Any], saying: str) -> None:
    newest = PolicyVersion.objects.filter(policy__kind="refund").order_by("-number")[0]
    version = draft_policy_version(
        newest.policy_id,
        by=desk.manager,
        effective_from=factories.today(),
        text=newest.text,
        parameters={**newest.parameters, **figures},
    )
    client = Client()
    client.force_login(desk.director, backend="accounts.staff.auth.StaffBackend")
    step = client.get(f"/policies/policyversion/act/publish/?ids={version.pk}").content.decode()
    assert saying in step
    assert ("the control limit is" in step) is bool(saying)
    if saying:
        assert_refused("control", publish_policy_version, version.pk, by=desk.director, saying=saying)
    else:
        publish_policy_version(version.pk, by=desk.director)
