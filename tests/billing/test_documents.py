"""Invoices and credit notes as documents: what stands on them, as a page and as PDF."""

from __future__ import annotations

import re
import zlib
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import translation

from billing.documents import content
from billing.documents.content import CreditNoteWords, WordedLine, credit_note_document, invoice_document
from billing.documents.pdf import to_pdf
from billing.invoices.credit_notes.actions import issue_credit_note
from billing.invoices.models import CreditNote, Invoice
from billing.payments.models import BankLine
from tests import factories

pytestmark = pytest.mark.django_db

WORDS = CreditNoteWords(
    [WordedLine("Subscription fee", "60.00 EUR"), WordedLine("Time provided", "−20.00 EUR")],
    facts=[("Complaint", "K-1")],
    notes=["Given as a credit on your next invoice."],
)


#: What every document ends with (F11).
CONTACTS = ("Questions: help@example.com.", "To cancel your service: cancel@example.com.")


@pytest.fixture(autouse=True)
def a_company(db: None) -> None:
    factories.company_profile()


def an_invoice(**customer: str) -> Invoice:
    subscription = factories.open_subscription(customer=factories.CustomerFactory.create(**customer))
    return Invoice.objects.get(period__subscription=subscription)


def a_note() -> CreditNote:
    period = factories.paid_invoice().period
    assert period is not None
    return issue_credit_note(period, Decimal("40.00"))


def test_an_invoice_names_both_sides_its_lines_and_what_is_due() -> None:
    invoice = an_invoice(
        name="Łódź Bakery",
        tax_number="IT123",
        **factories.address("Via Post 1, 00100 Roma"),
        **factories.address("Via Bill 2, 00200 Roma", of="billing"),
    )
    invoice = factories.pay(invoice, Decimal("10.00"))
    document = invoice_document(invoice)
    assert document.company.lines == (
        "Via del Molo 1",
        "16100 Genova",
        "Italy",
        "Registration number REA GE-123456",
        "Tax number IT00743110157",
    )
    assert (document.customer.name, document.customer.lines) == (
        "Łódź Bakery",
        ("Via Bill 2", "00200 Roma", "Italy", "Tax number IT123"),
    )
    assert document.rows[0][1:] == ("22 %", "49.18 EUR", "10.82 EUR", "60.00 EUR")
    assert dict(document.sums) == {
        "Net": "49.18 EUR",
        "Tax": "10.82 EUR",
        "Gross": "60.00 EUR",
        "Less payments received": "−10.00 EUR",
        "Due": "50.00 EUR",
    }
    assert "50.00 EUR to IT60 X054 2811 1010 0000 0123 456" in document.notes[0]
    assert document.notes[1:] == CONTACTS


def test_a_paid_invoice_asks_for_nothing() -> None:
    assert invoice_document(factories.paid_invoice()).notes == CONTACTS


def test_a_credit_note_says_what_it_is_for_in_the_words_given() -> None:
    note = a_note()
    document = credit_note_document(note, WORDS)
    assert document.rows == (("Subscription fee", "60.00 EUR"), ("Time provided", "−20.00 EUR"))
    assert ("Complaint", "K-1") in document.facts
    assert note.of_invoice is not None
    assert ("For invoice", note.of_invoice.number) in document.facts
    assert document.sums == (("Net", "32.79 EUR"), ("Tax, 22 %", "7.21 EUR"), ("Total", "40.00 EUR"))


def test_an_app_can_bring_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "_wordings", [lambda note: None, lambda note: WORDS])
    assert credit_note_document(a_note()).notes == (*WORDS.notes, *CONTACTS)


def test_without_words_the_period_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "_wordings", [])
    note = a_note()
    assert credit_note_document(note).rows == ((f"Given back for {note.period}", "40.00 EUR"),)


def test_a_document_is_the_same_in_every_language() -> None:
    invoice, note = an_invoice(country="DE"), a_note()
    english = invoice_document(invoice), credit_note_document(note)
    with translation.override("it"):
        assert (invoice_document(invoice), credit_note_document(note)) == english
    assert "Germany" in english[0].customer.lines


def test_a_line_that_is_kept_is_english_whoever_opens_the_subscription() -> None:
    with translation.override("it"):
        period = factories.open_subscription().periods.get()
    assert period.invoice.lines.get().text == f"{period.plan.name}, {period.starts_on} to {period.last_day}"


def test_a_reversal_names_the_note_it_takes_back() -> None:
    note = a_note()
    assert note.period is not None
    back = issue_credit_note(note.period, Decimal("40.00"), kind=CreditNote.Kind.REVERSAL, reverses=note)
    document = credit_note_document(back, WORDS)
    assert document.title == "Reversal of a credit note"
    assert ("Takes back", note.number) in document.facts


def test_the_pdf_is_one_the_same_each_time_whatever_letters_there_are() -> None:
    document = invoice_document(an_invoice(name="Łódź Ελλάς Київ 東京", billing_street="A very long street " * 10))
    drawn = to_pdf(document)
    assert drawn.startswith(b"%PDF-")
    assert drawn == to_pdf(document)
    assert pages(drawn) == 1


def test_a_long_one_runs_over_several_pages() -> None:
    many = CreditNoteWords([WordedLine(f"Line {n} " + "with many words " * 8, "1.00 EUR") for n in range(80)])
    assert pages(to_pdf(credit_note_document(a_note(), many))) > 1


def pages(drawn: bytes) -> int:
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", drawn, re.DOTALL)
    assert any(b"Tj" in zlib.decompress(stream) or b"TJ" in zlib.decompress(stream) for stream in streams[:1])
    return len(re.findall(rb"/Type /Page\b", drawn))


def test_the_pages_of_a_document_and_who_sees_them(client: Client) -> None:
    note, invoice = a_note(), an_invoice(name="<b>Bakery</b>")
    places = [("creditnote", note.pk, note.number), ("invoice", invoice.pk, invoice.number)]
    for person, seen in ((factories.auditor(), True), (factories.administrator(), False)):
        client.force_login(person, backend="accounts.staff.auth.StaffBackend")
        for model, pk, number in places:
            page = client.get(reverse(f"admin:billing_{model}_document", args=(pk,)))
            pdf = client.get(reverse(f"admin:billing_{model}_pdf", args=(pk,)))
            if not seen:
                assert (page.status_code, pdf.status_code) == (403, 403)
                continue
            assert number in page.content.decode()
            assert "<b>Bakery</b>" not in page.content.decode()
            assert "<style" not in page.content.decode()
            assert pdf["Content-Type"] == "application/pdf"
            assert pdf.content.startswith(b"%PDF-")
    client.force_login(factories.auditor(), backend="accounts.staff.auth.StaffBackend")
    assert client.get(reverse("admin:billing_invoice_document", args=(10**6,))).status_code == 404


def test_a_statement_is_read_on_its_page(client: Client) -> None:
    client.force_login(factories.billing_clerk(), backend="accounts.staff.auth.StaffBackend")
    url = f"{reverse('admin:billing_bankline_changelist')}do/read_statement/"
    header = "booked_on,amount,currency,payer,text\n"

    def send(text: str, **more: Any) -> Any:
        upload = SimpleUploadedFile("s.csv", text.encode())
        return client.post(url, {"file": upload, "columns": "own", **more}, follow=True)

    assert "Row 2, amount: “x”" in send(f"{header}2026-01-01,x,EUR,A,T\n").content.decode()
    assert "The submitted file is empty." in send("").content.decode()
    assert "a header and no rows" in send(header).content.decode()
    assert "has no column" in send("a,b\n1,2\n").content.decode()
    own = SimpleUploadedFile("m.toml", b"[fields]\n")
    assert "must be there" in send(f"{header}2026-01-01,1.00,EUR,A,T\n", own_map=own).content.decode()
    assert not BankLine.objects.exists()
    page = send(f"{header}2026-01-01,1.00,EUR,A,T\n").content.decode()
    assert "1 row: 1 not matched." in page
    assert BankLine.objects.get().file_name == "s.csv"


def test_a_document_keeps_the_company_of_its_day() -> None:
    invoice = an_invoice()
    factories.company_profile(name="Another Name", valid_from=factories.today() + timedelta(days=1))
    assert invoice_document(invoice).company.name == "Example Telephony"
    factories.company_profile(name="The Name of That Day", valid_from=invoice.issued_on)
    assert invoice_document(invoice).company.name == "The Name of That Day"


def test_the_logo_is_on_the_page_and_in_the_pdf(client: Client) -> None:
    invoice = an_invoice()
    plain = len(to_pdf(invoice_document(invoice)))
    profile = factories.company_profile(logo=True, valid_from=invoice.issued_on)
    assert profile.logo is not None
    document = invoice_document(invoice)
    assert len(to_pdf(document, bytes(profile.logo.png))) > plain
    client.force_login(factories.billing_clerk(), backend="accounts.staff.auth.StaffBackend")
    page = client.get(f"/billing/invoice/{invoice.pk}/document/").content.decode()
    assert f'src="/policy/logo-{profile.logo_id}.png"' in page
    assert client.get(f"/billing/invoice/{invoice.pk}/document.pdf").status_code == 200
