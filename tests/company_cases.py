"""Cases as a company lives them, for tests that play its life in random order: what complaints lead to, who approves
in whose place, late answers that are made good, complaints joined, the same asked for again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from accounts.staff.delegations.actions import give_delegation, revoke_delegation
from accounts.staff.models import Delegation, User
from billing.invoices.models import Invoice
from billing.money import round_money
from billing.payments.actions import record_payment
from billing.subscriptions.models import BillingPeriod
from complaints.cases import actions as cases
from complaints.cases.decisions import actions as decisions
from complaints.cases.models import Complaint, DeadlineBreach
from complaints.incidents.models import Incident
from complaints.indemnities import actions as indemnities
from complaints.refunds.approvals.actions import approve_refund
from complaints.refunds.approvals.rules import ANY_RIGHT, OWN_RIGHT
from complaints.refunds.models import Refund
from complaints.refunds.proposals.actions import draft_refund, edit_refund, propose_refund
from complaints.reversals import actions as reversals
from tests import factories
from tests.company_life import CompanyLife, happens, which, yes_or_no
from tests.money_invariants import check_paid_for

REMEDIES = [
    ("credit",),
    ("minutes",),
    ("extension",),
    ("cash",),
    ("credit", "cash"),
    ("extension", "minutes", "credit"),
    ("minutes", "extension", "cash", "credit"),
]
BASES = st.sampled_from(["usage", "special", "special", "full_month", "interruption"])
#: Of the fee: the amount of a special case; 20 also means a reduction.
SHARES = st.sampled_from([20, 20, 3, 1])
WHO = st.sampled_from(["agent", "lead", "manager", "director"])


class CaseLife(CompanyLife):
    """Refunds proposed and approved, delegations, indemnities, merged cases, and what was given asked for again."""

    def do(self, action: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """And what it gave in money, somebody had paid."""
        given = set(Refund.objects.filter(settled_at__isnull=False).values_list("pk", flat=True))
        found = super().do(action, *args, **kwargs)
        for refund in Refund.objects.filter(settled_at__isnull=False).exclude(pk__in=given).select_related("period"):
            check_paid_for(refund)
            if refund.set_off:
                self.done["set off"] += 1
        return found

    # --- From a complaint to a refund -----------------------------------------------------------

    @happens(
        number=which,
        back=st.integers(0, 20),
        outcome=st.sampled_from(["upheld", "upheld", "partly_upheld", "rejected"]),
        basis=BASES,
        remedies=st.sampled_from(REMEDIES),
        share=SHARES,
        goes=st.sampled_from(["draft", "proposed", "approved", "approved", "approved"]),
    )
    def complain(
        self,
        number: int,
        back: int,
        outcome: str,
        basis: str,
        remedies: Sequence[str],
        share: int,
        goes: str,
    ) -> None:
        """A complaint from its registration to a draft, a proposal or an approval, as far as it gets."""
        if (period := self.pick(BillingPeriod.objects.all(), number)) is None:
            return
        received = factories.at(max(self.today - timedelta(days=back), period.starts_on), 10)
        category = "hardware" if number % 11 == 10 else "quality"
        complaint = self.complain_about(period, received, outcome, category)
        self.try_refund(complaint, basis, remedies, share, goes)
        self.later(number)

    def complain_about(
        self, period: BillingPeriod, received_at: datetime, outcome: str = "upheld", category: str = "quality"
    ) -> Complaint:
        complaint: Complaint = self.do(
            cases.register_complaint,
            by=self.desk.agent,
            subscription_id=period.subscription_id,
            period_id=period.pk,
            channel="email",
            received_at=received_at,
            category=category,
            sought="money",
            subject="Calls break off",
            text="After a minute.",
        )
        self.do(cases.assess_complaint, complaint.pk, by=self.desk.agent, severity="normal", findings="Noise.")
        self.do(decisions.decide_complaint, complaint.pk, by=self.desk.agent, outcome=outcome, reasons="The log.")
        return complaint

    def try_refund(self, complaint: Complaint, basis: str, remedies: Sequence[str], share: int, goes: str) -> None:
        """Of a mix, each but the last is given a twenty-fifth of the fee: more than a day is worth."""
        period = complaint.period
        part, less = (round_money(period.fee / parts, period.currency) for parts in (25, 400))
        named = self.outage_of(period) if basis == "special" and share == 3 else None
        refund = self.do(
            draft_refund,
            complaint.pk,
            by=self.desk.agent,
            basis=basis,
            special_amount=round_money(period.fee / share, period.currency) if basis == "special" else None,
            incident_id=named.pk if named else None,
            reduction=less if share == 20 else Decimal(0),
            reduction_reason="Partly their own doing",
            justification="A day's trade was lost.",
            evidence="The call log.",
            unusual_reason="It stands for itself.",
            remedies=[{"kind": kind, "amount": part} for kind in remedies[:-1]] + [{"kind": remedies[-1]}],
        )
        if refund is None or goes == "draft":
            return
        self.do(propose_refund, refund.pk, by=self.desk.agent, reason="As the log shows")
        if goes == "approved":
            self.do(approve_refund, refund.pk, by=self.desk.manager)
            if Refund.objects.get(pk=refund.pk).state == Refund.State.APPROVED:
                self.do(approve_refund, refund.pk, by=self.desk.director)

    def outage_of(self, period: BillingPeriod) -> Incident | None:
        """One that a special case of the period can name."""
        start, end = (factories.at(day, 0) for day in (period.starts_on, period.ends_on))
        hit = Incident.objects.filter(hits_everybody=True, scheduled=False, ends_at__gt=start, starts_at__lt=end)
        return hit.order_by("pk").first()

    # --- Again, and of what is owed -------------------------------------------------------------

    @happens(number=which, basis=BASES, remedies=st.sampled_from(REMEDIES), joins=yes_or_no)
    def ask_again(self, number: int, basis: str, remedies: Sequence[str], joins: bool) -> None:
        """What a period was refunded for is complained about once more, by a case of its own or one that is joined."""
        given = Refund.objects.filter(state__in=(Refund.State.SETTLED, Refund.State.REVERSED))
        if (refund := self.pick(given.select_related("complaint", "period"), number)) is None:
            return
        received = refund.complaint.received_at + timedelta(days=(0, 0, 1, -1)[number // 6 % 4])
        if not factories.at(refund.period.starts_on, 0) <= received <= factories.at(self.today):
            received = refund.complaint.received_at
        complaint = self.complain_about(refund.period, received)
        if joins:
            one, into = (complaint, refund.complaint) if number % 2 else (refund.complaint, complaint)
            self.do(decisions.merge_complaints, one.pk, by=self.desk.lead, into_id=into.pk, reason="The same matter")
            complaint = Complaint.objects.get(pk=into.pk)
        self.try_refund(complaint, basis, remedies, 20, "approved")
        self.later(number)

    @happens(number=which, share=st.sampled_from([0, 2, 3, 6]), basis=BASES, remedies=st.sampled_from(REMEDIES))
    def refund_the_unpaid(self, number: int, share: int, basis: str, remedies: Sequence[str]) -> None:
        """A fee that was paid in part, or not at all, is refunded; the rest may be paid later."""
        owed = Invoice.objects.unpaid().filter(period__isnull=False).select_related("period")
        if (invoice := self.pick(owed, number)) is None or invoice.period is None:
            return
        if share:
            part = round_money(invoice.due / share, invoice.currency)
            self.do(record_payment, invoice.pk, by=self.desk.clerk, amount=part, received_on=self.today)
        day = max(self.today - timedelta(days=number % 15), invoice.period.starts_on)
        complaint = self.complain_about(invoice.period, factories.at(day, 10))
        self.try_refund(complaint, basis, remedies, 1, "approved")
        self.later(number)

    @happens(number=which, charge=st.sampled_from([False, False, True]))
    def take_back_used(self, number: int, charge: bool) -> None:
        """A refund is taken back after an invoice, calls or days have used a part of it, and given anew."""
        settled = Refund.objects.filter(state=Refund.State.SETTLED).select_related("complaint", "period")
        if (refund := self.pick(settled, number)) is None:
            return
        self.pass_days(days=(0, 5, 31)[number % 3], step=100, bills=True, pays=True)
        proposed = {"by": self.desk.agent, "reason": "A mistake", "charge_used": charge}
        if (reversal := self.do(reversals.propose_reversal, refund.pk, **proposed)) is None:
            return
        taken = self.do(reversals.approve_reversal, reversal.pk, by=self.desk.director, charge_used=charge)
        if taken is None:
            return
        if taken.taken_back < refund.total:
            self.done["taken back in part"] += 1
        complaint = self.complain_about(refund.period, refund.complaint.received_at)
        self.try_refund(complaint, refund.basis, ("credit",), 3, "approved")
        self.later(number)

    # --- In whose place, how late, and joined ---------------------------------------------------

    def approve(self, refund: Refund, by: User, choice: str = "any") -> None:
        """By any right, by one's own, or insisting on the newest delegation received."""
        right = {"any": ANY_RIGHT, "own": OWN_RIGHT}.get(choice)
        if right is None:
            newest = Delegation.objects.filter(deputy=by).order_by("-pk").first()
            right = str(newest.pk) if newest is not None else "0"
        before = refund.approvals.filter(delegation__isnull=False).count()
        self.do(approve_refund, refund.pk, by=by, choice=right)
        if refund.approvals.filter(delegation__isnull=False).count() > before:
            self.done["approved in somebody's place"] += 1

    @happens(away=WHO, deputy=WHO, days=st.sampled_from([0, 1, 30, 91, 92]), ahead=st.sampled_from([0, 0, 0, 7]))
    def delegate(self, away: str, deputy: str, days: int, ahead: int) -> None:
        person: User = getattr(self.desk, deputy)
        first = self.today + timedelta(days=ahead)
        given = {"starts_on": first, "ends_on": first + timedelta(days=days), "reason": "Holiday"}
        self.do(give_delegation, by=getattr(self.desk, away), deputy_id=person.pk, **given)

    @happens(number=which, who=WHO)
    def revoke_delegation(self, number: int, who: str) -> None:
        if (delegation := self.pick(Delegation.objects.all(), number)) is not None:
            self.do(revoke_delegation, delegation.pk, by=getattr(self.desk, who), reason="Back again")

    @happens(number=which, cash=yes_or_no, goes=st.sampled_from(["draft", "edited", "approved", "approved"]))
    def indemnify(self, number: int, cash: bool, goes: str) -> None:
        """A late answer is made good, as far as it gets; mostly one that really was late."""
        late = DeadlineBreach.objects.filter(deadline=DeadlineBreach.Deadline.DECIDE).values("complaint")
        rows = Complaint.objects.filter(pk__in=late) if number % 5 < 4 else Complaint.objects.all()
        if (complaint := self.pick(rows, number)) is None:
            return
        remedies = [{"kind": "cash" if cash else "credit"}]
        refund = self.do(indemnities.draft_indemnity, complaint.pk, by=self.desk.agent, remedies=remedies)
        if refund is None or goes == "draft":
            return
        if goes == "edited":
            twice = refund.special_amount * 2
            self.do(edit_refund, refund.pk, by=self.desk.agent, special_amount=twice, remedies=remedies)
        self.do(propose_refund, refund.pk, by=self.desk.agent, reason="We were late")
        self.approve(refund, self.desk.manager)
        if Refund.objects.get(pk=refund.pk).state == Refund.State.APPROVED:
            self.approve(refund, self.desk.director)
        self.later(number)

    @happens(number=which, backwards=yes_or_no)
    def join(self, number: int, backwards: bool) -> None:
        """Two complaints of one customer become one, whatever was refunded in either."""
        if (complaint := self.pick(Complaint.objects.all(), number)) is None:
            return
        others = Complaint.objects.filter(customer=complaint.customer_id).exclude(pk=complaint.pk)
        if (other := self.pick(others, number // 6)) is None:
            return
        one, into = (other, complaint) if backwards else (complaint, other)
        self.do(decisions.merge_complaints, one.pk, by=self.desk.lead, into_id=into.pk, reason="The same matter")
        self.later(number)

    @happens(number=which)
    def reopen(self, number: int) -> None:
        """A case with a refund that was given is taken up again, and decided anew."""
        refunded = Refund.objects.filter(state__in=(Refund.State.SETTLED, Refund.State.REVERSED)).values("complaint")
        if (complaint := self.pick(Complaint.objects.filter(pk__in=refunded), number)) is None:
            return
        self.do(decisions.reopen_complaint, complaint.pk, by=self.desk.lead, reason="News")
        if number % 3:
            outcome = "upheld" if number % 2 else "rejected"
            decided = {"outcome": outcome, "reasons": "Looked at it again"}
            self.do(decisions.decide_complaint, complaint.pk, by=self.desk.agent, **decided)
