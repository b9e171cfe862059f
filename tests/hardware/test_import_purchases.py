"""Purchases from a file: all or nothing, every phone once, instalments that add up, nothing twice."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.customers.models import Customer
from audit.models import Event
from hardware.imports.rows import OPTIONAL, REQUIRED
from hardware.phones.models import Phone
from hardware.purchases.actions import pay_instalment, return_phone
from hardware.purchases.models import Instalment, Purchase
from tests import factories
from tests.complaints.refusals import rows_of_every_table

pytestmark = pytest.mark.django_db

HEADER = "customer,maker,model,serial,mac,price,bought_on,instalments,paid"
GOOD = "K-1,Tellwell,Desk 20,sn-1,00-1A-2B-3C-4D-5E,120.00,2024-01-31,4,1"


@pytest.fixture(autouse=True)
def office() -> None:
    factories.CustomerFactory.create(number="K-1", currency="EUR")
    factories.CustomerFactory.create(number="K-2", currency="JPY")
    factories.PhoneModelFactory.create(maker="Tellwell", name="Desk 20")
    factories.system_user()


class File:
    """A file to import, row by row."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "phones.csv"

    def run(self, *rows: str, header: str = HEADER, **options: object) -> str:
        """What the command says; a refusal ends with its sentence."""
        self.path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
        out = StringIO()
        try:
            call_command("import_purchases", str(self.path), stdout=out, **options)
        except CommandError as error:
            return f"{out.getvalue()}!{error}"
        return out.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path)


def parts_of(purchase: Purchase) -> list[tuple[date, Decimal, date | None]]:
    return list(purchase.instalments.order_by("sequence").values_list("due_on", "amount", "paid_on"))


def test_a_file_is_imported_with_phones_instalments_and_history(file: File) -> None:
    said = file.run(
        GOOD,
        "K-1,TELLWELL,desk 20,SN-2,001a.2b3c.4d5f,100.00,2024-01-31,2024-01-31:40.00;2024-03-31:60.00,2",
        "K-2,Tellwell,Desk 20,SN-3,001A2B3C4D60,9000,2024-01-31,,",
        "K-2,Tellwell,Desk 20,SN-4,00:1a:2b:3c:4d:61,0,2024-01-31,,",
    )
    assert said == "4 rows: 4 added, 0 known already, 0 refused.\n"
    first, second, third, gift = Purchase.objects.order_by("number")
    assert (first.number, gift.number) == ("P-000001", "P-000004")
    assert (first.phone.serial, first.phone.mac, first.currency) == ("SN-1", "00:1a:2b:3c:4d:5e", "EUR")
    thirty = Decimal("30.00")
    assert parts_of(first) == [
        (date(2024, 1, 31), thirty, date(2024, 1, 31)),
        (date(2024, 2, 29), thirty, None),
        (date(2024, 3, 31), thirty, None),
        (date(2024, 4, 30), thirty, None),
    ]
    assert (first.paid, first.owed, first.owned_on) == (thirty, Decimal(90), None)
    assert (second.owed, second.owned_on) == (Decimal(0), date(2024, 3, 31))
    assert (third.currency, parts_of(third)) == ("JPY", [(date(2024, 1, 31), Decimal(9000), None)])
    assert (gift.owned_on, parts_of(gift)) == (date(2024, 1, 31), [])
    event = Event.objects.get()
    assert (event.verb, event.outcome, event.source) == ("purchases.import", "done", "command")
    assert event.data["rows"] == event.data["added"] == 4
    for row in (first, first.phone, first.instalments.all()[0]):
        version = row.history.get()
        assert (version.history_type, version.history_change_reason) == ("+", "Imported from phones.csv")


def test_a_second_run_adds_nothing_whatever_was_paid_since(file: File) -> None:
    file.run(GOOD)
    purchase = Purchase.objects.get()
    second = purchase.instalments.get(sequence=2)
    pay_instalment(second.pk, by=factories.billing_clerk(), paid_on=date(2024, 2, 29))
    before = rows_of_every_table("hardware")
    assert file.run(GOOD) == "1 row: 0 added, 1 known already, 0 refused.\n"
    assert rows_of_every_table("hardware") == before


@pytest.mark.parametrize(
    ("row", "saying"),
    [
        (GOOD.replace("K-1,", "K-9,"), "customer: “K-9” is no customer here."),
        (GOOD.replace("Desk 20", "Desk 99"), "model: “Tellwell Desk 99” is no phone model here"),
        (GOOD.replace("sn-1", "x"), "serial: “x” is no serial number."),
        (GOOD.replace("5E", "5G"), "mac: “00-1A-2B-3C-4D-5G” is no MAC address."),
        (GOOD.replace("00-1A", "01-1A"), "mac: “01-1A-2B-3C-4D-5E” is not the address of one device."),
        (GOOD.replace("120.00", "-120.00"), "price: “-120.00” is no plain amount"),
        (GOOD.replace("120.00", "120.005"), "price: The price 120.005 has more decimals than EUR has."),
        (GOOD.replace("2024-01-31", "31.01.2024"), "bought_on: “31.01.2024” is no date"),
        (GOOD.replace("2024-01-31", "2999-01-31"), "bought_on: “2999-01-31” lies in the future."),
        (GOOD.replace(",4,1", ",0,"), "instalments: “0” is no number of instalments from 1 to 60."),
        (GOOD.replace(",4,1", ",4,5"), "paid: 5 are paid and there are 4 instalments."),
        (
            GOOD.replace(",4,1", ",2024-01-31:40.00;2024-02-29:79.99,"),
            "instalments: The instalments must be above 0 and add up to the price, 120.00; they come to 119.99.",
        ),
        (GOOD.replace(",4,1", ",2024-01-31:120.00;2024-02-29:0,"), "instalments: The instalments must be above 0"),
        (GOOD.replace(",4,1", ",2024-01-31:-1;2024-02-29:121,"), "instalments: “-1” is no plain amount"),
        (GOOD.replace(",4,1", ",2024-01-30:120.00,"), "instalments: No instalment is due before the phone was bought."),
        (
            GOOD.replace(",4,1", ",2024-03-31:60.00;2024-02-29:60.00,"),
            "instalments: The instalments must be in the order of their due dates.",
        ),
        (GOOD.replace("120.00", "0.02"), "instalments: 0.02 EUR cannot be paid in 4 parts."),
        (GOOD.replace("sn-1", ""), "serial: is blank."),
        (GOOD + ",more", "row: it has 10 cells where the header has 9."),
    ],
)
def test_a_bad_row_is_refused_with_its_reason_and_nothing_is_imported(file: File, row: str, saying: str) -> None:
    before = rows_of_every_table("hardware", "accounts")
    other = "K-1,Tellwell,Desk 20,SN-8,00:1a:2b:3c:4d:68,10.00,2024-01-31,,"
    said = file.run(other, row)
    assert "row 3" in said
    assert saying in said
    assert said.endswith("!Refused: 1 of 2 rows. Nothing is imported.")
    assert rows_of_every_table("hardware", "accounts") == before
    event = Event.objects.get()
    assert (event.outcome, event.data["refused"], event.data["held_back"]) == ("refused", 1, 1)


def test_partial_imports_the_good_rows(file: File) -> None:
    said = file.run(GOOD.replace("K-1", "K-9"), GOOD.replace("sn-1", "sn-2").replace("5E", "6E"), partial=True)
    assert "2 rows: 1 added, 0 known already, 1 refused." in said
    assert [phone.serial for phone in Phone.objects.all()] == ["SN-2"]


def test_a_dry_run_says_the_same_and_writes_nothing(file: File) -> None:
    before = rows_of_every_table()
    said = file.run(GOOD, dry_run=True)
    assert "1 row: 1 would be added" in said
    assert "Dry run: nothing was written." in said
    assert "Refused: 1 of 1 row" in file.run(GOOD.replace("K-1", "K-9"), dry_run=True)
    assert rows_of_every_table() == before


def test_a_phone_that_the_file_names_twice_is_refused_in_both_rows(file: File) -> None:
    said = file.run(
        GOOD,
        "K-1,tellwell,Desk 20,SN-1,00:1a:2b:3c:4d:68,10.00,2024-01-31,,",
        "K-1,Tellwell,Desk 20,SN-3,001a2b3c4d5e,10.00,2024-01-31,,",
    )
    assert "row 2 (SN-1): refused: serial: “SN-1” is in rows 2, 3. mac: “00:1a:2b:3c:4d:5e” is in rows 2, 4." in said
    assert "row 3 (SN-1): refused: serial: “SN-1” is in rows 2, 3." in said
    assert "row 4 (SN-3): refused: mac: “00:1a:2b:3c:4d:5e” is in rows 2, 4." in said
    assert not Phone.objects.exists()


@pytest.mark.parametrize(
    ("row", "saying"),
    [
        (GOOD.replace("120.00", "160.00"), "serial: “SN-1” is here as P-000001 of K-1, with another"),
        (GOOD.replace("K-1", "K-2").replace("120.00", "1200"), "serial: “SN-1” is here as P-000001 of K-1"),
        (GOOD.replace("5E", "6E"), "serial: “SN-1” is here as Tellwell Desk 20, 00:1a:2b:3c:4d:5e."),
        (GOOD.replace("sn-1", "sn-2"), "mac: 00:1a:2b:3c:4d:5e is the address of Tellwell Desk 20, SN-1."),
    ],
)
def test_a_phone_that_somebody_has_is_refused(file: File, row: str, saying: str) -> None:
    file.run(GOOD)
    assert saying in file.run(row)
    assert Purchase.objects.count() == 1


def test_a_phone_from_stock_is_sold_again_by_a_file(file: File) -> None:
    file.run(GOOD)
    clerk = factories.billing_clerk()
    return_phone(Purchase.objects.get().pk, by=clerk, reason="Too loud", returned_on=date(2024, 5, 1))
    assert file.run(GOOD) == "1 row: 0 added, 1 known already, 0 refused.\n"
    assert "bought_on: the phone came back to stock on 2024-05-01 only." in file.run(
        GOOD.replace("2024-01-31", "2024-04-30")
    )
    assert "1 row: 1 added" in file.run(GOOD.replace("2024-01-31", "2024-05-02"))
    assert Phone.objects.count() == 1
    assert Purchase.objects.count() == 2


def test_a_merged_customer_gets_no_new_phone(file: File) -> None:
    merged, survivor = Customer.objects.order_by("number")
    merged.merged_into = survivor
    merged.save()
    assert "was merged into" in file.run(GOOD)


@pytest.mark.parametrize(
    ("header", "saying"),
    [
        (HEADER.replace(",mac", ""), "The file has no column “mac”"),
        (HEADER + ",colour", "The column “colour” means nothing here"),
    ],
)
def test_a_header_that_does_not_fit(file: File, header: str, saying: str) -> None:
    assert saying in file.run(GOOD, header=header)
    assert not Event.objects.exists()


def test_only_billing_imports_purchases(file: File) -> None:
    for person in (factories.agent(), factories.lead(), factories.manager(), factories.auditor()):
        assert "may not" in file.run(GOOD, by=person.username)
        assert "may not" in file.run(GOOD, by=person.username, dry_run=True)
    assert not Purchase.objects.exists()
    assert set(Event.objects.values_list("outcome", flat=True)) == {"refused"}
    assert "1 added" in file.run(GOOD, by=factories.billing_clerk().username)


def test_more_rows_take_no_more_queries(file: File) -> None:
    def queries(first: int, count: int) -> int:
        rows = [
            f"K-1,Tellwell,Desk 20,N-{n},02:00:00:00:00:{n:02x},120.00,2024-01-31,3,1"
            for n in range(first, first + count)
        ]
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert "added" in file.run(*rows)
        return len(captured)

    queries(1, 1)
    assert queries(10, 2) == queries(20, 40)
    assert Instalment.objects.count() == 43 * 3


def test_the_report_has_a_line_for_every_row(file: File, tmp_path: Path) -> None:
    report = tmp_path / "report.csv"
    file.run(GOOD, GOOD.replace("sn-1", "sn-2").replace("5E", "6E").replace("K-1", "K-9"), report=str(report))
    assert report.read_text(encoding="utf-8").splitlines() == [
        "row,number,outcome,field,reason,message",
        '2,SN-1,held back,,,"for K-1, Tellwell Desk 20"',
        "3,SN-2,refused,customer,unknown,“K-9” is no customer here.",
    ]


def test_the_documentation_names_every_column_and_its_example_works(file: File) -> None:
    page = (Path(__file__).parents[2] / "docs" / "importing-purchases.md").read_text(encoding="utf-8")
    for column in (*REQUIRED, *OPTIONAL):
        assert f"`{column}`" in page
    example = re.search(r"```csv\n(.*?)```", page, re.DOTALL)
    assert example is not None
    header, *rows = example[1].strip().splitlines()
    factories.CustomerFactory.create(number="K-000001")
    factories.CustomerFactory.create(number="K-000002")
    assert "2 rows: 2 added" in file.run(*rows, header=header)
