"""One batch of a billing run: subscriptions whose periods close on one day, each brought one cycle further."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.staff.models import User
from audit.actions import Refused
from audit.bulk import create_from, create_tracked_from, update_held
from audit.models import Event
from billing.invoices.issuing import InvoiceDraft, Issued, ToInvoice, issue_invoices
from billing.money import format_amount
from billing.subscriptions.actions import TermsInForce
from billing.subscriptions.cancellations.rules import ends_with
from billing.subscriptions.models import BillingPeriod, PlanChange, Subscription
from billing.subscriptions.plan_changes.actions import scheduled_changes, settle_plan_changes
from billing.vocabulary import BillingVerb
from core.sql import in_list
from core.text import in_english

type Sums = dict[str, Decimal]


@dataclass
class BillingResult:
    """What a run, or one batch of it, did. Sums are by currency.

    ``problems`` are sentences about subscriptions that could not be billed; each names its subscription.
    ``leftover`` counts credits that ended subscriptions have left, for somebody to propose their payout.
    """

    batches: int = 0
    opened: int = 0
    ended: int = 0
    invoiced: int = 0
    overdue: int = 0
    leftover: int = 0
    gross: Sums = field(default_factory=dict)
    charged: Sums = field(default_factory=dict)
    credited: Sums = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def plus(self, other: BillingResult) -> BillingResult:
        """Both together."""

        def both(mine: Sums, more: Sums) -> Sums:
            return {unit: mine.get(unit, Decimal(0)) + more.get(unit, Decimal(0)) for unit in mine | more}

        return BillingResult(
            batches=self.batches + other.batches,
            opened=self.opened + other.opened,
            ended=self.ended + other.ended,
            invoiced=self.invoiced + other.invoiced,
            overdue=self.overdue + other.overdue,
            leftover=self.leftover + other.leftover,
            gross=both(self.gross, other.gross),
            charged=both(self.charged, other.charged),
            credited=both(self.credited, other.credited),
            problems=[*self.problems, *other.problems],
        )

    @property
    def amounts(self) -> dict[str, dict[str, str]]:
        """``{"gross": {"EUR": "60.00"}, "charged": ..., "credited": ...}``."""
        return {
            name: {currency: format_amount(amount, currency) for currency, amount in sorted(sums.items())}
            for name, sums in (("gross", self.gross), ("charged", self.charged), ("credited", self.credited))
        }

    def as_data(self) -> dict[str, object]:
        counts = ("batches", "opened", "ended", "invoiced", "overdue", "leftover")
        return {**{name: getattr(self, name) for name in counts}, **self.amounts, "problems": self.problems}


@dataclass(frozen=True, slots=True)
class _Due:
    """A subscription whose open period closes on the day, both locked.

    ``alike`` is everything that its next period is made from: two with the same get the same but for whose it is.
    """

    pk: int
    number: str
    customer_id: int
    cancelled_on: date | None
    period_id: int
    sequence: int
    alike: tuple[Any, ...]


#: A subscription's columns that say nothing about its next period. Any other makes it differ.
_SAYS_NOTHING = {
    "id", "number", "customer_id", "activated_on", "state", "cancelled_on", "cancellation_channel", "ended_on",
}  # fmt: skip


def bill_batch(subscription_ids: Sequence[int], day: date, *, today: date, by: User) -> BillingResult:
    """Bring each of the subscriptions whose open period closes on the day one cycle further, in the caller's
    transaction: end the period; end a cancelled subscription with it (F4), or open the next period and invoice it, on
    the run's day.

    A subscription without a price in force is named in the result and left as it was. One that somebody else has
    billed or extended meanwhile is passed over. Each that changed gets an event.

    Next periods that are alike are built once and written as copies, with their invoices.
    """
    result = BillingResult(batches=1)
    due = _due(subscription_ids, day)
    changes = scheduled_changes([one.pk for one in due])
    ending = [one.pk for one in due if ends_with(one.cancelled_on, day)]
    following = _next_periods([one for one in due if not ends_with(one.cancelled_on, day)], day, changes)
    tell = _Teller(by)
    opening: list[tuple[_Due, BillingPeriod]] = []
    over: list[int] = []
    for one in due:
        match following.get(one.pk):
            case None:
                tell.ended(one, day)
            case Refused() as refused:
                result.problems.append(in_english(refused.message))
                tell.refused(one, refused)
                continue
            case period:
                opening.append((one, period))
        over.append(one.period_id)

    update_held(BillingPeriod, over, state=BillingPeriod.State.ENDED)
    update_held(Subscription, ending, state=Subscription.State.ENDED, ended_on=day)
    keys = create_tracked_from(
        BillingPeriod,
        [period for _, period in opening],
        known_by="subscription_id",
        subscription_id=[one.pk for one, _ in opening],
    )
    settle_plan_changes(changes, [period for one, period in opening if one.pk in changes], ending)
    issued = issue_invoices(
        [
            ToInvoice(key, one.pk, one.customer_id, like=period)
            for key, (one, period) in zip(keys, opening, strict=True)
        ],
        on=today,
    )
    for (one, _), invoice in zip(opening, issued, strict=True):
        _count(result, invoice.draft)
        tell.billed(one, invoice)
    tell.write()
    result.opened = result.invoiced = len(opening)
    result.ended = len(ending)
    return result


def _due(ids: Iterable[int], day: date) -> list[_Due]:
    """Those of the subscriptions that are due on the day, by key; locked."""
    alike = [field.attname for field in Subscription._meta.concrete_fields if field.attname not in _SAYS_NOTHING]
    subscriptions = list(
        Subscription.objects.running()
        .filter(in_list("pk", ids))
        .order_by("pk")
        .select_for_update(no_key=True)
        .values_list("pk", "number", "customer_id", "cancelled_on", *alike)
    )
    # Locked after their subscriptions, so that an extension being granted is waited for and then seen.
    over = (
        BillingPeriod.objects.filter(
            in_list("subscription", [row[0] for row in subscriptions]), state=BillingPeriod.State.OPEN, closes_on=day
        )
        .order_by("pk")
        .select_for_update(no_key=True)
        .values_list("subscription_id", "pk", "sequence")
    )
    closing = {subscription_id: (period_id, sequence) for subscription_id, period_id, sequence in over}
    return [
        _Due(pk, number, customer_id, cancelled_on, *closing[pk], alike=(*terms, closing[pk][1]))
        for pk, number, customer_id, cancelled_on, *terms in subscriptions
        if pk in closing
    ]


def _next_periods(
    due: Sequence[_Due], day: date, changes: Mapping[int, PlanChange]
) -> dict[int, BillingPeriod | Refused]:
    """By subscription, the period that follows on the day, not saved, or why there can be none.

    Subscriptions that are alike share one object, which says of its subscription what holds for the first. One whose
    plan is to change is like no other.
    """
    groups: dict[tuple[Any, ...], list[_Due]] = defaultdict(list)
    for one in due:
        groups[(*one.alike, one.pk if one.pk in changes else None)].append(one)
    firsts = _with_plans([group[0].pk for group in groups.values()])
    terms = TermsInForce(day, {subscription.plan_id for subscription in firsts.values()}, changes)
    found: dict[int, BillingPeriod | Refused] = {}
    unlike: list[_Due] = []
    for group in groups.values():
        first, *others = group
        built = _built(terms, firsts[first.pk], first)
        found[first.pk] = built
        if isinstance(built, Refused):
            # Each refusal names its own subscription.
            unlike.extend(others)
        else:
            found.update((one.pk, built) for one in others)
    refused = _with_plans([one.pk for one in unlike])
    found.update((one.pk, _built(terms, refused[one.pk], one)) for one in unlike)
    return found


def _with_plans(pks: Sequence[int]) -> Mapping[int, Subscription]:
    return Subscription.objects.select_related("plan").in_bulk(pks) if pks else {}


def _built(terms: TermsInForce, subscription: Subscription, due: _Due) -> BillingPeriod | Refused:
    try:
        return terms.period(subscription, due.sequence + 1)
    except Refused as refused:
        return refused


def _count(result: BillingResult, draft: InvoiceDraft) -> None:
    invoice = draft.invoice
    _add(result.gross, invoice.currency, invoice.gross)
    if invoice.credited:
        _add(result.credited, invoice.currency, invoice.credited)
    for charge in draft.charges:
        _add(result.charged, charge.currency, charge.amount)


def _add(sums: Sums, currency: str, amount: Decimal) -> None:
    sums[currency] = sums.get(currency, Decimal(0)) + amount


class _Teller:
    """Gathers the events of a batch, which differ in what they are about and in what they say."""

    def __init__(self, by: User) -> None:
        self._prototype = Event(
            at=timezone.now(),
            actor_id=by.pk,
            actor_name=by.get_full_name() or by.get_username(),
            actor_role=by.role_name or "",
            verb=BillingVerb.SUBSCRIPTION_BILL,
            target_type=Subscription._meta.label_lower,
        )
        self._about: list[_Due] = []
        self._outcomes: list[str] = []
        self._messages: list[str] = []
        self._data: list[dict[str, Any]] = []
        self._told: dict[int, tuple[str, dict[str, str]]] = {}

    def billed(self, one: _Due, issued: Issued) -> None:
        draft = issued.draft
        if id(draft) not in self._told:
            self._told[id(draft)] = _what_it_asks(draft)
        text, amounts = self._told[id(draft)]
        data = {"period": issued.period_id, "invoice": issued.number, **amounts}
        self._tell(one, Event.Outcome.DONE, f"Invoice {issued.number} for {text}.", data)

    def ended(self, one: _Due, day: date) -> None:
        data = {"period": one.period_id, "ended_on": day.isoformat()}
        self._tell(one, Event.Outcome.DONE, f"It ended with its period, on {day}.", data)

    def refused(self, one: _Due, refused: Refused) -> None:
        self._tell(one, Event.Outcome.REFUSED, in_english(refused.message), {"code": refused.code, **refused.data})

    def write(self) -> None:
        create_from(
            Event,
            [self._prototype] * len(self._about),
            target_id=[one.pk for one in self._about],
            target_label=[one.number for one in self._about],
            customer_id=[one.customer_id for one in self._about],
            outcome=self._outcomes,
            message=self._messages,
            data=self._data,
        )

    def _tell(self, one: _Due, outcome: str, message: str, data: dict[str, Any]) -> None:
        self._about.append(one)
        self._outcomes.append(outcome)
        self._messages.append(message)
        self._data.append(data)


def _what_it_asks(draft: InvoiceDraft) -> tuple[str, dict[str, str]]:
    """An invoice's period and amounts, in words and as the event's data."""
    invoice = draft.invoice
    unit = invoice.currency
    gross, credited = format_amount(invoice.gross, unit), format_amount(invoice.credited, unit)
    assert invoice.period is not None
    text = f"{invoice.period.in_figures}: {gross} {unit}"
    if invoice.credited:
        text += f", of which credits bear {credited}"
    amounts = {"gross": gross, "credited": credited, "currency": unit}
    if invoice.paid:
        amounts["prepaid"] = format_amount(invoice.paid, unit)
        text += f", of which {amounts['prepaid']} was paid before"
    return text, amounts
