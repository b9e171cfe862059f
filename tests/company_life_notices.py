"""Customers are told, in lives in random order: people do what their home page lists, the mail server takes letters,
and at the end nobody is left untold; what was late has its breach and its event.
"""

from __future__ import annotations

import sys
from typing import Any

from hypothesis import strategies as st

from accounts.customers.actions import edit_customer
from accounts.staff.models import User
from audit.models import Event
from complaints.cases import actions as cases
from complaints.cases.correspondence.actions import read_customer_message
from complaints.cases.decisions.actions import communicate_decision
from complaints.cases.models import Complaint, DeadlineBreach
from complaints.letters.drafts import decision_text
from complaints.letters.outcomes import outcome_text
from complaints.notices.actions import tell_outcome
from complaints.notices.models import Notice
from complaints.notices.rules import next_owed
from complaints.upkeep.actions import run_upkeep
from complaints.vocabulary import ComplaintVerb
from messaging.notices.actions import record_told
from messaging.notices.models import ChangeNotice
from messaging.outbox.models import DeliveryAttempt, OutgoingMessage
from messaging.sending.actions import send_due
from messaging.sending.transport import SendResult, SmtpSession
from tests import factories
from tests.company_cases import CaseLife
from tests.company_life import happens, which, yes_or_no


class WillingServer(SmtpSession):
    """A mail server that takes every letter."""

    def hand_over(self, message: OutgoingMessage) -> SendResult:
        return SendResult(DeliveryAttempt.Outcome.ACCEPTED, "250 OK")


class NoticeLife(CaseLife):
    """What customers have to hear, and people who follow their home page."""

    @property
    def people(self) -> list[User]:
        desk = self.desk
        return [desk.agent, desk.colleague, desk.lead, desk.manager, desk.director, desk.clerk, desk.auditor]

    @happens()
    def work_through_home(self) -> None:
        """Letters go out; then everybody does what their home page has to be told."""
        send_due(limit=1000, post=WillingServer())
        for person in self.people:
            for complaint in Complaint.objects.customer_wrote().of_owner_or_lead(person):
                self.do(read_customer_message, complaint.pk, by=person)
            for notice in Notice.objects.owed_by(person):
                self.tell(Complaint.objects.get(pk=notice.complaint_id), person)
            for change in ChangeNotice.objects.owed_by(person):
                self.record(change.pk, person)

    def tell(self, complaint: Complaint, by: User) -> None:
        """The next outcome of the case, by e-mail, or by letter where there is no address."""
        channel = "" if complaint.customer.email else "letter"
        notice = next_owed(complaint)
        if notice is not None:
            text = outcome_text(notice)
            self.do(tell_outcome, complaint.pk, by=by, text=text, channel=channel)
        elif complaint.state == Complaint.State.DECIDED:
            self.do(communicate_decision, complaint.pk, by=by, text=decision_text(complaint), channel=channel)

    def record(self, notice_id: int, by: User) -> None:
        """A letter on paper says what the e-mail could not."""
        self.do(record_told, notice_id, by=by, channel="letter", text=str(ChangeNotice.objects.get(pk=notice_id)))

    @happens(number=which)
    def take_up(self, number: int) -> None:
        if (complaint := self.pick(Complaint.objects.open().filter(owner__isnull=True), number)) is not None:
            self.do(
                cases.assign_complaint, complaint.pk, by=self.desk.agent, owner_id=self.desk.agent.pk, reason="Mine"
            )

    @happens(number=which)
    def customer_writes(self, number: int) -> None:
        """On any case, a closed or merged one too."""
        if (complaint := self.pick(Complaint.objects.all(), number)) is not None:
            said: dict[str, Any] = {"text": "And now?", "channel": "phone", "received_at": factories.at(self.today)}
            self.do(cases.record_customer_message, complaint.pk, by=self.desk.colleague, **said)

    @happens(number=which, account=yes_or_no, address=st.sampled_from(["", "same", "other"]))
    def customer_moves(self, number: int, account: bool, address: str) -> None:
        """Another account, another address or none, at once or one after the other."""
        self.serial += 1
        changes = {"iban": factories.own_iban(500 + self.serial)} if account else {}
        if address != "same":
            changes["email"] = address and f"new{self.serial}@example.com"
        if changes:
            customer = self.customers[number % 2]
            self.do(edit_customer, customer.pk, by=self.desk.agent, reason="By telephone", **changes)

    # --- The end --------------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            if hasattr(self, "clock") and sys.exc_info()[0] is None:
                self.nobody_is_left_untold()
        finally:
            super().teardown()

    def nobody_is_left_untold(self) -> None:
        """After as many mornings as one card of a home page could need."""
        for _ in range(3):
            self.work_through_home()
        run_upkeep(by=self.desk.system)
        assert list(Notice.objects.owed()) == []
        assert list(ChangeNotice.objects.owed()) == []
        assert list(Complaint.objects.customer_wrote()) == []
        assert not Complaint.objects.filter(state=Complaint.State.DECIDED).exists()
        self.what_was_late_has_its_breach()

    def what_was_late_has_its_breach(self) -> None:
        now = factories.at(self.today)
        missed = ComplaintVerb.COMPLAINT_DEADLINE_MISSED
        late = [
            (complaint.pk, deadline)
            for complaint in Complaint.objects.filter(state__in=Complaint.OPEN_STATES)
            for deadline, due, met in (
                ("acknowledge", complaint.acknowledge_due_at, complaint.acknowledged_at),
                ("tell", complaint.tell_due_at, complaint.communicated_at),
            )
            if due <= (met or now)
        ]
        recorded = set(DeadlineBreach.objects.values_list("complaint", "deadline"))
        assert [each for each in late if each not in recorded] == []
        breaches = DeadlineBreach.objects.order_by("complaint").values_list("complaint", flat=True)
        events = Event.objects.filter(verb=missed, outcome="done").order_by("complaint_id")
        assert list(breaches) == list(events.values_list("complaint_id", flat=True))
