"""A case as its page shows it: the row, and everything that was written on it, in two queries."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import OuterRef, Subquery

from audit.models import Event
from backoffice.presence import last_done
from backoffice.united import Part, put_at_hand, read_united
from complaints.cases.models import Assessment, Attachment, Complaint, DeadlineBreach, Decision, Message, Note
from complaints.quotes.case_facts import facts_of, with_case_facts
from messaging.outbox.models import OutgoingMessage

#: So many of the newest e-mails are shown.
EMAILS = 20

_BY = ("at", "by__first_name", "by__last_name", "by__username")
_NEWEST_FIRST = ("-at", "-pk")

#: What of each table the page shows, and in which order.
_WRITTEN: dict[str, tuple[type[models.Model], tuple[str, ...], tuple[str, ...]]] = {
    "assessments": (Assessment, ("severity", "findings", *_BY), _NEWEST_FIRST),
    "decisions": (Decision, ("outcome", "reasons", *_BY), _NEWEST_FIRST),
    "messages": (
        Message,
        ("direction", "kind", "channel", "correspondent", "text", *_BY),
        _NEWEST_FIRST,
    ),
    "notes": (Note, ("text", *_BY), _NEWEST_FIRST),
    "attachments": (Attachment, ("name", "size", "at"), ("at", "pk")),
    "breaches": (DeadlineBreach, ("deadline", "due_at", "noticed_at"), ("due_at", "pk")),
}
_EMAIL = ("subject", "recipient", "queued_at", "delivery__state", "delivery__tries")


def rows_for_case_page(rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """The row of a case with all that its page shows of it, and with the version that the page shows."""
    done = last_done(Event.objects.filter(complaint_id=OuterRef("pk")))
    rows = with_case_facts(rows).annotate(last_done=Subquery(done))
    return rows.select_related("owner", "consent_by", "merged_into")


def read_case_file(complaint: Complaint) -> None:
    """Put at hand what the page and its actions ask the case for: what was written on it, its refunds, its decision."""
    parts = {
        name: Part(model._default_manager.filter(complaint=complaint), columns, order)
        for name, (model, columns, order) in _WRITTEN.items()
    }
    parts["emails"] = Part(OutgoingMessage.objects.of_complaint(complaint.pk), _EMAIL, ("-queued_at", "-pk"))
    found = read_united(parts)
    emails = found.pop("emails")
    complaint.__dict__["_emails"] = emails[:EMAILS]
    facts = facts_of(complaint)
    for name, rows in {**found, "refunds": facts.refunds}.items():
        put_at_hand(complaint, name, rows)
    for decision in found["decisions"]:
        if decision.pk == complaint.decision_id:
            complaint.decision = decision
    is_open = [period for period in facts.periods if period.state == period.State.OPEN]
    if is_open:
        complaint.subscription.open_periods = is_open  # type: ignore[attr-defined]


def newest_emails(complaint: Complaint) -> list[OutgoingMessage]:
    """Those that belong to the case, the newest first; of a row that ``read_case_file`` knows."""
    found: list[OutgoingMessage] = complaint.__dict__["_emails"]
    return found
