"""Writing a file of purchases with their phones and instalments: one action for it all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import batched

from django.db.models import Prefetch

from accounts.customers.models import Customer
from accounts.customers.rules import merged_obstacle
from accounts.imports.frame import Import
from accounts.numbers.models import next_numbers
from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.actions import Obstacle
from audit.bulk import CHUNK, create_tracked
from core.sheets.cells import Candidate
from core.sheets.problems import Problem, quoted
from core.sheets.report import RowOutcome, RowResult
from core.text import say
from hardware.imports.rows import PurchaseRow, twice
from hardware.phones.models import Phone, PhoneModel
from hardware.purchases.actions import (
    PURCHASE_SERIES,
    DueInstalment,
    build_instalments,
    build_purchase,
    plan_obstacle,
    price_obstacle,
    purchase_number,
    whole_plan,
)
from hardware.purchases.instalments.rules import equal_parts, monthly_from
from hardware.purchases.models import Instalment, Purchase
from hardware.vocabulary import HardwareVerb


@dataclass(frozen=True, slots=True)
class _Ready:
    """A purchase to write, of a phone that is new or in stock."""

    phone: Phone
    purchase: Purchase
    instalments: list[Instalment]


@dataclass(frozen=True, slots=True)
class _Here:
    """What the database knows of the file's customers, models and phones."""

    customers: dict[str, Customer]
    models: dict[tuple[str, str], PhoneModel]
    phones: dict[tuple[str, str], Phone]
    macs: dict[str, Phone]


def _prepare(
    candidates: Sequence[Candidate[PurchaseRow]], *, by: User, today: date, lock: bool
) -> tuple[list[RowResult], list[_Ready]]:
    """A result for every row, in the file's order, and what the added ones consist of."""
    repeated = twice(candidates)
    here = _look_up([candidate.value for candidate in candidates if candidate.value], lock=lock)
    results: list[RowResult] = []
    ready: list[_Ready] = []
    for candidate in candidates:
        row, problems, outcome, detail = candidate.value, candidate.problems, RowOutcome.REFUSED, ""
        problems = (*problems, *repeated.get(candidate.row, ()))
        if row is not None and not problems:
            found = _decide(row, here, today)
            if isinstance(found, _Ready):
                ready.append(found)
                outcome, detail = RowOutcome.ADDED, f"for {found.purchase.customer.number}, {found.phone.model}"
            elif isinstance(found, Purchase):
                outcome, detail = RowOutcome.KNOWN, f"is {found.number}"
            else:
                problems = found
        results.append(RowResult(candidate.row, candidate.number, outcome, detail, problems))
    return results, ready


def _look_up(wanted: Sequence[PurchaseRow], *, lock: bool) -> _Here:
    customers: dict[str, Customer] = {}
    phones: dict[tuple[str, str], Phone] = {}
    macs: dict[str, Phone] = {}
    purchases = Prefetch("purchases", Purchase.objects.select_related("customer").prefetch_related("instalments"))
    for chunk in batched(wanted, CHUNK):
        numbers = {row.customer for row in chunk}
        found = Customer.objects.filter(number__in=numbers).order_by("pk")
        customers.update((each.number, each) for each in (found.select_for_update(no_key=True) if lock else found))
        for by_what in ({"serial__in": {row.serial for row in chunk}}, {"mac__in": {row.mac for row in chunk}}):
            for phone in Phone.objects.filter(**by_what).select_related("model").prefetch_related(purchases):
                phones[phone.maker.casefold(), phone.serial] = phone
                macs[phone.mac] = phone
    models = {(each.maker.casefold(), each.name.casefold()): each for each in PhoneModel.objects.all()}
    return _Here(customers, models, phones, macs)


def _decide(row: PurchaseRow, here: _Here, today: date) -> _Ready | Purchase | tuple[Problem, ...]:
    customer = here.customers.get(row.customer)
    if customer is None:
        return (Problem("customer", "unknown", f"{quoted(row.customer)} is no customer here."),)
    model = here.models.get((row.maker.casefold(), row.model.casefold()))
    if model is None:
        name = quoted(f"{row.maker} {row.model}")
        return (Problem("model", "unknown", f"{name} is no phone model here: add it first."),)
    plan = _plan(row, customer.currency)
    if isinstance(plan, Problem):
        return (plan,)
    phone = here.phones.get((model.maker.casefold(), row.serial))
    if phone is not None:
        known = _known(row, customer, model, phone, plan)
        if known is not None:
            return known
    if obstacle := merged_obstacle(customer):
        return (_problem("customer", obstacle),)
    if phone is None and row.mac in here.macs:
        other = here.macs[row.mac]
        return (Problem("mac", "taken", f"{row.mac} is the address of {other}."),)
    return _ready(
        row, customer, phone or Phone(model=model, maker=model.maker, serial=row.serial, mac=row.mac), plan, today
    )


def _plan(row: PurchaseRow, currency: str) -> list[DueInstalment] | Problem:
    if obstacle := price_obstacle(row.price, currency):
        return _problem("price", obstacle)
    if isinstance(row.instalments, tuple):
        plan = [DueInstalment(due_on, amount) for due_on, amount in row.instalments]
    elif row.price and row.instalments > 1:
        try:
            amounts = equal_parts(row.price, currency, row.instalments)
        except ValueError as problem:
            return Problem("instalments", "parts", str(problem))
        plan = [
            DueInstalment(due_on, amount)
            for due_on, amount in zip(monthly_from(row.bought_on, row.instalments), amounts, strict=True)
        ]
    else:
        plan = whole_plan((), row.price, row.bought_on)
    if obstacle := plan_obstacle(plan, row.price, currency, row.bought_on):
        return _problem("instalments", obstacle)
    if row.paid > len(plan):
        return Problem("paid", "count", f"{row.paid} are paid and there are {len(plan)} instalments.")
    return plan


def _known(
    row: PurchaseRow, customer: Customer, model: PhoneModel, phone: Phone, plan: list[DueInstalment]
) -> Purchase | tuple[Problem, ...] | None:
    """The purchase that the row tells of, if it is here; why the phone cannot be sold; None when it is in stock."""
    if (phone.model_id, phone.mac) != (model.pk, row.mac):
        return (Problem("serial", "differs", f"{quoted(row.serial)} is here as {phone.model}, {phone.mac}."),)
    purchases = sorted(phone.purchases.all(), key=lambda each: each.pk)
    for purchase in purchases:
        agreed = [DueInstalment(part.due_on, part.amount) for part in purchase.instalments.all()]
        same = (purchase.bought_on, purchase.price, agreed) == (row.bought_on, row.price, plan)
        # The purchases of a customer who was merged into another stand there now.
        if same and purchase.customer_id in (customer.pk, customer.merged_into_id):
            return purchase
    latest = purchases[-1] if purchases else None
    if latest is None:
        return None
    if latest.returned_on is None:
        whose = f"{latest.number} of {latest.customer.number}, with another customer, day, price or instalments"
        return (Problem("serial", "taken", f"{quoted(row.serial)} is here as {whose}."),)
    if row.bought_on < latest.returned_on:
        return (Problem("bought_on", "stock", f"the phone came back to stock on {latest.returned_on} only."),)
    return None


def _ready(row: PurchaseRow, customer: Customer, phone: Phone, plan: list[DueInstalment], today: date) -> _Ready:
    purchase = build_purchase(phone, customer, price=row.price, bought_on=row.bought_on)
    instalments = build_instalments(purchase, plan)
    for part in instalments[: row.paid]:
        part.paid_on = min(part.due_on, today)
        purchase.paid += part.amount
    if instalments and purchase.paid == purchase.price:
        purchase.owned_on = max(part.paid_on for part in instalments if part.paid_on is not None)
    return _Ready(phone, purchase, instalments)


def _problem(field: str, obstacle: Obstacle) -> Problem:
    return Problem(field, obstacle.code, obstacle.sentence)


def _write(ready: Sequence[_Ready], *, reason: str) -> None:
    create_tracked(Phone, [made.phone for made in ready if made.phone._state.adding], reason=reason)
    for made, n in zip(ready, next_numbers(PURCHASE_SERIES, len(ready)), strict=True):
        made.purchase.number = purchase_number(n)
        made.purchase.phone_id = made.phone.pk
    create_tracked(Purchase, [made.purchase for made in ready], reason=reason)
    parts = []
    for made in ready:
        for part in made.instalments:
            part.purchase_id = made.purchase.pk
            parts.append(part)
    create_tracked(Instalment, parts, reason=reason)


#: Purchases that are not here yet, each with its phone and instalments. The first instalments that the file calls paid
#: are recorded as paid on the day they were due, or on the day of the import if that is still to come. A row that is
#: here with the same content is known and left alone, whatever was paid since. Numbers follow the file's order.
PURCHASES = Import(
    verb=HardwareVerb.PURCHASES_IMPORT,
    model=Purchase,
    rights=(May.IMPORT, May.HANDLE_PHONES),
    prepare=_prepare,
    write=_write,
    concurrent=lambda: say(
        "Somebody has added one of these phones at the same moment. Nothing was imported: run it again."
    ),
)
