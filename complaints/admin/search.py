"""What the search finds of complaints, refunds and incidents."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy

from accounts.amounts import money_text
from accounts.models import User
from accounts.panels import page_url
from accounts.permissions import May
from audit.backoffice.search import LIMIT, Found, Source, Typed, begins, first_of, register_source
from audit.words import join, say
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
            join(", ", (complaint.customer.name, complaint.get_state_display().lower())),
            exact=typed.names(complaint.code),
        )


def find_refunds(typed: Typed, user: User) -> Iterator[Found]:
    rows = Refund.objects.filter(begins("code", typed.code)).select_related("customer")
    for refund in first_of(rows.order_by("code")):
        amount = (money_text(refund.total, refund.currency),) if refund.total else ()
        yield Found(
            refund.code,
            page_url(refund),
            join(", ", (refund.customer.name, *amount, refund.get_state_display().lower())),
            exact=typed.names(refund.code),
        )


def find_incidents(typed: Typed, user: User) -> Iterator[Found]:
    """By code or words of the title: incidents are few."""
    rows = Incident.objects.all()
    queries = [rows.filter(begins("code", typed.code)).order_by("code")]
    if typed.is_wordy:
        queries.append(rows.filter(title__icontains=typed.text).order_by("-starts_at"))
    for incident in first_of(*queries):
        kind = say("maintenance") if incident.scheduled else say("interruption")
        yield Found(
            str(incident),
            page_url(incident),
            join(", ", (kind, date_format(timezone.localdate(incident.starts_at)))),
            exact=typed.names(incident.code),
        )


for _source in (
    Source(gettext_lazy("Complaints"), "message-square-warning", May.SEE_CASES, find_complaints, Complaint, order=20),
    Source(gettext_lazy("Refunds"), "undo-2", May.SEE_CASES, find_refunds, Refund, order=30),
    Source(gettext_lazy("Incidents"), "siren", May.SEE_CASES, find_incidents, Incident, order=65),
):
    register_source(_source)
