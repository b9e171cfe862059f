"""The pages of changes that customers have to hear of."""

from __future__ import annotations

from collections.abc import Sequence

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.models import Event, EventQuerySet
from backoffice.actions import ActionForm, ReasonForm, Sentence, StaffAction
from backoffice.admin import TrackedAdmin
from backoffice.display import column, sub, when
from backoffice.links import link
from backoffice.panels import Panel, timeline_panel
from backoffice.requests import StaffRequest
from core.text import Text, say
from messaging.notices.actions import leave_untold, record_told
from messaging.notices.models import ChangeNotice
from messaging.notices.panels import notice_pill
from messaging.notices.rules import leave_obstacle, record_obstacle
from messaging.outbox.admin import messages_panel
from messaging.outbox.models import OutgoingMessage


class ToldForm(ActionForm):
    """How the customer was told, and what they heard."""

    channel = forms.ChoiceField(label=_("Told by"), choices=ChangeNotice.Channel.choices)
    text = forms.CharField(label=_("What the customer heard"), widget=forms.Textarea(attrs={"rows": 4}))


class RecordTold(StaffAction[ChangeNotice]):
    name = "told"
    label = _("Record how they were told")
    tone = "primary"
    icon = "phone"
    may = May.HANDLE_MESSAGES
    form_class = ToldForm
    rule = record_obstacle
    action = record_told
    done = Sentence(_("{customer} has been told."), customer="customer.name")


class LeaveUntold(StaffAction[ChangeNotice]):
    name = "leave"
    label = _("Leave untold")
    icon = "bell-off"
    may = May.HANDLE_MESSAGES
    form_class = ReasonForm
    rule = leave_obstacle
    action = leave_untold
    done = Sentence(_("{customer} is not told."), customer="customer.name")

    def consequence(self, obj: ChangeNotice, by: User) -> Text:
        return say("The customer is not told: {notice}.", notice=obj)


@admin.register(ChangeNotice)
class ChangeNoticeAdmin(TrackedAdmin[ChangeNotice]):
    may_view = May.SEE_CASES
    heading_pill = notice_pill
    staff_actions = (RecordTold, LeaveUntold)
    list_display = ("change", "customer_name", "since", "state_pill", "made_by")
    list_filter = ("state", "outcome")
    list_select_related = ("customer", "made_by")
    reads = ("customer", "made_by", "met_by")
    search_fields = ("customer__name", "customer__number", "subscription_number")
    search_help_text = _("Customer or subscription number")
    empty_hint = _("A moved end of service and other bank details are listed here, each with whether it was told.")
    fields = ("customer_link", "outcome", "since", "made_by", "told")
    readonly_fields = ("customer_link", "since", "told")

    @admin.display(description=_("Change"), ordering="outcome")
    def change(self, obj: ChangeNotice) -> str:
        return str(obj)

    @admin.display(description=_("Customer"), ordering="customer__name")
    def customer_name(self, obj: ChangeNotice) -> str:
        return obj.customer.name

    customer_link = column(link, "customer", description=_("Customer"))
    since = column(when, "arose_at", description=_("Since"), ordering="arose_at")
    state_pill = column(notice_pill, description=_("State"), ordering="state")

    @admin.display(description=_("How"))
    def told(self, obj: ChangeNotice) -> SafeString:
        """How it was told, or why not; by e-mail the card of e-mails says it."""
        if obj.met_at is None:
            return format_html("{}", say("not yet"))
        how = obj.get_channel_display() or obj.dismissed_reason or obj.get_state_display()
        who = format_html("{}, {}", obj.met_by, when(obj.met_at)) if obj.met_by else when(obj.met_at)
        return format_html("{}{}{}", how, sub(obj.text), sub(who))

    def page_title(self, obj: ChangeNotice) -> str:
        return str(obj)

    def change_panels(self, request: StaffRequest, obj: ChangeNotice) -> Sequence[Panel]:
        letters = list(OutgoingMessage.objects.filter(notice=obj).select_related("delivery").defer("body"))
        return [messages_panel(letters), timeline_panel(_events_of(obj, letters), about=obj)]


def _events_of(notice: ChangeNotice, letters: Sequence[OutgoingMessage]) -> EventQuerySet:
    """What was done about the change and its letters, and the action that made it: the first of its maker since."""
    done = Event.objects.of_customer(notice.customer_id).filter(actor=notice.made_by, at__gte=notice.arose_at)
    made = done.exclude(verb__startswith="message.").order_by("pk").values("pk")[:1]
    of_letters = Q(target_type=OutgoingMessage._meta.label_lower, target_id__in=[letter.pk for letter in letters])
    own = Q(target_type=notice._meta.label_lower, target_id=notice.pk)
    return Event.objects.filter(own | of_letters | Q(pk__in=list(made.values_list("pk", flat=True))))
