"""Likely duplicates among the customers, and proposing to merge two of them: an action of the customers' pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.customers.duplicates import Likely, likely_duplicates
from accounts.customers.forms import CustomerNumberField
from accounts.customers.merge.actions import propose_merge
from accounts.customers.merge.panels import merge_context
from accounts.customers.merge.rules import merge_obstacle
from accounts.customers.models import Customer
from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.actions import matter_obstacle
from backoffice.actions import ActionForm, ActionResult, PageAction
from backoffice.display import sub
from backoffice.forms import ReasonField
from backoffice.links import link, page_url
from core.text import join, say


class MergeCustomersForm(ActionForm):
    """Which customer goes, and which one stays."""

    duplicate = CustomerNumberField(label=_("Customer to merge"), help_text=_("It is kept for reading only."))
    into = CustomerNumberField(label=_("Into"), help_text=_("This one stays."))
    reason = ReasonField(help_text=_("How it is known that the two are one. It becomes part of the record."))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("duplicate") and cleaned.get("duplicate") == cleaned.get("into"):
            raise forms.ValidationError({"into": say("A customer cannot be merged into itself.")})
        return cleaned


class MergeCustomers(PageAction):
    name = "merge"
    label = _("Likely duplicates")
    icon = "merge"
    tone = "danger"
    submit_label = _("Propose the merge")
    may = May.MERGE_CUSTOMERS
    form_class = MergeCustomersForm
    preview_template = "accounts/preview_merge.html"
    previews_input = True
    intro = _(
        "Two entries of one customer become one: everything of the first moves to the second, once a manager who is "
        "not you has approved it."
    )

    def preview_context(self, by: User, form: ActionForm) -> Mapping[str, Any]:
        return {
            "headings": [say("Customer"), say("May be the same as"), say("They share"), ""],
            "rows": [_row(likely) for likely in likely_duplicates()],
            "empty": say("No two customers share an e-mail address, a number or a name."),
            **(_coming(form.cleaned_data, by) if form.is_bound and form.is_valid() else {}),
        }

    def run(self, by: User, cleaned: dict[str, Any]) -> ActionResult:
        duplicate: Customer = cleaned["duplicate"]
        merge = propose_merge(duplicate.pk, into_id=cleaned["into"].pk, by=by, reason=cleaned["reason"])
        return ActionResult(say("Proposed: {merge}. A manager has to approve it.", merge=merge), page_url(merge))


def _coming(cleaned: Mapping[str, Any], by: User) -> dict[str, Any]:
    duplicate, survivor = cleaned["duplicate"], cleaned["into"]
    own = matter_obstacle(by, Customer, [duplicate.pk, survivor.pk])
    if obstacle := own or merge_obstacle(duplicate, survivor):
        return {"obstacle": obstacle}
    return merge_context(duplicate, survivor)


def _row(likely: Likely) -> tuple[Any, ...]:
    # The younger entry goes into the older one, unless somebody types it the other way round.
    query = urlencode({"duplicate": likely.second.number, "into": likely.first.number})
    return (
        format_html("{}{}", link(likely.second, likely.second.number), sub(likely.second.name)),
        format_html("{}{}", link(likely.first, likely.first.number), sub(likely.first.name)),
        join(", ", likely.shared),
        format_html(
            '<a href="{}?{}" aria-label="{}">{}</a>',
            reverse("admin:accounts_customer_do", args=("merge",)),
            query,
            say("Merge {customer} into {survivor}", customer=likely.second.number, survivor=likely.first.number),
            say("Merge"),
        ),
    )
