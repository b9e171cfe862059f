"""What the home page shows of money: the work of billing clerks, and what of it waits for a manager."""

from __future__ import annotations

from django.urls import reverse
from django.utils.html import format_html

from accounts.staff.permissions import May
from backoffice.display import number, sub
from backoffice.links import day, link
from backoffice.panels import Panel, register_home_panels
from backoffice.requests import StaffRequest
from backoffice.tables import TABLE
from billing.payments.models import BankLine
from core.amounts import money_text
from core.text import say

SHOWN = 8


def unmatched_bank_lines(request: StaffRequest) -> Panel | None:
    """Money that came in and that nobody has laid to an invoice, the oldest first."""
    user = request.user
    if not user.may(May.HANDLE_MONEY):
        return None
    found = list(BankLine.objects.filter(state=BankLine.State.UNMATCHED).order_by("booked_on", "pk")[:SHOWN])
    rows = [
        (
            format_html("{}{}", link(line, line.payer or say("somebody")), sub(line.why or line.text)),
            day(line.booked_on),
            number(money_text(line.amount, line.currency)),
        )
        for line in found
    ]
    return Panel(
        say("Bank lines that match no invoice"),
        TABLE,
        {
            "headings": [say("From, and what is in the way"), say("Booked"), (say("Amount"), "n")],
            "rows": rows,
            "empty": say("Every line of the bank’s statements is laid to an invoice or set aside."),
        },
        note=say("all that match none"),
        url=f"{reverse('admin:billing_bankline_changelist')}?state__exact=unmatched",
    )


register_home_panels(unmatched_bank_lines)
