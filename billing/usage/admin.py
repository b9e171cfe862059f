"""The pages of usage records."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.staff.permissions import May
from backoffice.admin import TrackedAdmin
from backoffice.display import column, number, when
from backoffice.links import link
from billing.usage.models import UsageKind, UsageRecord
from core.text import Text, say


@admin.register(UsageRecord)
class UsageRecordAdmin(TrackedAdmin[UsageRecord]):
    may_view = May.SEE_CASES
    has_timeline = False
    list_display = ("external_id", "subscription", "occurred", "what", "used")
    list_filter = ("kind",)
    list_select_related = ("subscription",)
    numeric_columns = ("used",)
    search_fields = ("external_id", "subscription__number")
    search_help_text = _("The source's own id, or a subscription number")
    ordering = ("-pk",)
    empty_hint = _("Usage is imported; each record once, by the source's own id.")
    fields = ("external_id", "subscription_link", "period_link", "occurred", "what", "used")
    readonly_fields = ("subscription_link", "period_link", "occurred", "what", "used")

    occurred = column(when, "occurred_at", description=_("When"), ordering="occurred_at")

    @admin.display(description=_("What"))
    def what(self, obj: UsageRecord) -> Text:
        return say("Call") if obj.kind == UsageKind.CALL else obj.operation

    @admin.display(description=_("Used"))
    def used(self, obj: UsageRecord) -> SafeString:
        return number(f"{obj.seconds} s" if obj.kind == UsageKind.CALL else f"{obj.quantity.normalize():f}")

    subscription_link = column(link, "subscription", description=_("Subscription"))
    period_link = column(link, "period", description=_("Period"))
