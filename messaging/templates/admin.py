"""The texts of messages: read by all who see cases, changed and tried out by leads and managers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.template.defaultfilters import linebreaksbr
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.actions import Refused
from audit.models import Event
from backoffice.actions import ActionForm, NoReasonForm, Sentence, StaffAction
from backoffice.admin import TrackedAdmin
from backoffice.display import pill
from backoffice.forms import ReasonField
from backoffice.links import page_url
from backoffice.panels import Panel, timeline_panel
from backoffice.requests import StaffRequest
from core.text import Text, say
from messaging.templates.actions import edit_template, preview, send_test
from messaging.templates.kinds import FIELDS
from messaging.templates.models import MessageTemplate
from messaging.templates.tags import FILTERS

PREVIEW = "messaging/panels/template_preview.html"


class TemplateForm(ActionForm):
    """Subject and body."""

    subject = forms.CharField(label=_("Subject"), max_length=200)
    body = forms.CharField(
        label=_("Text"),
        widget=forms.Textarea(attrs={"rows": 18}),
        strip=False,
        help_text=_("Fields stand in double braces. “if” and “for” stand in braces with percent signs."),
    )
    reason = ReasonField(required=False)


class EditTemplate(StaffAction[MessageTemplate]):
    name = "edit"
    label = _("Change the text")
    tone = "primary"
    icon = "pencil"
    may = May.EDIT_TEMPLATES
    form_class = TemplateForm
    intro = _("Messages already sent or waiting keep their words. The old text stays in the history.")
    preview_template = PREVIEW
    previews_input = True
    action = edit_template
    done = _("The text of “{template}” is changed.")

    def get_initial(self, rows: Sequence[MessageTemplate], by: User) -> dict[str, Any]:
        return {"subject": rows[0].subject, "body": rows[0].body}

    def preview_context(self, obj: MessageTemplate, by: User, form: ActionForm) -> Mapping[str, Any]:
        subject, body = obj.subject, obj.body
        if form.is_bound and form.is_valid():
            subject, body = form.cleaned_data["subject"], form.cleaned_data["body"]
        return preview_context(obj.kind, subject, body)


def preview_context(kind: str, subject: str, body: str) -> dict[str, Any]:
    """How the text reads with its examples, with all fields and without the optional ones; or what is wrong."""
    context: dict[str, Any] = {"fields": FIELDS[kind], "filters": FILTERS}
    try:
        return {
            **context,
            "full": preview(kind, subject, body),
            "bare": preview(kind, subject, body, bare=True),
        }
    except Refused as refused:
        return {**context, "problem": refused.message}


class SendTest(StaffAction[MessageTemplate]):
    name = "test"
    label = _("Send a test to me")
    label_plural = _("Send tests to me")
    icon = "send"
    may = May.EDIT_TEMPLATES
    form_class = NoReasonForm
    action = send_test
    done = Sentence(_("A test is on its way to {recipient}."), recipient="recipient")
    opens = page_url

    def obstacle(self, obj: MessageTemplate, by: User) -> Text | None:
        return None if by.email else say("Your account has no e-mail address.")

    def consequence(self, obj: MessageTemplate, by: User) -> Text:
        return say("The text goes with examples in its fields to {email}, marked as a test.", email=by.email)


@admin.register(MessageTemplate)
class MessageTemplateAdmin(TrackedAdmin[MessageTemplate]):
    may_view = May.SEE_CASES
    staff_actions = (EditTemplate, SendTest)
    list_display = ("kind_shown", "language_shown", "subject")
    list_display_links = ("kind_shown",)
    list_filter = ("kind", "language")
    search_fields = ("subject", "body")
    search_help_text = _("Words of the subject or text")
    fields = ("subject", "text")
    readonly_fields = ("text",)

    @admin.display(description=_("Message"), ordering="kind")
    def kind_shown(self, obj: MessageTemplate) -> str:
        return obj.get_kind_display()

    @admin.display(description=_("Language"), ordering="language")
    def language_shown(self, obj: MessageTemplate) -> str:
        return obj.get_language_display()

    @admin.display(description=_("Text"))
    def text(self, obj: MessageTemplate) -> SafeString:
        return format_html('<p class="letter">{}</p>', linebreaksbr(obj.body, autoescape=True))

    def page_pills(self, request: StaffRequest, obj: MessageTemplate) -> Sequence[SafeString]:
        return [pill(obj.get_language_display(), "info", icon_name="languages")]

    def change_panels(self, request: StaffRequest, obj: MessageTemplate) -> Sequence[Panel]:
        context = preview_context(obj.kind, obj.subject, obj.body)
        return [
            Panel(say("With examples"), PREVIEW, {**context, "card": True}, side="right"),
            timeline_panel(Event.objects.about(obj), about=obj),
        ]
