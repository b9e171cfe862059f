"""Nobody acts on a matter of a customer whom they are linked to, also through a merged number: the frame of every
action refuses, whatever the action, and no page offers a step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.test import RequestFactory

from accounts.customers.actions import edit_customer
from accounts.customers.contacts.actions import add_contact
from accounts.customers.links import ways_to_customers
from accounts.customers.models import Customer
from accounts.staff.models import User
from accounts.staff.permissions import Role
from audit.tracked import AppendOnlyModel, Tracked
from billing.invoices.models import Invoice
from billing.payments.actions import Received, record_payments
from billing.subscriptions.cancellations.actions import cancel_subscription
from complaints.cases.actions import add_note, assign_complaint
from complaints.cases.decisions.actions import escalate_complaint
from complaints.incidents.actions import edit_incident, end_incident, record_incident
from complaints.incidents.models import Incident
from complaints.refunds.endings.actions import withdraw_refund
from complaints.refunds.models import Refund
from complaints.refunds.proposals.actions import propose_refund
from complaints.reversals.actions import propose_reversal, withdraw_reversal
from complaints.reversals.models import Reversal
from tests import factories
from tests.complaints.cases import (
    Desk,
    decided,
    draft,
    noon,
    propose,
    register,
    settled,
    spring_subscription,
)
from tests.complaints.refusals import assert_refused
from tests.every_page import make_small_company, registered

pytestmark = pytest.mark.django_db

REASON = "You are linked to this customer: somebody else has to do this."

# --- Whose a row is -----------------------------------------------------------------------------

#: Rows that are no matter of any customer: what is offered to all, and what staff decide among themselves.
NOBODYS = {
    "accounts.ApprovalLimit",
    "accounts.CompanyProfile",
    "accounts.ControlLimit",
    "accounts.Delegation",
    "accounts.Logo",
    "accounts.NumberSeries",
    "accounts.StaffChange",
    "accounts.Team",
    "accounts.User",
    "audit.Event",
    "billing.BillingRun",
    "billing.Operation",
    "billing.OperationCost",
    "billing.Plan",
    "billing.Price",
    "complaints.BackTest",
    "complaints.DigestTimes",
    "complaints.IncidentChange",
    "hardware.Phone",
    "hardware.PhoneModel",
    "jobs.Job",
    "jobs.JobRow",
    "messaging.MessageTemplate",
    "policies.Policy",
    "policies.PolicyVersion",
    "complaints.SignalReport",
    "complaints.SignalWindow",
}


def test_of_every_row_it_is_known_whose_it_is() -> None:
    """A further table either leads to a customer, or is declared to be nobody's."""
    ours = [model for model in apps.get_models() if issubclass(model, (Tracked, AppendOnlyModel))]
    without = {model._meta.label for model in ours if not ways_to_customers(model)}
    assert without - NOBODYS == set()


# --- The frame refuses --------------------------------------------------------------------------


def own_case(desk: Desk, **kwargs: Any) -> Customer:
    return spring_subscription(**kwargs).customer


#: Makes a row, says who does what to it, and with what.
type Attempt = Callable[[Desk], tuple[models.Model, User, Callable[..., object], tuple[Any, ...], dict[str, Any]]]


def lengthen_outage(desk: Desk) -> Any:
    subscription = spring_subscription()
    incident = record_incident(
        by=desk.clerk, title="Down", starts_at=noon(2), ends_at=noon(3), subscription_ids=[subscription.pk]
    )
    values = {"title": "Down", "starts_at": noon(2), "ends_at": noon(9), "scheduled": False, "hits_everybody": False}
    return subscription, desk.lead, edit_incident, (incident.pk,), {"reason": "It was longer", **values}


def end_outage(desk: Desk) -> Any:
    subscription = spring_subscription()
    incident = record_incident(by=desk.clerk, title="Down", starts_at=noon(2), subscription_ids=[subscription.pk])
    return subscription, desk.lead, end_incident, (incident.pk,), {"ends_at": noon(9)}


def record_outage(desk: Desk) -> Any:
    subscription = spring_subscription()
    values = {"title": "Down", "starts_at": noon(2), "subscription_ids": [subscription.pk]}
    return subscription, desk.lead, record_incident, (), values


def withdraw_own_reversal(desk: Desk) -> Any:
    refund = settled(desk, decided(desk))
    reversal = propose_reversal(refund.pk, by=desk.agent, reason="The log was another's")
    return refund, desk.lead, withdraw_reversal, (reversal.pk,), {"reason": "No"}


def withdraw_proposal(desk: Desk) -> Any:
    refund = propose(desk, decided(desk))
    return refund, desk.agent, withdraw_refund, (refund.pk,), {"reason": "Another way"}


def propose_draft(desk: Desk) -> Any:
    refund = draft(desk, decided(desk))
    return refund, desk.agent, propose_refund, (refund.pk,), {"reason": "The log"}


def register_own(desk: Desk) -> Any:
    subscription = spring_subscription()
    return subscription, desk.agent, lambda *, by: register(desk, subscription, by=by), (), {}


def write_note(desk: Desk) -> Any:
    complaint = register(desk)
    return complaint, desk.agent, add_note, (complaint.pk,), {"text": "Hurry"}


def take_up_own(desk: Desk) -> Any:
    complaint = register(desk)
    return complaint, desk.agent, assign_complaint, (complaint.pk,), {"owner_id": desk.agent.pk}


def escalate_own(desk: Desk) -> Any:
    complaint = register(desk)
    return complaint, desk.lead, escalate_complaint, (complaint.pk,), {"reason": "Hurry"}


def change_address(desk: Desk) -> Any:
    customer = factories.CustomerFactory.create()
    return customer, desk.agent, edit_customer, (customer.pk,), {"email": "new@example.com", "reason": "Moved"}


def name_a_contact(desk: Desk) -> Any:
    customer = factories.CustomerFactory.create()
    return customer, desk.agent, add_contact, (customer.pk,), {"name": "Nora"}


def cancel_own(desk: Desk) -> Any:
    subscription = factories.open_subscription()
    return subscription, desk.agent, cancel_subscription, (subscription.pk,), {"channel": "phone"}


def pay_many(desk: Desk) -> Any:
    """A batch with one own invoice among others."""
    invoices = [Invoice.objects.get(period__subscription=factories.open_subscription()) for _ in range(2)]
    received = [Received(invoice.pk, invoice.due, factories.today(), "") for invoice in invoices]
    return invoices[1], desk.clerk, record_payments, (received,), {}


ATTEMPTS: list[Attempt] = [
    lengthen_outage,
    end_outage,
    record_outage,
    withdraw_own_reversal,
    withdraw_proposal,
    propose_draft,
    register_own,
    write_note,
    take_up_own,
    escalate_own,
    change_address,
    name_a_contact,
    cancel_own,
    pay_many,
]


@pytest.mark.parametrize("by_way_of", ["own number", "merged number", "same account", "account of a merged number"])
@pytest.mark.parametrize("make", ATTEMPTS, ids=lambda make: make.__name__)
def test_the_frame_refuses_whoever_is_linked(make: Attempt, by_way_of: str) -> None:
    row, person, attempt, args, kwargs = make(Desk(limits=True))
    customer = row if isinstance(row, Customer) else row.customer  # type: ignore[attr-defined]
    if by_way_of == "merged number":
        customer = factories.CustomerFactory.create(merged_into=customer)
    elif by_way_of == "same account":
        customer = factories.CustomerFactory.create(iban=customer.iban)
    elif by_way_of == "account of a merged number":
        iban, customer = customer.iban, factories.CustomerFactory.create()
        factories.CustomerFactory.create(iban=iban, merged_into=customer)
    person.customer = customer
    person.save()
    assert_refused("linked", attempt, *args, by=person, saying=REASON, **kwargs)
    person.customer = factories.CustomerFactory.create()
    person.save()
    attempt(*args, by=person, **kwargs)


def test_what_hits_everybody_is_no_matter_of_one_customer() -> None:
    desk = Desk()
    desk.lead.customer = own_case(desk)
    desk.lead.save()
    incident = record_incident(by=desk.lead, title="Down", starts_at=noon(2), hits_everybody=True)
    end_incident(incident.pk, by=desk.lead, ends_at=noon(3))


# --- The pages agree ----------------------------------------------------------------------------


def rows_of_a_company() -> None:
    """The small company, and a case with all that a case has."""
    make_small_company()
    desk = Desk(limits=True)
    refund = settled(desk, decided(desk))
    propose_reversal(refund.pk, by=desk.agent, reason="The log was another's")
    propose(desk, decided(desk))
    record_incident(by=desk.clerk, title="Down", starts_at=noon(2), subscription_ids=[spring_subscription().pk])
    assert Refund.objects.exists()
    assert Reversal.objects.exists()
    assert Incident.objects.exists()


def customer_of(row: models.Model) -> Customer | None:
    for way in ways_to_customers(type(row)):
        key = type(row)._base_manager.filter(pk=row.pk).values_list(way, flat=True).first()
        if key is not None:
            return Customer.objects.get(pk=key)
    return None


def test_no_page_offers_a_linked_person_anything() -> None:
    rows_of_a_company()
    seen: set[str] = set()
    for role in Role:
        person = factories.UserFactory.create(role=role)
        for label, pages in registered():
            for row in list(pages.model._base_manager.order_by("-pk")[:2]):
                customer = customer_of(row)
                if customer is None:
                    continue
                person.customer = customer
                person.save()
                request = RequestFactory().get("/")
                request.user = User.objects.select_related("role").get(pk=person.pk)
                shown = pages.get_queryset_for_action(request).filter(pk=row.pk).first()
                if shown is None:
                    continue
                for state in pages.action_bar(request, shown, 0):  # type: ignore[arg-type]
                    assert not state.ready, (label, state.action.name, role)
                    if state.action.allowed(request.user):
                        seen.add(label)
                        assert str(state.why) == REASON, (label, state.action.name)
    assert {"complaints.Complaint", "complaints.Refund", "complaints.Reversal", "complaints.Incident"} <= seen
    assert {"accounts.Contact", "billing.Subscription", "billing.Invoice", "hardware.Purchase"} <= seen
