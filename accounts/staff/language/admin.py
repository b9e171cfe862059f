"""In which language the pages are: everybody's own choice."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from accounts.staff.language.actions import choose_language
from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.actions import ActionForm, ActionResult, PageAction
from backoffice.requests import StaffRequest
from core.text import Text, say


def _choices() -> list[tuple[str, Text]]:
    """Each language in its own words: whoever looks for theirs may not read the others."""
    return [("", _("As my browser asks")), *settings.LANGUAGES]


class LanguageForm(ActionForm):
    language = forms.ChoiceField(label=_("Language"), choices=_choices, required=False)


class ChooseLanguage(PageAction):
    name = "language"
    label = _("Language of my pages")
    submit_label = _("Save")
    icon = "languages"
    may = May.CHOOSE_LANGUAGE
    form_class = LanguageForm
    intro = _(
        "Your pages and the e-mails to you. What is put on record stays in English, and customers are written to in "
        "their own language."
    )

    def get_initial(self, request: StaffRequest) -> dict[str, Any]:
        person = request.user
        return {"language": person.language}

    def run(self, by: User, cleaned: dict[str, Any]) -> ActionResult:
        person = choose_language(by=by, language=cleaned["language"])
        # Said on the next page, so in the language of that one, where it is known.
        with translation.override(person.language or translation.get_language()):
            sentence = str(say("Your pages are in the language that you chose."))
        return ActionResult(sentence, reverse("admin:accounts_user_do", args=(self.name,)))
