"""From cells to a customer's values, and every way in which a cell is refused. No database."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.imports.column_map import MappedField, parse_map
from billing.imports.values import CustomerRow, CustomerRowReader
from billing.periods import Term, months_before, nth_period
from core.sheets.cells import Candidate
from core.sheets.formulas import neutralise_formula
from core.sheets.problems import Problem
from core.sheets.reading import Record
from core.sheets.report import Report, RowOutcome, RowResult

TODAY = date(2024, 3, 31)
OWN = """
[fields]
number = "number"
name = "name"
kind = { column = "kind", optional = true }
email = { column = "email", optional = true }
phone = { column = "phone", optional = true }
country = "country"
language = { column = "language", optional = true }
currency = "currency"
customer_since = { column = "customer_since", optional = true }
notes = { column = "notes", optional = true }
plan = "plan"
term = "term"
fee = { column = "fee", optional = true }
activated_on = "activated_on"
"""
GOOD = {
    "number": "C-1",
    "name": "Harbour Bakery",
    "country": "IT",
    "currency": "EUR",
    "plan": "OFFICE",
    "term": "monthly",
    "fee": "49.90",
    "activated_on": "2023-05-17",
}


def read(cells: dict[str, str], column_map: str = OWN) -> Candidate[CustomerRow]:
    header = tuple(cells)
    fitting = parse_map(column_map.encode(), name="own").for_header(header)
    return CustomerRowReader(fitting, header, today=TODAY).read(Record(2, tuple(cells.values())))


def customer_of(column_map: str = OWN, **changes: str) -> CustomerRow:
    candidate = read(GOOD | changes, column_map)
    assert candidate.problems == ()
    assert candidate.value is not None
    return candidate.value


def problems_of(column_map: str = OWN, **changes: str) -> list[str]:
    candidate = read(GOOD | changes, column_map)
    assert candidate.value is None
    return [str(problem) for problem in candidate.problems]


def test_a_row() -> None:
    assert customer_of() == CustomerRow(
        row=2,
        texts={
            MappedField.NUMBER: "C-1",
            MappedField.NAME: "Harbour Bakery",
            MappedField.COUNTRY: "IT",
            MappedField.CURRENCY: "EUR",
            MappedField.PLAN: "OFFICE",
        },
        term=Term.MONTHLY,
        fee=Decimal("49.90"),
        activated_on=date(2023, 5, 17),
        customer_since=date(2023, 5, 17),
        compared=frozenset(
            {
                MappedField.NUMBER,
                MappedField.NAME,
                MappedField.COUNTRY,
                MappedField.CURRENCY,
                MappedField.PLAN,
                MappedField.TERM,
                MappedField.FEE,
                MappedField.ACTIVATED_ON,
            }
        ),
    )


def test_spaces_are_cut_and_accents_composed() -> None:
    row = customer_of(name="  Cafe\u0301 \u00a0", number=" C-1 ", fee=" 49.90 ", activated_on=" 2023-05-17 ")
    assert (row.texts[MappedField.NAME], row.number, row.fee) == ("Caf\u00e9", "C-1", Decimal("49.90"))


def test_blank_cells() -> None:
    row = customer_of(kind="", email=" ", phone="", language="", customer_since="", notes="", fee="")
    assert row.fee is None
    assert row.customer_since == row.activated_on
    # A blank choice says nothing; a blank e-mail says that there is none.
    assert row.texts.keys() & {MappedField.KIND, MappedField.LANGUAGE} == set()
    assert (row.texts[MappedField.EMAIL], row.texts[MappedField.NOTES]) == ("", "")
    assert row.compared.isdisjoint({MappedField.KIND, MappedField.LANGUAGE, MappedField.CUSTOMER_SINCE})
    assert {MappedField.EMAIL, MappedField.FEE} <= row.compared


@pytest.mark.parametrize(
    ("field", "cell", "message"),
    [
        ("number", " ", "is blank."),
        ("name", "", "is blank."),
        ("plan", "", "is blank."),
        ("term", "", "is blank."),
        ("currency", "", "is blank."),
        ("country", "", "is blank."),
        ("activated_on", "", "is blank."),
        (
            "term",
            "Two year",
            "“Two year” is no term of ours (monthly, annual), and the map does not translate it.",
        ),
        (
            "term",
            "Monthly",
            "“Monthly” is no term of ours (monthly, annual), and the map does not translate it.",
        ),
        ("fee", "1e5", "“1e5” is no plain amount such as 49.90."),
        ("fee", "NaN", "“NaN” is no plain amount such as 49.90."),
        ("fee", "inf", "“inf” is no plain amount such as 49.90."),
        ("fee", "１２", "“１２” is no plain amount such as 49.90."),
        ("fee", "٤٩", "“٤٩” is no plain amount such as 49.90."),
        ("fee", "49,90", "“49,90” is no plain amount such as 49.90."),
        ("fee", "1 000", "“1 000” is no plain amount such as 49.90."),
        ("fee", "1_000", "“1_000” is no plain amount such as 49.90."),
        ("fee", "€ 49", "“€ 49” is no plain amount such as 49.90."),
        ("fee", ".50", "“.50” is no plain amount such as 49.90."),
        ("fee", "49.", "“49.” is no plain amount such as 49.90."),
        ("fee", "+49", "“+49” is no plain amount such as 49.90."),
        ("fee", "=40+9", "“=40+9” is no plain amount such as 49.90."),
        ("fee", "1000000000000", "“1000000000000” is no plain amount such as 49.90."),
        ("fee", "0.000000001", "“0.000000001” is no plain amount such as 49.90."),
        ("activated_on", "2023-02-29", "“2023-02-29” is no day of the calendar."),
        ("activated_on", "2023-13-01", "“2023-13-01” is no day of the calendar."),
        ("activated_on", "0000-01-01", "“0000-01-01” is no day of the calendar."),
        ("activated_on", "17/05/2023", "“17/05/2023” is no date written as YYYY-MM-DD."),
        ("activated_on", "2023-5-17", "“2023-5-17” is no date written as YYYY-MM-DD."),
        ("activated_on", "2023-05-17T00:00", "“2023-05-17T00:00” is no date written as YYYY-MM-DD."),
        ("activated_on", "２０２３-05-17", "“２０２３-05-17” is no date written as YYYY-MM-DD."),
        ("activated_on", "2024-04-01", "“2024-04-01” lies in the future."),
        ("customer_since", "9999-12-31", "“9999-12-31” lies in the future."),
        ("activated_on", "1899-12-31", "“1899-12-31” lies before 1900-01-01."),
        ("name", "=1+1", "“=1+1” begins as a formula does."),
        ("name", "+SUM(A1)", "“+SUM(A1)” begins as a formula does."),
        ("name", "-2+3", "“-2+3” begins as a formula does."),
        ("name", "@SUM(A1)", "“@SUM(A1)” begins as a formula does."),
        ("name", "\tA", "“\\tA” begins as a formula does."),
        ("name", "  =1+1", "“  =1+1” begins as a formula does."),
        ("name", "＝1+1", "“＝1+1” begins as a formula does."),
        ("notes", '=HYPERLINK("x")', '“=HYPERLINK("x")” begins as a formula does.'),
        ("number", "=C-1", "“=C-1” begins as a formula does."),
        ("email", "@example.com", "“@example.com” begins as a formula does."),
        ("plan", "-OFFICE", "“-OFFICE” begins as a formula does."),
        ("phone", "+39=cmd", "“+39=cmd” begins with + and is no phone number."),
        ("phone", "=+39 06 1234", "“=+39 06 1234” begins as a formula does."),
        ("name", "A\x1b[2J", "“A\\x1b[2J” holds a control character."),
        ("name", "two\nlines", "“two\\nlines” holds a control character."),
        ("name", "A\u202eB", "“A\\u202eB” holds a control character."),
        ("notes", "A\u2028B", "“A\\u2028B” holds a control character."),
        ("notes", "x" * 10_001, "is longer than 10,000 characters."),
    ],
)
def test_a_cell_is_refused_with_its_reason(field: str, cell: str, message: str) -> None:
    assert problems_of(**{field: cell}) == [f"{field}: {message}"]


@pytest.mark.parametrize("phone", ["+39 06 1234567", "+1 (212) 555-0100", "06/1234.5", "0039 06 1234"])
def test_phone_numbers(phone: str) -> None:
    assert customer_of(phone=phone).texts[MappedField.PHONE] == phone


def test_notes_may_have_lines() -> None:
    assert customer_of(notes="one\ntwo ≠ 3").texts[MappedField.NOTES] == "one\ntwo ≠ 3"


def test_every_field_of_a_row_is_told() -> None:
    assert problems_of(name="=1", term="x", fee="NaN", activated_on="soon", customer_since="never") == [
        "name: “=1” begins as a formula does.",
        "term: “x” is no term of ours (monthly, annual), and the map does not translate it.",
        "fee: “NaN” is no plain amount such as 49.90.",
        "activated_on: “soon” is no date written as YYYY-MM-DD.",
        "customer_since: “never” is no date written as YYYY-MM-DD.",
    ]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (("C-1", "A"), "row: it has 2 cells where the header has 8: “country” and what follows are missing."),
        (
            ("C-1", *"abcdefgh"),
            "row: it has 9 cells where the header has 8: is one with a delimiter in it not quoted?",
        ),
    ],
)
def test_ragged_rows(cells: tuple[str, ...], message: str) -> None:
    fitting = parse_map(OWN.encode(), name="own").for_header(tuple(GOOD))
    candidate = CustomerRowReader(fitting, tuple(GOOD), today=TODAY).read(Record(7, cells))
    assert (candidate.row, candidate.value) == (7, None)
    assert [str(problem) for problem in candidate.problems] == [message]


@pytest.mark.parametrize(
    ("order", "cell"),
    [
        ("DD/MM/YYYY", "3/12/2023"),
        ("MM/DD/YYYY", "12/3/2023"),
        ("DD.MM.YYYY", "03.12.2023"),
        ("YYYY-MM-DD", "2023-12-03"),
    ],
)
def test_other_orders_of_dates(order: str, cell: str) -> None:
    column_map = f'[file]\ndates = "{order}"\n{OWN}'
    assert customer_of(column_map, activated_on=cell).activated_on == date(2023, 12, 3)


def test_decimal_commas() -> None:
    column_map = f'[file]\ndecimal = ","\n{OWN}'
    assert customer_of(column_map, fee="1049,90").fee == Decimal("1049.90")
    assert problems_of(column_map, fee="49.90") == ["fee: “49.90” is no plain amount such as 49,90."]


@pytest.mark.parametrize(("term", "fee"), [("monthly", "29.85"), ("annual", "358.20")])
def test_a_fee_per_month_becomes_that_of_the_term(term: str, fee: str) -> None:
    column_map = OWN.replace('fee = { column = "fee"', 'fee = { column = "fee", per = "month"')
    assert customer_of(column_map, term=term, fee="29.85").fee == Decimal(fee)


def test_translation_pattern_default_and_constant() -> None:
    column_map = (
        OWN.replace('plan = "plan"', 'plan = { pattern = "{plan}/{country}", translate = { "A/IT" = "OFFICE" } }')
        .replace('term = "term"', 'term = { column = "term", translate = { M = "monthly", "" = "annual" } }')
        .replace('currency = "currency"', 'currency = { column = "currency", default = "JPY" }')
        .replace('name = "name"', 'name = { pattern = "Customer {{{number}}}" }')
        .replace("[fields]", '[file]\nignore = ["name"]\n[fields]')
    )
    row = customer_of(column_map, plan=" A ", term=" M", currency=" ")
    assert (row.texts[MappedField.PLAN], row.term) == ("OFFICE", Term.MONTHLY)
    assert (row.texts[MappedField.CURRENCY], row.texts[MappedField.NAME]) == ("JPY", "Customer {C-1}")
    # What the table does not know stays as it is, for the plans to decide.
    row = customer_of(column_map, plan="B", term="")
    assert (row.texts[MappedField.PLAN], row.term) == ("B/IT", Term.ANNUAL)


def tenure(cell: str) -> Candidate[CustomerRow]:
    column_map = OWN.replace('activated_on = "activated_on"', 'activated_on = { months_before_today = "tenure" }')
    cells = {name: cell for name, cell in GOOD.items() if name != "activated_on"} | {"tenure": cell}
    return read(cells, column_map)


@pytest.mark.parametrize(
    ("cell", "activated_on"),
    [("0", TODAY), ("1", date(2024, 2, 29)), ("13", date(2023, 2, 28)), ("72", date(2018, 3, 31))],
)
def test_activation_from_a_tenure(cell: str, activated_on: date) -> None:
    customer = tenure(cell).value
    assert customer is not None
    assert (customer.activated_on, customer.customer_since) == (activated_on, activated_on)
    # Tomorrow it would be another date: it is not part of what a second run compares.
    assert MappedField.ACTIVATED_ON not in customer.compared


@pytest.mark.parametrize("cell", ["-1", "1.5", "１", "1201", "a year", "99999999999999999999"])
def test_a_tenure_that_is_none(cell: str) -> None:
    assert [str(problem) for problem in tenure(cell).problems] == [
        f"activated_on: “{cell}” is no number of months from 0 to 1,200."
    ]


@given(st.dates(date(1980, 1, 1), date(2100, 1, 1)), st.integers(0, 900))
def test_the_period_counted_by_the_tenure_contains_the_day(day: date, months: int) -> None:
    anchor = months_before(day, months)
    assert nth_period(anchor, Term.MONTHLY, months).contains(day)
    assert anchor.day == min(day.day, monthrange(anchor.year, anchor.month)[1])
    assert months_before(day, 0) == day
    assert timedelta(0) <= day - anchor <= timedelta(days=31 * months)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_cell_is_taken_in_or_refused_with_a_reason(name: str, fee: str) -> None:
    candidate = read(GOOD | {"name": name, "fee": fee})
    assert (candidate.value is None) == bool(candidate.problems)
    assert {problem.field for problem in candidate.problems} <= {"name", "fee"}
    assert all(line.isprintable() for line in map(str, candidate.problems))


# --- The report -----------------------------------------------------------------------------------

BAD_TERM = Problem("term", "term", "“Two year” is no term of ours.")
BAD_FEE = Problem("fee", "amount", "“x” is no plain amount.")
RESULTS = (
    RowResult(2, "C-1", RowOutcome.ADDED, "OFFICE, monthly"),
    RowResult(3, "C-2", RowOutcome.KNOWN),
    RowResult(4, "C-3", RowOutcome.REFUSED, "", (BAD_TERM, BAD_FEE)),
    RowResult(5, "\x1b[2J", RowOutcome.REFUSED, "", (BAD_TERM,)),
    RowResult(6, "", RowOutcome.REFUSED, "", (Problem("row", "ragged", "=2 cells"),)),
)


def test_lines_of_the_report() -> None:
    assert list(Report(RESULTS).lines(every_row=False)) == [
        "row 4 (C-3): refused: term: “Two year” is no term of ours. fee: “x” is no plain amount.",
        "row 5 (“\\x1b[2J”): refused: term: “Two year” is no term of ours.",
        "row 6: refused: row: =2 cells",
    ]
    assert list(Report(RESULTS, dry_run=True).lines(every_row=True))[:2] == [
        "row 2 (C-1): would be added: OFFICE, monthly",
        "row 3 (C-2): known",
    ]


def test_summary_of_the_report() -> None:
    assert list(Report(RESULTS).summary()) == [
        "5 rows: 1 added, 1 known already, 3 refused.",
        "  2 refused, the first in row 4 for term: “Two year” is no term of ours.",
        "  1 refused, the first in row 4 for fee: “x” is no plain amount.",
        "  1 refused, the first in row 6 for row: =2 cells",
    ]
    assert Report(RESULTS).reasons() == {"term:term": 2, "fee:amount": 1, "row:ragged": 1}


def test_the_report_as_csv_holds_no_formula() -> None:
    stream = StringIO()
    Report(RESULTS).write_csv(stream)
    assert stream.getvalue().splitlines() == [
        "row,number,outcome,field,reason,message",
        '2,C-1,added,,,"OFFICE, monthly"',
        "3,C-2,known,,,",
        "4,C-3,refused,term,term,“Two year” is no term of ours.",
        "4,C-3,refused,fee,amount,“x” is no plain amount.",
        "5,\x1b[2J,refused,term,term,“Two year” is no term of ours.",
        "6,,refused,row,ragged,'=2 cells",
    ]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx", "＝1"])
def test_an_inert_cell(text: str) -> None:
    assert neutralise_formula(text) == f"'{text}"
    assert neutralise_formula(f"a{text}") == f"a{text}"
