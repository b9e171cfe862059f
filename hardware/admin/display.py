"""How a purchase stands, in words and pills; shared by the pages of phones."""

from __future__ import annotations

from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.amounts import money_text
from audit.backoffice import pill
from hardware.models import Instalment, Purchase

PHONES_STAY = (
    "A phone is the customer's from the day its price is paid in full (F6), and stays theirs when the "
    "service is cancelled (F7). What was bought as hardware is not refunded: no quote, proposal or import "
    "takes it (F8)."
)


def owned_pill(purchase: Purchase) -> SafeString:
    if purchase.is_returned:
        return pill("Came back", "mute")
    if purchase.is_owned:
        return pill("Owned by the customer", "good")
    return pill(f"{money_text(purchase.owed, purchase.currency)} owed", "warn")


def unpaid_pill(part: Instalment, purchase: Purchase) -> SafeString:
    if purchase.is_returned:
        return pill("Owed no longer", "mute")
    late = part.due_on < timezone.localdate()
    return pill("Late", "bad") if late else pill("Not yet", "mute")


def paid_in_words(purchase: Purchase) -> str:
    if purchase.is_owned:
        return f"{purchase.number} is paid in full: the phone is the customer's."
    return f"{money_text(purchase.owed, purchase.currency)} is still owed on {purchase.number}."
