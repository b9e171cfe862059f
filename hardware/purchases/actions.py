"""Buying phones, paying for them, taking them back to stock. No function here gives any money back (F8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from django.core.exceptions import ValidationError
from django.db.models import Max
from django.utils import timezone

from accounts.customers.models import Customer
from accounts.customers.rules import merged_obstacle
from accounts.numbers.models import next_number
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Obstacle, Refused, act, checked
from audit.bulk import create_tracked
from audit.vocabulary import Refusal
from core.text import Text, number_text, say
from core.validators import fits_currency
from hardware.phones.models import Phone, PhoneModel
from hardware.phones.validators import clean_mac, clean_serial
from hardware.purchases.models import Instalment, Purchase
from hardware.vocabulary import HardwareRefusal, HardwareVerb


@dataclass(frozen=True)
class DueInstalment:
    """An agreed instalment: when it is due and how much it is."""

    due_on: date
    amount: Decimal


PURCHASE_SERIES = "purchase"


def purchase_number(n: int) -> str:
    return f"P-{n:06d}"


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
    warranty_until: date | None = None,
    warranty_note: str = "",
) -> Purchase:
    """Record that a customer bought a phone; without ``instalments`` the whole price is due on the day it was bought.

    A phone that came back to stock is sold again under the serial and MAC address it has.

    Raises:
        Refused: a malformed serial or MAC address, or one of a phone that somebody has; a negative price; instalments
            that do not add up; a warranty that ends before it begins; a customer who was merged into another.
    """
    with act(HardwareVerb.PURCHASE_RECORD, by=by, target=(Purchase, None)) as action:
        require(by, May.HANDLE_PHONES)
        customer = action.lock(Customer, customer_id)
        action.about(customer, customer_id=customer.pk)
        action.refuse_if(merged_obstacle(customer))
        model = action.lock(PhoneModel, phone_model_id)
        try:
            serial, mac = clean_serial(serial), clean_mac(mac)
        except ValidationError as problem:
            raise Refused(" ".join(problem.messages), code=Refusal.INVALID) from None
        action.refuse_if(price_obstacle(price, customer.currency))
        plan = whole_plan(instalments, price, bought_on)
        action.refuse_if(plan_obstacle(plan, price, customer.currency, bought_on))
        action.refuse_if(warranty_obstacle(warranty_until, bought_on))
        phone = _phone_to_sell(model, serial, mac, bought_on)
        purchase = build_purchase(phone, customer, price=price, bought_on=bought_on)
        purchase.number = purchase_number(next_number(PURCHASE_SERIES))
        purchase.warranty_until, purchase.warranty_note = warranty_until, warranty_note.strip()
        checked(purchase).save()
        create_tracked(Instalment, build_instalments(purchase, plan))
        action.about(purchase, customer_id=customer.pk)
        return purchase


def _phone_to_sell(model: PhoneModel, serial: str, mac: str, bought_on: date) -> Phone:
    """The phone from stock with this serial, or a new one. Raises ``Refused`` if somebody has it."""
    stock = Phone.objects.filter(maker=model.maker, serial=serial)
    known = stock.order_by("pk").select_for_update(no_key=True).first()
    if known is None:
        if Phone.objects.filter(mac=mac).exists():
            raise Refused(say("The MAC address {mac} is known already.", mac=mac), code=Refusal.DUPLICATE)
        phone = checked(Phone(model=model, maker=model.maker, serial=serial, mac=mac))
        phone.save()
        return phone
    latest = known.purchases.order_by("-pk").first()
    if latest is not None and not latest.is_returned:
        raise Refused(
            say("The serial number {serial} of {maker} is known already.", serial=serial, maker=model.maker),
            code=Refusal.DUPLICATE,
        )
    if (known.model_id, known.mac) != (model.pk, mac):
        raise Refused(
            say(
                "The serial number {serial} is on file as {model} with the MAC address {mac}.",
                serial=serial,
                model=known.model,
                mac=known.mac,
            ),
            code=HardwareRefusal.DIFFERS,
        )
    if latest is not None and latest.returned_on is not None and bought_on < latest.returned_on:
        raise Refused(
            say(
                "This phone came back to stock on {day}: it was not to be sold before.",
                day=latest.returned_on,
            ),
            code=Refusal.DATES,
        )
    return known


def price_obstacle(price: Decimal, currency: str) -> Obstacle | None:
    """Why a phone cannot cost this, or None."""
    if price < 0:
        return Obstacle(say("A price cannot be negative."), Refusal.AMOUNT)
    if not fits_currency(price, currency):
        return Obstacle(
            say(
                "The price {price} has more decimals than {currency} has.", price=number_text(price), currency=currency
            ),
            Refusal.DECIMALS,
        )
    return None


def whole_plan(instalments: Sequence[DueInstalment], price: Decimal, bought_on: date) -> list[DueInstalment]:
    """The instalments as agreed; without any, the price in one, due on the day of the purchase."""
    return list(instalments) or ([DueInstalment(bought_on, price)] if price else [])


def plan_obstacle(plan: Sequence[DueInstalment], price: Decimal, currency: str, bought_on: date) -> Obstacle | None:
    """Why the instalments cannot pay the price, or None."""
    total = sum((part.amount for part in plan), Decimal(0))
    if any(part.amount <= 0 for part in plan) or total != price:
        return Obstacle(
            say(
                "The instalments must be above 0 and add up to the price, {price}; they come to {total}.",
                price=number_text(price),
                total=number_text(total),
            ),
            HardwareRefusal.INSTALMENTS,
        )
    if not all(fits_currency(part.amount, currency) for part in plan):
        return Obstacle(
            say("An instalment has more decimals than {currency} has.", currency=currency), Refusal.DECIMALS
        )
    if any(part.due_on < bought_on for part in plan):
        return Obstacle(say("No instalment is due before the phone was bought."), Refusal.DATES)
    if any(after.due_on < before.due_on for before, after in pairwise(plan)):
        return Obstacle(say("The instalments must be in the order of their due dates."), Refusal.DATES)
    return None


def warranty_obstacle(until: date | None, bought_on: date) -> Obstacle | None:
    """Why the warranty cannot end then, or None."""
    if until is not None and until < bought_on:
        return Obstacle(say("A warranty does not end before the phone was bought."), Refusal.DATES)
    return None


def build_purchase(phone: Phone, customer: Customer, *, price: Decimal, bought_on: date) -> Purchase:
    """A purchase without a number yet, not saved. What costs nothing is the customer's at once (F6)."""
    return Purchase(
        customer=customer,
        phone=phone,
        bought_on=bought_on,
        currency=customer.currency,
        price=price,
        owned_on=None if price else bought_on,
    )


def build_instalments(purchase: Purchase, plan: Sequence[DueInstalment]) -> list[Instalment]:
    """The instalments of a purchase, not saved."""
    return [
        Instalment(purchase=purchase, sequence=sequence, due_on=part.due_on, amount=part.amount)
        for sequence, part in enumerate(plan, start=1)
    ]


def instalment_obstacle(instalment: Instalment) -> Text | None:
    """Why the instalment cannot be paid now, or None."""
    if instalment.paid_on:
        return say("{instalment} was paid on {day}.", instalment=instalment, day=instalment.paid_on)
    if instalment.purchase.is_returned:
        return say(
            "{instalment} is owed no longer: the phone came back on {day}.",
            instalment=instalment,
            day=instalment.purchase.returned_on,
        )
    return None


def pay_instalment(instalment_id: int, *, by: User, paid_on: date) -> Purchase:
    """Record an instalment's payment. With the last one the phone becomes the customer's (F6)."""
    with act(HardwareVerb.INSTALMENT_PAY, by=by, target=(Instalment, instalment_id)) as action:
        require(by, May.HANDLE_PHONES)
        instalment = action.lock(Instalment, instalment_id, "purchase")
        purchase = instalment.purchase
        action.about(purchase, customer_id=purchase.customer_id)
        action.refuse_if(instalment_obstacle(instalment), code=Refusal.STATE)
        action.refuse_if(payment_day_obstacle(paid_on, purchase.bought_on))
        instalment.paid_on = paid_on
        instalment.save()
        purchase.paid += instalment.amount
        if purchase.owed == 0:
            purchase.owned_on = owned_since(purchase)
        purchase.save()
        action.data = {"amount": f"{instalment.amount:f}", "owed": f"{purchase.owed:f}"}
        return purchase


def payment_day_obstacle(paid_on: date, bought_on: date) -> Obstacle | None:
    """Why no instalment can have been paid on the day, or None."""
    if paid_on > timezone.localdate():
        return Obstacle(say("An instalment cannot have been paid in the future."), Refusal.DATES)
    if paid_on < bought_on:
        return Obstacle(
            say("The phone was bought on {day}: nothing was paid for it before.", day=bought_on), Refusal.DATES
        )
    return None


def owned_since(purchase: Purchase) -> date:
    """The day from which a phone that is paid in full is the customer's: that of the latest payment, whichever was
    recorded last, and never one before the purchase (F6).
    """
    latest: date | None = purchase.instalments.aggregate(latest=Max("paid_on"))["latest"]
    return max(purchase.bought_on, latest or purchase.bought_on)


def return_obstacle(purchase: Purchase) -> Obstacle | None:
    """Why the phone cannot come back now, or None."""
    if purchase.is_returned:
        return Obstacle(
            say(
                "The phone of {purchase} came back on {day} already.",
                purchase=purchase.number,
                day=purchase.returned_on,
            ),
            Refusal.STATE,
        )
    return None


def return_phone(purchase_id: int, *, by: User, reason: str, returned_on: date) -> Purchase:
    """Take a phone back to stock, from where it may be sold again. No money moves: what was paid stays paid, owned or
    not (F8), and instalments that were not paid are owed no longer.

    Raises:
        Refused: it came back already, no reason, or a day before the purchase or in the future.
    """
    with act(HardwareVerb.PURCHASE_RETURN, by=by, reason=reason, target=(Purchase, purchase_id)) as action:
        require(by, May.HANDLE_PHONES)
        purchase = action.lock(Purchase, purchase_id)
        action.about(purchase, customer_id=purchase.customer_id)
        action.refuse_if(return_obstacle(purchase))
        action.require_reason(say("why the phone comes back"))
        if returned_on > timezone.localdate():
            raise Refused(say("A phone cannot have come back in the future."), code=Refusal.DATES)
        if returned_on < purchase.bought_on:
            raise Refused(say("A phone cannot come back before it was bought."), code=Refusal.DATES)
        given_up = purchase.owed
        purchase.returned_on = returned_on
        purchase.return_reason = reason.strip()
        purchase.save()
        action.data = {"paid": f"{purchase.paid:f}", "not_owed_any_more": f"{given_up:f}"}
        return purchase


def note_warranty(purchase_id: int, *, by: User, until: date | None, note: str = "") -> Purchase:
    """Write down until when the phone is under warranty and what was agreed or claimed; it touches no money.

    Raises:
        Refused: it ends before the purchase, or nothing is different from what is on file.
    """
    with act(HardwareVerb.PURCHASE_WARRANTY, by=by, target=(Purchase, purchase_id)) as action:
        require(by, May.HANDLE_PHONES)
        purchase = action.lock(Purchase, purchase_id)
        action.about(purchase, customer_id=purchase.customer_id)
        action.refuse_if(warranty_obstacle(until, purchase.bought_on))
        if (purchase.warranty_until, purchase.warranty_note) == (until, note.strip()):
            raise Refused(say("Nothing is different from what is on file."), code=Refusal.NOTHING_CHANGED)
        purchase.warranty_until, purchase.warranty_note = until, note.strip()
        checked(purchase).save()
        return purchase
