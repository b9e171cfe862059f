"""How a notice comes to be owed, and what meets it. For use inside actions that make an outcome, the case locked."""

from __future__ import annotations

import re

from django.db.models import QuerySet
from django.utils import timezone

from accounts.staff.models import User
from billing.money import format_amount
from complaints.cases.models import Complaint, Decision, Message
from complaints.notices.models import Notice
from complaints.refunds.models import Refund
from complaints.reversals.models import Reversal
from messaging.outbox.actions import register_given_up
from messaging.outbox.models import OutgoingMessage
from messaging.templates.reader import Reader

State, Outcome = Notice.State, Notice.Outcome


def _case_of(complaint: Complaint) -> Complaint:
    """The case that goes on: of a merged complaint the survivor, by way of others too."""
    while complaint.merged_into is not None:
        complaint = complaint.merged_into
    return complaint


def owe_decision(decision: Decision) -> Notice:
    """The customer has to hear the decision. An older one that nobody told is told by it."""
    now = timezone.now()
    for older in Notice.objects.owed().filter(complaint=decision.complaint, outcome=Outcome.DECISION):
        older.state, older.met_at = State.TAKEN_OVER, now
        older.save()
    return _owe(Notice(complaint=_case_of(decision.complaint), outcome=Outcome.DECISION, decision=decision))


def owe_settled(refund: Refund) -> Notice:
    """The customer has to hear what was given."""
    return _owe(Notice(complaint=_case_of(refund.complaint), outcome=Outcome.SETTLED, refund=refund))


def owe_reversed(reversal: Reversal) -> Notice:
    """The customer has to hear what was taken back."""
    return _owe(Notice(complaint=_case_of(reversal.refund.complaint), outcome=Outcome.REVERSED, reversal=reversal))


def owe_ended(refund: Refund) -> Notice | None:
    """A refund ends without being given: the customer has to hear it if its amount, or that of the refund which it
    retries, was told; what was never told owes nothing.
    """
    if not (amount_was_told(refund) or Notice.objects.filter(retry=refund).exists()):
        return None
    return _owe(Notice(complaint=_case_of(refund.complaint), outcome=Outcome.ENDED, refund=refund))


def retry_takes_over(refund: Refund) -> None:
    """What is owed of the refund that this one retries is told with this one's own end."""
    for notice in Notice.objects.owed().filter(refund=refund.retry_of_id, outcome=Outcome.ENDED):
        notice.state, notice.retry, notice.met_at = State.TAKEN_OVER, refund, timezone.now()
        notice.save()


def amount_was_told(refund: Refund) -> bool:
    """Whether a message to the customer since the draft names the refund's amount, in either way of writing it."""
    if not refund.total:
        return False
    plain = format_amount(refund.total, refund.currency)
    readers = [Reader(language).money(refund.total, refund.currency).split()[0] for language in ("en", "it")]
    spellings = "|".join(re.escape(one) for one in {plain, plain.replace(".", ","), *readers})
    named = re.compile(rf"(?<![\d.,])(?:{spellings})(?!\d)")
    cases = [case.pk for case in refund.complaint.matter()]
    said = Message.objects.filter(
        complaint__in=cases, direction=Message.Direction.OUT, at__gte=refund.drafted_at
    ).values_list("text", flat=True)
    return any(named.search(text) for text in said)


def tell(notices: QuerySet[Notice], message: Message, *, by: User) -> None:
    """The message tells these outcomes."""
    for notice in notices:
        notice.state, notice.message = State.TOLD, message
        notice.met_by, notice.met_at = by, message.at
        notice.save()


@register_given_up
def owe_again(letter: OutgoingMessage) -> None:
    """A letter was given up: what it, or the one that it is a copy of, told is owed again."""
    first = letter.key.partition("#")[0]
    told = Notice.objects.filter(state=State.TOLD, message__outgoing__key=first)
    for notice in told.select_for_update(of=("self",), no_key=True):
        notice.state, notice.message = State.OWED, None
        notice.met_by = notice.met_at = None
        notice.save()


def told_by_decision(complaint: Complaint) -> QuerySet[Notice]:
    """What a letter about the decision tells of what is owed: the decision, and when upheld the settled refunds,
    which it names.
    """
    outcomes = [Outcome.DECISION]
    if complaint.decision is not None and complaint.decision.is_upheld:
        outcomes.append(Outcome.SETTLED)
    owed: QuerySet[Notice] = Notice.objects.owed().filter(complaint=complaint, outcome__in=outcomes)
    return owed


def move_to_survivor(complaint: Complaint, survivor: Complaint) -> None:
    """What is owed of a case that is merged is owed on the survivor."""
    for notice in Notice.objects.owed().filter(complaint=complaint):
        notice.complaint = survivor
        notice.save()


def _owe(notice: Notice) -> Notice:
    notice.arose_at = timezone.now()
    notice.save()
    return notice
