"""Who may approve what is one rule: judged for one refund, asked for many, counted on every page.

A company with everything that could make the two differ: cases and customers merged by way of a third, people who
stand in for others, limits of every kind, second approvals, proposals that expired or whose decision no longer stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accounts.customers.models import Customer
from accounts.staff.approvers import ApprovalRights
from accounts.staff.delegations.actions import revoke_delegation
from accounts.staff.limits.rules import Limit
from accounts.staff.models import ApprovalLimit, Delegation, User
from accounts.staff.permissions import Role
from backoffice.badges import counts
from complaints.cases.actions import correct_complaint
from complaints.cases.decisions.actions import merge_complaints
from complaints.cases.guards import with_what_guards_read
from complaints.cases.models import Complaint, Decision
from complaints.digests.contents import waiting_for
from complaints.incidents.actions import edit_incident, end_incident, record_incident
from complaints.refunds.approvals.actions import approve_refund, return_refund
from complaints.refunds.approvals.hands.rules import HANDS
from complaints.refunds.approvals.rules import Authority, approvable_by, may_approve
from complaints.refunds.approvals.windows.rules import granted_lately
from complaints.refunds.models import Refund
from complaints.refunds.proposals.actions import edit_refund, propose_refund
from complaints.refunds.work_queues import waiting_for_approval_of
from tests import factories
from tests.complaints.cases import (
    Desk,
    dear_case,
    decide,
    decided,
    draft,
    noon,
    propose,
    refund_in,
    register,
    settled,
    special,
    spring_subscription,
    take_up,
)
from tests.made_once import made_once

pytestmark = pytest.mark.django_db

TODAY = factories.today


class BoundlessRights(ApprovalRights):
    """As if every limit covered everything: whoever asks about many does not look at limits."""

    def limit_of(self, person: User, subject: str, currency: str) -> Limit:
        return Limit(person.role_name, subject, currency, Decimal(10**9))


def merge(complaint: Complaint, into: Complaint, *, by: User) -> None:
    merge_complaints(complaint.pk, by=by, into_id=into.pk, reason="The same matter")


def changed[Row: (Complaint, Customer, Refund, User)](row: Row, **values: object) -> Row:
    """Brought by hand to where actions bring it in many steps, or do not today."""
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    return row


class Company:
    """Every way to have a hand in a refund, to have a right to it, and to have neither."""

    def __init__(self) -> None:
        self.desk = Desk(limits=True)
        self.second_lead = factories.lead(first_name="Lars")
        self.absent = factories.manager(first_name="Aldo")
        self.linked = factories.manager(first_name="Lina")
        self.limits()
        self.plain()
        self.registrations()
        self.incidents()
        self.merged_cases()
        self.merged_customers()
        self.delegations()
        self.second_approvals()
        self.over()

    def limits(self) -> None:
        later = TODAY() + timedelta(days=30)
        for subject, currency, amount, day in (
            ("usage", "CHF", 50, TODAY()),
            ("full_month", "EUR", 5, TODAY()),  # in place of the higher one
            ("interruption", "EUR", 0, TODAY()),
            ("special", "EUR", 9000, later),
        ):
            factories.ApprovalLimitFactory.create(
                subject=subject, currency=currency, amount=Decimal(amount), valid_from=day
            )
        draft_state = ApprovalLimit.State.DRAFT
        factories.ApprovalLimitFactory.create(role=Role.LEAD, amount=Decimal(9999), state=draft_state)

    def plain(self) -> None:
        desk = self.desk
        propose(desk, decided(desk))
        propose(desk, decided(desk), by=desk.lead)
        propose(desk, decided(desk), by=desk.manager)
        propose(desk, decided(desk), "full_month")
        propose(desk, decided(desk, outcome="rejected"), "full_month")
        edited = draft(desk, decided(desk), by=desk.colleague)
        edit_refund(edited.pk, by=self.second_lead)
        propose_refund(edited.pk, by=desk.agent, reason="As the log shows")
        special(desk, dear_case(desk), "1900.00")
        special(desk, dear_case(desk), "300.00", by=self.absent)
        swiss = factories.CustomerFactory.create(currency="CHF", country="CH")
        special(desk, decided(desk, subscription=spring_subscription(customer=swiss)), "10.00")
        settled(desk, decided(desk))
        refund_in(desk, Refund.State.DRAFT)
        refund_in(desk, Refund.State.REJECTED)

    def registrations(self) -> None:
        """Registered, corrected and consented to by people who could approve; and the same of a case merged later."""
        desk = self.desk
        propose(desk, decide(desk, take_up(desk, register(desk, by=desk.manager))))
        corrected = register(desk)
        correct_complaint(corrected.pk, by=desk.director, reason="Misheard", subject="Calls are cut off")
        propose(desk, decide(desk, take_up(desk, corrected)))
        consented = changed(decided(desk), consent_by=self.second_lead)
        propose(desk, consented)
        into = decided(desk)
        early = register(desk, into.subscription, by=desk.lead)
        correct_complaint(early.pk, by=desk.manager, reason="Misheard", subject="Calls are cut off")
        merge(changed(early, consent_by=self.absent), into, by=desk.director)
        propose(desk, into)

    def incidents(self) -> None:
        """Outages recorded, ended and corrected by people who could approve, counted in this round or the one before;
        maintenance within; and one that does not count.
        """
        desk = self.desk
        subscription = spring_subscription()
        times: dict[str, Any] = {"hits_everybody": False, "subscription_ids": [subscription.pk]}
        down = record_incident(by=desk.lead, title="Down", starts_at=noon(2), **times)
        end_incident(down.pk, by=desk.manager, ends_at=noon(4))
        record_incident(
            by=self.second_lead, title="Repair", starts_at=noon(3), ends_at=noon(3, hour=14), scheduled=True, **times
        )
        record_incident(by=desk.director, title="Short", starts_at=noon(6), ends_at=noon(6, hour=13), **times)
        counted = propose(desk, decided(desk, subscription=subscription), "interruption")
        propose(desk, decided(desk, subscription=subscription), "full_month")
        return_refund(counted.pk, by=desk.director, reason="Look at it again")
        edit_incident(
            down.pk,
            by=self.absent,
            reason="Ended earlier",
            title="Down",
            starts_at=noon(2),
            ends_at=noon(3, hour=18),
            scheduled=False,
            **times,
        )
        propose_refund(counted.pk, by=desk.agent, reason="As corrected")
        other = spring_subscription()
        again_down = record_incident(
            by=desk.lead,
            title="Down",
            starts_at=noon(8),
            ends_at=noon(9),
            subscription_ids=[other.pk],
        )
        before = propose(desk, decided(desk, subscription=other), "interruption")
        # A round that is over: what it counted is gone from the one that waits.
        return_refund(before.pk, by=desk.director, reason="Look at it again")
        edit_incident(
            again_down.pk,
            by=desk.clerk,
            reason="It was maintenance",
            title="Repair",
            starts_at=noon(8),
            ends_at=noon(9),
            scheduled=True,
            hits_everybody=False,
        )
        edit_refund(before.pk, by=desk.agent, basis="usage")
        propose_refund(before.pk, by=desk.agent, reason="By usage, then")

    def merged_cases(self) -> None:
        """A decided case in the refund's; and an assessed one by way of a third."""
        desk = self.desk
        early = decide(desk, take_up(desk, register(desk)), by=desk.manager)
        self.survivor = decided(desk, subscription=early.subscription)
        merge(early, self.survivor, by=desk.director)
        self.of_survivor = propose(desk, self.survivor)
        first = take_up(desk, register(desk), by=desk.lead)
        second, third, last = (register(desk, first.subscription) for _ in range(3))
        for one, into in ((first, second), (second, third), (third, last)):
            merge(one, into, by=desk.director)
        self.of_chain = propose(desk, decide(desk, take_up(desk, last)))

    def merged_customers(self) -> None:
        """One customer under four numbers; two people are that customer under two of them."""
        desk = self.desk
        survivor, former, oldest, sibling = (factories.CustomerFactory.create() for _ in range(4))
        self.of_customers = [
            propose(desk, decided(desk, subscription=spring_subscription(customer=customer)))
            for customer in (survivor, former)
        ]
        changed(former, merged_into=survivor)
        changed(oldest, merged_into=former)
        changed(sibling, merged_into=survivor)
        changed(self.linked, customer=oldest)
        changed(self.second_lead, customer=sibling)
        # Somebody else, paid to the account that one of them had.
        sharing = factories.CustomerFactory.create(iban=former.iban)
        propose(desk, decided(desk, subscription=spring_subscription(customer=sharing)))

    def delegations(self) -> None:
        desk = self.desk
        gone, demoted = factories.manager(first_name="Gino"), factories.manager(first_name="Dino")
        for delegator, deputy in (
            (self.absent, desk.lead),
            (desk.manager, desk.lead),
            (desk.lead, desk.colleague),
            (self.second_lead, desk.colleague),
            (self.second_lead, desk.agent),
            (self.linked, desk.director),
            (gone, self.second_lead),
            (demoted, self.second_lead),
        ):
            factories.delegation(delegator, deputy)
        changed(gone, is_active=False)
        changed(demoted, role=Group.objects.get(name=Role.BILLING))
        factories.delegation(desk.director, self.second_lead, starts_in=10)
        revoked = factories.delegation(desk.director, factories.lead(first_name="Rita"))
        revoke_delegation(revoked.pk, by=desk.director, reason="Back again")
        Delegation(
            delegator=desk.director,
            deputy=factories.lead(first_name="Ugo"),
            starts_on=TODAY() - timedelta(days=9),
            ends_on=TODAY() - timedelta(days=1),
            reason="Away",
            given_at=timezone.now(),
        ).save()

    def second_approvals(self) -> None:
        desk = self.desk
        refund_in(desk, Refund.State.APPROVED)
        by_deputy = special(desk, dear_case(desk), "600.00")
        approve_refund(by_deputy.pk, by=desk.lead)
        # A round that is over: the manager approved what was proposed before.
        again = refund_in(desk, Refund.State.APPROVED)
        changed(again, state=Refund.State.PROPOSED, round=again.round + 1)

    def over(self) -> None:
        """Expired, about to, and decided otherwise meanwhile."""
        desk = self.desk
        for days in (-1, 0, 1):
            changed(propose(desk, decided(desk)), expires_on=TODAY() + timedelta(days=days))
        for outcome in ("rejected", "partly_upheld"):
            complaint = propose(desk, decided(desk)).complaint
            decision = Decision(
                complaint=complaint,
                outcome=outcome,
                reasons="Looked at again",
                supersedes=complaint.decision,
                by=desk.director,
                at=timezone.now(),
            )
            decision.save()
            changed(complaint, decision=decision)
        changed(propose(desk, decided(desk)).complaint, state=Complaint.State.IN_REVIEW)


@pytest.fixture(scope="module")
def company(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Company]:
    """Made once for the tests that ask for it, which only read it. They are the last of this file: its rows are there
    for every test that comes after the first of them.
    """
    with made_once(django_db_blocker, Company) as company:
        yield company


def people() -> list[User]:
    return list(User.objects.select_related("role"))


def refunds() -> list[Refund]:
    return list(with_what_guards_read(Refund.objects.order_by("pk")))


# --- What had drifted ---------------------------------------------------------------------------


def waits(person: User, refund: Refund) -> set[str]:
    """Where the refund stands as waiting for the person."""
    person = User.objects.select_related("role").get(pk=person.pk)
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    everywhere = {
        "guard": isinstance(may_approve(refund, person), Authority),
        "inbox": f'proposal-{refund.pk}"' in client.get("/complaints/refund/inbox/").content.decode(),
        "home": refund.code in client.get("/").content.decode(),
        "navigation": counts(person)["approvals"] > 0,
        "digest": any(each.refund == refund for each in waiting_for([person])[person.pk]),
    }
    return {place for place, is_there in everywhere.items() if is_there}


def test_a_case_that_was_merged_keeps_its_hands_everywhere() -> None:
    desk = Desk(limits=True)
    early = decide(desk, take_up(desk, register(desk)), by=desk.manager)
    survivor = decided(desk, subscription=early.subscription)
    merge(early, survivor, by=desk.lead)
    refund = propose(desk, survivor)
    assert waits(desk.manager, refund) == set()
    assert waits(desk.director, refund) == {"guard", "inbox", "home", "navigation", "digest"}


def test_a_customer_who_was_merged_is_linked_everywhere() -> None:
    desk = Desk(limits=True)
    refund = propose(desk, decided(desk))
    changed(desk.manager, customer=factories.CustomerFactory.create(merged_into=refund.customer))
    assert waits(desk.manager, refund) == set()


def test_whoever_is_paid_to_the_customers_account_is_linked_everywhere() -> None:
    desk = Desk(limits=True)
    refund = propose(desk, decided(desk), remedies=[{"kind": "cash"}])
    changed(desk.manager, customer=factories.CustomerFactory.create(iban=refund.customer.iban))
    assert waits(desk.manager, refund) == set()
    assert waits(desk.director, refund) == {"guard", "inbox", "home", "navigation", "digest"}


def test_the_hand_of_whoever_is_away_stops_the_deputy_everywhere() -> None:
    desk = Desk(limits=True)
    factories.delegation(desk.lead, desk.colleague)
    own, refund = propose(desk, decided(desk), by=desk.lead), propose(desk, decided(desk))
    assert waits(desk.colleague, own) == {"navigation"}  # the other one
    assert waits(desk.colleague, refund) == {"guard", "inbox", "home", "navigation", "digest"}


def test_what_expired_waits_for_nobody() -> None:
    desk = Desk(limits=True)
    refund = changed(propose(desk, decided(desk)), expires_on=TODAY())
    assert waits(desk.manager, refund) == set()


# --- One refund, and many -----------------------------------------------------------------------


@pytest.mark.xdist_group("every right")
def test_the_guard_and_the_question_agree_for_everybody_and_everything(company: Company) -> None:
    boundless, rights = BoundlessRights(TODAY()), ApprovalRights(TODAY())
    every = refunds()
    granted = granted_lately(every, rights.controls)
    codes: Counter[str] = Counter()
    found = 0
    for person in people():
        asked = set(Refund.objects.filter(approvable_by(person)))
        judged = {
            refund
            for refund in every
            if isinstance(may_approve(refund, person, rights=boundless, granted=Decimal(0)), Authority)
        }
        assert judged == asked, person
        assert set(waiting_for_approval_of(person)) == asked
        found += len(asked)
        for refund in every:
            answer = may_approve(refund, person, rights=rights, granted=granted[refund.pk])
            if isinstance(answer, Authority):
                assert refund in asked
            else:
                codes[answer.code] += 1
                # Of what waits for somebody, a limit alone keeps them.
                assert refund not in asked or answer.code in {"over_limit", "no_limit"} or boundless.received_by(person)
    # The company has what it was made for.
    assert found > 60
    assert set(codes) == {*(hand.code for hand in HANDS), "permission", "state", "expired", "not_upheld"} | {
        "over_limit",
        "no_limit",
    }


@pytest.mark.xdist_group("every right")
def test_each_hand_is_seen_on_the_rows_as_in_the_database(company: Company) -> None:
    rights, every, seen = ApprovalRights(TODAY()), refunds(), set()
    for person in people():
        for rows in {hand.rows for hand in HANDS}:
            asked = set(Refund.objects.filter(Exists(rows(OuterRef, person.pk))))
            judged = set()
            for refund in every:
                by_hand = [
                    at
                    for at, hand in enumerate(HANDS)
                    if hand.rows is rows and hand.found(refund, person, rights) is not None
                ]
                seen.update(by_hand)
                judged |= {refund} if by_hand else set()
            assert judged == asked, (person, rows)
    assert seen == set(range(len(HANDS)))
