"""A phone that comes back: no money moves (F8), nothing more is owed, and it can be sold again."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.staff.models import User
from audit.models import Event
from hardware.purchases.actions import DueInstalment, note_warranty, pay_instalment, record_purchase, return_phone
from hardware.purchases.models import Instalment, Purchase
from tests import factories
from tests.complaints.refusals import assert_refused, rows_of_every_table

pytestmark = pytest.mark.django_db

BOUGHT = date(2024, 1, 31)
BACK = date(2024, 5, 2)


@pytest.fixture
def clerk() -> User:
    return factories.billing_clerk()


@pytest.fixture
def owing(clerk: User) -> Purchase:
    """120.00 in three parts, the first of them paid."""
    purchase = factories.phone_purchase(instalments=3, bought_on=BOUGHT)
    pay_instalment(purchase.instalments.get(sequence=1).pk, by=clerk, paid_on=BOUGHT)
    return Purchase.objects.get()


def come_back(purchase: Purchase, by: User, on: date = BACK, reason: str = "Too loud") -> Purchase:
    return return_phone(purchase.pk, by=by, reason=reason, returned_on=on)


def test_f8_what_was_paid_stays_paid_and_the_rest_is_owed_no_longer(clerk: User, owing: Purchase) -> None:
    money = rows_of_every_table("billing", "complaints")
    parts = list(Instalment.objects.values_list("pk", "amount", "paid_on"))
    come_back(owing, clerk)
    purchase = Purchase.objects.get()
    assert (purchase.price, purchase.paid, purchase.owed) == (Decimal("120.00"), Decimal("40.00"), Decimal(0))
    assert (purchase.returned_on, purchase.return_reason, purchase.is_owned) == (BACK, "Too loud", False)
    assert list(Instalment.objects.values_list("pk", "amount", "paid_on")) == parts
    assert rows_of_every_table("billing", "complaints") == money
    event = Event.objects.get(verb="purchase.return")
    assert (event.target_id, event.customer_id, event.reason) == (purchase.pk, purchase.customer_id, "Too loud")
    assert event.data == {"paid": "40.00", "not_owed_any_more": "80.00"}
    assert purchase.history.first().history_user_id == clerk.pk
    rest = purchase.instalments.get(sequence=2)
    assert_refused("state", pay_instalment, rest.pk, by=clerk, paid_on=BACK, saying="owed no longer")


def test_f8_a_phone_that_was_owned_comes_back_and_stays_paid(clerk: User) -> None:
    purchase = factories.phone_purchase(bought_on=BOUGHT)
    pay_instalment(purchase.instalments.get().pk, by=clerk, paid_on=BOUGHT)
    come_back(purchase, clerk)
    purchase.refresh_from_db()
    assert (purchase.paid, purchase.owned_on, purchase.is_owned) == (Decimal("120.00"), BOUGHT, False)
    assert not Purchase.objects.kept().exists()


def test_returns_that_are_refused(clerk: User, owing: Purchase) -> None:
    assert_refused("reason_missing", come_back, owing, clerk, reason=" ")
    assert_refused("dates", come_back, owing, clerk, on=BOUGHT - timedelta(days=1), saying="before it was bought")
    assert_refused("dates", come_back, owing, clerk, on=factories.today() + timedelta(days=1), saying="future")
    come_back(owing, clerk)
    assert_refused("state", come_back, owing, clerk, saying="came back on 2 May 2024 already")
    assert_refused("missing", return_phone, 12345, by=clerk, reason="Too loud", returned_on=BACK)


@pytest.mark.parametrize("who", ["agent", "lead", "manager", "auditor", "administrator"])
def test_only_billing_takes_phones_back_and_notes_warranties(owing: Purchase, who: str) -> None:
    person = getattr(factories, who)()
    assert_refused("permission", come_back, owing, person)
    assert_refused("permission", note_warranty, owing.pk, by=person, until=BACK)


def test_a_phone_from_stock_is_sold_again(clerk: User, owing: Purchase) -> None:
    phone = owing.phone
    buyer = factories.CustomerFactory.create()

    def sell(on: date = BACK, mac: str = phone.mac) -> Purchase:
        return record_purchase(
            by=clerk,
            customer_id=buyer.pk,
            phone_model_id=phone.model_id,
            serial=phone.serial,
            mac=mac,
            price=Decimal("60.00"),
            bought_on=on,
        )

    assert_refused("duplicate", sell)
    come_back(owing, clerk)
    assert_refused("dates", sell, BACK - timedelta(days=1), saying="back to stock on 2 May 2024")
    assert_refused("differs", sell, mac="02:00:00:00:99:99", saying=phone.mac)
    again = sell()
    assert (again.phone, again.customer, again.owed) == (phone, buyer, Decimal("60.00"))
    assert_refused("duplicate", sell)
    twin = Purchase.objects.get(pk=owing.pk)
    twin.returned_on, twin.return_reason = None, ""
    with pytest.raises(IntegrityError, match=r"phone_bought_once|phone_id"), transaction.atomic():
        twin.save()


def test_nothing_is_sold_to_a_merged_customer(clerk: User, owing: Purchase) -> None:
    survivor = factories.CustomerFactory.create()
    merged = factories.CustomerFactory.create(merged_into=survivor)
    model = owing.phone.model
    assert_refused(
        "merged",
        record_purchase,
        by=clerk,
        customer_id=merged.pk,
        phone_model_id=model.pk,
        serial="SN-77",
        mac="02:00:00:00:99:99",
        price=Decimal(1),
        bought_on=BOUGHT,
        saying=survivor.number,
    )


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        ([("2024-01-30", "60.00")], "dates"),
        ([("2024-03-31", "30.00"), ("2024-02-29", "30.00")], "dates"),
        ([("2024-01-31", "30.005"), ("2024-02-29", "29.995")], "decimals"),
        ([("2024-01-31", "59.99")], "instalments"),
    ],
)
def test_instalments_that_cannot_be(clerk: User, plan: list[tuple[str, str]], code: str) -> None:
    customer, model = factories.CustomerFactory.create(), factories.PhoneModelFactory.create()
    assert_refused(
        code,
        record_purchase,
        by=clerk,
        customer_id=customer.pk,
        phone_model_id=model.pk,
        serial="SN-77",
        mac="02:00:00:00:99:99",
        price=Decimal("60.00"),
        bought_on=BOUGHT,
        instalments=[DueInstalment(date.fromisoformat(day), Decimal(amount)) for day, amount in plan],
    )


def test_a_warranty_is_noted(clerk: User, owing: Purchase) -> None:
    note_warranty(owing.pk, by=clerk, until=date(2026, 1, 31), note=" Handset replaced once ")
    purchase = Purchase.objects.get()
    assert (purchase.warranty_until, purchase.warranty_note) == (date(2026, 1, 31), "Handset replaced once")
    assert purchase.paid == Decimal("40.00")
    assert_refused("dates", note_warranty, owing.pk, by=clerk, until=BOUGHT - timedelta(days=1))
    assert_refused(
        "nothing_changed", note_warranty, owing.pk, by=clerk, until=date(2026, 1, 31), note="Handset replaced once"
    )


# --- The pages ----------------------------------------------------------------------------------


@pytest.fixture
def pages(client: Client, clerk: User) -> Client:
    client.force_login(clerk, backend="accounts.staff.auth.StaffBackend")
    return client


def test_the_page_says_what_stays_paid_before_and_after(pages: Client, owing: Purchase) -> None:
    url = f"{reverse('admin:hardware_purchase_act', args=('return',))}?ids={owing.pk}"
    before = pages.get(url).content.decode()
    assert "The 40.00 EUR that was paid stays paid: no money goes back (F8)." in before
    assert "The 80.00 EUR still owed is owed no longer." in before
    pages.post(url, {"returned_on": "2024-05-02", "reason": "Too loud"})
    after = pages.get(reverse("admin:hardware_purchase_change", args=(owing.pk,))).content.decode()
    for words in ("Came back", "Too loud What was paid stays paid (F8).", "Owed no longer"):
        assert words in after
    phone = pages.get(reverse("admin:hardware_phone_change", args=(owing.phone_id,))).content.decode()
    assert "In stock" in phone


def test_the_statement_says_what_was_bought_and_paid(pages: Client, owing: Purchase) -> None:
    customer = owing.customer
    customer.tax_number = "IT00743110157"
    for name, value in factories.address("Via Roma 1, 00100 Roma").items():
        setattr(customer, name, value)
    customer.save()
    text = pages.get(reverse("admin:hardware_purchase_statement", args=(owing.pk,))).content.decode()
    for words in (customer.name, "Via Roma 1<br>00100 Roma", "IT00743110157", owing.number, owing.phone.serial):
        assert words in text
    assert "becomes the customer’s once its price is paid in full" in text
    assert "it is not a tax invoice" in text


def test_who_sees_no_phones_sees_no_statement(client: Client, owing: Purchase) -> None:
    client.force_login(factories.administrator(), backend="accounts.staff.auth.StaffBackend")
    assert client.get(reverse("admin:hardware_purchase_statement", args=(owing.pk,))).status_code == 403


@pytest.mark.parametrize("page", ["purchase", "phone", "instalment"])
def test_longer_lists_take_no_more_queries(pages: Client, clerk: User, page: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert pages.get(reverse(f"admin:hardware_{page}_changelist")).status_code == 200
        return len(captured)

    def sell(count: int) -> None:
        model = factories.PhoneModelFactory.create()
        for n in range(count):
            bought = factories.phone_purchase(instalments=3, model=model, bought_on=BOUGHT)
            if n % 2:
                come_back(bought, clerk)

    sell(2)
    queries()
    few = queries()
    sell(6)
    assert queries() == few
