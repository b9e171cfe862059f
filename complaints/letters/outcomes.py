"""The letter for an outcome that a customer has to hear of: by its template, from the rows of the outcome."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import override

from complaints.letters import drafts
from complaints.letters.text import calculation_in_words, end_in_words, period_in_words, remedies_in_words
from complaints.notices.models import Notice
from complaints.refunds.models import Refund
from complaints.reversals.models import Reversal
from core.text import say
from messaging.outbox.models import OutgoingMessage
from messaging.outbox.queue import NewMessage, draft_of
from messaging.templates.kinds import Value
from messaging.templates.models import MessageKind
from messaging.templates.reader import Reader

_KINDS = {
    Notice.Outcome.SETTLED: MessageKind.REFUND_SETTLED,
    Notice.Outcome.REVERSED: MessageKind.REFUND_REVERSED,
    Notice.Outcome.ENDED: MessageKind.REFUND_ENDED,
}


def outcome_letter(notice: Notice) -> NewMessage:
    """The letter that tells the outcome; another one than any that told it before and was given up."""
    letter = _letter(notice)
    if not OutgoingMessage.objects.filter(key=letter.key).exists():
        return letter
    before = OutgoingMessage.objects.filter(key__startswith=f"{letter.key}:again").exclude(key__contains="#").count()
    return replace(letter, key=f"{letter.key}:again{before + 1}")


def _letter(notice: Notice) -> NewMessage:
    if notice.decision is not None:
        letter = drafts.decision_letter(notice.decision, notice.decision.complaint)
        return replace(letter, complaint_id=notice.complaint_id)
    refund = notice.about_refund
    assert refund is not None
    reader = Reader(notice.complaint.customer.language)
    fields: dict[str, Value] = {
        "code": notice.complaint.code,
        "subject": notice.complaint.subject,
        "refund": refund.code,
        "amount": reader.money(refund.total, refund.currency),
    }
    if notice.reversal is not None:
        fields |= _taken_back(notice.reversal, reader)
    elif notice.outcome == Notice.Outcome.SETTLED:
        fields |= _given(refund, reader)
    return NewMessage(
        kind=_KINDS[Notice.Outcome(notice.outcome)],
        key=f"notice:{notice.pk}",
        fields=fields,
        customer=notice.complaint.customer,
        complaint_id=notice.complaint_id,
    )


def outcome_text(notice: Notice) -> str:
    """How the letter would read now, for staff to change before it is sent."""
    return draft_of(outcome_letter(notice)).body


def _given(refund: Refund, reader: Reader) -> dict[str, Value]:
    return {
        "about": period_in_words(refund, reader.language),
        "day": _day(refund.settled_at, reader),
        "calculation": calculation_in_words(refund, reader.language),
        "remedies": remedies_in_words(refund, reader.language),
    }


def _taken_back(reversal: Reversal, reader: Reader) -> dict[str, Value]:
    refund = reversal.refund
    charged = reversal.used if reversal.charge_used else Decimal(0)

    def money(amount: Decimal) -> str:
        return reader.money(amount, refund.currency)

    with override(reader.language):
        lines = []
        if reversal.recovered:
            lines.append(str(say("{amount} that you had not used yet", amount=money(reversal.recovered))))
        if charged:
            lines.append(str(say("{amount} that you had used, as a charge", amount=money(charged))))
        if reversal.due_again:
            invoice = refund.period.invoice.number
            again = say("{amount} due again on invoice {invoice}", amount=money(reversal.due_again), invoice=invoice)
            lines.append(str(again))
    return {
        "about": period_in_words(refund, reader.language),
        "day": _day(reversal.decided_at, reader),
        "taken_back": money(reversal.taken_back),
        "lines": lines + end_in_words(refund, reader.language),
    }


def _day(moment: datetime | None, reader: Reader) -> str:
    assert moment is not None
    return reader.day(timezone.localdate(moment))
