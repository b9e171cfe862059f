"""Every page of the back office by name, the companies it is looked at in, and who visits it.

Which pages there are is known before there is a database, so that a test can be made of each of them; where a page is
and who sees it is found out in the company.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from functools import cache, partial
from typing import Any

import pytest
from django.contrib import admin
from django.core.cache import cache as kept_answers
from django.db import models, transaction
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.customers.actions import edit_customer
from accounts.customers.merge.actions import propose_merge
from accounts.customers.models import Contact, Customer
from accounts.staff.models import User
from accounts.staff.permissions import Role
from backoffice.actions import StaffAction
from backoffice.admin import TrackedAdmin
from billing.invoices.credit_notes.actions import issue_credit_note
from billing.invoices.voids.actions import propose_void
from billing.invoices.write_offs.actions import propose_write_off
from billing.payments.prepayments.actions import record_prepayment
from billing.payments.surplus.actions import record_with_surplus
from billing.remedies import effects as giving
from billing.residual_credits.actions import propose_residual_payout
from billing.runs.actions import run_billing
from billing.subscriptions.models import Subscription
from complaints.cases.models import Complaint
from complaints.digests.times import choose_digest_times
from complaints.signals.actions import draft_signal_window
from demo import build as building
from policies.agreements.models import Agreement
from policies.versions.actions import draft_policy_version
from policies.versions.models import PolicyVersion
from tests import factories
from tests.complaints.back_test_cases import tried

type Visitors = Mapping[Role, User]

#: Rows among which one is looked for that an action can be done to: the newest.
ROWS = 60
#: The first of them who may see a page visits it.
VISITORS = (Role.MANAGER, Role.BILLING, Role.LEAD, Role.AGENT, Role.ADMIN, Role.AUDITOR)


def signed_in(user: User, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user, backend="accounts.staff.auth.StaffBackend")
    return client


# --- Which pages there are ----------------------------------------------------------------------


def registered() -> Iterator[tuple[str, TrackedAdmin]]:
    for model, pages in admin.site._registry.items():
        assert isinstance(pages, TrackedAdmin), f"{model} is not on our frame"
        yield model._meta.label, pages


@cache
def every_address() -> frozenset[str]:
    """Every address of the site, with 1 where a key belongs."""
    return frozenset(_addresses(get_resolver().url_patterns, "/"))


def _addresses(patterns: Any, prefix: str) -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _addresses(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and "(?P" not in route:
            parts = route.split("/")
            yield "/".join("1" if "<" in part else part for part in parts)


@dataclass(frozen=True)
class ModelPage:
    """One of a model's pages. ``kind``: list, search, csv, add, change, history, do or act (with ``name``)."""

    label: str
    pages: TrackedAdmin
    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.label} {self.kind}{self.name and ' '}{self.name}"

    def url(self, pk: Any = None) -> str:
        base = self.pages.url_of("changelist")
        match self.kind:
            case "list":
                return base
            case "search":
                return f"{base}?q=example"
            case "csv":
                return f"{base}csv/"
            case "add":
                return self.pages.url_of("add")
            case "do":
                return f"{base}do/{self.name}/"
            case "act":
                return f"{base}act/{self.name}/?ids={pk}"
            case _:
                return self.pages.url_of(self.kind, pk)

    @property
    def needs_row(self) -> bool:
        return self.kind in {"change", "history", "act"}


def model_pages() -> Iterator[ModelPage]:
    for label, pages in registered():
        for kind in ("list", "search", "csv", "add", "change"):
            yield ModelPage(label, pages, kind)
        if pages.has_history:
            yield ModelPage(label, pages, "history")
        for name in pages._page_actions:
            yield ModelPage(label, pages, "do", name)
        for name in pages._staff_actions:
            yield ModelPage(label, pages, "act", name)


# --- A small company ----------------------------------------------------------------------------


def make_small_company() -> None:
    """At least one row of every model of accounts, hardware and billing."""
    cost = factories.OperationCostFactory.create()
    subscription = factories.paid_subscription()
    factories.usage(subscription, seconds=90)
    factories.usage(subscription, operation=cost.operation.code, quantity=Decimal(1))
    giving.give_credit(subscription, factories.MONTHLY_FEE, reason="A refund")
    giving.give_minutes(subscription, 30, further_periods=1, reason="A refund")
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
    factories.control_limit(days=60, state="draft")
    factories.company_profile(state="draft")
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
    invoice = subscription.periods.get().invoice
    record_with_surplus(
        invoice.pk, by=clerk, amount=invoice.due + 3, received_on=factories.today(), reason="By telephone"
    )
    ahead = factories.paid_subscription()
    record_prepayment(ahead.pk, by=clerk, amount=factories.MONTHLY_FEE, received_on=factories.today())
    unpaid = factories.open_subscription()
    propose_write_off(unpaid.periods.get().invoice.pk, by=clerk, reason="They moved abroad")
    wrong = factories.open_subscription()
    propose_void(wrong.periods.get().invoice.pk, by=clerk, reason="Billed twice")
    credit = factories.leftover_credit()
    propose_residual_payout(credit.pk, by=clerk, reason="They asked for it")
    edit_customer(credit.customer_id, by=clerk, reason="By letter", account_holder="Another name")
    pair = [factories.CustomerFactory.create(name="Twin", iban="") for _ in range(2)]
    propose_merge(pair[0].pk, into_id=pair[1].pk, by=factories.lead(), reason="Same tax number")


# --- The demonstration company ------------------------------------------------------------------


def make_visitors() -> Visitors:
    """Who looks at the pages: people of the demonstration company, which has few of its quiet customers here, and rows
    of what it has none of.
    """
    kept_answers.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("demo.customers.QUIET_CUSTOMERS", 36)
        building.build(timezone.now())
    people = first_people()
    manager = people[Role.MANAGER]
    subscription = factories.paid_subscription()
    with transaction.atomic():
        money_rows(subscription)
    factories.charge(subscription)
    factories.plan_change(Subscription.objects.get(pk=subscription.pk))
    factories.StaffChangeFactory.create()
    factories.ApprovalLimitFactory.create(state="draft")
    factories.control_limit(days=60, state="draft")
    factories.company_profile(state="draft")
    administrator = User.objects.filter(role__name=Role.ADMIN).order_by("pk")[0]
    draft_signal_window(by=administrator, signal="near_limit", valid_from=factories.today(), figures={"days": 20})
    factories.delegation()
    choose_digest_times(by=manager, times=[time(8)], weekdays=[0])
    Contact.objects.create(customer=subscription.customer, name="Nora Contact")
    in_force = PolicyVersion.objects.filter(policy__kind="refund").order_by("-number")[0]
    draft = draft_policy_version(
        in_force.policy_id,
        by=User.objects.get(username="manager2"),
        effective_from=factories.today(),
        text=in_force.text.replace("There is no refund", "There is never a refund"),
        parameters={**in_force.parameters, "decide_within_days": 9},
    )
    tried(draft, manager, months=2)
    return people


def first_people() -> Visitors:
    return {role: User.objects.filter(role__name=role).order_by("pk")[0] for role in VISITORS}


@dataclass(frozen=True)
class Visit:
    """A page of the demonstration company: ``find`` says who looks at it and where it is."""

    name: str
    find: Callable[[Visitors], tuple[User, str]]

    def __str__(self) -> str:
        return self.name


def every_visit() -> list[Visit]:
    """Each page once; the addresses of everybody's pages begin with ``/policy/``."""
    return [
        *(Visit(f"home {role.name.lower()}", partial(home_of, role)) for role in VISITORS),
        *(Visit(name, partial(manager_at, where)) for name, where in SITE_PAGES.items()),
        *(
            Visit(str(page), partial(visit_of, page))
            for page in model_pages()
            if page.kind not in {"search", "csv", "add"}
        ),
    ]


def home_of(role: Role, people: Visitors) -> tuple[User, str]:
    return people[role], "/"


def manager_at(where: Callable[[], str], people: Visitors) -> tuple[User, str]:
    return people[Role.MANAGER], where()


def visit_of(page: ModelPage, people: Visitors) -> tuple[User, str]:
    pages = page.pages
    if page.kind == "act":
        who, pk = somebody_who_can(pages._staff_actions[page.name], pages, people)
        return who, page.url(pk)
    if page.kind == "do":
        return next(who for who in people.values() if pages._page_actions[page.name].allowed(who)), page.url()
    row = pages.model._default_manager.order_by("-pk").first()
    assert row is not None, f"no {page.label} to look at"
    return next(who for who in people.values() if pages.has_view_permission(request_of(who))), page.url(row.pk)


def request_of(person: User) -> Any:
    request = RequestFactory().get("/")
    request.user = person
    return request


def somebody_who_can(action: StaffAction[Any], pages: TrackedAdmin, people: Visitors) -> tuple[User, Any]:
    """A person and a row to which they can do this now; where there is none, whose role would allow it: the page says
    what is in the way, and is a page as well.
    """
    fallback: tuple[User, Any] | None = None
    for person in people.values():
        if not action.allowed(person):
            continue
        rows: models.QuerySet[Any] = action.queryset(pages.get_queryset_for_action(request_of(person)))
        for row in rows.order_by("-pk")[:ROWS]:
            fallback = fallback or (person, row.pk)
            if action.obstacle(row, person) is None:
                return person, row.pk
    assert fallback is not None, f"nobody may ever {action.label}"
    return fallback


def comparison() -> str:
    versions = PolicyVersion.objects.filter(policy__kind="refund").order_by("number")
    first, last = versions[0], versions.reverse()[0]
    return f"/policies/policyversion/{first.pk}/compare/{last.pk}/"


def case_in(state: str) -> str:
    return f"/complaints/complaint/{Complaint.objects.filter(state=state).order_by('-pk')[0].pk}/change/"


def richest_customer() -> str:
    customer = Customer.objects.annotate(cases=models.Count("complaints")).order_by("-cases", "pk")[0]
    return f"/accounts/customer/{customer.pk}/change/"


def several_chosen() -> str:
    several = ",".join(str(one.pk) for one in Complaint.objects.order_by("-pk")[:5])
    return f"/complaints/complaint/act/acknowledge/?ids={several}"


#: Pages beside those of the models, lists searched and filtered and chosen from, a case of each state.
SITE_PAGES: dict[str, Callable[[], str]] = {
    "search": lambda: "/search/?q=an",
    "search in vain": lambda: "/search/?q=no+such+thing",
    "figures": lambda: "/home/figures/",
    "password": lambda: "/password_change/",
    "inbox": lambda: "/complaints/refund/inbox/",
    "policies": lambda: "/policy/",
    "policy version": lambda: "/policy/refund/1/",
    "policy version that there is not": lambda: f"/policy/{PolicyVersion.objects.order_by('pk')[0].policy.kind}/99/",
    "comparison": comparison,
    **{f"case {state}": partial(case_in, state) for state in Complaint.State.values},
    "richest customer": richest_customer,
    "cases overdue": lambda: "/complaints/complaint/?work=overdue",
    "cases searched in vain": lambda: "/complaints/complaint/?q=no+such+thing",
    "several cases": several_chosen,
}
