"""Who may do what: the product's one permission table.

Pages, actions and commands ask ``user.may(May.X)``; nothing else decides. A superuser is no exception.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """The six roles; the value is the name of the group that a migration makes."""

    AGENT = "Support agent"
    LEAD = "Team lead"
    MANAGER = "Manager"
    BILLING = "Billing clerk"
    AUDITOR = "Auditor"
    ADMIN = "Administrator"


class May(StrEnum):
    """Everything that can be allowed or denied."""

    SEE_CASES = "see customers, subscriptions, phones, complaints and refunds"
    EDIT_CUSTOMERS = "edit customers"
    MERGE_CUSTOMERS = "merge customers who are one and the same"
    CANCEL_SUBSCRIPTIONS = "cancel subscriptions and undo it"
    CHANGE_PLANS = "change the plan of subscriptions"
    OPEN_SUBSCRIPTIONS = "open subscriptions"
    WORK_COMPLAINTS = "register, assess, decide and communicate complaints"
    LEAD_COMPLAINTS = "re-assign, escalate, merge and reopen complaints"
    PROPOSE_REFUNDS = "quote and propose refunds"
    WITHDRAW_REFUNDS_OF_OTHERS = "withdraw another person's refund"
    APPROVE_USAGE = "approve usage refunds"
    APPROVE_INTERRUPTION = "approve interruption refunds"
    APPROVE_FULL_MONTH = "approve full-month refunds"
    APPROVE_SPECIAL = "approve special refunds"
    APPROVE_REVERSAL = "approve the reversal of a refund"
    EDIT_INCIDENTS = "record incidents"
    HANDLE_MONEY = "record payments and payouts, handle invoices and run billing"
    APPROVE_LEFTOVER = "approve payouts of leftover credit"
    SEE_DELEGATIONS = "see who approves in whose place"
    DELEGATE_APPROVALS = "have somebody approve in one's place"
    REVOKE_DELEGATIONS = "revoke another person's delegation"
    CHOOSE_DIGEST = "choose when to be told by e-mail what waits"
    CONFIRM_BANK_DETAILS = "confirm a change of bank details"
    SEE_MONEY = "see invoices, credits and payouts"
    HANDLE_PHONES = "record phones and purchases"
    IMPORT = "import files"
    SEE_PLANS = "see plans and prices"
    DRAFT_PRICES = "draft plans and prices"
    PUBLISH_PRICES = "publish plans and prices"
    SEE_POLICIES = "read the policies"
    DRAFT_POLICIES = "draft policies"
    PUBLISH_POLICIES = "publish policies"
    SEE_OWN_TRAIL = "see the audit trail of own cases"
    SEE_TEAM_TRAIL = "see the audit trail of the team's cases"
    SEE_WHOLE_TRAIL = "see the whole audit trail"
    SEE_BACK_TESTS = "see back-tests of policies"
    SEE_JOBS = "see one's own jobs"
    SEE_JOBS_OF_OTHERS = "see the jobs of others"
    HANDLE_JOBS_OF_OTHERS = "end or resume another person's job"
    SEE_STAFF = "see staff, teams and approval limits"
    DRAFT_STAFF = "draft changes of staff, teams and approval limits"
    PUBLISH_STAFF = "publish changes of staff, teams and approval limits"
    EDIT_TEMPLATES = "edit the templates of messages"
    HANDLE_MESSAGES = "say what became of a message and send it again"


_A, _L, _M, _B, _U, _D = Role.AGENT, Role.LEAD, Role.MANAGER, Role.BILLING, Role.AUDITOR, Role.ADMIN

PERMISSIONS: Mapping[May, frozenset[Role]] = MappingProxyType(
    {
        may: frozenset(roles)
        for may, roles in {
            May.SEE_CASES: (_A, _L, _M, _B, _U),
            May.EDIT_CUSTOMERS: (_A, _L, _M, _B),
            May.MERGE_CUSTOMERS: (_L, _M),
            May.CANCEL_SUBSCRIPTIONS: (_A, _L, _M, _B),
            May.CHANGE_PLANS: (_A, _L, _M, _B),
            May.OPEN_SUBSCRIPTIONS: (_B,),
            May.WORK_COMPLAINTS: (_A, _L, _M),
            May.LEAD_COMPLAINTS: (_L, _M),
            May.PROPOSE_REFUNDS: (_A, _L, _M),
            May.WITHDRAW_REFUNDS_OF_OTHERS: (_L, _M),
            May.APPROVE_USAGE: (_L, _M),
            May.APPROVE_INTERRUPTION: (_L, _M),
            May.APPROVE_FULL_MONTH: (_M,),
            May.APPROVE_SPECIAL: (_M,),
            May.APPROVE_REVERSAL: (_M,),
            May.EDIT_INCIDENTS: (_L, _M, _B),
            May.HANDLE_MONEY: (_B,),
            May.APPROVE_LEFTOVER: (_M,),
            May.SEE_DELEGATIONS: (_A, _L, _M, _U, _D),
            May.DELEGATE_APPROVALS: (_L, _M),
            May.REVOKE_DELEGATIONS: (_M,),
            May.CHOOSE_DIGEST: (_A, _L, _M),
            May.CONFIRM_BANK_DETAILS: (_M, _B),
            May.SEE_MONEY: (_A, _L, _M, _B, _U),
            May.HANDLE_PHONES: (_B,),
            May.IMPORT: (_B,),
            May.SEE_PLANS: (_A, _L, _M, _B, _U),
            May.DRAFT_PRICES: (_B,),
            May.PUBLISH_PRICES: (_M,),
            May.SEE_POLICIES: (_A, _L, _M, _B, _U, _D),
            May.DRAFT_POLICIES: (_M,),
            May.PUBLISH_POLICIES: (_M,),
            May.SEE_OWN_TRAIL: (_A, _L, _M, _U),
            May.SEE_TEAM_TRAIL: (_L, _M, _U),
            May.SEE_WHOLE_TRAIL: (_M, _U),
            May.SEE_BACK_TESTS: (_M, _U),
            May.SEE_JOBS: (_A, _L, _M, _B, _U),
            May.SEE_JOBS_OF_OTHERS: (_L, _M, _U),
            May.HANDLE_JOBS_OF_OTHERS: (_L, _M),
            May.SEE_STAFF: (_M, _U, _D),
            May.DRAFT_STAFF: (_D,),
            May.PUBLISH_STAFF: (_M,),
            May.EDIT_TEMPLATES: (_L, _M),
            May.HANDLE_MESSAGES: (_A, _L, _M, _B),
        }.items()
    }
)

#: The permission that each kind of approval needs; the keys are the bases of refunds and the subjects of limits.
APPROVAL_OF: Mapping[str, May] = MappingProxyType(
    {
        "usage": May.APPROVE_USAGE,
        "interruption": May.APPROVE_INTERRUPTION,
        "full_month": May.APPROVE_FULL_MONTH,
        "special": May.APPROVE_SPECIAL,
        "reversal": May.APPROVE_REVERSAL,
        "leftover_credit": May.APPROVE_LEFTOVER,
    }
)

#: Who may approve in whose place while they are away: at most one step below them.
DEPUTIES: Mapping[Role, frozenset[Role]] = MappingProxyType(
    {Role.LEAD: frozenset({_A, _L, _M}), Role.MANAGER: frozenset({_L, _M})}
)


def roles_that(may: May) -> str:
    """The roles that have a permission, in words: "Team lead or Manager"."""
    names = [role.value for role in Role if role in PERMISSIONS[may]]
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


# What jobs and commands may do in the system user's name. Never anything that proposes, approves or decides.
SYSTEM_MAY: frozenset[May] = frozenset(
    {May.HANDLE_MONEY, May.IMPORT, May.OPEN_SUBSCRIPTIONS, May.EDIT_CUSTOMERS, May.HANDLE_PHONES, May.HANDLE_MESSAGES}
)
