"""A few plain sentences for each page: what it is for, and how what people come for is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from accounts.staff.models import User
from accounts.staff.permissions import May
from core.text import Text


@dataclass(frozen=True, slots=True)
class Help:
    """What a page is for, in a sentence or two, and lines on how to do the usual things."""

    what: Text
    how: tuple[Text, ...] = ()
    how_for: May | None = None  # the lines are of use to those who may this


def _for(found: Help, request: HttpRequest) -> Help:
    user: User = request.user  # type: ignore[assignment]
    return found if found.how_for is None or user.may(found.how_for) else replace(found, how=())


_FIND = gettext_lazy(
    "The box on top finds customers, codes, serial numbers and invoices from any page: press / or Ctrl K."
)
_BAR = gettext_lazy(
    "The bar at the bottom has what you may do; its last button says of the rest why you may not, and who could."
)

#: By the name of the page, without "admin:"; a list and a row of a model are "app_model_changelist" and "…_change".
PAGES: Mapping[str, Help] = MappingProxyType(
    {
        "index": Help(
            gettext_lazy("What waits for you, the most urgent first. Cards that you do not see are not your role’s."),
            (
                gettext_lazy(
                    "The oldest overdue case is the first line of “Overdue”, also behind the red number on the left."
                ),
                gettext_lazy(
                    "Why a refund was this high: open it from “Lately settled”. Its quote names the clause "
                    "of each line."
                ),
                gettext_lazy("Who approved it stands in the same line, and with the reason on the refund’s page."),
                gettext_lazy(
                    "What a customer owes on a phone: type their name, or the phone’s serial number, into the box "
                    "on top."
                ),
            ),
            how_for=May.SEE_CASES,
        ),
        "complaints_refund_inbox": Help(
            gettext_lazy(
                "The proposals that you may decide, in your own right or in somebody’s place, soonest to expire first."
            ),
            (
                gettext_lazy("j and k go to the next and the one before; Enter opens the quote in place."),
                gettext_lazy(
                    "a, r and x approve, return and reject the line you are on; for the last two you type a reason."
                ),
                gettext_lazy("Your own proposals, and cases you decided, are not here: somebody else has to look."),
            ),
        ),
        "search": Help(
            gettext_lazy("Everything you may see whose code, number, name or address begins with what you typed."),
            (
                gettext_lazy("A whole code and Enter lead straight there."),
                gettext_lazy("Names are also found by a later word: “Dental”."),
            ),
        ),
        "password_change": Help(gettext_lazy("Your own password. Everybody else’s is set by an administrator.")),
        "complaints_complaint_changelist": Help(
            gettext_lazy("All complaints. The pills tell the state and how long is left to decide."),
            (gettext_lazy("“work” narrows the list to yours, the unassigned or the overdue ones."), _FIND),
        ),
        "complaints_complaint_change": Help(
            gettext_lazy(
                "One case from its text to its remedy: what the customer says, what we know, what could be given."
            ),
            (
                gettext_lazy("Acknowledge, assess, decide, tell the customer, close: each step opens the next."),
                gettext_lazy("A refund is quoted here, proposed by one person and approved by another."),
                _BAR,
            ),
        ),
        "complaints_refund_changelist": Help(
            gettext_lazy("All refunds, whatever became of them. A proposal waits for somebody who had no part in it."),
            (gettext_lazy("Choose several rows to decide on them together: each is computed again before."),),
        ),
        "complaints_refund_change": Help(
            gettext_lazy("One refund: how its amount came about, who proposed and approved it, and what was given."),
            (
                gettext_lazy("Each line of the quote has its figures and the clause that it follows."),
                gettext_lazy("“Approvals” names who said yes, under which limit, and why."),
                _BAR,
            ),
        ),
        "complaints_reversal": Help(
            gettext_lazy(
                "Refunds that are taken back because they were wrong, with what comes back and what was used already."
            ),
        ),
        "accounts_delegation": Help(
            gettext_lazy("Who approves for whom while they are away, and from when until when.")
        ),
        "accounts_customer_changelist": Help(
            gettext_lazy("All customers. Those that were merged into another are left out unless you ask for them."),
            (_FIND,),
        ),
        "accounts_customer_change": Help(
            gettext_lazy(
                "A customer on one page: subscriptions, invoices, credits, phones with what is owed, complaints and "
                "refunds."
            ),
            (gettext_lazy("A complaint is registered from the subscription it is about."), _BAR),
        ),
        "accounts_contact": Help(gettext_lazy("People to talk to at customers.")),
        "policies_agreement": Help(
            gettext_lazy(
                "Special terms of one customer: they go before the policy. One person drafts them, another publishes."
            ),
        ),
        "billing_subscription_changelist": Help(gettext_lazy("All subscriptions, running and ended."), (_FIND,)),
        "billing_subscription_change": Help(
            gettext_lazy("One subscription: its current period drawn to scale, its invoices, what was given on it."),
            (gettext_lazy("Cancelling shows first until when the service runs."), _BAR),
        ),
        "billing_billingperiod": Help(
            gettext_lazy("One period of a subscription: its fee, its usage, what was refunded of it.")
        ),
        "billing_planchange": Help(gettext_lazy("Changes of plan: each takes effect when a new period begins.")),
        "billing_usagerecord": Help(gettext_lazy("What was used, as the systems that measure it reported it.")),
        "hardware_purchase": Help(
            gettext_lazy("Phones that customers bought: what is paid, what is owed, from when on the phone is theirs."),
            (gettext_lazy("What was paid for a phone is never refunded."),),
        ),
        "hardware_phone": Help(gettext_lazy("Single devices with serial number and MAC address, and who has them.")),
        "hardware_phonemodel": Help(gettext_lazy("Makes of phone that we sell or sold.")),
        "billing_invoice": Help(gettext_lazy("Invoices with what was credited, paid and is due."), (_BAR,)),
        "billing_charge": Help(gettext_lazy("Amounts that wait for the next invoice of a subscription.")),
        "billing_creditnote": Help(gettext_lazy("The document of each settled refund, numbered without gaps.")),
        "billing_credit": Help(gettext_lazy("Money that stands for a customer until an invoice uses it up.")),
        "billing_leftoverpayout": Help(
            gettext_lazy("Credit that is left when a customer leaves, on its way to their account.")
        ),
        "billing_payout": Help(
            gettext_lazy("Money on its way to customers’ accounts: pending, paid or failed."), (_BAR,)
        ),
        "accounts_bankdetailschange": Help(
            gettext_lazy("Changed bank details. Nothing is paid out to them before a second person has confirmed them.")
        ),
        "billing_payment": Help(gettext_lazy("Money that came in, and the invoices that it paid.")),
        "billing_bankline": Help(
            gettext_lazy("Lines of imported bank statements: matched to an invoice, or waiting for somebody.")
        ),
        "billing_billingrun": Help(gettext_lazy("Each run of billing with what it made, and what it could not.")),
        "complaints_incident": Help(
            gettext_lazy("Interruptions and maintenance. Refunds for an interruption count the time in here."),
        ),
        "audit_event": Help(
            gettext_lazy("Who did or tried what, when and why; refusals too. Nothing in here can be changed."),
            (gettext_lazy("Search for a person, a code, or what was done; filter by result or where it came from."),),
        ),
        "policies_policy": Help(
            gettext_lazy("What we promise customers, by kind. Its versions are drafted, then published.")
        ),
        "policies_policyversion": Help(
            gettext_lazy(
                "One version of a policy. A case is judged by the version in force on the day its billing period began."
            ),
            (gettext_lazy("“Other versions” compares it with any other, word by word."), _BAR),
        ),
        "policies_policyversion_compare": Help(
            gettext_lazy("What differs between two versions: figures before and after, and the text word by word.")
        ),
        "complaints_backtest": Help(
            gettext_lazy("A drafted policy tried on past cases: what would have been given, and what was.")
        ),
        "messaging_outgoingmessage": Help(
            gettext_lazy("Messages to customers and staff: what was written, whether it was sent, and why not."),
            (_BAR,),
        ),
        "messaging_messagetemplate": Help(gettext_lazy("The words of messages, by kind and language.")),
        "jobs_job": Help(
            gettext_lazy("Long work, how far it is, and what became of each row."),
            (gettext_lazy("What stopped can be resumed where it was."),),
        ),
        "billing_plan": Help(gettext_lazy("What customers subscribe to. What it costs is a price of its own.")),
        "billing_price": Help(
            gettext_lazy("What a plan costs from a day on. One person drafts it, another publishes.")
        ),
        "billing_operation": Help(gettext_lazy("What is counted besides minutes, such as forwardings.")),
        "billing_operationcost": Help(gettext_lazy("What one operation costs from a day on.")),
        "accounts_user": Help(
            gettext_lazy(
                "Staff. What somebody may do comes from their role; a change is drafted here and published "
                "by a manager."
            )
        ),
        "accounts_staffchange": Help(
            gettext_lazy("Changes of staff that were drafted: another person publishes them.")
        ),
        "accounts_team": Help(gettext_lazy("Teams with their leads, who see what the team does.")),
        "accounts_approvallimit": Help(
            gettext_lazy("Up to how much a role may approve. Two people could approve everything.")
        ),
    }
)

#: Any other page, by how its name ends.
KINDS: Mapping[str, Help] = MappingProxyType(
    {
        "changelist": Help(gettext_lazy("Everything of this kind that you may see."), (_FIND,)),
        "change": Help(gettext_lazy("All about one of these."), (_BAR,)),
        "act": Help(
            gettext_lazy("What you are about to do, row by row, with what it leads to. Nothing has happened yet."),
            (gettext_lazy("Rows that it cannot be done to are named with the reason, and left out."),),
        ),
        "act_results": Help(
            gettext_lazy("What was done to each row, and what was not. The list can be saved as a file.")
        ),
        "do": Help(
            gettext_lazy(
                "Nothing happens before you press the button; “preview”, where there is one, shows what would."
            )
        ),
        "history": Help(
            gettext_lazy("Each version with who made it, when and why, and what differs from the one before.")
        ),
        "simple_history": Help(gettext_lazy("How it was at that time. It can be read, not put back.")),
        "add": Help(gettext_lazy("A new one; it is saved when everything needed is there.")),
    }
)


def help_for(request: HttpRequest) -> Help | None:
    """Help with the page that is asked for: its own, its model's, or that of its kind."""
    match = request.resolver_match
    name = match.url_name if match is not None else None
    if not name:
        return None
    if name in PAGES:
        return _for(PAGES[name], request)
    kind = next((kind for kind in sorted(KINDS, key=len, reverse=True) if name.endswith(f"_{kind}")), "")
    if not kind:
        return None
    model = name.removesuffix(f"_{kind}")
    return PAGES.get(model, KINDS[kind]) if kind in {"changelist", "change"} else KINDS[kind]
