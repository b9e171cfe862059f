"""Money that comes before its invoice: recorded, taken off again, or made a credit where no invoice comes.

What invoices use of it is written with them (``effects``).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils import timezone

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Refused, act, checked
from billing.payments.effects import WITH_CREDIT, free_line, take_credit_back
from billing.payments.models import BankLine
from billing.payments.prepayments.models import Prepayment, PrepaymentTakenOff
from billing.payments.prepayments.rules import credit_obstacle, record_obstacle, take_off_obstacle
from billing.payments.rules import amount_obstacle, day_obstacle, same_payment_obstacle
from billing.remedies.effects import give_credit
from billing.subscriptions.models import Subscription
from billing.vocabulary import BillingVerb
from core.amounts import money_text
from core.text import in_english, say


def record_prepayment(
    subscription_id: int, *, by: User, amount: Decimal, received_on: date, reference: str = "", another: bool = False
) -> Prepayment:
    """Record money that came for a subscription before its invoice: it waits, and the next invoices use it, after
    credits. ``another`` says that it is none of those recorded already, however much it looks like one.

    Raises:
        Refused: the subscription has ended, an invoice of it is to be paid, not positive, finer than the currency, in
            the future, before the subscription was opened, one's own subscription, or (``same_payment``) it looks like
            a payment that is recorded already.
    """
    with act(BillingVerb.PREPAYMENT_RECORD, by=by, target=(Subscription, subscription_id)) as action:
        require(by, May.HANDLE_MONEY)
        subscription = action.lock(Subscription, subscription_id)
        action.about(subscription, customer_id=subscription.customer_id)
        action.refuse_if(record_obstacle(subscription))
        action.refuse_if(amount_obstacle(amount, subscription.currency))
        action.refuse_if(day_obstacle(received_on, subscription))
        alike = None
        if not another:
            alike = same_payment_obstacle(
                amount,
                received_on,
                reference,
                currency=subscription.currency,
                customer_id=subscription.customer_id,
            )
        if alike:
            raise Refused(alike.sentence, code=alike.code, data={"field": "another"})
        prepayment = checked(
            Prepayment(
                subscription=subscription,
                currency=subscription.currency,
                amount=amount,
                received_on=received_on,
                reference=reference.strip(),
                recorded_by=by,
            )
        )
        prepayment.save()
        action.data = {
            "prepayment": prepayment.pk,
            "amount": f"{amount:f}",
            "currency": subscription.currency,
            "reference": prepayment.reference,
            "received_on": received_on.isoformat(),
        }
        action.message = f"{in_english(money_text(amount, subscription.currency))} waits for the next invoice."
        return prepayment


def take_off_prepayment(prepayment_id: int, *, by: User, reason: str) -> PrepaymentTakenOff:
    """Take off what waits of a prepayment, or became a credit: it was recorded where it does not belong. What is left
    of the credit is taken back, what was used of it is a charge. What invoices have used of the prepayment is taken off
    by its payments, each on its own. Once nothing of it stands, its bank line waits for a person again.

    Raises:
        Refused: nothing of it waits, without a reason, or one's own subscription.
    """
    with act(BillingVerb.PREPAYMENT_TAKE_OFF, by=by, reason=reason, target=(Prepayment, prepayment_id)) as action:
        require(by, May.HANDLE_MONEY)
        prepayment = action.lock(Prepayment, prepayment_id, "subscription", "bank_line", *WITH_CREDIT)
        subscription = prepayment.subscription
        action.about(prepayment, customer_id=subscription.customer_id)
        action.refuse_if(take_off_obstacle(prepayment))
        action.require_reason(say("where it belongs, or why it does not belong here"))
        entry = checked(
            PrepaymentTakenOff(
                prepayment=prepayment,
                amount=prepayment.remaining + prepayment.credited,
                from_credit=prepayment.credited,
                taken_off_on=timezone.localdate(),
                reason=reason.strip()[:200],
                recorded_by=by,
            )
        )
        if prepayment.credit is not None:
            rate = subscription.periods.order_by("-sequence").values_list("tax_rate", flat=True)[0]
            said = f"Prepayment of {subscription.number} taken off: what was used of its credit"
            entry.charge = take_credit_back(
                prepayment.credit, entry.from_credit, by=by, tax_rate=rate, charged_for=said
            )
        entry.save()
        prepayment.taken_off += entry.amount
        prepayment.credited -= entry.from_credit
        prepayment.save()
        line = BankLine.objects.filter(prepayment=prepayment).first()
        if line is not None and prepayment.taken_off == prepayment.amount:
            free_line(line, say("Taken off {invoice}: {reason}", invoice=subscription.number, reason=entry.reason))
        action.data = {
            "amount": f"{entry.amount:f}",
            "currency": prepayment.currency,
            "subscription": subscription.number,
        }
        return entry


def credit_prepayment(prepayment_id: int, *, by: User, reason: str = "") -> Prepayment:
    """Make a credit of what waits of a prepayment whose subscription has ended, or never began: as leftover it goes
    against what the customer owes, and of the rest a second person approves the payout.

    Raises:
        Refused: not ended, nothing waits, one's own subscription; or no line of a bank proves it, and the person
            recorded it or is no manager.
    """
    with act(BillingVerb.PREPAYMENT_CREDIT, by=by, reason=reason, target=(Prepayment, prepayment_id)) as action:
        prepayment = action.lock(Prepayment, prepayment_id, "subscription")
        subscription = prepayment.subscription
        action.about(prepayment, customer_id=subscription.customer_id)
        action.refuse_if(credit_obstacle(prepayment, by))
        prepayment.credited = prepayment.remaining
        prepayment.credited_by = by
        prepayment.credit = give_credit(
            subscription, prepayment.credited, reason=f"Paid before {subscription.number} ended"
        )
        prepayment.save()
        action.data = {"amount": f"{prepayment.credited:f}", "currency": prepayment.currency}
        action.message = f"{in_english(money_text(prepayment.credited, prepayment.currency))} is a credit now."
        return prepayment
