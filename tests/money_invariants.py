"""What always holds of periods, invoices, credits, refunds and payouts, told by sums of the rows themselves.

Written apart from the ledger's own check and from the actions: everything is added up again in Python, nothing is
asked of the code that wrote it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import combinations, groupby
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models

from billing.credits.models import Credit, CreditApplication
from billing.invoices.models import Charge, CreditNote, Invoice, InvoiceLine, WriteOff
from billing.money import is_whole_minor, minor_units
from billing.payments.models import BankLine, Chargeback, Payment, SurplusCredit, Unbooking
from billing.payments.prepayments.models import Prepayment, PrepaymentTakenOff
from billing.payouts.models import Payout
from billing.periods import Term, nth_period
from billing.plans.models import Price
from billing.remedies.models import Extension, MinutesGrant
from billing.residual_credits.models import ResidualCreditPayout
from billing.subscriptions.models import BillingPeriod, PlanChange, Subscription
from complaints.cases.models import Decision
from complaints.refunds.models import Approval, Refund, Remedy
from complaints.reversals.models import Reversal

NOTHING = Decimal(0)

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

type Seconds = list[tuple[datetime, datetime]]


def check_money() -> None:
    """Everything below. Raises ``AssertionError`` naming the row."""
    check_credits()
    check_invoices()
    check_numbers()
    check_credit_notes()
    check_refunds()
    check_given_once()
    check_periods()
    check_payouts()
    check_payments()
    check_plans()
    check_approvals()
    check_indemnities()


def check_credits() -> None:
    """granted = applied + remaining + reversed + paid out, each the sum of what did it; credits come from somewhere."""
    applied = _sums((use.credit_id, use.amount) for use in CreditApplication.objects.all())
    paid_out = _sums(
        (leftover.credit_id, leftover.amount)
        for leftover in ResidualCreditPayout.objects.filter(state=ResidualCreditPayout.State.APPROVED).select_related(
            "payout"
        )
        if leftover.payout is not None and leftover.payout.state not in (Payout.State.CREDITED, Payout.State.CANCELLED)
    )
    reversed_by = _sums(
        (remedy.payout.credit_id if remedy.payout is not None else remedy.credit_id, _entry(remedy, "recovered"))
        for remedy in Remedy.objects.filter(refund__state=Refund.State.REVERSED).select_related("payout")
    )
    surplus = {payment.credit_id: payment for payment in Payment.objects.filter(credit__isnull=False)}
    prepaid = {one.credit_id: one for one in Prepayment.objects.filter(credit__isnull=False)}
    for counter_entries in (Chargeback, Unbooking):
        for entry in counter_entries._base_manager.filter(from_surplus__gt=0).select_related("payment", "charge"):
            charged = entry.charge.amount if entry.charge is not None else NOTHING
            assert entry.payment.credit_id is not None
            reversed_by[entry.payment.credit_id] += entry.from_surplus - charged
    for off in PrepaymentTakenOff.objects.filter(from_credit__gt=0).select_related("prepayment", "charge"):
        assert off.prepayment.credit_id is not None
        reversed_by[off.prepayment.credit_id] += off.from_credit - (off.charge.amount if off.charge else NOTHING)
    granted: dict[int, Decimal] = defaultdict(Decimal)
    for credit in Credit.objects.all():
        name = f"credit {credit.pk}"
        assert credit.granted == credit.applied + credit.remaining + credit.reversed + credit.paid_out, name
        assert credit.remaining >= 0, name
        assert credit.applied == applied[credit.pk], name
        assert credit.reversed == reversed_by[credit.pk], name
        assert credit.paid_out == paid_out[credit.pk], name
        assert is_whole_minor(credit.granted, credit.currency), name
        if credit.pk in surplus:
            assert credit.granted == surplus[credit.pk].surplus, name
        elif credit.pk in prepaid:
            taken_off = getattr(prepaid[credit.pk], "unbooking", None)
            assert credit.granted == prepaid[credit.pk].credited + (taken_off.from_credit if taken_off else NOTHING), (
                name
            )
            assert credit.subscription_id == prepaid[credit.pk].subscription_id, name
        else:
            granted[credit.subscription_id] += credit.granted
    given = _sums(
        (remedy.refund.subscription_id, remedy.amount)
        for remedy in Remedy.objects.filter(kind="credit").select_related("refund")
    )
    instead_of_cash = _sums(
        (payout.subscription_id, payout.amount)
        for payout in Payout.objects.filter(state=Payout.State.CREDITED, leftover__isnull=True)
    )
    for subscription_id, amount in granted.items():
        assert amount == given[subscription_id] + instead_of_cash[subscription_id], f"subscription {subscription_id}"


def check_invoices() -> None:
    """An invoice is the sum of its lines; what settles it is the sum of credits used and of payments kept."""
    credited = _sums((use.invoice_id, use.amount) for use in CreditApplication.objects.all())
    paid: dict[int, Decimal] = defaultdict(Decimal)
    taken_back: dict[int, Decimal] = defaultdict(Decimal)
    taken_off: dict[int, Decimal] = defaultdict(Decimal)
    for payment in Payment.objects.select_related("chargeback", "unbooking"):
        paid[payment.invoice_id] += payment.amount - payment.surplus
        if hasattr(payment, "unbooking"):
            assert payment.unbooking.amount == payment.amount
            assert not hasattr(payment, "chargeback")
            taken_off[payment.invoice_id] += payment.amount - payment.surplus
        if hasattr(payment, "chargeback"):
            taken_back[payment.invoice_id] += payment.chargeback.amount - payment.chargeback.from_surplus
    set_off = _sums((refund.period_id, refund.set_off) for refund in Refund.objects.filter(state=Refund.State.SETTLED))
    noted: dict[int, Decimal] = defaultdict(Decimal)
    for note in CreditNote.objects.filter(refund__isnull=False).select_related("reversed_by"):
        assert note.period_id is not None
        noted[note.period_id] += note.set_off
        if hasattr(note, "reversed_by"):
            noted[note.period_id] -= note.reversed_by.set_off
    approved = WriteOff.objects.filter(state="approved")
    written_off = _sums((one.invoice_id, one.amount) for one in approved)
    assert not approved.filter(decided_by=models.F("proposed_by")).exists()
    lines: dict[int, list[InvoiceLine]] = defaultdict(list)
    for line in InvoiceLine.objects.select_related("charge"):
        lines[line.invoice_id].append(line)
    invoices = list(Invoice.objects.select_related("period__subscription", "charges_of"))
    assert {invoice.period_id for invoice in invoices if invoice.period_id} == set(
        BillingPeriod.objects.values_list("pk", flat=True)
    )
    asked: set[int] = set()
    for invoice in invoices:
        name = f"invoice {invoice.number}"
        mine = lines[invoice.pk]
        assert invoice.net == sum(line.net for line in mine), name
        assert invoice.tax == sum(line.tax for line in mine), name
        assert invoice.gross == sum(line.gross for line in mine) == invoice.net + invoice.tax, name
        assert invoice.credited == credited[invoice.pk], name
        assert invoice.paid == paid[invoice.pk] - taken_back[invoice.pk] - taken_off[invoice.pk], name
        assert invoice.charged_back == taken_back[invoice.pk], name
        assert invoice.set_off == set_off.get(invoice.period_id or 0, NOTHING) == noted[invoice.period_id or 0], name
        less = invoice.credited + invoice.paid + invoice.set_off + invoice.written_off + invoice.voided
        assert 0 <= invoice.due == invoice.gross - less, name
        assert (invoice.state in ("paid", "written_off", "void")) == (invoice.due == 0), name
        assert 0 <= invoice.written_off <= written_off.get(invoice.pk, NOTHING), name
        others = sorted(mine, key=lambda line: line.position)
        if invoice.period is not None:
            first, *others = others
            assert (first.gross, first.charge) == (invoice.period.fee, None), name
        for line in others:
            assert line.charge is not None, name
            assert line.charge.subscription_id == invoice.subscription.pk, name
            assert (line.gross, line.charge.invoiced_on) == (line.charge.amount, invoice.issued_on), name
            asked.add(line.charge.pk)
    assert asked == set(Charge.objects.filter(invoiced_on__isnull=False).values_list("pk", flat=True))


def check_numbers() -> None:
    """Invoices and credit notes are numbered without a gap in each year, in the order of writing and of their days."""
    for model in (Invoice, CreditNote):
        rows = list(model._base_manager.order_by("pk").values_list("issued_on", "number"))
        assert rows == sorted(rows), model.__name__
        numbers = sorted(model._base_manager.values_list("number", flat=True))
        for year, group in groupby(numbers, key=lambda number: number.rpartition("-")[0]):
            assert [int(number.rpartition("-")[2]) for number in group] == list(
                range(1, sum(number.startswith(f"{year}-") for number in numbers) + 1)
            ), f"{model.__name__} of {year}"


def check_credit_notes() -> None:
    """What stands of the notes on a fee never exceeds it in net, tax or gross, and mirrors it where all of it is
    credited; notes are dated in the order of their writing.
    """
    standing: dict[int, list[Decimal]] = defaultdict(lambda: [NOTHING] * 3)
    last = date.min
    for note in CreditNote.objects.order_by("pk"):
        sign = -1 if note.kind == CreditNote.Kind.REVERSAL else 1
        assert note.issued_on >= last, note.number
        last = note.issued_on
        if note.period_id is None:
            continue
        for place, amount in enumerate((note.gross, note.net, note.tax)):
            standing[note.period_id][place] += sign * amount
    for period in BillingPeriod.objects.filter(pk__in=standing).select_related("invoice"):
        line = period.invoice.lines.get(position=1)
        fee = [line.gross, line.net, line.tax]
        stands = standing[period.pk]
        assert all(0 <= part <= whole for part, whole in zip(stands, fee, strict=True)), period
        assert stands == fee or stands[0] < fee[0], period
    void = Invoice.objects.filter(models.Q(state="void") | models.Q(void_note__isnull=False))
    for invoice in void.select_related("void_note__void"):
        note, stands = invoice.void_note, standing[invoice.period_id] if invoice.period_id else [NOTHING] * 3
        mirrored = [was + more for was, more in zip(stands, (note.gross, note.net, note.tax), strict=True)]
        assert mirrored == [invoice.gross, invoice.net, invoice.tax], invoice.number
        assert note.void.decided_by_id not in (None, note.void.proposed_by_id), invoice.number
        again = Credit.objects.filter(void_invoice=invoice).aggregate(sum=models.Sum("granted"))["sum"] or NOTHING
        assert (note.set_off, again) == (invoice.voided, invoice.credited), invoice.number
        assert (invoice.state, invoice.due, invoice.paid) == ("void", NOTHING, NOTHING), invoice.number


def check_refunds() -> None:
    """Pending and refunded on a period are the sums of its refunds, what a reversal brought back taken off."""
    pending: dict[int, Decimal] = defaultdict(Decimal)
    refunded: dict[int, Decimal] = defaultdict(Decimal)
    came_back = {
        reversal.refund_id: reversal.recovered
        + (reversal.charge.amount if reversal.charge else NOTHING)
        + reversal.due_again
        for reversal in Reversal.objects.filter(state=Reversal.State.APPROVED).select_related("charge")
    }
    given = _sums((remedy.refund_id, remedy.amount) for remedy in Remedy.objects.all())
    for refund in Refund.objects.select_related("credit_note"):
        if refund.state in Refund.PENDING_STATES:
            pending[refund.period_id] += refund.total
        if refund.settled_at is None:
            assert given[refund.pk] == 0, refund.code
            assert refund.credit_note is None, refund.code
            continue
        refunded[refund.period_id] += refund.total - came_back.get(refund.pk, NOTHING)
        assert (refund.state == Refund.State.REVERSED) == (refund.pk in came_back), refund.code
        assert sum(Decimal(line["amount"]) for line in refund.lines) == refund.total, refund.code
        assert refund.total == given[refund.pk] + refund.set_off, refund.code
        assert refund.credit_note is not None, refund.code
        assert (refund.credit_note.gross, refund.credit_note.set_off) == (refund.total, refund.set_off), refund.code
        if refund.pk in came_back:
            assert refund.credit_note.reversed_by.gross == came_back[refund.pk] <= refund.total, refund.code
    for period in BillingPeriod.objects.all():
        name = f"period {period.pk}, {period}"
        assert period.pending == pending[period.pk], name
        assert period.refunded == refunded[period.pk], name
        assert period.pending + period.refunded <= period.fee, name


def check_given_once() -> None:
    """No second of a period is given back twice, of what stands of its refunds, and all of it is within the fee.

    Interruption refunds count seconds of their own, none that an earlier special case had named, and none of the days
    that another refund gave back as unused before. Where a usage refund follows an interruption, the seconds overlap
    and the money does not: in the days not provided, both together give no more than those days cost.
    """
    refunds: dict[int, list[Refund]] = defaultdict(list)
    standing = (*Refund.PENDING_STATES, Refund.State.SETTLED, Refund.State.REVERSED)
    for refund in Refund.objects.filter(state__in=standing).select_related("period").prefetch_related("approvals"):
        refunds[refund.period_id].append(refund)
    taken = {reversal.refund_id: reversal for reversal in Reversal.objects.filter(state=Reversal.State.APPROVED)}
    for of_period in refunds.values():
        shares = {refund.pk: _share(refund, taken.get(refund.pk)) for refund in of_period}
        _check_seconds(of_period, shares)
        _check_tile(of_period, shares)


def _share(refund: Refund, reversal: Reversal | None) -> Fraction:
    """What of the refund stands: all, but for what came back, was charged or is due again."""
    if reversal is None:
        return Fraction(1)
    kept = sum((Decimal(entry["used"]) for entry in reversal.entries), NOTHING)
    if reversal.charge_used:
        kept = NOTHING
    assert 0 <= kept <= refund.total, refund.code
    return Fraction(kept) / Fraction(refund.total)


def _check_seconds(refunds: list[Refund], shares: dict[int, Fraction]) -> None:
    for refund in refunds:
        start, end = _midnight(refund.period.starts_on), _midnight(refund.period.ends_on)
        counted = _counted(refund)
        assert all(a < b for a, b in counted), refund.code
        if refund.basis == Refund.Basis.INTERRUPTION:
            assert counted, refund.code
            assert all(start <= a and b <= end for a, b in counted), refund.code
            line = next(Decimal(line["amount"]) for line in refund.lines if line["code"] == "interruption")
            worth = Fraction(refund.period.fee) * _length(counted) / _length([(start, end)])
            assert abs(Fraction(line) - worth) <= _unit(refund) / 2, refund.code
    for one, other in combinations(refunds, 2):
        if Refund.Basis.INTERRUPTION not in (one.basis, other.basis):
            continue
        name = f"{one.code} and {other.code}"
        if one.basis == other.basis:
            common = _common(_first(_counted(one), shares[one.pk]), _first(_counted(other), shares[other.pk]))
            assert not common, f"{name} count {common}"
        for earlier, later in ((one, other), (other, one)):
            if later.basis == Refund.Basis.INTERRUPTION and _before(earlier, later):
                before = [*_counted(earlier), *_unused(earlier)]
                common = _common(_first(before, shares[earlier.pk]), _counted(later))
                assert not common, f"{name} count {common}"


def _check_tile(refunds: list[Refund], shares: dict[int, Fraction]) -> None:
    """In money, before what limits cut off: giving less leaves nothing open."""
    period = refunds[0].period
    fee, days = Fraction(period.fee), (period.ends_on - period.starts_on).days
    total = sum((Fraction(refund.total) * shares[refund.pk] for refund in refunds), Fraction(0))
    assert total <= fee, f"{[refund.code for refund in refunds]} give {total}"
    whole = _length([(_midnight(period.starts_on), _midnight(period.ends_on))])
    for window in [_unused(refund) for refund in refunds if _unused(refund)]:
        own_days = (period.ends_on - window[0][0].astimezone(_zone()).date()).days
        # By days and by seconds differ where a clock is put forward or back.
        worth = max(fee * own_days / days, fee * _length(window) / whole)
        given, lines = Fraction(0), 0
        for refund in refunds:
            if refund.basis == Refund.Basis.USAGE and _unused(refund) and _unused(refund)[0][0] >= window[0][0]:
                part = Fraction(1)
            elif refund.basis == Refund.Basis.INTERRUPTION:
                counted = _counted(refund)
                part = _length(_common(counted, window)) / _length(counted)
            else:
                continue
            before = sum(Decimal(line["amount"]) for line in refund.lines if line["code"] not in LIMITS)
            given += max(Fraction(before), Fraction(0)) * part * shares[refund.pk]
            lines += len(refund.lines)
        assert given <= worth + lines * _unit(refunds[0]) / 2, (
            f"{[refund.code for refund in refunds]} give {float(given)} for days worth {float(worth)}"
        )


#: The lines of a quote that are limits to the others.
LIMITS = ("floor", "cap", "reduction")


def check_paid_for(refund: Refund) -> None:
    """What refunds of the period have given in money and kind is no more than what came in for its fee, payments and
    credits. To be asked when the refund was just settled: a chargeback later on takes nothing back.
    """
    if refund.total == refund.set_off:
        return
    invoice = Invoice.objects.get(period=refund.period_id)
    came_in = sum((use.amount for use in CreditApplication.objects.filter(invoice=invoice)), NOTHING)
    for payment in Payment.objects.filter(invoice=invoice).select_related("chargeback"):
        came_in += payment.amount - payment.surplus
        if hasattr(payment, "unbooking"):
            came_in -= payment.amount - payment.surplus
        if hasattr(payment, "chargeback"):
            came_in -= payment.chargeback.amount - payment.chargeback.from_surplus
    given = NOTHING
    for other in Refund.objects.filter(period=refund.period_id, settled_at__isnull=False):
        given += sum((remedy.amount for remedy in other.remedies.all()), NOTHING)
        for reversal in other.reversals.filter(state=Reversal.State.APPROVED):
            given -= reversal.recovered + (reversal.used if reversal.charge_used else NOTHING)
    paid = min(came_in, refund.period.fee)
    assert given <= paid, f"{refund.code}: {given} given of {paid} that came in for {invoice.number}"


def check_periods() -> None:
    """Periods tile from the first on, each computed from the anchor; an extension moves the anchor; one is open."""
    extended = _counts(
        (extension.period_id, extension.days - extension.reversed_days) for extension in Extension.objects.all()
    )
    periods: dict[int, list[BillingPeriod]] = defaultdict(list)
    for period in BillingPeriod.objects.order_by("sequence"):
        periods[period.subscription_id].append(period)
    for subscription in Subscription.objects.all():
        anchor, sequence = subscription.activated_on, 0
        begins: date | None = None
        mine = periods[subscription.pk]
        for number, period in enumerate(mine, start=mine[0].sequence):
            name = f"{subscription.number}, period {period.sequence}"
            own = nth_period(anchor, Term(subscription.term), number - sequence)
            assert period.sequence == number, name
            assert (period.starts_on, period.ends_on) == (own.starts_on, own.ends_on), name
            assert begins in (None, period.starts_on), f"{name} begins on {period.starts_on}, not on {begins}"
            assert period.extension_days == extended[period.pk], name
            assert period.closes_on == period.ends_on + timedelta(days=period.extension_days), name
            begins = period.closes_on
            if period.extension_days:
                anchor, sequence = period.closes_on, number + 1
        assert (subscription.anchor_on, subscription.anchor_sequence) == (anchor, sequence), subscription.number
        ended = subscription.state == Subscription.State.ENDED
        states = [period.state == BillingPeriod.State.OPEN for period in mine]
        assert states == [False] * (len(mine) - 1) + [not ended], subscription.number
        assert subscription.ended_on == (begins if ended else None), subscription.number


def check_payouts() -> None:
    """Every payout has one source of its own amount; nobody's minutes are taken back twice."""
    sources = _sums((remedy.payout_id, remedy.amount) for remedy in Remedy.objects.filter(payout__isnull=False))
    for leftover in ResidualCreditPayout.objects.filter(payout__isnull=False):
        assert leftover.payout_id is not None
        assert leftover.payout_id not in sources
        sources[leftover.payout_id] += leftover.amount
    for payout in Payout.objects.all():
        assert payout.amount == sources[payout.pk], f"payout {payout.key}"
        assert payout.attempts in (1, 2), f"payout {payout.key}"
    references = [payout.reference for payout in Payout.objects.filter(state=Payout.State.PAID)]
    assert len(references) == len(set(references))
    for remedy in Remedy.objects.filter(payout__isnull=False).select_related("payout"):
        cancelled = remedy.payout is not None and remedy.payout.state == Payout.State.CANCELLED
        if remedy.payout is not None and remedy.payout.credit_id is not None:
            continue
        recovered = _entry(remedy, "recovered") if remedy.refund.state == Refund.State.REVERSED else NOTHING
        assert recovered == (remedy.amount if cancelled else NOTHING), f"remedy {remedy.pk}"
    for grant in MinutesGrant.objects.all():
        assert 0 <= grant.reversed_minutes <= grant.minutes, f"minutes {grant.pk}"


def check_payments() -> None:
    """What came in is what was kept and what became a credit; a bank's line is the payment it was matched to."""
    for payment in Payment.objects.select_related("credit", "invoice__period__subscription", "invoice__charges_of"):
        name = f"payment {payment.pk} of {payment.invoice.number}"
        assert 0 <= payment.surplus <= payment.amount, name
        assert (payment.surplus > 0) == (payment.credit is not None), name
        if payment.credit is not None:
            assert payment.credit.subscription_id == payment.invoice.subscription.pk, name
            assert payment.credit.currency == payment.invoice.currency, name
            taken_off = hasattr(payment, "unbooking")
            assert taken_off or hasattr(payment, "bank_line") or hasattr(payment, "approved_surplus"), name
    for surplus in SurplusCredit.objects.filter(state="approved"):
        assert surplus.payment is not None
        assert surplus.payment.amount == surplus.amount
        assert surplus.decided_by_id not in (None, surplus.proposed_by_id)
    for prepayment in Prepayment.objects.select_related("unbooking"):
        name = f"prepayment {prepayment.pk}"
        parts = prepayment.applied, prepayment.taken_off, prepayment.credited, prepayment.remaining
        assert all(part >= 0 for part in parts), name
        assert sum(parts, NOTHING) == prepayment.amount, name
        off = prepayment.unbooking.amount if hasattr(prepayment, "unbooking") else NOTHING
        used = NOTHING
        for payment in prepayment.payments.select_related("invoice__period", "unbooking"):
            assert payment.invoice.subscription.pk == prepayment.subscription_id, name
            assert payment.received_on == prepayment.received_on, name
            if hasattr(payment, "unbooking"):
                off += payment.amount
            else:
                used += payment.amount
        assert (prepayment.applied, prepayment.taken_off) == (used, off), name
    for line in BankLine.objects.select_related("payment__invoice", "prepayment"):
        stands_for = line.payment or line.prepayment
        assert (line.state == BankLine.State.MATCHED) == (stands_for is not None), f"bank line {line.pk}"
        if line.prepayment is not None:
            assert line.payment is None
            paid = line.prepayment.amount, line.prepayment.currency
            assert (line.amount, line.currency) == paid, f"bank line {line.pk}"
            assert line.prepayment.taken_off < line.prepayment.amount, f"bank line {line.pk}"
        if line.payment is not None:
            paid = line.payment.amount, line.payment.invoice.currency
            assert (line.amount, line.currency) == paid, f"bank line {line.pk}"


def check_plans() -> None:
    """Each period has the plan of the last change taken on until then, and the fee that was agreed or its price of
    the period's first day, as published now or when the period was written; at most one change waits, and none where
    nothing follows.
    """
    published = _first_written(Price, state="published")
    written = _first_written(BillingPeriod)
    prices: dict[tuple[int, str, str], list[Price]] = defaultdict(list)
    for price in Price.objects.filter(state="published").order_by("valid_from"):
        prices[price.plan_id, price.term, price.currency].append(price)
    for subscription in Subscription.objects.all():
        changes = list(PlanChange.objects.filter(subscription=subscription).order_by("pk"))
        waiting = [change for change in changes if change.state == PlanChange.State.SCHEDULED]
        assert len(waiting) <= (subscription.state != Subscription.State.ENDED), subscription.number
        taken = {change.applied_period_id: change for change in changes if change.state == PlanChange.State.APPLIED}
        plan_id = next((change.previous_plan_id for change in taken.values()), subscription.plan_id)
        agreed = None
        for period in BillingPeriod.objects.filter(subscription=subscription).order_by("sequence"):
            name = f"{subscription.number}, period {period.sequence}"
            if (change := taken.pop(period.pk, None)) is not None:
                assert (change.previous_plan_id, change.effective_on <= period.starts_on) == (plan_id, True), name
                plan_id, agreed = change.plan_id, change.agreed_fee
            assert period.plan_id == plan_id, name
            held = [
                price for price in prices[plan_id, period.term, period.currency] if price.valid_from <= period.starts_on
            ]
            # A clock that stands does not tell which of one moment came first.
            early = [price for price in held if published.get(price.pk, LONG_AGO) < written[period.pk]]
            fees = {price.fee for price in held if published.get(price.pk) == written[period.pk]}
            fees |= {prices_of_the_day[-1].fee for prices_of_the_day in (early, held) if prices_of_the_day}
            assert period.fee in (fees if agreed is None else {agreed}), name
        assert (taken, subscription.plan_id, subscription.agreed_fee) == ({}, plan_id, agreed), subscription.number


def check_approvals() -> None:
    """Four eyes are four: nobody counts twice in a round, as themself or by a deputy; none of them had proposed it; and
    what was approved is within the limit it was approved by.
    """
    counted: set[tuple[int, int, int]] = set()
    for approval in Approval.objects.select_related("refund", "delegation"):
        name = f"{approval.refund.code}, approval {approval.step} of round {approval.round}"
        people = [approval.approver_id]
        if approval.delegation is not None:
            assert approval.on_behalf_of_id == approval.delegation.delegator_id, name
            assert approval.approver_id == approval.delegation.deputy_id, name
            people.append(approval.delegation.delegator_id)
        assert approval.proposer_id not in people, name
        assert approval.limit is None or approval.amount + approval.granted_before <= approval.limit, name
        for person in people:
            key = (approval.refund_id, approval.round, person)
            assert key not in counted, name
            counted.add(key)


def check_indemnities() -> None:
    """A fault, and the missed deadline it is known by, is made good once, with no more than the days were worth."""
    standing = (*Refund.OPEN_STATES, Refund.State.SETTLED)
    made_good: set[str] = set()
    for refund in Refund.objects.filter(indemnity_for__isnull=False, state__in=standing).select_related(
        "indemnity_for", "complaint", "period"
    ):
        assert refund.indemnity_for is not None
        assert refund.fault, refund.code
        for matter in (refund.fault, f"breach {refund.indemnity_for_id}"):
            assert matter not in made_good, f"{refund.code}: {matter}"
            made_good.add(matter)
        answer = Decision.objects.filter(at__gte=refund.indemnity_for.due_at).order_by("-at").first()
        assert answer is not None, refund.code
        days = (answer.at.date() - refund.indemnity_for.due_at.date()).days
        per_day = Decimal(refund.complaint.terms.indemnity_per_day[refund.currency])
        assert 0 < (refund.special_amount or NOTHING) <= min(days * per_day, refund.period.fee), refund.code


def check_billed(today: date, fresh: models.QuerySet[Invoice]) -> None:
    """What holds right after a billing run of the day that wrote the ``fresh`` invoices: nothing is left to do, the
    invoices have used up charges and, oldest first, credits (R6).
    """
    assert not BillingPeriod.objects.filter(state=BillingPeriod.State.OPEN, closes_on__lte=today).exists()
    late = Invoice.objects.filter(state=Invoice.State.ISSUED, due_on__lt=today, disputed_on__isnull=True)
    assert not late.exists(), late
    for invoice in fresh.select_related("period__subscription", "charges_of"):
        of_one = {"subscription": invoice.subscription.pk}
        name = f"invoice {invoice.number}"
        assert not Charge.objects.filter(**of_one, invoiced_on__isnull=True).exists(), name
        credits = list(Credit.objects.filter(**of_one).order_by("granted_on", "pk"))
        if invoice.credited < invoice.gross:
            assert sum(credit.remaining for credit in credits) == 0, name
        used = set(invoice.credit_applications.values_list("credit", flat=True))
        while credits and used:
            credit = credits.pop(0)
            used.discard(credit.pk)
            assert credit.remaining == 0 or not used, f"{name} used a newer credit than {credit.pk}"


def _entry(remedy: Remedy, name: str) -> Decimal:
    """What the reversal of the remedy's refund wrote down about it."""
    reversal = Reversal.objects.get(refund=remedy.refund_id, state=Reversal.State.APPROVED)
    return Decimal(next(entry[name] for entry in reversal.entries if entry["kind"] == remedy.kind))


def _first_written(model: Any, **state: str) -> dict[int, datetime]:
    """When the history first has each row, in a state."""
    return dict(
        model.history.filter(**state)
        .order_by()
        .values("id")
        .annotate(first=models.Min("history_date"))
        .values_list("id", "first")
    )


def _sums(parts: Iterable[tuple[int | None, Decimal]]) -> dict[int, Decimal]:
    sums: dict[int, Decimal] = defaultdict(Decimal)
    for key, amount in parts:
        if key is not None:
            sums[key] += amount
    return sums


def _counts(parts: Iterable[tuple[int, int]]) -> dict[int, int]:
    counts: dict[int, int] = defaultdict(int)
    for key, number in parts:
        counts[key] += number
    return counts


# --- Seconds of a period --------------------------------------------------------------------------


def _zone() -> ZoneInfo:
    return ZoneInfo(settings.BUSINESS_TIME_ZONE)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=_zone()).astimezone(UTC)


def _unit(refund: Refund) -> Fraction:
    return Fraction(1, 10 ** minor_units(refund.currency))


def _counted(refund: Refund) -> Seconds:
    """What the refund keeps as counted, joined and in order."""
    joined: Seconds = []
    for start, end in sorted((datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in refund.counted):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined


def _unused(refund: Refund) -> Seconds:
    """The days that a usage refund gave back as not provided."""
    if refund.basis != Refund.Basis.USAGE:
        return []
    received = date.fromisoformat(refund.inputs["as_of"])
    first = received + timedelta(days=1) if refund.inputs["as_of_day_counts"] else received
    start, end = _midnight(first), _midnight(refund.period.ends_on)
    return [(start, end)] if start < end else []


def _length(seconds: Seconds) -> Fraction:
    microseconds = sum((end - start) // timedelta(microseconds=1) for start, end in seconds)
    return Fraction(microseconds, 1_000_000)


def _first(seconds: Seconds, share: Fraction) -> Seconds:
    """The earliest of them up to the share, a part of a second counted whole."""
    left = ceil(_length(seconds) * share)
    kept: Seconds = []
    for start, end in seconds:
        until = min(end, start + timedelta(seconds=left))
        if start < until:
            kept.append((start, until))
            left -= ceil(_length([(start, until)]))
    return kept


def _common(ones: Seconds, others: Seconds) -> Seconds:
    pairs = [(max(a, c), min(b, d)) for a, b in ones for c, d in others]
    return [(start, end) for start, end in pairs if start < end]


def _before(one: Refund, other: Refund) -> bool:
    """Whether the other was quoted, or quoted again for its approval, when the one was given or held already."""
    steps = [max((approval.pk for approval in refund.approvals.all()), default=0) for refund in (one, other)]
    if one.settled_at and other.settled_at:
        return steps[0] < steps[1]
    return one.proposed_at is not None and other.proposed_at is not None and one.proposed_at < other.proposed_at


def check_set_off_before_cash() -> None:
    """After a run no ended subscription's credit lies beside a debt of its customer."""
    for credit in Credit.objects.filter(subscription__state="ended"):
        left = credit.granted - credit.applied - credit.reversed - credit.paid_out
        if not left:
            continue
        for invoice in Invoice.objects.filter(customer=credit.customer_id, currency=credit.currency, disputed_on=None):
            assert not invoice.due, f"{left} of credit {credit.pk} beside {invoice.number}"
