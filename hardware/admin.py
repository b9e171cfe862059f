"""The pages of phones: models, devices, purchases, instalments. None of them leads to a refund (F8)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.amounts import money, money_text
from accounts.models import Customer, User
from accounts.panels import customer_page, day, link, page_url
from accounts.permissions import May, roles_that
from audit.actions import Refused
from audit.backoffice import (
    Done,
    PageAction,
    Panel,
    StaffAction,
    TrackedAdmin,
    pill,
    register_verbs,
    sub,
    timeline_panel,
)
from audit.models import Event
from hardware import forms
from hardware.actions import (
    DueInstalment,
    add_phone_model,
    instalment_obstacle,
    note_warranty,
    pay_instalment,
    record_purchase,
    return_obstacle,
    return_phone,
)
from hardware.instalments import equal_parts, monthly_from
from hardware.models import Instalment, Phone, PhoneModel, Purchase

register_verbs(
    {
        "phone_model.add": "added the phone model",
        "purchase.record": "recorded the purchase",
        "purchase.return": "took the phone back to stock of the purchase",
        "purchase.warranty": "noted the warranty of the purchase",
        "purchases.import": "imported purchases from",
        "instalment.pay": "recorded an instalment's payment for the purchase",
    }
)

PHONES_STAY = (
    "A phone is the customer's from the day its price is paid in full (F6), and stays theirs when the "
    "service is cancelled (F7). What was bought as hardware is not refunded: no quote, proposal or import "
    "takes it (F8)."
)


def owned_pill(purchase: Purchase) -> SafeString:
    if purchase.is_returned:
        return pill("Came back", "mute")
    if purchase.is_owned:
        return pill("Owned by the customer", "good")
    return pill(f"{money_text(purchase.owed, purchase.currency)} owed", "warn")


# --- Purchases ----------------------------------------------------------------------------------


class RecordPurchase(PageAction):
    name = "record"
    label = "Record a purchase"
    icon = "plus"
    may = May.HANDLE_PHONES
    roles = roles_that(May.HANDLE_PHONES)
    form_class = forms.PurchaseForm
    submit_label = "Record the purchase"
    intro = PHONES_STAY

    def get_initial(self, request: HttpRequest) -> dict[str, Any]:
        return {"bought_on": timezone.localdate(), "parts": 1, **request.GET.dict()}

    def run(self, by: User, cleaned: dict[str, Any]) -> Done:
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
        return Done(f"{purchase} is recorded for {customer}.", page_url(purchase))


def _plan(cleaned: dict[str, Any], currency: str) -> list[DueInstalment]:
    first: date = cleaned["first_due_on"] or cleaned["bought_on"]
    if not cleaned["price"]:
        return []
    try:
        amounts = equal_parts(cleaned["price"], currency, cleaned["parts"])
    except ValueError as problem:
        raise Refused(str(problem), code="instalments", data={"field": "price"}) from None
    days = monthly_from(first, cleaned["parts"])
    return [DueInstalment(day, amount) for day, amount in zip(days, amounts, strict=True)]


class PayOne(StaffAction[Purchase]):
    name = "pay"
    label = "Record an instalment's payment"
    tone = "primary"
    icon = "banknote"
    in_bulk = False
    may = May.HANDLE_PHONES
    roles = roles_that(May.HANDLE_PHONES)
    form_class = forms.PayOneForm
    intro = "With the last instalment the phone becomes the customer's (F6)."

    def obstacle(self, obj: Purchase, by: User) -> str | None:
        if obj.is_returned:
            return f"The phone came back on {obj.returned_on}: nothing is owed on {obj.number} any more."
        return f"{obj.number} is paid in full: the phone is the customer's." if obj.is_owned else None

    def get_initial(self, rows: Sequence[Purchase], by: User) -> dict[str, Any]:
        first = rows[0].instalments.filter(paid_on__isnull=True).first()
        return {"instalment": first, "paid_on": timezone.localdate()}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        return _paid(pay_instalment(cleaned["instalment"].pk, by=by, paid_on=cleaned["paid_on"]))


def _paid(purchase: Purchase) -> str:
    if purchase.is_owned:
        return f"{purchase.number} is paid in full: the phone is the customer's."
    return f"{money_text(purchase.owed, purchase.currency)} is still owed on {purchase.number}."


class ReturnPhone(StaffAction[Purchase]):
    name = "return"
    label = "Take the phone back to stock"
    icon = "undo-2"
    tone = "danger"
    in_bulk = False
    may = May.HANDLE_PHONES
    roles = roles_that(May.HANDLE_PHONES)
    form_class = forms.ReturnForm

    def obstacle(self, obj: Purchase, by: User) -> str | None:
        return return_obstacle(obj)

    def consequence(self, obj: Purchase, by: User) -> str:
        paid = f"The {money_text(obj.paid, obj.currency)} that was paid stays paid: no money goes back (F8)."
        owed = f" The {money_text(obj.owed, obj.currency)} still owed is owed no longer." if obj.owed else ""
        return f"{paid}{owed} The phone may be sold again."

    def get_initial(self, rows: Sequence[Purchase], by: User) -> dict[str, Any]:
        return {"returned_on": timezone.localdate()}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        purchase = return_phone(pk, by=by, **cleaned)
        return f"{purchase.phone} is back in stock; what was paid on {purchase.number} stays paid."


class NoteWarranty(StaffAction[Purchase]):
    name = "warranty"
    label = "Note the warranty"
    icon = "shield-check"
    in_bulk = False
    may = May.HANDLE_PHONES
    roles = roles_that(May.HANDLE_PHONES)
    form_class = forms.WarrantyForm

    def get_initial(self, rows: Sequence[Purchase], by: User) -> dict[str, Any]:
        return {"until": rows[0].warranty_until, "note": rows[0].warranty_note}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        return f"The warranty of {note_warranty(pk, by=by, **cleaned).number} is noted."


@admin.register(Purchase)
class PurchaseAdmin(TrackedAdmin):
    may_view = May.SEE_CASES
    staff_actions = (PayOne, NoteWarranty, ReturnPhone)
    page_actions = (RecordPurchase,)
    list_display = ("number", "customer", "phone", "bought_on", "price_paid", "still_owed", "ownership")
    list_filter = (
        ("owned_on", admin.EmptyFieldListFilter),
        ("returned_on", admin.EmptyFieldListFilter),
        "phone__model",
        "currency",
    )
    list_select_related = ("customer", "phone__model")
    numeric_columns = ("price_paid", "still_owed")
    search_fields = ("number", "customer__name", "customer__number", "phone__serial", "phone__mac")
    search_help_text = "Customer, purchase number, serial number or MAC address"
    empty_hint = "Record the first purchase with “Record a purchase”."
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

    def get_queryset(self, request: HttpRequest) -> QuerySet[Purchase]:
        rows: QuerySet[Purchase] = super().get_queryset(request)
        return rows.select_related("customer", "phone__model")

    @admin.display(description="Price", ordering="price")
    def price_paid(self, obj: Purchase) -> SafeString:
        return money(obj.price, obj.currency)

    @admin.display(description="Paid")
    def paid_so_far(self, obj: Purchase) -> SafeString:
        return money(obj.paid, obj.currency)

    @admin.display(description="Came back")
    def returned(self, obj: Purchase) -> Any:
        if not obj.is_returned:
            return "no"
        stays = f"{obj.return_reason} What was paid stays paid (F8)."
        return format_html("{}{}", day(obj.returned_on), sub(stays))

    @admin.display(description="Warranty")
    def warranty(self, obj: Purchase) -> Any:
        if obj.warranty_until is None:
            return obj.warranty_note or "none noted"
        return format_html("{}{}", day(obj.warranty_until), sub(obj.warranty_note))

    @admin.display(description="Still owed")
    def still_owed(self, obj: Purchase) -> SafeString:
        return money(obj.owed, obj.currency)

    @admin.display(description="Ownership", ordering="owned_on")
    def ownership(self, obj: Purchase) -> SafeString:
        return owned_pill(obj)

    @admin.display(description="Customer")
    def customer_link(self, obj: Purchase) -> SafeString:
        return link(obj.customer)

    @admin.display(description="Phone")
    def phone_link(self, obj: Purchase) -> SafeString:
        return link(obj.phone)

    def page_pills(self, request: HttpRequest, obj: Purchase) -> Sequence[SafeString]:
        return [owned_pill(obj)]

    def change_panels(self, request: HttpRequest, obj: Purchase) -> Sequence[Panel]:
        rows = [
            (
                link(part, f"{part.sequence}"),
                day(part.due_on),
                day(part.paid_on) or _unpaid_pill(part, obj),
                money(part.amount, obj.currency),
            )
            for part in obj.instalments.all()
        ]
        statement = reverse("admin:hardware_purchase_statement", args=(obj.pk,))
        return [
            Panel(
                "Instalments",
                "backoffice/panels/table.html",
                {
                    "headings": ["No.", "Due on", "Paid on", ("Amount", "n")],
                    "rows": rows,
                    "empty": "It cost nothing.",
                },
                note="Statement to print",
                url=statement,
            ),
            Panel("What holds for phones", "backoffice/panels/text.html", {"text": PHONES_STAY}, side="right"),
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
            "title": f"Statement of purchase {purchase.number}",
            "purchase": purchase,
            "customer": purchase.customer,
            "address": purchase.customer.billing_address or purchase.customer.postal_address,
            "today": timezone.localdate(),
            "parts": [(part, money(part.amount, purchase.currency), _unpaid_pill(part, purchase)) for part in parts],
            "price": money(purchase.price, purchase.currency),
            "paid": money(purchase.paid, purchase.currency),
            "owed": money(purchase.owed, purchase.currency),
            "back_url": page_url(purchase),
        }
        return TemplateResponse(request, "hardware/statement.html", context)


def _unpaid_pill(part: Instalment, purchase: Purchase) -> SafeString:
    if purchase.is_returned:
        return pill("Owed no longer", "mute")
    late = part.due_on < timezone.localdate()
    return pill("Late", "bad") if late else pill("Not yet", "mute")


# --- Instalments --------------------------------------------------------------------------------


class PayInstalments(StaffAction[Instalment]):
    name = "pay"
    label = "Record the payment"
    label_plural = "Record payments"
    tone = "primary"
    icon = "banknote"
    may = May.HANDLE_PHONES
    roles = roles_that(May.HANDLE_PHONES)
    form_class = forms.PayInstalmentForm

    def obstacle(self, obj: Instalment, by: User) -> str | None:
        return instalment_obstacle(obj)

    def consequence(self, obj: Instalment, by: User) -> str:
        left = obj.purchase.owed - obj.amount
        amount = money_text(obj.amount, obj.purchase.currency)
        if left == 0:
            return f"{amount} is paid, and with it the phone becomes the customer's (F6)."
        return f"{amount} is paid; {money_text(left, obj.purchase.currency)} is still owed then."

    def get_initial(self, rows: Sequence[Instalment], by: User) -> dict[str, Any]:
        return {"paid_on": timezone.localdate()}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        return _paid(pay_instalment(pk, by=by, paid_on=cleaned["paid_on"]))


@admin.register(Instalment)
class InstalmentAdmin(TrackedAdmin):
    may_view = May.SEE_CASES
    staff_actions = (PayInstalments,)
    list_display = ("purchase_number", "sequence", "customer", "due_on", "paid", "sum")
    list_filter = (("paid_on", admin.EmptyFieldListFilter), "due_on")
    list_select_related = ("purchase__customer", "purchase__phone__model")
    numeric_columns = ("sum",)
    search_fields = ("purchase__number", "purchase__customer__name", "purchase__customer__number")
    search_help_text = "Purchase number or customer"
    ordering = ("due_on", "pk")
    empty_hint = "Instalments come with a purchase."
    fields = ("purchase_link", "sequence", "due_on", "paid", "sum")
    readonly_fields = ("purchase_link", "paid", "sum")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Instalment]:
        rows: QuerySet[Instalment] = super().get_queryset(request)
        return rows.select_related("purchase__customer", "purchase__phone__model")

    @admin.display(description="Purchase", ordering="purchase__number")
    def purchase_number(self, obj: Instalment) -> str:
        return obj.purchase.number

    @admin.display(description="Purchase")
    def purchase_link(self, obj: Instalment) -> SafeString:
        return link(obj.purchase)

    @admin.display(description="Customer", ordering="purchase__customer__name")
    def customer(self, obj: Instalment) -> Customer:
        return obj.purchase.customer

    @admin.display(description="Paid on", ordering="paid_on")
    def paid(self, obj: Instalment) -> Any:
        return day(obj.paid_on) or _unpaid_pill(obj, obj.purchase)

    @admin.display(description="Amount", ordering="amount")
    def sum(self, obj: Instalment) -> SafeString:
        return money(obj.amount, obj.purchase.currency)


# --- Devices and models -------------------------------------------------------------------------


@admin.register(Phone)
class PhoneAdmin(TrackedAdmin):
    may_view = May.SEE_CASES
    list_display = ("serial", "mac", "model", "customer", "ownership")
    list_filter = ("model",)
    list_select_related = ("model",)
    search_fields = ("serial", "mac", "purchases__customer__name", "purchases__customer__number")
    search_help_text = "Serial number, MAC address or customer"
    empty_hint = "A phone comes on file with its purchase."
    fields = ("model", "serial", "mac", "purchase_link", "customer", "ownership")
    readonly_fields = ("purchase_link", "customer", "ownership")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Phone]:
        rows: QuerySet[Phone] = super().get_queryset(request)
        return rows.select_related("model").prefetch_related("purchases__customer")

    @staticmethod
    def _purchase(obj: Phone) -> Purchase | None:
        """The purchase of whoever has it; none while it is in stock."""
        return next((purchase for purchase in obj.purchases.all() if not purchase.is_returned), None)

    @admin.display(description="Purchase")
    def purchase_link(self, obj: Phone) -> SafeString:
        purchase = self._purchase(obj)
        return link(purchase, purchase.number) if purchase else SafeString("")

    @admin.display(description="Customer")
    def customer(self, obj: Phone) -> SafeString:
        purchase = self._purchase(obj)
        return link(purchase.customer) if purchase else SafeString("")

    @admin.display(description="Ownership")
    def ownership(self, obj: Phone) -> SafeString:
        purchase = self._purchase(obj)
        return owned_pill(purchase) if purchase else pill("In stock", "info")

    def change_panels(self, request: HttpRequest, obj: Phone) -> Sequence[Panel]:
        rows = [
            (
                link(purchase, purchase.number),
                link(purchase.customer),
                day(purchase.bought_on),
                day(purchase.returned_on) or owned_pill(purchase),
            )
            for purchase in obj.purchases.all()
        ]
        headings = ["Purchase", "Customer", "Bought on", "Came back on"]
        return [
            Panel("Who bought it", "backoffice/panels/table.html", {"headings": headings, "rows": rows}),
            timeline_panel(Event.objects.about(obj), about=obj),
        ]


class AddPhoneModel(PageAction):
    name = "add"
    label = "Add a phone model"
    icon = "plus"
    may = May.HANDLE_PHONES
    roles = roles_that(May.HANDLE_PHONES)
    form_class = forms.PhoneModelForm

    def run(self, by: User, cleaned: dict[str, Any]) -> Done:
        model = add_phone_model(by=by, **cleaned)
        return Done(f"{model} is on file.", page_url(model))


@admin.register(PhoneModel)
class PhoneModelAdmin(TrackedAdmin):
    may_view = May.SEE_CASES
    page_actions = (AddPhoneModel,)
    list_display = ("name", "maker")
    list_filter = ("maker",)
    search_fields = ("maker", "name")
    fields = ("maker", "name")
    empty_hint = "Add the first make with “Add a phone model”: a purchase names one."

    def change_panels(self, request: HttpRequest, obj: PhoneModel) -> Sequence[Panel]:
        return [timeline_panel(Event.objects.about(obj), about=obj)]


# --- On the customer's page ---------------------------------------------------------------------


@customer_page.panel(order=50)
def phones_panel(request: HttpRequest, customer: Customer) -> Panel:
    purchases = customer.purchases.select_related("phone__model")
    rows = [
        (
            format_html(
                "{}{}",
                link(purchase, purchase.phone.serial),
                sub(f"{purchase.phone.model}, bought {date_format(purchase.bought_on)}"),
            ),
            owned_pill(purchase),
            money(purchase.price, purchase.currency),
        )
        for purchase in purchases
    ]
    may = isinstance(request.user, User) and request.user.may(May.HANDLE_PHONES)
    return Panel(
        "Phones",
        "backoffice/panels/table.html",
        {
            "headings": ["Serial number", "Ownership", ("Price", "n")],
            "rows": rows,
            "empty": "No phone was bought.",
        },
        side="right",
        note="Record a purchase" if may else "not refundable (F8)",
        url=f"{reverse('admin:hardware_purchase_do', args=('record',))}?customer={customer.number}" if may else "",
    )
