"""What customers are told about their case: by the templates, in their language, from what stands on the case.

Staff read, change and send a draft; the text that was sent is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from complaints.cases.models import Complaint, Decision, Message
from complaints.letters.text import calculation_in_words, period_in_words, remedies_in_words
from complaints.refunds.models import Refund
from messaging.outbox.queue import NewMessage, draft_of
from messaging.templates.kinds import Value
from messaging.templates.models import MessageKind
from messaging.templates.reader import Reader

# --- As messages: their kind, fields and key ----------------------------------------------------


def acknowledgement(complaint: Complaint) -> NewMessage:
    """That the complaint is here, with its code and the last day for the decision."""
    reader = Reader(complaint.customer.language)
    last_day = timezone.localdate(complaint.decide_due_at) - timedelta(days=1)
    return NewMessage(
        kind=MessageKind.ACKNOWLEDGEMENT,
        key=f"acknowledgement:{complaint.pk}",
        fields={
            **_case_fields(complaint),
            "received_on": reader.day(timezone.localdate(complaint.received_at)),
            "decide_by": reader.day(last_day),
        },
        customer=complaint.customer,
        complaint_id=complaint.pk,
    )


def question(complaint: Complaint) -> NewMessage:
    """A question; each one of a case is an occasion of its own."""
    asked = complaint.messages.filter(kind=Message.Kind.QUESTION).count()
    return NewMessage(
        kind=MessageKind.QUESTION,
        key=f"question:{complaint.pk}:{asked + 1}",
        fields=_case_fields(complaint),
        customer=complaint.customer,
        complaint_id=complaint.pk,
    )


def free_message(complaint: Complaint) -> NewMessage:
    """Whatever else is to be said; each one of a case is an occasion of its own."""
    said = complaint.messages.filter(kind=Message.Kind.OTHER, direction=Message.Direction.OUT).count()
    return NewMessage(
        kind=MessageKind.MESSAGE,
        key=f"message:{complaint.pk}:{said + 1}",
        fields=_case_fields(complaint),
        customer=complaint.customer,
        complaint_id=complaint.pk,
    )


def decision(complaint: Complaint) -> NewMessage:
    """The outcome of a decided complaint and its reasons (R5): what was given back with its calculation, or the way
    to take it further.
    """
    assert complaint.decision is not None
    return decision_letter(complaint.decision, complaint)


def decision_letter(made: Decision, complaint: Complaint) -> NewMessage:
    """As ``decision``, of the complaint that was decided, which may be merged into another since."""
    fields: dict[str, Value] = {
        **_case_fields(complaint),
        "reasons": made.reasons,
        "appeal_route": complaint.terms.appeal_route,
    }
    if made.outcome != Decision.Outcome.REJECTED:
        fields |= _refund_fields(complaint)
        fields["partly"] = "yes" if made.outcome == Decision.Outcome.PARTLY_UPHELD else ""
    return NewMessage(
        kind=MessageKind.DECISION_REJECTED
        if made.outcome == Decision.Outcome.REJECTED
        else MessageKind.DECISION_UPHELD,
        key=f"decision:{made.pk}",
        fields=fields,
        customer=complaint.customer,
        complaint_id=complaint.pk,
    )


def _case_fields(complaint: Complaint) -> dict[str, Value]:
    return {"code": complaint.code, "subject": complaint.subject}


def _refund_fields(complaint: Complaint) -> dict[str, Value]:
    """What the case's settled refunds gave, in plain words. A period heads its lines when there are several."""
    language = complaint.customer.language
    refunds: Sequence[Refund] = sorted(
        (refund for refund in complaint.refunds.select_related("period") if refund.state == Refund.State.SETTLED),
        key=lambda refund: refund.pk,
    )
    if not refunds:
        return {}
    lines: list[str] = []
    remedies: list[str] = []
    for refund in refunds:
        if len(refunds) > 1:
            lines.append(period_in_words(refund, language))
        lines += calculation_in_words(refund, language)
        remedies += remedies_in_words(refund, language)
    total = sum((refund.total for refund in refunds), Decimal(0))
    # All refunds of a case are about one subscription, which has one currency.
    return {
        "refund_total": Reader(language).money(total, refunds[0].currency),
        "calculation": lines,
        "remedies": remedies,
    }


# --- As drafts for staff ------------------------------------------------------------------------


def acknowledgement_text(complaint: Complaint) -> str:
    """How the acknowledgement would read now."""
    return draft_of(acknowledgement(complaint)).body


def question_text(complaint: Complaint) -> str:
    """A question's frame, for staff to put the question in."""
    return draft_of(question(complaint)).body


def free_text(complaint: Complaint) -> str:
    """A free message's frame, for staff to write into."""
    return draft_of(free_message(complaint)).body


def decision_text(complaint: Complaint) -> str:
    """How the decision would read now; "" before there is one."""
    return "" if complaint.decision is None else draft_of(decision(complaint)).body
