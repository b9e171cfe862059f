"""A person linked to the customer is told so on the page, and not offered the step; a colleague is offered it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import models
from django.test import Client
from django.urls import reverse

from accounts.customers.models import Customer
from accounts.staff.models import User
from accounts.staff.permissions import Role
from billing.invoices.models import Invoice
from billing.payments.disputes.actions import open_dispute
from billing.payments.models import Payment
from billing.payments.prepayments.actions import record_prepayment
from billing.payments.prepayments.models import Prepayment
from billing.payouts.actions import mark_payout_failed
from billing.payouts.models import Payout
from billing.remedies.effects import order_payout
from billing.residual_credits.actions import propose_residual_payout
from billing.subscriptions.cancellations.actions import cancel_subscription
from hardware.purchases.actions import note_warranty
from hardware.purchases.models import Instalment, Purchase
from tests import factories
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db

REASON = "You are linked to this customer: somebody else has to do this."


def invoice() -> Invoice:
    return Invoice.objects.get(period__subscription=factories.open_subscription())


def disputed() -> Invoice:
    return open_dispute(invoice().pk, by=factories.billing_clerk(), disputed_on=factories.today(), reason="Why?")


def payment() -> Payment:
    return factories.paid_invoice().payments.get()


def prepayment() -> Prepayment:
    paid: dict[str, Any] = {"amount": Decimal("5.00"), "received_on": factories.today()}
    return record_prepayment(factories.paid_subscription().pk, by=factories.billing_clerk(), **paid)


def prepayment_left() -> Prepayment:
    found = prepayment()
    day = factories.today() + timedelta(days=40)
    cancel_subscription(found.subscription_id, by=factories.agent(), channel="phone")
    factories.bill(day, by=factories.system_user())
    return Prepayment.objects.get(pk=found.pk)


def payout() -> Payout:
    return order_payout(factories.open_subscription(), Decimal("5.00"), key="payout-1", reason="A refund")


def failed_payout() -> Payout:
    return mark_payout_failed(payout().pk, by=factories.billing_clerk(), reason="Closed")


def leftover() -> models.Model:
    credit = factories.leftover_credit()
    return propose_residual_payout(credit.pk, by=factories.billing_clerk(), reason="They asked")


def charge() -> models.Model:
    return factories.charge(factories.ended_subscription())


def instalment() -> Instalment:
    return factories.phone_purchase().instalments.get()


STEPS: list[tuple[Callable[[], models.Model], str, Role]] = [
    (invoice, "pay", Role.BILLING),
    (invoice, "pay_in_full", Role.BILLING),
    (factories.paid_invoice, "pay_again", Role.BILLING),
    (invoice, "dispute", Role.BILLING),
    (disputed, "end_dispute", Role.BILLING),
    (payment, "charge_back", Role.BILLING),
    (factories.paid_subscription, "prepay", Role.BILLING),
    (prepayment, "take_off", Role.BILLING),
    (prepayment_left, "credit", Role.MANAGER),
    (payout, "paid", Role.BILLING),
    (payout, "failed", Role.BILLING),
    (failed_payout, "retry", Role.BILLING),
    (failed_payout, "to_credit", Role.BILLING),
    (factories.leftover_credit, "pay_out", Role.BILLING),
    (leftover, "withdraw", Role.BILLING),
    (leftover, "approve", Role.MANAGER),
    (leftover, "reject", Role.MANAGER),
    (charge, "ask", Role.BILLING),
    (factories.phone_purchase, "pay", Role.BILLING),
    (factories.phone_purchase, "return", Role.BILLING),
    (factories.phone_purchase, "warranty", Role.BILLING),
    (instalment, "pay", Role.BILLING),
    (factories.open_subscription, "change_plan", Role.AGENT),
]


def customer_of(row: models.Model) -> Customer:
    for path in ("customer", "invoice.customer", "credit.customer", "purchase.customer", "subscription.customer"):
        found: object = row
        for name in path.split("."):
            found = getattr(found, name, None)
        if isinstance(found, Customer):
            return found
    raise AssertionError(f"whose is {row!r}?")


def offered(person: User, row: models.Model, name: str) -> str:
    """The page of the row, and what the step's own page says of it."""
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    label = f"admin:{row._meta.app_label}_{row._meta.model_name}"
    step = client.get(f"{reverse(f'{label}_act', args=(name,))}?ids={row.pk}")
    page = client.get(reverse(f"{label}_change", args=(row.pk,)))
    assert step.status_code == page.status_code == 200
    assert (REASON in step.content.decode()) == (REASON in page.content.decode())
    return step.content.decode()


@pytest.mark.parametrize(("make", "name", "role"), STEPS, ids=lambda value: getattr(value, "__name__", str(value)))
def test_whoever_is_linked_reads_why_and_a_colleague_may(
    make: Callable[[], models.Model], name: str, role: Role
) -> None:
    row = make()
    factories.approval_limits()
    linked = factories.UserFactory.create(role=role, customer=customer_of(row))
    assert REASON in offered(linked, row, name)
    colleague = factories.UserFactory.create(role=role, customer=factories.CustomerFactory.create())
    assert REASON not in offered(colleague, row, name)


def test_nobody_notes_the_warranty_of_their_own_phone() -> None:

    purchase: Purchase = factories.phone_purchase()
    own = factories.billing_clerk(customer=purchase.customer)
    until = factories.today() + timedelta(days=365)
    assert_refused("linked", note_warranty, purchase.pk, by=own, until=until)
