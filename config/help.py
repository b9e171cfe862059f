"""A few plain sentences for each page: what it is for, and how what people come for is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.staff.permissions import May
from backoffice.requests import StaffRequest, staff
from core.text import Text


@dataclass(frozen=True, slots=True)
class Help:
    """What a page is for, in a sentence or two, and lines on how to do the usual things."""

    what: Text
    how: tuple[Text, ...] = ()
    how_for: May | None = None  # the lines are of use to those who may this


def _for(found: Help, request: StaffRequest) -> Help:
    user = request.user
    return found if found.how_for is None or user.may(found.how_for) else replace(found, how=())


_FIND = _("The box on top finds customers, codes, serial numbers and invoices from any page: press / or Ctrl K.")
_BAR = _("The bar at the bottom has what you may do; its last button says of the rest why you may not, and who could.")

#: By the name of the page, without "admin:"; a list and a row of a model are "app_model_changelist" and "…_change".
PAGES: Mapping[str, Help] = MappingProxyType(
    {
        "index": Help(
            _("What waits for you, the most urgent first. Cards that you do not see are not your role’s."),
            (
                _("The oldest overdue case is the first line of “Overdue”, also behind the red number on the left."),
                _(
                    "Why a refund was this high: open it from “Lately settled”. Its quote names the clause "
                    "of each line."
                ),
                _("Who approved it stands in the same line, and with the reason on the refund’s page."),
                _(
                    "What a customer owes on a phone: type their name, or the phone’s serial number, into the box "
                    "on top."
                ),
            ),
            how_for=May.SEE_CASES,
        ),
        "complaints_refund_inbox": Help(
            _("The proposals that you may decide, in your own right or in somebody’s place, soonest to expire first."),
            (
                _("j and k go to the next and the one before; Enter opens the quote in place."),
                _("a, r and x approve, return and reject the line you are on; for the last two you type a reason."),
                _("Your own proposals, and cases you decided, are not here: somebody else has to look."),
            ),
        ),
        "search": Help(
            _("Everything you may see whose code, number, name or address begins with what you typed."),
            (_("A whole code and Enter lead straight there."), _("Names are also found by a later word: “Dental”.")),
        ),
        "password_change": Help(_("Your own password. Everybody else’s is set by an administrator.")),
        "complaints_complaint_changelist": Help(
            _("All complaints. The pills tell the state and how long is left to decide."),
            (_("“work” narrows the list to yours, the unassigned or the overdue ones."), _FIND),
        ),
        "complaints_complaint_change": Help(
            _("One case from its text to its remedy: what the customer says, what we know, what could be given."),
            (
                _("Acknowledge, assess, decide, tell the customer, close: each step opens the next."),
                _("A refund is quoted here, proposed by one person and approved by another."),
                _BAR,
            ),
        ),
        "complaints_refund_changelist": Help(
            _("All refunds, whatever became of them. A proposal waits for somebody who had no part in it."),
            (_("Choose several rows to decide on them together: each is computed again before."),),
        ),
        "complaints_refund_change": Help(
            _("One refund: how its amount came about, who proposed and approved it, and what was given."),
            (
                _("Each line of the quote has its figures and the clause that it follows."),
                _("“Approvals” names who said yes, under which limit, and why."),
                _BAR,
            ),
        ),
        "complaints_reversal": Help(
            _("Refunds that are taken back because they were wrong, with what comes back and what was used already.")
        ),
        "accounts_delegation": Help(_("Who approves for whom while they are away, and from when until when.")),
        "accounts_customer_changelist": Help(
            _("All customers. Those that were merged into another are left out unless you ask for them."), (_FIND,)
        ),
        "accounts_customer_change": Help(
            _(
                "A customer on one page: subscriptions, invoices, credits, phones with what is owed, complaints and "
                "refunds."
            ),
            (_("A complaint is registered from the subscription it is about."), _BAR),
        ),
        "accounts_contact": Help(_("People to talk to at customers.")),
        "policies_agreement": Help(
            _("Special terms of one customer: they go before the policy. One person drafts them, another publishes.")
        ),
        "billing_subscription_changelist": Help(_("All subscriptions, running and ended."), (_FIND,)),
        "billing_subscription_change": Help(
            _("One subscription: its current period drawn to scale, its invoices, what was given on it."),
            (_("Cancelling shows first until when the service runs."), _BAR),
        ),
        "billing_billingperiod": Help(_("One period of a subscription: its fee, its usage, what was refunded of it.")),
        "billing_planchange": Help(_("Changes of plan: each takes effect when a new period begins.")),
        "billing_usagerecord": Help(_("What was used, as the systems that measure it reported it.")),
        "hardware_purchase": Help(
            _("Phones that customers bought: what is paid, what is owed, from when on the phone is theirs."),
            (_("What was paid for a phone is never refunded."),),
        ),
        "hardware_phone": Help(_("Single devices with serial number and MAC address, and who has them.")),
        "hardware_phonemodel": Help(_("Makes of phone that we sell or sold.")),
        "billing_invoice": Help(_("Invoices with what was credited, paid and is due."), (_BAR,)),
        "billing_writeoff": Help(
            _("What is due and will not be paid: one person proposes to write it off, a manager approves it.")
        ),
        "billing_charge": Help(_("Amounts that wait for the next invoice of a subscription.")),
        "billing_creditnote": Help(_("The document of each settled refund, numbered without gaps.")),
        "billing_credit": Help(_("Money that stands for a customer until an invoice uses it up.")),
        "billing_residualcreditpayout": Help(
            _("Credit that is left when a customer leaves, on its way to their account.")
        ),
        "billing_payout": Help(_("Money on its way to customers’ accounts: pending, paid or failed."), (_BAR,)),
        "accounts_customermerge": Help(
            _("Two entries of one customer that become one: one person proposes it, a manager approves it.")
        ),
        "accounts_bankdetailschange": Help(
            _("Changed bank details. Nothing is paid out to them before a second person has confirmed them.")
        ),
        "billing_payment": Help(_("Money that came in, and the invoices that it paid.")),
        "billing_invoicevoid": Help(
            _(
                "Invoices that should never have been. A clerk proposes one, a manager approves, and a credit note "
                "covers it."
            ),
        ),
        "billing_prepayment": Help(
            _("Money that came before its invoice. It waits for the subscription’s next one, or goes back.")
        ),
        "billing_surpluscredit": Help(
            _("Money beyond what is due, on its way to a credit: one person proposes it, a manager approves it.")
        ),
        "billing_bankline": Help(
            _("Lines of imported bank statements: matched to an invoice, or waiting for somebody.")
        ),
        "billing_billingrun": Help(_("Each run of billing with what it made, and what it could not.")),
        "complaints_incident": Help(
            _("Interruptions and maintenance. Refunds for an interruption count the time in here.")
        ),
        "audit_event": Help(
            _("Who did or tried what, when and why; refusals too. Nothing in here can be changed."),
            (_("Search for a person, a code, or what was done; filter by result or where it came from."),),
        ),
        "complaints_signalreport": Help(
            _("Patterns that the rules allow and that are worth a look, found each night. A signal proves nothing."),
            (_("Each pattern names its rows; what counts as one is set under “Figures of signals”."),),
        ),
        "complaints_signalwindow": Help(
            _("From when on a pattern counts as a signal: drafted by an administrator, published by a manager.")
        ),
        "policies_policy": Help(_("What we promise customers, by kind. Its versions are drafted, then published.")),
        "policies_policyversion": Help(
            _("One version of a policy. A case is judged by the version in force on the day its billing period began."),
            (_("“Other versions” compares it with any other, word by word."), _BAR),
        ),
        "policies_policyversion_compare": Help(
            _("What differs between two versions: figures before and after, and the text word by word.")
        ),
        "complaints_backtest": Help(
            _("A drafted policy tried on past cases: what would have been given, and what was.")
        ),
        "messaging_changenotice": Help(
            _("Moved ends of service and changed bank details, and whether the customer has heard of each."),
            (_("A letter goes out by itself. Without an address, write down how they were told."), _BAR),
        ),
        "messaging_outgoingmessage": Help(
            _("Messages to customers and staff: what was written, whether it was sent, and why not."), (_BAR,)
        ),
        "messaging_messagetemplate": Help(_("The words of messages, by kind and language.")),
        "jobs_job": Help(
            _("Long work, how far it is, and what became of each row."),
            (_("What stopped can be resumed where it was."),),
        ),
        "billing_plan": Help(_("What customers subscribe to. What it costs is a price of its own.")),
        "billing_price": Help(_("What a plan costs from a day on. One person drafts it, another publishes.")),
        "billing_operation": Help(_("What is counted besides minutes, such as forwardings.")),
        "billing_operationcost": Help(_("What one operation costs from a day on.")),
        "accounts_user": Help(
            _("Staff. What somebody may do comes from their role; a change is drafted here and published by a manager.")
        ),
        "accounts_staffchange": Help(_("Changes of staff that were drafted: another person publishes them.")),
        "accounts_team": Help(_("Teams with their leads, who see what the team does.")),
        "accounts_companyprofile": Help(
            _("Who the company is, from a day on: invoices, letters and the public policy page name it.")
        ),
        "accounts_controllimit": Help(
            _("How far policies may loosen the second approval. Neither a policy nor an agreement goes beyond them.")
        ),
        "accounts_approvallimit": Help(_("Up to how much a role may approve. Two people could approve everything.")),
    }
)

#: Any other page, by how its name ends.
KINDS: Mapping[str, Help] = MappingProxyType(
    {
        "changelist": Help(_("Everything of this kind that you may see."), (_FIND,)),
        "change": Help(_("All about one of these."), (_BAR,)),
        "act": Help(
            _("What you are about to do, row by row, with what it leads to. Nothing has happened yet."),
            (_("Rows that it cannot be done to are named with the reason, and left out."),),
        ),
        "act_results": Help(_("What was done to each row, and what was not. The list can be saved as a file.")),
        "do": Help(_("Nothing happens before you press the button; “preview”, where there is one, shows what would.")),
        "history": Help(_("Each version with who made it, when and why, and what differs from the one before.")),
        "simple_history": Help(_("How it was at that time. It can be read, not put back.")),
        "add": Help(_("A new one; it is saved when everything needed is there.")),
    }
)


def help_for(request: HttpRequest) -> Help | None:
    """Help with the page that is asked for: its own, its model's, or that of its kind."""
    match = request.resolver_match
    name = match.url_name if match is not None else None
    if not name:
        return None
    if name in PAGES:
        return _for(PAGES[name], staff(request))
    kind = next((kind for kind in sorted(KINDS, key=len, reverse=True) if name.endswith(f"_{kind}")), "")
    if not kind:
        return None
    model = name.removesuffix(f"_{kind}")
    return PAGES.get(model, KINDS[kind]) if kind in {"changelist", "change"} else KINDS[kind]
