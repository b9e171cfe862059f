"""The books of approvals, checked: by whose right and within which limit each was given, that four eyes were four, and
that what was settled had them all, with the decision that its basis needs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

from django.db.models import BigIntegerField, Count, Exists, F, Max, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from accounts.staff.models import ApprovalLimit, ControlLimit, Delegation, User
from audit.event_checks import Facts, Says, amount_in, as_recorded
from audit.history_checks import matches_history, published
from audit.ledger_checks import Breach, Check, each
from complaints.cases.models import Assessment, Complaint, Correction, Decision
from complaints.incidents.models import Incident, IncidentChange
from complaints.refunds.approvals.hands.rules import had_hand
from complaints.refunds.approvals.windows import ledger as windows
from complaints.refunds.approvals.windows.rules import takes_two
from complaints.refunds.models import Approval, Contribution, CountedIncident, Refund
from complaints.refunds.rules import NEED_AN_UPHELD_COMPLAINT
from complaints.vocabulary import ComplaintVerb
from policies.versions.models import Policy


def rights() -> Iterator[Breach]:
    """Who approved in somebody's place had that person's delegation at that moment."""
    rows = (
        Approval.objects.filter(delegation__isnull=False)
        .annotate(day=TruncDate("at"))
        .filter(
            ~Q(on_behalf_of=F("delegation__delegator"))
            | ~Q(approver=F("delegation__deputy"))
            | Q(day__lt=F("delegation__starts_on"))
            | Q(day__gt=F("delegation__ends_on"))
            | Q(at__lt=F("delegation__given_at"))
            | Q(at__gt=F("delegation__revoked_at"))
        )
        .select_related("refund", "approver", "on_behalf_of", "delegation__delegator", "delegation__deputy")
    )
    for row in each(rows):
        yield Breach(
            "approval-right",
            f"refund {row.refund.code}",
            f"{row.by_whom} approved on {row.day}, the delegation is {row.delegation}",
        )


def people() -> Iterator[Breach]:
    """Nobody counts twice in a round, by themself and by a deputy."""
    same_round = Approval.objects.filter(refund=OuterRef("refund"), round=OuterRef("round"))
    rows = Approval.objects.filter(Exists(same_round.filter(approver=OuterRef("on_behalf_of"))))
    for row in each(rows.select_related("refund", "approver", "on_behalf_of")):
        yield Breach(
            "approval-person-twice",
            f"refund {row.refund.code}",
            f"{row.by_whom} approved, and so did {row.on_behalf_of}",
        )


def hands() -> Iterator[Breach]:
    """Neither the approver nor whose right it was had a hand in the refund at that moment: by the one list of hands,
    through the cases merged by then and the customer of then.
    """
    history = cast("Any", Refund).history.model.objects
    then = history.filter(id=OuterRef("refund"), history_date__lte=OuterRef("at")).order_by(
        "-history_date", "-history_id"
    )
    columns = {
        "pk": "refund_id",
        "round": "round",
        "complaint_id": "refund__complaint_id",
        "customer_id": "customer_then",
    }

    def column(name: str) -> OuterRef:
        return OuterRef(columns[name])

    rows = Approval.objects.annotate(
        customer_then=Coalesce(
            Subquery(then.values("customer_id")[:1]), "refund__customer_id", output_field=BigIntegerField()
        )
    ).filter(
        had_hand(column, OuterRef("approver_id"), OuterRef("at"))
        | had_hand(column, OuterRef("on_behalf_of_id"), OuterRef("at"))
    )
    for row in each(rows.select_related("refund", "approver", "on_behalf_of")):
        yield Breach(
            "approval-own-hand", f"refund {row.refund.code}", f"{row.by_whom} approved, and had a hand in it before"
        )


@dataclass(frozen=True, slots=True)
class _Published:
    """A published limit: "none" where ``amount`` is None."""

    valid_from: date
    since: datetime | None
    role: str
    amount: Decimal | None


def limits() -> Iterator[Breach]:
    """The limit that an approval names was published and in force for the role, the basis and the currency."""
    known: dict[tuple[str, str], list[_Published]] = defaultdict(list)
    for limit in published(ApprovalLimit).select_related("role"):
        known[limit.subject, limit.currency].append(
            _Published(limit.valid_from, limit.since, limit.role.name, limit.amount)
        )
    for approval in each(Approval.objects.select_related("refund", "on_behalf_of__role", "approver")):
        refund, day = approval.refund, timezone.localdate(approval.at)
        holding = [row for row in known[refund.basis, refund.currency] if row.valid_from <= day]
        # Whose right it was may have another role by now: any role's limit serves there.
        roles = {row.role for row in holding} if approval.on_behalf_of_id else {approval.approver_role}
        in_force = {amount for role in roles for amount in _in_force(holding, role, approval.at)}
        if approval.limit not in in_force:
            said = ", ".join(sorted(map(_amount, in_force))) or "no limit"
            yield Breach(
                "approval-limit",
                f"refund {refund.code}",
                f"{approval.by_whom} ({approval.approver_role}) approved on {day} within {_amount(approval.limit)}; in "
                f"force then: {said}",
            )


def _in_force(holding: list[_Published], role: str, at: datetime) -> set[Decimal | None]:
    """The role's limit of those that were published at the moment; before the first, the one that was to hold then."""
    mine = [row for row in holding if row.role == role]
    then = [row for row in mine if row.since is None or row.since <= at]
    return {rows[0].amount for rows in (then or mine,) if rows}


def _amount(limit: Decimal | None) -> str:
    return "any amount" if limit is None else f"{limit:f}"


# --- What was settled ---------------------------------------------------------------------------


def settlements() -> Iterator[Breach]:
    """What was settled has the approvals that its amount needs, of the proposal as it is, judged by documents of the
    right kind.
    """
    given = Q(approvals__round=F("round"))
    same = Q(
        approvals__content_hash=F("content_hash"),
        approvals__amount=F("total"),
        approvals__proposer=F("proposed_by"),
    )
    first = given & Q(approvals__step=1)
    rows = Refund.objects.filter(state__in=(*Refund.GIVEN_STATES, Refund.State.APPROVED)).annotate(
        yes=Count("approvals", filter=given),
        fitting=Count("approvals", filter=given & same),
        granted=Max("approvals__granted_before", filter=first),
        first_at=Max("approvals__at", filter=first),
    )
    controls = windows.ControlsThen()
    for row in each(rows.select_related("refund_policy__policy", "fulfilment_policy__policy", "agreement")):
        name = f"refund {row.code}"
        needed = 1
        if not _rightly_judged(row):
            said = f"is judged by {row.refund_policy}, {row.fulfilment_policy} and {row.agreement or 'no agreement'}"
            yield Breach("refund-policy", name, f"{said}: they are not what judges a refund of this customer")
        elif row.state in Refund.GIVEN_STATES:
            # With what the first approval saw granted before: the threshold counts the same sum as the limit.
            granted, at = row.granted or Decimal(0), row.first_at or row.settled_at
            needed = 2 if takes_two(row, granted, controls.at(at)) else 1
        if row.yes < needed:
            yield Breach(
                "refund-approvals",
                name,
                f"is {row.state} over {row.total:f} with {row.yes} approvals of round {row.round}; it needs {needed}",
            )
        if row.fitting != row.yes:
            yield Breach(
                "refund-approved-another",
                name,
                f"is {row.state} over {row.total:f}; what was approved in round {row.round} had another amount, "
                "content or proposer",
            )


def _rightly_judged(refund: Refund) -> bool:
    kinds = (refund.refund_policy.policy.kind, refund.fulfilment_policy.policy.kind)
    agreement = refund.agreement
    return kinds == (Policy.Kind.REFUND, Policy.Kind.FULFILMENT) and (
        agreement is None or agreement.customer_id == refund.customer_id
    )


def decisions() -> Iterator[Breach]:
    """What was settled by usage or interruption was upheld then, and nothing is settled on a complaint about hardware.

    Later decisions, and corrections of the category, leave what was settled before as it is.
    """
    history = cast("Any", Complaint).history.model
    then = history.objects.filter(id=OuterRef("complaint"), history_date__lte=OuterRef("settled_at"))
    decided = Decision.objects.filter(complaint=OuterRef("complaint"), at__lte=OuterRef("settled_at"))
    then_and_there = decided.filter(at=OuterRef("settled_at"))
    earlier = decided.filter(at__lt=OuterRef("settled_at")).order_by("-at", "-pk")
    rows = Refund.objects.filter(state__in=Refund.GIVEN_STATES).annotate(
        outcome=Subquery(decided.order_by("-at", "-pk").values("outcome")[:1]),
        before=Coalesce(Subquery(earlier.values("outcome")[:1]), Value("")),
        decided_then=Exists(then_and_there),
        upheld_then=Exists(then_and_there.filter(outcome__in=Decision.UPHELD)),
        about=Subquery(then.order_by("-history_date", "-history_id").values("category")[:1]),
    )
    # What was decided at the very moment of the settlement may have come after it: then the one before counts as well.
    upheld = Q(outcome__in=Decision.UPHELD) | Q(upheld_then=True) | Q(before__in=Decision.UPHELD, decided_then=True)
    not_upheld = Q(basis__in=NEED_AN_UPHELD_COMPLAINT) & ~upheld | Q(outcome__isnull=True)
    for row in each(rows.filter(not_upheld).select_related("complaint")):
        yield Breach(
            "refund-decision",
            f"refund {row.code}",
            f"by {row.basis} was settled when {row.complaint.code} was {row.outcome or 'not decided'}",
        )
    for row in each(rows.filter(about=Complaint.Category.HARDWARE).select_related("complaint")):
        yield Breach(
            "refund-hardware",
            f"refund {row.code}",
            f"was settled on {row.complaint.code}, a complaint about hardware, of which nothing is refunded (F8)",
        )


# --- Who did what -------------------------------------------------------------------------------


def _part(part: str) -> Says:
    return lambda event: [(part, event.actor_id)]


def _by(event: Any) -> Iterator[Facts]:
    yield (event.actor_id,)


def _by_a_person(event: Any) -> Iterator[Facts]:
    """Of an incident: the system leaves no hand on one."""
    if event.actor__username != User.SYSTEM:
        yield (event.actor_id,)


def _counted(event: Any) -> Iterator[Facts]:
    for incident in event.data["incidents"]:
        yield event.data["round"], incident


def _approval(event: Any) -> Iterator[Facts]:
    data = event.data
    yield (
        data["round"],
        data["step"],
        event.actor_id,
        event.actor_role,
        data.get("delegation"),
        amount_in(data, "amount"),
        amount_in(data, "limit"),
        amount_in(data, "granted_before"),
        data["content_hash"],
    )


#: Whose hand is in a refund, and who said yes to it: as the audit trail has it.
RECORDED: tuple[Check, ...] = (
    as_recorded(
        "approval-recorded",
        Refund,
        lambda: Approval.objects.values_list(
            "refund_id", "round", "step", "approver_id", "approver_role", "delegation_id", "amount", "limit",
            "granted_before", "content_hash",
        ),
        {ComplaintVerb.REFUND_APPROVE: _approval},
    ),
    as_recorded(
        "contribution-recorded",
        Refund,
        lambda: Contribution.objects.values_list("refund_id", "part", "by_id"),
        {
            ComplaintVerb.REFUND_DRAFT: _part(Contribution.Part.DRAFTED),
            ComplaintVerb.REFUND_EDIT: _part(Contribution.Part.EDITED),
            ComplaintVerb.REFUND_PROPOSE: _part(Contribution.Part.PROPOSED),
        },
    ),
    as_recorded(
        "counted-recorded",
        Refund,
        lambda: CountedIncident.objects.values_list("refund_id", "round", "incident_id"),
        {ComplaintVerb.REFUND_PROPOSE: _counted},
    ),
    as_recorded(
        "registration-recorded",
        Complaint,
        lambda: Complaint.objects.values_list("pk", "registered_by_id"),
        {ComplaintVerb.COMPLAINT_REGISTER: _by},
    ),
    as_recorded(
        "assessment-recorded",
        Complaint,
        lambda: Assessment.objects.values_list("complaint_id", "severity", "by_id"),
        {ComplaintVerb.COMPLAINT_ASSESS: lambda event: [(event.data["severity"], event.actor_id)]},
    ),
    as_recorded(
        "correction-recorded",
        Complaint,
        lambda: Correction.objects.values_list("complaint_id", "by_id"),
        {ComplaintVerb.COMPLAINT_CORRECT: _by},
    ),
    as_recorded(
        "decision-recorded",
        Complaint,
        lambda: Decision.objects.values_list("complaint_id", "outcome", "by_id"),
        {ComplaintVerb.COMPLAINT_DECIDE: lambda event: [(event.data["outcome"], event.actor_id)]},
    ),
    as_recorded(
        "incident-recorded",
        Incident,
        lambda: IncidentChange.objects.values_list("incident_id", "by_id"),
        {
            ComplaintVerb.INCIDENT_RECORD: _by_a_person,
            ComplaintVerb.INCIDENT_EDIT: _by_a_person,
            ComplaintVerb.INCIDENT_END: _by_a_person,
        },
    ),
)  # fmt: skip

CHECKS: tuple[Check, ...] = (
    rights,
    people,
    hands,
    limits,
    settlements,
    decisions,
    *windows.CHECKS,
    *RECORDED,
    matches_history(ApprovalLimit, changing=("state", "published_by_id")),
    matches_history(ControlLimit, changing=("state", "published_by_id")),
    matches_history(Delegation, changing=("state", "revoked_at")),
    matches_history(User),
)
