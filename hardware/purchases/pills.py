"""How a purchase stands, in words and pills; shared by the pages of phones."""

from __future__ import annotations

from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from backoffice.display import pill
from core.amounts import money_text
from core.text import Text, say
from hardware.purchases.models import Instalment, Purchase

PHONES_STAY = _(
    "A phone is the customer's from the day its price is paid in full (F6), and stays theirs when the "
    "service is cancelled (F7). What was bought as hardware is not refunded: no quote, proposal or import "
    "takes it (F8)."
)


def owned_pill(purchase: Purchase) -> SafeString:
    if purchase.is_returned:
        return pill(say("Came back"), "mute")
    if purchase.is_owned:
        return pill(say("Owned by the customer"), "good")
    return pill(say("{amount} owed", amount=money_text(purchase.owed, purchase.currency)), "warn")


def unpaid_pill(part: Instalment, purchase: Purchase) -> SafeString:
    if purchase.is_returned:
        return pill(say("Owed no longer"), "mute")
    late = part.due_on < timezone.localdate()
    return pill(say("Late"), "bad") if late else pill(say("Not yet"), "mute")


def paid_in_words(purchase: Purchase) -> Text:
    if purchase.is_owned:
        return say("{purchase} is paid in full: the phone is the customer's.", purchase=purchase.number)
    return say(
        "{amount} is still owed on {purchase}.",
        amount=money_text(purchase.owed, purchase.currency),
        purchase=purchase.number,
    )
