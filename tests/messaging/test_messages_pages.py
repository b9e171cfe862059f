"""The pages of messages and their texts, as people use them."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.staff.models import User
from complaints.cases.decisions.actions import communicate_decision
from messaging.bounces.actions import record_bounce
from messaging.outbox.models import Delivery, OutgoingMessage
from messaging.outbox.queue import NewMessage, queue_message, queue_messages
from messaging.sending.actions import send_due
from messaging.templates.models import MessageTemplate
from tests import factories
from tests.complaints.cases import Desk, decided

pytestmark = pytest.mark.django_db

TROUBLE = "Customers who may not have been told"


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    return client


def page(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, url
    return response.content.decode()


def act(client: Client, model: str, action: str, pk: int, **typed: str) -> str:
    url = reverse(f"admin:messaging_{model}_act", args=(action,))
    response = client.post(f"{url}?ids={pk}", typed, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def bounced() -> OutgoingMessage:
    message = factories.outgoing_message()
    send_due()
    record_bounce(message.pk, by=factories.agent(), reason="552 The mailbox is full")
    return message


def escalation(person: User) -> OutgoingMessage:
    fields = {"code": "C-1", "subject": "Noise on the line", "customer": "Rossi", "level": "2"}
    return queue_message(
        kind="staff_escalation", key=f"e:{person.pk}", by=factories.system_user(), staff=person, fields=fields
    )


# --- Texts --------------------------------------------------------------------------------------


def test_a_text_is_tried_out_before_it_is_changed() -> None:
    client = signed_in(factories.lead())
    row = MessageTemplate.objects.get(kind="payout_made", language="it")
    typed = {"subject": "Pagati {{ amount }}", "body": "Ecco {{ amount }}, <{{ name }}>.", "reason": ""}

    shown = act(client, "messagetemplate", "edit", row.pk, _preview="1", **typed)
    assert "Ecco 40.00 EUR, &lt;Harbour Bakery&gt;." in shown
    row.refresh_from_db()
    assert "Gentile" in row.body

    act(client, "messagetemplate", "edit", row.pk, **typed)
    row.refresh_from_db()
    assert row.body == "Ecco {{ amount }}, <{{ name }}>.\n"
    history = page(client, reverse("admin:messaging_messagetemplate_history", args=(row.pk,)))
    assert "Gentile" in history


def test_what_is_wrong_with_a_text_is_said_and_nothing_typed_is_lost() -> None:
    client = signed_in(factories.manager())
    row = MessageTemplate.objects.get(kind="question", language="en")
    shown = act(client, "messagetemplate", "edit", row.pk, subject="x", body="Dear {{ nme }}", reason="")
    assert "There is no field “nme”." in shown
    assert "Dear {{ nme }}" in shown
    row.refresh_from_db()
    assert "nme" not in row.body


def test_the_page_of_a_text_names_its_fields() -> None:
    row = MessageTemplate.objects.get(kind="credit_applied", language="en")
    shown = page(signed_in(factories.auditor()), reverse("admin:messaging_messagetemplate_change", args=(row.pk,)))
    assert "what is left of the credit for later invoices" in shown
    assert "{{ remaining }}" in shown


# --- Messages -----------------------------------------------------------------------------------


def test_the_page_of_a_message_shows_its_words_and_every_try() -> None:
    message = bounced()
    shown = page(signed_in(factories.auditor()), reverse("admin:messaging_outgoingmessage_change", args=(message.pk,)))
    for words in ("Came back", "552 The mailbox is full", "Accepted by the server", "on 2 May 2024 we paid"):
        assert words in shown


def test_what_a_customer_wrote_is_no_markup() -> None:
    message = factories.outgoing_message(factories.CustomerFactory.create(name="<script>alert(1)</script>"))
    shown = page(signed_in(factories.agent()), reverse("admin:messaging_outgoingmessage_change", args=(message.pk,)))
    assert "<script>alert" not in shown


def test_a_message_in_trouble_is_sent_again_from_its_page() -> None:
    message = bounced()
    shown = act(
        signed_in(factories.agent()),
        "outgoingmessage",
        "again",
        message.pk,
        recipient="new@example.com",
        reason="They wrote from there",
    )
    assert "It is on its way to new@example.com." in shown
    assert OutgoingMessage.objects.get(recipient="new@example.com").body == message.body


def test_what_a_colleague_is_told_is_not_for_everybody() -> None:
    lead, agent = factories.lead(email="l@example.com"), factories.agent()
    message = escalation(lead)
    url = reverse("admin:messaging_outgoingmessage_change", args=(message.pk,))
    listed = reverse("admin:messaging_outgoingmessage_changelist")
    for person, sees in ((lead, True), (agent, False), (factories.lead(), False), (factories.auditor(), True)):
        client = signed_in(person)
        assert ("Noise on the line" in client.get(url, follow=True).content.decode()) == sees
        assert ("C-1 is on level 2 now" in page(client, listed)) == sees


# --- Elsewhere ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("person", "sees"),
    [("agent", False), ("lead", True), ("manager", True), ("billing_clerk", True), ("auditor", False)],
)
def test_a_bounced_message_about_money_is_on_the_home_page_of_those_who_see_to_it(person: str, *, sees: bool) -> None:
    bounced()
    assert (TROUBLE in page(signed_in(getattr(factories, person)()), reverse("admin:index"))) == sees


def test_a_bounced_decision_is_on_the_case_the_customers_page_and_the_agents_home_page() -> None:
    desk = Desk()
    complaint = decided(desk)
    sent = communicate_decision(complaint.pk, by=desk.agent, text="We agree.").outgoing
    assert sent is not None
    agent, clerk = signed_in(desk.agent), signed_in(desk.clerk)
    assert TROUBLE not in page(agent, reverse("admin:index"))
    send_due()
    record_bounce(sent.pk, by=desk.agent, reason="552 The mailbox is full")

    assert TROUBLE in page(agent, reverse("admin:index"))
    assert TROUBLE not in page(clerk, reverse("admin:index"))
    assert "Came back" in page(agent, reverse("admin:complaints_complaint_change", args=(complaint.pk,)))
    assert "Came back" in page(agent, reverse("admin:accounts_customer_change", args=(complaint.customer_id,)))


def test_who_has_no_address_is_listed_as_not_told() -> None:
    customer = factories.CustomerFactory.create(email="")
    fields = {"amount": "40.00 EUR", "paid_on": "2 May 2024", "reference": "SEPA-1"}
    wanted = NewMessage(kind="payout_made", key="k", customer=customer, fields=fields)
    queue_messages([wanted], by=factories.system_user())
    client = signed_in(factories.billing_clerk())
    url = reverse("admin:messaging_outgoingmessage_changelist")
    assert customer.name in page(client, f"{url}?delivery__state__exact={Delivery.State.NO_ADDRESS}")
    assert TROUBLE in page(client, reverse("admin:index"))
