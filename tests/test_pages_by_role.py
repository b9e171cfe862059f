"""Every page of the back office, asked for by everybody: who gets it is written down here, by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import time
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.customers.actions import edit_customer
from accounts.customers.models import Contact
from accounts.staff.models import User
from accounts.staff.permissions import Role
from backoffice.admin import TrackedAdmin
from billing.invoices.credit_notes import issue_credit_note
from billing.remedies import effects as giving
from billing.residual_credits.actions import propose_leftover
from billing.runs.actions import run_billing
from billing.subscriptions.models import Subscription
from complaints.digests.times import choose_digest_times
from policies.agreements.models import Agreement
from tests import factories

A, L, M, B, U, D = Role.AGENT, Role.LEAD, Role.MANAGER, Role.BILLING, Role.AUDITOR, Role.ADMIN
CASES = {A, L, M, B, U}
STAFF = {M, U, D}

#: Who sees a model's list and rows. Administrators see no customer and no money.
SEES: dict[str, set[Role]] = {
    "accounts.Customer": CASES,
    "accounts.User": STAFF,
    "accounts.Team": STAFF,
    "accounts.ApprovalLimit": STAFF,
    "accounts.StaffChange": STAFF,
    "accounts.Delegation": {A, L, M, U, D},
    "complaints.DigestTimes": {A, L, M, U},
    "policies.Agreement": CASES,
    "accounts.Contact": CASES,
    "messaging.OutgoingMessage": CASES,
    "messaging.MessageTemplate": CASES,
    "hardware.PhoneModel": CASES,
    "hardware.Phone": CASES,
    "hardware.Purchase": CASES,
    "hardware.Instalment": CASES,
    "billing.Plan": CASES,
    "billing.Price": CASES,
    "billing.Operation": CASES,
    "billing.OperationCost": CASES,
    "billing.Subscription": CASES,
    "billing.BillingPeriod": CASES,
    "billing.PlanChange": CASES,
    "billing.UsageRecord": CASES,
    "billing.Invoice": CASES,
    "billing.Payment": CASES,
    "billing.Credit": CASES,
    "billing.Charge": CASES,
    "billing.BillingRun": CASES,
    "billing.Payout": CASES,
    "billing.BankLine": CASES,
    "billing.CreditNote": CASES,
    "billing.LeftoverPayout": CASES,
    "accounts.BankDetailsChange": CASES,
    "complaints.Complaint": CASES,
    "complaints.Refund": CASES,
    "complaints.Reversal": CASES,
    "complaints.Incident": CASES,
    "policies.Policy": {A, L, M, B, U, D},
    "policies.PolicyVersion": {A, L, M, B, U, D},
    "complaints.BackTest": {M, U},
    "jobs.Job": {A, L, M, B, U},
    "audit.Event": {A, L, M, U},
}

#: Who gets the page of an action.
MAY_DO: dict[tuple[str, str], set[Role]] = {
    ("accounts.Customer", "new"): {A, L, M, B},
    ("accounts.Customer", "edit"): {A, L, M, B},
    ("accounts.Customer", "add_contact"): {A, L, M, B},
    ("accounts.Customer", "merge"): {L, M},
    ("accounts.Contact", "edit"): {A, L, M, B},
    ("accounts.Contact", "retire"): {A, L, M, B},
    ("messaging.OutgoingMessage", "again"): {A, L, M, B},
    ("messaging.OutgoingMessage", "arrived"): {A, L, M, B},
    ("messaging.OutgoingMessage", "bounced"): {A, L, M, B},
    ("messaging.OutgoingMessage", "done_with"): {A, L, M, B},
    ("messaging.MessageTemplate", "edit"): {L, M},
    ("messaging.MessageTemplate", "test"): {L, M},
    ("accounts.User", "new"): {D},
    ("accounts.User", "draft_change"): {D},
    ("accounts.User", "language"): {A, L, M, B, U, D},
    ("accounts.Team", "new"): {D},
    ("accounts.ApprovalLimit", "draft"): {D},
    ("accounts.ApprovalLimit", "publish"): {M},
    ("accounts.StaffChange", "publish"): {M},
    ("accounts.StaffChange", "discard"): {M, D},
    ("accounts.Delegation", "give"): {L, M},
    ("accounts.Delegation", "revoke"): {L, M},
    ("complaints.DigestTimes", "choose"): {A, L, M},
    ("policies.Agreement", "draft"): {M},
    ("policies.Agreement", "edit"): {M},
    ("policies.Agreement", "publish"): {M},
    ("policies.Agreement", "discard"): {M},
    ("hardware.PhoneModel", "add"): {B},
    ("hardware.Purchase", "record"): {B},
    ("hardware.Purchase", "pay"): {B},
    ("hardware.Purchase", "return"): {B},
    ("hardware.Purchase", "warranty"): {B},
    ("hardware.Instalment", "pay"): {B},
    ("billing.Plan", "new"): {B},
    ("billing.Price", "draft"): {B},
    ("billing.Price", "publish"): {M},
    ("billing.Operation", "new"): {B},
    ("billing.OperationCost", "draft"): {B},
    ("billing.OperationCost", "publish"): {M},
    ("billing.Subscription", "open"): {B},
    ("billing.Subscription", "cancel"): {A, L, M, B},
    ("billing.Subscription", "undo_cancellation"): {A, L, M, B},
    ("billing.Subscription", "change_plan"): {A, L, M, B},
    ("billing.Subscription", "take_back_change"): {A, L, M, B},
    ("billing.Invoice", "run_billing"): {B},
    ("billing.Invoice", "pay"): {B},
    ("billing.Invoice", "pay_in_full"): {B},
    ("billing.Invoice", "pay_again"): {B},
    ("billing.Invoice", "dispute"): {B},
    ("billing.Invoice", "end_dispute"): {B},
    ("billing.Payment", "charge_back"): {B},
    ("billing.BankLine", "read_statement"): {B},
    ("billing.BankLine", "match"): {B},
    ("billing.BankLine", "set_aside"): {B},
    ("billing.Credit", "pay_out"): {B},
    ("billing.Charge", "ask"): {B},
    ("billing.LeftoverPayout", "approve"): {M},
    ("billing.LeftoverPayout", "reject"): {M},
    ("billing.LeftoverPayout", "withdraw"): {B},
    ("accounts.BankDetailsChange", "confirm"): {M, B},
    ("billing.Payout", "paid"): {B},
    ("billing.Payout", "failed"): {B},
    ("billing.Payout", "retry"): {B},
    ("billing.Payout", "to_credit"): {B},
}
OURS = {"accounts", "hardware", "billing"}


def registered() -> Iterator[tuple[str, TrackedAdmin]]:
    for model, pages in admin.site._registry.items():
        assert isinstance(pages, TrackedAdmin), f"{model} is not on our frame"
        yield model._meta.label, pages


@pytest.fixture
def company(db: None) -> None:
    """At least one row of every model of these apps."""
    cost = factories.OperationCostFactory.create()
    subscription = factories.paid_subscription()
    factories.usage(subscription, seconds=90)
    factories.usage(subscription, operation=cost.operation.code, quantity=Decimal(1))
    giving.give_credit(subscription, factories.MONTHLY_FEE, reason="A refund")
    giving.give_minutes(subscription, 30, reason="A refund")
    giving.give_days(Subscription.objects.get(pk=subscription.pk), 3, reason="A refund")
    giving.order_payout(subscription, factories.MONTHLY_FEE, key="payout-1", reason="A refund")
    factories.plan_change(Subscription.objects.get(pk=subscription.pk))
    factories.charge(subscription)
    money_rows(subscription)
    factories.phone_purchase(subscription.customer, instalments=3)
    Contact.objects.create(customer=subscription.customer, name="Nora Contact")
    factories.outgoing_message(subscription.customer)
    run_billing(factories.days_ago(365), by=factories.system_user())
    factories.ApprovalLimitFactory.create(state="draft")
    factories.TeamFactory.create()
    factories.StaffChangeFactory.create()
    factories.delegation()
    choose_digest_times(by=factories.agent(), times=[time(8)], weekdays=[0])
    Agreement.objects.create(
        customer=subscription.customer,
        title="Better terms",
        valid_from=factories.LONG_AGO,
        drafted_by=factories.manager(),
    )


def money_rows(subscription: Subscription) -> None:
    """A credit note, a line of a bank statement, leftover credit proposed, new bank details."""
    clerk = factories.billing_clerk()
    issue_credit_note(subscription.periods.get(), factories.MONTHLY_FEE)
    factories.bank_line(by=clerk)
    credit = factories.leftover_credit()
    propose_leftover(credit.pk, by=clerk, reason="They asked for it")
    edit_customer(credit.customer_id, by=clerk, reason="By letter", account_holder="Another name")


def test_the_tables_know_every_page() -> None:
    assert set(SEES) == {label for label, _ in registered()}
    ours = {
        (label, name)
        for label, pages in registered()
        if label.partition(".")[0] in OURS
        for name in (*pages._staff_actions, *pages._page_actions)
    }
    assert set(MAY_DO) == ours


@pytest.mark.parametrize("role", [None, *Role], ids=lambda role: role.name.lower() if role else "anonymous")
def test_every_page_answers_as_the_table_says(company: None, client: Client, role: Role | None) -> None:
    person: User | None = factories.UserFactory.create(role=role) if role else None
    if person is not None:
        client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    wrong = []

    def ask(url: str, allowed: bool, how: Callable[[str], Any] = client.get) -> None:
        found = how(url).status_code
        expected = 302 if role is None else 200 if allowed else 403
        if found != expected:
            wrong.append(f"{url}: {found}, not {expected}")

    ask(reverse("admin:index"), True)
    for label, pages in registered():
        sees = role in SEES[label]
        row = pages.model._default_manager.first()
        base = pages.url_of("changelist")
        ask(base, sees)
        ask(f"{base}?q=example", sees)
        ask(f"{base}csv/", sees, client.post)
        # Nobody adds a row by the stock form: actions make them.
        ask(pages.url_of("add"), False)
        for name in pages._page_actions:
            if (label, name) in MAY_DO:
                ask(f"{base}do/{name}/", role in MAY_DO[label, name])
        if row is None:
            assert label.partition(".")[0] not in OURS, f"no {label} to ask for"
            continue
        if label != "audit.Event":
            ask(pages.url_of("change", row.pk), sees)
        if pages.has_history:
            ask(pages.url_of("history", row.pk), sees)
        for name in pages._staff_actions:
            if (label, name) in MAY_DO:
                ask(f"{base}act/{name}/?ids={row.pk}", role in MAY_DO[label, name])
    assert wrong == []


def test_a_person_without_a_role_gets_nowhere(db: None, client: Client) -> None:
    client.force_login(
        factories.UserFactory.create(role=None, is_active=True), backend="accounts.staff.auth.StaffBackend"
    )
    response = client.get(reverse("admin:index"))
    assert response.status_code == 302
    assert response.headers["Location"].startswith(reverse("admin:login"))
