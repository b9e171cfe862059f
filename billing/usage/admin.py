"""The pages of usage records."""

from __future__ import annotations

from decimal import Decimal

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.staff.permissions import May
from backoffice.admin import TrackedAdmin
from backoffice.display import column, number, sub, when
from backoffice.links import link
from billing.usage.actions import as_corrected
from billing.usage.models import UsageKind, UsageRecord
from billing.usage.page_actions import CorrectUsage, ImportUsage
from core.text import say


@admin.register(UsageRecord)
class UsageRecordAdmin(TrackedAdmin[UsageRecord]):
    may_view = May.SEE_CASES
    reads = ("subscription", "period", "corrects")
    staff_actions = (CorrectUsage,)
    page_actions = (ImportUsage,)
    list_display = ("external_id", "subscription", "occurred", "what", "used")
    list_filter = ("kind",)
    list_select_related = ("subscription", "corrects")
    numeric_columns = ("used",)
    search_fields = ("external_id", "subscription__number")
    search_help_text = _("Id or subscription number")
    ordering = ("-pk",)
    empty_hint = _("“Import usage” takes a file; a few figures are entered on the page of a period.")
    fields = (
        "external_id",
        "subscription_link",
        "period_link",
        "occurred",
        "what",
        "used",
        "now",
        "corrects_link",
        "recorded",
    )
    readonly_fields = (
        "subscription_link",
        "period_link",
        "occurred",
        "what",
        "used",
        "now",
        "corrects_link",
        "recorded",
    )

    occurred = column(when, "occurred_at", description=_("When"), ordering="occurred_at")

    recorded = column(when, "recorded_at", description=_("Recorded"), ordering="recorded_at")

    @admin.display(description=_("What"))
    def what(self, obj: UsageRecord) -> SafeString:
        words = say("Call") if obj.kind == UsageKind.CALL else obj.operation
        return format_html("{}{}", words, sub(say("Correction")) if obj.corrects_id else "")

    @admin.display(description=_("Used"))
    def used(self, obj: UsageRecord) -> SafeString:
        return _figures(obj, obj.seconds, obj.quantity)

    @admin.display(description=_("As corrected"))
    def now(self, obj: UsageRecord) -> SafeString:
        return _figures(obj, *as_corrected(obj)) if obj.corrects_id is None else SafeString("–")

    corrects_link = column(link, "corrects", description=_("Corrects"))

    subscription_link = column(link, "subscription", description=_("Subscription"))
    period_link = column(link, "period", description=_("Period"))


def _figures(record: UsageRecord, seconds: int, quantity: Decimal) -> SafeString:
    return number(f"{seconds} s" if record.kind == UsageKind.CALL else f"{quantity.normalize():f}")
