"""Who may do what: the product's one permission table.

Pages, actions and commands ask ``user.may(May.X)``; nothing else decides. A superuser is no exception.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType

from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from core.text import Text, when_read


class Role(StrEnum):
    """The six roles; the value is the name of the group that a migration makes."""

    AGENT = gettext_noop("Support agent")
    LEAD = gettext_noop("Team lead")
    MANAGER = gettext_noop("Manager")
    BILLING = gettext_noop("Billing clerk")
    AUDITOR = gettext_noop("Auditor")
    ADMIN = gettext_noop("Administrator")


class May(StrEnum):
    """Everything that can be allowed or denied."""

    SEE_CASES = gettext_noop("see customers, subscriptions, phones, complaints and refunds")
    EDIT_CUSTOMERS = gettext_noop("edit customers")
    MERGE_CUSTOMERS = gettext_noop("propose to merge customers who are one and the same")
    APPROVE_MERGES = gettext_noop("approve merges of customers")
    CANCEL_SUBSCRIPTIONS = gettext_noop("cancel subscriptions and undo it")
    CANCEL_FOR_OLD_DAYS = gettext_noop("cancel from a day long past, and decide on days given for what is voided")
    CHANGE_PLANS = gettext_noop("change the plan of subscriptions")
    OPEN_SUBSCRIPTIONS = gettext_noop("open subscriptions")
    WORK_COMPLAINTS = gettext_noop("register, assess, decide and communicate complaints")
    LEAD_COMPLAINTS = gettext_noop("re-assign, escalate, merge and reopen complaints")
    PROPOSE_REFUNDS = gettext_noop("quote and propose refunds")
    WITHDRAW_REFUNDS_OF_OTHERS = gettext_noop("withdraw another person's refund")
    APPROVE_USAGE = gettext_noop("approve usage refunds")
    APPROVE_INTERRUPTION = gettext_noop("approve interruption refunds")
    APPROVE_FULL_MONTH = gettext_noop("approve full-month refunds")
    APPROVE_SPECIAL = gettext_noop("approve special refunds")
    APPROVE_REVERSAL = gettext_noop("approve the reversal of a refund")
    APPROVE_BATCHES = gettext_noop("approve several things at once")
    EDIT_INCIDENTS = gettext_noop("record incidents")
    HANDLE_MONEY = gettext_noop("record payments and payouts, handle invoices and run billing")
    APPROVE_LEFTOVER = gettext_noop("approve payouts of leftover credit")
    APPROVE_SURPLUS = gettext_noop("approve that what was paid beyond what is due becomes a credit")
    APPROVE_WRITE_OFFS = gettext_noop("approve that what is due on an invoice is written off")
    APPROVE_VOIDS = gettext_noop("approve that an invoice is void")
    SEE_DELEGATIONS = gettext_noop("see who approves in whose place")
    DELEGATE_APPROVALS = gettext_noop("have somebody approve in one's place")
    REVOKE_DELEGATIONS = gettext_noop("revoke another person's delegation")
    CHOOSE_DIGEST = gettext_noop("choose when to be told by e-mail what waits")
    CHOOSE_LANGUAGE = gettext_noop("choose the language of one's pages")
    CONFIRM_BANK_DETAILS = gettext_noop("confirm a change of bank details")
    SEE_MONEY = gettext_noop("see invoices, credits and payouts")
    HANDLE_PHONES = gettext_noop("record phones and purchases")
    IMPORT = gettext_noop("import files")
    SEE_PLANS = gettext_noop("see plans and prices")
    DRAFT_PRICES = gettext_noop("draft plans and prices")
    PUBLISH_PRICES = gettext_noop("publish plans and prices")
    SEE_POLICIES = gettext_noop("read the policies")
    DRAFT_POLICIES = gettext_noop("draft policies")
    PUBLISH_POLICIES = gettext_noop("publish policies")
    SEE_OWN_TRAIL = gettext_noop("see the audit trail of own cases")
    SEE_TEAM_TRAIL = gettext_noop("see the audit trail of the team's cases")
    SEE_WHOLE_TRAIL = gettext_noop("see the whole audit trail")
    SEE_SIGNALS = gettext_noop("see the reports of signals")
    REPORT_SIGNALS = gettext_noop("have a report of signals made")
    SEE_BACK_TESTS = gettext_noop("see back-tests of policies")
    SEE_JOBS = gettext_noop("see one's own jobs")
    SEE_JOBS_OF_OTHERS = gettext_noop("see the jobs of others")
    HANDLE_JOBS_OF_OTHERS = gettext_noop("end or resume another person's job")
    SEE_STAFF = gettext_noop("see staff, teams and approval limits")
    DRAFT_STAFF = gettext_noop("draft changes of staff, teams and approval limits")
    PUBLISH_STAFF = gettext_noop("publish changes of staff, teams and approval limits")
    SEE_COMPANY = gettext_noop("see the company's profile")
    DRAFT_COMPANY = gettext_noop("draft the company's profile")
    PUBLISH_COMPANY = gettext_noop("publish the company's profile")
    EDIT_TEMPLATES = gettext_noop("edit the templates of messages")
    HANDLE_MESSAGES = gettext_noop("say what became of a message and send it again")

    @classmethod
    def held_by(cls, *any_of: May) -> Text:
        """As ``roles_that``: for the frame of the pages, which knows no permission by name."""
        return roles_that(*any_of)


_A, _L, _M, _B, _U, _D = Role.AGENT, Role.LEAD, Role.MANAGER, Role.BILLING, Role.AUDITOR, Role.ADMIN

PERMISSIONS: Mapping[May, frozenset[Role]] = MappingProxyType(
    {
        may: frozenset(roles)
        for may, roles in {
            May.SEE_CASES: (_A, _L, _M, _B, _U),
            May.EDIT_CUSTOMERS: (_A, _L, _M, _B),
            May.MERGE_CUSTOMERS: (_L, _M),
            May.APPROVE_MERGES: (_M,),
            May.CANCEL_SUBSCRIPTIONS: (_A, _L, _M, _B),
            May.CANCEL_FOR_OLD_DAYS: (_L, _M),
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
            May.APPROVE_BATCHES: (_M,),
            May.EDIT_INCIDENTS: (_L, _M, _B),
            May.HANDLE_MONEY: (_B,),
            May.APPROVE_LEFTOVER: (_M,),
            May.APPROVE_SURPLUS: (_M,),
            May.APPROVE_WRITE_OFFS: (_M,),
            May.APPROVE_VOIDS: (_M,),
            May.SEE_DELEGATIONS: (_A, _L, _M, _U, _D),
            May.DELEGATE_APPROVALS: (_L, _M),
            May.REVOKE_DELEGATIONS: (_M,),
            May.CHOOSE_DIGEST: (_A, _L, _M),
            May.CHOOSE_LANGUAGE: (_A, _L, _M, _B, _U, _D),
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
            May.SEE_SIGNALS: (_M, _U),
            May.REPORT_SIGNALS: (_M,),
            May.SEE_BACK_TESTS: (_M, _U),
            May.SEE_JOBS: (_A, _L, _M, _B, _U),
            May.SEE_JOBS_OF_OTHERS: (_L, _M, _U),
            May.HANDLE_JOBS_OF_OTHERS: (_L, _M),
            May.SEE_STAFF: (_M, _U, _D),
            May.DRAFT_STAFF: (_D,),
            May.PUBLISH_STAFF: (_M,),
            May.SEE_COMPANY: (_A, _L, _M, _B, _U, _D),
            May.DRAFT_COMPANY: (_D,),
            May.PUBLISH_COMPANY: (_M,),
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


def may_words(may: May) -> Text:
    """What may be done, in the language of whoever is looking: "approve usage refunds"."""
    return _(may.value)


def role_words(name: str) -> Text:
    """A role's name in the language of whoever is looking; the group's name stays as it is."""
    return _(name) if name else ""


def roles_that(*any_of: May) -> Text:
    """The roles that have a permission, or any of several, in words: "Team lead or Manager"."""
    return roles_in_words(frozenset().union(*(PERMISSIONS[may] for may in any_of)))


@when_read
def roles_in_words(roles: Collection[Role]) -> str:
    """The roles in words, in the order of the table: "Team lead or Manager"."""
    names = [gettext(role.value) for role in Role if role in roles]
    if len(names) < 2:
        return "".join(names)
    return gettext("{these} or {last}").format(these=", ".join(names[:-1]), last=names[-1])


# What jobs and commands may do in the system user's name. Never anything that proposes, approves or decides.
SYSTEM_MAY: frozenset[May] = frozenset(
    {
        May.HANDLE_MONEY,
        May.IMPORT,
        May.OPEN_SUBSCRIPTIONS,
        May.EDIT_CUSTOMERS,
        May.HANDLE_PHONES,
        May.HANDLE_MESSAGES,
        May.REPORT_SIGNALS,
    }
)
