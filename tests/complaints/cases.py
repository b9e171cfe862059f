"""Cases in every state, brought there by the actions that the pages call.

A case is about April 2024: 30 days for 60.00 EUR, paid, 0.02 a minute, no usage; the complaint came on the
10th. So 10 days are provided and a quote by usage is 40.00. Days that have to be near are given explicitly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Group
from django.utils import timezone

from accounts.staff.models import ApprovalLimit, User
from accounts.staff.permissions import APPROVAL_OF, PERMISSIONS, Role
from audit.bulk import create_tracked
from billing.credits.models import Credit
from billing.plans.models import Plan
from billing.runs.actions import run_billing
from billing.subscriptions.models import BillingPeriod, Subscription
from complaints.cases.actions import ask_customer, assess_complaint, register_complaint
from complaints.cases.decisions.actions import (
    close_complaint,
    communicate_decision,
    decide_complaint,
    merge_complaints,
    withdraw_complaint,
)
from complaints.cases.models import Complaint
from complaints.incidents.actions import record_incident
from complaints.refunds.approvals.actions import approve_refund, reject_refund
from complaints.refunds.endings.actions import expire_refund, revoke_refund, withdraw_refund
from complaints.refunds.models import Refund
from complaints.refunds.proposals.actions import draft_refund, propose_refund
from complaints.reversals.actions import approve_reversal, propose_reversal
from demo.clock import Clock
from policies.versions.models import Policy, PolicyVersion
from tests import factories

APRIL = date(2024, 4, 1)
AS_OF = date(2024, 4, 10)
LONG_LATER = date(2099, 1, 1)
LONG = timedelta(days=150)

State = Complaint.State


class Desk:
    """The people of an office, and with ``limits`` what they may approve: a lead 100.00, a manager 1,000.00 EUR.

    The agent registers, assesses, decides and proposes; the others have no hand in a case. All are made at
    once, in a few statements: most tests begin with them.
    """

    def __init__(self, *, limits: bool = False) -> None:
        groups = {group.name: group for group in Group.objects.all()}
        roles = {
            "Ada": Role.AGENT,
            "Bela": Role.AGENT,
            "Lena": Role.LEAD,
            "Maja": Role.MANAGER,
            "Dora": Role.MANAGER,
            "Carl": Role.BILLING,
            "Udo": Role.AUDITOR,
            "Anna": Role.ADMIN,
        }
        people = [factories.UserFactory.build(first_name=name, role=groups[role]) for name, role in roles.items()]
        (
            self.agent,
            self.colleague,
            self.lead,
            self.manager,
            self.director,  # a second manager
            self.clerk,
            self.auditor,
            self.administrator,
        ) = create_tracked(User, people)
        self.system = User.objects.system()
        if limits:
            self._publish_limits(groups)

    def _publish_limits(self, groups: Mapping[str, Group]) -> None:
        limits = [
            ApprovalLimit(
                role=groups[role],
                subject=subject,
                currency="EUR",
                valid_from=factories.LONG_AGO,
                amount=amount,
                state=ApprovalLimit.State.PUBLISHED,
                drafted_by=self.administrator,
                published_by=self.director,
            )
            for role, amount in ((Role.LEAD, Decimal("100.00")), (Role.MANAGER, Decimal("1000.00")))
            for subject, may in APPROVAL_OF.items()
            if role in PERMISSIONS[may]
        ]
        create_tracked(ApprovalLimit, limits)


# --- Complaints ---------------------------------------------------------------------------------


def spring_subscription(**kwargs: Any) -> Subscription:
    """April 2024 and what follows, the first invoice paid."""
    kwargs.setdefault("activated_on", APRIL)
    return factories.paid_subscription(**kwargs)


def only_period(subscription: Subscription) -> BillingPeriod:
    return BillingPeriod.objects.get(subscription=subscription)


def register(
    desk: Desk,
    subscription: Subscription | None = None,
    *,
    period: BillingPeriod | None = None,
    received_on: date = AS_OF,
    by: User | None = None,
    late: bool = False,
    **registration: Any,
) -> Complaint:
    """A complaint put on file when it came, about the given period or the subscription's first; ``late`` is now, even
    if that is long after it.
    """
    if period is None:
        subscription = subscription or spring_subscription()
        found = BillingPeriod.objects.filter(subscription=subscription).order_by("sequence").first()
        assert found is not None
        period = found
    values: dict[str, Any] = {
        "channel": "email",
        "received_at": factories.at(received_on),
        "category": "quality",
        "sought": "money",
        "subject": "Calls break off",
        "text": "Calls break off after a minute.",
        **registration,
    }
    # What is typed in long after its period needs a lead's consent.
    came = values["received_at"]
    is_old = timezone.is_aware(came) and timezone.now() - came > LONG
    with Clock(came).running() if is_old and not late else nullcontext():
        return register_complaint(
            by=by or desk.agent, subscription_id=period.subscription_id, period_id=period.pk, **values
        )


def take_up(desk: Desk, complaint: Complaint, *, by: User | None = None) -> Complaint:
    """Assessed, and so in review."""
    assess_complaint(complaint.pk, by=by or desk.agent, severity="normal", findings="The line was noisy.")
    return again(complaint)


def decide(desk: Desk, complaint: Complaint, outcome: str = "upheld", *, by: User | None = None) -> Complaint:
    decide_complaint(complaint.pk, by=by or desk.agent, outcome=outcome, reasons="The log shows it.")
    return again(complaint)


def decided(desk: Desk, outcome: str = "upheld", **registration: Any) -> Complaint:
    """A complaint that was assessed and decided, all by the agent."""
    return decide(desk, take_up(desk, register(desk, **registration)), outcome)


def communicate(desk: Desk, complaint: Complaint) -> Complaint:
    further = complaint.terms.appeal_route
    communicate_decision(complaint.pk, by=desk.agent, text=f"This is our decision. Next: {further}.")
    return again(complaint)


def complaint_in(desk: Desk, state: str, **registration: Any) -> Complaint:
    """A complaint in the state, without refunds."""
    complaint = register(desk, **registration)
    if state == State.REGISTERED:
        return complaint
    if state == State.MERGED:
        other = register(desk, complaint.subscription)
        merge_complaints(complaint.pk, by=desk.lead, into_id=other.pk, reason="The same matter")
        return again(complaint)
    if state == State.WITHDRAWN:
        withdraw_complaint(complaint.pk, by=desk.agent, channel="phone", reason="“Never mind.”")
        return again(complaint)
    complaint = take_up(desk, complaint)
    if state == State.WAITING:
        ask_customer(complaint.pk, by=desk.agent, text="Since when?")
        return again(complaint)
    if state in (State.DECIDED, State.COMMUNICATED, State.CLOSED):
        complaint = decide(desk, complaint)
    if state in (State.COMMUNICATED, State.CLOSED):
        complaint = communicate(desk, complaint)
    if state == State.CLOSED:
        close_complaint(complaint.pk, by=desk.agent, today=LONG_LATER)
    found = again(complaint)
    assert found.state == state
    return found


again = factories.again


# --- Refunds ------------------------------------------------------------------------------------


def draft(desk: Desk, complaint: Complaint, basis: str = "usage", *, by: User | None = None, **kwargs: Any) -> Refund:
    """A draft on the complaint; a full month and a special case get what they need besides the amount."""
    if basis in ("full_month", "special"):
        kwargs.setdefault("justification", "The customer lost a day's trade.")
        kwargs.setdefault("evidence", "The call log of 9 April.")
    return draft_refund(complaint.pk, by=by or desk.agent, basis=basis, **kwargs)


def propose(desk: Desk, complaint: Complaint, basis: str = "usage", *, by: User | None = None, **kwargs: Any) -> Refund:
    refund = draft(desk, complaint, basis, by=by, **kwargs)
    propose_refund(refund.pk, by=by or desk.agent, reason="As the log shows")
    return again(refund)


def special(desk: Desk, complaint: Complaint, amount: str, **kwargs: Any) -> Refund:
    """A proposal of a round amount."""
    return propose(desk, complaint, "special", special_amount=Decimal(amount), **kwargs)


def dear_case(desk: Desk, **registration: Any) -> Complaint:
    """A decided complaint about 2,000.00, so that a refund may need two approvals (above 500.00)."""
    subscription = spring_subscription(agreed_fee=Decimal("2000.00"))
    return decided(desk, subscription=subscription, **registration)


def refund_in(desk: Desk, state: str) -> Refund:
    """A refund of 600.00 in the state: draft, proposed, approved (once), settled or an end without effect.

    Needs ``Desk(limits=True)``.
    """
    complaint = dear_case(desk)
    if state == Refund.State.DRAFT:
        return draft(desk, complaint, "special", special_amount=Decimal("600.00"))
    refund = special(desk, complaint, "600.00")
    _TO_STATE[state](desk, refund)
    found = again(refund)
    assert found.state == state
    return found


def approve_twice(desk: Desk, refund: Refund) -> Refund:
    approve_refund(refund.pk, by=desk.manager)
    return approve_refund(refund.pk, by=desk.director)


def settled(desk: Desk, complaint: Complaint, basis: str = "usage", **kwargs: Any) -> Refund:
    """A refund that was proposed and approved by the manager."""
    kwargs.setdefault("unusual_reason", "Each case of a test stands for itself.")
    refund = propose(desk, complaint, basis, **kwargs)
    approve_refund(refund.pk, by=desk.manager)
    found = again(refund)
    assert found.state == Refund.State.SETTLED
    return found


def _revoke(desk: Desk, refund: Refund) -> None:
    approve_refund(refund.pk, by=desk.manager)
    revoke_refund(refund.pk, by=desk.director, reason="The log was another's")


_TO_STATE: Mapping[str, Callable[[Desk, Refund], object]] = {
    Refund.State.PROPOSED: lambda desk, refund: None,
    Refund.State.APPROVED: lambda desk, refund: approve_refund(refund.pk, by=desk.manager),
    Refund.State.SETTLED: approve_twice,
    Refund.State.REJECTED: lambda desk, refund: reject_refund(refund.pk, by=desk.manager, reason="Too much"),
    Refund.State.WITHDRAWN: lambda desk, refund: withdraw_refund(refund.pk, by=desk.agent, reason="A mistake"),
    Refund.State.EXPIRED: lambda desk, refund: expire_refund(refund.pk, by=desk.system, today=LONG_LATER),
    Refund.State.REVOKED: _revoke,
}


# --- Outages, fees half paid, refunds half used ------------------------------------------------


def down(desk: Desk, start: int, end: int, *, plan: Plan | None = None) -> None:
    """From one midnight of April 2024 to another, for everybody or those on the plan."""
    record_incident(
        by=desk.lead,
        title="Down",
        starts_at=noon(start, hour=0),
        ends_at=noon(end, hour=0),
        hits_everybody=plan is None,
        plan_ids=[plan.pk] if plan else [],
    )


def take_back(desk: Desk, refund: Refund, *, charge_used: bool = False) -> None:
    """By its reversal, without a charge for what was used unless it says so."""
    reversal = propose_reversal(refund.pk, by=desk.agent, reason="Wrong")
    approve_reversal(reversal.pk, by=desk.director, charge_used=charge_used)


def use_credit(desk: Desk, subscription: Subscription, amount: str) -> None:
    """The next invoice uses so much of the one credit: it is over no more."""
    factories.price(subscription.plan, valid_from=date(2024, 4, 2), fee=Decimal(amount))
    run_billing(date(2024, 5, 1), by=desk.system)
    assert Credit.objects.get().applied == Decimal(amount)


def partly_paid(paid: str) -> Subscription:
    """So much of April's 60.00."""
    subscription = factories.open_subscription(activated_on=APRIL)
    factories.pay(only_period(subscription).invoice, Decimal(paid))
    return subscription


# --- Looking again ------------------------------------------------------------------------------


def policy_says(day: date, *, text: str = "", **parameters: Any) -> PolicyVersion:
    """A version of the refund policy that holds from the day, with these figures changed: what is published is never
    edited, so it is followed by another. No action publishes for a day in the past.
    """
    newest = PolicyVersion.objects.filter(policy__kind=Policy.Kind.REFUND).order_by("-number")[0]
    version = PolicyVersion(
        policy=newest.policy,
        number=newest.number + 1,
        effective_from=day,
        text=text or newest.text,
        parameters={**newest.parameters, **parameters},
        state=PolicyVersion.State.PUBLISHED,
        drafted_by=factories.manager(),
        published_by=factories.manager(),
        published_at=timezone.now(),
    )
    version.save()
    return version


def held(period: BillingPeriod) -> tuple[Decimal, Decimal]:
    """What stands against the period: (pending, refunded)."""
    now = again(period)
    return now.pending, now.refunded


def lines_of(refund: Refund) -> list[str]:
    """The stored lines as text."""
    return [f"{line['code']} {line['amount']}" for line in refund.lines]


def noon(day: int, month: int = 4, hour: int = 12) -> datetime:
    """A time in 2024, April unless said otherwise."""
    return factories.at(date(2024, month, day), hour)
