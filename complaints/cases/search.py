"""What the search finds of complaints, refunds and incidents."""

from __future__ import annotations

from collections.abc import Iterator

from accounts.staff.models import User
from backoffice.links import page_url
from backoffice.search import LIMIT, Found, Typed, begins, first_of
from complaints.cases.models import Complaint
from core.text import join, lower


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
            join(", ", (complaint.customer.name, lower(complaint.get_state_display()))),
            exact=typed.names(complaint.code),
        )
