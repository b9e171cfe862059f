"""Cases as a company lives them, for tests that play its life in random order: who approves in whose place, late
answers that are made good, complaints joined.
"""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st

from accounts.staff.delegations.actions import give_delegation, revoke_delegation
from accounts.staff.models import Delegation, User
from complaints.cases.decisions import actions as decisions
from complaints.cases.models import Complaint, DeadlineBreach
from complaints.indemnities import actions as indemnities
from complaints.refunds.approvals.actions import approve_refund
from complaints.refunds.approvals.rules import ANY_RIGHT, OWN_RIGHT
from complaints.refunds.models import Refund
from complaints.refunds.proposals.actions import edit_refund, propose_refund
from tests.company_life import CompanyLife, happens, which, yes_or_no

WHO = st.sampled_from(["agent", "lead", "manager", "director"])


class CaseLife(CompanyLife):
    """Delegations, indemnities and merged cases."""

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
