"""Rows of several tables in one query are the rows that each table has."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.customers.models import Contact, Customer
from accounts.staff.models import User
from audit.models import Event
from backoffice.united import Part, put_at_hand, read_united
from billing.credits.models import Credit
from messaging.outbox.models import OutgoingMessage
from tests import factories

pytestmark = pytest.mark.django_db


def test_each_part_has_its_rows_in_its_order(django_assert_num_queries: Any) -> None:
    customer = factories.CustomerFactory.create(name="“Quote” & <tag> \\ 1")
    for name in ("Bo", "Ada", "Cy"):
        Contact.objects.create(customer=customer, name=name, position="It's\nfine")
    message = factories.outgoing_message(customer)
    state = message.delivery.state
    moment = timezone.now() - timedelta(days=200, microseconds=1)
    event = Event.objects.create(actor=factories.agent(), verb="x.y", target_type="a.b", at=moment)
    # Whether the database knows JSON is asked once a process.
    assert connection.features.supports_json_field
    with django_assert_num_queries(1):
        found = read_united(
            {
                "contacts": Part(Contact.objects.filter(customer=customer), ("name", "position"), ("-name",)),
                "customers": Part(Customer.objects.filter(pk=customer.pk), ("name", "number"), ("pk",)),
                "mails": Part(OutgoingMessage.objects.all(), ("subject", "queued_at", "delivery__state"), ("pk",)),
                "events": Part(Event.objects.filter(pk=event.pk), ("at", "actor__username"), ("pk",)),
                "nobody": Part(User.objects.none(), ("username",), ("pk",)),
            }
        )
        assert [contact.name for contact in found["contacts"]] == ["Cy", "Bo", "Ada"]
        assert {contact.position for contact in found["contacts"]} == {"It's\nfine"}
        assert [(row.pk, row.name, row.number) for row in found["customers"]] == [
            (customer.pk, customer.name, customer.number)
        ]
        assert found["mails"][0].queued_at == message.queued_at
        assert found["mails"][0].delivery.state == state
        assert (found["events"][0].at, found["events"][0].actor.username) == (moment, event.actor.username)
        assert found["nobody"] == []
    # What was not asked for is deferred, not lost.
    assert found["customers"][0].currency == customer.currency


def test_no_amount_passes_through_json() -> None:
    with pytest.raises(TypeError, match="granted"):
        read_united({"credits": Part(Credit.objects.all(), ("granted",), ("pk",))})


def test_rows_at_hand_are_not_asked_for_again(django_assert_num_queries: Any) -> None:
    customer = factories.CustomerFactory.create()
    contact = Contact.objects.create(customer=customer, name="Ada")
    row = Customer.objects.get(pk=customer.pk)
    put_at_hand(row, "contacts", [Contact.objects.only("name").get(pk=contact.pk)])
    with django_assert_num_queries(0):
        assert [each.customer.number for each in row.contacts.all()] == [customer.number]
