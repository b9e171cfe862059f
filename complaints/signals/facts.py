"""The questions behind the signals: one function each, the same for the daily report and for a proposal in the inbox.

Each asks a bounded number of times, however many refunds there are. Reads only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db.models import Case, Count, F, Q, TextField, Value, When
from django.db.models.functions import Coalesce, Concat, Lower, Trim
from django.utils import timezone

from accounts.customers.bank_details.rules import accounts_of, who_used
from accounts.customers.models import BankDetailsChange
from accounts.staff.limits.controls.rules import ControlLimits
from accounts.staff.models import ApprovalLimit, User
from billing.payments.models import Payment
from billing.subscriptions.models import PlanChange
from complaints.cases.models import Complaint
from complaints.incidents.models import Incident
from complaints.refunds.models import Approval, Refund
from complaints.signals.models import Signal
from complaints.signals.proposals import (
    Finding,
    FoundRow,
    Proposals,
    Window,
    proposed_at,
    row_of,
    versions_of,
)
from core.sql import in_list
from policies.choices import RemedyKind

# --- Amounts ------------------------------------------------------------------------------------


def near_limit(found: Proposals, window: Window) -> list[Finding]:
    """One proposer, again and again a little under a limit or a threshold of a second approval."""
    proposals = found.by_their_proposers(window.days)
    limits = list(ApprovalLimit.objects.filter(state=ApprovalLimit.State.PUBLISHED).order_by("valid_from", "pk"))
    controls = ControlLimits(timezone.localdate(found.now))
    near: dict[User, list[Refund]] = defaultdict(list)
    for refund in proposals:
        assert refund.proposed_by is not None
        marks = _limits_on(limits, refund.basis, refund.currency, timezone.localdate(proposed_at(refund)))
        marks.add(controls.threshold(refund.terms.second_threshold(refund.currency), refund.currency))
        if any(mark * (100 - window.percent) <= refund.total * 100 <= mark * 100 for mark in marks if mark):
            near[refund.proposed_by].append(refund)
    return [
        Finding(
            Signal.NEAR_LIMIT,
            {"person": str(person), "count": len(refunds), "percent": window.percent, "days": window.days},
            tuple(map(row_of, refunds)),
            frozenset(refund.pk for refund in refunds),
        )
        for person, refunds in near.items()
        if len(refunds) >= window.count
    ]


def _limits_on(limits: Iterable[ApprovalLimit], basis: str, currency: str, day: date) -> set[Decimal]:
    """The limits in force on the day, of any role; the rows come with the oldest first."""
    by_role = {
        limit.role_id: limit.amount
        for limit in limits
        if limit.subject == basis and limit.currency == currency and limit.valid_from <= day
    }
    return set(by_role.values())


def unproven_surplus(found: Proposals, window: Window) -> list[Finding]:
    """A payment of more than was due that stands in no statement of the bank."""
    rows = Payment.objects.filter(surplus__gt=0, bank_line__isnull=True, recorded_at__gte=found.since(window.days))
    refunds: dict[int, set[int]] = defaultdict(set)
    for refund in found.refunds:
        refunds[refund.customer_id].add(refund.pk)
    if found.among is not None:
        rows = rows.filter(invoice__customer__in=refunds)
    by_customer: dict[int, list[FoundRow]] = defaultdict(list)
    for payment in rows.select_related("invoice").order_by("pk"):
        row = FoundRow(payment.invoice.number, "billing.payment", payment.pk)
        by_customer[payment.invoice.customer_id].append(row)
    return [
        Finding(Signal.UNPROVEN_SURPLUS, {"count": len(of)}, tuple(of), frozenset(refunds.get(customer, ())))
        for customer, of in by_customer.items()
    ]


# --- Customers ----------------------------------------------------------------------------------


#: What two refunds share, and of each its key, code, survivor, customer and number.
type Sharing = tuple[str, int, str, int, int, str]

_WHOSE: Any = Coalesce("customer__merged_into_id", "customer_id")
_COLUMNS = ("pk", "code", "whose", "customer_id", "customer__number")


def shared_account(found: Proposals, window: Window) -> list[Finding]:
    """Several customers with refunds have one bank account, or had it in the time."""
    since = found.since(window.days)
    refunds = Refund.objects.filter(state__in=Refund.STANDING_STATES, proposed_at__gte=since).annotate(whose=_WHOSE)
    if found.among is None:
        accounts = accounts_of(set(refunds.order_by().values_list("customer_id", flat=True).distinct()), since)
    else:
        own = accounts_of({refund.customer_id for refund in found.refunds}, since)
        accounts = who_used({iban for _, iban in own}, since)
    users: dict[str, set[int]] = defaultdict(set)
    for customer, iban in accounts:
        users[iban].add(customer)
    several = {iban: customers for iban, customers in users.items() if len(customers) >= window.count}
    if not several:
        return []
    of_one: dict[int, list[Any]] = defaultdict(list)
    theirs = refunds.filter(in_list("customer", set().union(*several.values())))
    for row in theirs.order_by("pk").values_list(*_COLUMNS):
        of_one[row[3]].append(row)
    rows = [(iban, *row) for iban, customers in several.items() for customer in customers for row in of_one[customer]]
    return _together(Signal.SHARED_ACCOUNT, window, rows)


def shared_address(found: Proposals, window: Window) -> list[Finding]:
    """Several customers with refunds have one postal address, in capitals or not."""
    parts = [Lower(f"customer__postal_{part}") for part in ("street", "number", "postcode", "town")]
    between = [Value(" ")] * len(parts)
    written = Concat(*(piece for pair in zip(parts, between, strict=True) for piece in pair), output_field=TextField())
    # A town alone is nobody's address.
    known = Case(When(customer__postal_street="", then=Value("")), default=Trim(written), output_field=TextField())
    refunds: Any = Refund.objects.filter(state__in=Refund.STANDING_STATES)
    refunds = refunds.annotate(shared=known, whose=_WHOSE)
    rows = refunds.filter(proposed_at__gte=found.since(window.days)).exclude(shared="")
    if found.among is not None:
        rows = rows.filter(shared__in=refunds.filter(pk__in=found.among).order_by().values("shared"))
    several = rows.order_by().values("shared").annotate(customers=Count("whose", distinct=True))
    keys = list(several.filter(customers__gte=window.count).values_list("shared", flat=True))
    if not keys:
        return []
    return _together(Signal.SHARED_ADDRESS, window, rows.filter(shared__in=keys).values_list("shared", *_COLUMNS))


def _together(signal: Signal, window: Window, rows: Iterable[Sharing]) -> list[Finding]:
    """A finding for each thing that so many customers share; merged numbers are one."""
    groups: dict[str, dict[str, set[tuple[Any, ...]]]] = defaultdict(lambda: defaultdict(set))
    for key, pk, code, whose, customer, number in rows:
        groups[key]["refunds"].add((pk, code))
        groups[key]["customers"].add((customer, number))
        groups[key]["whose"].add((whose,))
    return [
        Finding(
            signal,
            {"count": len(group["whose"]), "days": window.days},
            (
                *(FoundRow(number, "accounts.customer", pk) for pk, number in sorted(group["customers"])),
                *(FoundRow(code, "complaints.refund", pk) for pk, code in sorted(group["refunds"])),
            ),
            frozenset(pk for pk, _ in group["refunds"]),
        )
        for _, group in sorted(groups.items())
        if len(group["whose"]) >= window.count
    ]


def new_account(found: Proposals, window: Window) -> list[Finding]:
    """Cash for a customer whose account was changed shortly before the proposal, or since."""
    cash = [
        refund
        for refund in found.lately(window.days)
        if any(part["kind"] == RemedyKind.CASH.value for part in refund.remedy_plan)
    ]
    if not cash:
        return []
    since = min(map(proposed_at, cash)) - timedelta(days=window.within)
    changes: dict[int, list[BankDetailsChange]] = defaultdict(list)
    rows = BankDetailsChange.objects.filter(
        ~Q(iban_before=F("iban_after")), in_list("customer", {refund.customer_id for refund in cash})
    )
    for change in rows.filter(changed_at__gte=since).order_by("pk"):
        changes[change.customer_id].append(change)
    findings = []
    for refund in cash:
        first = proposed_at(refund) - timedelta(days=window.within)
        last = refund.settled_at or found.now
        if of := [change for change in changes[refund.customer_id] if first <= change.changed_at <= last]:
            day = timezone.localdate(of[-1].changed_at)
            named = [FoundRow(day.isoformat(), "accounts.bankdetailschange", change.pk) for change in of]
            values = {"refund": refund.code, "day": day.isoformat()}
            findings.append(Finding(Signal.NEW_ACCOUNT, values, (row_of(refund), *named), frozenset((refund.pk,))))
    return findings


def plan_change(found: Proposals, window: Window) -> list[Finding]:
    """A refund proposed shortly after the subscription's move to another plan."""
    refunds = found.lately(window.days)
    if not refunds:
        return []
    days = {refund.pk: timezone.localdate(proposed_at(refund)) for refund in refunds}
    changes: dict[int, list[PlanChange]] = defaultdict(list)
    rows = PlanChange.objects.filter(
        in_list("subscription", {refund.subscription_id for refund in refunds}),
        state=PlanChange.State.APPLIED,
        applied_period__starts_on__gte=min(days.values()) - timedelta(days=window.within),
    ).select_related("applied_period")
    for change in rows.order_by("pk"):
        changes[change.subscription_id].append(change)
    findings = []
    for refund in refunds:
        for change in changes[refund.subscription_id]:
            assert change.applied_period is not None
            # The first day on which the new plan was had, not the one that was asked for.
            first = change.applied_period.starts_on
            if timedelta(0) <= days[refund.pk] - first <= timedelta(days=window.within):
                day = first.isoformat()
                row = FoundRow(day, "billing.planchange", change.pk)
                values = {"refund": refund.code, "day": day}
                findings.append(Finding(Signal.PLAN_CHANGE, values, (row_of(refund), row), frozenset((refund.pk,))))
    return findings


# --- Facts that were changed --------------------------------------------------------------------


def received_moved(found: Proposals, window: Window) -> list[Finding]:
    """The day of receipt was corrected shortly before a proposal that gains by it: fewer days count as provided, more
    of an interruption is counted, or the complaint could not be about the period before.
    """
    refunds = found.lately(window.days)
    versions = versions_of(Complaint, {refund.complaint_id for refund in refunds}, ("received_at",))
    findings = []
    for refund in refunds:
        for before, after in pairwise(versions[refund.complaint_id]):
            was, now = before.received_at, after.received_at
            if _shortly_before(refund, after.history_date, window.within) and _gains(refund, was, now):
                values = {
                    "complaint": refund.complaint.code,
                    "refund": refund.code,
                    "before": timezone.localdate(was).isoformat(),
                    "after": timezone.localdate(now).isoformat(),
                }
                row = FoundRow(refund.complaint.code, "complaints.complaint", refund.complaint_id)
                findings.append(Finding(Signal.RECEIVED_MOVED, values, (row_of(refund), row), frozenset((refund.pk,))))
    return findings


def registered_late(found: Proposals, window: Window) -> list[Finding]:
    """A complaint, or one merged into it, was typed in long after the day on which it is said to have come."""
    refunds = found.lately(window.days)
    late: dict[int, list[Complaint]] = defaultdict(list)
    cases = {refund.complaint_id for refund in refunds}
    rows = Complaint.objects.filter(
        Q(in_list("id", cases)) | Q(in_list("merged_into", cases)),
        registered_at__gt=F("received_at") + timedelta(days=window.within),
    )
    for complaint in rows.only("code", "registered_at", "merged_into").order_by("pk") if cases else ():
        late[complaint.merged_into_id or complaint.pk].append(complaint)
    return [
        Finding(
            Signal.REGISTERED_LATE,
            {
                "complaint": complaint.code,
                "refund": refund.code,
                "day": timezone.localdate(complaint.registered_at).isoformat(),
                "within": window.within,
            },
            (row_of(refund), FoundRow(complaint.code, "complaints.complaint", complaint.pk)),
            frozenset((refund.pk,)),
        )
        for refund in refunds
        for complaint in late[refund.complaint_id]
    ]


def _gains(refund: Refund, was: datetime, now: datetime) -> bool:
    first, last = timezone.localdate(was), timezone.localdate(now)
    if first < refund.period.starts_on <= last:
        return True
    if refund.basis == Refund.Basis.USAGE:
        return last < first and last < refund.period.ends_on
    return refund.basis == Refund.Basis.INTERRUPTION and now > was


def _shortly_before(refund: Refund, at: datetime, days: int) -> bool:
    return proposed_at(refund) - timedelta(days=days) <= at <= proposed_at(refund)


def incident_moved(found: Proposals, window: Window) -> list[Finding]:
    """An incident was corrected shortly before a proposal that gains by it: an outage was made longer or hit more, or
    announced maintenance, of which no more is refunded, was made smaller or moved out of the way.
    """

    def moved(refund: Refund, incident: Incident) -> bool:
        return any(
            _shortly_before(refund, after.history_date, window.within) and _gives_more(before, after)
            for before, after in pairwise(found.incident_versions[incident.pk])
        )

    return _of_incidents(found, window, Signal.INCIDENT_MOVED, moved)


def _gives_more(before: Any, after: Any) -> bool:
    """Whether more can be refunded after the correction. That a running one has ended is none."""
    if not before.scheduled:
        return not after.scheduled and _larger(before, after)
    return not after.scheduled or _larger(after, before)


def _larger(before: Any, after: Any) -> bool:
    ends_later = before.ends_at is not None and (after.ends_at is None or after.ends_at > before.ends_at)
    return after.starts_at < before.starts_at or ends_later or after.hits_everybody > before.hits_everybody


def team_incident(found: Proposals, window: Window) -> list[Finding]:
    """An incident was recorded by the proposer or somebody of their team, close to a proposal that counts it."""
    makers = {versions[0].history_user_id for versions in found.incident_versions.values()}
    teams = dict(User.objects.filter(pk__in=makers).values_list("pk", "team_id")) if makers else {}

    def of_the_team(refund: Refund, incident: Incident) -> bool:
        made, proposer = found.incident_versions[incident.pk][0], refund.proposed_by
        assert proposer is not None
        by = made.history_user_id
        same = by == proposer.pk or (proposer.team_id is not None and teams.get(by) == proposer.team_id)
        return same and abs(proposed_at(refund) - made.history_date) <= timedelta(days=window.within)

    return _of_incidents(found, window, Signal.TEAM_INCIDENT, of_the_team)


def _of_incidents(
    found: Proposals, window: Window, signal: Signal, fits: Callable[[Refund, Incident], bool]
) -> list[Finding]:
    return [
        Finding(
            signal,
            {"incident": incident.code, "refund": refund.code, "within": window.within},
            (row_of(refund), FoundRow(incident.code, "complaints.incident", incident.pk)),
            frozenset((refund.pk,)),
        )
        for refund in found.lately(window.days)
        for incident in found.incidents.get(refund.pk, ())
        if found.incident_versions[incident.pk] and fits(refund, incident)
    ]


# --- People -------------------------------------------------------------------------------------


def mutual_pair(found: Proposals, window: Window) -> list[Finding]:
    """Two people of whom each approved nearly all that the other proposed, and several times."""
    since = found.since(window.days)
    given = Approval.objects.filter(at__gte=since).order_by()
    if found.among is not None:
        people = {refund.proposed_by_id for refund in found.refunds}
        given = given.filter(Q(proposer__in=people) | Q(approver__in=people))
    pairs = {
        (proposer, approver): count
        for proposer, approver, count in given.values("proposer", "approver")
        .annotate(count=Count("refund", distinct=True))
        .values_list("proposer", "approver", "count")
    }
    mutual = {
        (one, other)
        for (one, other), count in pairs.items()
        if one < other and count >= window.count and pairs.get((other, one), 0) >= window.count
    }
    if not mutual:
        return []
    all_given = Approval.objects.filter(at__gte=since, proposer__in={one for pair in mutual for one in pair})
    of_each: dict[int, set[int]] = defaultdict(set)
    of_pair: dict[tuple[int, int], set[tuple[int, str]]] = defaultdict(set)
    for proposer, approver, pk, code in all_given.values_list("proposer", "approver", "refund", "refund__code"):
        of_each[proposer].add(pk)
        of_pair[proposer, approver].add((pk, code))
    names = {person.pk: str(person) for person in User.objects.filter(pk__in=of_each)}
    findings = []
    for one, other in sorted(mutual):
        if all(
            len(of_pair[pair]) * 100 > len(of_each[pair[0]]) * window.percent for pair in ((one, other), (other, one))
        ):
            refunds = of_pair[one, other] | of_pair[other, one]
            theirs = frozenset(refund.pk for refund in found.refunds if refund.proposed_by_id in (one, other))
            values: dict[str, str | int] = {
                "person": names[one],
                "other": names[other],
                "count": len(refunds),
                "percent": window.percent,
                "days": window.days,
            }
            rows = tuple(FoundRow(code, "complaints.refund", pk) for pk, code in sorted(refunds))
            findings.append(Finding(Signal.MUTUAL_PAIR, values, rows, theirs))
    return findings
