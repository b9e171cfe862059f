"""Forms that change something go through once: each is shown with a token of its own, which the action uses up in its
transaction (``audit.actions``). A double click, *Back*, or six requests at once do it once.

A token is signed for the person whom the form was shown to, so none can be made up elsewhere, and what a page's content
makes the browser send has none.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.contrib import messages
from django.core import signing
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from audit import context
from audit.actions import Refused
from audit.models import Event, UsedForm
from audit.vocabulary import Refusal
from backoffice.requests import Person
from core.text import say

#: The name of the field.
FIELD = "form_token"
#: A page that was open longer is asked once more. Used tokens are kept for as long, and a day.
VALID_FOR = timedelta(days=7)
_SALT = "backoffice.form"


def new_token(by: Person) -> str:
    """The token of one form, shown to this person now."""
    return signing.dumps([uuid.uuid4().hex, by.pk], salt=_SALT)


@contextmanager
def sent_form(request: HttpRequest) -> Iterator[None]:
    """Run the actions that a form asks for, as that one sending.

    Raises:
        Refused: (``form_unknown``) the form has no token that was made for this person, or too old a one.
    """
    token = _token(request)
    if token is None:
        raise Refused(
            say("This form was open for too long, or was not sent from its page. Look at it and send it once more."),
            code=Refusal.FORM_UNKNOWN,
        )
    with context.acting(form=context.SentForm(token)):
        yield


def _token(request: HttpRequest) -> uuid.UUID | None:
    if request.headers.get("HX-Request"):
        # Forms of ours that act are sent as a whole page. What comes otherwise was put together by a page's content.
        return None
    try:
        token, person = signing.loads(request.POST.get(FIELD, ""), salt=_SALT, max_age=VALID_FOR)
    except signing.BadSignature:
        return None
    return uuid.UUID(token) if person == request.user.pk else None


def was_sent_before(request: HttpRequest) -> bool:
    """Whether the form was sent and done: asked first, since what it did has changed what other checks look at."""
    return _used(request).exists()


def _used(request: HttpRequest) -> QuerySet[UsedForm]:
    token = _token(request)
    return UsedForm.objects.filter(token=token) if token is not None else UsedForm.objects.none()


def lead_to_first_result(request: HttpRequest, otherwise: str) -> HttpResponse:
    """Where a form leads that was sent once more: to what the first time did, if that has a page of ours."""
    messages.warning(request, say("You have sent this form before, and it was done then. Nothing was done again."))
    done = Event.objects.filter(
        request_id__in=_used(request).values("request_id"),
        outcome=Event.Outcome.DONE,
        actor_id=request.user.pk,
        target_id__isnull=False,
    )
    # An action within an action writes its event first.
    event = done.order_by("id").last()
    if event is not None:
        try:
            return HttpResponseRedirect(
                reverse(f"admin:{event.target_type.replace('.', '_')}_change", args=(event.target_id,))
            )
        except NoReverseMatch:
            pass
    return HttpResponseRedirect(otherwise)


def forget_used_forms() -> int:
    """Delete the tokens that are no longer valid anyway; returns how many."""
    gone, _ = UsedForm.objects.filter(at__lt=timezone.now() - VALID_FOR - timedelta(days=1)).delete()
    return gone
