"""Changes that customers have to hear of, as cards of the customer and of the home page."""

from __future__ import annotations

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.customers.models import Customer
from accounts.customers.panels import customer_page
from backoffice.display import PillTone, pill, sub, when
from backoffice.links import link
from backoffice.panels import Panel, register_home_panels
from backoffice.requests import StaffRequest
from backoffice.tables import TABLE
from core.text import say
from messaging.notices.models import ChangeNotice

#: So many of the home page and of a customer.
SHOWN = 12

_TONES: dict[str, PillTone] = {
    ChangeNotice.State.OWED: "warn",
    ChangeNotice.State.TOLD: "good",
    ChangeNotice.State.TAKEN_OVER: "mute",
    ChangeNotice.State.DISMISSED: "mute",
}


def notice_pill(notice: ChangeNotice) -> SafeString:
    """Whether the customer knows."""
    return pill(notice.get_state_display(), _TONES[notice.state])


@customer_page.panel(order=54)
def changes_of(request: StaffRequest, customer: Customer) -> Panel | None:
    """The newest changes that the customer had, or still has, to hear of."""
    notices = list(customer.change_notices.all()[:SHOWN])
    if not notices:
        return None
    rows = [
        (
            format_html("<div>{}</div>", link(notice)),
            format_html("{}{}", notice_pill(notice), sub(when(notice.arose_at))),
        )
        for notice in notices
    ]
    owed = any(notice.state == ChangeNotice.State.OWED for notice in notices)
    context = {"headings": [say("Change"), say("Told?")], "rows": rows}
    return Panel(say("Changes to be told"), TABLE, context, tone="warn" if owed else "")


def changes_to_tell(request: StaffRequest) -> Panel | None:
    """Changes that the reader sees to it are told, the oldest first: their letters wait, failed or had no address."""
    owed = ChangeNotice.objects.owed_by(request.user).order_by("arose_at", "pk")
    found = list(owed.select_related("customer")[: SHOWN + 1])
    if not found:
        return None
    rows = [
        (
            format_html('<div class="about">{}{}</div>', link(notice), sub(notice.customer.name)),
            when(notice.arose_at),
        )
        for notice in found[:SHOWN]
    ]
    return Panel(
        say("Changes that customers have to hear of"),
        TABLE,
        {"headings": [say("Change and customer"), say("Since")], "rows": rows},
        tone="warn",
        note=say("all changes"),
        url=f"{reverse('admin:messaging_changenotice_changelist')}?state__exact=owed",
    )


register_home_panels(changes_to_tell)
