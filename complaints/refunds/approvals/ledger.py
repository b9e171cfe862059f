"""The books of approvals, checked: by whose right and within which limit each was given, that four eyes were four, and
that what was settled had them all, with the decision that its basis needs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, cast

from django.db.models import Count, Exists, F, Max, OuterRef, Q, Subquery
from django.db.models.functions import TruncDate
from django.utils import timezone

from accounts.staff.models import ApprovalLimit, Delegation, User
from audit.history_checks import matches_history
from audit.ledger_checks import Breach, Check, each
from complaints.cases.models import Assessment, Complaint, Correction, Decision
from complaints.incidents.models import IncidentChange
from complaints.refunds.models import Approval, Contribution, Refund
from complaints.refunds.rules import NEED_AN_UPHELD_COMPLAINT


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
    """Neither the approver nor whose right it was had registered, corrected, assessed or decided the case, had drafted,
    edited or proposed the refund, or had recorded or changed an incident that it counts, before.
    """

    def of_them() -> Q:
        return Q(by=OuterRef("approver")) | Q(by=OuterRef("on_behalf_of"))

    before = {"at__lte": OuterRef("at")}
    of_case = {"complaint": OuterRef("refund__complaint"), **before}
    counted = {"incident__counted_by__refund": OuterRef("refund"), "incident__counted_by__round": OuterRef("round")}
    registered = F("refund__complaint__registered_by")
    rows = Approval.objects.filter(
        Q(approver=registered)
        | Q(on_behalf_of=registered)
        | Exists(Correction.objects.filter(of_them(), **of_case))
        | Exists(IncidentChange.objects.filter(of_them(), **counted, **before))
        | Exists(Contribution.objects.filter(of_them(), refund=OuterRef("refund"), **before))
        | Exists(Decision.objects.filter(of_them(), **of_case))
        | Exists(Assessment.objects.filter(of_them(), **of_case))
    )
    for row in each(rows.select_related("refund", "approver", "on_behalf_of")):
        yield Breach(
            "approval-own-hand", f"refund {row.refund.code}", f"{row.by_whom} approved, and had a hand in it before"
        )


def limits() -> Iterator[Breach]:
    """The limit that an approval names was published and in force for the role, the basis and the currency."""
    published: dict[tuple[str, str], list[tuple[date, str, Decimal]]] = defaultdict(list)
    rows = ApprovalLimit.objects.filter(state=ApprovalLimit.State.PUBLISHED).select_related("role")
    for limit in rows.order_by("-valid_from", "-pk"):
        published[limit.subject, limit.currency].append((limit.valid_from, limit.role.name, limit.amount))
    for approval in each(Approval.objects.select_related("refund", "on_behalf_of__role", "approver")):
        refund, day = approval.refund, timezone.localdate(approval.at)
        holding = [row for row in published[refund.basis, refund.currency] if row[0] <= day]
        # Whose right it was may have another role by now: any role's limit serves there.
        roles = {name for _, name, _ in holding} if approval.on_behalf_of_id else {approval.approver_role}
        in_force = {amount for role in roles for amount in _in_force(holding, role, day)}
        if approval.limit not in in_force:
            known = ", ".join(f"{amount:f}" for amount in sorted(in_force)) or "none"
            yield Breach(
                "approval-limit",
                f"refund {refund.code}",
                f"{approval.by_whom} ({approval.approver_role}) approved on {day} within {approval.limit:f}; limits in "
                f"force then: {known}",
            )


def _in_force(holding: list[tuple[date, str, Decimal]], role: str, day: date) -> list[Decimal]:
    """The role's limit on the day; of one that began that day, also the one before: it may have come in the evening."""
    mine = [(valid_from, amount) for valid_from, name, amount in holding if name == role]
    return [amount for at, (valid_from, amount) in enumerate(mine) if at == 0 or (at == 1 and mine[0][0] == day)]


# --- What was settled ---------------------------------------------------------------------------


def settlements() -> Iterator[Breach]:
    """What was settled has the approvals that its amount needs, of the proposal as it is."""
    given = Q(approvals__round=F("round"))
    same = Q(
        approvals__content_hash=F("content_hash"),
        approvals__amount=F("total"),
        approvals__proposer=F("proposed_by"),
    )
    rows = Refund.objects.filter(state__in=(*Refund.GIVEN_STATES, Refund.State.APPROVED)).annotate(
        yes=Count("approvals", filter=given),
        fitting=Count("approvals", filter=given & same),
        granted=Max("approvals__granted_before", filter=given & Q(approvals__step=1)),
    )
    for row in each(rows.select_related("refund_policy", "fulfilment_policy", "agreement")):
        # With what the first approval saw granted before: the threshold counts the same sum as the limit.
        together = row.total + (row.granted or Decimal(0))
        two = row.state in Refund.GIVEN_STATES and row.terms.needs_two_approvals(together, row.currency)
        needed = 2 if two else 1
        if row.yes < needed:
            yield Breach(
                "refund-approvals",
                f"refund {row.code}",
                f"is {row.state} over {row.total:f} with {row.yes} approvals of round {row.round}; it needs {needed}",
            )
        if row.fitting != row.yes:
            yield Breach(
                "refund-approved-another",
                f"refund {row.code}",
                f"is {row.state} over {row.total:f}; what was approved in round {row.round} had another amount, "
                "content or proposer",
            )


def decisions() -> Iterator[Breach]:
    """What was settled by usage or interruption was upheld then, and nothing is settled on a complaint about hardware.

    Later decisions, and corrections of the category, leave what was settled before as it is.
    """
    history = cast("Any", Complaint).history.model
    then = history.objects.filter(id=OuterRef("complaint"), history_date__lte=OuterRef("settled_at"))
    decided = Decision.objects.filter(complaint=OuterRef("complaint"), at__lte=OuterRef("settled_at"))
    rows = Refund.objects.filter(state__in=Refund.GIVEN_STATES).annotate(
        outcome=Subquery(decided.order_by("-at", "-pk").values("outcome")[:1]),
        about=Subquery(then.order_by("-history_date", "-history_id").values("category")[:1]),
    )
    not_upheld = Q(basis__in=NEED_AN_UPHELD_COMPLAINT) & ~Q(outcome__in=Decision.UPHELD) | Q(outcome__isnull=True)
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


CHECKS: tuple[Check, ...] = (
    rights,
    people,
    hands,
    limits,
    settlements,
    decisions,
    matches_history(ApprovalLimit, changing=("state", "published_by_id")),
    matches_history(Delegation, changing=("state", "revoked_at")),
    matches_history(User, shipped=(User.SYSTEM,)),
)
