"""What the search finds of staff."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from accounts.staff.permissions import May, role_words
from backoffice.links import page_url
from backoffice.search import Found, SearchSource, Typed, first_of, register_source
from core.text import join, say


def find_staff(typed: Typed, user: User) -> Iterator[Found]:
    """By name or sign-in name: staff are few."""
    names = Q(username__istartswith=typed.text)
    for part in typed.text.split():
        names |= Q(first_name__istartswith=part) | Q(last_name__istartswith=part)
    rows = User.objects.filter(names).exclude(username=User.SYSTEM).select_related("role").order_by("username")
    for person in first_of(rows):
        role = str(role_words(person.role_name))
        state = "" if person.is_active else say("inactive")
        note = join(", ", filter(None, (person.username, role, state)))
        yield Found(str(person), page_url(person), note, exact=typed.names(person.username))


register_source(SearchSource(_("Staff"), "circle-user", May.SEE_STAFF, find_staff, model=User, order=70))
