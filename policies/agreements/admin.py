"""Agreements: on a page of their own and on the customer's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.customers.models import Customer
from accounts.customers.panels import customer_page
from accounts.four_eyes.admin import Discard, Publish
from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.models import Event
from backoffice.actions import ActionResult, PageAction, StaffAction
from backoffice.admin import TrackedAdmin
from backoffice.display import PillTone, column, pill, sub
from backoffice.links import day, link, page_url
from backoffice.panels import Panel, timeline_panel
from backoffice.requests import StaffRequest
from core.text import Text, say
from policies.agreements import actions as agreements
from policies.agreements.forms import AgreementForm, NewAgreementForm
from policies.agreements.models import Agreement
from policies.parameters.text import figures
from policies.versions.text import rendered

_TONES: dict[str, PillTone] = {"draft": "mute", "published": "good", "discarded": "mute"}


class DraftAgreement(PageAction):
    name = "draft"
    label = _("Draft an agreement")
    tone = "primary"
    icon = "handshake"
    may = May.DRAFT_POLICIES
    form_class = NewAgreementForm
    intro = _("Fill in only what differs from the policies. Another manager publishes it.")

    def get_initial(self, request: StaffRequest) -> dict[str, Any]:
        return {"valid_from": timezone.localdate(), **super().get_initial(request)}

    def run(self, by: User, cleaned: dict[str, Any]) -> ActionResult:
        customer = cleaned.pop("customer")
        agreement = agreements.draft_agreement(customer.pk, by=by, **cleaned)
        return ActionResult(say("{agreement} is drafted.", agreement=agreement), page_url(agreement))


class AgreementAction(StaffAction[Agreement]):
    may = May.DRAFT_POLICIES
    rule = agreements.edit_obstacle


class EditAgreement(AgreementAction):
    name = "edit"
    label = _("Edit the draft")
    icon = "pencil"
    form_class = AgreementForm
    intro = _("Whoever edits a draft cannot publish it.")
    action = agreements.edit_agreement
    done = _("{agreement} is changed.")

    def get_initial(self, rows: Sequence[Agreement], by: User) -> dict[str, Any]:
        if len(rows) != 1:
            return {}
        return {name: getattr(rows[0], name) for name in ("title", "terms", "text", "valid_from", "valid_until")}


class PublishAgreement(Publish[Agreement]):
    icon = "stamp"
    may = May.PUBLISH_POLICIES
    rule = agreements.publish_agreement_obstacle
    action = agreements.publish_agreement
    done = _("{agreement} is published.")

    def consequence(self, obj: Agreement, by: User) -> Text:
        if obj.valid_until is None:
            return say(
                "{customer}'s periods that begin from {since} on are judged by it first.",
                customer=obj.customer.name,
                since=obj.valid_from,
            )
        return say(
            "{customer}'s periods that begin from {since} on up to {until} are judged by it first.",
            customer=obj.customer.name,
            since=obj.valid_from,
            until=obj.valid_until,
        )


class DiscardAgreement(AgreementAction, Discard[Agreement]):
    action = agreements.discard_agreement
    done = _("The draft of {agreement} is discarded.")


@admin.register(Agreement)
class AgreementAdmin(TrackedAdmin[Agreement]):
    may_view = May.SEE_CASES
    staff_actions = (PublishAgreement, EditAgreement, DiscardAgreement)
    page_actions = (DraftAgreement,)
    list_display = ("title", "customer", "valid_from", "valid_until", "status")
    list_filter = ("state",)
    list_select_related = ("customer",)
    search_fields = ("title", "customer__name", "customer__number")
    ordering = ("-valid_from", "-pk")
    empty_hint = _("Without an agreement the policies alone judge a case.")
    fields = ("customer_link", "valid_from", "valid_until", "drafted_by", "published_by", "published_at")
    readonly_fields = fields

    customer_link = column(link, "customer", description=_("Customer"))

    @admin.display(description=_("State"), ordering="state")
    def status(self, obj: Agreement) -> SafeString:
        return agreement_pill(obj)

    def page_pills(self, request: StaffRequest, obj: Agreement) -> Sequence[SafeString]:
        return [agreement_pill(obj)]

    def change_panels(self, request: StaffRequest, obj: Agreement) -> Sequence[Panel]:
        terms = [(entry.label, entry.value) for entry in figures(obj.terms)]
        return [
            Panel(
                say("Terms"),
                "backoffice/panels/fields.html",
                {"fields": terms},
                side="right",
                note=say("before policy"),
            ),
            Panel(say("Text"), "policies/panels/policy_text.html", {"html": rendered(obj.text) if obj.text else "–"}),
            timeline_panel(Event.objects.about(obj), side="right", about=obj),
        ]


def agreement_pill(agreement: Agreement) -> SafeString:
    return pill(agreement.get_state_display(), _TONES[agreement.state])


def _holds(agreement: Agreement) -> SafeString:
    if agreement.valid_until is None:
        return format_html(gettext("from {since}"), since=day(agreement.valid_from))
    return format_html(gettext("{since} to {until}"), since=day(agreement.valid_from), until=day(agreement.valid_until))


@customer_page.panel(order=45)
def agreements_with(request: HttpRequest, customer: Customer) -> Panel | None:
    """Agreements on the customer's page, when there are any."""
    rows = [
        (
            format_html(
                "{}{}",
                link(agreement, agreement.title),
                sub("; ".join(f"{term.label}: {term.value}" for term in figures(agreement.terms))),
            ),
            format_html("{}{}", agreement_pill(agreement), sub(_holds(agreement))),
        )
        for agreement in customer.agreements.exclude(state=Agreement.State.DISCARDED).order_by("-valid_from")
    ]
    if not rows:
        return None
    return Panel(
        say("Agreements"),
        "backoffice/panels/table.html",
        {"headings": [say("Agreement"), say("State, holds")], "rows": rows},
        side="right",
        note=say("before the policy (R1)"),
    )
