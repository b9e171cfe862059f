"""``check_ledger`` by source: what is planted behind the product's back is found, also where the history is forged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accounts.customers.models import Customer
from accounts.staff.models import ApprovalLimit, ControlLimit
from audit.history_checks import matches_history
from audit.ledger_checks import Breach, run_checks
from audit.tracked import Tracked
from billing.credits.models import Credit, CreditApplication
from billing.invoices.models import Charge, CreditNote, Invoice, InvoiceLine
from billing.payments.models import Chargeback, Payment
from billing.payouts.actions import mark_payout_paid
from billing.payouts.models import Payout
from billing.plans.models import OperationCost, Price
from billing.remedies.models import Extension, MinutesGrant
from billing.residual_credits.actions import approve_residual_payout, propose_residual_payout
from billing.subscriptions.models import BillingPeriod, Subscription
from billing.usage.models import UsageDay, UsageRecord
from complaints.cases.models import Complaint, Decision
from complaints.incidents.actions import record_incident
from complaints.incidents.models import Incident
from complaints.quotes.quoting import content_hash, refund_content
from complaints.refunds.models import Approval, Refund, Remedy
from complaints.reversals.models import Reversal
from hardware.purchases.actions import pay_instalment
from hardware.purchases.models import Instalment, Purchase
from policies.versions.models import PolicyVersion
from reports.management.commands.check_ledger import CHECKS
from tests import factories
from tests.complaints.cases import Desk, decided, settled
from tests.made_once import made_once
from tests.reports.books import (
    ONE,
    Company,
    a_company,
    alter_raw,
    breaches,
    delete_raw,
    double_raw,
    opened_now,
    raw,
    rules,
    set_raw,
)

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

CENT = 100  # of a money column


@dataclass
class Books:
    """The company, and refunds of further kinds: by the minutes and operations used, and for an outage."""

    company: Company
    used: Refund
    outage: Refund
    set_off: Refund
    owned: Purchase


@pytest.fixture(scope="module")
def everybodys_books(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Books]:
    with made_once(django_db_blocker, some_books) as books:
        yield books


@pytest.fixture
def books(everybodys_books: Books) -> Books:
    """A copy: what a test reads into the rows stays its own."""
    return deepcopy(everybodys_books)


def some_books() -> Books:
    company = a_company()
    desk = Desk()
    used = opened_now()
    operation = OperationCost.objects.select_related("operation").get().operation
    factories.usage(used, seconds=600)
    factories.usage(used, operation=operation.code, quantity=Decimal(2))
    by_usage = settled(
        desk,
        decided(desk, subscription=used, received_at=timezone.now()),
        remedies=[{"kind": "minutes", "amount": "10.00"}, {"kind": "extension", "amount": "6.00"}, {"kind": "cash"}],
    )
    down = opened_now()
    starts_at = factories.at(factories.days_ago(5))
    record_incident(
        by=desk.lead,
        title="Down",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(days=2),
        subscription_ids=[down.pk],
    )
    outage = settled(
        desk,
        decided(desk, subscription=down, received_at=timezone.now(), category="interruption"),
        "interruption",
        remedies=[{"kind": "cash"}],
    )
    unpaid = factories.open_subscription(activated_on=factories.days_ago(10))
    factories.pay(Invoice.objects.get(period__subscription=unpaid), Decimal("30.00"))
    reduced = settled(desk, decided(desk, subscription=unpaid, received_at=timezone.now()))
    assert reduced.set_off > 0
    left = Credit.objects.left_by_ended_subscriptions().get()
    leftover = propose_residual_payout(left.pk, by=desk.clerk, reason="They left", amount=Decimal("5.00"))
    approve_residual_payout(leftover.pk, by=desk.director)
    for payout in Payout.objects.filter(state="pending").order_by("pk")[:2]:
        mark_payout_paid(payout.pk, by=desk.clerk, reference=f"B-{payout.pk}", paid_on=factories.today())
    owned = factories.phone_purchase()
    pay_instalment(owned.instalments.get().pk, by=desk.clerk, paid_on=factories.days_ago(3))
    owned.refresh_from_db()
    assert breaches() == []
    return Books(company, by_usage, outage, reduced, owned)


@contextmanager
def planted(plant: Callable[[Books], object], books: Books) -> Iterator[None]:
    """What was planted is gone afterwards."""
    with transaction.atomic():
        plant(books)
        yield
        transaction.set_rollback(True)


def reforged(refund: Refund, **columns: Any) -> None:
    """Change a refund together with its history, its hash and those of its approvals."""
    for name, value in columns.items():
        setattr(refund, name, value)
    raw_columns = {
        name: raw(value) if isinstance(value, Decimal) else adapted(refund, name, value)
        for name, value in columns.items()
    }
    forged = content_hash(refund_content(refund))
    set_raw(refund, **raw_columns, content_hash=forged)
    for approval in Approval.objects.filter(refund=refund):
        set_raw(approval, content_hash=forged, **({"amount": raw(refund.total)} if "total" in columns else {}))


def adapted(row: models.Model, name: str, value: Any) -> Any:
    field = row._meta.get_field(name)
    assert isinstance(field, models.Field)
    return field.get_db_prep_save(value, connection)


def period_of(books: Books) -> BillingPeriod:
    return books.used.period


def paid(books: Books) -> tuple[Payout, Payout]:
    one, other = Payout.objects.filter(state="paid").order_by("pk")
    return one, other


def remedy(refund: Refund, kind: str) -> Remedy:
    found: Remedy = Remedy.objects.get(refund=refund, kind=kind)
    return found


def a_line() -> InvoiceLine:
    line: InvoiceLine = InvoiceLine.objects.filter(charge__isnull=True).order_by("pk")[0]
    return line


def shift_a_cent(row: InvoiceLine | CreditNote) -> None:
    """A cent from the net to the tax, in an invoice also in its sums."""
    set_raw(row, net=raw(row.net) - CENT, tax=raw(row.tax) + CENT)
    if isinstance(row, InvoiceLine):
        set_raw(row.invoice, net=raw(row.invoice.net) - CENT, tax=raw(row.invoice.tax) + CENT)


def swap_numbers(model: type[Invoice | CreditNote]) -> None:
    first, second = model._base_manager.order_by("pk")[:2]
    assert first.number[:-1] == second.number[:-1]
    set_raw(first, number="swap")
    one, other = first.number, second.number
    set_raw(second, number=one)
    set_raw(first, number=other)


def less_paid(payment: Payment) -> None:
    """A payment goes, with all that its invoice and the history say of it."""
    invoice = payment.invoice
    delete_raw(payment)
    set_raw(invoice, paid=raw(invoice.paid - payment.kept), state="issued")


def paid_twice(payment: Payment) -> None:
    invoice = payment.invoice
    set_raw(invoice, paid=raw(payment.amount), state="paid")
    half = payment.amount / 2
    set_raw(payment, amount=raw(half))
    double_raw(payment, amount=half)


def plain_payment() -> Payment:
    payment: Payment = Payment.objects.filter(surplus=0, chargeback__isnull=True).order_by("pk")[0]
    return payment


def pay_too_little(books: Books) -> None:
    """Usage is taken out of a refund's days, from the records and from their sums."""
    record = UsageRecord.objects.get(period=books.used.period, kind="call")
    set_raw(record, seconds=60)
    set_raw(UsageDay.objects.get(period=books.used.period, kind="call"), seconds=60)


def never_decided(books: Books) -> None:
    decision = books.used.complaint.decision
    assert decision is not None
    set_raw(decision, outcome="rejected")


def lengthen(books: Books) -> None:
    """The open period is longer, and so is what gave it days."""
    extension = remedy(books.used, "extension").extension
    assert extension is not None
    period = extension.period
    later = period.closes_on + timedelta(days=2)
    set_raw(extension, days=extension.days + 2, closes_on_after=later)
    set_raw(period, closes_on=later, extension_days=period.extension_days + 2)
    set_raw(period.subscription, anchor_on=later)


def runs_again(books: Books) -> None:
    set_raw(books.company.ended, state="active", ended_on=None, cancelled_on=None)


def counted_again(books: Books) -> None:
    """A second refund, with all of the first one's figures, hash and approvals."""
    outage = books.outage
    twin = double_raw(outage, code="R-99999", credit_note_id=None, state="proposed", settled_at=None)
    reforged(twin, code="R-99999")


def invented_outage(books: Books) -> None:
    outage = books.outage
    inputs = {**outage.inputs, "interruptions": [["2020-01-01T00:00:00+00:00", "2099-01-01T00:00:00+00:00"]]}
    reforged(outage, inputs=inputs)


def new_inputs(refund: Refund, **inputs: Any) -> None:
    reforged(refund, inputs={**refund.inputs, **inputs})


def doubled_by_plan(books: Books) -> None:
    grant = remedy(books.used, "minutes").minutes_grant
    assert grant is not None
    set_raw(grant, minutes=1_000)
    plan = [{**entry, "minutes": 1_000} if entry["kind"] == "minutes" else entry for entry in books.used.remedy_plan]
    reforged(books.used, remedy_plan=plan)


def limit_of(approval: Approval) -> None:
    set_raw(approval, limit=raw(approval.limit) + ONE)


def moved(books: Books) -> None:
    """The activation day, with the periods and their history."""
    subscription = books.company.plain
    set_raw(subscription, activated_on=subscription.activated_on - timedelta(days=1))


def to_hardware(books: Books) -> None:
    set_raw(books.used.complaint, category="hardware")


def lower_control_limit(books: Books) -> None:
    """In force before all that was approved: two had to approve it."""
    factories.control_limit(kind="second_threshold", currency="EUR", amount=Decimal("0.50"))
    history = cast("Any", ControlLimit).history.model
    with connection.cursor() as cursor:
        cursor.execute(f'UPDATE "{history._meta.db_table}" SET history_date = %s', [factories.at(date(2000, 1, 1))])  # noqa: S608


def without_reversal(books: Books) -> None:
    set_raw(Reversal.objects.get(), credit_note_id=None)


type Plant = Callable[[Books], object]

#: What is planted, with the history forged, and the rule by which it is found.
PLANTED: dict[str, tuple[Plant, str]] = {
    # Periods and prices
    "fee of a period": (lambda b: set_raw(period_of(b), fee=raw(Decimal("61.00"))), "period-terms"),
    "minute cost of a period": (lambda b: set_raw(period_of(b), minute_cost=1), "period-terms"),
    "tax rate of a period": (lambda b: set_raw(period_of(b), tax_rate=100_000), "period-terms"),
    "included minutes": (lambda b: set_raw(period_of(b), included_minutes=9_999), "period-terms"),
    "cost of an operation": (lambda b: set_raw(period_of(b), operation_costs="[]"), "period-operation"),
    "price of nothing": (lambda b: set_raw(period_of(b).plan.prices.get(), currency="CHF"), "period-price"),
    "currency of a period": (lambda b: set_raw(period_of(b), currency="CHF"), "period-kind"),
    "agreed fee": (lambda b: set_raw(b.used.subscription, agreed_fee=raw(Decimal(50))), "period-terms"),
    "open period longer": (
        lambda b: set_raw(period_of(b), closes_on=period_of(b).closes_on + timedelta(days=1)),
        "period-extension",
    ),
    "open period longer, and its extension": (lengthen, "remedy-plan"),
    "activation day": (moved, "period-own-dates"),
    "ended runs again": (runs_again, "one-open-period"),
    # Payments
    "payment deleted": (lambda b: less_paid(plain_payment()), "payment-recorded"),
    "payment doubled": (lambda b: double_raw(plain_payment()), "payment-recorded"),
    "payment in two": (lambda b: paid_twice(plain_payment()), "payment-recorded"),
    "chargeback deleted": (lambda b: delete_raw(Chargeback.objects.filter(charge=None).get()), "chargeback-recorded"),
    # Invoices
    "customer of an invoice": (
        lambda b: set_raw(a_line().invoice, customer_id=factories.CustomerFactory.create().pk),
        "invoice-whose",
    ),
    "currency of an invoice": (lambda b: set_raw(a_line().invoice, currency="CHF"), "invoice-whose"),
    "a cent of a line": (lambda b: shift_a_cent(a_line()), "invoice-line-tax"),
    "rate of a line": (lambda b: set_raw(a_line(), tax_rate=100_000), "invoice-line-rate"),
    "numbers out of order": (lambda b: swap_numbers(Invoice), "number-order"),
    "notes out of order": (lambda b: swap_numbers(CreditNote), "number-order"),
    # Credits
    "credit from nothing": (
        lambda b: double_raw(remedy(b.company.refund, "credit").credit, applied=0),  # type: ignore[arg-type]
        "credit-source",
    ),
    "credit moved": (
        lambda b: set_raw(
            cast("Credit", remedy(b.company.refund, "credit").credit), subscription_id=b.company.plain.pk
        ),
        "credit-whose",
    ),
    "credit granted": (
        lambda b: set_raw(cast("Credit", remedy(b.company.refund, "credit").credit), granted=raw(Decimal(20))),
        "remedy-gift",
    ),
    "surplus granted": (
        lambda b: set_raw(Credit.objects.filter(payment__isnull=False).order_by("pk")[0], granted=raw(Decimal(500))),
        "payment-surplus",
    ),
    "application elsewhere": (
        lambda b: set_raw(CreditApplication.objects.order_by("pk")[0], invoice_id=Invoice.objects.latest("pk").pk),
        "application-elsewhere",
    ),
    # Minutes and days
    "minutes from nothing": (lambda b: double_raw(MinutesGrant.objects.order_by("pk")[0]), "minutes-source"),
    "minutes doubled": (
        lambda b: set_raw(cast("MinutesGrant", remedy(b.used, "minutes").minutes_grant), minutes=1_000),
        "remedy-plan",
    ),
    "minutes doubled, and planned": (doubled_by_plan, "remedy-worth"),
    "days from nothing": (lambda b: double_raw(Extension.objects.order_by("pk")[0]), "days-source"),
    "days of an extension": (lambda b: set_raw(Extension.objects.order_by("-pk")[0], days=30), "remedy-plan"),
    # Refunds
    "total": (lambda b: set_raw(b.used, total=raw(b.used.total) + ONE), "refund-hash"),
    "total, with its hashes": (lambda b: reforged(b.used, total=b.used.total + 1), "refund-figures"),
    "lines, with their hashes": (lambda b: reforged(b.used, lines=b.used.lines[:-1]), "refund-figures"),
    "set-off, with its hashes": (lambda b: reforged(b.set_off, set_off=Decimal(0)), "refund-figures"),
    "set-off of an invoice": (
        lambda b: set_raw(b.set_off.period.invoice, set_off=ONE, state="overdue"),
        "invoice-set-off",
    ),
    "set-off of a credit note": (
        lambda b: set_raw(cast("CreditNote", b.set_off.credit_note), set_off=0),
        "refund-credit-note",
    ),
    "counted, with its hashes": (lambda b: reforged(b.outage, counted=[]), "refund-figures"),
    "basis, with its hashes": (lambda b: reforged(b.used, basis="full_month"), "refund-inputs"),
    "fee of the inputs": (lambda b: new_inputs(b.used, fee="600.00", fee_paid="600.00"), "refund-inputs"),
    "inputs that cannot be": (lambda b: new_inputs(b.used, as_of="2001-01-01"), "refund-inputs"),
    "day of the inputs": (lambda b: new_inputs(b.used, as_of=str(factories.days_ago(9))), "refund-as-of"),
    "seconds of the inputs": (lambda b: new_inputs(b.used, seconds_used=6_000), "refund-usage"),
    "an invented outage": (invented_outage, "refund-outage"),
    "usage taken away": (pay_too_little, "refund-usage"),
    "proposal, with another hash": (lambda b: set_raw(b.used, content_hash="0" * 64), "refund-approved-another"),
    "period of another": (
        lambda b: set_raw(b.used, period_id=b.outage.period_id, subscription_id=b.outage.subscription_id),
        "refund-case",
    ),
    "subscription of another": (lambda b: set_raw(b.used, subscription_id=b.outage.subscription_id), "refund-period"),
    "settled without approval": (lambda b: delete_raw(Approval.objects.get(refund=b.used)), "refund-approvals"),
    "settled while rejected": (never_decided, "refund-decision"),
    "settled on hardware": (to_hardware, "refund-hardware"),
    "limit of an approval": (lambda b: limit_of(Approval.objects.get(refund=b.used)), "approval-limit"),
    "one outage twice": (counted_again, "outage-twice"),
    "judged by another document": (
        lambda b: reforged(b.used, refund_policy_id=b.used.fulfilment_policy_id),
        "refund-policy",
    ),
    "above the control limit": (lower_control_limit, "refund-approvals"),
    # Documents
    "credit note missing": (lambda b: set_raw(b.used, credit_note_id=None), "refund-without-note"),
    "credit note of nothing": (lambda b: set_raw(b.used, credit_note_id=None), "credit-note-source"),
    "a cent of a credit note": (lambda b: shift_a_cent(cast("CreditNote", b.used.credit_note)), "credit-note-tax"),
    "period of a credit note": (
        lambda b: set_raw(cast("CreditNote", b.used.credit_note), period_id=b.outage.period_id),
        "credit-note-source",
    ),
    "rate of a credit note": (
        lambda b: set_raw(cast("CreditNote", b.used.credit_note), tax_rate=100_000),
        "credit-note-whose",
    ),
    "amount of a reversal's note": (
        lambda b: set_raw(cast("CreditNote", Reversal.objects.get().credit_note), set_off=CENT),
        "reversal-note",
    ),
    "note of a reversal": (without_reversal, "reversal-without-note"),
    # Cash
    "payout from nothing": (lambda b: double_raw(paid(b)[0], key="more", reference="B-0"), "payout-source"),
    "amount of a payout": (
        lambda b: set_raw(cast("Payout", remedy(b.outage, "cash").payout), amount=ONE),
        "remedy-gift",
    ),
    "amount of a leftover": (
        lambda b: set_raw(Payout.objects.get(leftover__isnull=False), amount=ONE),
        "payout-leftover",
    ),
    "payout to another": (
        lambda b: set_raw(paid(b)[0], customer_id=factories.CustomerFactory.create().pk),
        "payout-whose",
    ),
    "charge of nothing": (lambda b: double_raw(Charge.objects.order_by("pk")[0]), "charge-source"),
    # Phones
    "owned earlier": (lambda b: set_raw(b.owned, owned_on=factories.days_ago(20)), "purchase-owned"),
}


def test_books_of_every_kind_add_up(books: Books) -> None:
    assert breaches() == []


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_found(books: Books, name: str) -> None:
    plant, rule = PLANTED[name]
    with planted(plant, books):
        found = list(run_checks(CHECKS))
    assert rule in {breach.rule for breach in found}
    # Each says what to look at.
    assert all(breach.row and len(breach.figures) > 20 for breach in found)


def test_a_reversal_that_differs_from_its_note_is_told_in_the_currency_s_decimals(books: Books) -> None:
    reversal = Reversal.objects.select_related("credit_note").get()
    note = cast("CreditNote", reversal.credit_note)
    with planted(lambda _: set_raw(note, set_off=CENT), books):
        (told,) = [breach for breach in run_checks(CHECKS) if breach.rule == "reversal-note"]
    assert told.figures == (
        f"took {reversal.taken_back:.2f} back, 0.00 of it due again; {note.number} says {note.gross:.2f} and 0.01"
    )


def test_a_check_that_cannot_go_on_is_told_and_blinds_no_other(books: Books) -> None:
    """Whatever makes a check fail, a value that no rule allows or the database itself."""

    def falls() -> Iterator[Breach]:
        yield Breach("before", "row", "what it found")
        with connection.cursor() as cursor:
            cursor.execute("SELECT no_such_column FROM complaints_refund")

    def impossible() -> Iterable[Breach]:
        raise TypeError("no amount")

    set_raw(books.used, total=raw(books.used.total) + ONE)
    with transaction.atomic():
        found = list(run_checks((falls, impossible, *CHECKS)))
    assert [breach.rule for breach in found[:3]] == ["before", "check-failed", "check-failed"]
    assert [breach.row.rpartition(".")[2] for breach in found[1:3]] == ["falls", "impossible"]
    assert "TypeError: no amount" in found[2].figures
    assert "refund-hash" in {breach.rule for breach in found}


def test_limits_of_any_amount_are_limits(books: Books) -> None:
    """Published later, from a day on which others held: those who approved before it are not judged by it."""
    limit = ApprovalLimit.objects.get(role__name="Manager", subject="usage", currency="EUR")
    factories.ApprovalLimitFactory.create(
        role=limit.role, subject="usage", currency="EUR", amount=None, valid_from=factories.days_ago(20)
    )
    assert breaches() == []
    approval = Approval.objects.get(refund=books.used)
    set_raw(approval, limit=None)
    (told,) = (breach for breach in run_checks(CHECKS) if breach.rule != "approval-recorded")
    assert (told.rule, told.row) == ("approval-limit", f"refund {books.used.code}")
    assert "within any amount; in force then: " in told.figures


def tracked_rows(books: Books) -> dict[str, tuple[Tracked, dict[str, Any]]]:
    """A row of every kind of value and what is changed in it, by what the breach says."""
    credit = Credit.objects.order_by("pk")[0]
    return {
        "iban": (Customer.objects.order_by("pk")[0], {"iban": "DE02120300000000202051"}),
        "fee": (Price.objects.order_by("pk")[0], {"fee": 1}),
        "unit_cost": (OperationCost.objects.get(), {"unit_cost": 1}),
        "state": (books.company.ended, {"cancellation_channel": "web"}),
        "minute_cost": (books.used.period, {"minute_cost": 1}),
        "due_on": (Invoice.objects.order_by("pk")[0], {"due_on": factories.today()}),
        "reason": (credit, {"reason": "Because"}),
        "minutes": (MinutesGrant.objects.order_by("pk")[0], {"minutes": 5_000}),
        "days": (Extension.objects.order_by("pk")[0], {"days": 50}),
        "account": (Payout.objects.order_by("pk")[0], {"iban": "DE02120300000000202051"}),
        "charge": (Charge.objects.order_by("pk")[0], {"amount": 1}),
        "total": (books.used, {"total": 1}),
        "counted": (books.outage, {"counted": "[]"}),
        "recovered": (Reversal.objects.get(), {"reason": "Another"}),
        "category": (Complaint.objects.order_by("pk")[0], {"category": "other"}),
        "starts_at": (Incident.objects.get(), {"title": "Up"}),
        "owned_on": (books.owned, {"owned_on": factories.days_ago(20)}),
        "paid_on": (Instalment.objects.get(purchase=books.owned), {"paid_on": factories.days_ago(20)}),
        "limit": (ApprovalLimit.objects.order_by("pk")[0], {"amount": 10**12}),
        "role": (factories.manager(), {"last_name": "Another"}),
    }


def test_a_row_that_differs_from_its_newest_version_is_named_with_what_differs(books: Books) -> None:
    for row, columns in tracked_rows(books).values():
        with planted(lambda _, row=row, columns=columns: alter_raw(row, **columns), books):  # type: ignore[misc]
            altered = [breach for breach in run_checks(CHECKS) if breach.rule == "row-altered"]
        (name,) = columns
        assert len(altered) == 1, row
        assert altered[0].row.startswith(str(row._meta.verbose_name)), altered
        assert f"{name} is " in altered[0].figures
        assert "no action of the product wrote it" in altered[0].figures


def test_rows_without_history_and_history_without_rows(books: Books) -> None:
    credit = Credit.objects.order_by("pk")[0]
    with planted(lambda _: double_raw(credit, forged=False), books):
        assert "row-unknown" in rules()
    instalment = books.company.purchase.instalments.order_by("-sequence")[0]
    with planted(lambda _: delete_raw(instalment, forged=False), books):
        assert ("row-deleted", f"instalment {instalment.pk}") in breaches()
    assert breaches() == []


def test_what_no_action_changes_is_the_same_in_every_version(books: Books) -> None:
    """A row and its newest version forged, the older ones forgotten."""
    period = Invoice.objects.filter(state="paid", period__isnull=False).order_by("pk")[0]
    history = cast("Any", period).history.order_by("history_id")
    first, last = history.first(), history.last()
    assert first.pk != last.pk
    alter_raw(period, due_on=factories.today())
    with connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE "{history.model._meta.db_table}" SET due_on = %s WHERE history_id = %s',  # noqa: S608
            [factories.today(), last.pk],
        )
    (found,) = (breach for breach in run_checks(CHECKS) if breach.rule != "invoice-day")
    assert (found.rule, found.row) == ("row-rewritten", f"invoice {period.number}")
    assert f"due_on is {factories.today()} and was {period.due_on}" in found.figures


def test_a_history_that_was_cut_is_told(books: Books) -> None:
    invoice: Any = Invoice.objects.filter(state="paid").order_by("pk")[0]
    with connection.cursor() as cursor:
        cursor.execute(
            f'DELETE FROM "{invoice.history.model._meta.db_table}" WHERE history_id = %s',  # noqa: S608
            [invoice.history.order_by("history_id").first().pk],
        )
    assert breaches() == [("row-history-cut", f"invoice {invoice.number}")]


def test_a_column_that_there_is_not_is_an_error() -> None:
    with pytest.raises(ValueError, match="Subscription has no \\['plan'\\]"):
        matches_history(Subscription, changing=("plan",))


def test_the_number_of_queries_does_not_grow_with_what_is_wrong(books: Books) -> None:
    with CaptureQueriesContext(connection) as few:
        breaches()
    for line in InvoiceLine.objects.all():
        set_raw(line, tax_rate=100_000)
    for approval in Approval.objects.all():
        limit_of(approval)
    for refund in Refund.objects.filter(inputs__isnull=False):
        alter_raw(refund, content_hash="0" * 64)
    for model in (Invoice, Credit, Payout):
        for row in model._base_manager.all():
            alter_raw(row, currency="CHF")
    with CaptureQueriesContext(connection) as many:
        assert len(breaches()) > 40
    assert len(many) == len(few)


def test_decisions_made_later_leave_what_was_settled(books: Books) -> None:
    complaint = books.used.complaint
    Decision(
        complaint=complaint,
        outcome="rejected",
        reasons="We looked again",
        supersedes=complaint.decision,
        by=factories.agent(),
        at=timezone.now(),
    ).save()
    complaint.category = "hardware"
    complaint.save()
    # No action wrote this decision; the refund is as it was.
    assert rules() == {"decision-recorded"}


def test_first_policies_came_with_the_product() -> None:
    assert PolicyVersion.objects.filter(number=1).count() == 2
    assert breaches() == []
