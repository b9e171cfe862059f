"""A warning on the home page of a site that cannot say whose it is."""

from __future__ import annotations

from django.db.models import QuerySet
from django.urls import reverse

from accounts.company.models import CompanyProfile
from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.badges import counts_of, register_besides, register_count
from backoffice.panels import Panel, register_home_panels
from backoffice.requests import StaffRequest
from core.text import say, say_count


def _published(user: User) -> QuerySet[CompanyProfile] | None:
    mine = user.may(May.DRAFT_COMPANY) or user.may(May.PUBLISH_COMPANY)
    return CompanyProfile.objects.filter(state="published") if mine else None


def missing_company(request: StaffRequest) -> Panel | None:
    """A warning for those who can do something about a site that cannot say whose it is."""
    if counts_of(request).get("company_profiles") != 0:
        return None
    text = say(
        "Invoices, letters and the public policy page name no company, no address and no contact: no company profile "
        "is published. An administrator drafts it, a manager publishes it."
    )
    return Panel(say("Company profile missing"), "backoffice/panels/text.html", {"text": text}, "top", tone="bad")


# Asked for with the numbers of the navigation, in their one statement.
register_count("company_profiles", _published, most=1)
register_home_panels(missing_company)
register_besides(
    "company_drafts",
    lambda user: (
        CompanyProfile.objects.filter(state="draft").exclude(drafted_by=user) if user.may(May.PUBLISH_COMPANY) else None
    ),
    lambda count: say_count("{count} company profile to publish", "{count} company profiles to publish", count),
    lambda: f"{reverse('admin:accounts_companyprofile_changelist')}?state__exact=draft",
)
