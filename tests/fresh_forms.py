"""Tests post to pages without having shown the form: each such post gets the token that its form would have had."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from backoffice.one_time import FIELD, new_token


class FreshForms:
    """Middleware of the tests' settings. A test that sends a token of its own, or ``""`` for none, is left alone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST" and not request.path.startswith(settings.PUBLIC_PATHS):
            self._complete(request)
        return self.get_response(request)

    def _complete(self, request: HttpRequest) -> None:
        if request.user.is_authenticated and FIELD not in request.POST:
            data = request.POST.copy()
            data[FIELD] = new_token(request.user)
            request.POST = data  # type: ignore[assignment]  # the property takes any QueryDict
