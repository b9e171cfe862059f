"""What lists, files, jobs and messages could give away, and the newest ways to money: each tried by who would try."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.customers.actions import edit_customer
from accounts.staff.models import User
from audit.models import Event
from backoffice.exports import save_view
from backoffice.models import Presence, SavedView
from billing.invoices.charges.actions import ask_for_charges
from billing.invoices.models import Invoice
from billing.payments.actions import record_payment
from billing.payments.bank_lines.actions import import_bank, match_bank_line
from billing.payments.models import BankLine, Payment
from billing.payments.surplus.actions import record_with_surplus
from billing.subscriptions.models import PlanChange
from billing.subscriptions.plan_changes.actions import schedule_plan_change
from complaints.back_tests.actions import start_back_test
from complaints.indemnities.actions import draft_indemnity
from complaints.refunds.approvals.actions import approve_refund
from complaints.refunds.models import Refund
from jobs.models import Job
from messaging.bounces.actions import record_bounce
from messaging.outbox.actions import send_again
from messaging.outbox.models import OutgoingMessage
from messaging.outbox.queue import queue_message
from messaging.sending.actions import send_due
from messaging.templates.actions import edit_template
from messaging.templates.models import MessageTemplate
from tests import factories
from tests.complaints import cases
from tests.complaints.back_test_cases import draft_of
from tests.complaints.cases import Desk
from tests.complaints.refusals import assert_refused
from tests.every_page import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


# --- Lists --------------------------------------------------------------------------------------


@pytest.mark.parametrize("lookup", ["password", "password__startswith", "password__regex", "password__gt"])
def test_no_hash_of_a_password_is_read_letter_by_letter(desk: Desk, lookup: str) -> None:
    """A filter that answers whether a hash begins with a letter gives all of it away, to whoever sees the list."""
    first = desk.agent.password[:3]
    for person in (desk.auditor, desk.manager, desk.administrator):
        client = signed_in(person)
        for page in ("", "csv/"):
            ask = client.post if page else client.get
            found = [ask(f"/accounts/user/{page}?{lookup}={guess}") for guess in (first, "zzz")]
            assert {response.status_code for response in found} == {400}
    assert not Event.objects.filter(verb="list.export").exists()


def test_a_shared_view_shows_nobody_more_than_their_own_rows(desk: Desk) -> None:
    job = job_of(desk.manager)
    save_view(
        by=desk.manager,
        page="jobs.job",
        name="All of them",
        query=f"asked_by__id__exact={desk.manager.pk}",
        shared=True,
    )
    for person, sees in ((desk.agent, False), (desk.lead, True)):
        client = signed_in(person)
        assert "All of them" in client.get("/jobs/job/").content.decode()
        for query in ("", f"?q={job.title}"):
            assert (f"/jobs/job/{job.pk}/change/" in client.get(f"/jobs/job/{query}").content.decode()) == sees
        file: Any = client.post("/jobs/job/csv/")
        assert (job.title in b"".join(file.streaming_content).decode()) == sees


def test_nobody_keeps_a_view_of_a_list_that_they_do_not_see(desk: Desk) -> None:
    for person, address in ((desk.administrator, "/accounts/customer/"), (desk.agent, "/accounts/user/")):
        client = signed_in(person)
        assert client.post(f"{address}views/", {"name": "Mine", "query": "q=x", "shared": "on"}).status_code == 403
        assert client.post(f"{address}csv/").status_code == 403
    assert not SavedView.objects.exists()
    assert not Event.objects.filter(verb="list.export").exists()


# --- Rows of others -----------------------------------------------------------------------------


def job_of(person: User) -> Job:
    return Job.objects.create(
        kind="back_test",
        title="Back-test of a secret draft",
        parameters={},
        asked_by=person,
        asked_at=factories.at(factories.today()),
    )


def to_colleague(person: User) -> OutgoingMessage:
    """What a lead is told of a case, sent and come back."""
    fields = {"code": "C-1", "subject": "Noise on the line", "customer": "Rossi", "level": "2"}
    message = queue_message(kind="staff_escalation", key="e:1", by=factories.system_user(), staff=person, fields=fields)
    send_due()
    record_bounce(message.pk, by=person, reason="552 The mailbox is full")
    return message


def test_a_job_of_another_is_not_there(desk: Desk) -> None:
    job = job_of(desk.manager)
    client = signed_in(desk.agent)
    base = f"/jobs/job/{job.pk}/"
    assert client.get(f"{base}progress/").status_code == 404
    assert client.post(f"/jobs/job/presence/{job.pk}/").status_code == 404
    for address in (f"{base}change/", f"{base}history/", f"/jobs/job/act/cancel/?ids={job.pk}"):
        assert job.title not in client.get(address, follow=True).content.decode(), address
    client.post(f"/jobs/job/act/cancel/?ids={job.pk}", {"reason": "Mine now"})
    assert Job.objects.get().state == Job.State.QUEUED
    assert not Presence.objects.exists()


def test_a_back_tests_result_is_not_read_from_its_job(desk: Desk) -> None:
    """Leads see the jobs of others, but not back-tests."""
    back_test = start_back_test(draft_of(desk).pk, by=desk.manager, months=1)
    Job.objects.update(
        state=Job.State.FINISHED, finished_at=timezone.now(), result={"cases": 4711, "counts": {"differing": 815}}
    )
    page = f"/jobs/job/{back_test.job_id}/change/"
    shown = {person: signed_in(person).get(page).content.decode() for person in (desk.manager, desk.lead)}
    assert "4,711" in shown[desk.manager]
    assert "4,711" not in shown[desk.lead]
    for address in (f"{back_test.pk}/change/", f"{back_test.pk}/cases.csv", "csv/"):
        for person in (desk.lead, desk.agent, desk.clerk, desk.administrator):
            assert signed_in(person).get(f"/complaints/backtest/{address}").status_code == 403, address


def test_what_a_colleague_is_told_goes_to_nobody_else(desk: Desk) -> None:
    desk.lead.email = "lead@example.com"
    desk.lead.save()
    message = to_colleague(desk.lead)
    stolen: dict[str, Any] = {"recipient": "thief@example.com", "reason": "They asked for it"}
    client = signed_in(desk.agent)
    client.post(f"/messaging/outgoingmessage/act/again/?ids={message.pk}", stolen)
    assert client.post(f"/messaging/outgoingmessage/presence/{message.pk}/").status_code == 404
    assert_refused("colleague", send_again, message.pk, by=desk.agent, **stolen)
    assert_refused("colleague", send_again, message.pk, by=desk.clerk, reason="Once more")
    assert OutgoingMessage.objects.count() == 1
    send_again(message.pk, by=desk.lead, reason="My mailbox has room again")


# --- The words of messages ----------------------------------------------------------------------


def test_only_leads_and_managers_have_a_hand_in_the_words(desk: Desk) -> None:
    template = MessageTemplate.objects.order_by("pk")[0]
    typed: dict[str, Any] = {"subject": "You won", "body": "Send us your account.", "reason": "x"}
    before = list(MessageTemplate.objects.order_by("pk").values())
    for person in (desk.agent, desk.clerk, desk.auditor, desk.administrator):
        assert_refused("permission", edit_template, template.pk, by=person, subject="You won", body="Send us money.")
        for action in ("edit", "test"):
            address = f"/messaging/messagetemplate/act/{action}/?ids={template.pk}"
            assert signed_in(person).post(address, typed).status_code == 403
    assert list(MessageTemplate.objects.order_by("pk").values()) == before
    assert not OutgoingMessage.objects.exists()


@pytest.mark.parametrize(
    "leak",
    [
        "{{ name.__class__ }}", "{{ customer.iban }}", "{{ iban }}", "{{ request.user.password }}", "{{ settings }}",
        "{% load static %}", "{% include 'x' %}", "{% debug %}", "{% extends 'base.html' %}", "{{ name|pprint }}",
        "{{ name|add:settings }}", "{% for x in name.__dict__ %}{{ x }}{% endfor %}", "{% if secret %}a{% endif %}",
        "{% widthratio 1 1 999999999 %}",
    ],
)  # fmt: skip
def test_a_text_reaches_nothing_but_its_fields(desk: Desk, leak: str) -> None:
    for template in MessageTemplate.objects.filter(language="en"):
        assert_refused("template", edit_template, template.pk, by=desk.manager, subject="News", body=f"Hello {leak}")


def test_a_test_goes_to_nobody_but_the_one_who_asks(desk: Desk) -> None:
    desk.lead.email = "lead@example.com"
    desk.lead.save()
    template = MessageTemplate.objects.order_by("pk")[0]
    foreign = {"recipient": "all@example.com", "email": "all@example.com", "to": "all@example.com", "reason": "x"}
    signed_in(desk.lead).post(f"/messaging/messagetemplate/act/test/?ids={template.pk}", foreign)
    assert [(message.recipient, message.staff) for message in OutgoingMessage.objects.all()] == [
        ("lead@example.com", desk.lead)
    ]


# --- The newest ways to money -------------------------------------------------------------------


def linked_clerks(invoice: Invoice) -> Iterator[User]:
    """Linked to the invoice's customer, and to one that was merged into it."""
    former = factories.CustomerFactory.create(merged_into=invoice.customer)
    yield factories.billing_clerk(customer=invoice.customer)
    yield factories.billing_clerk(customer=former)


def test_nobody_gets_a_cheap_plan_a_credit_or_an_invoice_of_their_own() -> None:
    subscription = factories.open_subscription()
    invoice = Invoice.objects.get(period=subscription.current_period())
    bigger = factories.price().plan
    charge = factories.charge(factories.ended_subscription(customer=subscription.customer))
    line = factories.bank_line(amount="99.00")
    for clerk in linked_clerks(invoice):
        change: dict[str, Any] = {"plan_id": bigger.pk, "effective_on": factories.today(), "channel": "email"}
        assert_refused("linked", schedule_plan_change, subscription.pk, by=clerk, agreed_fee=Decimal(0), **change)
        paid: dict[str, Any] = {"amount": Decimal(999), "received_on": factories.today()}
        assert_refused("linked", record_payment, invoice.pk, by=clerk, **paid)
        assert_refused("linked", record_with_surplus, invoice.pk, by=clerk, reason="It came", **paid)
        matched: dict[str, Any] = {"invoice_number": invoice.number, "surplus_to_credit": True}
        assert_refused("linked", match_bank_line, line.pk, by=clerk, **matched)
        assert_refused("linked", ask_for_charges, charge.pk, by=clerk)
        assert_refused(
            "linked", edit_customer, invoice.customer_id, by=clerk, reason="x", iban="DE89370400440532013000"
        )


def test_an_agent_agrees_to_no_fee(desk: Desk) -> None:
    """By the action, nor by typing a field into the page's form."""
    subscription = factories.open_subscription()
    bigger = factories.price().plan
    change: dict[str, Any] = {"effective_on": factories.today(), "channel": "email"}
    free: dict[str, Any] = {"plan_id": bigger.pk, "agreed_fee": Decimal(0), **change}
    for person in (desk.agent, desk.lead, desk.manager):
        assert_refused("permission", schedule_plan_change, subscription.pk, by=person, **free)
        typed = {"plan": bigger.pk, "agreed_fee": "0", "fee": "0", "asked_on": factories.today(), **change}
        signed_in(person).post(f"/billing/subscription/act/change_plan/?ids={subscription.pk}", typed)
        assert not PlanChange.objects.filter(agreed_fee__isnull=False).exists()


def test_a_clerks_own_payment_waits_for_a_colleague() -> None:
    """The rest of the bank's statement is taken in."""
    own = Invoice.objects.get(period=factories.open_subscription().current_period())
    other = Invoice.objects.get(period=factories.open_subscription().current_period())
    clerk = factories.billing_clerk(customer=own.customer)
    lines = [
        f"{factories.today()},{invoice.due},EUR,Payer {invoice.pk},Invoice {invoice.number}" for invoice in (own, other)
    ]
    import_bank(factories.bank_statement(*lines), by=clerk)
    assert [payment.invoice for payment in Payment.objects.all()] == [other]
    waiting = BankLine.objects.get(state=BankLine.State.UNMATCHED)
    assert_refused("linked", match_bank_line, waiting.pk, by=clerk, invoice_number=own.number)
    match_bank_line(waiting.pk, by=factories.billing_clerk(), invoice_number=own.number)


def test_nobody_is_indemnified_by_themselves(desk: Desk) -> None:
    complaint = cases.decided(desk)
    own = factories.agent(customer=complaint.customer)
    assert_refused("linked", draft_indemnity, complaint.pk, by=own)
    assert not Refund.objects.exists()


def test_a_deputy_approves_no_proposal_of_their_own(desk: Desk) -> None:
    given = factories.delegation(desk.lead, desk.agent)
    refund = cases.propose(desk, cases.decided(desk))
    for choice in ("", "own", str(given.pk)):
        assert_refused("own_proposal", approve_refund, refund.pk, by=desk.agent, choice=choice)
