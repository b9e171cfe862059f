"""What a refund is added up with, before limit and threshold are asked: whatever its customer was granted lately.

Limit and second threshold count the same sum, or one large refund would pass as several small ones. The customer is
counted under every number, and together with all who are paid to the same bank account.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Q
from django.utils import timezone

from accounts.customers.bank_details.rules import paid_alike
from accounts.customers.models import Customer
from accounts.staff.limits.controls.rules import ControlLimits
from audit.actions import Refused
from audit.vocabulary import Refusal
from complaints.refunds.models import Refund
from complaints.reversals.models import Reversal
from core.locks import lock_rows
from core.text import say


def window_of(refund: Refund, controls: ControlLimits) -> int:
    """So many days back what was granted counts: the policy's, and no less than the control limit."""
    return controls.window(refund.terms.approval_window_days)


def takes_two(refund: Refund, granted: Decimal, controls: ControlLimits) -> bool:
    """Whether two different people have to approve it, with what was granted before it in the window. The policy's
    threshold holds up to the control limit.
    """
    threshold = controls.threshold(refund.terms.second_threshold(refund.currency), refund.currency)
    together: Decimal = refund.total + granted
    return together > threshold


def granted_lately(refunds: Sequence[Refund], controls: ControlLimits) -> Mapping[int, Decimal]:
    """By refund: what its customer, and whoever is paid to the same account, was granted in the policy's window, on all
    subscriptions, the refund left out. In the refund's currency, gross.

    Granted is what was settled, or approved once already. A refund that was taken back still counts by what did not
    come back by itself, or taking back and giving again would pass any limit. Who is paid to the same account is asked
    over the same window. Six statements for any number of refunds that are judged by windows of one length.
    """
    now = timezone.now()
    windows = {refund.pk: now - timedelta(days=window_of(refund, controls)) for refund in refunds}
    if not windows:
        return {}
    starting: dict[datetime, set[int]] = defaultdict(set)
    for refund in refunds:
        starting[windows[refund.pk]].add(refund.customer_id)
    alike = {start: paid_alike(customers, start) for start, customers in starting.items()}
    of_them = Q(customer__in=set().union(*(same for of_each in alike.values() for same in of_each.values())))
    since = min(windows.values())
    standing = Refund.objects.filter(
        of_them, Q(state=Refund.State.SETTLED, settled_at__gte=since) | Q(state=Refund.State.APPROVED)
    ).values_list("pk", "customer_id", "currency", "total", "settled_at")
    kept = Reversal.objects.filter(
        state=Reversal.State.APPROVED,
        refund__in=Refund.objects.filter(of_them, state=Refund.State.REVERSED, settled_at__gte=since),
    ).values_list("refund_id", "refund__customer_id", "refund__currency", "used", "refund__settled_at")
    found: dict[int, Decimal] = dict.fromkeys(windows, Decimal(0))
    asked: dict[tuple[int, str], list[Refund]] = defaultdict(list)
    for refund in refunds:
        for customer in alike[windows[refund.pk]][refund.customer_id]:
            asked[customer, refund.currency].append(refund)
    for pk, customer, currency, amount, settled_at in [*standing, *kept]:
        for refund in asked.get((customer, currency), ()):
            if refund.pk != pk and (settled_at is None or settled_at >= windows[refund.pk]):
                found[refund.pk] += amount
    return found


def lock_all_paid_alike(refund_id: int) -> None:
    """Lock the refund's customer and whoever is counted with them, before any other row: of two approvals at the same
    moment the second sees what the first granted. For use inside an action.

    Raises:
        Refused: ``busy``, somebody joined or left them meanwhile.
    """
    rows = Refund.objects.select_related("refund_policy", "fulfilment_policy", "agreement")
    refund = rows.filter(pk=refund_id).first()
    if refund is None:
        return
    customer, controls = refund.customer_id, ControlLimits(timezone.localdate())
    since = timezone.now() - timedelta(days=window_of(refund, controls))
    alike = paid_alike({customer}, since)[customer]
    lock_rows(Customer, alike)
    if len(alike) > 1 and paid_alike({customer}, since)[customer] != alike:
        raise Refused(say("Somebody else changed this just now. Please try again."), code=Refusal.BUSY)
