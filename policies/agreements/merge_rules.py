"""What of agreements stands in the way of merging two customers."""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone

from accounts.customers.merge.rules import register_merge_rule
from accounts.customers.models import Customer
from audit.actions import Obstacle
from core.text import say
from policies.agreements.models import Agreement
from policies.vocabulary import PolicyRefusal


@register_merge_rule
def agreement_obstacle(duplicate: Customer, survivor: Customer) -> Obstacle | None:
    """Two people gave one customer special terms: a merge by one person hands them to no other."""
    today = timezone.localdate()
    current = Q(valid_until__isnull=True) | Q(valid_until__gte=today)
    agreement = Agreement.objects.filter(current, customer=duplicate).exclude(state=Agreement.State.DISCARDED).first()
    if agreement is None:
        return None
    return Obstacle(
        say(
            "“{title}” was agreed with {duplicate}: merge the other customer into this one instead.",
            title=agreement.title,
            duplicate=duplicate,
        ),
        PolicyRefusal.AGREEMENT,
    )
