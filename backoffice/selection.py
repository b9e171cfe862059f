"""Which rows a confirmation page is about: named in its address or, when there are many, kept in the session."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest

from backoffice.actions import StaffAction
from backoffice.outcomes import ActingPages
from core.text import say

#: More keys than this travel in the session: addresses have a length.
IDS_IN_ADDRESS = 200


#: More rows than this are no page's work.
MAX_ROWS = 1000


#: Selections and results kept in a session, the newest of each.
KEPT = 5


FILTERS = "_changelist_filters"


def address(
    model_admin: ActingPages, request: HttpRequest, action: StaffAction[Any], queryset: models.QuerySet[Any]
) -> str:
    """Where the confirmation page for the chosen rows is."""
    pks = list(queryset.values_list("pk", flat=True)[: MAX_ROWS + 1])
    if len(pks) > MAX_ROWS:
        messages.error(
            request, say("More than {most} rows are chosen: narrow the list down, then choose again.", most=MAX_ROWS)
        )
        return request.get_full_path()
    if len(pks) <= IDS_IN_ADDRESS:
        query = {"ids": ",".join(str(pk) for pk in pks)}
    else:
        query = {"batch": keep(request, "backoffice_batches", [str(pk) for pk in pks])}
    if request.GET and request.path == model_admin.url_of("changelist"):
        query[FILTERS] = request.GET.urlencode()
    return f"{model_admin.url_of('act', action.name)}?{urlencode(query, safe=',')}"


def chosen_keys(model_admin: ActingPages, request: HttpRequest) -> list[Any] | None:
    """The chosen keys, each once, in order; ``None`` when the address names none that could be one."""
    if token := request.GET.get("batch"):
        raw = kept(request, "backoffice_batches", token) or []
    else:
        raw = [part for part in request.GET.get("ids", "").split(",") if part.strip()]
    if not raw or len(raw) > MAX_ROWS:
        return None
    try:
        return list(dict.fromkeys(model_admin.opts.pk.to_python(part) for part in raw))
    except ValidationError:
        return None


def chosen_rows(
    model_admin: ActingPages, request: HttpRequest, action: StaffAction[Any], pks: Sequence[Any]
) -> list[Any]:
    """The chosen rows that this person sees, in the chosen order."""
    found = action.queryset(model_admin.get_queryset_for_action(request)).filter(pk__in=pks)
    by_pk = {row.pk: row for row in found}
    return [by_pk[pk] for pk in pks if pk in by_pk]


def keep(request: HttpRequest, name: str, content: Any) -> str:
    """Put something in the session under a token that only this session knows."""
    token = secrets.token_hex(8)
    kept = dict(request.session.get(name, {}))
    kept[token] = content
    request.session[name] = dict(list(kept.items())[-KEPT:])
    return token


def kept(request: HttpRequest, name: str, token: str) -> Any:
    return request.session.get(name, {}).get(token)
