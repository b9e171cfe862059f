"""Instalments of purchases, paid one by one or many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.customers.models import Customer
from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.actions import StaffAction, of_row
from backoffice.admin import TrackedAdmin
from backoffice.amounts import money
from backoffice.display import column
from backoffice.links import day, link
from core.amounts import money_text
from core.text import Text, say
from hardware.purchases.actions import instalment_obstacle, pay_instalment
from hardware.purchases.forms import PayInstalmentForm
from hardware.purchases.models import Instalment
from hardware.purchases.pills import paid_in_words, unpaid_pill


class PayInstalments(StaffAction[Instalment]):
    name = "pay"
    label = _("Record the payment")
    label_plural = _("Record payments")
    tone = "primary"
    icon = "banknote"
    may = May.HANDLE_PHONES
    form_class = PayInstalmentForm
    rule = of_row(instalment_obstacle)

    def consequence(self, obj: Instalment, by: User) -> Text:
        left = obj.purchase.owed - obj.amount
        amount = money_text(obj.amount, obj.purchase.currency)
        if left == 0:
            return say("{amount} is paid, and with it the phone becomes the customer's (F6).", amount=amount)
        return say(
            "{amount} is paid; {left} is still owed then.",
            amount=amount,
            left=money_text(left, obj.purchase.currency),
        )

    def get_initial(self, rows: Sequence[Instalment], by: User) -> dict[str, Any]:
        return {"paid_on": timezone.localdate()}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        return paid_in_words(pay_instalment(pk, by=by, paid_on=cleaned["paid_on"]))


@admin.register(Instalment)
class InstalmentAdmin(TrackedAdmin[Instalment]):
    may_view = May.SEE_CASES
    has_timeline = False
    reads = (
        "purchase__customer",
        "purchase__phone__model",
    )
    staff_actions = (PayInstalments,)
    list_display = ("purchase_number", "sequence", "customer", "due_on", "paid", "sum")
    list_filter = (("paid_on", admin.EmptyFieldListFilter), "due_on")
    list_select_related = ("purchase__customer", "purchase__phone__model")
    numeric_columns = ("sum",)
    search_fields = ("purchase__number", "purchase__customer__name", "purchase__customer__number")
    search_help_text = _("Purchase number or customer")
    ordering = ("due_on", "pk")
    empty_hint = _("Instalments come with a purchase.")
    fields = ("purchase_link", "sequence", "due_on", "paid", "sum")
    readonly_fields = ("purchase_link", "paid", "sum")

    @admin.display(description=_("Purchase"), ordering="purchase__number")
    def purchase_number(self, obj: Instalment) -> str:
        return obj.purchase.number

    purchase_link = column(link, "purchase", description=_("Purchase"))

    @admin.display(description=_("Customer"), ordering="purchase__customer__name")
    def customer(self, obj: Instalment) -> Customer:
        return obj.purchase.customer

    @admin.display(description=_("Paid on"), ordering="paid_on")
    def paid(self, obj: Instalment) -> Any:
        return day(obj.paid_on) or unpaid_pill(obj, obj.purchase)

    sum = column(money, "amount", "purchase.currency", description=_("Amount"), ordering="amount")
