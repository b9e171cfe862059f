"""When money waits as a prepayment, and when what waits is taken off or made a credit."""

from __future__ import annotations

from django.db.models import Q

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import permission_obstacle
from audit.actions import Obstacle
from audit.vocabulary import Refusal
from billing.invoices.models import Invoice
from billing.payments.prepayments.models import Prepayment
from billing.subscriptions.models import Subscription
from billing.vocabulary import BillingRefusal
from core.amounts import money_text
from core.text import say


def record_obstacle(subscription: Subscription) -> Obstacle | None:
    """Why nothing can be paid for the subscription's next invoice now, or None: no invoice comes any more, or one is
    there to be paid. One query.
    """
    if subscription.state == Subscription.State.ENDED:
        return Obstacle(
            say(
                "{subscription} has ended: no invoice comes any more. Record the payment on its last one.",
                subscription=subscription.number,
            ),
            BillingRefusal.NO_NEXT_CYCLE,
        )
    invoice = open_invoice(subscription)
    if invoice is None:
        return None
    return Obstacle(
        say(
            "{due} is due on {invoice}: the payment belongs there.",
            due=money_text(invoice.due, invoice.currency),
            invoice=invoice.number,
        ),
        BillingRefusal.UNPAID_INVOICE,
    )


def open_invoice(subscription: Subscription) -> Invoice | None:
    """The subscription's oldest invoice with something to pay. Not one in dispute, which nobody is asked for."""
    mine = Q(period__subscription=subscription) | Q(charges_of=subscription)
    rows = Invoice.objects.unpaid().filter(mine, customer=subscription.customer_id, disputed_on__isnull=True)
    return rows.order_by("due_on", "pk").first()


def take_off_obstacle(prepayment: Prepayment) -> Obstacle | None:
    """Why nothing of the prepayment can be taken off, or None."""
    if prepayment.taken_off == prepayment.amount:
        return Obstacle(say("This prepayment was taken off already."), BillingRefusal.TAKEN_OFF)
    if prepayment.remaining == 0 and not prepayment.credited:
        return Obstacle(
            say("Nothing of this prepayment waits: take its payments off their invoices."), BillingRefusal.NOTHING_LEFT
        )
    return None


def credit_obstacle(prepayment: Prepayment, by: User) -> Obstacle | None:
    """Why this person cannot make what waits a credit, or None. A line of the bank proves that it came; without one, a
    second person says so.
    """
    subscription = prepayment.subscription
    if subscription.state != Subscription.State.ENDED:
        return Obstacle(
            say("{subscription} has not ended: its next invoice uses this.", subscription=subscription.number),
            BillingRefusal.NOT_ENDED,
        )
    if prepayment.remaining == 0:
        return Obstacle(say("Nothing of this prepayment waits."), BillingRefusal.NOTHING_LEFT)
    if prepayment.is_proved:
        return permission_obstacle(by, May.HANDLE_MONEY)
    if prepayment.recorded_by_id == by.pk:
        return Obstacle(
            say("You have recorded this prepayment, and no line of the bank proves it: somebody else has to do this."),
            Refusal.OWN_PROPOSAL,
        )
    if not by.may(May.APPROVE_SURPLUS):
        return Obstacle(
            say(
                "No line of the bank proves this prepayment: {roles} can make it a credit.",
                roles=May.held_by(May.APPROVE_SURPLUS),
            ),
            BillingRefusal.UNPROVED,
        )
    return None
