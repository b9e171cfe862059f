"""Special terms of one customer: one manager drafts them, another publishes; they go before the policy (R1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.customers.models import Customer
from accounts.four_eyes.rules import draft_obstacle, publish, publish_obstacle
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Obstacle, Refused, act, checked
from audit.vocabulary import Refusal
from core.text import join, say
from policies.agreements.models import Agreement
from policies.parameters.parameters import CONTROLS, PARAMETERS
from policies.parameters.units import PolicyParameterError
from policies.versions.models import FULL_MONTH, GoverningTerms, Policy, PolicyVersion
from policies.vocabulary import PolicyRefusal, PolicyVerb


def draft_agreement(
    customer_id: int,
    *,
    by: User,
    title: str,
    terms: Mapping[str, Any],
    valid_from: date,
    valid_until: date | None = None,
    text: str = "",
) -> Agreement:
    """Draft an agreement. ``terms`` are the figures that differ from the refund policy, by its own names, and
    ``full_month_allowed``. Nothing is judged by a draft.

    Raises:
        Refused: unknown or impossible terms, none at all, an internal control, or an end before the start.
    """
    with act(PolicyVerb.AGREEMENT_DRAFT, by=by, target=(Customer, customer_id)) as action:
        require(by, May.DRAFT_POLICIES)
        customer = action.lock(Customer, customer_id)
        action.about(customer, customer_id=customer.pk)
        agreement = Agreement(customer=customer, drafted_by=by)
        _fill(agreement, title=title, terms=terms, valid_from=valid_from, valid_until=valid_until, text=text)
        agreement.save()
        action.about(agreement)
        return agreement


def edit_agreement(
    agreement_id: int,
    *,
    by: User,
    title: str,
    terms: Mapping[str, Any],
    valid_from: date,
    valid_until: date | None = None,
    text: str = "",
) -> Agreement:
    """Change a draft. Whoever does becomes its drafter, and so cannot publish it."""
    with act(PolicyVerb.AGREEMENT_EDIT, by=by, target=(Agreement, agreement_id)) as action:
        require(by, May.DRAFT_POLICIES)
        agreement = action.lock(Agreement, agreement_id)
        action.about(agreement, customer_id=agreement.customer_id)
        action.refuse_if(edit_obstacle(agreement, by))
        agreement.drafted_by = by
        _fill(agreement, title=title, terms=terms, valid_from=valid_from, valid_until=valid_until, text=text)
        agreement.save()
        return agreement


def edit_obstacle(agreement: Agreement, by: User) -> Obstacle | None:
    """Why the agreement cannot be changed or discarded by this person, or None."""
    return draft_obstacle(agreement)


def publish_agreement_obstacle(agreement: Agreement, by: User) -> Obstacle | None:
    """Why this person may not publish the agreement now, or None."""
    return edit_obstacle(agreement, by) or publish_obstacle(agreement, by)


def publish_agreement(agreement_id: int, *, by: User, reason: str = "") -> Agreement:
    """Publish another person's draft. It judges periods that begin on its first day or later, up to its last."""
    with act(PolicyVerb.AGREEMENT_PUBLISH, by=by, reason=reason, target=(Agreement, agreement_id)) as action:
        require(by, May.PUBLISH_POLICIES)
        agreement = action.lock(Agreement, agreement_id)
        action.about(agreement, customer_id=agreement.customer_id)
        action.refuse_if(publish_agreement_obstacle(agreement, by))
        if agreement.valid_from < timezone.localdate():
            raise Refused(
                say("An agreement cannot hold from a day in the past: periods have been judged."), code=Refusal.DATES
            )
        agreement.published_at = timezone.now()
        publish(agreement, by=by)
        return agreement


def discard_agreement(agreement_id: int, *, by: User, reason: str) -> Agreement:
    """Give a draft up."""
    with act(PolicyVerb.AGREEMENT_DISCARD, by=by, reason=reason, target=(Agreement, agreement_id)) as action:
        require(by, May.DRAFT_POLICIES)
        action.require_reason()
        agreement = action.lock(Agreement, agreement_id)
        action.about(agreement, customer_id=agreement.customer_id)
        action.refuse_if(edit_obstacle(agreement, by))
        agreement.state = Agreement.State.DISCARDED
        agreement.save()
        return agreement


def _fill(
    agreement: Agreement,
    *,
    title: str,
    terms: Mapping[str, Any],
    valid_from: date,
    valid_until: date | None,
    text: str,
) -> None:
    if not terms:
        raise Refused(say("An agreement without terms of its own changes nothing."), code=PolicyRefusal.TERMS)
    if controls := sorted(CONTROLS & terms.keys()):
        raise Refused(
            say(
                "No agreement changes how staff check each other: {figures}.",
                figures=join(", ", (_(PARAMETERS[name].label) for name in controls)),
            ),
            code=PolicyRefusal.CONTROL,
            data={"field": controls[0]},
        )
    if valid_until is not None and valid_until < valid_from:
        raise Refused(
            say(
                "The agreement would end on {valid_until}, before it starts on {valid_from}.",
                valid_until=valid_until,
                valid_from=valid_from,
            ),
            code=Refusal.DATES,
        )
    agreement.title = title.strip()
    agreement.terms = dict(terms)
    agreement.valid_from = valid_from
    agreement.valid_until = valid_until
    agreement.text = text
    if FULL_MONTH in terms and not isinstance(terms[FULL_MONTH], bool):
        raise Refused(say("{figure}: This must be true or false.", figure=FULL_MONTH), code=PolicyRefusal.TERMS)
    versions = PolicyVersion.objects
    governing = GoverningTerms(
        versions.governing(Policy.Kind.REFUND, valid_from),
        versions.governing(Policy.Kind.FULFILMENT, valid_from),
        agreement,
    )
    try:
        governing.parameters  # noqa: B018 (reading them checks them)
    except (PolicyParameterError, TypeError) as problem:
        raise Refused(say("The terms do not fit: {problem}", problem=problem), code=PolicyRefusal.TERMS) from None
    checked(agreement)
