"""What a customer is told of changed bank details, and where a message that waits goes once an address is corrected."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.customers.actions import edit_customer
from accounts.customers.models import Customer
from audit.models import Event
from billing.subscriptions.cancellations.actions import cancel_subscription, undo_cancellation
from messaging.outbox.models import Delivery, OutgoingMessage
from messaging.outbox.queue import NewMessage, queue_messages
from tests import factories

pytestmark = pytest.mark.django_db

IBAN = "DE89370400440532013000"


def customer_with(**kwargs: Any) -> Customer:
    return factories.CustomerFactory.create(email="old@example.com", **kwargs)


def told() -> list[tuple[str, str]]:
    return list(OutgoingMessage.objects.order_by("pk").values_list("kind", "recipient"))


def question(customer: Customer, *, recipient: str = "") -> OutgoingMessage:
    fields = {"code": "C-00001", "subject": "Noise"}
    one = NewMessage("question", f"question:{recipient}", fields, customer, recipient=recipient)
    return queue_messages([one], by=factories.agent())[0]


@pytest.mark.parametrize("language", ["en", "it"])
def test_changed_bank_details_are_told_by_the_accounts_end(language: str) -> None:
    customer = customer_with(language=language)
    edit_customer(customer.pk, by=factories.agent(), reason="By letter", iban=IBAN)
    assert told() == [("bank_details_changed", "old@example.com")]
    body = OutgoingMessage.objects.get().body
    assert "…3000" in body
    assert IBAN not in body


def test_they_are_told_to_the_old_address_and_to_the_new_one_changed_at_once_or_before() -> None:
    together = customer_with()
    edit_customer(together.pk, by=factories.agent(), reason="By letter", iban=IBAN, email="new@example.com")
    assert {to for _, to in told()} == {"old@example.com", "new@example.com"}

    before = customer_with()
    edit_customer(before.pk, by=factories.agent(), email="thief@example.com")
    edit_customer(before.pk, by=factories.agent(), reason="By e-mail", iban=IBAN)
    found = OutgoingMessage.objects.filter(customer=before).values_list("recipient", flat=True)
    assert set(found) == {"old@example.com", "thief@example.com"}


def test_without_an_address_somebody_sees_that_they_are_not_told() -> None:
    customer = factories.CustomerFactory.create(email="")
    edit_customer(customer.pk, by=factories.agent(), reason="By letter", iban=IBAN)
    assert Delivery.objects.get().state == Delivery.State.NO_ADDRESS


def test_other_changes_tell_nothing() -> None:
    edit_customer(customer_with().pk, by=factories.agent(), name="Another name")
    assert told() == []


def test_a_message_that_waits_follows_a_corrected_address() -> None:
    customer = customer_with()
    waiting, elsewhere = question(customer), question(customer, recipient="lawyer@example.com")
    sent = question(customer, recipient="old@example.com")
    delivery = sent.delivery
    delivery.state, delivery.next_attempt_at, delivery.sent_at = "sent", None, sent.queued_at
    delivery.save()
    edit_customer(customer.pk, by=factories.agent(), email="new@example.com")
    copy = OutgoingMessage.objects.get(recipient="new@example.com")
    assert (copy.body, copy.delivery.state) == (waiting.body, "queued")
    states = [Delivery.objects.get(message=message).state for message in (waiting, elsewhere, sent)]
    assert states == ["cancelled", "queued", "sent"]
    event = Event.objects.get(verb="message.followed")
    assert event.data == {"again": copy.pk, "recipient": "new@example.com"}


def test_what_had_no_address_goes_to_the_first_one_on_file() -> None:
    customer = factories.CustomerFactory.create(email="")
    question(customer)
    edit_customer(customer.pk, by=factories.agent(), email="new@example.com")
    assert OutgoingMessage.objects.get(recipient="new@example.com").delivery.state == "queued"


def test_an_end_that_is_moved_is_told() -> None:
    subscription = factories.open_subscription(activated_on=factories.days_ago(3))
    cancel_subscription(subscription.pk, by=factories.agent(), channel="email", requested_on=factories.today())
    undo_cancellation(subscription.pk, by=factories.agent(), reason="They stay")
    [_, moved] = OutgoingMessage.objects.order_by("pk")
    assert (moved.kind, moved.customer) == ("end_moved", subscription.customer)
    assert "it goes on" in moved.body
