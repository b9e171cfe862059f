"""Phones: bought, paid by instalments, owned with the last one (F6), kept after a cancellation (F7), never refunded."""

from __future__ import annotations

import inspect
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.customers.models import Customer
from accounts.staff.models import User
from audit.models import Event
from billing.subscriptions.cancellations.actions import cancel_subscription
from hardware.phones.actions import add_phone_model
from hardware.phones.models import Phone, PhoneModel
from hardware.phones.validators import clean_mac, clean_serial
from hardware.purchases import actions as purchases
from hardware.purchases.actions import DueInstalment, pay_instalment, record_purchase
from hardware.purchases.models import Instalment, Purchase
from tests import factories
from tests.complaints.refusals import assert_refused


@pytest.mark.parametrize(
    "spelling", ["00:1A:2b:3c:4d:5e", "00-1A-2B-3C-4D-5E", "001a.2b3c.4d5e", "001A2B3C4D5E", " 00:1a:2b:3c:4d:5e "]
)
def test_a_mac_address_has_one_spelling(spelling: str) -> None:
    assert clean_mac(spelling) == "00:1a:2b:3c:4d:5e"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00:1a:2b:3c:4d",
        "00:1a-2b:3c:4d:5e",
        "00:1g:2b:3c:4d:5e",
        "00:00:00:00:00:00",
        "01:1a:2b:3c:4d:5e",
        "ff:ff:ff:ff:ff:ff",
    ],
)
def test_what_is_no_mac_address_of_one_device(text: str) -> None:
    with pytest.raises(ValidationError):
        clean_mac(text)


def test_a_serial_number_has_one_spelling() -> None:
    assert clean_serial(" sn-12/3 ") == "SN-12/3"


@pytest.mark.parametrize("text", ["", "AB", "-AB1", "AB 1", "Ä123", "A" * 41])
def test_what_is_no_serial_number(text: str) -> None:
    with pytest.raises(ValidationError):
        clean_serial(text)


@pytest.fixture
def clerk(db: None) -> User:
    return factories.billing_clerk()


@pytest.fixture
def customer(db: None) -> Customer:
    return factories.CustomerFactory.create(currency="EUR")


@pytest.fixture
def model(db: None) -> PhoneModel:
    return factories.PhoneModelFactory.create(maker="Tellwell", name="Desk 3")


def buy(clerk: User, customer: Customer, model: PhoneModel, **given: Any) -> Purchase:
    usual: dict[str, Any] = {
        "by": clerk,
        "customer_id": customer.pk,
        "phone_model_id": model.pk,
        "serial": "sn-1",
        "mac": "00-1A-2B-3C-4D-5E",
        "price": Decimal("120.00"),
        "bought_on": date(2026, 1, 31),
    }
    return record_purchase(**{**usual, **given})


def test_a_phone_bought_outright_is_owned_when_it_is_paid(clerk: User, customer: Customer, model: PhoneModel) -> None:
    purchase = buy(clerk, customer, model)
    assert (purchase.number, purchase.price, purchase.owed, purchase.is_owned) == (
        "P-000001",
        Decimal("120.00"),
        Decimal("120.00"),
        False,
    )
    phone = Phone.objects.get()
    assert (phone.serial, phone.mac, phone.maker) == ("SN-1", "00:1a:2b:3c:4d:5e", "Tellwell")
    part = Instalment.objects.get()
    assert (part.due_on, part.amount) == (date(2026, 1, 31), Decimal("120.00"))

    pay_instalment(part.pk, by=clerk, paid_on=date(2026, 2, 5))
    purchase.refresh_from_db()
    assert (purchase.owed, purchase.owned_on) == (Decimal(0), date(2026, 2, 5))
    events = list(Event.objects.order_by("pk").values_list("verb", "customer_id", "target_id"))
    assert events == [("purchase.record", customer.pk, purchase.pk), ("instalment.pay", customer.pk, purchase.pk)]
    assert Event.objects.latest("pk").data == {"amount": "120.00", "owed": "0.00"}
    assert purchase.history.first().history_user_id == clerk.pk


def test_f6_a_phone_is_the_customers_with_the_last_instalment(
    clerk: User, customer: Customer, model: PhoneModel
) -> None:
    parts = [DueInstalment(date(2026, month, 1), Decimal("40.00")) for month in (2, 3, 4)]
    purchase = buy(clerk, customer, model, instalments=parts)
    owed = []
    # In any order: it is theirs since the latest payment, whichever was recorded last.
    for part in reversed(list(purchase.instalments.all())):
        paid = pay_instalment(part.pk, by=clerk, paid_on=date(2026, 5, part.sequence))
        owed.append((paid.owed, paid.owned_on))
    assert owed == [(Decimal(80), None), (Decimal(40), None), (Decimal(0), date(2026, 5, 3))]
    assert not Purchase.objects.filter(owned_on__isnull=True).exists()


def test_a_phone_that_costs_nothing_is_owned_at_once(clerk: User, customer: Customer, model: PhoneModel) -> None:
    purchase = buy(clerk, customer, model, price=Decimal(0))
    assert (purchase.is_owned, purchase.instalments.count()) == (True, 0)


@pytest.mark.parametrize(
    ("given", "code", "saying"),
    [
        ({"serial": "x"}, "invalid", "no serial number"),
        ({"mac": "00:00:00:00:00:00"}, "invalid", "not the address of one device"),
        ({"price": Decimal(-1)}, "amount", "cannot be negative"),
        ({"instalments": [DueInstalment(date(2026, 2, 1), Decimal(100))]}, "instalments", "add up to the price"),
        (
            {
                "instalments": [
                    DueInstalment(date(2026, 2, 1), Decimal(130)),
                    DueInstalment(date(2026, 3, 1), Decimal(-10)),
                ]
            },
            "instalments",
            "above 0",
        ),
        ({"customer_id": 12345}, "missing", "does not exist"),
        ({"phone_model_id": 12345}, "missing", "does not exist"),
    ],
)
def test_purchases_that_are_refused(
    clerk: User, customer: Customer, model: PhoneModel, given: dict[str, Any], code: str, saying: str
) -> None:
    assert_refused(code, buy, clerk, customer, model, saying=saying, **given)


def test_a_phone_is_sold_once(clerk: User, customer: Customer, model: PhoneModel) -> None:
    buy(clerk, customer, model)
    assert_refused("duplicate", buy, clerk, customer, model, mac="00:1a:2b:3c:4d:5f", saying="serial number SN-1")
    assert_refused("duplicate", buy, clerk, customer, model, serial="SN-2", saying="MAC address")
    other_maker = factories.PhoneModelFactory.create(maker="Ringo")
    assert buy(clerk, customer, other_maker, mac="00:1a:2b:3c:4d:5f").number == "P-000002"


@pytest.mark.parametrize("who", ["agent", "lead", "manager", "auditor", "administrator"])
def test_only_billing_handles_phones(customer: Customer, model: PhoneModel, who: str) -> None:
    person = getattr(factories, who)()
    assert_refused("permission", buy, person, customer, model)
    assert_refused("permission", add_phone_model, by=person, maker="Tellwell", name="Desk 9")
    part = factories.phone_purchase(customer).instalments.get()
    assert_refused("permission", pay_instalment, part.pk, by=person, paid_on=factories.today())


def test_an_instalment_is_paid_once_and_not_in_the_future(clerk: User, customer: Customer, model: PhoneModel) -> None:
    part = buy(clerk, customer, model).instalments.get()
    tomorrow = factories.today() + timedelta(days=1)
    assert_refused("dates", pay_instalment, part.pk, by=clerk, paid_on=tomorrow)
    pay_instalment(part.pk, by=clerk, paid_on=factories.today())
    assert_refused("state", pay_instalment, part.pk, by=clerk, paid_on=factories.today())
    assert_refused("missing", pay_instalment, 12345, by=clerk, paid_on=factories.today())


def test_a_phone_model_is_on_file_once(clerk: User) -> None:
    add_phone_model(by=clerk, maker=" Tellwell ", name="Desk 3")
    assert_refused("duplicate", add_phone_model, by=clerk, maker="Tellwell", name="Desk 3")
    assert_refused("invalid", add_phone_model, by=clerk, maker="", name="Desk 4")


def test_f7_a_cancellation_touches_no_phone(clerk: User) -> None:
    subscription = factories.paid_subscription()
    owned = factories.phone_purchase(subscription.customer)
    owing = factories.phone_purchase(subscription.customer, instalments=3)
    pay_instalment(owned.instalments.get().pk, by=clerk, paid_on=factories.today())
    before = [(row.pk, row.paid, row.owned_on, row.history.count()) for row in Purchase.objects.order_by("pk")]
    cancel_subscription(subscription.pk, by=clerk, channel="email")
    assert [(row.pk, row.paid, row.owned_on, row.history.count()) for row in Purchase.objects.order_by("pk")] == before
    assert Purchase.objects.get(pk=owing.pk).owed == Decimal("120.00")


def test_f8_no_way_leads_from_a_phone_to_a_refund() -> None:
    """Neither direction: this app knows no refund, and no refund, credit or payout refers to a purchase."""

    for source in (Path(inspect.getfile(purchases)).parents[1]).rglob("*.py"):
        text = source.read_text(encoding="utf-8")
        assert "import billing" not in text
        assert "from billing" not in text
        assert "complaints" not in text
    ours = {Purchase, Phone, PhoneModel, Instalment}
    for app in ("billing", "policies", "complaints"):
        for model in apps.get_app_config(app).get_models():
            related = {field.related_model for field in model._meta.get_fields() if field.is_relation}
            assert not related & ours, f"{model.__name__} refers to a phone"
    giving = ("refund", "credit", "payout", "give_back")
    assert {name for name in vars(purchases) if any(word in name for word in giving)} == set()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("constraint", "given"),
    [
        ("purchase_not_overpaid", {"paid": Decimal(121)}),
        ("purchase_not_overpaid", {"price": Decimal(-1), "paid": Decimal(-1)}),
        ("purchase_owned_when_paid", {"owned_on": date(2026, 1, 1)}),
        ("purchase_owned_when_paid", {"paid": Decimal("120.00")}),
    ],
)
def test_the_database_keeps_ownership_true(constraint: str, given: dict[str, Any]) -> None:
    purchase = factories.phone_purchase()
    for name, value in given.items():
        setattr(purchase, name, value)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        purchase.save()


@pytest.mark.django_db
def test_the_database_keeps_instalments_above_nothing_and_phones_apart() -> None:
    purchase = factories.phone_purchase()
    part = purchase.instalments.get()
    part.amount = Decimal(0)
    with pytest.raises(IntegrityError, match="instalment_positive"), transaction.atomic():
        part.save()
    for twin in (
        Phone(
            model=purchase.phone.model,
            maker=purchase.phone.maker,
            serial=purchase.phone.serial,
            mac="02:00:00:99:99:99",
        ),
        Phone(model=purchase.phone.model, maker=purchase.phone.maker, serial="SN-OTHER", mac=purchase.phone.mac),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            twin.save()


def test_nothing_is_paid_before_the_purchase(clerk: User, customer: Customer, model: PhoneModel) -> None:
    purchase = buy(clerk, customer, model)
    part = purchase.instalments.get()
    too_early = purchase.bought_on - timedelta(days=1)
    assert_refused(
        "dates", pay_instalment, part.pk, by=clerk, paid_on=too_early, saying="nothing was paid for it before"
    )
    assert pay_instalment(part.pk, by=clerk, paid_on=purchase.bought_on).owned_on == purchase.bought_on
