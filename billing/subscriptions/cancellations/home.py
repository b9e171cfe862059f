"""The home page's card of days that voided periods had received."""

from __future__ import annotations

from django.utils.html import format_html

from accounts.staff.permissions import May
from backoffice.display import sub
from backoffice.links import day, link
from backoffice.panels import Panel, register_home_panels
from backoffice.requests import StaffRequest
from backoffice.tables import TABLE
from billing.payments.home import SHOWN
from billing.remedies.models import Extension
from core.text import say


def voided_days(request: StaffRequest) -> Panel | None:
    """Days that were given as a refund to periods voided since, on which nobody has decided yet."""
    if not request.user.may(May.CANCEL_FOR_OLD_DAYS):
        return None
    found = list(Extension.objects.waiting().select_related("subscription__customer", "period").order_by("pk")[:SHOWN])
    if not found:
        return None
    rows = [
        (
            format_html("{}{}", link(one.subscription, one.subscription.customer.name), sub(one.subscription.number)),
            day(one.period.starts_on),
            one,
        )
        for one in found
    ]
    headings = [say("Customer"), say("Period voided from"), say("Days given")]
    return Panel(say("Days of voided periods to decide on"), TABLE, {"headings": headings, "rows": rows})


register_home_panels(voided_days)
