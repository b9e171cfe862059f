"""What stands on an invoice or a credit note, in words and written amounts, ready to be drawn.

In English, whoever looks at it: a document is the same for everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils import translation
from django.utils.formats import date_format, number_format

from accounts.company.facts import company_on, logo_url
from accounts.company.models import CompanyDetails
from accounts.customers.models import Customer
from billing.invoices.models import CreditNote, Invoice
from core.amounts import money_text
from core.text import RECORD, Text
from core.validators import countries


@dataclass(frozen=True, slots=True)
class Party:
    """A name with the lines below it: address, tax number."""

    name: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """All that is drawn. Of each row the first cell is text, the others are numbers; the last sum is the total."""

    title: str
    number: str
    issued_on: date
    company: Party
    customer: Party
    facts: tuple[tuple[str, str], ...]
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    sums: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()
    logo_id: int | None = None

    @property
    def logo_url(self) -> str:
        return logo_url(self.logo_id)

    @property
    def file_name(self) -> str:
        return f"{self.title.lower().replace(' ', '-')}-{self.number}.pdf"


@dataclass(frozen=True, slots=True)
class WordedLine:
    """One line of how an amount came about; ``amount`` is written already, with its sign."""

    text: Text
    amount: Text


@dataclass(frozen=True, slots=True)
class CreditNoteWords:
    """What whoever gave the amount back says about it: which case, how it was counted, how it was given."""

    lines: Sequence[WordedLine]
    facts: Sequence[tuple[Text, str]] = ()
    notes: Sequence[Text] = ()


type Wording = Callable[[CreditNote], CreditNoteWords | None]

_wordings: list[Wording] = []


def register_credit_note_wording(wording: Wording) -> Wording:
    """Let an app to the right say what its credit notes are for; it returns None for notes that are not its own."""
    if wording not in _wordings:
        _wordings.append(wording)
    return wording


@translation.override(RECORD)
def invoice_document(invoice: Invoice) -> Document:
    """An invoice with its lines, the credits and payments that came off it, and what is due."""
    unit = invoice.currency
    by = company_on(invoice.issued_on)
    sums = [("Net", invoice.net), ("Tax", invoice.tax), ("Gross", invoice.gross)]
    sums += [
        (words, -amount)
        for words, amount in (
            ("Less credits applied", invoice.credited),
            ("Less payments received", invoice.paid),
            ("Less set off by credit notes", invoice.set_off),
            ("Void by credit note", invoice.voided),
        )
        if amount
    ]
    return Document(
        title="Invoice",
        number=invoice.number,
        issued_on=invoice.issued_on,
        company=issuer(by),
        customer=billed_party(invoice.customer),
        facts=(
            ("Date", date_format(invoice.issued_on)),
            ("Due", date_format(invoice.due_on)),
            ("Customer number", invoice.customer.number),
            ("Subscription", invoice.subscription.number),
        ),
        headings=("Description", "Tax rate", "Net", "Tax", "Gross"),
        rows=tuple(
            (
                line.text,
                _rate(line.tax_rate),
                *(str(money_text(amount, unit)) for amount in (line.net, line.tax, line.gross)),
            )
            for line in invoice.lines.all()
        ),
        sums=tuple((words, str(money_text(amount, unit))) for words, amount in (*sums, ("Due", invoice.due))),
        notes=(*(_pay_to(invoice, by) if invoice.due else ()), *_contacts(by)),
        logo_id=by.logo_id,
    )


@translation.override(RECORD)
def credit_note_document(note: CreditNote, words: CreditNoteWords | None = None) -> Document:
    """A credit note with its lines in words: the given ones, or those of the app that knows what it is for."""
    said = words or next((found for wording in _wordings if (found := wording(note)) is not None), None)
    said = said or _void_words(note)
    unit = note.currency
    by = company_on(note.issued_on)
    facts = [
        ("Date", date_format(note.issued_on)),
        ("Customer number", note.customer.number),
        ("Subscription", note.subscription.number),
        *([("Period", str(note.period))] if note.period is not None else []),
    ]
    if note.of_invoice is not None:
        facts.append(("For invoice", note.of_invoice.number))
    if note.reverses is not None:
        facts.append(("Takes back", note.reverses.number))
    rate = "" if note.tax_rate is None else f", {_rate(note.tax_rate)}"
    sums = [("Net", note.net), (f"Tax{rate}", note.tax), ("Total", note.gross)]
    if note.kind == note.Kind.INVOICE:
        # The total says it all where no credit had borne any of it.
        if credited := note.gross - note.set_off:
            sums += [("No longer to pay", note.set_off), ("Given back as credit", credited)]
    elif note.set_off and note.kind == note.Kind.REVERSAL:
        sums.append(("Of which due again", note.set_off))
    elif note.set_off:
        sums += [("Of which set off", note.set_off), ("Payable", note.gross - note.set_off)]
    return Document(
        title=note.get_kind_display(),
        number=note.number,
        issued_on=note.issued_on,
        company=issuer(by),
        customer=billed_party(note.customer),
        facts=(*facts, *((str(name), value) for name, value in said.facts)),
        headings=("Description", "Amount"),
        rows=tuple((str(line.text), str(line.amount)) for line in said.lines),
        sums=tuple((words, str(money_text(amount, unit))) for words, amount in sums),
        notes=(*map(str, said.notes), *_contacts(by)),
        logo_id=by.logo_id,
    )


def _void_words(note: CreditNote) -> CreditNoteWords:
    """The words of a note that no refund made: the lines of the void invoice, less what notes had given back of it; or
    the period's fee.
    """
    unit, invoice = note.currency, note.invoice
    if invoice is None:
        return CreditNoteWords([WordedLine(f"Given back for {note.period}", money_text(note.gross, unit))])
    lines = [
        WordedLine(f"{line.text}, {_rate(line.tax_rate)} tax", money_text(line.gross, unit))
        for line in invoice.lines.all()
    ]
    if before := invoice.gross - note.gross:
        lines.append(WordedLine("Given back by earlier credit notes", money_text(-before, unit)))
    return CreditNoteWords(lines)


def issuer(by: CompanyDetails) -> Party:
    """Who issues the document, as the company called itself on its day."""
    lines = [*by.address.lines]
    if by.address.country:
        lines.append(countries().get(by.address.country, by.address.country))
    numbers = (("Registration number", by.registration_number), ("Tax number", by.tax_number))
    lines += [f"{label} {number}" for label, number in numbers if number]
    return Party(by.name, tuple(lines))


def billed_party(customer: Customer) -> Party:
    """The customer with the billing address, or the postal one where there is no other."""
    address = customer.billing or customer.postal
    lines = [*address.lines, countries().get(address.country, address.country)]
    if customer.tax_number:
        lines.append(f"Tax number {customer.tax_number}")
    return Party(customer.name, tuple(lines))


def _contacts(by: CompanyDetails) -> tuple[str, ...]:
    """Whom to ask, and where to cancel (F11)."""
    said = (("Questions", by.questions), ("To cancel your service", by.cancellations))
    return tuple(f"{label}: {', '.join(contacts)}." for label, contacts in said if contacts)


def _pay_to(invoice: Invoice, by: CompanyDetails) -> tuple[str, ...]:
    account = f" to {by.bank_account}" if by.bank_account else ""
    until = date_format(invoice.due_on)
    return (f"Please pay {money_text(invoice.due, invoice.currency)}{account} by {until}, naming {invoice.number}.",)


def _rate(rate: Decimal) -> str:
    return f"{number_format(rate.normalize(), use_l10n=True)} %"
