"""Payouts: cash on its way to customers, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.customers.bank_details.rules import change_to_show
from accounts.customers.models import BankDetailsChange
from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.actions import Why
from backoffice.actions import OptionalReasonForm, ReasonForm, Sentence, StaffAction, of_row
from backoffice.admin import TrackedAdmin
from backoffice.amounts import money
from backoffice.display import column, number, pill, sub
from backoffice.links import day, link
from backoffice.panels import Panel
from backoffice.requests import StaffRequest
from backoffice.tables import TABLE
from billing.payouts.actions import (
    mark_payout_failed,
    mark_payout_paid,
    paid_obstacle,
    payout_obstacle,
    retry_obstacle,
    retry_payout,
    to_credit_obstacle,
    turn_payout_into_credit,
)
from billing.payouts.forms import PayoutPaidForm
from billing.payouts.models import Payout
from billing.payouts.panels import payout_pill
from billing.payouts.payables import payables, sums_by_kind, write_csv
from billing.payouts.rules import held_obstacle, with_debts
from core.amounts import money_text, sums_in_words
from core.text import Text, say


class _OnPayout(StaffAction[Payout]):
    may = May.HANDLE_MONEY

    def summary(self, rows: Sequence[Payout], by: User) -> Text:
        return sums_in_words((payout.currency, payout.amount) for payout in rows)


class MarkPaid(_OnPayout):
    name = "paid"
    label = _("Record as paid")
    label_plural = _("Record as paid")
    tone = "primary"
    icon = "check"
    form_class = PayoutPaidForm
    rule = of_row(paid_obstacle)
    action = mark_payout_paid
    done = _("{payout} is recorded as paid.")

    def consequence(self, obj: Payout, by: User) -> Text:
        return say(
            "The bank has paid {amount} to {holder}, {iban}.",
            amount=money_text(obj.amount, obj.currency),
            holder=obj.account_holder,
            iban=obj.iban,
        )

    def get_initial(self, rows: Sequence[Payout], by: User) -> dict[str, Any]:
        return {"paid_on": timezone.localdate()}


class MarkFailed(_OnPayout):
    name = "failed"
    label = _("Record as failed")
    label_plural = _("Record as failed")
    tone = "danger"
    icon = "x"
    form_class = ReasonForm
    action = mark_payout_failed
    effect = _("It can then be tried once more, or be turned into a credit.")
    done = _("{payout} is recorded as failed.")

    def obstacle(self, obj: Payout, by: User) -> Why | None:
        return payout_obstacle(obj, Payout.State.PENDING)


class Retry(_OnPayout):
    name = "retry"
    label = _("Try once more")
    label_plural = _("Try once more")
    icon = "rotate-cw"
    form_class = OptionalReasonForm
    rule = of_row(retry_obstacle)
    action = retry_payout
    effect = Sentence(
        _("It is paid to the customer's bank account of now, {iban}, under the same key."),
        iban="customer.iban",
    )
    done = _("{payout} waits for the bank again.")


class ToCredit(_OnPayout):
    name = "to_credit"
    label = _("Turn into a credit")
    label_plural = _("Turn into credits")
    icon = "receipt"
    form_class = ReasonForm
    rule = of_row(to_credit_obstacle)

    def consequence(self, obj: Payout, by: User) -> Text:
        amount = money_text(obj.amount, obj.currency)
        if hasattr(obj, "leftover"):
            return say(
                "{amount} goes back to the credit that {subscription} left.",
                amount=amount,
                subscription=obj.subscription.number,
            )
        return say(
            "{amount} becomes a credit on the next invoices of {subscription}.",
            amount=amount,
            subscription=obj.subscription.number,
        )

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        credit = turn_payout_into_credit(pk, by=by, reason=cleaned["reason"])
        return say(
            "It is a credit again: {amount} is left of it.", amount=money_text(credit.remaining, credit.currency)
        )


@admin.register(Payout)
class PayoutAdmin(TrackedAdmin[Payout]):
    may_view = May.SEE_MONEY
    heading_pill = payout_pill
    staff_actions = (MarkPaid, MarkFailed, Retry, ToCredit)
    list_display = (
        "requested_on",
        "whose",
        "amount_shown",
        "state_pill",
        "account_and_change",
    )
    list_filter = ("state", "currency", "requested_on")
    list_select_related = ("customer", "subscription", "period__invoice")
    numeric_columns = ("amount_shown",)
    search_fields = ("customer__name", "customer__number", "reference", "key", "iban")
    search_help_text = _("Customer, bank reference, IBAN or payment key")
    ordering = ("-requested_on", "-pk")
    empty_hint = _("Payouts come from settled refunds that are paid in cash.")
    fields = (
        "customer_link",
        "subscription_link",
        "amount_shown",
        "account",
        "bank_details",
        "reason",
        "requested_on",
        "key",
        "attempts",
        "reference",
        "paid_on",
        "failure",
        "became",
    )
    readonly_fields = ("customer_link", "subscription_link", "amount_shown", "account", "bank_details", "became")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payout]:
        rows: QuerySet[Payout] = super().get_queryset(request)
        return with_debts(rows.select_related("subscription", "credit")).prefetch_related(
            Prefetch("customer__bank_details_changes", BankDetailsChange.objects.select_related("confirmed_by"))
        )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self._owed_view)
        return [path("owed.csv", view, name="billing_payout_owed"), *super().get_urls()]

    def list_panels(self, request: StaffRequest) -> Sequence[Panel]:
        sums = sums_by_kind()
        if not sums:
            return []
        rows = [(gettext(kind), number(count), words) for kind, count, words in sums]
        return [
            Panel(
                say("Owed to customers"),
                TABLE,
                {"headings": [say("What"), (say("How many"), "n"), say("In all")], "rows": rows},
                side="top",
                note=say("who is owed what, and who is to be paid (CSV)"),
                url=self.url_of("owed"),
            )
        ]

    def _owed_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="owed-{timezone.localdate()}.csv"'
        write_csv(payables(), response)
        return response

    @admin.display(description=_("Bank details"))
    def bank_details(self, obj: Payout) -> SafeString:
        change = change_to_show(obj.customer)
        if change is None:
            return SafeString("")
        on = timezone.localdate(change.changed_at)
        if change.confirmed_by is None:
            words = say("changed {day}", day=on)
            return format_html("{}{}", pill(say("Needs a second person"), "bad"), sub(link(change, words)))
        words = say("changed {day}, confirmed by {person}", day=on, person=change.confirmed_by)
        return format_html("{}{}", pill(say("Changed lately"), "warn"), sub(link(change, words)))

    @admin.display(description=_("Customer"), ordering="customer__name")
    def whose(self, obj: Payout) -> SafeString:
        return format_html("{}{}", obj.customer.name, sub(obj.customer.number))

    @admin.display(description=_("To the account"))
    def account_and_change(self, obj: Payout) -> SafeString:
        """Both in one cell, so that a changed account is seen without scrolling."""
        return format_html("{}{}", self.account(obj), self.bank_details(obj))

    customer_link = column(link, "customer", description=_("Customer"))
    subscription_link = column(link, "subscription", description=_("Subscription"))

    @admin.display(description=_("Became"))
    def became(self, obj: Payout) -> SafeString:
        return SafeString("–") if obj.credit is None else link(obj.credit, say("a credit"))

    amount_shown = column(money, "amount", "currency", description=_("Amount"), ordering="amount")

    @admin.display(description=_("To the account"))
    def account(self, obj: Payout) -> SafeString:
        return format_html("{}{}", obj.iban, sub(obj.account_holder))

    @admin.display(description=_("State"), ordering="state")
    def state_pill(self, obj: Payout) -> SafeString:
        if obj.paid_on is None:
            return format_html("{}{}", payout_pill(obj), sub(obj.failure or held_obstacle(obj) or ""))
        return format_html("{}{}{}", payout_pill(obj), sub(day(obj.paid_on)), sub(obj.reference))
