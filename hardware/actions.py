"""Buying phones and paying for them. No function here gives anything back (F8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.guards import require
from accounts.models import Customer, User, next_number
from accounts.permissions import May
from audit.actions import Refused, act, checked
from hardware.models import Instalment, Phone, PhoneModel, Purchase
from hardware.validators import clean_mac, clean_serial


@dataclass(frozen=True)
class DueInstalment:
    """An agreed instalment: when it is due and how much it is."""

    due_on: date
    amount: Decimal


def add_phone_model(*, by: User, maker: str, name: str) -> PhoneModel:
    """A new make of phone."""
    with act("phone_model.add", by=by, target=(PhoneModel, None)) as action:
        require(by, May.HANDLE_PHONES)
        model = checked(PhoneModel(maker=maker.strip(), name=name.strip()))
        if PhoneModel.objects.filter(maker=model.maker, name=model.name).exists():
            raise Refused(f"{model} is known already.", code="duplicate")
        model.save()
        action.about(model)
        return model


def record_purchase(
    *,
    by: User,
    customer_id: int,
    phone_model_id: int,
    serial: str,
    mac: str,
    price: Decimal,
    bought_on: date,
    instalments: Sequence[DueInstalment] = (),
) -> Purchase:
    """Record that a customer bought a phone; without ``instalments`` the whole price is due on the day it was bought.

    Raises:
        Refused: a malformed or known serial or MAC address, a negative price, or instalments that do not add up.
    """
    with act("purchase.record", by=by, target=(Purchase, None)) as action:
        require(by, May.HANDLE_PHONES)
        customer = action.lock(Customer, customer_id)
        model = action.lock(PhoneModel, phone_model_id)
        try:
            serial, mac = clean_serial(serial), clean_mac(mac)
        except ValidationError as problem:
            raise Refused(" ".join(problem.messages), code="invalid") from None
        if Phone.objects.filter(maker=model.maker, serial=serial).exists():
            raise Refused(f"The serial number {serial} of {model.maker} is known already.", code="duplicate")
        if Phone.objects.filter(mac=mac).exists():
            raise Refused(f"The MAC address {mac} is known already.", code="duplicate")
        if price < 0:
            raise Refused("A price cannot be negative.", code="amount")
        plan = list(instalments) or ([DueInstalment(bought_on, price)] if price else [])
        if any(part.amount <= 0 for part in plan) or sum((part.amount for part in plan), Decimal(0)) != price:
            raise Refused(f"The instalments must be above 0 and add up to the price, {price:f}.", code="instalments")
        phone = checked(Phone(model=model, maker=model.maker, serial=serial, mac=mac))
        phone.save()
        purchase = checked(
            Purchase(
                number=f"P-{next_number('purchase'):06d}",
                customer=customer,
                phone=phone,
                bought_on=bought_on,
                currency=customer.currency,
                price=price,
                owned_on=None if price else bought_on,
            )
        )
        purchase.save()
        for sequence, part in enumerate(plan, start=1):
            Instalment(purchase=purchase, sequence=sequence, due_on=part.due_on, amount=part.amount).save()
        action.about(purchase, customer_id=customer.pk)
        return purchase


def instalment_obstacle(instalment: Instalment) -> str | None:
    """Why the instalment cannot be paid now, or None."""
    return f"{instalment} was paid on {instalment.paid_on}." if instalment.paid_on else None


def pay_instalment(instalment_id: int, *, by: User, paid_on: date) -> Purchase:
    """Record an instalment's payment. With the last one the phone becomes the customer's (F6)."""
    with act("instalment.pay", by=by, target=(Instalment, instalment_id)) as action:
        require(by, May.HANDLE_PHONES)
        known = Instalment.objects.filter(pk=instalment_id).first()
        if known is None:
            raise Refused("This instalment does not exist (any more).", code="missing")
        purchase = action.lock(Purchase, known.purchase_id)
        instalment = action.lock(Instalment, instalment_id)
        action.about(purchase, customer_id=purchase.customer_id)
        action.refuse_if(instalment_obstacle(instalment), code="state")
        if paid_on > timezone.localdate():
            raise Refused("An instalment cannot have been paid in the future.", code="dates")
        instalment.paid_on = paid_on
        instalment.save()
        purchase.paid += instalment.amount
        if purchase.owed == 0:
            purchase.owned_on = paid_on
        purchase.save()
        action.data = {"amount": f"{instalment.amount:f}", "owed": f"{purchase.owed:f}"}
        return purchase
