"""Payouts: cash on its way to customers, and what became of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.amounts import money, money_text
from accounts.models import User
from accounts.panels import link
from accounts.permissions import May, roles_that
from audit.backoffice import (
    OptionalReasonForm,
    Panel,
    ReasonForm,
    StaffAction,
    TrackedAdmin,
    register_verbs,
    timeline_panel,
)
from audit.models import Event
from billing import forms
from billing.actions.payouts import (
    mark_payout_failed,
    mark_payout_paid,
    payout_obstacle,
    retry_obstacle,
    retry_payout,
    to_credit_obstacle,
    turn_payout_into_credit,
)
from billing.models import Payout
from billing.panels import payout_pill

register_verbs(
    {
        "payout.paid": "recorded that the bank paid",
        "payout.failed": "recorded that the bank could not pay",
        "payout.retry": "tried again to pay",
        "payout.to_credit": "turned into a credit what was to be paid:",
    }
)


class _OnPayout(StaffAction[Payout]):
    may = May.HANDLE_MONEY
    roles = roles_that(May.HANDLE_MONEY)

    def summary(self, rows: Sequence[Payout], by: User) -> str:
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for payout in rows:
            sums[payout.currency] += payout.amount
        return ", ".join(money_text(amount, currency) for currency, amount in sorted(sums.items()))


class MarkPaid(_OnPayout):
    name = "paid"
    label = "Record as paid"
    label_plural = "Record as paid"
    tone = "primary"
    icon = "check"
    form_class = forms.PayoutPaidForm

    def obstacle(self, obj: Payout, by: User) -> str | None:
        return payout_obstacle(obj, Payout.State.PENDING)

    def consequence(self, obj: Payout, by: User) -> str:
        return f"The bank has paid {money_text(obj.amount, obj.currency)} to {obj.account_holder}, {obj.iban}."

    def get_initial(self, rows: Sequence[Payout], by: User) -> dict[str, Any]:
        return {"paid_on": timezone.localdate()}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        return f"{mark_payout_paid(pk, by=by, **cleaned)} is recorded as paid."


class MarkFailed(_OnPayout):
    name = "failed"
    label = "Record as failed"
    label_plural = "Record as failed"
    tone = "danger"
    icon = "x"
    form_class = ReasonForm

    def obstacle(self, obj: Payout, by: User) -> str | None:
        return payout_obstacle(obj, Payout.State.PENDING)

    def consequence(self, obj: Payout, by: User) -> str:
        return "It can then be tried once more, or be turned into a credit."

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        return f"{mark_payout_failed(pk, by=by, reason=cleaned['reason'])} is recorded as failed."


class Retry(_OnPayout):
    name = "retry"
    label = "Try once more"
    label_plural = "Try once more"
    icon = "rotate-cw"
    form_class = OptionalReasonForm

    def obstacle(self, obj: Payout, by: User) -> str | None:
        return retry_obstacle(obj)

    def consequence(self, obj: Payout, by: User) -> str:
        return f"It is paid to the customer's bank account of now, {obj.customer.iban}, under the same key."

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        return f"{retry_payout(pk, by=by, reason=cleaned['reason'])} waits for the bank again."


class ToCredit(_OnPayout):
    name = "to_credit"
    label = "Turn into a credit"
    label_plural = "Turn into credits"
    icon = "receipt"
    form_class = ReasonForm

    def obstacle(self, obj: Payout, by: User) -> str | None:
        return to_credit_obstacle(obj)

    def consequence(self, obj: Payout, by: User) -> str:
        amount = money_text(obj.amount, obj.currency)
        return f"{amount} becomes a credit on the next invoices of {obj.subscription.number}."

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        credit = turn_payout_into_credit(pk, by=by, reason=cleaned["reason"])
        return f"It is a credit now: {money_text(credit.granted, credit.currency)}."


@admin.register(Payout)
class PayoutAdmin(TrackedAdmin):
    may_view = May.SEE_MONEY
    staff_actions = (MarkPaid, MarkFailed, Retry, ToCredit)
    list_display = (
        "requested_on",
        "customer",
        "amount_shown",
        "account",
        "state_pill",
        "reference",
        "paid_on",
    )
    list_filter = ("state", "currency", "requested_on")
    list_select_related = ("customer", "subscription")
    numeric_columns = ("amount_shown",)
    search_fields = ("customer__name", "customer__number", "reference", "key", "iban")
    search_help_text = "Customer, bank reference, IBAN or payment key"
    ordering = ("-requested_on", "-pk")
    empty_hint = "Payouts come from settled refunds that are paid in cash."
    fields = (
        "customer_link",
        "subscription_link",
        "amount_shown",
        "account",
        "reason",
        "requested_on",
        "key",
        "attempts",
        "reference",
        "paid_on",
        "failure",
    )
    readonly_fields = ("customer_link", "subscription_link", "amount_shown", "account")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payout]:
        rows: QuerySet[Payout] = super().get_queryset(request)
        return rows.select_related("customer", "subscription")

    @admin.display(description="Customer")
    def customer_link(self, obj: Payout) -> SafeString:
        return link(obj.customer)

    @admin.display(description="Subscription")
    def subscription_link(self, obj: Payout) -> SafeString:
        return link(obj.subscription)

    @admin.display(description="Amount", ordering="amount")
    def amount_shown(self, obj: Payout) -> SafeString:
        return money(obj.amount, obj.currency)

    @admin.display(description="To the account")
    def account(self, obj: Payout) -> str:
        return f"{obj.iban}, {obj.account_holder}" if obj.account_holder else obj.iban

    @admin.display(description="State", ordering="state")
    def state_pill(self, obj: Payout) -> SafeString:
        return payout_pill(obj)

    def page_pills(self, request: HttpRequest, obj: Payout) -> Sequence[SafeString]:
        return [payout_pill(obj)]

    def change_panels(self, request: HttpRequest, obj: Payout) -> Sequence[Panel]:
        return [timeline_panel(Event.objects.about(obj), about=obj)]
