"""Phones, each with whoever has it, and their models."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.staff.permissions import May
from audit.models import Event
from backoffice.actions import PageAction
from backoffice.admin import TrackedAdmin
from backoffice.display import pill
from backoffice.links import day, link, page_url
from backoffice.panels import Panel, timeline_panel
from backoffice.requests import StaffRequest
from core.text import say
from hardware.phones.actions import add_phone_model
from hardware.phones.forms import PhoneModelForm
from hardware.phones.models import Phone, PhoneModel
from hardware.purchases.models import Purchase
from hardware.purchases.pills import owned_pill


@admin.register(Phone)
class PhoneAdmin(TrackedAdmin[Phone]):
    may_view = May.SEE_CASES
    list_display = ("serial", "mac", "model", "customer", "ownership")
    list_filter = ("model",)
    list_select_related = ("model",)
    search_fields = ("serial", "mac", "purchases__customer__name", "purchases__customer__number")
    search_help_text = _("Serial number, MAC address or customer")
    empty_hint = _("A phone comes on file with its purchase.")
    fields = ("model", "serial", "mac", "purchase_link", "customer", "ownership")
    readonly_fields = ("purchase_link", "customer", "ownership")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Phone]:
        rows: QuerySet[Phone] = super().get_queryset(request)
        return rows.select_related("model").prefetch_related("purchases__customer")

    @staticmethod
    def _purchase(obj: Phone) -> Purchase | None:
        """The purchase of whoever has it; none while it is in stock."""
        return next((purchase for purchase in obj.purchases.all() if not purchase.is_returned), None)

    @admin.display(description=_("Purchase"))
    def purchase_link(self, obj: Phone) -> SafeString:
        purchase = self._purchase(obj)
        return link(purchase, purchase.number) if purchase else SafeString("")

    @admin.display(description=_("Customer"))
    def customer(self, obj: Phone) -> SafeString:
        purchase = self._purchase(obj)
        return link(purchase.customer) if purchase else SafeString("")

    @admin.display(description=_("Ownership"))
    def ownership(self, obj: Phone) -> SafeString:
        purchase = self._purchase(obj)
        return owned_pill(purchase) if purchase else pill(say("In stock"), "info")

    def change_panels(self, request: StaffRequest, obj: Phone) -> Sequence[Panel]:
        rows = [
            (
                link(purchase, purchase.number),
                link(purchase.customer),
                day(purchase.bought_on),
                day(purchase.returned_on) or owned_pill(purchase),
            )
            for purchase in obj.purchases.all()
        ]
        headings = [say("Purchase"), say("Customer"), say("Bought on"), say("Came back on")]
        return [
            Panel(say("Who bought it"), "backoffice/panels/table.html", {"headings": headings, "rows": rows}),
            timeline_panel(Event.objects.about(obj), about=obj),
        ]


class AddPhoneModel(PageAction):
    name = "add"
    label = _("Add a phone model")
    icon = "plus"
    may = May.HANDLE_PHONES
    form_class = PhoneModelForm
    action = add_phone_model
    done = _("{model} is on file.")
    opens = page_url


@admin.register(PhoneModel)
class PhoneModelAdmin(TrackedAdmin[PhoneModel]):
    may_view = May.SEE_CASES
    page_actions = (AddPhoneModel,)
    list_display = ("name", "maker")
    list_filter = ("maker",)
    search_fields = ("maker", "name")
    fields = ("maker", "name")
    empty_hint = _("Add the first make with “Add a phone model”: a purchase names one.")
