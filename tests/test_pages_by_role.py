"""Every page of the back office, asked for by everybody: who gets it is written down here, by hand.

Each page is fetched once by each role, and in Italian too by the first who may see it; whatever has to hold of a page
is looked at then. The pages as they are after a year of work: tests/test_every_page.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.staff.permissions import Role
from backoffice import badges
from backoffice.admin import TrackedAdmin
from tests import factories
from tests.every_page import ModelPage, every_address, make_small_company, model_pages, registered, signed_in
from tests.page_markup import markup_problems, quick_problems
from tests.page_words import OPEN, Data, bracketed, leftovers

A, L, M, B, U, D = Role.AGENT, Role.LEAD, Role.MANAGER, Role.BILLING, Role.AUDITOR, Role.ADMIN
CASES = {A, L, M, B, U}
STAFF = {M, U, D}

#: Who sees a model's list and rows. Administrators see no customer and no money.
SEES: dict[str, set[Role]] = {
    "accounts.Customer": CASES,
    "accounts.CustomerMerge": CASES,
    "accounts.User": STAFF,
    "accounts.Team": STAFF,
    "accounts.ApprovalLimit": STAFF,
    "accounts.ControlLimit": STAFF,
    "accounts.CompanyProfile": {A, L, M, B, U, D},
    "accounts.StaffChange": STAFF,
    "accounts.Delegation": {A, L, M, U, D},
    "complaints.DigestTimes": {A, L, M, U},
    "policies.Agreement": CASES,
    "accounts.Contact": CASES,
    "messaging.ChangeNotice": CASES,
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
    "billing.ResidualCreditPayout": CASES,
    "billing.Prepayment": CASES,
    "billing.SurplusCredit": CASES,
    "billing.WriteOff": CASES,
    "billing.InvoiceVoid": CASES,
    "accounts.BankDetailsChange": CASES,
    "complaints.Complaint": CASES,
    "complaints.Refund": CASES,
    "complaints.Reversal": CASES,
    "complaints.Incident": CASES,
    "policies.Policy": {A, L, M, B, U, D},
    "policies.PolicyVersion": {A, L, M, B, U, D},
    "complaints.BackTest": {M, U},
    "complaints.SignalReport": {M, U},
    "complaints.SignalWindow": STAFF,
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
    ("messaging.ChangeNotice", "told"): {A, L, M, B},
    ("messaging.ChangeNotice", "leave"): {A, L, M, B},
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
    ("accounts.CustomerMerge", "approve"): {M},
    ("accounts.CustomerMerge", "reject"): {M},
    ("accounts.CustomerMerge", "withdraw"): {L, M},
    ("accounts.CompanyProfile", "draft"): {D},
    ("accounts.CompanyProfile", "publish"): {M},
    ("accounts.ControlLimit", "draft"): {D},
    ("accounts.ControlLimit", "publish"): {M},
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
    ("billing.Subscription", "decide_days"): {L, M},
    ("billing.Subscription", "change_plan"): {A, L, M, B},
    ("billing.Subscription", "take_back_change"): {A, L, M, B},
    ("billing.Subscription", "prepay"): {B},
    ("billing.BillingPeriod", "enter_usage"): {B},
    ("billing.UsageRecord", "import"): {B},
    ("billing.UsageRecord", "correct"): {B},
    ("billing.Invoice", "run_billing"): {B},
    ("billing.Invoice", "pay"): {B},
    ("billing.Invoice", "pay_in_full"): {B},
    ("billing.Invoice", "pay_again"): {B},
    ("billing.Invoice", "dispute"): {B},
    ("billing.Invoice", "end_dispute"): {B},
    ("billing.Payment", "charge_back"): {B},
    ("billing.Payment", "take_off"): {B},
    ("billing.Invoice", "write_off"): {B},
    ("billing.Invoice", "void"): {B},
    ("billing.InvoiceVoid", "approve"): {M},
    ("billing.InvoiceVoid", "reject"): {M},
    ("billing.InvoiceVoid", "withdraw"): {B},
    ("billing.WriteOff", "approve"): {M},
    ("billing.WriteOff", "reject"): {M},
    ("billing.WriteOff", "withdraw"): {B},
    ("billing.Credit", "set_off"): {B},
    ("billing.Prepayment", "take_off"): {B},
    ("billing.Prepayment", "credit"): {M, B},
    ("billing.SurplusCredit", "approve"): {M},
    ("billing.SurplusCredit", "reject"): {M},
    ("billing.SurplusCredit", "withdraw"): {B},
    ("billing.BankLine", "read_statement"): {B},
    ("billing.BankLine", "match"): {B},
    ("billing.BankLine", "match_subscription"): {B},
    ("billing.BankLine", "set_aside"): {B},
    ("billing.Credit", "pay_out"): {B},
    ("billing.Charge", "ask"): {B},
    ("billing.ResidualCreditPayout", "approve"): {M},
    ("billing.ResidualCreditPayout", "reject"): {M},
    ("billing.ResidualCreditPayout", "withdraw"): {B},
    ("accounts.BankDetailsChange", "confirm"): {M, B},
    ("billing.Payout", "paid"): {B},
    ("billing.Payout", "failed"): {B},
    ("billing.Payout", "retry"): {B},
    ("billing.Payout", "to_credit"): {B},
    ("jobs.Job", "resume"): {A, L, M, B},
    ("jobs.Job", "cancel"): {A, L, M, B},
    ("policies.Policy", "draft"): {M},
    ("policies.PolicyVersion", "publish"): {M},
    ("policies.PolicyVersion", "edit"): {M},
    ("policies.PolicyVersion", "back_test"): {M},
    ("policies.PolicyVersion", "discard"): {M},
    ("complaints.Complaint", "take"): {A, L, M},
    ("complaints.Complaint", "acknowledge"): {A, L, M},
    ("complaints.Complaint", "assess"): {A, L, M},
    ("complaints.Complaint", "ask"): {A, L, M},
    ("complaints.Complaint", "resume"): {A, L, M},
    ("complaints.Complaint", "decide"): {A, L, M},
    ("complaints.Complaint", "propose"): {A, L, M},
    ("complaints.Complaint", "indemnity"): {A, L, M},
    ("complaints.Complaint", "communicate"): {A, L, M},
    ("complaints.Complaint", "tell_outcome"): {A, L, M},
    ("complaints.Complaint", "write"): {A, L, M},
    ("complaints.Complaint", "read_message"): {A, L, M},
    ("complaints.Complaint", "dismiss_notice"): {A, L, M},
    ("complaints.Complaint", "close"): {A, L, M},
    ("complaints.Complaint", "note"): {A, L, M},
    ("complaints.Complaint", "customer_message"): {A, L, M},
    ("complaints.Complaint", "attach"): {A, L, M},
    ("complaints.Complaint", "assign"): {A, L, M},
    ("complaints.Complaint", "correct"): {A, L, M},
    ("complaints.Complaint", "escalate"): {L, M},
    ("complaints.Complaint", "refer"): {L, M},
    ("complaints.Complaint", "consent"): {L, M},
    ("complaints.Complaint", "merge"): {L, M},
    ("complaints.Complaint", "reopen"): {L, M},
    ("complaints.Complaint", "withdraw"): {A, L, M},
    ("complaints.Complaint", "register"): {A, L, M},
    ("complaints.Incident", "end"): {L, M, B},
    ("complaints.Incident", "edit"): {L, M, B},
    ("complaints.Incident", "record"): {L, M, B},
    ("complaints.Reversal", "approve"): {M},
    ("complaints.Reversal", "reject"): {M},
    ("complaints.Reversal", "withdraw"): {A, L, M},
    ("complaints.SignalReport", "make"): {M},
    ("complaints.SignalWindow", "draft"): {D},
    ("complaints.SignalWindow", "publish"): {M},
    ("complaints.Refund", "approve"): {L, M},
    ("complaints.Refund", "return"): {L, M},
    ("complaints.Refund", "reject"): {L, M},
    ("complaints.Refund", "propose"): {A, L, M},
    ("complaints.Refund", "edit"): {A, L, M},
    ("complaints.Refund", "withdraw"): {A, L, M},
    ("complaints.Refund", "revoke"): {L, M},
    ("complaints.Refund", "reverse"): {A, L, M},
}
#: Apps that the small company has rows of everything of.
COMPLETE = {"accounts", "messaging", "hardware", "billing"}


class Company:
    """A small company, and somebody of each role at its pages; None is a stranger."""

    def __init__(self) -> None:
        make_small_company()
        people = {role: factories.UserFactory.create(role=role) for role in Role}
        self.clients: dict[Role | None, Client] = {
            None: Client(),
            **{role: signed_in(person) for role, person in people.items()},
        }
        self.italians = {role: signed_in(person, headers={"accept-language": "it"}) for role, person in people.items()}
        self.data = Data()


@pytest.fixture(scope="module")
def company(django_db_setup: None, django_db_blocker: Any) -> Iterator[Company]:
    """Made once for all tests here and rolled back afterwards; so is whatever one of them does to it.

    The numbers beside the navigation are counted once for each person, not on each page: a quarter of its time.
    """
    with django_db_blocker.unblock(), transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        # Users are equal by their keys.
        patch.setattr(badges, "counts", cache(badges.counts))
        yield Company()
        transaction.set_rollback(True)


# --- The tables ---------------------------------------------------------------------------------


def test_the_tables_know_every_page() -> None:
    assert set(SEES) == {label for label, _ in registered()}
    declared = {
        (label, name) for label, pages in registered() for name in (*pages._staff_actions, *pages._page_actions)
    }
    assert set(MAY_DO) == declared


def may_get(page: ModelPage) -> set[Role]:
    if page.kind == "add":
        return set()  # nobody adds a row by Django's form: actions make them
    return MAY_DO[page.label, page.name] if page.name else SEES[page.label]


TABLE_PAGES = [page for page in model_pages() if not page.name or (page.label, page.name) in MAY_DO]


@pytest.mark.django_db
@pytest.mark.parametrize("model_page", TABLE_PAGES, ids=str)
def test_everybody_gets_what_the_table_says(company: Company, model_page: ModelPage) -> None:
    row = model_page.pages.model._default_manager.first() if model_page.needs_row else None
    if model_page.needs_row and (row is None or (model_page.label, model_page.kind) == ("audit.Event", "change")):
        assert model_page.label.partition(".")[0] not in COMPLETE, f"no {model_page.label} to ask for"
        return
    url = model_page.url(row and row.pk)
    allowed = may_get(model_page)
    expected = {role: 302 if role is None else 200 if role in allowed else 403 for role in company.clients}
    how = "post" if model_page.kind == "csv" else "get"
    answers = {role: getattr(client, how)(url) for role, client in company.clients.items()}
    assert {role: answer.status_code for role, answer in answers.items()} == expected, url
    if model_page.kind == "csv" or not allowed:
        return
    for role in sorted(allowed):
        assert list(quick_problems(answers[role].content.decode())) == [], f"{url} as {role} sees it"
    in_english_and_italian(company, url, min(allowed))


@pytest.mark.django_db
def test_everybody_gets_home(company: Company) -> None:
    url = reverse("admin:index")
    found = {role: client.get(url).status_code for role, client in company.clients.items()}
    assert found == {role: 302 if role is None else 200 for role in company.clients}
    for role in Role:
        in_english_and_italian(company, url, role)


def in_english_and_italian(company: Company, url: str, role: Role) -> None:
    """The page's elements stand as they should, and every word of it was looked up."""
    with bracketed():
        answer = company.italians[role].get(url)
    html = answer.content.decode()
    assert (answer.status_code, OPEN in html) == (200, True), f"{url} in Italian"
    assert markup_problems(html) == [], url
    assert list(leftovers(html, company.data, "example" if "?q=" in url else "")) == [], url


# --- What one does not see ----------------------------------------------------------------------

#: The page actions that change nothing but the person's own pages.
EVERYBODYS = ("language",)


@pytest.mark.django_db
@pytest.mark.parametrize(("label", "pages"), [pytest.param(*each, id=each[0]) for each in registered()])
def test_who_does_not_see_a_list_gets_none_of_its_addresses(company: Company, label: str, pages: TrackedAdmin) -> None:
    """Neither pages, files, pieces of pages nor forms; asked for with the keys of rows that are there."""
    base, row = pages.url_of("changelist"), pages.model._default_manager.first()
    key = str(row.pk if row else 1)
    known = sorted(address for address in every_address() if address.startswith(base))
    asked = [base + address.removeprefix(base).replace("1", key) for address in known]
    asked += [f"{base}act/{name}/?ids={key}" for name in pages._staff_actions]
    asked += [f"{base}do/{name}/" for name in pages._page_actions if name not in EVERYBODYS]
    with written_tables() as written:
        opened = [
            f"{address} to {role}: {status}"
            for role in Role
            if role not in SEES[label]
            for address in asked
            for method in (company.clients[role].get, company.clients[role].post)
            if (status := method(address).status_code) not in (403, 404, 405)
        ]
    assert opened == []
    assert {table for table in written if not table.startswith("audit_")} == set()


_WRITE = re.compile(r'\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)', re.IGNORECASE)


@contextmanager
def written_tables() -> Iterator[set[str]]:
    """The tables that are written to meanwhile, whether that is rolled back or not."""
    written: set[str] = set()

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if found := _WRITE.match(sql):
            written.add(found[1])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield written


def test_a_person_without_a_role_gets_nowhere(db: None, client: Client) -> None:
    client.force_login(
        factories.UserFactory.create(role=None, is_active=True), backend="accounts.staff.auth.StaffBackend"
    )
    response = client.get(reverse("admin:index"))
    assert response.status_code == 302
    assert response.headers["Location"].startswith(reverse("admin:login"))
