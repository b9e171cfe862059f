"""What would become of each row of a file: added, known already or refused. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import batched
from typing import Final

from django.core.exceptions import ValidationError
from django.db.models import Prefetch
from django.db.models.functions import Lower

from accounts.customers.models import Customer
from accounts.staff.models import User
from audit.bulk import CHUNK
from billing.imports.column_map import MappedField
from billing.imports.values import CustomerRow
from billing.money import format_amount
from billing.plans.models import Plan, Price
from billing.subscriptions.actions import (
    fee_obstacle,
    first_sequence,
    no_price,
    operation_costs,
    plan_obstacle,
    price_in_force,
)
from billing.subscriptions.models import Subscription
from billing.subscriptions.rules import own_period
from core.addresses import Address, parse_address, postcode_problem
from core.sheets.cells import Candidate
from core.sheets.problems import Problem, quoted
from core.sheets.report import RowOutcome, RowResult
from core.text import in_english

_OF_CUSTOMER: Final = tuple(
    name
    for name in MappedField
    if name
    not in {
        MappedField.PLAN,
        MappedField.TERM,
        MappedField.FEE,
        MappedField.ACTIVATED_ON,
        MappedField.POSTAL_ADDRESS,
    }
)


@dataclass(frozen=True, slots=True)
class CustomerDraft:
    """A row with the customer it makes, not saved, and what is wrong with them by their own fields."""

    candidate: Candidate[CustomerRow]
    customer: Customer | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Ready:
    """A customer and a subscription to write, and the terms of the subscription's first period here."""

    customer: Customer
    subscription: Subscription
    sequence: int
    price: Price
    costs: list[dict[str, str]]


def draft(candidates: Sequence[Candidate[CustomerRow]]) -> list[CustomerDraft]:
    """Each row's customer, checked field by field and against the other rows. Asks the database nothing."""
    rows_of_number: dict[str, list[int]] = {}
    for candidate in candidates:
        if candidate.number:
            rows_of_number.setdefault(candidate.number.casefold(), []).append(candidate.row)
    return [_draft(candidate, rows_of_number.get(candidate.number.casefold(), [])) for candidate in candidates]


def _draft(candidate: Candidate[CustomerRow], rows_with_number: list[int]) -> CustomerDraft:
    problems = list(candidate.problems)
    if len(rows_with_number) > 1:
        rows = ", ".join(str(row) for row in rows_with_number[:10])
        problems.append(Problem(MappedField.NUMBER.value, "twice", f"{quoted(candidate.number)} is in rows {rows}."))
    row = candidate.value
    if row is None:
        return CustomerDraft(candidate, None, tuple(problems))
    customer = Customer(
        **{name.value: row.texts[name] for name in _OF_CUSTOMER if name in row.texts},
        customer_since=row.customer_since,
    )
    if whole := row.texts.get(MappedField.POSTAL_ADDRESS, ""):
        parsed = parse_address(whole, customer.country)
        for part in ("street", "number", "postcode", "town"):
            setattr(customer, f"postal_{part}", getattr(parsed.address, part))
        customer.address_to_check = not parsed.sure
    if problem := postcode_problem(customer.postal):
        problems.append(Problem(MappedField.POSTAL_POSTCODE.value, "postcode", problem))
    try:
        customer.clean_fields()
    except ValidationError as error:
        problems.extend(Problem(name, "invalid", " ".join(messages)) for name, messages in error.message_dict.items())
    return CustomerDraft(candidate, customer, tuple(problems))


def prepare(
    candidates: Sequence[Candidate[CustomerRow]], *, by: User, today: date, lock: bool
) -> tuple[list[RowResult], list[Ready]]:
    """A result for every row, in the file's order, and what the added ones consist of. ``lock`` keeps the plans as
    they are until the transaction ends.
    """
    drafts = draft(candidates)
    wanted = {drafted.candidate.value.texts[MappedField.PLAN] for drafted in drafts if drafted.candidate.value}
    plans = Plan.objects.order_by("pk").filter(code__in=wanted)
    shelf = _Shelf({plan.code: plan for plan in (plans.select_for_update(no_key=True) if lock else plans)})
    known = _known([drafted.candidate.number for drafted in drafts if not drafted.problems])
    ready: list[Ready] = []
    results = [
        _decide(drafted, known.get(drafted.candidate.number.casefold()), shelf, today, ready) for drafted in drafts
    ]
    return results, ready


def _decide(drafted: CustomerDraft, here: Customer | None, shelf: _Shelf, today: date, ready: list[Ready]) -> RowResult:
    candidate, row = drafted.candidate, drafted.candidate.value
    problems = drafted.problems
    outcome, detail = RowOutcome.REFUSED, ""
    if not problems and row is not None and drafted.customer is not None:
        if here is not None:
            # The currency is the customer's and the subscription's: told once.
            problems = tuple(dict.fromkeys(_differences(row, drafted.customer, here)))
            outcome = RowOutcome.REFUSED if problems else RowOutcome.KNOWN
        else:
            made = _ready(row, drafted.customer, shelf, today)
            if isinstance(made, Ready):
                ready.append(made)
                outcome, detail = RowOutcome.ADDED, _in_words(made)
            else:
                problems = made
    return RowResult(candidate.row, candidate.number, outcome, detail, problems)


def _ready(row: CustomerRow, customer: Customer, shelf: _Shelf, today: date) -> Ready | tuple[Problem, ...]:
    code = row.texts[MappedField.PLAN]
    plan = shelf.plans.get(code)
    problems: list[Problem] = []
    if plan is None:
        problems.append(
            Problem(MappedField.PLAN.value, "unknown", f"{quoted(code)} is no plan here; {shelf.on_sale()}.")
        )
    elif obstacle := plan_obstacle(plan):
        problems.append(Problem(MappedField.PLAN.value, obstacle.code, in_english(obstacle)))
    if row.fee is not None and (obstacle := fee_obstacle(row.fee, customer.currency)):
        problems.append(Problem(MappedField.FEE.value, obstacle.code, in_english(obstacle)))
    if problems or plan is None:
        return tuple(problems)
    subscription = Subscription(
        customer=customer,
        plan=plan,
        term=row.term.value,
        currency=customer.currency,
        agreed_fee=row.fee,
        activated_on=row.activated_on,
        anchor_on=row.activated_on,
    )
    sequence = first_sequence(subscription, today)
    day = own_period(subscription, sequence).starts_on
    price = shelf.price(plan, subscription.term, subscription.currency, day)
    if price is None:
        missing = no_price(plan, subscription.term, subscription.currency, day)
        return (Problem(MappedField.PLAN.value, missing.code, in_english(missing)),)
    return Ready(customer, subscription, sequence, price, shelf.costs(day, subscription.currency))


def _in_words(made: Ready) -> str:
    subscription = made.subscription
    fee = made.price.fee if subscription.agreed_fee is None else subscription.agreed_fee
    first = own_period(subscription, made.sequence)
    # What becomes of a file's rows is a report, in English as every record.
    return (
        f"{subscription.plan.code}, {subscription.term}, {format_amount(fee, subscription.currency)} "
        f"{subscription.currency}, since {subscription.activated_on}, billed here from {first.starts_on}"
    )


class _Shelf:
    """The plans that a file names, and their terms by day: each looked up once."""

    def __init__(self, plans: dict[str, Plan]) -> None:
        self.plans = plans
        self._prices: dict[tuple[int, str, str, date], Price | None] = {}
        self._costs: dict[tuple[date, str], list[dict[str, str]]] = {}
        self._on_sale = ""

    def price(self, plan: Plan, term: str, currency: str, day: date) -> Price | None:
        key = (plan.pk, term, currency, day)
        if key not in self._prices:
            self._prices[key] = price_in_force(*key)
        return self._prices[key]

    def costs(self, day: date, currency: str) -> list[dict[str, str]]:
        key = (day, currency)
        if key not in self._costs:
            self._costs[key] = operation_costs(*key)
        return self._costs[key]

    def on_sale(self) -> str:
        if not self._on_sale:
            codes = list(Plan.objects.filter(active=True).values_list("code", flat=True)[:20])
            self._on_sale = f"there are {', '.join(codes)}" if codes else "there are none yet"
        return self._on_sale


def _known(numbers: Sequence[str]) -> dict[str, Customer]:
    found: dict[str, Customer] = {}
    subscriptions = Prefetch("subscriptions", Subscription.objects.select_related("plan"))
    for chunk in batched(numbers, CHUNK):
        # Whatever their case: one customer is not taken over twice.
        lowered = Customer.objects.annotate(lowered=Lower("number")).filter(
            lowered__in=[each.lower() for each in chunk]
        )
        rows = lowered.prefetch_related(subscriptions)
        found.update((customer.number.casefold(), customer) for customer in rows)
    return found


def _differences(row: CustomerRow, new: Customer, here: Customer) -> Iterator[Problem]:
    """Where the file and what is here disagree, over the fields that the file gives."""
    for name in _OF_CUSTOMER:
        if name is MappedField.NUMBER:
            # The same without its case, or it would not have been found.
            continue
        if name in row.compared and getattr(new, name.value) != getattr(here, name.value):
            yield _differs(name, getattr(new, name.value), getattr(here, name.value))
    # Somebody may have put its parts right since: the words are what came.
    if MappedField.POSTAL_ADDRESS in row.compared and _words(new.postal) != _words(here.postal):
        yield _differs(MappedField.POSTAL_ADDRESS, ", ".join(new.postal.lines), ", ".join(here.postal.lines))
    subscriptions = list(here.subscriptions.all())
    if not subscriptions:
        yield Problem(MappedField.PLAN.value, "differs", "this customer is here, without any subscription.")
        return
    yield from min((_subscription_differences(row, new, one) for one in subscriptions), key=len)


def _words(address: Address) -> list[str]:
    return sorted(" ".join(address.lines).replace(",", " ").casefold().split())


def _subscription_differences(row: CustomerRow, new: Customer, here: Subscription) -> list[Problem]:
    pairs: list[tuple[MappedField, object, object]] = [
        (MappedField.PLAN, row.texts[MappedField.PLAN], here.plan.code),
        (MappedField.TERM, row.term.value, here.term),
        (MappedField.CURRENCY, new.currency, here.currency),
        (MappedField.FEE, row.fee, here.agreed_fee),
        (MappedField.ACTIVATED_ON, row.activated_on, here.activated_on),
    ]
    return [_differs(name, theirs, ours) for name, theirs, ours in pairs if name in row.compared and theirs != ours]


def _differs(name: MappedField, theirs: object, ours: object) -> Problem:
    return Problem(name.value, "differs", f"is {_value(theirs)} in the file and {_value(ours)} here.")


def _value(value: object) -> str:
    if value is None or value == "":
        return "blank"
    return quoted(f"{value:f}" if isinstance(value, Decimal) else str(value))
