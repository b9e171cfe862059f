"""The pages of the company's profile."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.company.actions import draft_company_profile, publish_company_profile
from accounts.company.facts import logo_url
from accounts.company.forms import CompanyForm
from accounts.company.models import CompanyProfile
from accounts.four_eyes.admin import FourEyesAdmin, Publish
from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.actions import PageAction
from backoffice.links import page_url
from backoffice.requests import StaffRequest
from core.text import Text, say
from core.validators import countries


class DraftCompanyProfile(PageAction):
    name = "draft"
    label = _("Draft a company profile")
    icon = "plus"
    may = May.DRAFT_COMPANY
    form_class = CompanyForm
    intro = _("It holds once a manager has published it. Documents keep what held on the day they were written.")
    action = draft_company_profile
    done = _("Drafted: {profile}. A manager has to publish it.")
    opens = page_url

    def get_initial(self, request: StaffRequest) -> dict[str, Any]:
        newest = CompanyProfile.objects.order_by("-valid_from", "-pk").first()
        same = ("name", "address", "registration_number", "tax_number", "bank_account", "questions", "cancellations")
        known = {name: getattr(newest, name) for name in same} if newest is not None else {}
        return {"valid_from": timezone.localdate(), **known, **request.GET.dict()}


class PublishCompanyProfile(Publish[CompanyProfile]):
    label_plural = _("Publish company profiles")
    may = May.PUBLISH_COMPANY
    action = publish_company_profile
    done = _("Published: {profile}.")

    def consequence(self, obj: CompanyProfile, by: User) -> Text:
        if obj.bank_account:
            return say(
                "Invoices written from {day} on ask {name}'s customers to pay to {account}.",
                day=obj.valid_from,
                name=obj.name,
                account=obj.bank_account,
            )
        return say("Documents and letters written from {day} on name it.", day=obj.valid_from)


@admin.register(CompanyProfile)
class CompanyProfileAdmin(FourEyesAdmin[CompanyProfile]):
    may_view = May.SEE_COMPANY
    staff_actions = (PublishCompanyProfile,)
    page_actions = (DraftCompanyProfile,)
    list_display = ("name", "town", "valid_from", "state_pill", "drafted_by", "published_by")
    list_filter = ("state",)
    list_select_related = ("drafted_by", "published_by")
    reads = ("drafted_by", "published_by", "logo")
    empty_hint = _("Invoices and letters need the company's name, address, numbers and contacts.")
    fields = (
        "name",
        "address_lines",
        "registration_number",
        "tax_number",
        "bank_account",
        "questions",
        "cancellations",
        "logo_shown",
        "valid_from",
        "drafted_by",
        "published_by",
    )
    readonly_fields = ("address_lines", "logo_shown")

    @admin.display(description=_("Address"))
    def address_lines(self, obj: CompanyProfile) -> SafeString:
        return format_html("{}", ", ".join((*obj.address.lines, countries().get(obj.country, obj.country))))

    @admin.display(description=_("Logo"))
    def logo_shown(self, obj: CompanyProfile) -> SafeString | str:
        return "" if obj.logo is None else format_html('<img class="logo" src="{}" alt="">', logo_url(obj.logo_id))
