"""What the search finds of phones: by serial number, by MAC address in any spelling, by purchase."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.links import page_url
from backoffice.search import Found, SearchSource, Typed, begins, first_of, register_source
from core.amounts import money_text
from core.text import Text, join, say
from hardware.phones.models import Phone
from hardware.purchases.models import Purchase

#: The maker's half of an address fits too many devices to begin with less.
SHORTEST_MAC = 6


def mac_beginning(text: str) -> str:
    """The beginning of a MAC address as it is stored, whatever separates its digits; "" if it is none."""
    digits = re.sub(r"[\s:.-]", "", text).lower()
    if not SHORTEST_MAC <= len(digits) <= 12 or not re.fullmatch(r"[0-9a-f]+", digits):
        return ""
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))


def find_phones(typed: Typed, user: User) -> Iterator[Found]:
    """Devices, with who bought them and what is owed; leads to the purchase."""
    mac = mac_beginning(typed.text)
    wanted = begins("serial", typed.code)
    if mac:
        wanted |= begins("mac", mac)
    phones = first_of(Phone.objects.filter(wanted).select_related("model").order_by("serial", "pk"))
    # One query for all of them; the newest purchase comes last and stays.
    bought = Purchase.objects.filter(phone__in=[phone.pk for phone in phones]).select_related("customer")
    latest = {purchase.phone_id: purchase for purchase in bought.order_by("bought_on", "pk")} if phones else {}
    for phone in phones:
        purchase = latest.get(phone.pk)
        yield Found(
            f"{phone.model}, {phone.serial}",
            page_url(purchase or phone),
            join(", ", (phone.mac, *(_of(purchase) if purchase else (say("not sold"),)))),
            exact=typed.names(phone.serial) or phone.mac == mac,
        )


def find_purchases(typed: Typed, user: User) -> Iterator[Found]:
    """Purchases by their number."""
    rows = Purchase.objects.filter(begins("number", typed.code)).select_related("customer", "phone__model")
    for purchase in first_of(rows.order_by("number")):
        yield Found(str(purchase), page_url(purchase), join(", ", _of(purchase)), exact=typed.names(purchase.number))


def _of(purchase: Purchase) -> tuple[str, Text]:
    if purchase.is_returned:
        state = say("given back")
    elif purchase.is_owned:
        state = say("paid in full")
    else:
        state = say("{amount} owed", amount=money_text(purchase.owed, purchase.currency))
    return purchase.customer.name, state


register_source(SearchSource(_("Phones"), "phone", May.SEE_CASES, find_phones, model=Phone, order=40))
register_source(SearchSource(_("Purchases"), "shopping-cart", May.SEE_CASES, find_purchases, model=Purchase, order=45))
