"""What a stock form could not save: its refusal, shown on the form with everything that was typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

from audit.actions import Refused
from backoffice.confirmation import add_refusal


class RefusedSave(Exception):
    """Carries a refusal out of the stock form view."""

    def __init__(self, refusal: Refused) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def show_refusal(request: HttpRequest, base: Any) -> Callable[[Any], None]:
    def _post_clean(form: Any) -> None:
        base._post_clean(form)
        refusal: Refused | None = getattr(request, "refused_save", None)
        if refusal is not None:
            add_refusal(form, refusal)

    return _post_clean
