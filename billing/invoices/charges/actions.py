"""Charges: what waits for a subscription's next invoice, and asking for it where no next invoice comes."""

from __future__ import annotations

from datetime import date

from django.utils import timezone

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import permission_obstacle, require
from audit.actions import Obstacle, Refused, act
from audit.vocabulary import Refusal
from billing.invoices.issuing import issue_charges
from billing.invoices.models import Charge, Invoice
from billing.money import format_amount
from billing.subscriptions.models import Subscription
from billing.vocabulary import BillingRefusal, BillingVerb
from core.amounts import money_text
from core.text import in_english, say


def ask_obstacle(charge: Charge, by: User) -> Obstacle | None:
    """Why the charge cannot be asked for by an invoice of its own now, or None."""
    if missing := permission_obstacle(by, May.HANDLE_MONEY):
        return missing
    if charge.invoiced_on is not None:
        return Obstacle(say("It stands on an invoice of {day} already.", day=charge.invoiced_on), Refusal.STATE)
    if charge.subscription.state != Subscription.State.ENDED:
        return Obstacle(
            say(
                "{subscription} has not ended: its next invoice asks for this, or an invoice of its own when it has.",
                subscription=charge.subscription.number,
            ),
            BillingRefusal.NOT_ENDED,
        )
    return None


def ask_for_charges(charge_id: int, *, by: User, reason: str = "", on: date | None = None) -> Invoice:
    """Ask for a charge that waited when its subscription ended, and for all others that wait there, by an invoice of
    their own, dated ``on`` (today). Credit and prepayments that the subscription left go onto it.

    Raises:
        Refused: asked for already, the subscription has not ended, a linked person, or a day in the future.
    """
    with act(BillingVerb.CHARGE_INVOICE, by=by, reason=reason, target=(Charge, charge_id)) as action:
        require(by, May.HANDLE_MONEY)
        known = Charge.objects.values_list("subscription_id", flat=True).filter(pk=charge_id).first()
        if known is None:
            raise Refused(say("This charge does not exist (any more)."), code=Refusal.MISSING)
        subscription = action.lock(Subscription, known)
        action.about(subscription, customer_id=subscription.customer_id)
        waiting = Charge.objects.filter(subscription=subscription, invoiced_on__isnull=True)
        charges = {row.pk: row for row in waiting.order_by("pk").select_for_update(no_key=True)}
        charge = charges.get(charge_id) or Charge.objects.get(pk=charge_id)
        charge.subscription = subscription
        action.refuse_if(ask_obstacle(charge, by))
        day = on or timezone.localdate()
        if day > timezone.localdate():
            raise Refused(say("An invoice is not dated in the future."), code=Refusal.DATES)
        asked = sorted(
            (row for row in charges.values() if row.currency == charge.currency),
            key=lambda row: (row.charged_on, row.pk),
        )
        if charge.currency != subscription.currency:
            raise Refused(
                say(
                    "{subscription} pays in {currency}.",
                    subscription=subscription.number,
                    currency=subscription.currency,
                ),
                code=Refusal.CURRENCY,
            )
        invoice = issue_charges(subscription, asked, on=day)
        action.about(invoice, customer_id=subscription.customer_id)
        action.message = (
            f"{in_english(money_text(invoice.gross, invoice.currency))} that waited on "
            f"{subscription.number}; {in_english(money_text(invoice.due, invoice.currency))} is due."
        )
        action.data = {
            "subscription": subscription.number,
            "charges": [row.pk for row in asked],
            "gross": format_amount(invoice.gross, invoice.currency),
            "credited": format_amount(invoice.credited, invoice.currency),
            "prepaid": format_amount(invoice.paid, invoice.currency),
        }
        return invoice
