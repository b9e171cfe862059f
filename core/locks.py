"""Rows are locked in one order everywhere, so that two transactions never wait for each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db import models

#: Whose rows are locked first when several are: who owns before what is owned. Rows of one model go by key.
ORDER = (
    "accounts.customer",
    "accounts.contact",
    "accounts.bankdetailschange",
    "accounts.customermerge",
    "messaging.changenotice",
    "billing.subscription",
    "billing.plan",
    "billing.planchange",
    "billing.billingperiod",
    "billing.invoice",
    "billing.writeoff",
    "billing.invoicevoid",
    "billing.credit",
    "billing.prepayment",
    "billing.payment",
    "billing.surpluscredit",
    "billing.bankline",
    "billing.payout",
    "billing.residualcreditpayout",
    "hardware.phonemodel",
    "hardware.purchase",
    "hardware.instalment",
    "complaints.complaint",
    "complaints.refund",
    "complaints.reversal",
)

type Keys = dict[type[models.Model], set[Any]]


class RowsMoved(Exception):
    """Between reading a row and locking it, what it belongs to has changed. Trying again helps."""


def lock_rows[M: models.Model](model: type[M], keys: Iterable[Any]) -> dict[Any, M]:
    """The rows that exist, by key, read again and locked in the order of their keys until the transaction ends.

    The lock leaves the key alone (``no_key``, as everywhere): rows that merely refer to a locked one can still be
    written meanwhile, or a draft's foreign key to a locked customer would close a circle. Ordered by key alone: a
    model's own order may join another table, whose row would be locked with it.
    """
    wanted = set(keys)
    # One row needs no order, and composing one takes as long as all the rest.
    order = ("pk",) if len(wanted) > 1 else ()
    rows = model._base_manager.order_by(*order).select_for_update(no_key=True).filter(pk__in=wanted)
    return {row.pk: row for row in rows}


def lock_chain[M: models.Model](model: type[M], pk: Any, *related: str) -> M | None:
    """The row with its ``related`` ones, all locked in the one order and attached to each other; None without it.

    Each of ``related`` is a path of lookups from the row (``"complaint"``, ``"period__invoice"``), forward or back, to
    one row or many; only what stands at its end is locked. A locked row's foreign keys lead to locked rows wherever
    these are among the rows: ``refund.complaint.customer`` is the locked customer.

    Raises:
        RowsMoved: a path led elsewhere once the rows were locked, to another customer after a merge, say.
    """
    keys = _chain(model, pk, related)
    if not keys[model]:
        return None
    locked: dict[type[models.Model], dict[Any, Any]] = {}
    for each in sorted(keys, key=lambda each: ORDER.index(each._meta.label_lower)):
        locked[each] = lock_rows(each, keys[each])
    if _chain(model, pk, related) != keys:
        raise RowsMoved
    for rows in locked.values():
        for row in rows.values():
            _attach(row, locked)
    found: M = locked[model][pk]
    return found


def _chain(model: type[models.Model], pk: Any, related: Iterable[str]) -> Keys:
    """The keys of all rows of the chain, by model."""
    paths = {"pk": model, **{path: _end_of(model, path) for path in related}}
    keys: Keys = defaultdict(set)
    for row in model._base_manager.filter(pk=pk).order_by("pk").values_list(*paths):
        for end, key in zip(paths.values(), row, strict=True):
            if key is not None:
                keys[end].add(key)
    return keys


def _end_of(model: type[models.Model], path: str) -> type[models.Model]:
    for name in path.split("__"):
        end = model._meta.get_field(name).related_model
        assert isinstance(end, type)
        model = end
    return model


def _attach(row: models.Model, locked: dict[type[models.Model], dict[Any, Any]]) -> None:
    for field in row._meta.concrete_fields:
        if isinstance(field, models.ForeignKey):
            other = locked.get(field.related_model, {}).get(getattr(row, field.attname))
            if other is not None:
                setattr(row, field.name, other)
