"""Who is owed what, and who is to be paid: payouts, and credit and prepayments that ended subscriptions left. Reads
only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, OuterRef, Prefetch, Q, Subquery, Sum
from django.utils.translation import gettext_noop

from accounts.customers.models import BankDetailsChange, Customer
from billing.credits.models import Credit
from billing.money import format_amount
from billing.payments.prepayments.models import Prepayment
from billing.payouts.models import Payout
from billing.payouts.rules import pay_now_obstacle, with_debts
from billing.residual_credits.models import ResidualCreditPayout
from core.amounts import money_text
from core.fields import MoneyField
from core.sheets.formulas import csv_lines
from core.text import Text, in_english, join

# As the file says them; pages translate.
TO_BE_PAID = gettext_noop("To be paid")
FAILED = gettext_noop("Payout failed")
PROPOSED = "Leftover credit, waits for approval"
LEFT = gettext_noop("Leftover credit")
PREPAID = gettext_noop("Prepayment that no invoice will use")


@dataclass(frozen=True, slots=True)
class Payable:
    """One amount that a customer is owed. ``pay_now`` says that the bank can be told; ``why_not`` why it cannot."""

    customer: Customer
    what: str
    amount: Decimal
    currency: str
    reason: str
    iban: str = ""
    account_holder: str = ""
    key: str = ""
    why_not: str = ""

    @property
    def pay_now(self) -> bool:
        return self.what == TO_BE_PAID and not self.why_not


def leftover_credits() -> Any:
    """Credits that ended subscriptions left, annotated with ``left`` and with what of it is ``proposed``."""
    proposed = ResidualCreditPayout.objects.filter(credit=OuterRef("pk"), state=ResidualCreditPayout.State.PROPOSED)
    return Credit.objects.left_by_ended_subscriptions().annotate(
        proposed=Subquery(proposed.values("amount")[:1], output_field=MoneyField())
    )


def payables() -> Iterator[Payable]:
    """Everything owed: payouts to be paid and failed ones, then leftover credit and prepayments, oldest first."""
    changes = Prefetch("customer__bank_details_changes", BankDetailsChange.objects.all())
    waiting = Payout.objects.filter(state__in=(Payout.State.PENDING, Payout.State.FAILED))
    for payout in with_debts(waiting).prefetch_related(changes).order_by("requested_on", "pk"):
        pending = payout.state == Payout.State.PENDING
        why_not = in_english(pay_now_obstacle(payout) or "") if pending else payout.failure
        yield Payable(
            payout.customer,
            TO_BE_PAID if pending else FAILED,
            payout.amount,
            payout.currency,
            payout.reason,
            payout.iban,
            payout.account_holder,
            payout.key,
            why_not,
        )
    for credit in leftover_credits().select_related("customer", "subscription").order_by("granted_on", "pk"):
        reason = f"Left when {credit.subscription.number} ended"
        unproposed = credit.left - (credit.proposed or 0)
        if credit.proposed:
            yield Payable(credit.customer, PROPOSED, credit.proposed, credit.currency, reason)
        if unproposed > 0:
            yield Payable(credit.customer, LEFT, unproposed, credit.currency, reason)
    prepaid = Prepayment.objects.left_by_ended_subscriptions().select_related("subscription__customer")
    for prepayment in prepaid.order_by("received_on", "pk"):
        subscription = prepayment.subscription
        reason = f"Paid before {subscription.number} ended"
        yield Payable(subscription.customer, PREPAID, prepayment.remaining, prepayment.currency, reason)


def write_csv(rows: Iterable[Payable], stream: Any) -> None:
    """The list as CSV, a header first. No cell of it can be run by a spreadsheet."""
    header = (
            "customer_number", "customer", "what", "amount", "currency", "pay_now", "iban", "account_holder", "key",
            "reason", "why_not",
        )  # fmt: skip
    cells = (
        (
            row.customer.number, row.customer.name, row.what, format_amount(row.amount, row.currency), row.currency,
            "yes" if row.pay_now else "no", row.iban, row.account_holder, row.key, row.reason, row.why_not,
        )
        for row in rows
    )  # fmt: skip
    stream.writelines(csv_lines(header, cells))


def sums_by_kind() -> list[tuple[str, int, Text]]:
    """What is owed in all: each kind with how many and the sums by currency. A handful of queries, however many."""
    found = []
    for what, state in ((TO_BE_PAID, Payout.State.PENDING), (FAILED, Payout.State.FAILED)):
        groups = Payout.objects.filter(state=state).order_by("currency").values_list("currency")
        found.append((what, list(groups.annotate(count=Count("pk"), total=Sum("amount")))))
    groups = leftover_credits().filter(~Q(left=0)).order_by("currency").values_list("currency")
    found.append((LEFT, list(groups.annotate(count=Count("pk"), total=Sum("left")))))
    waiting = Prepayment.objects.left_by_ended_subscriptions().order_by("currency").values_list("currency")
    found.append((PREPAID, list(waiting.annotate(count=Count("pk"), total=Sum("left")))))
    return [
        (
            what,
            sum(count for _, count, _ in groups),
            join(", ", (money_text(total, currency) for currency, _, total in groups)),
        )
        for what, groups in found
        if groups
    ]
