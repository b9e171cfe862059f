"""``check_ledger``: books that add up pass; each row that is broken behind the product's back is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, models, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accounts.numbers.models import NumberSeries
from billing.credits.models import Credit, CreditApplication
from billing.invoices.charges.actions import ask_for_charges
from billing.invoices.models import Charge, CreditNote, Invoice
from billing.payouts.models import Payout
from billing.remedies import effects as giving
from billing.remedies.models import Extension
from billing.residual_credits.models import ResidualCreditPayout
from billing.runs.actions import run_billing
from billing.subscriptions.models import BillingPeriod, PlanChange, Subscription
from billing.usage.models import UsageDay, UsageRecord
from complaints.refunds.models import Remedy
from complaints.reversals.actions import approve_reversal, propose_reversal
from complaints.reversals.models import Reversal
from reports.management.commands.check_ledger import CHECKS
from tests import factories
from tests.company_life import clock_on
from tests.complaints.cases import Desk
from tests.made_once import made_once
from tests.reports.books import ONE, Company, a_company, breaches, delete_raw, raw, rules, set_raw

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]
A_DAY = date(2019, 5, 5)


@pytest.fixture(scope="module")
def everybodys_company(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Company]:
    with made_once(django_db_blocker, a_company) as company:
        yield company


@pytest.fixture
def company(everybodys_company: Company) -> Company:
    """A copy: what a test reads into the rows stays its own."""
    return deepcopy(everybodys_company)


def test_books_that_add_up_pass(company: Company) -> None:
    assert breaches() == []
    out = StringIO()
    call_command("check_ledger", stdout=out)
    assert out.getvalue() == f"{len(CHECKS)} checks, 0 breaches.\n"


def test_the_command_names_each_breach_and_fails(company: Company) -> None:
    invoice = issued()
    set_raw(invoice, paid=ONE)
    out = StringIO()
    with pytest.raises(CommandError, match="do not add up") as failed:
        call_command("check_ledger", stdout=out)
    assert failed.value.returncode == 1
    less = "less 0.00 charged back and 0.00 taken off"
    line = f"invoice-paid: invoice {invoice.number}: paid 1.00, payments are 0.00 {less}"
    assert out.getvalue().splitlines() == [line, f"{len(CHECKS)} checks, 1 breaches."]


def test_the_number_of_queries_does_not_grow(company: Company) -> None:
    with CaptureQueriesContext(connection) as few:
        breaches()
    for _ in range(3):
        factories.usage(factories.open_subscription(activated_on=factories.months_ago(6)), seconds=60)
    run_billing(factories.today(), by=factories.system_user())
    for invoice in Invoice.objects.filter(state="overdue"):
        set_raw(invoice, paid=raw(Decimal("0.50")))
    with CaptureQueriesContext(connection) as many:
        assert len(breaches()) > 5
    assert len(many) == len(few)


# --- Credits, invoices, charges -----------------------------------------------------------------


def used_credit() -> Credit:
    return CreditApplication.objects.order_by("pk")[0].credit


@pytest.mark.slow
def test_credit_applied(company: Company) -> None:
    set_raw(used_credit(), applied=raw(used_credit().applied) - ONE)
    assert breaches() == [("credit-applied", f"credit {used_credit().pk} of {used_credit().subscription.number}")]


@pytest.mark.slow
def test_credit_paid_out(company: Company) -> None:
    left = Credit.objects.left_by_ended_subscriptions().get()
    set_raw(left, paid_out=ONE)
    assert breaches() == [("credit-paid-out", f"credit {left.pk} of {company.ended.number}")]
    leftover = ResidualCreditPayout(
        credit=left,
        amount=Decimal("1.00"),
        reason="Ended",
        proposed_by=factories.agent(),
        proposed_at=timezone.now(),
        state="approved",
        decided_by=factories.manager(),
        payout=giving.order_payout(company.ended, Decimal("1.00"), key="left", reason="Left"),
    )
    leftover.save()
    assert breaches() == []


@pytest.mark.slow
def test_credit_overdrawn_is_refused_by_the_database_itself(company: Company) -> None:
    left = Credit.objects.left_by_ended_subscriptions().get()
    with pytest.raises(IntegrityError), transaction.atomic():
        set_raw(left, paid_out=raw(left.granted) + ONE)


@pytest.mark.slow
def test_credit_reversed(company: Company) -> None:
    credit = Remedy.objects.get(refund=company.refund, kind="credit").credit
    assert credit is not None
    set_raw(credit, reversed=ONE)
    assert breaches() == [
        ("credit-reversed", f"credit {credit.pk} of {company.refund.subscription.number}"),
        ("taken-back", f"refund {company.refund.code}"),
    ]


def issued() -> Invoice:
    invoice: Invoice = Invoice.objects.filter(state="overdue", paid=0, charged_back=0).order_by("pk")[0]
    return invoice


@pytest.mark.slow
def test_invoice_lines(company: Company) -> None:
    invoice = issued()
    set_raw(invoice, net=raw(invoice.net) + ONE, gross=raw(invoice.gross) + ONE)
    name = f"invoice {invoice.number}"
    assert breaches() == [("invoice-gross", name), ("invoice-net", name)]


@pytest.mark.slow
def test_invoice_tax(company: Company) -> None:
    invoice = issued()
    set_raw(invoice, net=raw(invoice.net) - ONE, tax=raw(invoice.tax) + ONE)
    assert rules() == {"invoice-net", "invoice-tax"}


@pytest.mark.slow
def test_invoice_fee(company: Company) -> None:
    invoice = issued()
    assert invoice.period is not None
    set_raw(invoice.period, fee=raw(invoice.period.fee) + ONE)
    name = f"{invoice.subscription.number}, period {invoice.period.sequence}"
    assert breaches() == [("invoice-fee", f"invoice {invoice.number}"), ("period-terms", name)]


@pytest.mark.slow
def test_invoice_credited_and_charged_back(company: Company) -> None:
    invoice = issued()
    set_raw(invoice, credited=ONE if not invoice.credited else raw(invoice.credited) - ONE, charged_back=ONE)
    assert rules() == {"invoice-credited", "invoice-charged-back"}


@pytest.mark.slow
def test_charge_invoiced(company: Company) -> None:
    done = Charge.objects.get(invoiced_on__isnull=False, subscription=company.plain)
    waits = Charge.objects.get(invoiced_on__isnull=True)
    set_raw(done, invoiced_on=None)
    set_raw(waits, invoiced_on=A_DAY)
    assert breaches() == [
        ("charge-invoiced", f"charge {row.pk} of {row.subscription.number}")
        for row in sorted((done, waits), key=lambda row: row.pk)
    ]


@pytest.mark.slow
def test_charge_amount_currency_and_place(company: Company) -> None:
    done = Charge.objects.get(invoiced_on__isnull=False, subscription=company.plain)
    set_raw(done, amount=ONE, currency="CHF", subscription_id=company.running.pk)
    assert rules() == {
        "charge-amount",
        "charge-currency",
        "charge-elsewhere",
        # Nor is it any more what the chargeback asks for.
        "charge-source",
        "payment-charged-back",
    }


# --- Periods ------------------------------------------------------------------------------------


def last_period(subscription: Subscription) -> BillingPeriod:
    period: BillingPeriod = subscription.periods.order_by("-sequence")[0]
    return period


def name_of(period: BillingPeriod) -> str:
    return f"{period.subscription.number}, period {period.sequence}"


@pytest.mark.slow
def test_periods_tile(company: Company) -> None:
    period = last_period(company.plain)
    set_raw(period, starts_on=period.starts_on + timedelta(days=1))
    assert breaches() == [
        ("period-tiles", name_of(period)),
        ("period-own-dates", name_of(period)),
        ("invoice-day", f"invoice {period.invoice.number}"),
    ]


@pytest.mark.slow
def test_period_numbers(company: Company) -> None:
    period = last_period(company.plain)
    set_raw(period, sequence=period.sequence + 7)
    assert rules() == {"period-numbers", "period-own-dates"}


@pytest.mark.slow
@pytest.mark.parametrize("which", ["plain", "running"])
def test_own_dates_are_those_of_the_anchor(company: Company, which: str) -> None:
    period = last_period(getattr(company, which))
    later = period.ends_on + timedelta(days=1)
    set_raw(period, ends_on=later, closes_on=later)
    assert breaches() == [("period-own-dates", name_of(period))]


@pytest.mark.slow
def test_extension_days(company: Company) -> None:
    extension = Extension.objects.get(subscription=company.running)
    set_raw(extension, days=extension.days + 1)
    assert breaches() == [
        ("period-extension", name_of(extension.period)),
        ("remedy-plan", f"refund {extension.remedy.refund.code}"),
    ]


@pytest.mark.slow
def test_anchor(company: Company) -> None:
    set_raw(company.running, anchor_on=company.running.activated_on, anchor_sequence=0)
    assert breaches() == [("anchor", company.running.number)]


@pytest.mark.slow
def test_one_open_period(company: Company) -> None:
    set_raw(last_period(company.plain), state="ended")
    assert breaches() == [("one-open-period", company.plain.number)]


@pytest.mark.slow
def test_ended_with_its_period(company: Company) -> None:
    set_raw(company.ended, ended_on=company.ended.ended_on + timedelta(days=1))  # type: ignore[operator]
    assert breaches() == [("ended-with-period", company.ended.number)]
    set_raw(last_period(company.ended), state="open")
    assert rules() == {"ended-with-period", "one-open-period"}


# --- Usage and numbers --------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("column", ["seconds", "quantity", "records"])
def test_usage_sums(company: Company, column: str) -> None:
    day = UsageDay.objects.get(kind="operation" if column == "quantity" else "call")
    set_raw(day, **{column: 7})
    assert breaches() == [("usage-sums", f"{company.plain.number}, {day}")]


@pytest.mark.slow
def test_usage_uncounted(company: Company) -> None:
    delete_raw(UsageDay.objects.get(kind="call"))
    calls = UsageRecord.objects.filter(kind="call").order_by("pk")
    assert breaches() == [("usage-uncounted", f"{company.plain.number}, usage {call.external_id}") for call in calls]


@pytest.mark.slow
def test_usage_outside_its_period(company: Company) -> None:
    record = UsageRecord.objects.get(kind="operation")
    before = record.period.starts_on - timedelta(days=1)
    set_raw(record, local_day=before)
    set_raw(UsageDay.objects.get(kind="operation"), local_day=before)
    assert breaches() == [
        ("usage-outside", f"{company.plain.number}, usage {record.external_id}"),
        *(("usage-recorded", f"usage of {day}") for day in (before, record.local_day)),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("model", "digits"), [(Invoice, 6), (CreditNote, 6)])
def test_numbers_have_no_gap(company: Company, model: type[models.Model], digits: int) -> None:
    row: Any = model._base_manager.order_by("-number")[0]
    start, _, n = row.number.rpartition("-")
    set_raw(row, number=f"{start}-{int(n) + 5:0{digits}}")
    found = breaches()
    assert ("number-gap", f"{model._meta.verbose_name} {start}-{int(n) + 5:0{digits}}") in found
    assert {rule for rule, _ in found} == {"number-gap", "number-series"}


@pytest.mark.slow
def test_number_series(company: Company) -> None:
    series = NumberSeries.objects.filter(name__startswith="invoice-").order_by("-name")[0]
    set_raw(series, last=series.last + 1)
    assert breaches() == [("number-series", series.name)]
    delete_raw(series)
    assert breaches() == [("number-series", series.name)]


@pytest.mark.slow
def test_number_of_another_year(company: Company) -> None:
    invoice = issued()
    set_raw(invoice, issued_on=invoice.issued_on.replace(year=invoice.issued_on.year - 1, day=1))
    assert ("number-year", f"invoice {invoice.number}") in breaches()
    assert rules() <= {"number-year", "number-day", "application-elsewhere", "invoice-day"}


# --- Refunds and purchases ----------------------------------------------------------------------


@pytest.mark.slow
def test_period_refunded_and_pending(company: Company) -> None:
    period, other = company.refund.period, company.proposed.period
    set_raw(period, refunded=raw(period.refunded) - ONE)
    set_raw(other, pending=raw(other.pending) + ONE)
    assert breaches() == [
        (rule, name_of(row))
        for rule, row in sorted((("period-refunded", period), ("period-pending", other)), key=lambda pair: pair[1].pk)
    ]


@pytest.mark.slow
def test_remedies_add_up(company: Company) -> None:
    minutes = Remedy.objects.get(refund=company.reversed, kind="minutes")
    set_raw(minutes, amount=raw(minutes.amount) + ONE)
    name = f"refund {company.reversed.code}"
    assert breaches() == [("refund-remedies", name), ("remedy-plan", name)]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "model", "column"), [("credit", Credit, "granted"), ("cash", Payout, "amount")])
def test_remedies_gave_what_they_say(company: Company, kind: str, model: type[models.Model], column: str) -> None:
    remedy = Remedy.objects.get(refund=company.refund, kind=kind)
    given: Any = remedy.credit or remedy.payout
    assert isinstance(given, model)
    set_raw(given, **{column: raw(getattr(given, column)) + ONE})
    assert breaches() == [("remedy-gift", f"refund {company.refund.code}")]


@pytest.mark.slow
def test_credit_note_is_over_the_refund(company: Company) -> None:
    note = company.refund.credit_note
    assert note is not None
    set_raw(note, net=raw(note.net) + ONE, gross=raw(note.gross) + ONE)
    assert breaches() == [
        ("credit-note-tax", f"credit note {note.number}"),
        ("refund-credit-note", f"refund {company.refund.code}"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("columns", [{"recovered": ONE}, {"used": 7 * ONE}])
def test_reversal_adds_up(company: Company, columns: dict[str, int]) -> None:
    set_raw(Reversal.objects.get(), **columns)
    assert ("reversal", f"reversal of refund {company.reversed.code}") in breaches()


@pytest.mark.slow
def test_reversed_by_nobody(company: Company) -> None:
    set_raw(Reversal.objects.get(), state="withdrawn")
    assert rules() == {
        "reversed-by-nobody",
        "credit-reversed",
        "period-refunded",
        "credit-note-source",
        "taken-back",
        "reversal-recorded",
    }


@pytest.mark.slow
def test_instalments_add_up(company: Company) -> None:
    paid, due, last = company.purchase.instalments.order_by("sequence")
    name = f"purchase {company.purchase.number}"
    set_raw(due, amount=raw(due.amount) + ONE)
    assert breaches() == [("purchase-instalments", name)]
    set_raw(due, amount=raw(due.amount))
    set_raw(paid, paid_on=None)
    assert breaches() == [("purchase-paid", name)]
    set_raw(paid, paid_on=A_DAY)
    set_raw(last, sequence=9)
    assert breaches() == [("purchase-parts", name)]


@pytest.mark.slow
def test_payouts_that_became_credits_or_were_stopped(company: Company) -> None:
    payout = Payout.objects.get()
    name = f"payout {payout.key}"
    set_raw(payout, state="cancelled")
    assert breaches() == [("payout-stopped", name), ("taken-back", f"refund {company.refund.code}")]
    set_raw(payout, state="credited")
    assert breaches() == [("payout-credit", name)]
    credit = giving.give_credit(payout.subscription, payout.amount, reason="Instead")
    set_raw(payout, state="credited", credit_id=credit.pk)
    assert breaches() == []
    set_raw(credit, granted=raw(credit.granted) + ONE)
    assert breaches() == [("payout-credit", name)]
    set_raw(credit, granted=raw(credit.granted))
    set_raw(payout, state="pending", credit_id=None)
    assert breaches() == [("credit-source", f"credit {credit.pk} of {payout.subscription.number}")]
    delete_raw(credit)
    # Its refund is taken back in the books, but the bank is still told to pay.
    desk = Desk()
    reversal = propose_reversal(company.refund.pk, by=desk.agent, reason="Wrong")
    approve_reversal(reversal.pk, by=desk.director, charge_used=False)
    assert breaches() == []
    set_raw(payout, state="pending")
    assert ("payout-not-stopped", name) in breaches()


@pytest.mark.slow
def test_plans_change_by_changes_alone(company: Company) -> None:
    subscription = factories.open_subscription(activated_on=factories.months_ago(1, factories.days_ago(4)))
    old = subscription.plan_id
    with clock_on(factories.days_ago(10)):
        change = factories.plan_change(subscription)
    run_billing(factories.today(), by=factories.system_user())
    assert breaches() == []
    change.refresh_from_db()
    period = change.applied_period
    assert period is not None
    name = f"{subscription.number}, period {period.sequence}"
    set_raw(change, effective_on=period.starts_on + timedelta(days=1))
    assert breaches() == [("plan-change", str(PlanChange.objects.get(pk=change.pk)))]
    set_raw(change, effective_on=period.starts_on, state="withdrawn", applied_period_id=None)
    assert breaches() == [("period-plan-changed", name)]
    set_raw(change, state="applied", applied_period_id=period.pk)
    set_raw(subscription, plan_id=old)
    assert breaches() == [("period-plan", name)]
    set_raw(subscription, plan_id=period.plan_id)
    waits = PlanChange(
        subscription=company.ended,
        plan_id=old,
        previous_plan_id=company.ended.plan_id,
        effective_on=factories.today(),
        asked_on=factories.today(),
        channel="email",
        asked_by=factories.agent(),
    )
    waits.save()
    assert breaches() == [("plan-change", str(waits))]


@pytest.mark.slow
def test_an_invoice_of_charges_alone_asks_for_charges_of_its_own_subscription(company: Company) -> None:
    charge = factories.charge(company.ended)
    invoice = ask_for_charges(charge.pk, by=factories.billing_clerk())
    name = f"charge {charge.pk} of {company.ended.number}"
    assert breaches() == [("charge-source", name)]  # the factory made it from nothing
    set_raw(invoice, charges_of_id=company.plain.pk)
    assert ("charge-elsewhere", name) in breaches()
    assert rules() == {"charge-elsewhere", "charge-source", "invoice-whose", "application-elsewhere"}
    set_raw(invoice, charges_of_id=company.ended.pk)
    line = invoice.lines.get()
    set_raw(line, charge_id=None)
    assert ("invoice-fee", f"invoice {invoice.number}") in breaches()


def test_every_rule_has_a_test() -> None:
    """Whoever adds a rule adds the row that breaks it."""
    named: set[str] = set()
    for app in ("audit", "billing", "complaints", "hardware"):
        for source in (ROOT / app).rglob("*.py"):
            text = source.read_text(encoding="utf-8")
            named.update(re.findall(r'(?:Breach|as_recorded)\(\s*"([a-z-]+)"', text))
            named.update(re.findall(r'"((?:minutes|days)-source)"', text))
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert len(named) > 60
    # The database refuses to overdraw a credit, which has a test of its own.
    assert {rule for rule in named if not re.search(rf'"{rule}[":]', tests)} == {"credit-" + "overdrawn"}
