"""Changing a policy: one manager drafts a version, another publishes it, nobody edits what is published (F10)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Max
from django.utils import timezone

from accounts.four_eyes.rules import draft_obstacle, publish, publish_obstacle
from accounts.staff.limits.controls.rules import ControlLimits
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Obstacle, Refused, act, checked
from audit.vocabulary import Refusal
from billing.subscriptions.cancellations.rules import register_days_back
from core.amounts import money_text
from core.text import say
from policies.parameters.units import PolicyParameterError
from policies.versions.models import Policy, PolicyVersion
from policies.vocabulary import PolicyRefusal, PolicyVerb


def draft_policy_version(
    policy_id: int, *, by: User, effective_from: date, text: str, parameters: Mapping[str, Any]
) -> PolicyVersion:
    """Draft the policy's next version. Nothing is judged by a draft."""
    with act(PolicyVerb.POLICY_DRAFT, by=by, target=(Policy, policy_id)) as action:
        require(by, May.DRAFT_POLICIES)
        policy = action.lock(Policy, policy_id)
        number = (policy.versions.aggregate(last=Max("number"))["last"] or 0) + 1
        version = PolicyVersion(
            policy=policy,
            number=number,
            effective_from=effective_from,
            text=text,
            parameters=_checked_parameters(policy, parameters),
            drafted_by=by,
        )
        checked(version).save()
        action.about(version)
        return version


def edit_policy_draft(
    version_id: int, *, by: User, effective_from: date, text: str, parameters: Mapping[str, Any]
) -> PolicyVersion:
    """Change a draft. Whoever does becomes its drafter, and so cannot publish it."""
    with act(PolicyVerb.POLICY_EDIT_DRAFT, by=by, target=(PolicyVersion, version_id)) as action:
        require(by, May.DRAFT_POLICIES)
        version = action.lock(PolicyVersion, version_id)
        action.about(version)
        action.refuse_if(draft_obstacle(version))
        version.effective_from = effective_from
        version.text = text
        version.parameters = _checked_parameters(version.policy, parameters)
        version.drafted_by = by
        checked(version).save()
        return version


def publish_version_obstacle(version: PolicyVersion, by: User) -> Obstacle | None:
    """Why this person may not publish the version now, or None. Queries."""
    return publish_obstacle(version, by) or beyond_controls(version)


def beyond_controls(version: PolicyVersion) -> Obstacle | None:
    """Why the version goes further than the control limits of its first day let it, or None."""
    if version.policy.kind != Policy.Kind.REFUND:
        return None
    controls, figures = ControlLimits(max(version.effective_from, timezone.localdate())), version.refund_parameters
    for currency, threshold in figures.second_approval_above.items():
        highest = controls.highest_threshold(currency)
        if Decimal(threshold) > highest:
            return Obstacle(
                say(
                    "The second approval would be due above {threshold} only; the control limit is {highest}. Lower "
                    "the threshold, or have an administrator draft a higher control limit.",
                    threshold=money_text(Decimal(threshold), currency),
                    highest=money_text(highest, currency),
                ),
                PolicyRefusal.CONTROL,
            )
    if figures.approval_window_days < controls.shortest_window:
        return Obstacle(
            say(
                "What was granted would count for {days} days only; the control limit is {least} days. Lengthen the "
                "window, or have an administrator draft a shorter control limit.",
                days=figures.approval_window_days,
                least=controls.shortest_window,
            ),
            PolicyRefusal.CONTROL,
        )
    return None


def publish_policy_version(version_id: int, *, by: User, reason: str = "") -> PolicyVersion:
    """Publish another person's draft, from today or a later day on: periods that have begun keep their version."""
    with act(PolicyVerb.POLICY_PUBLISH, by=by, reason=reason, target=(PolicyVersion, version_id)) as action:
        require(by, May.PUBLISH_POLICIES)
        version = action.lock(PolicyVersion, version_id)
        action.about(version)
        action.refuse_if(publish_version_obstacle(version, by))
        if version.effective_from < timezone.localdate():
            raise Refused(say("A version cannot hold from a day in the past."), code=Refusal.DATES)
        version.published_at = timezone.now()
        publish(version, by=by)
        return version


def discard_policy_draft(version_id: int, *, by: User, reason: str) -> PolicyVersion:
    """Give a draft up. It stays on record under its number, and nothing is ever judged by it."""
    with act(PolicyVerb.POLICY_DISCARD, by=by, reason=reason, target=(PolicyVersion, version_id)) as action:
        require(by, May.DRAFT_POLICIES)
        action.require_reason()
        version = action.lock(PolicyVersion, version_id)
        action.about(version)
        action.refuse_if(draft_obstacle(version))
        version.state = PolicyVersion.State.DISCARDED
        version.save()
        return version


def _checked_parameters(policy: Policy, parameters: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return policy.parameters.from_json(parameters).to_json()
    except (PolicyParameterError, TypeError) as problem:
        raise Refused(
            say("The parameters do not fit: {problem}", problem=problem), code=PolicyRefusal.PARAMETERS
        ) from None


@register_days_back
def cancellation_days_back(today: date) -> int:
    """How far back the day of a cancellation may lie that anybody types in, by the policy of the day."""
    version = PolicyVersion.objects.governing(Policy.Kind.FULFILMENT, today)
    return version.fulfilment_parameters.cancellation_days_back
