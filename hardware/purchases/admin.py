"""Purchases of phones: recording one, its instalments, its return, the statement of it, and the customer's phones.

None of it leads to a refund (F8).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.customers.models import Customer
from accounts.customers.panels import customer_page
from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.actions import Refused, Why
from audit.models import Event
from backoffice.actions import ActionResult, PageAction, Sentence, StaffAction, of_row
from backoffice.admin import TrackedAdmin
from backoffice.amounts import money
from backoffice.display import column, sub
from backoffice.links import day, link, page_url
from backoffice.panels import Panel, timeline_panel
from backoffice.requests import StaffRequest
from core.amounts import money_text
from core.text import Text, join, say
from hardware.purchases.actions import (
    DueInstalment,
    note_warranty,
    pay_instalment,
    record_purchase,
    return_obstacle,
    return_phone,
)
from hardware.purchases.forms import PayOneForm, PurchaseForm, ReturnForm, WarrantyForm
from hardware.purchases.instalments.rules import equal_parts, monthly_from
from hardware.purchases.models import Purchase
from hardware.purchases.pills import PHONES_STAY, owned_pill, paid_in_words, unpaid_pill
from hardware.vocabulary import HardwareRefusal


class RecordPurchase(PageAction):
    name = "record"
    label = _("Record a purchase")
    icon = "plus"
    may = May.HANDLE_PHONES
    form_class = PurchaseForm
    submit_label = _("Record the purchase")
    intro = PHONES_STAY

    def get_initial(self, request: StaffRequest) -> dict[str, Any]:
        return {"bought_on": timezone.localdate(), "parts": 1, **request.GET.dict()}

    def run(self, by: User, cleaned: dict[str, Any]) -> ActionResult:
        customer: Customer = cleaned["customer"]
        purchase = record_purchase(
            by=by,
            customer_id=customer.pk,
            phone_model_id=cleaned["phone_model"].pk,
            serial=cleaned["serial"],
            mac=cleaned["mac"],
            price=cleaned["price"],
            bought_on=cleaned["bought_on"],
            instalments=_plan(cleaned, customer.currency),
            warranty_until=cleaned["warranty_until"],
            warranty_note=cleaned["warranty_note"],
        )
        return ActionResult(
            say("{purchase} is recorded for {customer}.", purchase=purchase, customer=customer), page_url(purchase)
        )


def _plan(cleaned: dict[str, Any], currency: str) -> list[DueInstalment]:
    first: date = cleaned["first_due_on"] or cleaned["bought_on"]
    if not cleaned["price"]:
        return []
    try:
        amounts = equal_parts(cleaned["price"], currency, cleaned["parts"])
    except ValueError as problem:
        raise Refused(str(problem), code=HardwareRefusal.INSTALMENTS, data={"field": "price"}) from None
    days = monthly_from(first, cleaned["parts"])
    return [DueInstalment(day, amount) for day, amount in zip(days, amounts, strict=True)]


class PayOne(StaffAction[Purchase]):
    name = "pay"
    label = _("Record an instalment's payment")
    tone = "primary"
    icon = "banknote"
    may = May.HANDLE_PHONES
    form_class = PayOneForm
    intro = _("With the last instalment the phone becomes the customer's (F6).")

    def obstacle(self, obj: Purchase, by: User) -> Why | None:
        if obj.is_returned:
            return say(
                "The phone came back on {day}: nothing is owed on {number} any more.",
                day=obj.returned_on,
                number=obj.number,
            )
        return (
            say("{number} is paid in full: the phone is the customer's.", number=obj.number) if obj.is_owned else None
        )

    def get_initial(self, rows: Sequence[Purchase], by: User) -> dict[str, Any]:
        first = rows[0].instalments.filter(paid_on__isnull=True).first()
        return {"instalment": first, "paid_on": timezone.localdate()}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        return paid_in_words(pay_instalment(cleaned["instalment"].pk, by=by, paid_on=cleaned["paid_on"]))


class ReturnPhone(StaffAction[Purchase]):
    name = "return"
    label = _("Take the phone back to stock")
    icon = "undo-2"
    tone = "danger"
    may = May.HANDLE_PHONES
    form_class = ReturnForm
    rule = of_row(return_obstacle)
    action = return_phone
    done = Sentence(
        _("{phone} is back in stock; what was paid on {purchase} stays paid."),
        phone="phone",
        purchase="number",
    )

    def consequence(self, obj: Purchase, by: User) -> Text:
        paid = money_text(obj.paid, obj.currency)
        if not obj.owed:
            return say(
                "The {paid} that was paid stays paid: no money goes back (F8). The phone may be sold again.", paid=paid
            )
        return say(
            "The {paid} that was paid stays paid: no money goes back (F8). The {owed} still owed is owed no longer. "
            "The phone may be sold again.",
            paid=paid,
            owed=money_text(obj.owed, obj.currency),
        )

    def get_initial(self, rows: Sequence[Purchase], by: User) -> dict[str, Any]:
        return {"returned_on": timezone.localdate()}


class NoteWarranty(StaffAction[Purchase]):
    name = "warranty"
    label = _("Note the warranty")
    icon = "shield-check"
    may = May.HANDLE_PHONES
    form_class = WarrantyForm
    action = note_warranty
    done = Sentence(_("The warranty of {number} is noted."), number="number")

    def get_initial(self, rows: Sequence[Purchase], by: User) -> dict[str, Any]:
        return {"until": rows[0].warranty_until, "note": rows[0].warranty_note}


@admin.register(Purchase)
class PurchaseAdmin(TrackedAdmin[Purchase]):
    may_view = May.SEE_CASES
    reads = (
        "customer",
        "phone__model",
    )
    heading_pill = owned_pill
    staff_actions = (PayOne, NoteWarranty, ReturnPhone)
    page_actions = (RecordPurchase,)
    list_display = ("number", "customer", "still_owed", "phone", "bought_on", "price_paid", "ownership")
    list_filter = (
        ("owned_on", admin.EmptyFieldListFilter),
        ("returned_on", admin.EmptyFieldListFilter),
        "phone__model",
        "currency",
    )
    list_select_related = ("customer", "phone__model")
    numeric_columns = ("price_paid", "still_owed")
    search_fields = ("number", "customer__name", "customer__number", "phone__serial", "phone__mac")
    search_help_text = _("Customer, purchase number, serial number or MAC address")
    empty_hint = _("Record the first purchase with “Record a purchase”.")
    fields = (
        "customer_link",
        "phone_link",
        "bought_on",
        "price_paid",
        "paid_so_far",
        "still_owed",
        "owned_on",
        "returned",
        "warranty",
    )
    readonly_fields = ("customer_link", "phone_link", "price_paid", "paid_so_far", "still_owed", "returned", "warranty")

    price_paid = column(money, "price", "currency", description=_("Price"), ordering="price")
    paid_so_far = column(money, "paid", "currency", description=_("Paid"))

    @admin.display(description=_("Came back"))
    def returned(self, obj: Purchase) -> Any:
        if not obj.is_returned:
            return say("no")
        stays = join(" ", [obj.return_reason, say("What was paid stays paid (F8).")])
        return format_html("{}{}", day(obj.returned_on), sub(stays))

    @admin.display(description=_("Warranty"))
    def warranty(self, obj: Purchase) -> Any:
        if obj.warranty_until is None:
            return obj.warranty_note or say("none noted")
        return format_html("{}{}", day(obj.warranty_until), sub(obj.warranty_note))

    still_owed = column(money, "owed", "currency", description=_("Still owed"))
    ownership = column(owned_pill, description=_("Ownership"), ordering="owned_on")
    customer_link = column(link, "customer", description=_("Customer"))
    phone_link = column(link, "phone", description=_("Phone"))

    def change_panels(self, request: StaffRequest, obj: Purchase) -> Sequence[Panel]:
        rows = [
            (
                link(part, f"{part.sequence}"),
                day(part.due_on),
                day(part.paid_on) or unpaid_pill(part, obj),
                money(part.amount, obj.currency),
            )
            for part in obj.instalments.all()
        ]
        statement = reverse("admin:hardware_purchase_statement", args=(obj.pk,))
        return [
            Panel(
                say("Instalments"),
                "backoffice/panels/table.html",
                {
                    "headings": [say("No."), say("Due on"), say("Paid on"), (say("Amount"), "n")],
                    "rows": rows,
                    "empty": say("It cost nothing."),
                },
                note=say("Statement to print"),
                url=statement,
            ),
            Panel(say("What holds for phones"), "backoffice/panels/text.html", {"text": PHONES_STAY}, side="right"),
            timeline_panel(Event.objects.about(obj), about=obj),
        ]

    def get_urls(self) -> list[URLPattern]:
        statement = path(
            "<int:pk>/statement/", self.admin_site.admin_view(self._statement), name="hardware_purchase_statement"
        )
        return [statement, *super().get_urls()]

    def _statement(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The purchase on one page that prints well, for the customer."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        purchase = get_object_or_404(self.get_queryset(request), pk=pk)
        parts = list(purchase.instalments.all())
        context = {
            **self.admin_site.each_context(request),
            "title": say("Statement of purchase {number}", number=purchase.number),
            "purchase": purchase,
            "customer": purchase.customer,
            "address": (purchase.customer.billing or purchase.customer.postal).lines,
            "today": timezone.localdate(),
            "parts": [(part, money(part.amount, purchase.currency), unpaid_pill(part, purchase)) for part in parts],
            "price": money(purchase.price, purchase.currency),
            "paid": money(purchase.paid, purchase.currency),
            "owed": money(purchase.owed, purchase.currency),
            "back_url": page_url(purchase),
        }
        return TemplateResponse(request, "hardware/statement.html", context)


# --- On the customer's page ---------------------------------------------------------------------


@customer_page.panel(order=50)
def phones_panel(request: StaffRequest, customer: Customer) -> Panel:
    purchases = customer.purchases.select_related("phone__model")
    rows = [
        (
            format_html(
                "{}{}",
                link(purchase, purchase.phone.serial),
                sub(say("{model}, bought {day}", model=purchase.phone.model, day=purchase.bought_on)),
            ),
            owned_pill(purchase),
            money(purchase.price, purchase.currency),
        )
        for purchase in purchases
    ]
    may = request.user.may(May.HANDLE_PHONES)
    return Panel(
        say("Phones"),
        "backoffice/panels/table.html",
        {
            "headings": [say("Serial number"), say("Ownership"), (say("Price"), "n")],
            "rows": rows,
            "empty": say("No phone was bought."),
        },
        side="right",
        note=say("Record a purchase") if may else say("not refundable (F8)"),
        url=f"{reverse('admin:hardware_purchase_do', args=('record',))}?customer={customer.number}" if may else "",
    )
