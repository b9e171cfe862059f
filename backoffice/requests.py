"""Requests as the pages of the back office get them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, cast

from django.http import HttpRequest

if TYPE_CHECKING:
    pass


#: A member of staff. Their model is an app above; pages that declare what they do take it by its own name.
type Person = Any


class StaffRequest(HttpRequest):
    """A request of somebody who has signed in: the site lets nobody else to its pages."""

    user: Person


def staff(request: HttpRequest) -> StaffRequest:
    """The request as what it is where Django's own methods of a page get it."""
    return cast("StaffRequest", request)


def asked_once[**P, T](make: Callable[P, T]) -> Callable[P, T]:
    """What several parts of one page ask for is made for the first of them. The request is the last argument."""
    name = f"_{make.__module__}.{make.__qualname__}"

    @wraps(make)
    def found(*args: P.args, **kwargs: P.kwargs) -> T:
        request: Any = args[-1]
        if name not in request.__dict__:
            request.__dict__[name] = make(*args, **kwargs)
        made: T = request.__dict__[name]
        return made

    return found
