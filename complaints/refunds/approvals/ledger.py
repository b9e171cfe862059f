"""The books of approvals, checked: by whose right each was given, and that four eyes were four."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import TruncDate

from audit.ledger_checks import Breach, each
from complaints.cases.models import Assessment, Correction, Decision
from complaints.incidents.models import IncidentChange
from complaints.refunds.models import Approval, Contribution


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


CHECKS = (rights, people, hands)
