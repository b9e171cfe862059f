"""Ways to money that are not one's own, each tried as the person who would try it: all have to fail."""

from __future__ import annotations

import logging
import os
import secrets
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.customers.actions import create_customer, edit_customer
from accounts.customers.bank_details.actions import confirm_bank_details
from accounts.customers.models import BankDetailsChange, Customer
from accounts.staff.delegations.actions import give_delegation, revoke_delegation
from accounts.staff.models import Delegation, User
from accounts.staff.permissions import Role
from audit.models import Event
from billing.invoices.models import Invoice
from billing.payments.actions import pay_in_full, record_payment
from billing.payments.disputes.actions import open_dispute
from billing.payouts.actions import mark_payout_failed, mark_payout_paid, retry_payout
from billing.payouts.models import Payout
from billing.remedies import effects as giving
from billing.subscriptions.actions import open_subscription
from complaints.cases.actions import attach_file, correct_complaint
from complaints.cases.decisions.actions import merge_complaints, reopen_complaint
from complaints.cases.files.models import Attachment
from complaints.cases.models import Complaint
from complaints.incidents.actions import record_incident
from complaints.refunds.approvals.actions import approve_refund, return_refund
from complaints.refunds.endings.actions import withdraw_refund
from complaints.refunds.proposals.actions import draft_refund, propose_refund
from complaints.reversals.actions import approve_reversal, propose_reversal
from core.sheets.formulas import safe_cell
from hardware.purchases.actions import pay_instalment, record_purchase
from policies.versions.models import PolicyVersion
from policies.versions.text import rendered
from tests import factories
from tests.company_life import clock_on
from tests.complaints import cases
from tests.complaints.cases import Desk, again
from tests.complaints.refusals import assert_refused, rows_of_every_table
from tests.every_page import every_address, signed_in

pytestmark = pytest.mark.django_db

OWN_ACCOUNT = "DE89370400440532013000"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def desk() -> Desk:
    return Desk()


# --- A customer who is staff --------------------------------------------------------------------


def test_a_clerk_does_not_mark_an_own_invoice_as_paid() -> None:
    invoice = Invoice.objects.get(period=factories.open_subscription().current_period())
    clerk = factories.billing_clerk(customer=invoice.customer)
    paid: dict[str, Any] = {"by": clerk, "received_on": factories.today()}
    assert_refused("linked", record_payment, invoice.pk, amount=invoice.due, **paid)
    assert_refused("linked", pay_in_full, invoice.pk, reference="Transfer 1", **paid)
    assert_refused("linked", open_dispute, invoice.pk, by=clerk, disputed_on=factories.today(), reason="Mine")


def test_a_merged_number_does_not_hide_a_link(desk: Desk) -> None:
    factories.approval_limits()
    refund = cases.propose(desk, cases.decided(desk))
    former = factories.CustomerFactory.create(merged_into=refund.customer)
    oldest = factories.CustomerFactory.create(merged_into=former)
    sibling = factories.CustomerFactory.create(merged_into=refund.customer)
    for number in (former, oldest, sibling):
        assert_refused("linked", approve_refund, refund.pk, by=factories.manager(customer=number))
    survivor = factories.CustomerFactory.create()
    refund.customer.merged_into = survivor
    refund.customer.save()
    assert_refused("linked", approve_refund, refund.pk, by=factories.manager(customer=survivor))
    approve_refund(refund.pk, by=factories.manager(customer=factories.CustomerFactory.create()))


def test_a_clerk_gets_no_phone_and_no_subscription_of_their_own_for_nothing() -> None:
    purchase = factories.phone_purchase()
    clerk = factories.billing_clerk(customer=purchase.customer)
    instalment = purchase.instalments.get()
    assert_refused("linked", pay_instalment, instalment.pk, by=clerk, paid_on=factories.today())
    assert_refused(
        "linked",
        record_purchase,
        by=clerk,
        customer_id=purchase.customer_id,
        phone_model_id=factories.PhoneModelFactory.create().pk,
        serial="SN-MINE",
        mac="02:00:00:aa:bb:cc",
        price=Decimal(0),
        bought_on=factories.days_ago(1),
    )
    assert_refused(
        "linked",
        open_subscription,
        by=clerk,
        customer_id=purchase.customer_id,
        plan_id=factories.price().plan_id,
        term="monthly",
        activated_on=factories.days_ago(1),
        agreed_fee=Decimal(0),
    )


def test_a_clerk_has_no_hand_in_an_own_payout() -> None:
    subscription = factories.paid_subscription()
    payout = giving.order_payout(subscription, Decimal("10.00"), key="payout-1", reason="A refund")
    clerk = factories.billing_clerk(customer=subscription.customer)
    sent: dict[str, Any] = {"by": clerk, "reference": "SEPA 1", "paid_on": factories.today()}
    assert_refused("linked", mark_payout_paid, payout.pk, **sent)
    assert_refused("linked", mark_payout_failed, payout.pk, by=clerk, reason="So that it is paid twice")


def test_a_lead_invents_no_outage_of_an_own_line() -> None:
    subscription = factories.paid_subscription()
    lead = factories.lead(customer=subscription.customer)
    outage: dict[str, Any] = {
        "title": "Line dead",
        "starts_at": factories.at(factories.days_ago(5)),
        "ends_at": factories.at(factories.days_ago(3)),
        "subscription_ids": [subscription.pk],
    }
    assert_refused("linked", record_incident, by=lead, **outage)
    record_incident(by=factories.lead(), **outage)


# --- Bank details -------------------------------------------------------------------------------


def ordered_payout(customer: Customer) -> Payout:
    subscription = factories.paid_subscription(customer=customer)
    return giving.order_payout(subscription, Decimal("10.00"), key="payout-1", reason="A refund")


def send(payout: Payout, by: User) -> Payout:
    return mark_payout_paid(payout.pk, by=by, reference="SEPA 1", paid_on=factories.today())


def test_the_account_of_a_new_customer_waits_for_a_second_person() -> None:
    clerk, other = factories.billing_clerk(), factories.billing_clerk()
    customer = create_customer(by=clerk, name="Harbour Bakery", iban=OWN_ACCOUNT)
    payout = ordered_payout(customer)
    assert_refused("bank_details_unconfirmed", mark_payout_paid, payout.pk, **_sent(clerk))
    change = BankDetailsChange.objects.get()
    assert_refused("own_change", confirm_bank_details, change.pk, by=clerk, reason="I say so")
    confirm_bank_details(change.pk, by=other, reason="Called the number on file")
    assert send(payout, clerk).state == Payout.State.PAID


def _sent(by: User) -> dict[str, Any]:
    return {"by": by, "reference": "SEPA 1", "paid_on": factories.today()}


def test_a_colleagues_harmless_change_on_top_does_not_let_one_confirm_an_own_account() -> None:
    thief, colleague, other = factories.billing_clerk(), factories.agent(), factories.manager()
    customer = factories.CustomerFactory.create()
    edit_customer(customer.pk, by=thief, reason="A call", iban=OWN_ACCOUNT)
    edit_customer(customer.pk, by=colleague, reason="A letter", account_holder="Harbour Bakery Ltd")
    latest = BankDetailsChange.objects.order_by("-pk")[0]
    assert_refused("own_change", confirm_bank_details, latest.pk, by=thief, reason="Seen")
    confirm_bank_details(latest.pk, by=other, reason="Called the number on file")


def test_who_was_corrected_may_confirm_the_correction() -> None:
    first, second = factories.billing_clerk(), factories.billing_clerk()
    customer = factories.CustomerFactory.create()
    edit_customer(customer.pk, by=first, reason="A call", iban=OWN_ACCOUNT)
    edit_customer(customer.pk, by=second, reason="It was misheard", iban="FR7630006000011234567890189")
    confirm_bank_details(BankDetailsChange.objects.order_by("-pk")[0].pk, by=first, reason="Called again")


def test_an_account_changed_back_after_a_payout_was_ordered_is_not_paid() -> None:
    thief, other = factories.billing_clerk(), factories.manager()
    customer = factories.CustomerFactory.create()
    before = customer.iban
    edit_customer(customer.pk, by=thief, reason="A call", iban=OWN_ACCOUNT)
    payout = ordered_payout(Customer.objects.get())
    assert payout.iban == OWN_ACCOUNT
    edit_customer(customer.pk, by=thief, reason="A mistake", iban=before)
    confirm_bank_details(BankDetailsChange.objects.order_by("-pk")[0].pk, by=other, reason="The one they always had")
    assert_refused("bank_details_unconfirmed", mark_payout_paid, payout.pk, saying=OWN_ACCOUNT, **_sent(thief))
    mark_payout_failed(payout.pk, by=thief, reason="Wrong account")
    retry_payout(payout.pk, by=thief)
    assert send(payout, thief).iban == before


# --- Two people who are one ---------------------------------------------------------------------


@pytest.mark.parametrize("part", ["decided", "assessed"])
def test_merging_twice_does_not_wash_off_a_hand(desk: Desk, part: str) -> None:
    factories.approval_limits()
    subscription = cases.spring_subscription()
    one, two, three = (cases.register(desk, subscription) for _ in range(3))
    if part == "assessed":
        cases.take_up(desk, one, by=desk.lead)
    else:
        cases.decide(desk, cases.take_up(desk, one), by=desk.lead)
    merge_complaints(one.pk, by=desk.lead, into_id=two.pk, reason="The same")
    merge_complaints(two.pk, by=desk.lead, into_id=three.pk, reason="The same")
    refund = cases.propose(desk, cases.decide(desk, cases.take_up(desk, three)))
    assert_refused(part, approve_refund, refund.pk, by=desk.lead, saying=one.code)


def test_taking_back_and_giving_again_does_not_pass_a_limit(desk: Desk) -> None:
    """A manager gives 900 of 1,000, half of it in cash, has that taken back as a charge, and gives it again."""
    factories.approval_limits(manager_amount=Decimal("1000.00"))
    complaint = cases.dear_case(desk)
    refund = cases.special(desk, complaint, "450.00", remedies=[{"kind": "cash"}])
    approve_refund(refund.pk, by=desk.manager)
    send(Payout.objects.get(), desk.clerk)
    cases.approve_twice(desk, cases.special(desk, complaint, "450.00"))
    reversal = propose_reversal(refund.pk, by=desk.agent, reason="Given in error", charge_used=True)
    approve_reversal(reversal.pk, by=desk.director, charge_used=True)
    third = cases.special(desk, complaint, "450.00", remedies=[{"kind": "cash"}])
    assert_refused("over_limit", approve_refund, third.pk, by=desk.manager, saying="900.00")


def test_several_small_refunds_count_together(desk: Desk) -> None:
    factories.approval_limits(manager_amount=Decimal("1000.00"))
    complaint = cases.dear_case(desk)
    approve_refund(cases.special(desk, complaint, "400.00").pk, by=desk.manager)
    # With the first one it is above the threshold of a second approval, too.
    cases.approve_twice(desk, cases.special(desk, complaint, "400.00"))
    third = cases.special(desk, complaint, "400.00")
    assert_refused("over_limit", approve_refund, third.pk, by=desk.manager)


def test_returning_and_proposing_again_in_another_name_keeps_every_hand(desk: Desk) -> None:
    factories.approval_limits()
    refund = cases.propose(desk, cases.decided(desk), by=desk.lead)
    return_refund(refund.pk, by=desk.manager, reason="Explain")
    propose_refund(refund.pk, by=desk.colleague, reason="Explained")
    assert_refused("own_proposal", approve_refund, refund.pk, by=desk.lead)


@pytest.mark.parametrize(
    "change",
    [{"category": "hardware"}, {"received_at": factories.at(date(2024, 4, 2))}],
    ids=lambda change: next(iter(change)),
)
def test_a_registration_is_not_corrected_under_an_open_refund(desk: Desk, change: dict[str, Any]) -> None:
    refund = cases.propose(desk, cases.decided(desk))
    attempt = {"by": desk.colleague, "reason": "Typed wrongly", **change}
    assert_refused("open_refund", correct_complaint, refund.complaint_id, **attempt)
    withdraw_refund(refund.pk, by=desk.agent, reason="To correct the case")
    correct_complaint(refund.complaint_id, **attempt)


def test_reopening_takes_the_decision_from_a_waiting_refund(desk: Desk) -> None:
    factories.approval_limits()
    refund = cases.propose(desk, cases.decided(desk))
    reopen_complaint(refund.complaint_id, by=desk.lead, reason="New evidence")
    assert_refused("state", approve_refund, refund.pk, by=desk.manager)
    cases.decide(desk, again(refund.complaint), "rejected", by=desk.colleague)
    assert_refused("not_upheld", approve_refund, refund.pk, by=desk.manager)


def test_who_was_superseded_still_decided(desk: Desk) -> None:
    factories.approval_limits()
    complaint = cases.decide(desk, cases.take_up(desk, cases.register(desk)), by=desk.lead)
    refund = cases.propose(desk, cases.decide(desk, complaint, by=desk.colleague))
    assert_refused("decided", approve_refund, refund.pk, by=desk.lead)


# --- Approving in somebody's place --------------------------------------------------------------


def test_nobody_has_an_own_proposal_approved_through_a_deputy(desk: Desk) -> None:
    """Nor by way of a second deputy, nor by standing in for each other."""
    factories.approval_limits()
    factories.delegation(desk.manager, desk.lead)
    factories.delegation(desk.lead, desk.colleague)
    factories.delegation(desk.director, desk.manager)
    factories.delegation(desk.manager, desk.director)
    own = cases.special(desk, cases.dear_case(desk), "300.00", by=desk.manager)
    assert_refused("own_proposal", approve_refund, own.pk, by=desk.lead)
    assert_refused("own_proposal", approve_refund, own.pk, by=desk.manager)
    assert_refused("permission", approve_refund, own.pk, by=desk.colleague)
    approve_refund(own.pk, by=desk.director, choice="own")


def test_a_hand_in_a_merged_case_reaches_the_deputy(desk: Desk) -> None:
    factories.approval_limits()
    factories.delegation(desk.lead, desk.colleague)
    subscription = cases.spring_subscription()
    one, two = cases.register(desk, subscription), cases.register(desk, subscription)
    cases.take_up(desk, one, by=desk.lead)
    merge_complaints(one.pk, by=desk.manager, into_id=two.pk, reason="The same")
    refund = cases.propose(desk, cases.decide(desk, cases.take_up(desk, two)))
    assert_refused("assessed", approve_refund, refund.pk, by=desk.colleague, saying=one.code)


def test_no_delegation_to_oneself_into_the_past_or_in_anothers_name(desk: Desk) -> None:
    day = factories.today()
    days: dict[str, Any] = {"starts_on": day, "ends_on": day, "reason": "Holiday"}
    assert_refused("self", give_delegation, by=desk.manager, deputy_id=desk.manager.pk, **days)
    backdated = {**days, "starts_on": day - timedelta(days=3)}
    assert_refused("past", give_delegation, by=desk.manager, deputy_id=desk.lead.pk, **backdated)
    forged = {
        **days,
        "deputy": desk.lead.pk,
        "delegator": desk.manager.pk,
        "by": desk.manager.pk,
        "given_at": "2020-01-01",
    }
    address = "/accounts/delegation/do/give/"
    assert signed_in(desk.agent).post(address, {**forged, "deputy": desk.agent.pk}).status_code == 403
    assert signed_in(desk.lead).post(address, forged).status_code == 200
    assert signed_in(desk.lead).post(address, {**forged, "deputy": desk.colleague.pk}).status_code == 302
    delegation = Delegation.objects.get()
    assert (delegation.delegator, delegation.given_at.date() >= day - timedelta(days=1)) == (desk.lead, True)


def test_a_delegation_to_another_or_one_that_is_over_opens_nothing(desk: Desk) -> None:
    factories.approval_limits()
    to_another = factories.delegation(desk.manager, factories.lead())
    refund = cases.special(desk, cases.dear_case(desk), "300.00")
    for by in (desk.lead, desk.agent, desk.clerk, desk.administrator):
        assert_refused("permission", approve_refund, refund.pk, by=by, choice=str(to_another.pk))
    mine = factories.delegation(desk.manager, desk.lead, days=2)
    with clock_on(factories.today() + timedelta(days=2)):
        assert_refused("permission", approve_refund, refund.pk, by=desk.lead, choice=str(mine.pk))
    revoke_delegation(mine.pk, by=desk.director, reason="Not agreed")
    assert_refused("permission", approve_refund, refund.pk, by=desk.lead, choice=str(mine.pk))


def test_one_managers_right_is_not_two_approvals(desk: Desk) -> None:
    factories.approval_limits()
    refund = cases.special(desk, cases.dear_case(desk), "600.00")
    for deputy in (desk.lead, factories.lead()):
        factories.delegation(desk.manager, deputy)
    approve_refund(refund.pk, by=desk.lead)
    for by in (desk.manager, desk.lead, User.objects.order_by("-pk")[0]):
        assert_refused("approved_already", approve_refund, refund.pk, by=by)


def test_a_deputy_grants_their_own_customer_nothing(desk: Desk) -> None:
    factories.approval_limits()
    factories.delegation(desk.manager, desk.lead)
    refund = cases.special(desk, cases.dear_case(desk), "300.00")
    desk.lead.customer = refund.customer
    desk.lead.save()
    assert_refused("linked", approve_refund, refund.pk, by=desk.lead)


# --- Pages: strangers, forged requests, what may be kept ----------------------------------------


OPEN_TO_ALL = {"/login/", "/policy", "/policy/"}
#: Every address, by the first part of it: the app, for most.
SECTIONS = {
    section or "first page": list(found)
    for section, found in groupby(sorted(every_address()), key=lambda address: address.split("/")[1])
}
in_every_section = pytest.mark.parametrize("section", SECTIONS)


def test_the_sections_have_every_address() -> None:
    assert sum(map(len, SECTIONS.values())) == len(every_address()) > 400


@in_every_section
def test_every_address_sends_a_stranger_to_sign_in(client: Client, section: str) -> None:
    before = rows_of_every_table()
    for method in ("get", "post"):
        for address in SECTIONS[section]:
            if address in OPEN_TO_ALL:
                continue
            response = getattr(client, method)(address)
            welcome = response.status_code == 302 and response.headers["Location"].startswith(
                (reverse("admin:login"), reverse("admin:index"))
            )
            assert welcome or response.status_code in (403, 404, 405) or address == "/logout/", (
                method,
                address,
                response.status_code,
            )
    assert rows_of_every_table() == before


@in_every_section
def test_every_post_needs_its_token(section: str) -> None:
    client = signed_in(factories.manager(), enforce_csrf_checks=True)
    before = rows_of_every_table()
    for address in SECTIONS[section]:
        assert client.post(address, {"reason": "x"}).status_code in (403, 404, 405), address
    assert rows_of_every_table() == before


@pytest.mark.slow
@in_every_section
def test_looking_changes_nothing(desk: Desk, section: str) -> None:
    factories.approval_limits()
    cases.propose(desk, cases.decided(desk))
    clients = [signed_in(person) for person in (desk.agent, desk.manager, desk.clerk, desk.administrator)]
    before = rows_of_every_table()
    for client in clients:
        for address in SECTIONS[section]:
            if address == "/logout/":
                continue
            for query in ("", "?ids=1&reason=Because&confirm=1&amount=1"):
                assert client.get(address + query).status_code < 500, address
    assert rows_of_every_table() == before


def test_every_answer_is_protected_and_none_is_kept(desk: Desk) -> None:
    complaint = cases.register(desk)
    file = SimpleUploadedFile("log.txt", b"A log", content_type="text/plain")
    attachment = attach_file(complaint.pk, by=desk.agent, file=file)
    client = signed_in(desk.agent, raise_request_exception=False)
    download = reverse("admin:complaints_attachment_download", args=(attachment.pk,))
    answers = {
        address: client.get(address)
        for address in ("/", "/login/", "/password_change/", "/nothing/", "/accounts/user/", "/r/1/1/", download)
    }
    answers["no token"] = signed_in(desk.agent, enforce_csrf_checks=True).post("/accounts/customer/do/new/")
    answers["a stranger"] = Client().get("/accounts/customer/")
    assert {response.status_code for response in answers.values()} == {200, 302, 403, 404}
    for name, response in answers.items():
        assert "default-src 'none'" in response.headers["Content-Security-Policy"], name
        assert "unsafe" not in response.headers["Content-Security-Policy"], name
        assert response.headers["X-Content-Type-Options"] == "nosniff", name
        assert response.headers["X-Frame-Options"] == "DENY", name
        assert "no-store" in response.headers["Cache-Control"], name
        assert "private" in response.headers["Cache-Control"], name
    answers[download].close()
    style = Client().get("/static/backoffice/theme.css")
    assert "default-src 'none'" in style.headers["Content-Security-Policy"]
    style.close()


def test_another_host_is_not_served(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["redress.example"]
    response = Client(raise_request_exception=False).get("/login/", HTTP_HOST="evil.example")
    assert response.status_code == 400
    assert b"evil" not in response.content
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_a_server_in_use_is_set_up_safely() -> None:
    """Django's own list of what to set, with the settings that a server has."""
    env = {name: value for name, value in os.environ.items() if name not in ("DEBUG", "DJANGO_SETTINGS_MODULE")}
    env |= {"SECRET_KEY": secrets.token_urlsafe(50), "ALLOWED_HOSTS": "redress.example", "LOG_LEVEL": "ERROR"}
    code = (
        "import django; django.setup(); from django.conf import settings as s; from django.core.management import"
        " call_command; call_command('check', deploy=True, fail_level='WARNING');"
        " print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SESSION_COOKIE_HTTPONLY, s.CSRF_COOKIE_HTTPONLY,"
        " s.SESSION_COOKIE_SAMESITE, s.CSRF_COOKIE_SAMESITE, s.SECURE_SSL_REDIRECT, s.DEBUG)"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code],
        env={**env, "DJANGO_SETTINGS_MODULE": "config.settings"},
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "True True True True Lax Lax True False"


# --- Signing in and staying signed in -----------------------------------------------------------


def sign_in(client: Client, name: str, password: str, address: str = "/login/", **headers: Any) -> Any:
    return client.post(address, {"username": name, "password": password}, **headers)


def test_a_live_session_ends_with_the_account_the_role_or_the_password() -> None:
    def blocked(change: str, value: Any) -> bool:
        person = factories.manager()
        client = signed_in(person)
        assert client.get("/accounts/customer/").status_code == 200
        setattr(person, change, value)
        person.save()
        return bool(client.get("/accounts/customer/").status_code == 302)

    assert blocked("is_active", False)
    assert blocked("role", None)
    assert blocked("password", "another")


def test_a_role_taken_away_takes_its_buttons_at_once(desk: Desk) -> None:
    factories.approval_limits()
    refund = cases.propose(desk, cases.decided(desk))
    client = signed_in(desk.manager)
    url = f"/complaints/refund/act/approve/?ids={refund.pk}"
    assert client.get(url).status_code == 200
    desk.manager.role = desk.agent.role
    desk.manager.save()
    assert client.post(url, {"reason": "Quickly"}).status_code == 403
    assert again(refund).state == "proposed"


def test_flags_of_the_framework_open_nothing() -> None:
    boss = factories.UserFactory.create(role=None, is_superuser=True, is_staff=True)
    assert signed_in(boss).get("/accounts/customer/").status_code == 302
    agent = factories.agent(is_superuser=True, is_staff=True)
    assert signed_in(agent).get("/accounts/user/").status_code == 403


def test_guessing_is_locked_out_whatever_the_forwarded_address() -> None:
    person, colleague = factories.agent(), factories.agent()
    for n in range(settings.AXES_FAILURE_LIMIT):
        sign_in(Client(), person.username, "a wrong guess", HTTP_X_FORWARDED_FOR=f"203.0.113.{n}")
    late = sign_in(Client(), person.username, factories.PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.99")
    assert late.status_code == 429
    assert sign_in(Client(), colleague.username, factories.PASSWORD).status_code == 302


def test_a_new_password_is_an_event_and_ends_other_sessions() -> None:
    person = factories.agent()
    here, elsewhere = signed_in(person), signed_in(person)
    new = "another long phrase"
    typed = {"old_password": "not it", "new_password1": new, "new_password2": new}
    assert here.post("/password_change/", typed).status_code == 200
    assert not Event.objects.exists()
    assert here.post("/password_change/", {**typed, "old_password": factories.PASSWORD}).status_code == 302
    event = Event.objects.get()
    assert (event.verb, event.outcome, event.actor, event.target_id) == ("staff.password", "done", person, person.pk)
    assert new not in str(event.data)
    assert User.objects.get(pk=person.pk).check_password(new)
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 302


@pytest.mark.parametrize(
    "target", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_leads_nowhere_else(target: str) -> None:
    person = factories.agent()
    response = Client().post("/login/", {"username": person.username, "password": factories.PASSWORD, "next": target})
    assert (response.status_code, response.headers["Location"]) == (302, "/")


def test_passwords_reach_no_log_and_no_record(caplog: pytest.LogCaptureFixture) -> None:
    administrator = factories.administrator()
    typed = "a long and very secret phrase"
    with caplog.at_level(logging.DEBUG):
        sign_in(Client(), administrator.username, typed)
        new = {
            "username": "newcomer",
            "first_name": "New",
            "last_name": "Comer",
            "password": typed,
            "role": Role.AGENT,
            "reason": "Joins",
        }
        page = signed_in(administrator).post("/accounts/user/do/new/", {**new, "username": administrator.username})
        signed_in(administrator).post("/accounts/user/do/new/", {**new, "is_superuser": "on", "is_active": "on"})
    newcomer = User.objects.get(username="newcomer")
    assert newcomer.check_password(typed)
    assert (newcomer.is_active, newcomer.is_superuser, newcomer.role) == (False, False, None)
    assert typed not in caplog.text
    assert typed not in page.content.decode()
    assert typed not in str(list(Event.objects.values()))
    assert not hasattr(get_user_model().history.model, "password")


# --- What is typed, uploaded and downloaded -----------------------------------------------------


def test_a_forged_form_sets_nothing_but_its_fields(desk: Desk) -> None:
    refund = cases.propose(desk, cases.decided(desk))
    client = signed_in(desk.agent)
    forged = {"state": "settled", "total": "1", "proposed_by": desk.colleague.pk, "reason": "x", "ids": refund.pk}
    for address in (f"/complaints/refund/{refund.pk}/change/", "/complaints/refund/add/", "/complaints/refund/"):
        assert client.post(address, forged).status_code in (200, 302, 403)
    assert client.post(f"/complaints/refund/act/approve/?ids={refund.pk}", forged).status_code == 403
    found = again(refund)
    assert (found.state, found.total, found.proposed_by) == (refund.state, refund.total, refund.proposed_by)


def test_a_result_page_is_its_owners() -> None:
    owner, other = signed_in(factories.agent()), signed_in(factories.agent())
    for client in (owner, other):
        assert client.get("/billing/subscription/act/cancel/results/0123456789abcdef/").status_code == 404


@pytest.mark.parametrize(
    "name", ["../../../../etc/passwd", "..\\..\\secret.txt", "/etc/x.txt", "a\r\nSet-Cookie: b=c.txt"]
)
def test_a_file_lands_and_leaves_under_a_harmless_name(desk: Desk, name: str) -> None:
    complaint = cases.register(desk)
    file = SimpleUploadedFile("x", b"<script>alert(1)</script>", content_type="text/plain")
    file._name = name  # type: ignore[attr-defined]  # what a forged upload may bring
    attachment = attach_file(complaint.pk, by=desk.agent, file=file)
    stored = Path(attachment.file.path).resolve()
    assert stored.is_relative_to(Path(settings.MEDIA_ROOT).resolve())
    response = signed_in(desk.agent).get(reverse("admin:complaints_attachment_download", args=(attachment.pk,)))
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert "Set-Cookie" not in response.headers
    response.close()


def test_only_who_sees_the_case_gets_its_files(desk: Desk) -> None:
    page = SimpleUploadedFile("page.html", b"<script>", content_type="text/html")
    complaint = cases.register(desk)
    assert_refused("attachment", attach_file, complaint.pk, by=desk.agent, file=page)
    attach_file(complaint.pk, by=desk.agent, file=SimpleUploadedFile("a.txt", b"a", content_type="text/plain"))
    address = reverse("admin:complaints_attachment_download", args=(Attachment.objects.get().pk,))
    assert signed_in(desk.administrator).get(address).status_code == 403
    assert Client().get(address).status_code == 302
    assert signed_in(desk.agent).get(reverse("admin:complaints_attachment_download", args=(10**9,))).status_code == 404


def test_nothing_typed_becomes_a_script(desk: Desk) -> None:
    customer = factories.CustomerFactory.create(name=f"Bakery {SCRIPT}", notes=SCRIPT, account_holder=SCRIPT)
    subscription = cases.spring_subscription(customer=customer)
    complaint = cases.register(desk, subscription, subject=f"Calls {SCRIPT}", text=SCRIPT)
    complaint = cases.decide(desk, cases.take_up(desk, complaint))
    refund = cases.draft(desk, complaint, "special", special_amount=Decimal(5), justification=SCRIPT, evidence=SCRIPT)
    propose_refund(refund.pk, by=desk.agent, reason=SCRIPT)
    version = PolicyVersion.objects.first()
    assert version is not None
    client = signed_in(desk.manager)
    for address in (
        "/",
        "/accounts/customer/",
        f"/accounts/customer/{customer.pk}/change/",
        f"/accounts/customer/{customer.pk}/history/",
        f"/billing/subscription/{subscription.pk}/change/",
        "/complaints/complaint/",
        f"/complaints/complaint/{complaint.pk}/change/",
        f"/complaints/complaint/{complaint.pk}/history/",
        "/complaints/refund/",
        f"/complaints/refund/{refund.pk}/change/",
        f"/complaints/refund/act/approve/?ids={refund.pk}",
        f"/accounts/customer/?q={SCRIPT}",
        "/audit/event/",
        f"/policies/policyversion/{version.pk}/change/",
    ):
        response = client.get(address)
        assert response.status_code == 200, address
        assert SCRIPT not in response.content.decode(), address


@pytest.mark.parametrize(
    "text",
    [
        SCRIPT,
        "[x](javascript:alert(1))",
        '<img src="x" onerror="alert(1)">',
        "<svg onload=alert(1)>",
        '<a href="data:text/html,x">x</a>',
        "<form action='//evil.example'><input name=password></form>",
        "<style>body{display:none}</style>",
        "<iframe src='//evil.example'></iframe>",
    ],
)
def test_a_policys_text_does_nothing(text: str) -> None:
    html = rendered(text)
    for bad in (
        "<script",
        'href="javascript',
        '<img src="x" onerror',
        "<svg",
        "data:text",
        "<form",
        "<style",
        "<iframe",
    ):
        assert bad not in html


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_cell_does_not_compute(start: str) -> None:
    assert safe_cell(f"{start}HYPERLINK(1)").startswith("'")


@pytest.mark.parametrize("before", ["a;", "a; ", "a\t", "a\n", 'a;"'])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠"])
def test_a_cell_does_not_compute_for_a_reader_that_splits_it(before: str, sign: str) -> None:
    assert safe_cell(f"{before}{sign}HYPERLINK(1)") == f"{before}'{sign}HYPERLINK(1)"


def test_no_case_is_refunded_without_its_own_complaint(desk: Desk) -> None:
    """A draft's period has to be one of the complaint's own subscription, typed keys or not."""
    complaint: Complaint = cases.decided(desk)
    other = cases.only_period(cases.spring_subscription())
    assert_refused("period", draft_refund, complaint.pk, by=desk.agent, basis="usage", period_id=other.pk)
