"""Agreements: drafted and published by two people, in force by date, and first in judging a case (R1)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.customers.models import Customer
from accounts.staff.models import User
from complaints.cases.models import Complaint
from complaints.quotes.facts import terms_for
from policies.agreements import actions as agreements
from policies.agreements.models import Agreement
from tests import factories
from tests.complaints import cases
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db


def draft(customer: Customer, by: User, **changes: Any) -> Agreement:
    given: dict[str, Any] = {
        "title": "Key account",
        "terms": {"decide_within_days": 3, "remedies": ["cash"]},
        "valid_from": factories.today(),
    }
    return agreements.draft_agreement(customer.pk, by=by, **{**given, **changes})


def published(customer: Customer, **changes: Any) -> Agreement:
    drafted = draft(customer, factories.manager(), **changes)
    return agreements.publish_agreement(drafted.pk, by=factories.manager(), reason="Signed")


def terms_now(subscription: Any) -> Any:
    return terms_for(subscription.current_period())


def test_an_agreement_goes_before_the_policy_for_periods_that_begin_within_it() -> None:
    customer = factories.CustomerFactory.create()
    before = factories.paid_subscription(customer=customer, activated_on=factories.days_ago(3))
    agreement = published(customer)
    within = factories.paid_subscription(customer=customer, activated_on=factories.today())
    assert terms_now(before).agreement is None
    terms = terms_now(within)
    assert terms.agreement == agreement
    assert (terms.parameters.decide_within_days, terms.parameters.remedies) == (3, ("cash",))
    assert terms.parameters.acknowledge_within_days == 2  # what it does not name is the policy's
    assert terms.source_of("remedies") == agreement
    assert terms.source_of("bases") == terms.refund


def test_the_agreement_of_another_customer_judges_nothing() -> None:
    published(factories.CustomerFactory.create())
    other = factories.paid_subscription(activated_on=factories.today())
    assert terms_now(other).agreement is None


def test_it_holds_to_its_last_day_and_the_newest_wins() -> None:
    customer = factories.CustomerFactory.create()
    today = factories.today()
    first = published(customer, valid_until=today + timedelta(days=1))
    second = published(customer, valid_from=today + timedelta(days=1), title="Newer")

    def held(days: int) -> list[Agreement]:
        published = Agreement.objects.published_with([customer.pk])
        return [agreement for agreement in published if agreement.holds_on(today + timedelta(days=days))]

    assert held(0) == [first]
    assert held(1) == [second, first]
    assert held(2) == [second]


def test_a_case_keeps_what_judged_it() -> None:
    factories.approval_limits()
    customer = factories.CustomerFactory.create()
    agreement = published(customer)
    subscription = factories.paid_subscription(customer=customer, activated_on=factories.today())
    complaint = cases.register(cases.Desk(), subscription, received_at=timezone.now())
    assert complaint.agreement == agreement
    received = complaint.received_at
    assert complaint.decide_due_at - received <= timedelta(days=4)
    assert Complaint.objects.get(pk=complaint.pk).terms.remedies == ("cash",)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"terms": {}}, "terms"),
        ({"terms": {"discount": "10"}}, "terms"),
        ({"terms": {"remedies": ["gold"]}}, "terms"),
        ({"terms": {"full_month_allowed": "yes"}}, "terms"),
        ({"terms": {"decide_within_days": -1}}, "terms"),
        ({"valid_until": factories.days_ago(1)}, "dates"),
        ({"title": ""}, "invalid"),
    ],
)
def test_impossible_terms_are_refused(changes: dict[str, Any], code: str) -> None:
    customer, manager = factories.CustomerFactory.create(), factories.manager()
    assert_refused(code, lambda: draft(customer, manager, **changes))


def test_the_drafter_does_not_publish() -> None:
    manager = factories.manager()
    drafted = draft(factories.CustomerFactory.create(), manager)
    assert_refused("four_eyes", lambda: agreements.publish_agreement(drafted.pk, by=manager))


def test_whoever_edited_a_draft_does_not_publish() -> None:
    editor = factories.manager()
    drafted = draft(factories.CustomerFactory.create(), factories.manager())
    agreements.edit_agreement(
        drafted.pk, by=editor, title="Key account", terms={"decide_within_days": 1}, valid_from=factories.today()
    )
    assert_refused("four_eyes", lambda: agreements.publish_agreement(drafted.pk, by=editor))


def test_nobody_publishes_an_agreement_with_themself() -> None:
    customer = factories.CustomerFactory.create()
    drafted = draft(customer, factories.manager())
    linked = factories.manager(customer=customer)
    assert_refused("linked", lambda: agreements.publish_agreement(drafted.pk, by=linked))


def test_a_published_agreement_is_never_edited_and_a_past_day_is_refused() -> None:
    customer, manager = factories.CustomerFactory.create(), factories.manager()
    agreement = published(customer)
    assert_refused("state", lambda: agreements.discard_agreement(agreement.pk, by=manager, reason="no"))
    old = draft(customer, factories.manager(), valid_from=factories.days_ago(2), valid_until=None)
    assert_refused("dates", lambda: agreements.publish_agreement(old.pk, by=manager))


def test_an_agent_has_no_hand_in_agreements() -> None:
    customer, agent = factories.CustomerFactory.create(), factories.agent()
    assert_refused("permission", lambda: draft(customer, agent))
