"""Credit that a subscription left when it ended: paid out under four eyes, within the limit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from accounts.staff.models import User
from billing.credits.models import Credit
from billing.payouts.actions import mark_payout_failed, retry_payout, turn_payout_into_credit
from billing.payouts.models import Payout
from billing.remedies.effects import give_credit
from billing.residual_credits.actions import (
    approve_residual_payout,
    propose_residual_payout,
    reject_residual_payout,
    withdraw_residual_payout,
)
from billing.residual_credits.models import ResidualCreditPayout
from tests import factories
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk() -> User:
    return factories.billing_clerk()


@pytest.fixture
def approver() -> User:
    factories.approval_limits(manager_amount=Decimal("40.00"))
    return factories.manager()


def proposed(clerk: User, amount: Decimal = Decimal("25.00"), **kwargs: object) -> ResidualCreditPayout:
    return propose_residual_payout(factories.leftover_credit(amount, **kwargs).pk, by=clerk, reason="They asked")


def test_an_approved_one_is_paid_out_under_a_key_of_its_own(clerk: User, approver: User) -> None:
    leftover = proposed(clerk)
    credit = Credit.objects.get()
    assert (credit.paid_out, Payout.objects.count()) == (Decimal(0), 0)
    approve_residual_payout(leftover.pk, by=approver)
    credit.refresh_from_db()
    payout = Payout.objects.get()
    assert (credit.paid_out, credit.remaining) == (Decimal("25.00"), Decimal(0))
    assert (payout.amount, payout.key, payout.iban) == (
        Decimal("25.00"),
        f"leftover-{leftover.pk}",
        credit.customer.iban,
    )
    assert ResidualCreditPayout.objects.get().payout == payout


def test_a_part_leaves_the_rest(clerk: User, approver: User) -> None:
    credit = factories.leftover_credit()
    leftover = propose_residual_payout(credit.pk, by=clerk, reason="They asked", amount=Decimal("10.00"))
    approve_residual_payout(leftover.pk, by=approver)
    credit.refresh_from_db()
    assert credit.remaining == Decimal("15.00")
    propose_residual_payout(credit.pk, by=clerk, reason="The rest")


def test_what_cannot_be_proposed(clerk: User) -> None:
    credit = factories.leftover_credit()
    for amount in (Decimal("25.01"), Decimal(0), Decimal(-1), Decimal("0.001")):
        assert_refused("amount", propose_residual_payout, credit.pk, by=clerk, reason="R", amount=amount)
    assert_refused("reason_missing", propose_residual_payout, credit.pk, by=clerk, reason=" ")
    assert_refused("missing", propose_residual_payout, credit.pk + 1000, by=clerk, reason="R")
    propose_residual_payout(credit.pk, by=clerk, reason="R")
    assert_refused("duplicate", propose_residual_payout, credit.pk, by=clerk, reason="R")
    active = give_credit(factories.open_subscription(), Decimal("5.00"), reason="A refund")
    assert_refused("not_ended", propose_residual_payout, active.pk, by=clerk, reason="R")
    without = factories.leftover_credit(customer=factories.CustomerFactory.create(iban=""))
    assert_refused("no_bank_details", propose_residual_payout, without.pk, by=clerk, reason="R")


def test_nothing_is_left_twice(clerk: User, approver: User) -> None:
    leftover = proposed(clerk)
    approve_residual_payout(leftover.pk, by=approver)
    assert_refused("nothing_left", propose_residual_payout, leftover.credit_id, by=clerk, reason="R")
    assert_refused("state", approve_residual_payout, leftover.pk, by=factories.manager())


@pytest.mark.parametrize("role", ["agent", "lead", "manager", "auditor", "administrator"])
def test_only_billing_proposes_and_withdraws(role: str, clerk: User) -> None:
    person = getattr(factories, role)()
    assert_refused("permission", propose_residual_payout, factories.leftover_credit().pk, by=person, reason="R")
    assert_refused("permission", withdraw_residual_payout, proposed(clerk).pk, by=person, reason="No")


@pytest.mark.parametrize("role", ["agent", "lead", "billing_clerk", "auditor", "administrator"])
def test_only_managers_approve_and_reject(role: str, clerk: User, approver: User) -> None:
    person = getattr(factories, role)()
    leftover = proposed(clerk)
    assert_refused("permission", approve_residual_payout, leftover.pk, by=person)
    assert_refused("permission", reject_residual_payout, leftover.pk, by=person, reason="R")


def test_nobody_approves_their_own_proposal_nor_their_own_money(clerk: User, approver: User) -> None:
    own = proposed(clerk)
    # A clerk who has become a manager since.
    clerk.role = approver.role
    clerk.save()
    assert_refused("own_proposal", approve_residual_payout, own.pk, by=clerk)
    assert_refused("own_proposal", reject_residual_payout, own.pk, by=clerk, reason="R")
    linked = factories.manager(customer=own.credit.customer)
    assert_refused("linked", approve_residual_payout, own.pk, by=linked)
    assert_refused("linked", reject_residual_payout, own.pk, by=linked, reason="R")


def test_a_linked_clerk_does_not_propose() -> None:
    credit = factories.leftover_credit()
    linked = factories.billing_clerk(customer=credit.customer)
    assert_refused("linked", propose_residual_payout, credit.pk, by=linked, reason="R")


def test_the_limit_covers_the_amount_with_what_was_granted_lately(clerk: User, approver: User) -> None:
    customer = factories.CustomerFactory.create()
    first = proposed(clerk, customer=customer)
    second = proposed(clerk, Decimal("15.01"), customer=customer)
    third = proposed(clerk, Decimal("15.00"), customer=customer)
    assert_refused("over_limit", approve_residual_payout, proposed(clerk, Decimal("40.01")).pk, by=approver)
    approve_residual_payout(first.pk, by=approver)
    assert_refused("over_limit", approve_residual_payout, second.pk, by=approver, saying="25")
    approve_residual_payout(third.pk, by=approver)


def test_without_a_published_limit_nobody_approves(clerk: User) -> None:
    assert_refused("no_limit", approve_residual_payout, proposed(clerk).pk, by=factories.manager())


def test_less_is_left_by_now(clerk: User, approver: User) -> None:
    leftover = proposed(clerk)
    credit = Credit.objects.get()
    credit.reversed = Decimal("0.01")
    credit.save()
    assert_refused("cap", approve_residual_payout, leftover.pk, by=approver)


def test_rejected_and_withdrawn_leave_the_credit(clerk: User, approver: User) -> None:
    leftover = proposed(clerk)
    assert_refused("reason_missing", reject_residual_payout, leftover.pk, by=approver, reason="")
    assert reject_residual_payout(leftover.pk, by=approver, reason="Ask for an IBAN").state == "rejected"
    again = propose_residual_payout(leftover.credit_id, by=clerk, reason="Asked")
    assert_refused("reason_missing", withdraw_residual_payout, again.pk, by=clerk, reason=" ")
    assert withdraw_residual_payout(again.pk, by=factories.billing_clerk(), reason="A mistake").state == "withdrawn"
    assert_refused("state", withdraw_residual_payout, again.pk, by=clerk, reason="A mistake")
    assert Credit.objects.get().remaining == Decimal("25.00")
    assert not Payout.objects.exists()


def test_one_that_failed_twice_goes_back_to_its_credit(clerk: User, approver: User) -> None:
    leftover = proposed(clerk)
    approve_residual_payout(leftover.pk, by=approver)
    payout = Payout.objects.get()
    mark_payout_failed(payout.pk, by=clerk, reason="Closed")
    retry_payout(payout.pk, by=clerk)
    mark_payout_failed(payout.pk, by=clerk, reason="Closed")
    assert_refused("retried", retry_payout, payout.pk, by=clerk)
    credit = turn_payout_into_credit(payout.pk, by=clerk, reason="No account")
    assert (credit.pk, credit.remaining, Credit.objects.count()) == (leftover.credit_id, Decimal("25.00"), 1)
    propose_residual_payout(credit.pk, by=clerk, reason="New account")


def test_the_database_refuses_an_approval_by_the_proposer(clerk: User, approver: User) -> None:
    leftover = approve_residual_payout(proposed(clerk).pk, by=approver)
    leftover.decided_by = leftover.proposed_by
    with pytest.raises(IntegrityError), transaction.atomic():
        leftover.save()
