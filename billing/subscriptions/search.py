"""What the search finds of subscriptions, invoices and credit notes: by number."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.links import page_url
from backoffice.search import Found, SearchSource, Typed, begins, first_of, register_source
from billing.subscriptions.models import Subscription
from core.text import lower


def find_subscriptions(typed: Typed, user: User) -> Iterator[Found]:
    rows = Subscription.objects.filter(begins("number", typed.code)).select_related("customer", "plan")
    for subscription in first_of(rows.order_by("number")):
        yield Found(
            subscription.number,
            page_url(subscription),
            f"{subscription.customer.name}, {subscription.plan}, {lower(subscription.get_state_display())}",
            exact=typed.names(subscription.number),
        )


register_source(
    SearchSource(_("Subscriptions"), "repeat", May.SEE_CASES, find_subscriptions, model=Subscription, order=35)
)
