"""Payouts on cards."""

from __future__ import annotations

from typing import Any

from django.utils.safestring import SafeString

from backoffice.display import pill
from billing.payouts.models import Payout
from billing.payouts.rules import held_obstacle
from core.text import say


def payout_pill(payout: Payout) -> SafeString:
    tones: dict[str, Any] = {
        "pending": "warn",
        "paid": "good",
        "failed": "bad",
        "credited": "mute",
        "cancelled": "mute",
    }
    if held_obstacle(payout):
        return pill(say("Held"), "bad")
    return pill(payout.get_state_display(), tones[payout.state])
