"""Messages that went out or wait: how each stands, every try, and what to do about those in trouble."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.customers.models import Customer
from accounts.customers.panels import customer_page
from accounts.staff.models import User
from accounts.staff.permissions import May, Role
from audit.actions import Why
from audit.models import Event
from backoffice.actions import ReasonForm, Sentence, StaffAction
from backoffice.admin import TrackedAdmin
from backoffice.display import PillTone, column, number, pill, sub, when
from backoffice.links import link, page_url
from backoffice.panels import Panel, register_home_panels, timeline_panel
from backoffice.requests import StaffRequest, staff
from core.text import Text, say
from messaging.bounces.actions import bounce_obstacle, record_bounce
from messaging.outbox.actions import (
    again_obstacle,
    arrived_obstacle,
    be_done_with,
    confirm_arrival,
    done_with_obstacle,
    send_again,
)
from messaging.outbox.models import Delivery, DeliveryAttempt, OutgoingMessage

TABLE = "backoffice/panels/table.html"
_TONES: dict[str, PillTone] = {
    Delivery.State.QUEUED: "info",
    Delivery.State.SENDING: "info",
    Delivery.State.SENT: "good",
    Delivery.State.FAILED: "bad",
    Delivery.State.UNCERTAIN: "warn",
    Delivery.State.BOUNCED: "bad",
    Delivery.State.CANCELLED: "mute",
    Delivery.State.NO_ADDRESS: "warn",
}
_ATTEMPT_TONES: dict[str, PillTone] = {
    DeliveryAttempt.Outcome.STARTED: "info",
    DeliveryAttempt.Outcome.ACCEPTED: "good",
    DeliveryAttempt.Outcome.DEFERRED: "warn",
    DeliveryAttempt.Outcome.REFUSED: "bad",
    DeliveryAttempt.Outcome.UNKNOWN: "warn",
}


def delivery_pill(message: OutgoingMessage) -> SafeString:
    """Where the message stands."""
    delivery = message.delivery
    if delivery.state == Delivery.State.QUEUED and delivery.tries:
        return pill(say("Put off, tried again later"), "warn")
    return pill(delivery.get_state_display(), _TONES[delivery.state])


# --- What staff do ------------------------------------------------------------------------------


class MessageAction(StaffAction[OutgoingMessage]):
    """Common to all. Their rules are about the delivery."""

    may = May.HANDLE_MESSAGES
    form_class = ReasonForm

    def queryset(self, rows: QuerySet[OutgoingMessage]) -> QuerySet[OutgoingMessage]:
        return rows.select_related("delivery", "customer", "staff", "notice")

    def obstacle(self, obj: OutgoingMessage, by: User) -> Why | None:
        return type(self).rule(obj.delivery)


class ItArrived(MessageAction):
    name = "arrived"
    label = _("It arrived")
    icon = "mail-check"

    intro = _("Say how you know: the customer answered, or the mail server's log has it.")
    rule = arrived_obstacle
    action = confirm_arrival
    done = _("The message counts as sent.")


class AgainForm(ReasonForm):
    """Where to, and why."""

    recipient = forms.EmailField(
        label=_("Recipient"),
        required=False,
        help_text=_("Another address gets a message of its own."),
    )
    field_order = ["recipient", "reason"]


class SendAgain(MessageAction):
    name = "again"
    label = _("Send it again")
    tone = "primary"
    icon = "send"
    form_class = AgainForm
    rule = again_obstacle
    action = send_again
    done = Sentence(_("It is on its way to {recipient}."), recipient="recipient")
    opens = page_url

    def consequence(self, obj: OutgoingMessage, by: User) -> Text:
        if obj.delivery.state == Delivery.State.UNCERTAIN:
            return say("The same words go out once more. If the first one arrived after all, it is told twice.")
        return say("The same words go out once more.")

    def get_initial(self, rows: Sequence[OutgoingMessage], by: User) -> dict[str, Any]:
        message = rows[0]
        if message.recipient:
            return {"recipient": message.recipient}
        return {"recipient": message.customer.email if message.customer else ""}


class BeDoneWith(MessageAction):
    name = "done_with"
    label = _("Be done with it")
    label_plural = _("Be done with messages")
    tone = "danger"
    icon = "mail-x"
    intro = _("Say why, or how the customer was told instead: by letter, on the phone.")
    rule = done_with_obstacle
    action = be_done_with
    done = _("The message is done with.")

    def consequence(self, obj: OutgoingMessage, by: User) -> Text:
        if obj.complaint_id is None:
            return say("It is not sent (again), and nobody is asked about it any more.")
        return say("It is not sent (again). An outcome that it tells is owed to the customer again.")


class CameBack(MessageAction):
    name = "bounced"
    label = _("It came back")
    icon = "mail-question-mark"
    intro = _("Write down what the other side's mail server said.")
    rule = bounce_obstacle
    action = record_bounce
    done = _("The message is marked as come back.")


# --- The pages ----------------------------------------------------------------------------------


@admin.register(OutgoingMessage)
class OutgoingMessageAdmin(TrackedAdmin[OutgoingMessage]):
    may_view = May.SEE_CASES
    heading_pill = delivery_pill
    staff_actions = (SendAgain, ItArrived, CameBack, BeDoneWith)
    list_display = ("about", "kind_shown", "recipient_shown", "state", "tries", "queued")
    list_display_links = ("about",)
    list_filter = ("delivery__state", "kind", "language")
    numeric_columns = ("tries",)
    search_fields = ("subject", "recipient", "customer__name", "customer__number")
    search_help_text = _("Subject, address or customer")
    empty_hint = _("What customers are told by e-mail is listed here.")
    fields = ("to", "kind_shown", "language_shown", "queued", "by")
    readonly_fields = ("to", "kind_shown", "language_shown", "queued", "by")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutgoingMessage]:
        rows: QuerySet[OutgoingMessage] = super().get_queryset(request)
        rows = rows.select_related("delivery", "customer", "staff", "queued_by", "notice")
        user = staff(request).user
        # What a colleague is told is theirs, and for whoever reads the whole trail.
        return rows if user.may(May.SEE_WHOLE_TRAIL) else rows.filter(Q(staff__isnull=True) | Q(staff=user))

    def page_title(self, obj: OutgoingMessage) -> str:
        return obj.subject

    @admin.display(description=_("Message"), ordering="subject")
    def about(self, obj: OutgoingMessage) -> SafeString:
        return format_html("{}{}", obj.subject, sub(obj.customer.name if obj.customer else ""))

    @admin.display(description=_("Kind"), ordering="kind")
    def kind_shown(self, obj: OutgoingMessage) -> str:
        return obj.get_kind_display()

    @admin.display(description=_("Language"))
    def language_shown(self, obj: OutgoingMessage) -> str:
        return obj.get_language_display()

    @admin.display(description=_("To"), ordering="recipient")
    def recipient_shown(self, obj: OutgoingMessage) -> Text:
        return obj.recipient or say("no address")

    @admin.display(description=_("To"))
    def to(self, obj: OutgoingMessage) -> SafeString:
        reader = link(obj.customer) if obj.customer is not None else format_html("{}", obj.staff)
        return format_html("{} {}", reader, sub(obj.recipient or say("no e-mail address was on file")))

    state = column(delivery_pill, description=_("State"), ordering="delivery__state")
    tries = column(number, "delivery.tries", description=_("Tries"), ordering="delivery__tries")
    queued = column(when, "queued_at", description=_("Queued"), ordering="queued_at")

    @admin.display(description=_("Queued by"))
    def by(self, obj: OutgoingMessage) -> str:
        return str(obj.queued_by)

    def change_panels(self, request: StaffRequest, obj: OutgoingMessage) -> Sequence[Panel]:
        return [
            Panel(say("Text"), "backoffice/panels/text.html", {"text": obj.body}, note=say("as it is sent")),
            _standing(obj.delivery),
            _attempts(obj),
            timeline_panel(Event.objects.about(obj), about=obj),
        ]


def _standing(delivery: Delivery) -> Panel:
    fields: list[tuple[Text, object]] = [(say("State"), delivery_pill(delivery.message))]
    if delivery.next_attempt_at:
        fields.append((say("Next try"), when(delivery.next_attempt_at)))
    if delivery.sent_at:
        fields.append((say("Sent"), when(delivery.sent_at)))
    if delivery.note:
        fields.append((say("Because"), delivery.note))
    troubled = delivery.state in Delivery.TROUBLED_STATES
    return Panel(
        say("Delivery"),
        "backoffice/panels/fields.html",
        {"fields": fields},
        side="right",
        tone="warn" if troubled else "",
    )


def _attempts(message: OutgoingMessage) -> Panel:
    rows = [
        (
            number(attempt.number),
            when(attempt.started_at),
            pill(attempt.get_outcome_display(), _ATTEMPT_TONES[attempt.outcome]),
            attempt.detail,
        )
        for attempt in message.attempts.all()
    ]
    headings = [(say("Try"), "n"), say("Began"), say("Outcome"), say("The server said")]
    context = {"headings": headings, "rows": rows, "empty": say("Not tried yet.")}
    return Panel(say("Tries"), TABLE, context, side="right")


# --- Elsewhere ----------------------------------------------------------------------------------


def messages_panel(messages: Iterable[OutgoingMessage], *, title: Text = "") -> Panel:
    """A card of messages, each with where it stands; marked when one is in trouble. They come with ``delivery``."""
    found, nobody = list(messages), say("no e-mail address")
    rows = [
        (
            format_html("<div>{}{}</div>", link(message, message.subject), sub(message.recipient or nobody)),
            format_html("{}{}", delivery_pill(message), sub(when(message.queued_at))),
        )
        for message in found
    ]
    troubled = any(message.delivery.state in Delivery.TROUBLED_STATES for message in found)
    return Panel(
        title or say("E-mails"),
        TABLE,
        {"headings": [say("Message"), say("State, queued")], "rows": rows, "empty": say("None was sent.")},
        tone="warn" if troubled else "",
    )


#: So many of the newest e-mails a page shows.
NEWEST = 20


@customer_page.panel(order=55)
def messages_of(request: HttpRequest, customer: Customer) -> Panel:
    """The newest e-mails on the customer's page, those to customers merged into this one too."""
    # As a list of keys: a condition across the join would have all messages read.
    of_whom = Customer.objects.filter(Q(pk=customer.pk) | Q(merged_into=customer)).order_by().values("pk")
    emails = OutgoingMessage.objects.filter(customer__in=of_whom).select_related("delivery").defer("body")
    return messages_panel(emails.order_by("-queued_at", "-pk")[:NEWEST])


SHOWN = 8


def troubled_messages(user: User) -> QuerySet[OutgoingMessage]:
    """The messages in trouble that are this person's to look at: of cases or of money by their work, and their own."""
    rows = OutgoingMessage.objects.filter(delivery__state__in=Delivery.TROUBLED_STATES, staff__isnull=True)
    if user.has_role(Role.AGENT):
        return rows.filter(Q(complaint_id__isnull=False) | Q(queued_by=user))
    if user.has_role(Role.BILLING):
        return rows.filter(Q(complaint_id__isnull=True) | Q(queued_by=user))
    return rows


def trouble_panel(request: StaffRequest) -> Panel | None:
    """The home page's card of messages that did not arrive, or nobody knows."""
    user = request.user
    if not user.may(May.HANDLE_MESSAGES):
        return None
    # By key, as they were queued: so an index tells the last of them, however many there are.
    found = list(troubled_messages(user).select_related("delivery", "customer").order_by("-pk")[: SHOWN + 1])
    if not found:
        return None
    rows = [
        (
            format_html("{}{}", link(message, message.subject), sub(message.customer.name if message.customer else "")),
            format_html("{}{}", delivery_pill(message), sub(message.delivery.note)),
        )
        for message in found[:SHOWN]
    ]
    return Panel(
        say("Customers who may not have been told"),
        TABLE,
        {"headings": [say("Message"), say("State")], "rows": rows},
        tone="warn",
        note=say("all") if len(found) > SHOWN else say("messages"),
        url=reverse("admin:messaging_outgoingmessage_changelist"),
    )


register_home_panels(trouble_panel)
