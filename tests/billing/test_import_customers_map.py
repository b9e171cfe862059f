"""The column map: what it may say, and that each mistake in it names its place. No database."""

from __future__ import annotations

from pathlib import Path

import pytest

from billing.imports.column_map import ColumnMap, MappedField, Per, load_map, parse_map, shipped_maps
from core.sheets.maps import DateOrder, MapProblem

FIELDS = """
[fields]
number = "No"
name = "Name"
country = { constant = "IT" }
currency = { constant = "EUR" }
plan = "Plan"
term = "Term"
activated_on = "Since"
"""
HEADER = ("No", "Name", "Plan", "Term", "Since")


def parsed(text: str) -> ColumnMap:
    return parse_map(text.encode(), name="my.toml")


def problem_of(text: str) -> str:
    with pytest.raises(MapProblem) as caught:
        parsed(text)
    return str(caught.value)


def test_a_name_alone_is_a_column() -> None:
    column_map = parsed(FIELDS)
    assert column_map.sources[MappedField.NUMBER].column == "No"
    assert column_map.sources[MappedField.COUNTRY].constant == "IT"
    assert (column_map.delimiter, column_map.decimal_point, column_map.dates) == (
        ",",
        ".",
        DateOrder.YEAR_FIRST,
    )


def test_everything_a_map_can_say() -> None:
    column_map = parsed(
        '[file]\ndelimiter = ";"\ndecimal = ","\ndates = "DD.MM.YYYY"\nignore = ["Fax", "*"]\n'
        + FIELDS
        + 'fee = { column = "Fee", per = "month" }\n'
        + 'notes = { pattern = "{Remark}: {{{Name}}}", optional = true }\n'
        + 'customer_since = { months_before_today = "Months" }\n'
        + 'language = { column = "L", default = "it", translate = { I = "it" }, optional = true }\n'
    )
    assert (column_map.delimiter, column_map.decimal_point) == (";", ",")
    assert column_map.dates is DateOrder.DAY_FIRST_DOTS
    assert column_map.ignored == {"Fax", "*"}
    assert column_map.sources[MappedField.FEE].per is Per.MONTH
    assert column_map.sources[MappedField.NOTES].columns == ("Remark", "Name")
    assert column_map.sources[MappedField.CUSTOMER_SINCE].columns == ("Months",)
    assert column_map.sources[MappedField.LANGUAGE].translate == {"I": "it"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fields = [", "my.toml is not TOML: Invalid value (at end of document)."),
        ("", "my.toml: fields: number, name, country, currency, plan, term, activated_on must be there."),
        (FIELDS.replace('term = "Term"', ""), "my.toml: fields: term must be there."),
        ("[feilds]\n", "my.toml: “feilds” is unknown here; known are file, fields."),
        (
            '[file]\nquote = "x"\n',
            "my.toml: file: “quote” is unknown here; known are delimiter, decimal, dates, ignore.",
        ),
        (
            FIELDS + 'iban = "IBAN"\n',
            (
                "my.toml: fields: “iban” is unknown here; known are number, name, kind, email, phone, country,"
                " language, currency, postal_address, postal_street, postal_number, postal_postcode, postal_town,"
                " customer_since, notes, plan, term, fee, activated_on."
            ),
        ),
        ("file = 3\n", "my.toml: file: a table is due, not a number."),
        ("fields = true\n", "my.toml: fields: a table is due, not true or false."),
        (
            '[file]\ndelimiter = "::"\n',
            "my.toml: fields: number, name, country, currency, plan, term, activated_on must be there.",
        ),
        (
            FIELDS + '[file]\ndelimiter = "::"\n',
            "my.toml: file.delimiter: one of “,”, “;”, “\\t”, “|” is due, not “::”.",
        ),
        (FIELDS + "[file]\ndecimal = 1\n", "my.toml: file.decimal: one of “.”, “,” is due, not “1”."),
        (
            FIELDS + '[file]\ndates = "YY"\n',
            ("my.toml: file.dates: one of “YYYY-MM-DD”, “DD/MM/YYYY”, “MM/DD/YYYY”, “DD.MM.YYYY” is due, not “YY”."),
        ),
        (FIELDS + '[file]\nignore = "Fax"\n', "my.toml: file.ignore: a list of column names is due."),
        (FIELDS + "[file]\nignore = [1]\n", "my.toml: file.ignore: a list of column names is due."),
        (FIELDS + '[file]\nignore = ["Plan"]\n', "my.toml: file.ignore: “Plan” is used, too."),
        (FIELDS + "fee = 10\n", "my.toml: fields.fee: a column's name or a table is due, not a number."),
        (
            FIELDS + "fee = 1979-05-27\n",
            "my.toml: fields.fee: a column's name or a table is due, not a date or time.",
        ),
        (
            FIELDS + "fee = { constant = 9.90 }\n",
            "my.toml: fields.fee.constant: a text between quotation marks is due, not a number.",
        ),
        (
            FIELDS + 'fee = { column = "Fee", constant = "1" }\n',
            "my.toml: fields.fee: exactly one of column, constant, pattern, months_before_today is due.",
        ),
        (
            FIELDS + "fee = {}\n",
            "my.toml: fields.fee: exactly one of column, constant, pattern, months_before_today is due.",
        ),
        (FIELDS + 'fee = ""\n', "my.toml: fields.fee.column is blank."),
        (
            FIELDS + 'fee = { column = "Fee", when = "x" }\n',
            (
                "my.toml: fields.fee: “when” is unknown here; known are column, constant, pattern,"
                " months_before_today, translate, default, optional, per."
            ),
        ),
        (
            FIELDS + 'fee = { column = "Fee", per = "year" }\n',
            "my.toml: fields.fee.per: one of “term”, “month” is due, not “year”.",
        ),
        (
            FIELDS + 'notes = { column = "N", per = "month" }\n',
            "my.toml: fields.notes.per: only a fee is per something.",
        ),
        (
            FIELDS + 'notes = { months_before_today = "N" }\n',
            "my.toml: fields.notes: only dates can be counted back from months.",
        ),
        (
            FIELDS + 'notes = { constant = "N", default = "x" }\n',
            "my.toml: fields.notes: default means nothing beside constant.",
        ),
        (
            FIELDS + 'notes = { column = "N", optional = "yes" }\n',
            "my.toml: fields.notes.optional: true or false is due.",
        ),
        (
            FIELDS.replace('"Plan"', '{ column = "Plan", optional = true }'),
            "my.toml: fields.plan.optional: plan must be there.",
        ),
        (
            FIELDS + 'notes = { column = "N", translate = ["a"] }\n',
            "my.toml: fields.notes.translate: a table is due, not a list.",
        ),
        (
            FIELDS + 'notes = { column = "N", translate = { a = 1 } }\n',
            "my.toml: fields.notes.translate.“a”: a text between quotation marks is due, not a number.",
        ),
        (
            FIELDS + 'notes = { pattern = "{" }\n',
            "my.toml: fields.notes.pattern: Single '{' encountered in format string.",
        ),
        (
            FIELDS + 'notes = { pattern = "all" }\n',
            "my.toml: fields.notes.pattern: it names no column between braces, such as {customerID}.",
        ),
        (
            FIELDS + 'notes = { pattern = "{}" }\n',
            "my.toml: fields.notes.pattern: it names no column between braces, such as {customerID}.",
        ),
        (
            FIELDS + 'notes = { pattern = "{No:>9999999999}" }\n',
            "my.toml: fields.notes.pattern: only column names belong between the braces.",
        ),
    ],
)
def test_a_mistake_in_the_map_names_its_place(text: str, message: str) -> None:
    assert problem_of(text) == message


def test_a_map_in_another_encoding() -> None:
    with pytest.raises(MapProblem, match=r"^my\.toml is not UTF-8 \(byte 4\)\.$"):
        parse_map(b"a='\xe8'", name="my.toml")


def test_a_map_that_is_too_deep_or_too_large(tmp_path: Path) -> None:
    assert problem_of("a = " + "[" * 5000 + "]" * 5000).startswith("my.toml is not TOML: ")
    path = tmp_path / "large.toml"
    path.write_bytes(b"#" * (256 * 1024 + 1))
    with pytest.raises(MapProblem, match=r"^large\.toml is larger than 262,144 bytes: this is no column map\.$"):
        load_map(str(path))


def test_a_column_that_the_file_lacks() -> None:
    with pytest.raises(MapProblem) as caught:
        parsed(FIELDS).for_header(("No", "Name", "Term", "Since"))
    assert str(caught.value) == "plan: the file has no column “Plan”; it has “No”, “Name”, “Term”, “Since”."


def test_a_column_of_a_pattern_that_the_file_lacks() -> None:
    column_map = parsed(FIELDS + 'notes = { pattern = "{Name} {Fax}" }\n')
    with pytest.raises(MapProblem, match=r"^notes: the file has no column “Fax”"):
        column_map.for_header(HEADER)


def test_a_column_that_is_neither_used_nor_ignored() -> None:
    with pytest.raises(MapProblem) as caught:
        parsed(FIELDS).for_header((*HEADER, "Fax", "VIP"))
    assert str(caught.value) == (
        "The map neither uses nor ignores “Fax”, “VIP”: say what they are, or add them to file.ignore."
    )


@pytest.mark.parametrize("ignored", ['["Fax", "VIP", "not in this file"]', '["*"]'])
def test_ignored_columns(ignored: str) -> None:
    column_map = parsed(f"[file]\nignore = {ignored}\n{FIELDS}")
    assert column_map.for_header((*HEADER, "Fax", "VIP")).sources == column_map.sources


def test_an_optional_column_may_be_missing() -> None:
    column_map = parsed(FIELDS + 'notes = { column = "N", optional = true }\nfee = { column = "F", optional = true }\n')
    fitting = column_map.for_header((*HEADER, "N"))
    assert MappedField.NOTES in fitting.sources
    assert MappedField.FEE not in fitting.sources


def test_the_shipped_maps_are_whole() -> None:
    assert shipped_maps() == ["own", "telco"]
    own = load_map("own")
    assert set(own.sources) == set(MappedField)
    assert own.for_header([field.value for field in MappedField]).sources == own.sources
    assert load_map("telco").sources[MappedField.TERM].translate == {
        "Month-to-month": "monthly",
        "One year": "annual",
    }


def test_a_map_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text("\ufeff" + FIELDS, encoding="utf-8")
    column_map = load_map(str(path))
    assert (column_map.name, column_map.sources) == ("my.toml", parsed(FIELDS).sources)


def test_a_map_that_is_not_there() -> None:
    with pytest.raises(MapProblem) as caught:
        load_map("nowhere.toml")
    assert str(caught.value) == (
        "The map “nowhere.toml” cannot be read: No such file or directory. Give a file, or a shipped map: own, telco."
    )


def test_the_map_in_the_documentation_is_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "importing-customers.md").read_text(encoding="utf-8")
    column_map = parsed(page.partition("```toml\n")[2].partition("```")[0])
    assert column_map.sources[MappedField.FEE].per is Per.MONTH
    assert column_map.sources[MappedField.PLAN].translate == {"Yes / No": "OFFICE"}
    assert all(f"| `{field}` |" in page or f"`{field}`, " in page or f", `{field}` |" in page for field in MappedField)
