"""People follow their home page: each outcome is told to the customer before its case is closed, and otherwise on the
working day after it arose.
"""

from __future__ import annotations

from django.utils import timezone

from accounts.staff.models import User
from complaints.cases.models import Complaint
from complaints.letters.outcomes import outcome_text
from complaints.notices.actions import tell_outcome
from complaints.notices.models import Notice
from complaints.notices.rules import next_owed
from demo.company import Company


def tell_owed(complaint: Complaint, by: User) -> None:
    """Tell the customer every outcome of the case that is owed, as the letters are drafted."""
    channel = Complaint.Channel.EMAIL if complaint.customer.email else Complaint.Channel.LETTER
    while (notice := next_owed(complaint)) is not None:
        tell_outcome(complaint.pk, by=by, text=outcome_text(notice), channel=channel)


def tell_yesterdays(company: Company) -> None:
    """What arose before the day, by those who have the cases; what arose last is left for whoever tries the program."""
    if company.clock.read().date() >= company.days.today:
        return
    cases = Complaint.objects.filter(
        notices__in=Notice.objects.owed().filter(arose_at__lt=timezone.localtime().replace(hour=0, minute=0)),
        owner__is_active=True,
    )
    for complaint in cases.select_related("customer", "owner").distinct().order_by("pk"):
        assert complaint.owner is not None
        tell_owed(complaint, complaint.owner)
