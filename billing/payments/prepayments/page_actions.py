"""What staff do with prepayments: recorded on a subscription's page, the rest on their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.actions import OptionalReasonForm, Sentence, StaffAction, of_row
from billing.payments.forms import PrepaymentForm, TakeOffForm
from billing.payments.prepayments.actions import credit_prepayment, record_prepayment, take_off_prepayment
from billing.payments.prepayments.models import Prepayment
from billing.payments.prepayments.rules import credit_obstacle, record_obstacle, take_off_obstacle
from billing.subscriptions.models import Subscription
from core.amounts import money_text, sums_in_words
from core.text import Text, join, say


class RecordPrepayment(StaffAction[Subscription]):
    name = "prepay"
    label = _("Record a prepayment")
    icon = "clock"
    may = May.HANDLE_MONEY
    form_class = PrepaymentForm
    intro = _("For money that came before the invoice that it is for.")
    rule = of_row(record_obstacle)
    effect = Sentence(
        _("It waits. The next invoice of {subscription} uses it after credits; what is left waits for the one after."),
        subscription="number",
    )

    def get_initial(self, rows: Sequence[Subscription], by: User) -> dict[str, Any]:
        return {"received_on": timezone.localdate()}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        prepayment = record_prepayment(pk, by=by, **cleaned)
        return say(
            "{amount} is recorded as a prepayment of {subscription}.",
            amount=money_text(prepayment.amount, prepayment.currency),
            subscription=prepayment.subscription.number,
        )


class TakeOffPrepayment(StaffAction[Prepayment]):
    name = "take_off"
    label = _("Take off this subscription")
    icon = "unlink"
    may = May.HANDLE_MONEY
    form_class = TakeOffForm
    intro = _("For money that was recorded where it does not belong. It stays on record, with a counter-entry.")
    rule = of_row(take_off_obstacle)

    def consequence(self, obj: Prepayment, by: User) -> Text:
        said = [
            say(
                "{amount} waits no more for an invoice of {subscription}.",
                amount=money_text(obj.remaining, obj.currency),
                subscription=obj.subscription.number,
            )
            if obj.remaining
            else say(
                "Of the credit of {amount} what is left is taken back, and what was used becomes a charge.",
                amount=money_text(obj.credited, obj.currency),
            )
        ]
        if obj.applied:
            said.append(say("What invoices have used is taken off by the payments on them."))
        elif obj.is_proved:
            said.append(say("The line of the bank is free to be matched again."))
        else:
            said.append(say("Then record it where it belongs."))
        return join(" ", said)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        entry = take_off_prepayment(pk, by=by, **cleaned)
        return say(
            "{amount} is off {invoice}.",
            amount=money_text(entry.amount, entry.prepayment.currency),
            invoice=entry.prepayment.subscription.number,
        )


class CreditPrepayment(StaffAction[Prepayment]):
    name = "credit"
    label = _("Make what waits a credit")
    label_plural = _("Make what waits a credit")
    icon = "coins"
    may = (May.HANDLE_MONEY, May.APPROVE_SURPLUS)
    form_class = OptionalReasonForm
    intro = _(
        "For what a subscription that has ended was paid before. A line of the bank proves that it came; without one, "
        "a manager says so."
    )
    rule = credit_obstacle

    def consequence(self, obj: Prepayment, by: User) -> Text:
        return say(
            "{amount} becomes a credit. It goes against what {customer} owes; the rest can be paid out with an "
            "approval.",
            amount=money_text(obj.remaining, obj.currency),
            customer=obj.subscription.customer.name,
        )

    def summary(self, rows: Sequence[Prepayment], by: User) -> Text:
        return sums_in_words((prepayment.currency, prepayment.remaining) for prepayment in rows)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        prepayment = credit_prepayment(pk, by=by, **cleaned)
        return say("{amount} is a credit now.", amount=money_text(prepayment.credited, prepayment.currency))
