"""The customer on one page, and the list of customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.template.defaultfilters import linebreaksbr
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.customers.actions import ADDRESSES, create_customer, currency_obstacle, edit_customer
from accounts.customers.contacts.actions import add_contact, contact_obstacle, edit_contact, retire_contact
from accounts.customers.forms import ContactForm, CustomerForm, NewCustomerForm
from accounts.customers.merge.page_actions import MergeCustomers
from accounts.customers.models import Contact, Customer
from accounts.customers.panels import customer_page
from accounts.customers.rules import merged_obstacle
from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.models import Event
from backoffice.actions import ActionForm, OptionalReasonForm, PageAction, Sentence, StaffAction, of_row
from backoffice.admin import TrackedAdmin
from backoffice.display import column, pill, sub
from backoffice.links import day, link, page_url
from backoffice.panels import Panel, timeline_panel
from backoffice.presence import last_done
from backoffice.requests import StaffRequest
from core.addresses import Address
from core.text import Text, say
from core.validators import countries

#: How much of a long story the customer's page tells; the audit trail has all of it.
TIMELINE = 15


class NewCustomer(PageAction):
    name = "new"
    label = _("New customer")
    icon = "plus"
    may = May.EDIT_CUSTOMERS
    form_class = NewCustomerForm
    submit_label = _("Enter the customer")
    action = create_customer
    done = _("{customer} is on file.")
    opens = page_url

    def get_initial(self, request: StaffRequest) -> dict[str, Any]:
        return {"country": "IT", "currency": "EUR", "kind": Customer.Kind.COMPANY, **request.GET.dict()}


class EditCustomer(StaffAction[Customer]):
    name = "edit"
    label = _("Edit details")
    icon = "pencil"
    may = May.EDIT_CUSTOMERS
    form_class = CustomerForm
    rule = of_row(merged_obstacle)
    action = edit_customer
    done = _("The details of {customer} are changed.")

    def get_initial(self, rows: Sequence[Customer], by: User) -> dict[str, Any]:
        known = {name: getattr(rows[0], name) for name in self.form_class.base_fields if name != "reason"}
        # The country is asked for where it is another than the customer's.
        own = {name: replace(known[name], country=getattr(rows[0], f"{name}_country")) for name in ADDRESSES}
        return {**known, **own}

    def get_form(self, rows: Sequence[Customer], by: User, data: Any = None, files: Any = None) -> ActionForm:
        form = super().get_form(rows, by, data, files)
        if obstacle := currency_obstacle(rows[0]):
            form.fields["currency"].disabled = True
            form.fields["currency"].help_text = obstacle.sentence
        return form


class AddContact(StaffAction[Customer]):
    name = "add_contact"
    label = _("Add a contact")
    icon = "user-plus"
    may = May.EDIT_CUSTOMERS
    form_class = ContactForm
    rule = of_row(merged_obstacle)
    action = add_contact
    done = _("{contact} is a contact now.")


class MergedFilter(admin.SimpleListFilter):
    """Customers who were merged into another are left out, unless somebody asks or searches for them."""

    title = _("merged")
    parameter_name = "merged"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Text]]:
        return [("yes", say("Merged into another")), ("all", say("All, merged ones too"))]

    def choices(self, changelist: Any) -> Any:
        first, *others = super().choices(changelist)
        return [{**first, "display": say("Not merged")}, *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Customer]) -> QuerySet[Customer]:
        if self.value() == "yes":
            return queryset.filter(merged_into__isnull=False)
        if self.value() == "all" or request.GET.get("q"):
            return queryset
        return queryset.filter(merged_into__isnull=True)


@admin.register(Customer)
class CustomerAdmin(TrackedAdmin[Customer]):
    may_view = May.SEE_CASES
    staff_actions: ClassVar[Sequence[type[StaffAction[Any]]]] = (EditCustomer, AddContact)
    page_actions: ClassVar[Sequence[type[PageAction]]] = (NewCustomer, MergeCustomers)
    list_display = ("number", "full_name", "email", "phone", "country", "kind")
    list_display_links = ("number", "full_name")
    list_filter = (MergedFilter, "kind", "currency", "language", "address_to_check")
    list_select_related = ("merged_into",)
    search_fields = (
        "name",
        "email",
        "number",
        "phone",
        "tax_number",
        "contacts__name",
        "contacts__email",
        "purchases__phone__serial",
    )
    search_help_text = _("Name, e-mail, number, telephone, tax number, contact or a phone's serial number")
    empty_hint = _("Enter the first customer with “New customer”, or import a file of them.")

    @admin.display(description=_("Name"), ordering="name")
    def full_name(self, obj: Customer) -> Any:
        if obj.merged_into is None:
            return obj.name
        return format_html("{}{}", obj.name, sub(say("merged into {customer}", customer=obj.merged_into.number)))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        rows: QuerySet[Customer] = super().get_queryset(request).select_related("merged_into")
        if request.resolver_match is not None and "object_id" not in request.resolver_match.kwargs:
            return rows
        done = Event.objects.filter(target_type=Customer._meta.label_lower, target_id=OuterRef("pk"))
        return rows.annotate(last_done=Subquery(last_done(done)))

    def page_title(self, obj: Customer) -> str:
        return f"{obj.number} {obj.name}"

    def page_pills(self, request: StaffRequest, obj: Customer) -> Sequence[SafeString]:
        return [pill(say("Merged"), "mute")] if obj.merged_into else []

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """None: the details stand in a card beside what happens with the customer."""
        return ()

    def change_panels(self, request: StaffRequest, obj: Customer) -> Sequence[Panel]:
        merged = list(obj.merged_customers.order_by("number"))
        # Usage arrives every day: it would bury the rest. What was done before a merge belongs to the story.
        of_whom = [obj.pk, *(each.pk for each in merged)]
        events = Event.objects.filter(customer_id__in=of_whom).exclude(verb="usage.record")
        return [
            *_merged_panels(obj, merged),
            _details_panel(obj),
            *customer_page.of(request, obj),
            timeline_panel(events, about=obj, limit=TIMELINE),
        ]


def _details_panel(customer: Customer) -> Panel:
    """What is on file of the customer; what nobody has entered is left out."""
    known = [
        (say("Kind"), customer.get_kind_display()),
        (say("E-mail"), customer.email),
        (say("Telephone"), customer.phone),
        (say("Postal address"), _address(customer, customer.postal)),
        (say("Billing address"), _address(customer, customer.billing)),
        (say("Country"), countries().get(customer.country, customer.country)),
        (say("Language"), customer.get_language_display()),
        (say("Currency"), customer.currency),
        (say("Tax number"), customer.tax_number),
        ("IBAN", customer.iban),
        (say("Account holder"), customer.account_holder),
        (say("Customer since"), day(customer.customer_since)),
        (say("Notes"), linebreaksbr(customer.notes, autoescape=True)),
    ]
    fields = [(label, value) for label, value in known if value]
    return Panel(say("Details"), "backoffice/panels/fields.html", {"fields": fields}, side="right")


def _address(customer: Customer, address: Address) -> SafeString:
    """On its lines; the country where it is another than the customer's, and a word where nobody has looked yet."""
    lines = [*address.lines]
    if address and address.country != customer.country:
        lines.append(countries().get(address.country, address.country))
    if address and customer.address_to_check:
        lines.append(str(say("To check: its parts could not be told apart for certain.")))
    return linebreaksbr("\n".join(lines), autoescape=True)


def _merged_panels(customer: Customer, merged: Sequence[Customer]) -> list[Panel]:
    if customer.merged_into is not None:
        text = format_html(
            gettext(
                "This customer was merged into {customer}, where everything of theirs stands now. This page is for "
                "reading only."
            ),
            customer=link(customer.merged_into),
        )
        return [Panel(say("Merged"), "backoffice/panels/text.html", {"text": text}, side="top", tone="warn")]
    if not merged:
        return []
    rows = [(link(each, each.number), each.name, each.email, each.phone) for each in merged]
    headings = [say("Number"), say("Name"), say("E-mail"), say("Telephone")]
    return [Panel(say("Merged into this customer"), TABLE, {"headings": headings, "rows": rows}, side="right")]


TABLE = "backoffice/panels/table.html"


# --- Contacts -----------------------------------------------------------------------------------


class EditContact(StaffAction[Contact]):
    name = "edit"
    label = _("Edit the contact")
    icon = "pencil"
    may = May.EDIT_CUSTOMERS
    form_class = ContactForm
    rule = of_row(contact_obstacle)
    action = edit_contact
    done = _("What is known of {contact} is changed.")

    def get_initial(self, rows: Sequence[Contact], by: User) -> dict[str, Any]:
        return {name: getattr(rows[0], name) for name in self.form_class.base_fields}


class RetireContact(StaffAction[Contact]):
    name = "retire"
    label = _("Retire the contact")
    label_plural = _("Retire contacts")
    icon = "user-minus"
    tone = "danger"
    may = May.EDIT_CUSTOMERS
    form_class = OptionalReasonForm
    rule = of_row(contact_obstacle)
    action = retire_contact
    effect = Sentence(
        _("{contact} is no longer shown as somebody to talk to at {customer}."),
        contact="name",
        customer="customer.name",
    )
    done = _("{contact} is retired.")


@admin.register(Contact)
class ContactAdmin(TrackedAdmin[Contact]):
    may_view = May.SEE_CASES
    reads = ("customer__merged_into",)
    staff_actions = (EditContact, RetireContact)
    list_display = ("name", "position", "customer", "email", "phone", "state")
    list_filter = ("active",)
    list_select_related = ("customer__merged_into",)
    search_fields = ("name", "email", "phone", "customer__name", "customer__number")
    search_help_text = _("Name, e-mail, telephone or customer")
    empty_hint = _("Contacts are added on the page of a customer.")
    fields = ("customer_link", "name", "position", "email", "phone", "state")
    readonly_fields = ("customer_link", "state")

    customer_link = column(link, "customer", description=_("Customer"))

    @admin.display(description=_("State"), ordering="active")
    def state(self, obj: Contact) -> SafeString:
        return pill(say("Active"), "good") if obj.active else pill(say("Retired"), "mute")

    def page_pills(self, request: StaffRequest, obj: Contact) -> Sequence[SafeString]:
        return [self.state(obj)]


@customer_page.panel(order=60)
def contacts_panel(request: StaffRequest, customer: Customer) -> Panel:
    rows = [
        (format_html("{}{}", link(contact), sub(contact.position)), contact.email, contact.phone)
        for contact in customer.contacts.filter(active=True).order_by("name", "pk")
    ]
    may = request.user.may(May.EDIT_CUSTOMERS) and customer.merged_into_id is None
    add = f"{reverse('admin:accounts_customer_act', args=('add_contact',))}?ids={customer.pk}"
    return Panel(
        say("Contacts"),
        TABLE,
        {"headings": [say("Name"), say("E-mail"), say("Telephone")], "rows": rows, "empty": say("Nobody is named.")},
        side="right",
        note=say("Add a contact") if may else "",
        url=add if may else "",
    )
