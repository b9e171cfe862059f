"""Changing a policy: one manager drafts a version, another publishes it, nobody edits what is published (F10)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db.models import Max
from django.utils import timezone

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import permission_obstacle, require
from audit.actions import Obstacle, Refused, act, checked
from core.text import say
from policies.parameters.units import PolicyParameterError
from policies.versions.models import Policy, PolicyVersion


def draft_policy_version(
    policy_id: int, *, by: User, effective_from: date, text: str, parameters: Mapping[str, Any]
) -> PolicyVersion:
    """Draft the policy's next version. Nothing is judged by a draft."""
    with act("policy.draft", by=by, target=(Policy, policy_id)) as action:
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
    with act("policy.edit_draft", by=by, target=(PolicyVersion, version_id)) as action:
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


def publish_obstacle(version: PolicyVersion, by: User) -> Obstacle | None:
    """Why this person may not publish the version now, or None."""
    sentence = permission_obstacle(by, May.PUBLISH_POLICIES)
    if sentence:
        return Obstacle(sentence, code="permission")
    closed = draft_obstacle(version)
    if closed:
        return closed
    if version.history.filter(history_user=by).exists() or version.drafted_by_id == by.pk:
        return Obstacle(say("You drafted this version: somebody else has to publish it."), code="four_eyes")
    return None


def publish_policy_version(version_id: int, *, by: User, reason: str = "") -> PolicyVersion:
    """Publish another person's draft, from today or a later day on: periods that have begun keep their version."""
    with act("policy.publish", by=by, reason=reason, target=(PolicyVersion, version_id)) as action:
        version = action.lock(PolicyVersion, version_id)
        action.about(version)
        action.refuse_if(publish_obstacle(version, by))
        if version.effective_from < timezone.localdate():
            raise Refused(say("A version cannot hold from a day in the past."), code="dates")
        rivals = version.policy.versions.filter(
            state=PolicyVersion.State.PUBLISHED, effective_from__gte=version.effective_from
        )
        if rivals.exists():
            raise Refused(say("A version that holds from that day or later is published already."), code="date_taken")
        version.state = PolicyVersion.State.PUBLISHED
        version.published_by = by
        version.published_at = timezone.now()
        version.save()
        return version


def discard_policy_draft(version_id: int, *, by: User, reason: str) -> PolicyVersion:
    """Give a draft up. It stays on record under its number, and nothing is ever judged by it."""
    with act("policy.discard", by=by, reason=reason, target=(PolicyVersion, version_id)) as action:
        require(by, May.DRAFT_POLICIES)
        action.require_reason()
        version = action.lock(PolicyVersion, version_id)
        action.about(version)
        action.refuse_if(draft_obstacle(version))
        version.state = PolicyVersion.State.DISCARDED
        version.save()
        return version


def draft_obstacle(version: PolicyVersion) -> Obstacle | None:
    """Why the version is no draft any more, to be edited, published or discarded; or None."""
    match version.state:
        case PolicyVersion.State.PUBLISHED:
            return Obstacle(say("This version is published: it is never edited."), code="state")
        case PolicyVersion.State.DISCARDED:
            return Obstacle(say("This draft was discarded: draft the next version instead."), code="state")
    return None


def _checked_parameters(policy: Policy, parameters: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return policy.parameters.from_json(parameters).to_json()
    except (PolicyParameterError, TypeError) as problem:
        raise Refused(say("The parameters do not fit: {problem}", problem=problem), code="parameters") from None
