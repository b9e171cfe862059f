"""Names the person and the request for everything that is written while a page is served."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers

from audit import context


class AuditMiddleware:
    """Sets the acting person from the session and gives each request an id, also sent as ``X-Request-Id``.

    Nothing that passes here is to be kept by a cache, but for the pages for everybody: there nobody is known.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(settings.PUBLIC_PATHS):
            # Asking who it is would read the session, and the answer would depend on a cookie.
            return self.get_response(request)
        user = request.user if request.user.is_authenticated else None
        request_id = context.new_request_id()
        with context.acting(user=user, source="page", request_id=request_id):
            response = self.get_response(request)
        response["X-Request-Id"] = request_id
        # Django says so on the pages of the site, but not on error pages and the password form: they name the person.
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        return response
