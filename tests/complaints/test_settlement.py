"""What an approved refund gives: each remedy taking effect, mixes, and remedies that cannot be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.customers.models import Customer
from audit.models import Event
from billing.credits.models import Credit
from billing.invoices.models import Invoice
from billing.payouts.actions import mark_payout_failed
from billing.payouts.models import Payout
from billing.remedies.models import Extension, MinutesGrant
from billing.runs.actions import run_billing
from billing.subscriptions.cancellations.actions import cancel_subscription
from billing.subscriptions.models import BillingPeriod, Subscription
from complaints.cases.models import Complaint
from complaints.quotes.facts import terms_for
from complaints.quotes.quoting import Choices, live_quote, offers
from complaints.refunds.approvals.actions import approve_refund
from complaints.refunds.models import Refund, Remedy
from complaints.refunds.proposals.actions import draft_refund, propose_refund
from tests import factories
from tests.complaints.cases import (
    Desk,
    again,
    decided,
    draft,
    held,
    only_period,
    policy_says,
    propose,
    settled,
    special,
    spring_subscription,
)
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db

NOTHING = Decimal(0)


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


def near_subscription(**kwargs: Any) -> Subscription:
    """A subscription whose first period is today's: 60.00 for a month that began ten days ago, paid."""
    return factories.paid_subscription(activated_on=factories.days_ago(10), **kwargs)


def near_case(desk: Desk, subscription: Subscription | None = None) -> Complaint:
    subscription = subscription or near_subscription()
    return decided(desk, subscription=subscription, received_on=factories.days_ago(1))


def give(desk: Desk, complaint: Complaint, amount: str, *remedies: dict[str, str]) -> Refund:
    """A special refund of the amount in these remedies, approved."""
    refund = special(desk, complaint, amount, remedies=remedies)
    approve_refund(refund.pk, by=desk.manager)
    return again(refund)


# --- Each remedy --------------------------------------------------------------------------------


def test_a_credit_waits_for_the_next_invoice(desk: Desk) -> None:
    complaint = decided(desk)
    refund = settled(desk, complaint)
    credit = Credit.objects.get()
    assert (credit.granted, credit.remaining) == (Decimal("40.00"), Decimal("40.00"))
    assert (credit.subscription, credit.customer) == (complaint.subscription, complaint.customer)
    assert credit.reason == f"Refund {refund.code} of complaint {complaint.code}"
    remedy = Remedy.objects.get()
    assert (remedy.refund, remedy.kind, remedy.amount, remedy.credit) == (
        refund,
        "credit",
        Decimal("40.00"),
        credit,
    )
    assert refund.settled_at is not None
    assert Event.objects.order_by("-pk")[0].data["settled"] is True

    run_billing(date(2024, 5, 1), by=desk.clerk)
    invoice = Invoice.objects.get(issued_on=date(2024, 5, 1))
    assert (invoice.credited, invoice.due) == (Decimal("40.00"), Decimal("20.00"))


def test_minutes_come_on_top_of_the_current_periods_allowance(desk: Desk) -> None:
    complaint = near_case(desk)
    give(desk, complaint, "20.01", {"kind": "minutes"})
    grant = MinutesGrant.objects.get()
    assert (grant.minutes, grant.period) == (1001, complaint.period)  # 1000.5 at 0.02, in the customer's favour
    assert grant.further_periods == 1  # the policy's figure


def test_an_extension_moves_the_current_period_and_the_anchor_and_no_own_day(desk: Desk) -> None:
    subscription = near_subscription()
    complaint = near_case(desk, subscription)
    period = only_period(subscription)
    before = live_quote(complaint, period, Choices(basis="usage"))
    days = -(-10 * period.days // 60)

    give(desk, complaint, "10.00", {"kind": "extension"})

    longer = again(period)
    new_end = period.ends_on + timedelta(days=days)
    assert (longer.ends_on, longer.days) == (period.ends_on, period.days)
    assert (longer.closes_on, longer.extension_days) == (new_end, days)
    now = again(subscription)
    assert (now.anchor_on, now.anchor_sequence) == (new_end, 1)
    extension = Extension.objects.get()
    assert (extension.closed_on_before, extension.closes_on_after) == (period.ends_on, new_end)
    # Days granted are no days of the period: the same complaint is quoted as before.
    after = live_quote(again(complaint), longer, Choices(basis="usage"))
    assert after.lines == before.lines

    factories.bill(new_end - timedelta(days=1), by=desk.clerk)
    assert subscription.periods.count() == 1
    factories.bill(new_end, by=desk.clerk)
    following = subscription.periods.get(sequence=1)
    assert following.starts_on == new_end
    assert following.ends_on == factories.months_ago(-1, new_end)


def test_a_second_extension_comes_on_top_of_the_first(desk: Desk) -> None:
    subscription = near_subscription()
    period = only_period(subscription)
    days = ceil(Fraction(6 * period.days, 60))
    for _ in range(2):
        give(desk, near_case(desk, subscription), "6.00", {"kind": "extension"})
    assert again(period).closes_on == period.ends_on + timedelta(days=2 * days)
    assert again(subscription).anchor_on == period.ends_on + timedelta(days=2 * days)


def test_an_extension_moves_todays_period_whichever_the_complaint_was_about(desk: Desk) -> None:
    subscription = factories.paid_subscription(activated_on=factories.months_ago(1, factories.days_ago(10)))
    run_billing(factories.today(), by=desk.clerk)
    past, current = subscription.periods.order_by("sequence")
    complaint = decided(desk, period=past, received_on=factories.days_ago(1))
    give(desk, complaint, "10.00", {"kind": "extension"})
    assert again(past).closes_on == past.ends_on
    assert again(current).extension_days == -(-10 * current.days // 60)  # worth what it is where it is received
    assert held(past) == (NOTHING, Decimal("10.00"))
    assert held(current) == (NOTHING, NOTHING)


def test_cash_becomes_a_payout_that_lives_on_by_itself(desk: Desk) -> None:
    complaint = near_case(desk)
    refund = give(desk, complaint, "20.00", {"kind": "cash"})
    payout = Payout.objects.get()
    assert (payout.amount, payout.currency, payout.state) == (Decimal("20.00"), "EUR", Payout.State.PENDING)
    assert (payout.iban, payout.account_holder) == (complaint.customer.iban, complaint.customer.name)
    assert payout.key == f"refund-{refund.code}"
    mark_payout_failed(payout.pk, by=desk.clerk, reason="Account closed")
    assert again(refund).state == Refund.State.SETTLED
    assert held(complaint.period) == (NOTHING, Decimal("20.00"))


# --- Mixes --------------------------------------------------------------------------------------

KINDS = ("credit", "minutes", "extension", "cash")


@pytest.mark.parametrize(
    ("amounts", "filled"),
    [
        (["5.00", "15.00"], ["5.00", "15.00"]),
        ([None, "15.00"], ["5.00", "15.00"]),
        (["19.99", None], ["19.99", "0.01"]),
        (["20.00", None], ["20.00"]),
        ([None], ["20.00"]),
        (["20.00"], ["20.00"]),
        (["0.01", "0.02", "2.03", None], ["0.01", "0.02", "2.03", "17.94"]),
    ],
)
def test_a_mix_is_filled_up_to_the_total(desk: Desk, amounts: list[str | None], filled: list[str]) -> None:
    remedies = [{"kind": kind, "amount": amount} for kind, amount in zip(KINDS, amounts, strict=False)]
    refund = special(desk, near_case(desk), "20.00", remedies=remedies)
    assert [entry["amount"] for entry in refund.remedy_plan] == filled
    assert [entry["kind"] for entry in refund.remedy_plan] == list(KINDS[: len(filled)])


@pytest.mark.parametrize("amounts", [["19.99"], ["20.01"], ["10.00", "10.01"], ["20.01", None], ["0.01", "0.01"]])
def test_a_mix_that_does_not_add_up_is_refused(desk: Desk, amounts: list[str | None]) -> None:
    remedies = [{"kind": kind, "amount": amount} for kind, amount in zip(KINDS, amounts, strict=False)]
    refund = draft(desk, near_case(desk), "special", special_amount=Decimal("20.00"), remedies=remedies)
    assert_refused(
        "remedies_do_not_add_up", propose_refund, refund.pk, by=desk.agent, reason="The log", saying="20.00 EUR"
    )


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.integers(1, 1500), min_size=1, max_size=4), open_end=st.booleans())
def test_any_mix_is_given_to_the_last_cent(desk: Desk, parts: list[int], open_end: bool) -> None:
    """Whatever the parts: money adds up exactly, minutes and days are rounded in the customer's favour."""
    # Less than a day's worth is no extension.
    parts = [max(part, 250) if kind == "extension" else part for kind, part in zip(KINDS, parts, strict=False)]
    total = Decimal(sum(parts)) / 100
    amounts = [Decimal(part) / 100 for part in parts]
    remedies = [{"kind": kind, "amount": f"{amount:.2f}"} for kind, amount in zip(KINDS, amounts, strict=False)]
    if open_end:
        del remedies[0]["amount"]
    with transaction.atomic():
        complaint = near_case(desk)
        period = complaint.period
        refund = give(desk, complaint, f"{total:.2f}", *remedies)
        given_now = {remedy.kind: remedy for remedy in refund.remedies.all()}
        assert [given_now[kind].amount for kind in KINDS[: len(parts)]] == amounts
        assert held(period) == (NOTHING, total)
        for kind, amount in zip(KINDS, amounts, strict=False):
            remedy = given_now[kind]
            if remedy.credit is not None:
                assert remedy.credit.granted == amount
            elif remedy.minutes_grant is not None:
                assert remedy.minutes_grant.minutes == ceil(Fraction(amount) / Fraction("0.02"))
            elif remedy.extension is not None:
                assert remedy.extension.days == ceil(Fraction(amount) * period.days / 60)
            else:
                assert remedy.payout is not None
                assert remedy.payout.amount == amount
        transaction.set_rollback(True)


# --- Remedies that cannot be --------------------------------------------------------------------


def without_minute_cost() -> Subscription:
    plan = factories.PlanFactory.create()
    factories.price(plan, minute_cost=NOTHING)
    return near_subscription(plan=plan)


def cancelled() -> Subscription:
    subscription = near_subscription()
    cancel_subscription(subscription.pk, by=factories.agent(), channel="phone")
    return subscription


def ended() -> Subscription:
    subscription = spring_subscription()
    cancel_subscription(subscription.pk, by=factories.lead(), channel="phone", requested_on=date(2024, 4, 2))
    run_billing(date(2024, 5, 1), by=factories.billing_clerk())
    return again(subscription)


def without_bank_details() -> Subscription:
    return near_subscription(customer=factories.CustomerFactory.create(iban=""))


@pytest.mark.parametrize(
    ("make", "cannot"),
    [
        (near_subscription, {}),
        (without_minute_cost, {"minutes": "cost nothing"}),
        (cancelled, {"credit": "no next cycle"}),
        (ended, {"credit": "no next cycle", "minutes": "has ended", "extension": "has ended"}),
        (spring_subscription, {"minutes": "billing has to run first", "extension": "billing has to run first"}),
        (without_bank_details, {"cash": "no bank details"}),
    ],
)
def test_a_remedy_that_cannot_be_is_shown_and_refused_with_its_reason(
    desk: Desk, make: Callable[[], Subscription], cannot: dict[str, str]
) -> None:
    period = only_period(make())
    received_on = date(2024, 4, 10) if period.starts_on.year == 2024 else factories.days_ago(1)
    complaint = decided(desk, period=period, received_on=received_on)
    period = again(complaint).period
    shown = {offer.kind.value: offer.obstacle for offer in offers(period, Decimal("10.00"), terms_for(period))}
    assert {kind for kind, obstacle in shown.items() if obstacle} == set(cannot)
    for kind in KINDS:
        with transaction.atomic():
            refund = draft(desk, complaint, "special", special_amount=Decimal("10.00"), remedies=[{"kind": kind}])
            if kind in cannot:
                assert cannot[kind] in str(shown[kind])
                assert_refused(
                    "remedy", propose_refund, refund.pk, by=desk.agent, reason="The log", saying=cannot[kind]
                )
            else:
                propose_refund(refund.pk, by=desk.agent, reason="The log")
                approve_refund(refund.pk, by=desk.manager)
                assert Remedy.objects.get(refund=refund).kind == kind
            transaction.set_rollback(True)


def test_an_amount_is_shown_in_every_remedy_side_by_side(desk: Desk) -> None:
    period = only_period(near_subscription())
    worth = {offer.kind.value: offer for offer in offers(period, Decimal("10.01"), terms_for(period))}
    assert list(worth) == ["credit", "minutes", "extension", "cash"]
    assert worth["minutes"].minutes == 501
    assert worth["extension"].days == ceil(Fraction("10.01") * period.days / 60)
    assert {offer.amount for offer in worth.values()} == {Decimal("10.01")}


def test_a_policy_can_leave_remedies_out(desk: Desk) -> None:
    complaint = near_case(desk)
    version = policy_says(complaint.period.starts_on, remedies=["credit"])
    refund = draft(desk, complaint, "special", special_amount=Decimal("10.00"), remedies=[{"kind": "cash"}])
    assert_refused("remedy", propose_refund, refund.pk, by=desk.agent, reason="The log", saying=str(version))


def test_a_remedy_that_has_become_impossible_keeps_everything_from_being_settled(desk: Desk) -> None:
    complaint = near_case(desk)
    refund = special(desk, complaint, "20.00", remedies=[{"kind": "credit", "amount": "5.00"}, {"kind": "cash"}])
    customer = Customer.objects.get(pk=complaint.customer_id)
    customer.iban = ""
    customer.save()
    assert_refused(
        "remedy", approve_refund, refund.pk, by=desk.manager, saying=f"{refund.code} cannot be settled as proposed"
    )
    assert held(complaint.period) == (Decimal("20.00"), NOTHING)
    cancelled_now = again(complaint.subscription)
    customer.iban = complaint.customer.iban
    customer.save()
    cancel_subscription(cancelled_now.pk, by=desk.agent, channel="phone")
    assert_refused("remedy", approve_refund, refund.pk, by=desk.manager, saying="no next cycle")


# --- What the database refuses by itself --------------------------------------------------------


def test_a_remedy_gives_exactly_one_thing(desk: Desk) -> None:
    complaint = near_case(desk)
    refund = give(
        desk,
        complaint,
        "20.00",
        {"kind": "credit", "amount": "5.00"},
        {"kind": "minutes", "amount": "5.00"},
        {"kind": "extension", "amount": "5.00"},
        {"kind": "cash"},
    )
    other = give(desk, near_case(desk), "5.00", {"kind": "credit"})
    things: dict[str, Any] = {
        "credit": Credit.objects.get(remedy__refund=other),
        "minutes_grant": MinutesGrant.objects.get(),
        "extension": Extension.objects.get(),
        "payout": Payout.objects.get(),
    }
    third = propose(desk, near_case(desk))

    def remedy(kind: str, amount: Decimal = Decimal("1.00"), **given_things: Any) -> Remedy:
        return Remedy(refund=third, kind=kind, amount=amount, at=timezone.now(), **given_things)

    credit = Credit.objects.get(remedy__refund=other)
    unused = Credit(
        customer=credit.customer,
        subscription=credit.subscription,
        currency="EUR",
        granted_on=factories.today(),
        reason="Test",
        granted=Decimal("1.00"),
    )
    unused.save()
    wrong = [
        remedy("credit"),
        remedy("cash", credit=unused),
        remedy("voucher", credit=unused),
        remedy("credit", credit=unused, payout=things["payout"]),
        remedy("credit", NOTHING, credit=unused),
        remedy("credit", credit=things["credit"]),  # another remedy's
        Remedy(refund=refund, kind="credit", amount=Decimal("1.00"), credit=unused, at=timezone.now()),
    ]
    for row in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save()
    remedy("credit", credit=unused).save()


def test_drafting_on_a_period_without_a_fee_gives_nothing(desk: Desk) -> None:
    free = factories.open_subscription(activated_on=factories.days_ago(10), agreed_fee=NOTHING)
    complaint = near_case(desk, free)
    assert_refused(
        "special_without_fee",
        draft_refund,
        complaint.pk,
        by=desk.agent,
        basis="special",
        special_amount=Decimal("1.00"),
    )
    refund = draft(desk, complaint, "full_month")
    assert_refused("nothing", propose_refund, refund.pk, by=desk.agent, reason="Goodwill", saying="no fee")
    period = BillingPeriod.objects.get(subscription=free)
    obstacles = {offer.kind.value: offer.obstacle for offer in offers(period, NOTHING, terms_for(period))}
    assert "costs nothing" in str(obstacles["extension"])
