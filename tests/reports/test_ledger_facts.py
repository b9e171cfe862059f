"""``check_ledger`` against the facts of then: what was recorded, by whom, and what a refund was computed from."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, cast

import pytest
from django.db import connection, models, transaction

from accounts.customers.actions import edit_customer
from accounts.customers.models import BankDetailsChange
from audit.ledger_checks import run_checks
from audit.tracked import Tracked
from billing.invoices.issuing import PAYMENT_DAYS
from billing.payments.models import Chargeback
from billing.remedies.models import MinutesGrant
from billing.usage.actions import correct_usage
from billing.usage.models import UsageDay, UsageRecord
from complaints.cases.actions import correct_complaint
from complaints.cases.decisions.actions import merge_complaints
from complaints.cases.models import Assessment, Correction
from complaints.incidents.models import Incident, IncidentChange, IncidentScope
from complaints.refunds.approvals.ledger import hands
from complaints.refunds.models import Approval, Contribution, CountedIncident
from complaints.reversals.models import Reversal
from reports.management.commands.check_ledger import CHECKS
from tests import factories
from tests.complaints import cases
from tests.complaints.cases import Desk
from tests.reports.books import ONE, alter_raw, breaches, delete_raw, raw, set_raw
from tests.reports.test_ledger_sources import (
    Books,
    Plant,
    adapted,
    new_inputs,
    paid,
    plain_payment,
    planted,
    reforged,
    remedy,
    some_books,
)

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
    "partly upheld": (
        lambda b: alter_raw(cast("Any", b.used.complaint.decision), outcome="partly_upheld"),
        "decision-recorded",
    ),
    "day of a payment": (lambda b: alter_raw(plain_payment(), received_on=date(2001, 1, 1)), "payment-recorded"),
    "reference of a payment": (lambda b: alter_raw(plain_payment(), reference="other"), "payment-recorded"),
    "recorder of a payment": (lambda b: alter_raw(plain_payment(), recorded_by_id=Desk().clerk.pk), "payment-recorded"),
    "day of a chargeback": (
        lambda b: alter_raw(Chargeback.objects.order_by("pk")[0], taken_back_on=date(2001, 1, 1)),
        "chargeback-recorded",
    ),
}


def free_again(books: Books, kind: str) -> None:
    """What was taken back of a refund can be used again."""
    given = remedy(books.company.reversed, kind).given
    set_raw(given, **({"reversed": 0} if kind == "credit" else {"reversed_minutes": 0}))


def undone_reversal(books: Books) -> None:
    """The same, with all that the reversal says of itself."""
    reversal = Reversal.objects.get()
    credit = remedy(books.company.reversed, "credit").credit
    assert credit is not None
    entries = [
        {**entry, "recovered": "0.00", "used": entry["amount"]} if entry["kind"] == "credit" else entry
        for entry in reversal.entries
    ]
    set_raw(credit, reversed=0)
    set_raw(
        reversal,
        entries=adapted(reversal, "entries", entries),
        recovered=raw(reversal.recovered - credit.reversed),
        used=raw(reversal.used + credit.reversed),
    )


def grant(books: Books) -> MinutesGrant:
    found = remedy(books.used, "minutes").minutes_grant
    assert found is not None
    return found


def new_account(books: Books) -> None:
    """The customer of a payout has other bank details, by no change."""
    set_raw(paid(books)[0].customer, iban=factories.own_iban(666))


def changed_before(books: Books, **columns: Any) -> None:
    payout = paid(books)[0]
    change = BankDetailsChange(
        customer=payout.customer,
        iban_after=payout.customer.iban,
        holder_after=payout.customer.account_holder,
        changed_by=factories.agent(),
        changed_at=factories.at(factories.days_ago(2)),
        **columns,
    )
    change.save()


#: Rows changed together with their history, and the rule by which it is found.
FORGED: dict[str, tuple[Plant, str]] = {
    "credit free again": (lambda b: free_again(b, "credit"), "taken-back"),
    "minutes free again": (lambda b: free_again(b, "minutes"), "taken-back"),
    "reversal of less": (undone_reversal, "reversal-recorded"),
    "entries of a reversal": (lambda _: set_raw(Reversal.objects.get(), entries="[]"), "reversal-entries"),
    "account of a payout": (lambda b: set_raw(paid(b)[0], iban=factories.own_iban(666)), "payout-account"),
    "account of a customer": (new_account, "payout-account"),
    "account, changed by nobody": (
        lambda b: set_raw(BankDetailsChange.objects.get(), iban_after=factories.own_iban(666)),
        "customer-account",
    ),
    "paid before the second person": (changed_before, "payout-unconfirmed"),
    "confirmed by nobody": (
        lambda b: changed_before(b, confirmed_by=factories.manager(), confirmed_at=factories.at(factories.days_ago(1))),
        "confirmation-recorded",
    ),
    "paid in the future": (lambda b: set_raw(paid(b)[0], paid_on=date(2099, 1, 1)), "payout-recorded"),
    "received in the future": (lambda b: set_raw(plain_payment(), received_on=date(2099, 1, 1)), "payment-recorded"),
    "minutes for long": (lambda b: set_raw(grant(b), further_periods=50), "minutes-end"),
    "minutes since long": (lambda b: set_raw(grant(b), granted_on=date(2001, 1, 1)), "remedy-day"),
    "day of a credit note": (
        lambda b: alter_raw(cast("Any", b.used.credit_note), issued_on=factories.days_ago(1)),
        "credit-note-day",
    ),
    "day of an invoice": (lambda b: set_raw(b.used.period.invoice, issued_on=factories.days_ago(20)), "invoice-day"),
    "days of an invoice": (
        lambda b: set_raw(
            b.used.period.invoice, issued_on=factories.days_ago(20), due_on=factories.days_ago(20 - PAYMENT_DAYS)
        ),
        "invoice-day",
    ),
    "more paid than came in": (lambda b: new_inputs(b.set_off, fee_paid="60.00"), "refund-paid"),
    "an outage of another": (
        lambda b: set_raw(IncidentScope.objects.get(), subscription_id=b.company.plain.pk),
        "refund-outage",
    ),
    "received before the outage": (
        lambda b: set_raw(b.outage.complaint, received_at=factories.at(factories.days_ago(6))),
        "refund-outage",
    ),
    "cancelled earlier": (
        lambda b: set_raw(b.company.ended, cancelled_on=factories.months_ago(4)),
        "cancelled-on",
    ),
    "never cancelled": (
        lambda b: set_raw(b.company.ended, cancelled_on=None),
        "cancelled-on",
    ),
    "cancelled by nobody": (
        lambda b: set_raw(b.company.plain, state="cancelled", cancelled_on=factories.today()),
        "cancelled-on",
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


@pytest.fixture
def books() -> Books:
    """Made for the test: the others of this module need a company without them."""
    return some_books()


def test_what_is_written_once_is_what_the_audit_trail_says(books: Books) -> None:
    assert missed_of(books, PLAIN) == {}
    assert breaches() == []


def test_what_is_forged_with_its_history_is_found_where_it_came_from(books: Books) -> None:
    customer = paid(books)[1].customer
    edit_customer(customer.pk, by=factories.agent(), reason="By letter", iban=factories.own_iban(7))
    assert missed_of(books, FORGED) == {}
    assert breaches() == []


def test_registration_and_corrections_are_those_of_the_audit_trail() -> None:
    desk = Desk(limits=True)
    complaint = cases.decided(desk)
    correct_complaint(complaint.pk, by=desk.colleague, reason="Misheard", subject="Calls are cut off")
    assert breaches() == []
    alter_raw(Correction.objects.get(), by_id=desk.agent.pk)
    set_raw(complaint, registered_by_id=desk.colleague.pk)
    assert breaches() == [(rule, str(complaint)) for rule in ("registration-recorded", "correction-recorded")]


def write_history(row: Tracked, **columns: Any) -> None:
    """Every version of the row says it, the row itself does not."""
    table = cast("Any", row).history.model._meta.db_table
    sets = ", ".join(f'"{name}" = %s' for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(f'UPDATE "{table}" SET {sets} WHERE id = %s', [*columns.values(), row.pk])  # noqa: S608


def own_hands() -> list[str]:
    return [breach.row for breach in run_checks([hands])]


def test_a_hand_counts_from_the_moment_when_it_was_there() -> None:
    """Through merged cases, consents and links: what came after the approval is none, what was there is one."""
    desk = Desk(limits=True)
    complaint = cases.decided(desk)
    refund = cases.settled(desk, complaint)
    approver = Approval.objects.get().approver
    other = cases.register(desk, complaint.subscription)
    set_raw(other, registered_by_id=approver.pk)
    merge_complaints(other.pk, by=desk.lead, into_id=complaint.pk, reason="The same matter")
    approver.customer = refund.customer
    approver.save()
    assert own_hands() == []
    mine = [f"refund {refund.code}"]
    write_history(approver, customer_id=refund.customer_id)
    assert own_hands() == mine
    write_history(approver, customer_id=None)
    assert own_hands() == []
    write_history(other, history_date=factories.at(factories.days_ago(900)))
    assert own_hands() == mine
    write_history(other, registered_by_id=desk.agent.pk)
    assert own_hands() == []
    write_history(complaint, consent_by_id=approver.pk)
    assert own_hands() == mine


def test_what_was_given_before_is_taken_off_what_is_given_later() -> None:
    """Two refunds of one period, whose second forgets the first: in its inputs, its approval, or its outage."""
    desk = Desk(limits=True)
    subscription = cases.spring_subscription()
    cases.down(desk, 20, 22)
    first = cases.settled(
        desk, cases.decided(desk, subscription=subscription, received_on=date(2024, 4, 25)), "interruption"
    )
    usage = cases.settled(desk, cases.decided(desk, subscription=subscription, received_on=date(2024, 4, 20)))
    last = cases.settled(
        desk, cases.decided(desk, subscription=subscription), "special", special_amount=Decimal("5.00")
    )
    assert Decimal(usage.inputs["already_given"]) > 0
    assert breaches() == []
    forged: tuple[tuple[Any, dict[str, Any], str], ...] = (
        (usage, {"inputs": {**usage.inputs, "already_given": "0.00"}}, "refund-already"),
        (usage, {"inputs": {**usage.inputs, "already_refunded": "0.00"}}, "refund-already"),
        (last, {"inputs": {**last.inputs, "already_refunded": f"{first.total:f}"}}, "refund-already"),
        (last, {"incident_id": Incident.objects.get().pk, "counted": first.counted}, "outage-twice"),
    )
    for refund, columns, rule in forged:
        with transaction.atomic():
            reforged(refund, **columns)
            assert (rule, f"refund {refund.code}") in breaches()
            transaction.set_rollback(True)
        refund.refresh_from_db()
    set_raw(Approval.objects.get(refund=last), granted_before=0)
    assert {("approval-window", f"refund {last.code}")} <= {*breaches()}
