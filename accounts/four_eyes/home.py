"""Proposals that wait for their second person, beside what else waits on the home page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import reverse

from accounts.four_eyes.models import ApprovedByAnother
from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.badges import register_besides
from core.text import Text


def register_proposals(name: str, model: type[ApprovedByAnother], may: May, words: Callable[[int], Text]) -> None:
    """Count for whoever ``may`` approve the proposals of others, in ``words``, with their list."""

    def waiting(user: User) -> Any:
        if not user.may(may):
            return None
        return model._default_manager.filter(state=model.State.PROPOSED).exclude(proposed_by=user)

    def address() -> str:
        label = model._meta
        return f"{reverse(f'admin:{label.app_label}_{label.model_name}_changelist')}?state__exact=proposed"

    register_besides(name, waiting, words, address)
