"""What the search finds of complaints, refunds and incidents."""

from __future__ import annotations

from collections.abc import Iterator

from accounts.amounts import money_text
from accounts.models import User
from accounts.panels import page_url
from accounts.permissions import May
from audit.backoffice.search import LIMIT, Found, Source, Typed, begins, first_of, register_source
from complaints.models import Complaint, Incident, Refund


def find_complaints(typed: Typed, user: User) -> Iterator[Found]:
    """By code; by words of the subject, the newest first."""
    rows = Complaint.objects.select_related("customer").only("code", "subject", "state", "customer__name")
    queries = [rows.filter(begins("code", typed.code)).order_by("code")]
    if typed.is_wordy:
        # The index has both columns: subjects are read from it alone, the newest first, until there are enough.
        newest = Complaint.objects.filter(subject__icontains=typed.text).order_by("-received_at")
        queries.append(rows.filter(pk__in=newest.values("pk")[: LIMIT + 1]).order_by("-received_at"))
    for complaint in first_of(*queries):
        yield Found(
            str(complaint),
            page_url(complaint),
            f"{complaint.customer.name}, {complaint.get_state_display().lower()}",
            exact=typed.names(complaint.code),
        )


def find_refunds(typed: Typed, user: User) -> Iterator[Found]:
    rows = Refund.objects.filter(begins("code", typed.code)).select_related("customer")
    for refund in first_of(rows.order_by("code")):
        amount = f", {money_text(refund.total, refund.currency)}" if refund.total else ""
        yield Found(
            refund.code,
            page_url(refund),
            f"{refund.customer.name}{amount}, {refund.get_state_display().lower()}",
            exact=typed.names(refund.code),
        )


def find_incidents(typed: Typed, user: User) -> Iterator[Found]:
    """By code or words of the title: incidents are few."""
    rows = Incident.objects.all()
    queries = [rows.filter(begins("code", typed.code)).order_by("code")]
    if typed.is_wordy:
        queries.append(rows.filter(title__icontains=typed.text).order_by("-starts_at"))
    for incident in first_of(*queries):
        kind = "maintenance" if incident.scheduled else "interruption"
        yield Found(
            str(incident),
            page_url(incident),
            f"{kind}, {incident.starts_at:%Y-%m-%d}",
            exact=typed.names(incident.code),
        )


register_source(
    Source("Complaints", "message-square-warning", May.SEE_CASES, find_complaints, model=Complaint, order=20)
)
register_source(Source("Refunds", "undo-2", May.SEE_CASES, find_refunds, model=Refund, order=30))
register_source(Source("Incidents", "siren", May.SEE_CASES, find_incidents, model=Incident, order=65))
