"""The document of a refund says in words what its quote was made of."""

from __future__ import annotations

import pytest
from django.utils import timezone

from billing.documents.content import credit_note_document
from billing.documents.pdf import to_pdf
from complaints.reversals.actions import approve_reversal, propose_reversal
from tests import factories
from tests.complaints.cases import Desk, again, decided, settled

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    factories.approval_limits()
    return Desk()


def test_a_refunds_note_has_its_lines_its_case_and_its_remedy(desk: Desk) -> None:
    subscription = factories.paid_subscription(activated_on=factories.days_ago(10))
    refund = again(settled(desk, decided(desk, subscription=subscription, received_at=timezone.now())))
    assert refund.credit_note is not None
    document = credit_note_document(refund.credit_note)
    described = [row[0].split(":")[0] for row in document.rows]
    assert described == ["Subscription fee", "Minutes used", "Service already provided"]
    assert ("Complaint", refund.complaint.code) in document.facts
    assert document.sums[-1] == ("Total", f"{refund.total:f} EUR")
    assert document.notes == (f"Given as {refund.total:f} EUR as credit on the next cycle.",)
    assert to_pdf(document).startswith(b"%PDF")


def test_the_note_of_a_reversal_says_what_was_taken_back(desk: Desk) -> None:
    subscription = factories.paid_subscription(activated_on=factories.days_ago(10))
    refund = settled(desk, decided(desk, subscription=subscription, received_at=timezone.now()))
    proposed = propose_reversal(refund.pk, by=desk.agent, reason="Wrong customer")
    reversal = approve_reversal(proposed.pk, by=desk.director, charge_used=False)
    assert reversal.credit_note is not None
    document = credit_note_document(reversal.credit_note)
    assert document.rows == (("Taken back of what was given", f"{refund.total:f} EUR"),)
    first = again(refund).credit_note
    assert first is not None
    assert ("Takes back", first.number) in document.facts
