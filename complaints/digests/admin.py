"""When people are told by e-mail what waits for them: everybody's own choice."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.dateparse import parse_time
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.actions import ActionForm, ActionResult, PageAction
from backoffice.admin import TrackedAdmin
from backoffice.display import column
from backoffice.requests import StaffRequest
from complaints.digests.models import DigestTimes
from complaints.digests.times import choose_digest_times
from core.text import Text, join, say


class TimesField(forms.CharField):
    """Times of day, with commas or blanks between them: "08:00, 14:30"."""

    def clean(self, value: Any) -> Any:
        words = super().clean(value).replace(",", " ").replace(";", " ").split()
        return [self._time(word) for word in words]

    @staticmethod
    def _time(word: str) -> Any:
        try:
            found = parse_time(word) if ":" in word else None
        except ValueError:
            found = None
        if found is None:
            raise ValidationError(say("“{word}” is no time of day: write 08:00 or 14:30.", word=word), code="time")
        return found


class DigestTimesForm(ActionForm):
    times = TimesField(
        label=_("Times"),
        required=False,
        help_text=_("Local times with commas between them, four at most: 08:00, 14:00. None: no e-mail."),
    )
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Days"),
        coerce=int,
        choices=list(WEEKDAYS.items()),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )


class Choose(PageAction):
    name = "choose"
    label = _("Choose my times")
    submit_label = _("Save")
    icon = "mail"
    may = May.CHOOSE_DIGEST
    form_class = DigestTimesForm
    intro = _(
        "At these times you are told by e-mail which proposals wait for you, which of your cases "
        "are about to miss a deadline, and which of your proposals came back. When there is "
        "nothing to say, nothing is sent."
    )

    def get_initial(self, request: StaffRequest) -> dict[str, Any]:
        row = DigestTimes.objects.filter(person=request.user.pk).first()
        if row is None:
            return {"times": "", "weekdays": [0, 1, 2, 3, 4]}
        return {"times": ", ".join(row.times), "weekdays": row.weekdays}

    def obstacle(self, by: User) -> Text | None:
        if not by.email:
            return say("No e-mail address of yours is on file: an administrator can enter it.")
        return None

    def run(self, by: User, cleaned: dict[str, Any]) -> ActionResult:
        row = choose_digest_times(by=by, **cleaned)
        return ActionResult(
            say("Your digest: {times}.", times=in_words(row)),
            reverse("admin:complaints_digesttimes_do", args=(self.name,)),
        )


def in_words(row: DigestTimes) -> Text:
    """When the digest comes: "08:00 and 14:00 on Monday, Tuesday"; "never" without a time or a day."""
    if not row.times or not row.weekdays:
        return say("never")
    *first, last = row.times
    times = say("{these} and {last}", these=", ".join(first), last=last) if first else last
    return say("{times} on {weekdays}", times=times, weekdays=join(", ", (WEEKDAYS[day] for day in row.weekdays)))


@admin.register(DigestTimes)
class DigestTimesAdmin(TrackedAdmin[DigestTimes]):
    may_view = (May.CHOOSE_DIGEST, May.SEE_WHOLE_TRAIL)
    page_actions = (Choose,)
    list_display = ("person", "comes")
    list_select_related = ("person",)
    empty_hint = _("Nobody has chosen a time: nobody is told by e-mail.")
    fields = ("person", "comes")
    readonly_fields = ("comes",)

    comes = column(in_words, description=_("Digest"))

    def page_title(self, obj: DigestTimes) -> Text:
        return say("Digest for {person}", person=obj.person)
