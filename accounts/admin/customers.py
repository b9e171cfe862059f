"""The customer on one page, and the list of customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts import forms
from accounts.actions.customers import create_customer, currency_obstacle, edit_customer
from accounts.models import Customer, User
from accounts.panels import customer_page, page_url
from accounts.permissions import May, roles_that
from audit.backoffice import (
    ActionForm,
    Done,
    PageAction,
    Panel,
    StaffAction,
    TrackedAdmin,
    register_verbs,
    timeline_panel,
)
from audit.models import Event

register_verbs(
    {
        "customer.create": "entered the customer",
        "customer.edit": "changed the details of the customer",
    }
)


class NewCustomer(PageAction):
    name = "new"
    label = "New customer"
    icon = "plus"
    may = May.EDIT_CUSTOMERS
    roles = roles_that(May.EDIT_CUSTOMERS)
    form_class = forms.NewCustomerForm
    submit_label = "Enter the customer"

    def get_initial(self, request: HttpRequest) -> dict[str, Any]:
        return {"country": "IT", "currency": "EUR", "kind": Customer.Kind.COMPANY, **request.GET.dict()}

    def run(self, by: User, cleaned: dict[str, Any]) -> Done:
        customer = create_customer(by=by, **cleaned)
        return Done(f"{customer} is on file.", page_url(customer))


class EditCustomer(StaffAction[Customer]):
    name = "edit"
    label = "Edit details"
    icon = "pencil"
    in_bulk = False
    may = May.EDIT_CUSTOMERS
    roles = roles_that(May.EDIT_CUSTOMERS)
    form_class = forms.CustomerForm

    def get_initial(self, rows: Sequence[Customer], by: User) -> dict[str, Any]:
        return {name: getattr(rows[0], name) for name in self.form_class.base_fields if name != "reason"}

    def get_form(self, rows: Sequence[Customer], by: User, data: Any = None, files: Any = None) -> ActionForm:
        form = super().get_form(rows, by, data, files)
        if obstacle := currency_obstacle(rows[0]):
            form.fields["currency"].disabled = True
            form.fields["currency"].help_text = obstacle
        return form

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        return f"The details of {edit_customer(pk, by=by, **cleaned)} are changed."


@admin.register(Customer)
class CustomerAdmin(TrackedAdmin):
    may_view = May.SEE_CASES
    staff_actions = (EditCustomer,)
    page_actions = (NewCustomer,)
    list_display = ("number", "name", "email", "phone", "country", "kind")
    list_display_links = ("number", "name")
    list_filter = ("kind", "currency", "language")
    search_fields = ("name", "email", "number", "phone", "purchases__phone__serial")
    search_help_text = "Name, e-mail, number, telephone or a phone's serial number"
    empty_hint = "Enter the first customer with “New customer”, or import a file of them."
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "kind",
                    "email",
                    "phone",
                    "country",
                    "language",
                    "currency",
                    "iban",
                    "account_holder",
                    "customer_since",
                    "notes",
                )
            },
        ),
    )

    def page_title(self, obj: Customer) -> str:  # type: ignore[override]
        return f"{obj.number} {obj.name}"

    def change_panels(self, request: HttpRequest, obj: Customer) -> Sequence[Panel]:
        # Usage arrives every day: it would bury the rest.
        events = Event.objects.of_customer(obj.pk).exclude(verb="usage.record")
        return [*customer_page.of(request, obj), timeline_panel(events, about=obj)]
