"""Usage from a file, by the command and by the page: each id once, for the period that covers the local day."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import Event
from billing.runs.actions import run_billing
from billing.subscriptions.models import Subscription
from billing.usage.actions import correct_usage
from billing.usage.imports.rows import COLUMNS
from billing.usage.models import UsageDay, UsageRecord
from tests import factories
from tests.complaints.refusals import rows_of_every_table
from tests.every_page import signed_in

pytestmark = pytest.mark.django_db

HEADER = "external_id,subscription,when,kind,operation,seconds,quantity"


@pytest.fixture(autouse=True)
def subscription() -> Subscription:
    """S-1, from 10 January 2025 on, two months of it; the operation TRUNK has a cost."""
    factories.OperationCostFactory.create(operation__code="TRUNK")
    factories.system_user()
    made = factories.open_subscription(activated_on=date(2025, 1, 10))
    run_billing(date(2025, 2, 10), by=factories.system_user())
    return named(made, "S-1")


def named(subscription: Subscription, number: str) -> Subscription:
    subscription.refresh_from_db()
    subscription.number = number
    subscription.save()
    return subscription


class File:
    """A file to import, row by row."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "usage.csv"

    def run(self, *rows: str, header: str = HEADER, **options: object) -> str:
        """What the command says; a refusal ends with its sentence."""
        self.path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
        out = StringIO()
        try:
            call_command("import_usage", str(self.path), stdout=out, **options)
        except CommandError as error:
            return f"{out.getvalue()}!{error}"
        return out.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path)


CALL = "c-1,S-1,2025-01-12,call,,90,"
OPERATION = "o-1,S-1,2025-01-12,operation,TRUNK,,2.5"


def sums() -> list[tuple[int, date, str, int, Decimal, int]]:
    """The daily sums: number of the period, day, operation, seconds, quantity, records."""
    return [
        (row.period.sequence, row.local_day, row.operation, row.seconds, row.quantity, row.records)
        for row in UsageDay.objects.select_related("period").order_by("local_day", "operation")
    ]


def test_rows_count_for_the_period_that_covers_their_local_day(file: File) -> None:
    said = file.run(
        CALL,
        OPERATION,
        "c-2,S-1,2025-01-12T23:59:59,call,,30,",
        "c-3,S-1,2025-02-09T22:59:59Z,call,,10,",  # 23:59:59 in Rome
        "c-4,S-1,2025-02-09T23:00:00Z,call,,20,",  # midnight in Rome: the next period
        "c-5,S-1,2025-02-10T00:30+02:00,call,,40,",  # 23:30 of the day before in Rome
        "c-6,S-1,2025-02-11,call,,0,",
    )
    assert said == "7 rows: 7 added, 0 known already, 0 refused.\n"
    none = Decimal(0)
    assert sums() == [
        (0, date(2025, 1, 12), "", 120, none, 2),
        (0, date(2025, 1, 12), "TRUNK", 0, Decimal("2.5"), 1),
        (0, date(2025, 2, 9), "", 50, none, 2),
        (1, date(2025, 2, 10), "", 20, none, 1),
        (1, date(2025, 2, 11), "", 0, none, 1),
    ]
    record = UsageRecord.objects.get(external_id="c-1")
    assert record.occurred_at == datetime(2025, 1, 11, 23, tzinfo=UTC)  # the day's first moment
    event = Event.objects.get(verb="usage.import")
    assert (event.outcome, event.source, event.data["added"], event.target_label) == ("done", "command", 7, "usage.csv")


def test_the_same_file_twice_changes_nothing(file: File) -> None:
    file.run(CALL, OPERATION)
    before = rows_of_every_table("billing")
    assert file.run(CALL, OPERATION) == "2 rows: 0 added, 2 known already, 0 refused.\n"
    assert rows_of_every_table("billing") == before
    assert "3 rows: 1 added, 2 known already" in file.run(CALL, OPERATION, CALL.replace("c-1", "c-9"))


@pytest.mark.parametrize(
    ("row", "saying"),
    [
        (CALL.replace("S-1", "S-9"), "subscription: “S-9” is no subscription here."),
        (CALL.replace("S-1", ""), "subscription: is blank."),
        (CALL.replace("c-1", ""), "external_id: is blank."),
        (CALL.replace("c-1", "=1+1"), "external_id: “=1+1” begins as a formula does."),
        (CALL.replace("c-1", "c" * 121), "external_id: is longer than 120 characters."),
        (CALL.replace("2025-01-12", "2025-01-09"), "when: S-1 has no period that covers"),
        (CALL.replace("2025-01-12", "2025-03-10"), "when: S-1 has no period that covers"),
        (CALL.replace("2025-01-12", "2999-01-12"), "when: “2999-01-12” lies in the future."),
        (CALL.replace("2025-01-12", "2999-01-12T10:00"), "when: “2999-01-12” lies in the future."),
        (CALL.replace("2025-01-12", "12.01.2025"), "when: “12.01.2025” is no date"),
        (CALL.replace("2025-01-12", "2025-01-12T24:30"), "when: “2025-01-12T24:30” is no time of the calendar."),
        (CALL.replace("2025-01-12", "2025-03-30T02:30"), "when: “2025-03-30T02:30” was skipped when the clocks"),
        (CALL.replace("call", "fax"), "kind: “fax” is neither call nor operation."),
        (CALL.replace("90", "-5"), "seconds: “-5” is below 0."),
        (CALL.replace("90", "1.5"), "seconds: “1.5” is no whole number of seconds."),
        (CALL.replace("90", ""), "seconds: “” is no whole number of seconds."),
        (CALL.replace("90", "100000001"), "seconds: “100000001” is more than 100000000 seconds."),
        (CALL + "1", "quantity: stays blank for a call."),
        (CALL.replace("call,,", "call,TRUNK,"), "operation: stays blank for a call."),
        (OPERATION.replace("TRUNK", "FAX"), "operation: the operation “FAX” has no cost in"),
        (OPERATION.replace("TRUNK", ""), "operation: is blank."),
        (OPERATION.replace("2.5", "-2"), "quantity: “-2” is below 0."),
        (OPERATION.replace("2.5", "0"), "quantity: 0 uses of an operation are none."),
        (OPERATION.replace("2.5", "1.23456"), "quantity: “1.23456” is no quantity"),
        (OPERATION.replace(",,2.5", ",60,2.5"), "seconds: stays blank for an operation."),
        (CALL + ",more", "row: it has 8 cells where the header has 7."),
    ],
)
def test_a_bad_row_is_refused_by_row_and_column_and_nothing_is_imported(file: File, row: str, saying: str) -> None:
    before = rows_of_every_table("billing")
    said = file.run("c-0,S-1,2025-01-12,call,,1,", row)
    assert "row 3" in said
    assert saying in said
    assert said.endswith("!Refused: 1 of 2 rows. Nothing is imported.")
    assert rows_of_every_table("billing") == before
    event = Event.objects.get(verb="usage.import")
    assert (event.outcome, event.data["refused"], event.data["held_back"]) == ("refused", 1, 1)


@pytest.mark.parametrize(
    ("row", "saying"),
    [
        (CALL.replace("90", "91"), "“c-1” is here already, with 90 seconds: correct it there."),
        (CALL.replace("-12", "-13"), "“c-1” is here already, of 12 Jan 2025, 00:00."),
        ("c-1,S-1,2025-01-12,operation,TRUNK,,1", "“c-1” is here already, for a call."),
        (CALL.replace("S-1", "S-2"), "“c-1” is here already, of another subscription."),
        (OPERATION.replace("2.5", "2"), "“o-1” is here already, with 2.5: correct it there."),
    ],
)
def test_an_id_that_is_here_with_other_contents_is_refused(file: File, row: str, saying: str) -> None:
    named(factories.open_subscription(activated_on=date(2025, 1, 10)), "S-2")
    file.run(CALL, OPERATION)
    before = rows_of_every_table("billing")
    assert f"external_id: {saying}" in file.run(row)
    assert rows_of_every_table("billing") == before


def test_an_id_that_the_file_has_twice_is_refused_in_both_rows(file: File) -> None:
    said = file.run(CALL, OPERATION, CALL)
    assert "row 2 (c-1): refused: external_id: “c-1” is in rows 2, 4." in said
    assert "row 4 (c-1): refused: external_id: “c-1” is in rows 2, 4." in said
    assert not UsageRecord.objects.exists()
    assert "3 rows: 1 added, 0 known already, 2 refused." in file.run(CALL, OPERATION, CALL, partial=True)
    assert [record.external_id for record in UsageRecord.objects.all()] == ["o-1"]


def test_a_cost_that_came_later_does_not_hold_for_a_period_billed_before(file: File) -> None:
    factories.OperationCostFactory.create(operation__code="LATER")
    assert "the operation “LATER” has no cost in" in file.run(OPERATION.replace("TRUNK", "LATER"))


def test_what_was_corrected_is_known_by_either_figure(file: File) -> None:
    file.run(CALL)
    record = UsageRecord.objects.get()
    correct_usage(record.pk, by=factories.billing_clerk(), seconds=60, reason="The switch counted the ringing")
    assert "1 known already" in file.run(CALL)
    assert "1 known already" in file.run(CALL.replace("90", "60"))
    assert "with 60 seconds: correct it there." in file.run(CALL.replace("90", "61"))
    assert sums()[0][3] == 60


def test_a_dry_run_says_the_same_and_writes_nothing(file: File) -> None:
    before = rows_of_every_table()
    assert "1 row: 1 would be added" in file.run(CALL, dry_run=True)
    assert "Refused: 1 of 1 row" in file.run(CALL.replace("S-1", "S-9"), dry_run=True)
    assert rows_of_every_table() == before


def test_only_billing_imports_usage_and_nobody_their_own(file: File, subscription: Subscription) -> None:
    for person in (factories.agent(), factories.lead(), factories.manager(), factories.auditor()):
        assert "may not" in file.run(CALL, by=person.username)
    own = factories.billing_clerk(customer=subscription.customer)
    assert "subscription: You are linked to this customer" in file.run(CALL, by=own.username)
    assert not UsageRecord.objects.exists()
    assert "1 added" in file.run(CALL, by=factories.billing_clerk().username)


def test_more_rows_take_no_more_queries(file: File) -> None:
    def queries(first: int, count: int) -> int:
        days = [date(2025, 1, 12) + timedelta(days=n % 20) for n in range(count)]
        rows = [f"n-{first + n},S-1,{day},call,,5," for n, day in enumerate(days)]
        with CaptureQueriesContext(connection) as captured:
            assert "added" in file.run(*rows)
        return len(captured)

    queries(0, 30)  # the daily sums are there
    # A sum that is there is added to by a statement of its own: one for each day, not for each row.
    assert queries(100, 20) == queries(200, 200)


def test_the_header_has_to_fit(file: File) -> None:
    assert "The file has no column “when”" in file.run(CALL, header=HEADER.replace("when", "at"))
    assert "The column “colour” means nothing here" in file.run(CALL, header=HEADER + ",colour")
    assert not Event.objects.filter(verb="usage.import").exists()


def test_the_documentation_names_every_column_and_its_example_works(file: File) -> None:
    page = (Path(__file__).parents[2] / "docs" / "importing-usage.md").read_text(encoding="utf-8")
    for column in COLUMNS:
        assert f"`{column}`" in page
    example = re.search(r"```csv\n(.*?)```", page, re.DOTALL)
    assert example is not None
    header, *rows = example[1].strip().splitlines()
    factories.OperationCostFactory.create(operation__code="FORWARD")
    named(factories.open_subscription(activated_on=date(2026, 1, 10)), "S-000001")
    assert "2 rows: 2 added" in file.run(*rows, header=header)


# --- The page -----------------------------------------------------------------------------------


def post(*rows: str, **fields: str) -> Any:
    content = "\n".join((HEADER, *rows)).encode()
    data = {"file": SimpleUploadedFile("calls.csv", content), "delimiter": ",", **fields}
    client = signed_in(factories.billing_clerk())
    return client.post(reverse("admin:billing_usagerecord_do", args=["import"]), data, follow=True)


def test_the_page_imports_a_file_and_says_what_became_of_it() -> None:
    answer = post(CALL, OPERATION)
    assert "2 rows: 2 added, 0 known already, 0 refused." in answer.content.decode()
    assert UsageRecord.objects.count() == 2
    assert Event.objects.get(verb="usage.import").source == "page"


def test_the_page_refuses_a_file_row_by_row_and_nothing_is_imported() -> None:
    page = post(CALL, OPERATION.replace("2.5", "-2")).content.decode()
    assert "Refused: 1 of 2 rows. Nothing is imported. Row 3, quantity: “-2” is below 0." in page
    assert not UsageRecord.objects.exists()
    assert "The file has no column" in post("1", delimiter=";").content.decode()


def test_the_page_previews_every_row_and_writes_nothing() -> None:
    post(CALL)
    before = rows_of_every_table("billing")
    page = post(CALL, OPERATION, "x,S-9,2025-01-12,call,,1,", _preview="1", partial="on").content.decode()
    assert "3 rows: 1 would be added, 1 known already, 1 refused." in page
    for words in ("“S-9” is no subscription here.", "for S-1, 10 Jan 2025 to 9 Feb 2025"):
        assert words in page
    assert rows_of_every_table("billing") == before
