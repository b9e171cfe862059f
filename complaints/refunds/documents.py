"""What credit notes say: the case, the lines of the quote in words, and how the amount was given."""

from __future__ import annotations

from decimal import Decimal

from billing.documents.content import CreditNoteWords, WordedLine, register_credit_note_wording
from billing.invoices.models import CreditNote
from complaints.quotes.inputs_json import inputs_from_json
from complaints.quotes.text import lines_in_words, plan_in_words
from complaints.refunds.models import Refund
from complaints.reversals.models import Reversal
from core.amounts import money_text
from core.text import Text, say


@register_credit_note_wording
def words_of(note: CreditNote) -> CreditNoteWords | None:
    """The words of a refund's note, or of its reversal's; None for a note that neither made."""
    refund = Refund.objects.filter(credit_note=note).select_related("complaint", "period").first()
    if refund is not None:
        return _refund(refund)
    reversal = Reversal.objects.filter(credit_note=note).select_related("refund__complaint", "charge").first()
    return _reversal(reversal) if reversal is not None else None


def _refund(refund: Refund) -> CreditNoteWords:
    given = plan_in_words(refund.remedy_plan, refund.currency, refund.set_off)
    lines = lines_in_words(
        inputs_from_json(refund.inputs),
        refund.lines,
        refund.period,
        counted=refund.counted,
        reduction_reason=refund.reduction_reason,
    )
    return CreditNoteWords(
        [
            WordedLine(f"{line.label}: {line.detail}", money_text(Decimal(stored["amount"]), refund.currency))
            for line, stored in zip(lines, refund.lines, strict=True)
        ],
        facts=_facts(refund),
        notes=(say("Given as {remedies}.", remedies=given),),
    )


def _reversal(reversal: Reversal) -> CreditNoteWords:
    refund = reversal.refund
    lines = [WordedLine(say("Taken back of what was given"), money_text(reversal.recovered, refund.currency))]
    if reversal.due_again:
        due = money_text(reversal.due_again, refund.currency)
        lines.append(WordedLine(say("Due again: what was set off against the unpaid fee"), due))
    if reversal.charge is not None:
        charged = money_text(reversal.charge.amount, refund.currency)
        lines.append(WordedLine(say("Charged on the next invoice: what was used"), charged))
    return CreditNoteWords(lines, facts=_facts(refund))


def _facts(refund: Refund) -> tuple[tuple[Text, str], ...]:
    return ((say("Complaint"), refund.complaint.code), (say("Refund"), refund.code))
