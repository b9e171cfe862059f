"""Customers with terms of their own: the short way to a case that is judged by given figures."""

from __future__ import annotations

from typing import Any

from billing.subscriptions.models import Subscription
from policies.agreements.models import Agreement
from tests import factories
from tests.complaints.cases import Desk, spring_subscription


def agreed(desk: Desk, *, country: str = "IT", subscription: Subscription | None = None, **terms: Any) -> Subscription:
    """A subscription from April 2024 on whose customer has an agreement with these figures."""
    subscription = subscription or spring_subscription(customer=factories.CustomerFactory.create(country=country))
    Agreement.objects.create(
        customer=subscription.customer,
        title="Key account",
        terms=terms,
        valid_from=factories.LONG_AGO,
        state=Agreement.State.PUBLISHED,
        drafted_by=desk.manager,
        published_by=desk.director,
    )
    return subscription
