"""What the search finds of refunds."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.links import page_url
from backoffice.search import Found, SearchSource, Typed, begins, first_of, register_source
from complaints.cases.models import Complaint
from complaints.cases.search import find_complaints
from complaints.incidents.models import Incident
from complaints.incidents.search import find_incidents
from complaints.refunds.models import Refund
from core.amounts import money_text
from core.text import join, lower


def find_refunds(typed: Typed, user: User) -> Iterator[Found]:
    rows = Refund.objects.filter(begins("code", typed.code)).select_related("customer")
    for refund in first_of(rows.order_by("code")):
        amount = (money_text(refund.total, refund.currency),) if refund.total else ()
        yield Found(
            refund.code,
            page_url(refund),
            join(", ", (refund.customer.name, *amount, lower(refund.get_state_display()))),
            exact=typed.names(refund.code),
        )


for _source in (
    SearchSource(_("Complaints"), "message-square-warning", May.SEE_CASES, find_complaints, Complaint, order=20),
    SearchSource(_("Refunds"), "undo-2", May.SEE_CASES, find_refunds, Refund, order=30),
    SearchSource(_("Incidents"), "siren", May.SEE_CASES, find_incidents, Incident, order=65),
):
    register_source(_source)
