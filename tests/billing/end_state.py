"""What billing left behind, made comparable between two runs: every row and its history, without keys and times."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import models

from accounts.numbers.models import NumberSeries
from audit.history import HistoryRow
from audit.models import Event
from billing.credits.models import CreditApplication
from billing.runs.models import BillingRun
from billing.subscriptions.models import BillingPeriod
from messaging.outbox.models import Delivery, OutgoingMessage

type Places = dict[Any, dict[Any, int]]
type State = dict[str, list[tuple[Any, ...]]]

TIMES = {"history_date", "history_request_id", "request_id", "recorded_at", "at", "queued_at", "next_attempt_at"}


def end_state(*, with_history: bool = True) -> State:
    """The rows of billing, its histories, the number series, the messages with their deliveries and the
    subscriptions' events, in the order they were written. Keys become places in that order. What the runs themselves
    record is left out.
    """
    read: list[type[models.Model]] = [
        model
        for model in apps.get_app_config("billing").get_models(include_auto_created=True)
        if not (model is BillingRun or getattr(model, "instance_type", None) is BillingRun)
        and (with_history or not issubclass(model, HistoryRow))
    ]
    read += [NumberSeries, OutgoingMessage, Delivery]
    if with_history:
        read.append(Delivery.history.model)
    places: Places = {
        model: {pk: place for place, pk in enumerate(model._base_manager.order_by("pk").values_list("pk", flat=True))}
        for model in read
    }
    state = {
        model.__name__: [_row(row, places) for row in model._base_manager.order_by("pk")]
        for model in places
        if model is not OutgoingMessage
    }
    uses = places[CreditApplication]
    state["OutgoingMessage"] = [
        _row(message, places, key=_occasion(message.key, uses)) for message in OutgoingMessage.objects.order_by("pk")
    ]
    periods = places[BillingPeriod]
    state["Event"] = [
        _row(event, places, data={**event.data, "period": periods.get(event.data.get("period"))})
        for event in Event.objects.filter(verb__startswith="subscription.").order_by("pk")
    ]
    return state


def _occasion(key: str, uses: dict[Any, int]) -> str:
    """A message's key, which names the use of a credit that it is about."""
    kind, _, pk = key.partition(":")
    return f"{kind}:{uses[int(pk)]}" if kind == "credit_applied" else key


def _row(row: models.Model, places: Places, **instead: Any) -> tuple[Any, ...]:
    cells = []
    for field in row._meta.concrete_fields:
        value = instead.get(field.name, getattr(row, field.attname))
        refers_to: Any = field.related_model if field.is_relation else None
        if field.primary_key and field.name != "name":
            continue
        if field.name in TIMES:
            continue
        if field.name == "id":
            refers_to = getattr(row, "instance_type", None)
        if refers_to in places and value is not None:
            value = places[refers_to].get(value, value)
        cells.append((field.name, str(value)))
    return tuple(cells)
