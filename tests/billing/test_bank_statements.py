"""Bank statements: what is matched, what is left for a person and why, what is refused with row and field."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from audit.models import Event
from billing.imports.bank import read_statement
from billing.imports.bank_map import load_bank_map, parse_bank_map
from billing.invoices.models import Invoice
from billing.payments.bank_lines.actions import (
    Became,
    StatementRefused,
    import_bank,
    match_bank_line,
    preview_bank,
    set_aside_bank_line,
)
from billing.payments.models import BankLine, Payment
from core.sheets.maps import MapProblem
from core.sheets.problems import FileProblem
from tests import factories
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db


def an_invoice() -> Invoice:
    return Invoice.objects.get(period__subscription=factories.open_subscription())


def line(text: str, amount: str = "60.00", currency: str = "EUR") -> str:
    return f"{factories.days_ago(2)},{amount},{currency},Harbour Bakery,{text}"


def why(text: str, amount: str = "60.00", currency: str = "EUR") -> str:
    """Why a line was not matched."""
    report = import_bank(factories.bank_statement(line(text, amount, currency)), by=factories.billing_clerk())
    assert [result.outcome for result in report.results] == [Became.UNMATCHED]
    kept = BankLine.objects.latest("pk")
    assert (kept.state, kept.payment) == (BankLine.State.UNMATCHED, None)
    return kept.why


@pytest.mark.parametrize("written", ["{}", "Invoice {}.", "inv.{} thanks"])
def test_a_payment_of_exactly_what_is_due_is_recorded(written: str) -> None:
    invoice = an_invoice()
    report = import_bank(factories.bank_statement(line(written.format(invoice.number))), by=factories.billing_clerk())
    invoice.refresh_from_db()
    kept = BankLine.objects.get()
    assert report.count(Became.MATCHED) == 1
    assert (invoice.state, invoice.paid) == (Invoice.State.PAID, Decimal("60.00"))
    assert kept.payment == Payment.objects.get()
    assert kept.payment is not None
    assert kept.payment.received_on == factories.days_ago(2)


@pytest.mark.parametrize("separator", ["/", " ", ""])
def test_numbers_as_banks_write_them(separator: str) -> None:
    invoice = an_invoice()
    import_bank(factories.bank_statement(line(invoice.number.replace("-", separator))), by=factories.billing_clerk())
    assert BankLine.objects.get().payment is not None


def test_each_reason_not_to_match() -> None:
    invoice, other = an_invoice(), an_invoice()
    number = invoice.number
    assert why("Thanks a lot") == "The text names no invoice."
    assert why("2026-999999") == "There is no invoice 2026-999999."
    assert why(f"CN-{number}") == "The text names no invoice."
    assert "several invoices" in why(f"{number} and {other.number}")
    assert why(number, "59.99") == f"On invoice {number} 60.00 EUR is due, not 59.99."
    assert why(number, "60.01") == f"On invoice {number} 60.00 EUR is due, not 60.01."
    assert why(number, currency="USD") == f"Invoice {number} is in EUR, the payment in USD."
    factories.pay(invoice)
    assert why(number) == f"Invoice {number} is paid already."
    assert Payment.objects.count() == 1


def test_of_two_payments_of_one_invoice_the_first_pays_it() -> None:
    invoice = an_invoice()
    report = import_bank(
        factories.bank_statement(line(invoice.number), line(invoice.number)), by=factories.billing_clerk()
    )
    assert [result.outcome for result in report.results] == [Became.MATCHED, Became.UNMATCHED]
    assert Payment.objects.count() == 1
    assert BankLine.objects.count() == 2


def test_a_statement_read_twice_adds_nothing_and_a_longer_one_only_what_is_new() -> None:
    clerk = factories.billing_clerk()
    invoice = an_invoice()
    twice = (line(invoice.number), line("Thanks"), line("Thanks"))
    import_bank(factories.bank_statement(*twice), by=clerk)
    again = import_bank(factories.bank_statement(*twice), by=clerk)
    assert [result.outcome for result in again.results] == [Became.KNOWN] * 3
    longer = import_bank(factories.bank_statement(*twice, line("Thanks")), by=clerk)
    assert longer.count(Became.UNMATCHED) == 1
    assert (BankLine.objects.count(), Payment.objects.count()) == (4, 1)


def test_money_that_went_out_is_passed_over() -> None:
    report = import_bank(factories.bank_statement(line("Rent", "-900.00")), by=factories.billing_clerk())
    assert report.count(Became.OUT) == 1
    assert not BankLine.objects.exists()


def test_a_preview_writes_nothing() -> None:
    invoice = an_invoice()
    events = Event.objects.count()
    statement = factories.bank_statement(line(invoice.number), line(invoice.number))
    report = preview_bank(statement, by=factories.billing_clerk())
    assert [result.outcome for result in report.results] == [Became.MATCHED, Became.UNMATCHED]
    assert not BankLine.objects.exists()
    assert not Payment.objects.exists()
    assert Event.objects.count() == events


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ("30/01/2026,60.00,EUR,X,T", "booked_on"),
        ("2026-02-30,60.00,EUR,X,T", "booked_on"),
        ("2999-01-01,60.00,EUR,X,T", "booked_on"),
        ("2026-01-30,sixty,EUR,X,T", "amount"),
        ("2026-01-30,60.001,EUR,X,T", "amount"),
        ("2026-01-30,0.00,EUR,X,T", "amount"),
        ("2026-01-30,60.00,EURO,X,T", "currency"),
        ("2026-01-30,60.00,EUR,=HYPERLINK(1),T", "payer"),
        ("2026-01-30,60.00,EUR,X,@cmd", "text"),
        ("2026-01-30,60.00,EUR,X", "row"),
    ],
)
def test_a_bad_row_refuses_the_file_and_names_row_and_field(bad: str, field: str) -> None:
    invoice = an_invoice()
    clerk = factories.billing_clerk()
    statement = factories.bank_statement(line(invoice.number), bad)
    refused = assert_refused("rows", import_bank, statement, by=clerk, saying=f"Row 3, {field}: ")
    assert isinstance(refused, StatementRefused)
    assert refused.data["rows"]["refused"] == 1


@pytest.mark.parametrize(
    ("raw", "saying"),
    [
        (b"", "empty"),
        (b"booked_on,amount,currency,payer,text\n", "no rows"),
        (b"booked_on,amount,currency,payer,text\n2026-01-30,1.00,EUR,Caf\xe9,T\n", "not UTF-8"),
        (b'booked_on,amount,currency,payer,text\n2026-01-30,1.00,EUR,"X,T\n', "never closed"),
        ("booked_on,amount,currency,payer,text\n".encode("utf-16"), "UTF-16"),
        (b"booked_on,amount,currency,payer,text\n" + b"x" * 2_000_000, "longer than"),
    ],
)
def test_what_is_no_statement_is_refused_as_a_whole(raw: bytes, saying: str) -> None:
    with pytest.raises(FileProblem, match=saying):
        read_statement(io.BytesIO(raw), load_bank_map("own"), file_name="x.csv", today=factories.today())


def test_a_missing_column_and_a_bad_map_are_told() -> None:
    with pytest.raises(MapProblem, match="no column “text”"):
        factories.bank_statement("2026-01-01,1.00,EUR,X", header="booked_on,amount,currency,payer")
    for raw, saying in (
        (b"fields = 3", "a table is due"),
        (b"[fields]\nbooked_on='a'", "must be there"),
        (b"[fields]\nbooked_on='a'\namount='b'\ncurrency='c'\ntext='d'\nwho='e'", "unknown"),
        (b"[fields]\nbooked_on='a'\namount='b'\ncurrency='c'\ntext=''", "fields.text"),
    ):
        with pytest.raises(MapProblem, match=saying):
            parse_bank_map(raw, name="m.toml")


def test_a_shipped_map_with_decimal_commas_and_two_text_columns() -> None:
    invoice = an_invoice()
    day = factories.days_ago(1)
    raw = f"Data contabile;Importo;Ordinante;Causale;Descrizione\n{day:%d/%m/%Y};60,00;X;BON;{invoice.number}\n"
    statement = read_statement(
        io.BytesIO(raw.encode()), load_bank_map("sepa_it"), file_name="x.csv", today=factories.today()
    )
    assert import_bank(statement, by=factories.billing_clerk()).count(Became.MATCHED) == 1


@pytest.mark.parametrize("role", ["agent", "lead", "manager", "auditor", "administrator"])
def test_only_billing_reads_statements_and_handles_lines(role: str) -> None:
    person = getattr(factories, role)()
    kept = factories.bank_line()
    assert_refused("permission", import_bank, factories.bank_statement(line("T")), by=person)
    assert_refused("permission", match_bank_line, kept.pk, by=person, invoice_number="2026-000001")
    assert_refused("permission", set_aside_bank_line, kept.pk, by=person, reason="A gift")


def test_a_person_matches_a_line_even_in_part() -> None:
    invoice = an_invoice()
    kept = factories.bank_line(amount="20.00")
    matched = match_bank_line(kept.pk, by=factories.billing_clerk(), invoice_number=invoice.number)
    invoice.refresh_from_db()
    assert (matched.state, matched.why, invoice.due) == (BankLine.State.MATCHED, "", Decimal("40.00"))


def test_what_cannot_be_matched_by_a_person() -> None:
    clerk = factories.billing_clerk()
    invoice = an_invoice()
    kept = factories.bank_line(amount="60.01")
    assert_refused("unknown", match_bank_line, kept.pk, by=clerk, invoice_number="2026-999999")
    assert_refused("overpaid", match_bank_line, kept.pk, by=clerk, invoice_number=invoice.number)
    foreign = a_foreign_line()
    assert_refused("currency", match_bank_line, foreign.pk, by=clerk, invoice_number=invoice.number)
    good = factories.bank_line(amount="60.00")
    match_bank_line(good.pk, by=clerk, invoice_number=invoice.number)
    assert_refused("state", match_bank_line, good.pk, by=clerk, invoice_number=invoice.number)
    assert_refused("state", set_aside_bank_line, good.pk, by=clerk, reason="A gift")


def a_foreign_line() -> BankLine:
    import_bank(factories.bank_statement(line("T", currency="USD")), by=factories.system_user())
    return BankLine.objects.latest("pk")


def test_a_line_set_aside_keeps_why_and_can_still_be_matched() -> None:
    clerk = factories.billing_clerk()
    kept = factories.bank_line()
    assert_refused("reason_missing", set_aside_bank_line, kept.pk, by=clerk, reason=" ")
    aside = set_aside_bank_line(kept.pk, by=clerk, reason="A deposit of the owner")
    assert (aside.state, aside.why) == (BankLine.State.SET_ASIDE, "A deposit of the owner")
    assert_refused("state", set_aside_bank_line, kept.pk, by=clerk, reason="Again")
    assert match_bank_line(kept.pk, by=clerk, invoice_number=an_invoice().number).state == BankLine.State.MATCHED


def test_the_command_tells_what_it_left_and_refuses_bad_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    factories.system_user()
    invoice = an_invoice()
    path = tmp_path / "statement.csv"
    header = "booked_on,amount,currency,payer,text\n"
    path.write_text(f"{header}{line(invoice.number)}\n{line('Thanks')}\n")
    call_command("import_bank", str(path), "--dry-run")
    assert not BankLine.objects.exists()
    call_command("import_bank", str(path))
    told = capsys.readouterr().out
    assert "row 3: not matched: The text names no invoice." in told
    assert "2 rows: 1 matched, 1 not matched." in told
    path.write_text(f"{header}{line('T', 'x')}\n")
    with pytest.raises(CommandError, match="Nothing was taken in"):
        call_command("import_bank", str(path))
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_bank", str(tmp_path / "none.csv"))
    assert BankLine.objects.count() == 2
