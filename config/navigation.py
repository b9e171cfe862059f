"""What stands in the navigation, in its order."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy

from core.text import Text


@dataclass(frozen=True, slots=True)
class NavigationEntry:
    """One line of the navigation: a model's list, or a page action of it, seen by those who may see it."""

    model: str  # "app.Model"; left out while no admin is registered for it
    label: Text = ""  # the model's own plural if empty
    query: str = ""  # a filter of the list: "state__exact=proposed"
    action: str = ""  # the name of a page action instead of the list
    page: str = ""  # a page of the model's own instead: its address behind the list's; ``may_see_<page>`` says to whom
    count: str = ""  # the number beside it (backoffice.badges)
    tone: str = ""  # "bad": the number is a warning
    icon: str = ""  # of an entry that stands on top, outside the groups
    key: str = ""  # "g" and this letter lead there


@dataclass(frozen=True, slots=True)
class NavigationGroup:
    """Entries that belong to one kind of work. A group of one entry is shown as that entry."""

    label: Text
    icon: str
    entries: tuple[NavigationEntry, ...]
    count: str = ""  # the number beside it (backoffice.badges)
    key: str = ""  # "g" and this letter lead to its first entry
    ruled: bool = False  # a line above it
    personal: bool = False  # stands in one's own menu, at the top right


#: What stands above the groups; the home page comes before it.
TOP: tuple[NavigationEntry, ...] = (
    NavigationEntry(
        "complaints.Complaint",
        gettext_lazy("Overdue"),
        query="work=overdue",
        count="overdue",
        tone="bad",
        icon="alarm-clock",
        key="o",
    ),
)

NAVIGATION: tuple[NavigationGroup, ...] = (
    NavigationGroup(
        gettext_lazy("Complaints"),
        "message-square-warning",
        (NavigationEntry("complaints.Complaint"),),
        count="open",
        key="c",
    ),
    NavigationGroup(
        gettext_lazy("Approvals"),
        "stamp",
        (
            NavigationEntry("complaints.Refund", gettext_lazy("Waiting for me"), page="inbox"),
            NavigationEntry("complaints.Refund", gettext_lazy("Waiting for approval"), query="state__exact=proposed"),
            NavigationEntry("complaints.Refund", gettext_lazy("All refunds")),
            NavigationEntry("complaints.Reversal"),
            NavigationEntry("accounts.Delegation"),
        ),
        count="approvals",
        key="a",
    ),
    NavigationGroup(
        gettext_lazy("Customers"),
        "users",
        (
            NavigationEntry("accounts.Customer"),
            NavigationEntry("accounts.Contact"),
            NavigationEntry("policies.Agreement"),
            NavigationEntry("accounts.Customer", action="merge"),
            NavigationEntry("accounts.CustomerMerge"),
        ),
        key="u",
        ruled=True,
    ),
    NavigationGroup(
        gettext_lazy("Subscriptions"),
        "repeat",
        (
            NavigationEntry("billing.Subscription"),
            NavigationEntry("billing.BillingPeriod"),
            NavigationEntry("billing.PlanChange"),
            NavigationEntry("billing.UsageRecord", gettext_lazy("Usage")),
        ),
    ),
    NavigationGroup(
        gettext_lazy("Phones"),
        "phone",
        (
            NavigationEntry("hardware.Purchase"),
            NavigationEntry("hardware.Phone"),
            NavigationEntry("hardware.PhoneModel"),
        ),
    ),
    NavigationGroup(
        gettext_lazy("Money"),
        "banknote",
        (
            NavigationEntry("billing.Invoice"),
            NavigationEntry("billing.CreditNote"),
            NavigationEntry("billing.WriteOff"),
            NavigationEntry("billing.InvoiceVoid"),
            NavigationEntry("billing.Credit"),
            NavigationEntry("billing.Charge"),
            NavigationEntry("billing.ResidualCreditPayout"),
            NavigationEntry("billing.Payout"),
            NavigationEntry("accounts.BankDetailsChange"),
            NavigationEntry("billing.Payment"),
            NavigationEntry("billing.Prepayment"),
            NavigationEntry("billing.SurplusCredit"),
            NavigationEntry("billing.BankLine"),
            NavigationEntry("billing.BillingRun"),
            NavigationEntry("billing.Invoice", action="run_billing"),
        ),
    ),
    NavigationGroup(gettext_lazy("Incidents"), "siren", (NavigationEntry("complaints.Incident"),), count="incidents"),
    NavigationGroup(
        gettext_lazy("Audit"),
        "scroll-text",
        (NavigationEntry("audit.Event"), NavigationEntry("complaints.SignalReport", gettext_lazy("Signals"))),
        ruled=True,
    ),
    NavigationGroup(
        gettext_lazy("Policies"),
        "scale",
        (
            NavigationEntry("policies.Policy"),
            NavigationEntry("policies.PolicyVersion"),
            NavigationEntry("complaints.BackTest", gettext_lazy("Back-tests")),
        ),
    ),
    NavigationGroup(
        gettext_lazy("Messages"),
        "mails",
        (
            NavigationEntry("messaging.ChangeNotice"),
            NavigationEntry("messaging.OutgoingMessage", gettext_lazy("Sent and waiting")),
            NavigationEntry("messaging.MessageTemplate", gettext_lazy("Texts")),
        ),
    ),
    NavigationGroup(gettext_lazy("Jobs"), "hourglass", (NavigationEntry("jobs.Job"),)),
    NavigationGroup(
        gettext_lazy("Set-up"),
        "settings",
        (
            NavigationEntry("billing.Plan"),
            NavigationEntry("billing.Price"),
            NavigationEntry("billing.Operation"),
            NavigationEntry("billing.OperationCost"),
            NavigationEntry("accounts.User", gettext_lazy("Staff")),
            NavigationEntry("accounts.StaffChange"),
            NavigationEntry("accounts.Team"),
            NavigationEntry("accounts.ApprovalLimit"),
            NavigationEntry("complaints.SignalWindow"),
            NavigationEntry("accounts.ControlLimit"),
            NavigationEntry("accounts.CompanyProfile"),
        ),
    ),
    NavigationGroup(
        gettext_lazy("My e-mail digest"),
        "mail",
        (NavigationEntry("complaints.DigestTimes", gettext_lazy("My e-mail digest"), action="choose"),),
        personal=True,
    ),
    NavigationGroup(
        gettext_lazy("Language of my pages"),
        "languages",
        (NavigationEntry("accounts.User", gettext_lazy("Language of my pages"), action="language"),),
        personal=True,
    ),
)
