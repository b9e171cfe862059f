"""``import_customers`` on a telephone company's file, and on a large one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.customers.models import Customer
from billing.imports import preparing
from billing.invoices.models import Invoice, InvoiceLine
from billing.subscriptions.models import BillingPeriod, Subscription
from tests.billing.customer_files import Importer, everything, plans

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


TELCO = (
    "customerID,gender,SeniorCitizen,Partner,Dependents,tenure,PhoneService,MultipleLines,InternetService,"
    "OnlineSecurity,OnlineBackup,DeviceProtection,TechSupport,StreamingTV,StreamingMovies,Contract,"
    "PaperlessBilling,PaymentMethod,MonthlyCharges,TotalCharges,Churn"
)


def telco(number: str, *, tenure: int, phone: str, internet: str, contract: str, charge: str, total: str) -> str:
    return (
        f"{number},Female,0,Yes,No,{tenure},{phone},No,{internet},No,No,No,No,No,No,{contract},"
        f"Yes,Mailed check,{charge},{total},No"
    )


TELCO_ROWS = (
    telco(
        "1000-AAAAA",
        tenure=1,
        phone="No",
        internet="DSL",
        contract="Month-to-month",
        charge="29.85",
        total="29.85",
    ),
    telco(
        "1001-BBBBB",
        tenure=34,
        phone="Yes",
        internet="DSL",
        contract="One year",
        charge="56.95",
        total="1889.5",
    ),
    telco("1002-CCCCC", tenure=0, phone="Yes", internet="No", contract="Month-to-month", charge="20", total=" "),
    telco(
        "1003-DDDDD",
        tenure=70,
        phone="Yes",
        internet="Fiber optic",
        contract="Two year",
        charge="99.1",
        total=" ",
    ),
)


def test_the_telco_map(importer: Importer) -> None:
    done = importer(*TELCO_ROWS, header=TELCO, map="telco", partial=True, verbosity=2)
    assert (done.status, done.error) == (1, "Refused: 1 of 4 rows.")
    assert done.out.splitlines()[:4] == [
        "row 2 (1000-AAAAA): added: SUITE, monthly, 29.85 EUR, since 2024-02-29, billed here from 2024-03-29",
        ("row 3 (1001-BBBBB): added: OFFICE, annual, 683.40 EUR, since 2021-05-31,"
        " billed here from 2023-05-31"),
        ("row 4 (1002-CCCCC): added: OFFICE, monthly, 20.00 EUR, since 2024-03-31,"
        " billed here from 2024-03-31"),
        ("row 5 (1003-DDDDD): refused: term: “Two year” is no term of ours (monthly, annual),"
        " and the map does not translate it."),
    ]  # fmt: skip
    customer = Customer.objects.get(number="1001-BBBBB")
    assert (customer.name, customer.kind, customer.country, customer.currency, customer.email) == (
        "Customer 1001-BBBBB",
        "person",
        "US",
        "EUR",
        "",
    )
    assert customer.customer_since == date(2021, 5, 31)


def test_without_partial_a_two_year_contract_keeps_the_file_out(
    importer: Importer, nothing_written: Callable[..., None]
) -> None:
    assert importer(*TELCO_ROWS, header=TELCO, map="telco").status == 1
    nothing_written(events=1)


def test_a_map_of_ones_own_translates_two_years(importer: Importer, tmp_path: Path) -> None:
    shipped = (Path(preparing.__file__).parent / "maps" / "telco.toml").read_text(encoding="utf-8")
    own = tmp_path / "mine.toml"
    own.write_text(
        shipped.replace('"One year" = "annual"', '"One year" = "annual"\n"Two year" = "annual"'),
        encoding="utf-8",
    )
    assert importer(*TELCO_ROWS, header=TELCO, map=str(own)).status == 0
    assert Subscription.objects.get(customer__number="1003-DDDDD").agreed_fee == Decimal("1189.20")


def test_on_another_day_the_same_tenure_is_still_known(importer: Importer) -> None:
    importer(*TELCO_ROWS, header=TELCO, map="telco", partial=True)
    done = importer(*TELCO_ROWS, header=TELCO, map="telco", partial=True, today="2024-05-02")
    assert done.out.splitlines()[1] == "4 rows: 0 added, 3 known already, 1 refused."


def many(count: int, start: int) -> list[str]:
    phones = ("Yes", "No")
    return [
        telco(
            f"{n:04d}-ABCDE",
            tenure=n % 73,
            phone=phones[n % 2],
            internet="DSL",
            contract=("Month-to-month", "One year", "Month-to-month", "Two year")[n % 4],
            charge=f"{18 + n % 100}.{n % 20 * 5:02d}",
            total=" ",
        )
        for n in range(start, start + count)
    ]


def queries_of(importer: Importer, count: int, start: int) -> int:
    with CaptureQueriesContext(connection) as queries:
        importer(*many(count, start), header=TELCO, map="telco", partial=True)
    return len(queries)


def test_more_rows_do_not_take_more_queries(importer: Importer) -> None:
    # A day's price is asked once: both files have every tenure with every contract.
    few = queries_of(importer, 292, 0)
    assert queries_of(importer, 584, 1000) <= few


@pytest.mark.slow
def test_a_file_of_seven_thousand(importer: Importer) -> None:
    rows = many(7043, 0)
    refused = sum("Two year" in row for row in rows)
    done = importer(*rows, header=TELCO, map="telco", partial=True, verbosity=0)
    assert done.out.splitlines()[0] == f"7,043 rows: {7043 - refused:,} added, 0 known already, {refused:,} refused."
    for model in (Customer, Subscription, BillingPeriod, Invoice, InvoiceLine):
        assert model._base_manager.count() == 7043 - refused
    assert Invoice.history.count() == 7043 - refused
    done = importer.of_path(importer.path, map="telco", partial=True, verbosity=0)
    assert done.out.splitlines()[0] == f"7,043 rows: 0 added, {7043 - refused:,} known already, {refused:,} refused."
    assert Customer.history.count() == 7043 - refused
