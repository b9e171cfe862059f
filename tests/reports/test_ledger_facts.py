"""``check_ledger`` against the facts of then: what was recorded, by whom, and what a refund was computed from."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import models

from audit.ledger_checks import run_checks
from billing.payments.models import Chargeback
from billing.usage.actions import correct_usage
from billing.usage.models import UsageDay, UsageRecord
from complaints.cases.actions import correct_complaint
from complaints.cases.models import Assessment, Correction
from complaints.incidents.models import IncidentChange
from complaints.refunds.models import Approval, Contribution, CountedIncident, Refund
from reports.management.commands.check_ledger import CHECKS
from tests import factories
from tests.complaints import cases
from tests.complaints.cases import Desk
from tests.reports.books import ONE, alter_raw, breaches, delete_raw, set_raw
from tests.reports.test_ledger_sources import Books, Plant, plain_payment, planted
from tests.reports.test_ledger_sources import books as books

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

DAY = date(2024, 4, 3)


def test_usage_corrected_later_leaves_a_refund_as_it_is() -> None:
    desk = Desk(limits=True)
    subscription = cases.spring_subscription()
    factories.usage(subscription, day=DAY, seconds=600)
    factories.usage(subscription, day=DAY, seconds=60)
    cases.settled(desk, cases.decided(desk, subscription=subscription))
    first = UsageRecord.objects.order_by("pk")[0]
    correct_usage(first.pk, by=desk.clerk, reason="The wrong line", seconds=0)
    assert breaches() == []
    factories.usage(subscription, day=DAY, seconds=6_000)
    assert breaches() == []


# --- What the audit trail says ------------------------------------------------------------------


def approval(books: Books) -> Approval:
    found: Approval = Approval.objects.get(refund=books.used)
    return found


def less_used(books: Books) -> None:
    call = {"period__subscription": books.company.plain, "kind": "call"}
    alter_raw(UsageRecord.objects.filter(**call).order_by("pk")[0], seconds=94)
    alter_raw(UsageDay.objects.get(**call), seconds=119)


def no_usage(books: Books) -> None:
    for model in (UsageRecord, UsageDay):
        gone(*model._base_manager.filter(period__subscription=books.company.plain))


def used_by_another(books: Books) -> None:
    """The records of one are another's, on the same days."""
    period = books.set_off.period
    for record in UsageRecord.objects.filter(period=books.used.period, kind="call"):
        alter_raw(record, subscription_id=period.subscription_id, period_id=period.pk)
    for day in UsageDay.objects.filter(period=books.used.period, kind="call"):
        alter_raw(day, period_id=period.pk)


def gone(*rows: models.Model) -> None:
    assert rows
    for row in rows:
        delete_raw(row, forged=False)


#: Rows that are written once, changed or deleted without any other, and the rule by which it is found.
PLAIN: dict[str, tuple[Plant, str]] = {
    "usage": (less_used, "usage-recorded"),
    "usage deleted": (no_usage, "usage-recorded"),
    "usage of another": (used_by_another, "usage-recorded"),
    "an agent approved": (lambda b: alter_raw(approval(b), approver_id=factories.agent().pk), "approval-recorded"),
    "another manager approved": (lambda b: alter_raw(approval(b), approver_id=Desk().director.pk), "approval-recorded"),
    "granted before": (lambda b: alter_raw(approval(b), granted_before=ONE), "approval-recorded"),
    "a contribution deleted": (lambda b: gone(*b.used.contributions.all()), "contribution-recorded"),
    "a contribution of another": (
        lambda b: alter_raw(Contribution.objects.filter(refund=b.used)[0], by_id=factories.agent().pk),
        "contribution-recorded",
    ),
    "who changed an incident": (lambda b: gone(*IncidentChange.objects.all()), "incident-recorded"),
    "a counted incident": (lambda b: gone(*CountedIncident.objects.all()), "counted-recorded"),
    "an assessment": (lambda b: gone(*b.used.complaint.assessments.all()), "assessment-recorded"),
    "another assessor": (
        lambda b: alter_raw(Assessment.objects.filter(complaint=b.used.complaint)[0], by_id=factories.agent().pk),
        "assessment-recorded",
    ),
    "partly upheld": (lambda b: alter_raw(b.used.complaint.decision, outcome="partly_upheld"), "decision-recorded"),
    "day of a payment": (lambda b: alter_raw(plain_payment(), received_on=date(2001, 1, 1)), "payment-recorded"),
    "reference of a payment": (lambda b: alter_raw(plain_payment(), reference="other"), "payment-recorded"),
    "recorder of a payment": (lambda b: alter_raw(plain_payment(), recorded_by_id=Desk().clerk.pk), "payment-recorded"),
    "day of a chargeback": (
        lambda b: alter_raw(Chargeback.objects.order_by("pk")[0], taken_back_on=date(2001, 1, 1)),
        "chargeback-recorded",
    ),
}


def missed_of(books: Books, plants: dict[str, tuple[Plant, str]]) -> dict[str, object]:
    missed: dict[str, object] = {}
    for name, (plant, rule) in plants.items():
        with planted(plant, books):
            found = {breach.rule for breach in run_checks(CHECKS)}
        if rule not in found or "check-failed" in found:
            missed[name] = sorted(found)
        for refund in (books.used, books.outage, books.set_off):
            refund.refresh_from_db()
            refund.complaint.refresh_from_db()
    return missed


def test_what_is_written_once_is_what_the_audit_trail_says(books: Books) -> None:
    assert missed_of(books, PLAIN) == {}
    assert breaches() == []


def test_registration_and_corrections_are_those_of_the_audit_trail() -> None:
    desk = Desk(limits=True)
    complaint = cases.decided(desk)
    correct_complaint(complaint.pk, by=desk.colleague, reason="Misheard", subject="Calls are cut off")
    assert breaches() == []
    alter_raw(Correction.objects.get(), by_id=desk.agent.pk)
    set_raw(complaint, registered_by_id=desk.colleague.pk)
    assert breaches() == [(rule, str(complaint)) for rule in ("registration-recorded", "correction-recorded")]
