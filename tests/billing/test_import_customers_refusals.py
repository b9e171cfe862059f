"""``import_customers``: what it refuses, and that it then writes nothing but its event."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from accounts.customers.models import Customer
from audit.models import Event
from billing.imports import preparing
from tests import factories
from tests.billing.customer_files import BAKERY, FLORIST, HEADER, Importer, everything, plans

pytestmark = pytest.mark.django_db


@pytest.fixture
def importer(tmp_path: Path) -> Importer:
    plans()
    return Importer(tmp_path)


@pytest.fixture
def nothing_written(importer: Importer) -> Callable[..., None]:
    before = everything()

    def check(*, events: int = 0) -> None:
        after = everything()
        after["audit.Event"] -= events
        assert after == before

    return check


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (BAKERY.replace("OFFICE", "GOLD"), "plan: “GOLD” is no plan here; there are OFFICE, SUITE."),
        (BAKERY.replace("OFFICE", "OLD"), "plan: The plan Old is not sold any more."),
        (
            BAKERY.replace("EUR", "USD"),
            "plan: no published price of Office (monthly, USD) holds on 2024-03-17.",
        ),
        (
            BAKERY.replace("OFFICE", "NEW"),
            "plan: no published price of New (monthly, EUR) holds on 2024-03-17.",
        ),
        (BAKERY.replace("49.90", "-5"), "fee: A fee cannot be below 0, as -5 is."),
        (BAKERY.replace("49.90", "49.905"), "fee: The fee 49.905 has more decimals than EUR has."),
        (BAKERY.replace("EUR", "JPY"), "fee: The fee 49.90 has more decimals than JPY has."),
        (BAKERY.replace("EUR", "XYZ"), "currency: “XYZ” is no currency of ISO 4217."),
        (BAKERY.replace("EUR", "EURO"), "currency:"),
        (BAKERY.replace(",IT,", ",XX,"), "country: “XX” is no country of ISO 3166."),
        (BAKERY.replace("C-1", "C 1"), "number: Letters, digits and . _ / - only."),
        (
            BAKERY.replace("C-1", "C" * 31),
            "number: Ensure this value has at most 30 characters (it has 31).",
        ),
        (
            BAKERY.replace("Harbour Bakery", "x" * 201),
            "name: Ensure this value has at most 200 characters (it has 201).",
        ),
        (BAKERY.replace("Harbour", "=Harbour"), "name: “=Harbour Bakery” begins as a formula does."),
        (BAKERY.replace("2023-05-17", "2023-02-30"), "activated_on: “2023-02-30” is no day of the calendar."),
        (BAKERY.replace("2023-05-17", "2024-04-01"), "activated_on: “2024-04-01” lies in the future."),
        (BAKERY.replace("monthly", "Two year"), "term: “Two year” is no term of ours (monthly, annual)"),
        (BAKERY + ",x", "row: it has 9 cells where the header has 8"),
        (FLORIST, "number: “C-2” is in rows 2, 3."),
    ],
)
def test_a_bad_row_keeps_the_whole_file_out(importer: Importer, row: str, message: str) -> None:
    factories.PlanFactory.create(code="OLD", name="Old", active=False)
    new = factories.PlanFactory.create(code="NEW", name="New", active=True)
    factories.price(new, valid_from=date(2024, 3, 18))
    factories.price(new, valid_from=date(2024, 1, 1), state="draft")
    before = everything()
    if "there are" in message:
        message = message.replace("OFFICE", "NEW, OFFICE")
    done = importer(row, FLORIST)
    assert done.status == 1
    assert done.out.splitlines()[0].partition(" refused: ")[2].startswith(message)
    assert done.error in {f"Refused: {n} of 2 rows. Nothing is imported." for n in (1, 2)}
    event = Event.objects.get(verb="customers.import")
    assert (event.outcome, event.data["code"], event.data["added"]) == ("refused", "rows", 0)
    assert everything() == before | {"audit.Event": before["audit.Event"] + 1}


def test_optional_columns_are_checked_too(importer: Importer, nothing_written: Callable[..., None]) -> None:
    done = importer(f"{BAKERY},robot,no-address,fr,{'1' * 41}", header=HEADER + ",kind,email,language,phone")
    problems = done.out.splitlines()[0]
    assert "kind: Value 'robot' is not a valid choice." in problems
    assert "email: Enter a valid email address." in problems
    assert "language: Value 'fr' is not a valid choice." in problems
    assert "phone: Ensure this value has at most 40 characters (it has 41)." in problems
    nothing_written(events=1)


def test_partial_imports_the_good_rows_and_still_ends_with_1(importer: Importer) -> None:
    done = importer(BAKERY, FLORIST.replace("SUITE", "GOLD"), BAKERY.replace("C-1", "C-3"), partial=True)
    assert (done.status, done.error) == (1, "Refused: 1 of 3 rows.")
    assert done.out.splitlines() == [
        "row 3 (C-2): refused: plan: “GOLD” is no plan here; there are OFFICE, SUITE.",
        "3 rows: 2 added, 0 known already, 1 refused.",
        "  1 refused, the first in row 3 for plan: “GOLD” is no plan here; there are OFFICE, SUITE.",
    ]
    assert list(Customer.objects.values_list("number", flat=True)) == ["C-1", "C-3"]
    event = Event.objects.get()
    assert (event.outcome, event.data["partial"], event.data["refused"]) == ("done", True, 1)
    assert event.data["reasons"] == {"plan:unknown": 1}
    # What customers are called and so on is no part of an event.
    assert "GOLD" not in event.message


def test_both_rows_with_one_number_are_refused(importer: Importer) -> None:
    importer(BAKERY, FLORIST, BAKERY.replace("49.90", "9.90"), partial=True)
    assert [customer.number for customer in Customer.objects.all()] == ["C-2"]


@pytest.mark.parametrize("partial", [True, False])
def test_a_dry_run_reports_the_same_and_writes_nothing(
    importer: Importer, nothing_written: Callable[..., None], tmp_path: Path, partial: bool
) -> None:
    rows = (BAKERY, FLORIST.replace("SUITE", "GOLD"))
    dry = importer(*rows, partial=partial, dry_run=True, verbosity=2, report=str(tmp_path / "dry.csv"))
    nothing_written()
    real = importer(*rows, partial=partial, verbosity=2, report=str(tmp_path / "real.csv"))
    assert dry.status == real.status == 1
    assert dry.out.endswith("Dry run: nothing was written.\n")
    assert dry.out.replace("would be ", "").removesuffix("Dry run: nothing was written.\n") == real.out
    assert (tmp_path / "dry.csv").read_text().replace("would be ", "") == (tmp_path / "real.csv").read_text()


def test_a_dry_run_of_a_good_file(importer: Importer, nothing_written: Callable[..., None]) -> None:
    done = importer(BAKERY, dry_run=True)
    assert (done.status, done.error) == (0, "")
    assert done.out == "1 row: 1 would be added, 0 known already, 0 refused.\nDry run: nothing was written.\n"
    nothing_written()


def test_the_report_names_every_row(importer: Importer, tmp_path: Path) -> None:
    report = tmp_path / "report.csv"
    importer(
        BAKERY,
        FLORIST.replace("SUITE", "GOLD").replace("annual", "never"),
        BAKERY.replace("C-1", "C-3"),
        report=str(report),
    )
    like = "OFFICE, monthly, 49.90 EUR, since 2023-05-17, billed here from 2024-03-17"
    never = "“never” is no term of ours (monthly, annual), and the map does not translate it."
    assert list(csv.reader(StringIO(report.read_text(encoding="utf-8")))) == [
        ["row", "number", "outcome", "field", "reason", "message"],
        ["2", "C-1", "held back", "", "", like],
        ["3", "C-2", "refused", "term", "term", never],
        ["4", "C-3", "held back", "", "", like],
    ]


# --- Bad files, maps and options ----


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "The file is empty."),
        (f"{HEADER}\n".encode(), "The file has a header and no rows."),
        (f"{HEADER}\n\n , \n".encode(), "The file has a header and no rows."),
        (
            f"{HEADER}\n{BAKERY}\n".encode("utf-16"),
            "The file is UTF-16 (or UTF-32), not UTF-8: save it as CSV UTF-8.",
        ),
        (
            f"{HEADER}\n{BAKERY}\nC-3,Caf\xe9\n".encode("latin-1"),
            (
                "Row 3, column “name”: byte 122 of the file (0xE9) is not UTF-8."
                " Save the file as CSV UTF-8; it may be Latin-1 or Windows-1252."
            ),
        ),
        (f'{HEADER}\n{BAKERY}\n"C-3,x\n'.encode(), "Row 3: a quotation mark is opened and never closed."),
        (f"{HEADER},number\n{BAKERY},x\n".encode(), "Row 1: the column “number” is there twice."),
        (
            f"{HEADER},vip\n{BAKERY},x\n".encode(),
            "The map neither uses nor ignores “vip”: say what they are, or add them to file.ignore.",
        ),
        (b"number;name\nC-1;A\n", "number: the file has no column “number”; it has “number;name”."),
    ],
)
@pytest.mark.parametrize("options", [{}, {"partial": True}, {"dry_run": True}], ids=["all", "partial", "dry run"])
def test_a_bad_file_is_told_and_nothing_is_written(
    importer: Importer,
    nothing_written: Callable[..., None],
    raw: bytes,
    message: str,
    options: dict[str, Any],
) -> None:
    done = importer.of_bytes(raw, **options)
    assert (done.status, done.out, done.error) == (1, "", f"{message} Nothing was imported.")
    nothing_written()


def test_a_file_that_is_not_there(importer: Importer, tmp_path: Path, nothing_written: Callable[..., None]) -> None:
    done = importer.of_path(tmp_path / "none.csv")
    assert (
        done.status,
        done.error.endswith("cannot be read: No such file or directory. Nothing was imported."),
    ) == (1, True)
    assert importer.of_path(tmp_path).error.endswith("cannot be read: Is a directory. Nothing was imported.")
    nothing_written()


def test_a_bad_map(importer: Importer, tmp_path: Path, nothing_written: Callable[..., None]) -> None:
    path = tmp_path / "my.toml"
    path.write_text("[fields", encoding="utf-8")
    done = importer(BAKERY, map=str(path))
    assert done.status == 1
    assert done.error.startswith("my.toml is not TOML: ")
    assert importer(BAKERY, map="ours").error == (
        "The map “ours” cannot be read: No such file or directory. Give a file, or a shipped map: own, telco."
        " Nothing was imported."
    )
    nothing_written()


@pytest.mark.parametrize(
    ("today", "message"),
    [
        ("31.3.2024", "--today: “31.3.2024” is no date (YYYY-MM-DD)."),
        ("9999-01-01", "--today: 9999-01-01 lies in the future."),
    ],
)
def test_a_bad_day(importer: Importer, nothing_written: Callable[..., None], today: str, message: str) -> None:
    done = importer(BAKERY, today=today)
    assert (done.status, done.error) == (1, message)
    nothing_written()


def test_a_report_in_a_wrong_place(importer: Importer, tmp_path: Path, nothing_written: Callable[..., None]) -> None:
    done = importer(BAKERY, report=str(tmp_path / "no" / "report.csv"))
    assert done.status == 1
    assert done.error.endswith("cannot be written: No such file or directory.")
    done = importer(BAKERY, report=str(importer.path))
    assert (done.status, done.error) == (1, "--report: this is the file to import.")
    assert importer.path.read_text() == f"{HEADER}\n{BAKERY}\n"
    nothing_written()


def test_who_may_not_import(importer: Importer) -> None:
    factories.agent(username="ada")
    factories.billing_clerk(username="gone", is_active=False)
    before = everything()
    done = importer(BAKERY, by="ada")
    assert (done.status, done.error) == (
        1,
        "Your role (Support agent) may not import files. Billing clerk can.",
    )
    assert importer(BAKERY, by="ada", dry_run=True).error == done.error
    assert importer(BAKERY, by="gone").error == "This account is deactivated."
    assert importer(BAKERY, by="nobody").error == "--by: there is no staff member “nobody”."
    assert everything() == before | {"audit.Event": before["audit.Event"] + 2}
    assert {event.data["code"] for event in Event.objects.all()} == {"permission"}


def test_a_number_taken_at_the_same_moment(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    importer(BAKERY)
    before = everything()
    monkeypatch.setattr(preparing, "_known", lambda numbers: {})
    done = importer(FLORIST, BAKERY)
    assert (done.status, done.error) == (
        1,
        "Somebody has added one of these customers at the same moment. Nothing was imported: run it again.",
    )
    assert everything() == before | {"audit.Event": before["audit.Event"] + 1}
    assert Event.objects.latest("pk").data == {"code": "concurrent"}
