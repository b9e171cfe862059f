"""How a number was read that somebody is typing, said beside its field before anything is sent."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.html import escape

from core.numbers import NotANumber, grouped_text, read_number


def read_back(request: HttpRequest) -> HttpResponse:
    """The number in the parameter that ``field`` names, with its thousands parted; or what is wrong with it."""
    typed = request.GET.get(request.GET.get("field", ""), "")
    if not typed.strip():
        return HttpResponse("", content_type="text/plain; charset=utf-8")
    try:
        said = f"= {grouped_text(read_number(typed))}"
    except NotANumber as problem:
        said = str(problem.sentence)
    # Plain text, yet put into the page: the words repeat what was typed.
    return HttpResponse(escape(said), content_type="text/plain; charset=utf-8")
