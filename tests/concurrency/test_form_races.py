"""One form sent by six requests at the same moment: it is done once, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.staff.models import User
from audit.models import Event, UsedForm
from backoffice import one_time
from billing.invoices.models import Invoice
from billing.payments.models import Payment
from complaints.cases.models import Complaint
from tests import factories
from tests.complaints.cases import Desk
from tests.concurrency.racing import PATIENCE_SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

REQUESTS = 6


def sent_at_once(by: User, url: str, form: dict[str, str]) -> list[tuple[int, str]]:
    """The same form, sent by so many requests of the same person; each answer's status and where it leads."""
    start = Barrier(REQUESTS)
    form = form | {one_time.FIELD: one_time.new_token(by)}
    clients = [Client() for _ in range(REQUESTS)]
    for client in clients:
        client.force_login(by, backend="accounts.staff.auth.StaffBackend")

    def send(client: Client) -> tuple[int, str]:
        try:
            start.wait(PATIENCE_SECONDS)
            answer = client.post(url, form)
            return answer.status_code, answer.headers.get("Location", "")
        finally:
            connection.close()

    with ThreadPoolExecutor(REQUESTS) as pool:
        return list(pool.map(send, clients, timeout=PATIENCE_SECONDS))


def test_a_payment_is_recorded_once() -> None:
    clerk = factories.billing_clerk()
    factories.open_subscription()
    invoice = Invoice.objects.get()
    # A tenth of it: six of them would fit.
    form = {"amount": str(invoice.due / 10), "received_on": factories.today().isoformat(), "reference": "TRX-1"}
    url = reverse("admin:billing_invoice_act", args=("pay",)) + f"?ids={invoice.pk}"

    answers = sent_at_once(clerk, url, form)
    page = reverse("admin:billing_invoice_change", args=(invoice.pk,))
    assert answers == [(302, page)] * REQUESTS
    assert Payment.objects.get().amount == invoice.due / 10
    assert UsedForm.objects.count() == 1
    assert Event.objects.filter(outcome="done", target_type="billing.invoice", target_id=invoice.pk).count() == 1


def test_a_complaint_is_registered_once() -> None:
    subscription = factories.open_subscription()
    form = {
        "subscription": subscription.number,
        "channel": "email",
        "received_at": f"{factories.today().isoformat()}T00:00",
        "category": "other",
        "sought": "explanation",
        "subject": "No line since Monday",
        "text": "Nothing works.",
    }
    answers = sent_at_once(Desk().agent, reverse("admin:complaints_complaint_do", args=("register",)), form)
    complaint = Complaint.objects.get()
    assert answers == [(302, reverse("admin:complaints_complaint_change", args=(complaint.pk,)))] * REQUESTS
