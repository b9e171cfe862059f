"""The language of a person's pages: their own choice."""

from __future__ import annotations

from django.conf import settings

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from accounts.vocabulary import AccountRefusal, AccountVerb
from audit.actions import Refused, act
from core.text import say


def choose_language(*, by: User, language: str) -> User:
    """Choose the language of one's own pages: a code such as "it", or "" for what the browser asks for.

    The e-mails to the person are in it, too. It holds from the next page on.

    Raises:
        Refused: the pages are not in that language.
    """
    with act(AccountVerb.STAFF_LANGUAGE, by=by, target=(User, by.pk)) as action:
        require(by, May.CHOOSE_LANGUAGE)
        person = action.lock(User, by.pk)
        action.about(person)
        if language and language not in dict(settings.LANGUAGES):
            raise Refused(
                say("The pages are not in the language “{language}”.", language=language),
                code=AccountRefusal.LANGUAGE,
                data={"field": "language"},
            )
        person.language = language
        person.save(update_fields=["language"])
        action.data = {"language": language}
        return person
