"""Approval limits: an administrator drafts, a manager publishes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.contrib.auth.models import Group

from accounts.four_eyes.rules import publish, publish_obstacle
from accounts.staff.models import ApprovalLimit, User
from accounts.staff.permissions import APPROVAL_OF, PERMISSIONS, May, may_words, role_words, roles_that
from accounts.staff.rules import require
from accounts.vocabulary import AccountRefusal, AccountVerb
from audit.actions import Refused, act, checked
from audit.vocabulary import Refusal
from core.text import number_text, say
from core.validators import fits_currency


def draft_limit(
    *,
    by: User,
    role: str,
    subject: str,
    currency: str,
    valid_from: date,
    amount: Decimal | None,
    batch_amount: Decimal = Decimal(0),
    reason: str = "",
) -> ApprovalLimit:
    """Draft up to how much a role may approve from a date on; without an ``amount`` there is no limit. Nobody may
    approve anything by a draft.

    Raises:
        Refused: an unknown role, a role that may not approve this at all, a negative amount or one
            finer than the currency.
    """
    with act(AccountVerb.LIMIT_DRAFT, by=by, reason=reason, target=(ApprovalLimit, None)) as action:
        require(by, May.DRAFT_STAFF)
        group = Group.objects.filter(name=role).first()
        if group is None:
            raise Refused(say("“{role}” is no role.", role=role), code=AccountRefusal.ROLE, data={"field": "role"})
        limit = checked(
            ApprovalLimit(
                role=group,
                subject=subject,
                currency=currency,
                valid_from=valid_from,
                amount=amount,
                batch_amount=batch_amount,
                drafted_by=by,
            )
        )
        approval = APPROVAL_OF[subject]
        if role not in PERMISSIONS[approval]:
            raise Refused(
                say(
                    "The role {role} may not {what} at all; {roles} may.",
                    role=role_words(role),
                    what=may_words(approval),
                    roles=roles_that(approval),
                ),
                code=AccountRefusal.ROLE,
                data={"field": "role"},
            )
        for field, value in (("amount", amount), ("batch_amount", batch_amount)):
            if value is None:
                continue
            if value < 0 or not fits_currency(value, currency):
                raise Refused(
                    say("{amount} is no limit in {currency}.", amount=number_text(value), currency=currency),
                    code=Refusal.AMOUNT,
                    data={"field": field},
                )
        limit.save()
        action.about(limit)
        return limit


def publish_limit(limit_id: int, *, by: User, reason: str = "") -> ApprovalLimit:
    """Publish another person's draft: it holds from its date, in place of earlier ones."""
    with act(AccountVerb.LIMIT_PUBLISH, by=by, reason=reason, target=(ApprovalLimit, limit_id)) as action:
        require(by, May.PUBLISH_STAFF)
        limit = action.lock(ApprovalLimit, limit_id)
        action.about(limit)
        action.refuse_if(publish_obstacle(limit, by))
        publish(limit, by=by)
        return limit
