"""Where terms and invoices come from, checked: a period's from the prices in force on its first day, an invoice's and a
line's from their period.

Prices are few and read once; periods are read in one stream.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import reduce
from itertools import groupby
from operator import or_
from typing import Any, cast

from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, When
from django.db.models.functions import Coalesce, TruncDate

from audit.history_checks import published
from audit.ledger_checks import CHUNK, Breach, Check, each
from billing.credits.models import CreditApplication
from billing.invoices.issuing import PAYMENT_DAYS
from billing.invoices.models import CreditNote, Invoice, InvoiceLine
from billing.money import NO_SPLIT, Split, split_back, split_gross, split_next
from billing.plans.models import OperationCost, Price
from billing.subscriptions.models import BillingPeriod, PlanChange, Subscription

#: As many different wrong splits of a line as are told at once.
AT_ONCE = 200

# --- What was in force --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Dated[T]:
    """Published terms, and the moment of their publication."""

    valid_from: date
    published_at: datetime | None
    terms: T


class _Catalogue[T]:
    """Published terms by what they are of."""

    def __init__(self) -> None:
        self._rows: dict[Any, list[_Dated[T]]] = defaultdict(list)

    def add(self, of: Any, row: _Dated[T]) -> None:
        """The newest day first."""
        self._rows[of].append(row)

    def known(self) -> Iterable[Any]:
        """Everything that ever had terms."""
        return self._rows

    def in_force(self, of: Any, day: date, at: datetime | None) -> list[T]:
        """What a period that begins on the day may have: the terms in force by what is published now, and by what was
        published when it was written.
        """
        holding = [row for row in self._rows.get(of, ()) if row.valid_from <= day]
        known = [row for row in holding if at is None or row.published_at is None or row.published_at <= at]
        return [rows[0].terms for rows in (holding, known) if rows]


@dataclass(frozen=True, slots=True)
class _PeriodTerms:
    fee: Decimal
    tax_rate: Decimal
    included_minutes: int
    minute_cost: Decimal


def _prices() -> _Catalogue[_PeriodTerms]:
    found: _Catalogue[_PeriodTerms] = _Catalogue()
    for price in published(Price):
        terms = _PeriodTerms(price.fee, price.tax_rate, price.included_minutes, price.minute_cost)
        found.add((price.plan_id, price.term, price.currency), _Dated(price.valid_from, price.since, terms))
    return found


def _costs() -> _Catalogue[Decimal]:
    found: _Catalogue[Decimal] = _Catalogue()
    for cost in published(OperationCost).select_related("operation"):
        found.add((cost.currency, cost.operation.code), _Dated(cost.valid_from, cost.since, cost.unit_cost))
    return found


class _AgreedFees:
    """The fee that was agreed for a subscription's periods: as it was opened, then as each applied change says."""

    def __init__(self) -> None:
        self._changed: dict[int, list[tuple[int, Decimal | None]]] = defaultdict(list)
        applied = PlanChange.objects.filter(state=PlanChange.State.APPLIED)
        for pk, sequence, fee in applied.order_by("applied_period__sequence").values_list(
            "subscription_id", "applied_period__sequence", "agreed_fee"
        ):
            self._changed[pk].append((sequence, fee))
        history = cast("Any", Subscription).history.model
        opened = history.objects.filter(history_type="+", id__in=applied.values("subscription")).order_by()
        self._opened: Mapping[int, Decimal | None] = dict(opened.values_list("id", "agreed_fee"))

    def of(self, subscription_id: int, sequence: int, now: Decimal | None) -> Decimal | None:
        """For the period with the number; ``now`` is what the subscription says."""
        fee = self._opened.get(subscription_id, now)
        for since, agreed in self._changed.get(subscription_id, ()):
            if since <= sequence:
                fee = agreed
        return fee


# --- Periods ------------------------------------------------------------------------------------


def period_terms() -> Iterator[Breach]:
    """A period costs what the price of its plan said on its first day, or what was agreed; so do its operations."""
    prices, costs, agreed = _prices(), _costs(), _AgreedFees()
    history = cast("Any", BillingPeriod).history.model
    written = history.objects.filter(id=OuterRef("pk"), history_type="+").order_by().values("history_date")[:1]
    rows = BillingPeriod.objects.order_by("pk").annotate(written=Subquery(written)).values_list(
        "subscription_id", "subscription__number", "subscription__agreed_fee", "sequence", "plan_id", "term",
        "currency", "starts_on", "fee", "tax_rate", "included_minutes", "minute_cost", "operation_costs", "written",
        "subscription__currency", "subscription__term", named=True,
    )  # fmt: skip
    for row in rows.iterator(chunk_size=CHUNK):
        name = f"{row.subscription__number}, period {row.sequence}"
        if (row.currency, row.term) != (row.subscription__currency, row.subscription__term):
            yield Breach(
                "period-kind",
                name,
                f"is {row.term} in {row.currency}, its subscription {row.subscription__term} in "
                f"{row.subscription__currency}",
            )
        yield from _unlike_price(row, name, prices, agreed)
        yield from _unlike_costs(row, name, costs)


def _unlike_price(row: Any, name: str, prices: _Catalogue[_PeriodTerms], agreed: _AgreedFees) -> Iterator[Breach]:
    found = prices.in_force((row.plan_id, row.term, row.currency), row.starts_on, row.written)
    if not found:
        yield Breach("period-price", name, f"no published price of its plan holds on {row.starts_on}")
        return
    fee = agreed.of(row.subscription_id, row.sequence, row.subscription__agreed_fee)
    is_ = _PeriodTerms(row.fee, row.tax_rate, row.included_minutes, row.minute_cost)
    wanted = [
        _PeriodTerms(terms.fee if fee is None else fee, terms.tax_rate, terms.included_minutes, terms.minute_cost)
        for terms in found
    ]
    if is_ not in wanted:
        yield Breach(
            "period-terms",
            name,
            f"has {_said(is_)}; {'the price' if fee is None else 'what was agreed and the price'} of {row.starts_on} "
            f"says {_said(wanted[0])}",
        )


def _said(terms: _PeriodTerms) -> str:
    return (
        f"fee {terms.fee:f}, tax {terms.tax_rate:f} %, {terms.included_minutes} minutes included, "
        f"{terms.minute_cost:f} a minute"
    )


def _unlike_costs(row: Any, name: str, costs: _Catalogue[Decimal]) -> Iterator[Breach]:
    of_currency = {code for currency, code in costs.known() if currency == row.currency}
    has = {cost["code"]: Decimal(cost["unit_cost"]) for cost in row.operation_costs}
    for code in sorted(of_currency | set(has)):
        found = costs.in_force((row.currency, code), row.starts_on, row.written)
        # An operation whose first cost was published after the period was written has none in it.
        late = len(found) == 1 and code not in has
        if has.get(code) not in found and not late and (found or code in has):
            says = f"{found[0]:f}" if found else "nothing"
            is_ = f"{has[code]:f}" if code in has else "nothing"
            yield Breach("period-operation", name, f"{code} costs {is_}, what is published says {says}")


# --- Invoices -----------------------------------------------------------------------------------


def invoices_of_their_own() -> Iterator[Breach]:
    """An invoice has the customer and the currency of its subscription; a fee's line the tax rate of its period, a
    charge's line that of the charge.
    """
    of = ("period__subscription", "charges_of")
    rows = Invoice.objects.annotate(
        of_customer=Coalesce(*(f"{path}__customer" for path in of)),
        of_currency=Coalesce("period__currency", "charges_of__currency"),
    ).filter(~Q(customer=F("of_customer")) | ~Q(currency=F("of_currency")))
    for row in each(rows.select_related("customer")):
        yield Breach(
            "invoice-whose",
            f"invoice {row.number}",
            f"is in {row.currency} for customer {row.customer.number}; its subscription pays in {row.of_currency}, by "
            f"the customer with the key {row.of_customer}",
        )
    written = cast("Any", Invoice).history.model.objects.filter(id=OuterRef("pk"), history_type="+").order_by()
    earlier = BillingPeriod.objects.filter(subscription=OuterRef("period__subscription"), pk__lt=OuterRef("period"))
    days = Invoice.objects.annotate(
        written=TruncDate(Subquery(written.values("history_date")[:1])),
        # A subscription may be opened before it begins; a run invoices what has begun.
        due_from=Case(When(issued_on__lt=F("period__starts_on"), then=F("period__starts_on")), default=F("issued_on")),
    ).filter(
        ~Q(due_on=F("due_from") + timedelta(days=PAYMENT_DAYS))
        | Q(issued_on__gt=F("written"))
        | (Q(issued_on__lt=F("period__starts_on")) & Exists(earlier))
        | (Q(issued_on__lt=F("written")) & Q(period__isnull=False) & ~Exists(earlier))
    )
    for row in each(days):
        yield Breach(
            "invoice-day",
            f"invoice {row.number}",
            f"is dated {row.issued_on} and due on {row.due_on}; it was written on {row.written}, and is due "
            f"{PAYMENT_DAYS} days later",
        )
    lines = InvoiceLine.objects.annotate(rate=Coalesce("charge__tax_rate", "invoice__period__tax_rate")).exclude(
        tax_rate=F("rate")
    )
    for line in each(lines.select_related("invoice")):
        yield Breach(
            "invoice-line-rate",
            f"invoice {line.invoice.number}, line {line.position}",
            f"is taxed at {line.tax_rate:f} %, what it asks for at {line.rate:f} %",
        )


def splits() -> Iterator[Breach]:
    """Net and tax of a line are those that its gross amount has at its rate, and a credit note's mirror its fee's."""
    for line in _split_wrongly(InvoiceLine.objects.annotate(of=F("invoice__currency")).select_related("invoice")):
        yield Breach("invoice-line-tax", f"invoice {line.invoice.number}, line {line.position}", _split_of(line))
    yield from credit_note_splits()


def credit_note_splits() -> Iterator[Breach]:
    """The notes of a period, in the order they were written, are split as the sum of those that stand is, and never
    come to more than its fee; a reversal is split within its note. In one stream.
    """
    rows = CreditNote.objects.filter(period__isnull=False).order_by("period_id", "pk").values_list(
        "number", "period_id", "period__fee", "currency", "tax_rate", "gross", "net", "tax", "kind", "reverses_id",
        "pk", named=True,
    )  # fmt: skip
    for _, notes in groupby(rows.iterator(chunk_size=CHUNK), key=lambda row: row.period_id):
        standing, written = NO_SPLIT, {}
        for row in notes:
            is_ = written[row.pk] = Split(row.gross, row.net, row.tax)
            back = row.kind == CreditNote.Kind.REVERSAL
            assert row.tax_rate is not None
            try:
                should = (
                    split_back(row.gross, written.get(row.reverses_id, NO_SPLIT), row.tax_rate, row.currency)
                    if back
                    else split_next(row.gross, row.period__fee, standing, row.tax_rate, row.currency)
                )
            except ValueError as problem:
                yield Breach("credit-note-tax", f"credit note {row.number}", str(problem))
            else:
                if should != is_:
                    yield Breach(
                        "credit-note-tax",
                        f"credit note {row.number}",
                        f"{row.gross:f} is split into {row.net:f} net and {row.tax:f} tax; after the notes before it "
                        f"it is {should.net:f} and {should.tax:f}",
                    )
            standing = standing - is_ if back else standing + is_


def _split_wrongly(rows: Any) -> Iterator[Any]:
    """The database finds the different splits, which are few; each is worked out once."""
    columns = ("gross", "tax_rate", "of", "net", "tax")
    wrong = [
        dict(zip(columns, kind, strict=True))
        for kind in rows.order_by().values_list(*columns).distinct()
        if kind[3:] != _split(*kind[:3])
    ]
    # Asked also if nothing is wrong, so that the number of queries stays the same.
    yield from each(rows.filter(reduce(or_, (Q(**kind) for kind in wrong[:AT_ONCE]), Q(pk__isnull=True))))


def _split(gross: Decimal, tax_rate: Decimal, currency: str) -> tuple[Decimal, Decimal] | None:
    """Net and tax, or None for what is no amount of the currency."""
    try:
        return split_gross(gross, tax_rate, currency)
    except ValueError:
        return None


def _split_of(row: Any) -> str:
    split = _split(row.gross, row.tax_rate, row.of)
    should = "{:f} and {:f}".format(*split) if split else f"no amount of {row.of}"
    return f"{row.gross:f} is split into {row.net:f} net and {row.tax:f} tax; at {row.tax_rate:f} % it is {should}"


def applications() -> Iterator[Breach]:
    """A credit was used by an invoice of its own subscription on the invoice's day, or set off later against any
    invoice of its customer; in its own currency.
    """
    rows = CreditApplication.objects.annotate(
        used_by=Coalesce("invoice__period__subscription", "invoice__charges_of")
    ).exclude(
        Q(used_by=F("credit__subscription"), applied_on=F("invoice__issued_on"))
        | Q(credit__customer=F("invoice__customer"), set_off_by__isnull=False, applied_on__gte=F("invoice__issued_on")),
        credit__currency=F("invoice__currency"),
    )
    for row in each(rows.select_related("credit__subscription", "invoice")):
        yield Breach(
            "application-elsewhere",
            f"application {row.pk}",
            f"{row.amount:f} of credit {row.credit_id} of {row.credit.subscription.number} ({row.credit.currency}) was "
            f"used on {row.applied_on} by invoice {row.invoice.number} of {row.invoice.issued_on} in "
            f"{row.invoice.currency}, of the subscription with the key {row.used_by}",
        )


CHECKS: tuple[Check, ...] = (period_terms, invoices_of_their_own, splits, applications)
