"""A small site of its own for the tests of the frame: actions that no app has, on a model that one has.

It is a URL configuration too: ``pytest.mark.urls("tests.backoffice.site")``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db import connection
from django.http import HttpRequest
from django.urls import path

from accounts.customers.models import Customer
from accounts.staff.models import Team, User
from accounts.staff.permissions import May
from audit.actions import Refused, act
from audit.models import Event
from audit.vocabulary import EventVerb
from backoffice.actions import ActionForm, ActionResult, OptionalReasonForm, PageAction, ReasonForm, StaffAction
from backoffice.admin import TrackedAdmin
from backoffice.display import number, pill
from backoffice.lookups import LookupField
from backoffice.panels import Panel, timeline_panel
from config.admin import BackOfficeSite


class SiteVerb(EventVerb):
    CUSTOMER_RENAME = "customer.rename", "renamed"


#: How deep in transactions each call of ``rename`` began.
depths: list[int] = []


def rename(customer_id: int, *, by: User, name: str, reason: str) -> Customer:
    """The app's action: a rule, a lock, an event."""
    depths.append(len(connection.savepoint_ids))
    with act(SiteVerb.CUSTOMER_RENAME, by=by, reason=reason, target=(Customer, customer_id)) as action:
        customer = action.lock(Customer, customer_id)
        action.about(customer, customer_id=customer.pk)
        if customer.name == name:
            raise Refused(f"It is called {name} already.", code="same", data={"field": "name"})
        customer.name = name
        customer.save()
        if name == "Nobody":
            raise Refused("Nobody is called that.")
        if name == "Crash":
            raise RuntimeError("the printer is on fire")
        return customer


class RenameForm(ReasonForm):
    name = forms.CharField()


class Rename(StaffAction[Customer]):
    name = "rename"
    label = "Rename"
    label_plural = "Rename customers"
    tone = "primary"
    may = May.EDIT_CUSTOMERS
    form_class = RenameForm
    preview_template = "backoffice/panels/text.html"
    previews_input = True

    def obstacle(self, obj: Customer, by: User) -> str | None:
        return "Germans keep their name." if obj.country == "DE" else None

    def consequence(self, obj: Customer, by: User) -> str:
        return f"{obj.name} will be called otherwise."

    def summary(self, rows: Any, by: User) -> str:
        return f"{len(rows)} names"

    def preview_context(self, obj: Customer, by: User, form: ActionForm) -> Mapping[str, Any]:
        ready = form.is_bound and form.is_valid()
        return {"text": f"Reads: {form.cleaned_data['name']}" if ready else "Not typed yet"}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str | ActionResult:
        customer = rename(pk, by=by, name=cleaned["name"], reason=cleaned["reason"])
        return f"{customer.number} is now {customer.name}."


class Praise(StaffAction[Customer]):
    name = "praise"
    label = "Praise"
    may = (May.PUBLISH_STAFF, May.LEAD_COMPLAINTS)
    roles = "Team lead or Manager"
    in_bulk = False
    form_class = OptionalReasonForm

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str | ActionResult:
        return ActionResult("=Praised", url="/accounts/team/")


class Register(PageAction):
    class Form(ReasonForm):
        customer = LookupField(Customer.objects.all, by="number", search=("name",))

    name = "register"
    label = "Register something"
    may = May.WORK_COMPLAINTS
    form_class = Form

    def run(self, by: User, cleaned: dict[str, Any]) -> str | ActionResult:
        customer = rename(cleaned["customer"].pk, by=by, name="Registered", reason=cleaned["reason"])
        return ActionResult("It is registered.", url=f"/accounts/customer/{customer.pk}/change/")


class CustomerPages(TrackedAdmin):
    may_view = May.SEE_CASES
    staff_actions = (Praise, Rename)
    page_actions = (Register,)
    fields = ("number", "name", "country")
    list_display = ("number", "name", "state", "owed")
    list_filter = ("country",)
    search_fields = ("name", "number")
    lookup_by = "number"
    numeric_columns = ("owed",)
    empty_hint = "Import some."

    def state(self, obj: Customer) -> str:
        return pill("Fine", "good")

    def owed(self, obj: Customer) -> str:
        return number("1.00 EUR")

    def page_pills(self, request: HttpRequest, obj: Any) -> Any:
        return [pill("On the page", "info")]

    def change_panels(self, request: HttpRequest, obj: Any) -> Any:
        return [
            timeline_panel(Event.objects.of_customer(obj.pk), about=obj),
            Panel("Beside", "backoffice/panels/text.html", {"text": "<b>raw</b>"}, side="right"),
        ]


class TeamPages(TrackedAdmin):
    may_view = May.SEE_STAFF


site = BackOfficeSite()
site.register(Customer, CustomerPages)
site.register(Team, TeamPages)
urlpatterns = [path("", site.urls)]
