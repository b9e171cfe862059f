"""``import_customers``: what it writes, and that a second run adds nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from accounts.customers.actions import edit_customer
from accounts.customers.models import Customer
from accounts.numbers.models import NumberSeries
from accounts.staff.models import User
from audit.models import Event
from billing.invoices.models import Invoice, InvoiceLine
from billing.plans.models import Plan
from billing.subscriptions.actions import open_subscription
from billing.subscriptions.cancellations.actions import cancel_subscription
from billing.subscriptions.models import BillingPeriod, Subscription
from core.addresses import Address
from tests import factories
from tests.billing.customer_files import BAKERY, FLORIST, HEADER, TODAY, Importer, everything, plans

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


def test_customers_come_with_subscription_period_and_invoice(importer: Importer) -> None:
    done = importer(BAKERY, FLORIST)
    assert (done.status, done.error) == (0, "")
    assert done.out == "2 rows: 2 added, 0 known already, 0 refused.\n"
    bakery, florist = Customer.objects.order_by("number")
    assert (bakery.name, bakery.country, bakery.currency, bakery.kind) == (
        "Harbour Bakery",
        "IT",
        "EUR",
        "company",
    )
    assert (bakery.email, bakery.customer_since) == ("", date(2023, 5, 17))
    one = Subscription.objects.get(customer=bakery)
    assert (one.number, one.plan.code, one.term, one.currency) == ("S-000001", "OFFICE", "monthly", "EUR")
    assert (one.agreed_fee, one.activated_on, one.anchor_on) == (
        Decimal("49.90"),
        date(2023, 5, 17),
        date(2023, 5, 17),
    )
    period = BillingPeriod.objects.get(subscription=one)
    assert (period.sequence, period.starts_on, period.ends_on) == (10, date(2024, 3, 17), date(2024, 4, 17))
    assert (period.fee, period.tax_rate, period.minute_cost) == (Decimal("49.90"), 22, Decimal("0.02"))
    invoice = Invoice.objects.get(period=period)
    assert (invoice.number, invoice.customer, invoice.issued_on) == (number(1), bakery, factories.today())
    assert (invoice.net, invoice.tax, invoice.gross) == (Decimal("40.90"), Decimal("9.00"), Decimal("49.90"))
    assert invoice.state == Invoice.State.ISSUED
    assert InvoiceLine.objects.get(invoice=invoice).text == "Office, 2024-03-17 to 2024-04-16"
    # A blank fee is the plan's own; the annual period began the year before.
    other = Subscription.objects.get(customer=florist)
    assert (other.number, other.agreed_fee) == ("S-000002", None)
    period = BillingPeriod.objects.get(subscription=other)
    assert (period.sequence, period.starts_on, period.ends_on) == (1, date(2023, 9, 30), date(2024, 9, 30))
    assert period.fee == Decimal("720.00")
    assert Invoice.objects.get(period=period).number == number(2)


def number(n: int) -> str:
    """Of an invoice that is written now, whenever its period began."""
    return f"{factories.today().year}-{n:06d}"


@pytest.mark.parametrize(
    ("term", "fee", "activated_on"),
    [("monthly", "49.90", "2023-05-31"), ("annual", "", "2020-02-29"), ("monthly", "0", "2024-03-31")],
)
def test_the_rows_are_those_that_opening_one_subscription_makes(
    importer: Importer, term: str, fee: str, activated_on: str
) -> None:
    factories.OperationCostFactory.create(operation=factories.OperationFactory.create(code="FORWARD"))
    importer(f"C-1,Harbour Bakery,IT,EUR,OFFICE,{term},{fee},{activated_on}")
    open_subscription(
        by=factories.system_user(),
        customer_id=factories.CustomerFactory.create(number="C-2", name="Harbour Bakery").pk,
        plan_id=Plan.objects.get(code="OFFICE").pk,
        term=term,
        activated_on=date.fromisoformat(activated_on),
        agreed_fee=Decimal(fee) if fee else None,
        taken_over_on=date.fromisoformat(TODAY),
    )
    for model in (Subscription, BillingPeriod, Invoice, InvoiceLine):
        imported, opened = (contents(row) for row in model._base_manager.order_by("pk"))
        assert imported == opened
    assert BillingPeriod.objects.earliest("pk").operation_costs[0]["code"] == "FORWARD"


def contents(row: Any) -> dict[str, Any]:
    """A row's columns without the keys and numbers that two rows never share."""
    own = {"id", "number", "customer_id", "subscription_id", "period_id", "invoice_id"}
    return {
        field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if field.attname not in own
    }


def test_history_and_event_tell_who_when_and_from_what(importer: Importer) -> None:
    clerk = factories.billing_clerk(username="bruna", first_name="Bruna", last_name="Example")
    importer(BAKERY, FLORIST, by="bruna")
    event = Event.objects.get(verb="customers.import")
    assert (event.actor, event.actor_role, event.source, event.outcome) == (
        clerk,
        "Billing clerk",
        "command",
        "done",
    )
    assert (event.reason, event.target_label) == ("Imported from customers.csv", "customers.csv")
    assert event.message == "2 rows: 2 added, 0 known already, 0 refused."
    raw = importer.path.read_bytes()
    assert event.data["sha256"] == hashlib.sha256(raw).hexdigest()
    assert len(event.data.pop("map_sha256")) == 64
    assert event.data == {
        "file": "customers.csv",
        "sha256": event.data["sha256"],
        "bytes": len(raw),
        "map": "own",
        "today": TODAY,
        "partial": False,
        "rows": 2,
        "added": 2,
        "known": 0,
        "refused": 0,
        "held_back": 0,
        "reasons": {},
    }
    for model in (Customer, Subscription, BillingPeriod, Invoice):
        history: Any = model.history.all()
        assert history.count() == model._base_manager.count() == 2
        for row in history:
            assert (row.history_type, row.history_user, row.history_actor_name) == (
                "+",
                clerk,
                "Bruna Example",
            )
            assert (row.history_change_reason, row.history_source) == (
                "Imported from customers.csv",
                "command",
            )
            assert row.history_request_id == event.request_id


def test_without_a_name_the_system_imports(importer: Importer) -> None:
    importer(BAKERY)
    assert Event.objects.get().actor == User.objects.system()
    assert Customer.history.get().history_actor_name == "System"


def test_all_columns_of_our_own(importer: Importer) -> None:
    importer(
        "C-1,Ada Example,US,KWD,OFFICE,monthly,9.875,2023-05-17,"
        'person,ada@example.com,+1 212 5550100,it,2019-01-02,"two\nlines"',
        header=HEADER + ",kind,email,phone,language,customer_since,notes",
    )
    assert not Customer.objects.exists()  # no price in KWD yet
    factories.price(Plan.objects.get(code="OFFICE"), currency="KWD", fee=Decimal("9.500"))
    done = importer.of_path(importer.path)
    assert done.status == 0
    ada = Customer.objects.get()
    assert (ada.kind, ada.email, ada.phone) == ("person", "ada@example.com", "+1 212 5550100")
    assert (ada.language, ada.customer_since, ada.notes) == ("it", date(2019, 1, 2), "two\nlines")
    assert Invoice.objects.get().gross == Decimal("9.875")


def test_a_fee_of_nothing_is_paid(importer: Importer) -> None:
    importer(BAKERY.replace("49.90", "0"))
    assert (Invoice.objects.get().gross, Invoice.objects.get().state) == (0, Invoice.State.PAID)


def test_numbers_go_on_where_they_were(importer: Importer) -> None:
    importer(BAKERY)
    importer(
        BAKERY,
        FLORIST,
        "C-3,Ada,IT,EUR,OFFICE,monthly,1,2024-03-01",
        "C-4,Bo,IT,EUR,OFFICE,monthly,1,2024-03-01",
    )
    assert list(Subscription.objects.values_list("number", flat=True)) == [f"S-00000{n}" for n in (1, 2, 3, 4)]
    numbers = Invoice.objects.values_list("number", "customer__number")
    assert sorted(numbers) == [
        (number(1), "C-1"),
        (number(2), "C-2"),
        (number(3), "C-3"),
        (number(4), "C-4"),
    ]
    assert NumberSeries.objects.get(name=f"invoice-{factories.today().year}").last == 4


def test_a_second_run_adds_nothing(importer: Importer, nothing_written: Callable[..., None]) -> None:
    importer(BAKERY, FLORIST)
    before = everything()
    done = importer.of_path(importer.path, verbosity=2)
    assert (done.status, done.error) == (0, "")
    assert done.out == "row 2 (C-1): known\nrow 3 (C-2): known\n2 rows: 0 added, 2 known already, 0 refused.\n"
    assert everything() == before | {"audit.Event": before["audit.Event"] + 1}


def test_the_rest_of_a_file_is_added_later(importer: Importer) -> None:
    importer(BAKERY)
    done = importer(BAKERY, FLORIST, verbosity=2)
    assert done.out.splitlines() == [
        "row 2 (C-1): known",
        "row 3 (C-2): added: SUITE, annual, 720.00 EUR, since 2022-09-30, billed here from 2023-09-30",
        "2 rows: 1 added, 1 known already, 0 refused.",
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            BAKERY.replace("Harbour", "Harbor"),
            "name: is “Harbor Bakery” in the file and “Harbour Bakery” here.",
        ),
        (BAKERY.replace("IT", "DE"), "country: is “DE” in the file and “IT” here."),
        (BAKERY.replace("OFFICE", "SUITE"), "plan: is “SUITE” in the file and “OFFICE” here."),
        (BAKERY.replace("49.90", "59.9"), "fee: is “59.9” in the file and “49.90” here."),
        (BAKERY.replace("49.90", ""), "fee: is blank in the file and “49.90” here."),
        (
            BAKERY.replace("2023-05", "2023-06"),
            "activated_on: is “2023-06-17” in the file and “2023-05-17” here.",
        ),
        (
            BAKERY.replace("monthly", "annual").replace("EUR", "USD"),
            ("currency: is “USD” in the file and “EUR” here. term: is “annual” in the file and “monthly” here."),
        ),
    ],
)
def test_a_known_number_with_other_content_is_refused(importer: Importer, row: str, message: str) -> None:
    importer(BAKERY)
    before = everything()
    done = importer(row, FLORIST)
    assert done.status == 1
    assert done.out.splitlines()[0] == f"row 2 (C-1): refused: {message}"
    assert everything() == before | {"audit.Event": before["audit.Event"] + 1}


def test_what_the_file_does_not_say_is_not_compared(importer: Importer) -> None:
    importer(BAKERY)
    bakery = Customer.objects.get(number="C-1")
    bakery.email, bakery.notes = "office@example.com", "Rings on Mondays."
    bakery.save()
    cancel_subscription(Subscription.objects.get().pk, by=factories.agent(), channel="email")
    assert importer.of_path(importer.path).status == 0
    done = importer(f"{BAKERY},old@example.com", header=f"{HEADER},email")
    assert "email: is “old@example.com” in the file and “office@example.com” here." in done.out


def test_a_customer_with_another_subscription_besides(importer: Importer) -> None:
    importer(BAKERY)
    factories.open_subscription(Customer.objects.get(), Plan.objects.get(code="SUITE"))
    assert importer.of_path(importer.path).out == "1 row: 0 added, 1 known already, 0 refused.\n"


def test_a_customer_without_a_subscription(importer: Importer) -> None:
    factories.CustomerFactory.create(number="C-1", name="Harbour Bakery", customer_since=date(2023, 5, 17))
    assert "row 2 (C-1): refused: plan: this customer is here, without any subscription." in importer(BAKERY).out


# --- Addresses ----------------------------------------------------------------------------------


def test_an_address_as_a_whole_is_told_apart_or_marked(importer: Importer) -> None:
    header = f"{HEADER},postal_address"
    rows = [f'{BAKERY},"Via Roma 12, 00100 Roma"', f"{FLORIST},Behind the station"]
    assert importer(*rows, header=header).status == 0
    sure, unsure = Customer.objects.order_by("number")
    assert sure.postal.lines == ("Via Roma 12", "00100 Roma")
    assert (sure.postal_number, sure.address_to_check) == ("12", False)
    assert (unsure.postal.lines, unsure.address_to_check) == (("Behind the station",), True)
    assert "2 known already" in importer(*rows, header=header).out


def test_an_address_is_known_again_after_somebody_put_its_parts_right(importer: Importer) -> None:
    header, row = f"{HEADER},postal_address", f'{BAKERY},"Scala B, Via Roma 12, 00100 Roma"'
    importer(row, header=header)
    [customer] = Customer.objects.all()
    edit_customer(customer.pk, by=factories.agent(), postal=Address("Scala B, Via Roma", "12", "00100", "Roma"))
    assert "1 known already" in importer(row, header=header).out
    moved = importer(row.replace("Roma 12", "Napoli 3"), header=header)
    assert "postal_address: is “Scala B, Via Napoli 3, 00100 Roma” in the file and" in moved.out


def test_an_address_in_parts(importer: Importer) -> None:
    header = f"{HEADER},postal_street,postal_number,postal_postcode,postal_town"
    assert importer(f"{BAKERY},Via Roma,12,00100,Roma", header=header).status == 0
    assert Customer.objects.get().postal.lines == ("Via Roma 12", "00100 Roma")
    refused = importer(f"{FLORIST},Via Roma,12,1,Roma", header=header)
    assert refused.status == 1
    assert "postal_postcode: “1” is no postcode of Italy, such as 00144." in refused.out


def test_a_number_is_known_whatever_its_case(importer: Importer) -> None:
    assert importer(BAKERY).status == 0
    assert "1 known already" in importer(BAKERY.replace("C-1", "c-1")).out
    twice = importer(FLORIST, FLORIST.replace("C-2", "c-2"))
    assert twice.status == 1
    assert "is in rows 2, 3." in twice.out
