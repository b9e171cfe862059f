"""The pages for everybody: read only, the same for everybody, kept by caches until a day ends at the latest."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from functools import wraps
from typing import TYPE_CHECKING

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from accounts.company.models import Logo
from policies.public import pages
from policies.public.pages import Page, Site

if TYPE_CHECKING:
    from collections.abc import Callable

#: How long a cache may show a page before it asks again; what is published is seen by everybody after it.
KEPT_SECONDS = 300


def for_everybody(make: Callable[..., Page]) -> Callable[..., HttpResponseBase]:
    """A view of a page that depends on the published versions and the day alone."""

    # Nothing can be posted here: there is no form, and so no token, whose cookie would be the only one.
    @csrf_exempt
    @require_safe
    @wraps(make)
    def view(request: HttpRequest, **kwargs: object) -> HttpResponseBase:
        now = timezone.localtime()
        site = pages.read_site(now.date())
        try:
            page = make(site, **kwargs)
        except Http404:
            return _sent(pages.not_found_page(site), now, status=404)
        response = _sent(page, now)
        response.headers["ETag"] = page.etag
        return get_conditional_response(request, etag=page.etag, response=response) or response

    return view


def _sent(page: Page, now: datetime, status: int = 200) -> HttpResponse:
    response = HttpResponse(page.body, status=status)
    response.headers["Cache-Control"] = f"public, max-age={min(KEPT_SECONDS, _seconds_left_of_the_day(now))}"
    return response


def _seconds_left_of_the_day(now: datetime) -> int:
    """Until local midnight, when another version may come into force; days of 23 and 25 hours included."""
    midnight = datetime.combine(now.date() + timedelta(days=1), time(0), tzinfo=now.tzinfo)
    return max(0, int(midnight.timestamp() - now.timestamp()))


@for_everybody
def policies(site: Site) -> Page:
    """Both policies in force today, and the way to their other versions."""
    return pages.policies_page(site)


@for_everybody
def version(site: Site, kind: str, number: int) -> Page:
    """One version to be read: earlier, in force or to come."""
    return pages.version_page(site, kind, number)


@for_everybody
def changes(site: Site, kind: str, number: int) -> Page:
    """What changed with a version."""
    return pages.changes_page(site, kind, number)


@csrf_exempt
@require_safe
def logo(request: HttpRequest, pk: int) -> HttpResponse:
    """The company's logo, once a profile with it is published. It never changes: another one has another address."""
    found = Logo.objects.filter(pk=pk, profiles__state="published").first()
    if found is None:
        raise Http404
    response = HttpResponse(bytes(found.png), content_type="image/png")
    response.headers["Cache-Control"] = "public, max-age=86400, immutable"
    return response


@for_everybody
def not_found(site: Site) -> Page:
    """Anything else below these addresses."""
    raise Http404
