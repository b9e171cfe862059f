"""What a customer is told about a case: the right words, language and figures, through the outbox or on record."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError

from accounts.customers.models import Customer
from complaints.cases.actions import acknowledge_complaint, ask_customer, attach_file, resume_complaint
from complaints.cases.decisions.actions import communicate_decision, reopen_complaint
from complaints.cases.files.models import Attachment
from complaints.cases.models import Message
from complaints.letters.drafts import acknowledgement_text, decision_text, question_text
from complaints.letters.text import calculation_in_words
from messaging.outbox.models import Delivery, OutgoingMessage
from tests import factories
from tests.complaints.cases import (
    AS_OF,
    Desk,
    again,
    decide,
    decided,
    noon,
    propose,
    register,
    settled,
    spring_subscription,
    take_up,
)
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


def rossi(language: str = "it", **kwargs: str) -> Customer:
    return factories.CustomerFactory.create(name="Caffè Rossi", language=language, email="r@example.com", **kwargs)


# --- The decision -------------------------------------------------------------------------------


def test_an_upheld_decision_in_italian_has_the_quote_in_plain_words(desk: Desk) -> None:
    subscription = spring_subscription(customer=rossi())
    factories.usage(subscription, day=AS_OF, seconds=90)
    complaint = decided(desk, subscription=subscription)
    settled(desk, complaint)

    text = decision_text(again(complaint))

    assert text.startswith("Gentile Caffè Rossi,")
    assert "Lo riteniamo fondato.\n\nThe log shows it.\n" in text
    assert "Le restituiamo 39,97 EUR." in text
    for line in (
        "- Canone per il periodo 1 aprile 2024 – 30 aprile 2024: 60,00 EUR",
        "- Minuti usati: 1,5 a 0,02 EUR ciascuno: −0,03 EUR",
        "- Servizio già fornito: 10 giorni su 30: −20,00 EUR",
        "- 39,97 EUR come credito sulla prossima fattura",
    ):
        assert line in text
    for clause in ("R2", "R3", "usage"):
        assert clause not in text


def test_an_upheld_decision_in_english(desk: Desk) -> None:
    complaint = decided(desk, "partly_upheld")
    settled(desk, complaint, reduction=Decimal("15.00"), reduction_reason="One bad week of four")
    text = decision_text(again(complaint))
    assert "We find it justified in part." in text
    assert "We give you back 25.00 EUR." in text
    assert "- Fee for 1 April 2024 to 30 April 2024: 60.00 EUR" in text
    assert "- Service already provided, 10 of 30 days: −20.00 EUR" in text
    assert "- Less: One bad week of four: −15.00 EUR" in text
    assert "- 25.00 EUR as a credit on your next invoice" in text


def test_the_lines_told_add_up_to_the_total(desk: Desk) -> None:
    subscription = spring_subscription()
    factories.usage(subscription, day=AS_OF, seconds=100)
    refund = settled(desk, decided(desk, subscription=subscription))
    told = [line.rsplit(": ", 1)[1].removesuffix(" EUR") for line in calculation_in_words(refund, "en")]
    assert sum(Decimal(amount.replace("−", "-")) for amount in told) == refund.total


@pytest.mark.parametrize("language", ["en", "it"])
@pytest.mark.parametrize(
    ("remedies", "said"),
    [
        ([{"kind": "minutes"}], {"en": "40.00 EUR as 2,000 minutes", "it": "40,00 EUR come 2.000 minuti"}),
        (
            [{"kind": "extension"}],
            {"en": "40.00 EUR as 20 more days of service", "it": "40,00 EUR come 20 giorni di servizio in più"},
        ),
        (
            [{"kind": "cash", "amount": "10.00"}, {"kind": "credit"}],
            {"en": "10.00 EUR paid to your account", "it": "10,00 EUR versati sul suo conto"},
        ),
    ],
    ids=["minutes", "extension", "mix"],
)
def test_every_remedy_has_its_words(
    desk: Desk, language: str, remedies: list[dict[str, str]], said: dict[str, str]
) -> None:
    subscription = factories.paid_subscription(customer=rossi(language))
    complaint = decided(desk, subscription=subscription, received_on=factories.days_ago(1))
    complaint.period.refresh_from_db()
    refund = settled(desk, complaint, "special", special_amount=Decimal("40.00"), remedies=remedies)
    assert refund.total == Decimal("40.00")
    assert said[language] in decision_text(again(complaint))


def test_a_rejection_names_its_reasons_and_the_way_to_take_it_further(desk: Desk) -> None:
    complaint = decided(desk, "rejected", subscription=spring_subscription(customer=rossi()))
    text = decision_text(complaint)
    assert "non possiamo accoglierlo" in text
    assert "The log shows it." in text
    assert f"può rivolgersi a: {complaint.terms.appeal_route}." in text


def test_what_is_not_settled_is_not_promised(desk: Desk) -> None:
    complaint = decided(desk)
    propose(desk, complaint)
    assert "We give you back" not in decision_text(again(complaint))


# --- The outbox ---------------------------------------------------------------------------------


def test_the_sent_text_is_the_one_on_the_case(desk: Desk) -> None:
    complaint = decided(desk, subscription=spring_subscription(customer=rossi()))
    text = decision_text(complaint).replace("Cordiali saluti", "Un caro saluto")

    message = communicate_decision(complaint.pk, by=desk.agent, text=text)

    sent = message.outgoing
    assert sent is not None
    assert sent.body == message.text == text
    assert (sent.subject, sent.recipient) == (f"La nostra decisione sul suo reclamo {complaint.code}", "r@example.com")
    assert (sent.kind, sent.language, sent.complaint_id) == ("decision_upheld", "it", complaint.pk)
    assert (sent.queued_by, sent.customer_id) == (desk.agent, complaint.customer_id)
    assert sent.delivery.state == Delivery.State.QUEUED
    assert message.correspondent == "r@example.com"


@pytest.mark.parametrize("channel", ["phone", "letter", "web", "in_person"])
def test_what_is_told_otherwise_is_only_on_record(desk: Desk, channel: str) -> None:
    complaint = decided(desk)
    message = communicate_decision(complaint.pk, by=desk.agent, text="We agree.", channel=channel)
    assert (message.outgoing, message.channel) == (None, channel)
    assert not OutgoingMessage.objects.exists()


def test_an_acknowledgement_goes_out_with_code_and_last_day(desk: Desk) -> None:
    complaint = register(desk, spring_subscription(customer=rossi("en")), received_at=noon(10))
    text = acknowledgement_text(complaint)
    assert "reached us on 10 April 2024" in text
    message = acknowledge_complaint(complaint.pk, by=desk.agent, text=text)
    assert message.outgoing is not None
    assert message.outgoing.subject == f"We have your complaint {complaint.code}"


def test_each_question_is_a_message_and_an_empty_frame_is_none(desk: Desk) -> None:
    complaint = take_up(desk, register(desk))
    frame = question_text(complaint)
    assert_refused("text_missing", lambda: ask_customer(complaint.pk, by=desk.agent, text=frame))
    first = ask_customer(complaint.pk, by=desk.agent, text=frame.replace("…", "Since when?"))
    resume_complaint(complaint.pk, by=desk.agent)
    second = ask_customer(complaint.pk, by=desk.agent, text=frame.replace("…", "On which line?"))
    assert first.outgoing is not None
    assert second.outgoing is not None
    assert first.outgoing != second.outgoing
    assert "Since when?" in first.outgoing.body


def test_a_later_decision_is_told_anew(desk: Desk) -> None:
    complaint = decided(desk)
    first = communicate_decision(complaint.pk, by=desk.agent, text="We agree.")
    reopen_complaint(complaint.pk, by=desk.lead, reason="New facts")
    decide(desk, complaint, "partly_upheld")
    second = communicate_decision(complaint.pk, by=desk.agent, text="We agree in part.")
    assert first.outgoing != second.outgoing
    assert OutgoingMessage.objects.filter(complaint_id=complaint.pk).count() == 2


def test_without_an_address_nothing_is_told_by_email(desk: Desk) -> None:
    customer = factories.CustomerFactory.create(email="")
    complaint = decided(desk, subscription=spring_subscription(customer=customer))

    def tell(recipient: str = "") -> Message:
        return communicate_decision(complaint.pk, by=desk.agent, text="We agree.", recipient=recipient)

    assert_refused("no_address", tell, saying="no e-mail address")
    assert_refused("recipient", tell, "Ms Rossi")
    message = tell("ms.rossi@example.com")
    assert message.outgoing is not None
    assert message.outgoing.recipient == "ms.rossi@example.com"


def test_a_refused_message_leaves_nothing_in_the_outbox(desk: Desk) -> None:
    complaint = decided(desk, "rejected")
    assert_refused("appeal_route_missing", communicate_decision, complaint.pk, by=desk.agent, text="No.")
    assert not OutgoingMessage.objects.exists()
    assert not Message.objects.exists()


# --- Attachments --------------------------------------------------------------------------------


def stored() -> set[str]:
    root = Path(settings.MEDIA_ROOT)
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def file(content: bytes = b"The log", name: str = "log.txt", kind: str = "text/plain") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type=kind)


def test_a_refused_registration_leaves_no_file(desk: Desk) -> None:
    subscription = spring_subscription()
    before = stored()
    good, bad = file(), file(b"#!", "virus.exe", "application/x-msdownload")
    assert_refused("attachment", lambda: register(desk, subscription, attachments=[good, bad]))
    assert stored() == before


def test_a_file_goes_again_when_anything_fails_after_it_was_written(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaint = register(desk)
    before = stored()

    def fail(self: Attachment, *args: object, **kwargs: object) -> None:
        raise IntegrityError("the row cannot be written")

    monkeypatch.setattr(Attachment, "save", fail)
    with pytest.raises(IntegrityError):
        attach_file(complaint.pk, by=desk.agent, file=file())
    assert stored() == before


def test_a_file_that_is_taken_stays(desk: Desk) -> None:
    complaint = register(desk, attachments=[file()])
    attachment = complaint.attachments.get()
    with default_storage.open(attachment.file.name or "") as kept:
        assert kept.read() == b"The log"
