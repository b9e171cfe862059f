"""What the search finds of incidents."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone
from django.utils.formats import date_format

from accounts.staff.models import User
from backoffice.links import page_url
from backoffice.search import Found, Typed, begins, first_of
from complaints.incidents.models import Incident
from core.text import join, say


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
