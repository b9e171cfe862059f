"""Changes of bank details: who changed them, and the second person who confirms."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.customers.bank_details.actions import confirm_bank_details
from accounts.customers.bank_details.rules import confirm_obstacle
from accounts.customers.models import BankDetailsChange
from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.actions import ReasonForm, Sentence, StaffAction
from backoffice.admin import TrackedAdmin
from backoffice.display import column, pill, sub, when
from backoffice.links import link
from backoffice.panels import Panel, register_home_panels
from backoffice.requests import StaffRequest
from core.text import Text, say


class Confirm(StaffAction[BankDetailsChange]):
    name = "confirm"
    label = _("Confirm the new bank details")
    tone = "primary"
    icon = "shield-check"
    may = May.CONFIRM_BANK_DETAILS
    form_class = ReasonForm
    intro = _("Ask the customer by a way that was known before the change, and write down how you checked it.")
    rule = confirm_obstacle
    action = confirm_bank_details
    done = Sentence(_("The bank details of {customer} are confirmed."), customer="customer.name")

    def consequence(self, obj: BankDetailsChange, by: User) -> Text:
        if not obj.iban_after:
            return say("Payouts to {customer} can be paid again, to no account.", customer=obj.customer.name)
        return say(
            "Payouts to {customer} can be paid again, to {iban}.", customer=obj.customer.name, iban=obj.iban_after
        )


@admin.register(BankDetailsChange)
class BankDetailsChangeAdmin(TrackedAdmin[BankDetailsChange]):
    may_view = May.SEE_MONEY
    staff_actions = (Confirm,)
    list_display = ("changed", "customer", "before", "after", "changed_by", "state_pill")
    list_filter = (("confirmed_by", admin.EmptyFieldListFilter), "changed_at")
    list_select_related = ("customer", "changed_by", "confirmed_by")
    search_fields = ("customer__name", "customer__number", "iban_before", "iban_after")
    search_help_text = _("Customer or IBAN")
    ordering = ("-changed_at", "-pk")
    empty_hint = _("They come from changes of a customer's IBAN or account holder.")
    fields = ("customer_link", "before", "after", "changed", "changed_by", "confirmation")
    readonly_fields = ("customer_link", "before", "after", "changed", "confirmation")

    def get_queryset(self, request: HttpRequest) -> QuerySet[BankDetailsChange]:
        rows: QuerySet[BankDetailsChange] = super().get_queryset(request)
        return rows.select_related("customer", "changed_by", "confirmed_by").prefetch_related(
            "customer__bank_details_changes"
        )

    customer_link = column(link, "customer", description=_("Customer"))

    @admin.display(description=_("Before"))
    def before(self, obj: BankDetailsChange) -> SafeString:
        return format_html("{}{}", obj.iban_before or "–", sub(obj.holder_before))

    @admin.display(description=_("After"))
    def after(self, obj: BankDetailsChange) -> SafeString:
        return format_html("{}{}", obj.iban_after or "–", sub(obj.holder_after))

    changed = column(when, "changed_at", description=_("Changed"), ordering="changed_at")

    @admin.display(description=_("State"))
    def state_pill(self, obj: BankDetailsChange) -> SafeString:
        return _pill(obj)

    @admin.display(description=_("Confirmed"))
    def confirmation(self, obj: BankDetailsChange) -> SafeString | str:
        return format_html("{}{}", obj.confirmed_by, sub(when(obj.confirmed_at))) if obj.confirmed_by else "–"

    def page_pills(self, request: StaffRequest, obj: BankDetailsChange) -> Sequence[SafeString]:
        return [_pill(obj)]


def _pill(change: BankDetailsChange) -> SafeString:
    return pill(say("Confirmed"), "good") if change.confirmed_by else pill(say("Needs a second person"), "warn")


def unconfirmed_bank_details(request: StaffRequest) -> Panel | None:
    """On the home page of those who can confirm: changes that payouts wait for."""
    user = request.user
    if not user.may(May.CONFIRM_BANK_DETAILS):
        return None
    waiting = BankDetailsChange.objects.filter(confirmed_by__isnull=True).exclude(changed_by=user)
    changes = list(waiting.select_related("customer", "changed_by")[:10])
    if not changes:
        return None
    rows = [(link(change, change.customer), change.changed_by, when(change.changed_at)) for change in changes]
    headings = [say("Customer"), say("Changed by"), say("On")]
    context = {"headings": headings, "rows": rows}
    return Panel(say("Bank details that need a second person"), "backoffice/panels/table.html", context, tone="warn")


register_home_panels(unconfirmed_bank_details)
