"""Every page of the back office on the demonstration company, and who visits it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import time
from typing import Any

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.db import models, transaction
from django.test import RequestFactory
from django.utils import timezone

from accounts.customers.models import Contact, Customer
from accounts.staff.models import User
from accounts.staff.permissions import Role
from backoffice.actions import StaffAction
from backoffice.admin import TrackedAdmin
from billing.subscriptions.models import Subscription
from complaints.cases.models import Complaint
from complaints.digests.times import choose_digest_times
from demo import build as building
from policies.versions.actions import draft_policy_version
from policies.versions.models import PolicyVersion
from tests import factories
from tests.complaints.back_test_cases import tried
from tests.test_pages_by_role import money_rows

#: Rows among which one is looked for that an action can be done to: the newest.
ROWS = 60
#: The first of them who may see a page visits it.
VISITORS = (Role.MANAGER, Role.BILLING, Role.LEAD, Role.AGENT, Role.ADMIN, Role.AUDITOR)


def make_visitors(monkeypatch: pytest.MonkeyPatch) -> Mapping[Role, User]:
    """Who looks at the pages: people of the demonstration company, which has few of its quiet customers here, and rows
    of what it has none of.
    """
    cache.clear()
    monkeypatch.setattr("demo.customers.QUIET_CUSTOMERS", 36)
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


def first_people() -> Mapping[Role, User]:
    return {role: User.objects.filter(role__name=role).order_by("pk")[0] for role in VISITORS}


# --- Which pages there are ----------------------------------------------------------------------


def registered() -> Iterator[TrackedAdmin]:
    for model, pages in admin.site._registry.items():
        assert isinstance(pages, TrackedAdmin), f"{model} is not on our frame"
        yield pages


def addresses(visitors: Mapping[Role, User]) -> Iterator[tuple[User, str]]:
    """Each page once, with who visits it."""
    requests = {role: RequestFactory().get("/") for role in visitors}
    for role, person in visitors.items():
        requests[role].user = person
        yield person, "/"
    manager = visitors[Role.MANAGER]
    for url in (
        "/search/?q=an",
        "/search/?q=no+such+thing",
        "/home/figures/",
        "/password_change/",
        "/complaints/refund/inbox/",
        "/policy/",
        "/policy/refund/1/",
        f"/policy/{PolicyVersion.objects.order_by('pk')[0].policy.kind}/99/",
        *comparisons(),
        *lists_at_work(),
    ):
        yield manager, url
    for pages in registered():
        person = next(who for role, who in visitors.items() if pages.has_view_permission(requests[role]))
        base = pages.url_of("changelist")
        row = pages.model._default_manager.order_by("-pk").first()
        assert row is not None, f"no {pages.opts.label} to look at"
        yield person, base
        yield person, pages.url_of("change", row.pk)
        if pages.has_history:
            yield person, pages.url_of("history", row.pk)
        if pages.has_change_permission(requests[Role.BILLING]):
            yield visitors[Role.BILLING], f"{pages.url_of('change', row.pk)}?edit=1"
        for name, action in pages._page_actions.items():
            yield next(who for who in visitors.values() if action.allowed(who)), f"{base}do/{name}/"
        for name, staff_action in pages._staff_actions.items():
            who, pk = somebody_who_can(staff_action, pages, visitors, requests)
            yield who, f"{base}act/{name}/?ids={pk}"


def somebody_who_can(
    action: StaffAction[Any], pages: TrackedAdmin, visitors: Mapping[Role, User], requests: Mapping[Role, Any]
) -> tuple[User, Any]:
    """A person and a row to which they can do this now; where there is none, whose role would allow it: the page says
    what is in the way, and is a page as well.
    """
    fallback: tuple[User, Any] | None = None
    for role, person in visitors.items():
        if not action.allowed(person):
            continue
        rows: models.QuerySet[Any] = action.queryset(pages.get_queryset_for_action(requests[role]))
        for row in rows.order_by("-pk")[:ROWS]:
            fallback = fallback or (person, row.pk)
            if action.obstacle(row, person) is None:
                return person, row.pk
    assert fallback is not None, f"nobody may ever {action.label}"
    return fallback


def comparisons() -> list[str]:
    versions = PolicyVersion.objects.filter(policy__kind="refund").order_by("number")
    first, last = versions[0], versions.reverse()[0]
    return [f"/policies/policyversion/{first.pk}/compare/{last.pk}/"]


def lists_at_work() -> list[str]:
    """Lists searched, filtered and chosen from; the pages of the richest customer and of a case of each state."""
    states = (Complaint.objects.filter(state=state).order_by("-pk").first() for state in Complaint.State)
    cases = [f"/complaints/complaint/{one.pk}/change/" for one in states if one is not None]
    customer = Customer.objects.annotate(cases=models.Count("complaints")).order_by("-cases", "pk")[0]
    several = ",".join(str(one.pk) for one in Complaint.objects.order_by("-pk")[:5])
    return [
        *cases,
        f"/accounts/customer/{customer.pk}/change/",
        "/complaints/complaint/?work=overdue",
        "/complaints/complaint/?q=no+such+thing",
        f"/complaints/complaint/act/acknowledge/?ids={several}",
    ]
