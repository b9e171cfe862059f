"""A form goes through once, whoever sends it how often: its token is used up in the action's own transaction."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.core import signing
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.customers.models import Contact
from accounts.staff.models import User
from audit.models import Event, UsedForm
from backoffice import one_time
from billing.invoices.models import Invoice
from billing.payments.models import Payment
from billing.subscriptions.models import Subscription
from complaints.cases.models import Complaint, Note
from tests import factories
from tests.complaints.cases import Desk, register

pytestmark = pytest.mark.django_db

DONE_BEFORE = "You have sent this form before, and it was done then. Nothing was done again."
UNKNOWN = "This form was open for too long, or was not sent from its page. Look at it and send it once more."


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="accounts.staff.auth.StaffBackend")
    return client


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None
    return found[1]


def token_on(client: Client, url: str) -> str:
    return hidden(client.get(url).content.decode(), one_time.FIELD)


def told(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


@pytest.fixture
def clerk() -> User:
    return factories.billing_clerk()


@pytest.fixture
def invoice() -> Invoice:
    factories.open_subscription()
    return Invoice.objects.get()


def pay_url(invoice: Invoice) -> str:
    return reverse("admin:billing_invoice_act", args=("pay",)) + f"?ids={invoice.pk}"


def payment_of(invoice: Invoice, token: str) -> dict[str, str]:
    return {
        "amount": str(invoice.due),
        "received_on": factories.today().isoformat(),
        "reference": "TRX-1",
        one_time.FIELD: token,
    }


def test_a_form_sent_twice_is_done_once_and_leads_to_what_it_did(clerk: User, invoice: Invoice) -> None:
    client = client_of(clerk)
    form = payment_of(invoice, token_on(client, pay_url(invoice)))
    assert client.post(pay_url(invoice), form).status_code == 302
    events = Event.objects.count()

    answer = client.post(pay_url(invoice), form)
    assert Payment.objects.count() == 1
    assert answer["Location"] == reverse("admin:billing_invoice_change", args=(invoice.pk,))
    assert DONE_BEFORE in told(answer)
    assert Event.objects.count() == events
    assert UsedForm.objects.get().request_id == Event.objects.latest("id").request_id


def test_a_form_of_its_own_is_a_second_payment(clerk: User, invoice: Invoice) -> None:
    client = client_of(clerk)
    for reference in ("TRX-1", "TRX-2"):
        form = payment_of(invoice, token_on(client, pay_url(invoice)))
        form |= {"amount": str(invoice.due / 2), "reference": reference}
        assert client.post(pay_url(invoice), form).status_code == 302
    assert Payment.objects.count() == 2


def test_a_complaint_is_registered_once(invoice: Invoice) -> None:
    desk = Desk()
    client = client_of(desk.agent)
    url = reverse("admin:complaints_complaint_do", args=("register",))
    form = {
        "subscription": Subscription.objects.get().number,
        "channel": Complaint.Channel.EMAIL,
        "received_at": f"{factories.today().isoformat()}T00:00",
        "category": Complaint.Category.values[0],
        "subject": "No line since Monday",
        "text": "Nothing works.",
        "sought": Complaint.Sought.values[0],
        one_time.FIELD: token_on(client, url),
    }
    answers = [client.post(url, form) for _ in range(4)]
    assert {answer.status_code for answer in answers} == {302}
    complaint = Complaint.objects.get()
    assert {answer["Location"] for answer in answers} == {
        reverse("admin:complaints_complaint_change", args=(complaint.pk,))
    }


def test_what_was_refused_has_used_nothing_up(clerk: User, invoice: Invoice) -> None:
    client = client_of(clerk)
    form = payment_of(invoice, token_on(client, pay_url(invoice)))
    refused = client.post(pay_url(invoice), form | {"amount": "5000.00"})
    assert refused.status_code == 200
    assert not UsedForm.objects.exists()
    assert client.post(pay_url(invoice), form).status_code == 302
    assert Payment.objects.count() == 1


@pytest.mark.parametrize("kind", ["none", "invented", "of somebody else", "old", "of htmx"])
def test_a_form_without_a_token_of_ours_does_nothing_and_keeps_what_was_typed(
    clerk: User, invoice: Invoice, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(clerk)
    good = token_on(client, pay_url(invoice))
    token = {
        "none": "",
        "invented": signing.dumps(["0" * 32, clerk.pk], salt="another"),
        "of somebody else": one_time.new_token(factories.billing_clerk()),
    }.get(kind, good)
    if kind == "old":
        monkeypatch.setattr(one_time, "VALID_FOR", timedelta(seconds=-1))
    headers = {"HX-Request": "true"} if kind == "of htmx" else {}

    answer = client.post(pay_url(invoice), payment_of(invoice, token), headers=headers)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert UNKNOWN in page
    assert "TRX-1" in page
    assert not Payment.objects.exists()

    monkeypatch.undo()
    again = payment_of(invoice, hidden(page, one_time.FIELD))
    assert client.post(pay_url(invoice), again).status_code == 302
    assert Payment.objects.count() == 1


def test_a_batch_is_one_sending(clerk: User) -> None:
    customer = factories.CustomerFactory.create()
    contacts = [Contact.objects.create(customer=customer, name=f"Contact {number}") for number in range(3)]
    client = client_of(clerk)
    url = reverse("admin:accounts_contact_act", args=("retire",))
    url += f"?ids={','.join(str(contact.pk) for contact in contacts)}"
    form = {one_time.FIELD: token_on(client, url), "skipped": "", "reason": "They left."}
    assert client.post(url, form).status_code == 302
    assert not Contact.objects.filter(active=True).exists()
    assert UsedForm.objects.count() == 1

    results = client.get(client.post(url, form)["Location"]).content.decode()
    assert results.count(DONE_BEFORE) == 3


def test_a_preview_uses_nothing_up(clerk: User) -> None:
    case = register(Desk())
    client = client_of(factories.agent())
    url = reverse("admin:complaints_complaint_act", args=("note",)) + f"?ids={case.pk}"
    token = token_on(client, url)
    client.post(url, {"text": "As it would look", "_preview": "1", one_time.FIELD: token})
    assert not UsedForm.objects.exists()
    assert not Note.objects.exists()


def test_used_tokens_are_forgotten_once_they_could_not_be_sent_any_more(clerk: User, invoice: Invoice) -> None:
    client = client_of(clerk)
    client.post(pay_url(invoice), payment_of(invoice, token_on(client, pay_url(invoice))))
    assert one_time.forget_used_forms() == 0
    UsedForm.objects.update(at=timezone.now() - one_time.VALID_FOR - timedelta(days=2))
    assert one_time.forget_used_forms() == 1
    assert Payment.objects.get().amount > Decimal(0)
