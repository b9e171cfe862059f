"""Past cases for back-tests, what each comes to by hand, and running a back-test to its end.

The figures of the table are worked out by hand, not by the product: a case is about April 2024, 30 days for 60.00 EUR,
so 2.00 a day; the complaint came on the 10th. An hour without service is worth 60 / 720 of a euro, 0.0833.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from accounts.staff.models import User
from billing.invoices.models import Invoice
from billing.subscriptions.models import Subscription
from complaints.back_tests.actions import start_back_test
from complaints.back_tests.models import BackTest, BackTestCase
from complaints.cases.models import Complaint
from complaints.incidents.models import Incident, IncidentScope
from jobs.models import Job
from jobs.runner import run_job
from policies.agreements.models import Agreement
from policies.versions.actions import draft_policy_version
from policies.versions.models import Policy, PolicyVersion
from tests import factories
from tests.complaints.cases import APRIL, Desk, approve_twice, decided, noon, propose, settled, spring_subscription

INTERRUPTION = Complaint.Category.INTERRUPTION


# --- Running one ---------------------------------------------------------------------------------


def draft_of(desk: Desk, kind: str = Policy.Kind.REFUND, *, by: User | None = None, **figures: Any) -> PolicyVersion:
    """A draft whose figures are those in force but for the given ones."""
    policy = Policy.objects.get(kind=kind)
    in_force = policy.versions.filter(state=PolicyVersion.State.PUBLISHED).order_by("-number")[0]
    return draft_policy_version(
        policy.pk,
        by=by or desk.manager,
        effective_from=factories.today() + timedelta(days=30),
        text="# Other figures",
        parameters={**in_force.parameters, **figures},
    )


def tried(version: PolicyVersion, by: User, *, months: int = 1) -> BackTest:
    """The draft tried on the complaints of the last months, to the end."""
    back_test = start_back_test(version.pk, by=by, months=months)
    run_job.call(back_test.job_id)
    found = BackTest.objects.select_related("job").get(pk=back_test.pk)
    assert found.job.state == Job.State.FINISHED, found.job.failure
    return found


def try_figures(desk: Desk, kind: str = Policy.Kind.REFUND, **figures: Any) -> BackTest:
    return tried(draft_of(desk, kind, **figures), desk.manager)


def case_of(back_test: BackTest, complaint: Complaint) -> BackTestCase:
    found: BackTestCase = back_test.cases.get(complaint=complaint)
    return found


def figures_of(row: BackTestCase) -> tuple[str, str, bool]:
    """(then, under the draft, whether it differs)."""
    return f"{row.then:.2f}", f"{row.under_draft:.2f}", row.differs


def sums(back_test: BackTest, what: str = "given") -> dict[str, tuple[int, str, int, str]]:
    """By basis: how many and how much then, how many and how much under the draft."""
    rows: list[Mapping[str, Any]] = back_test.job.result[what]
    return {
        row["basis"]: (row["then"], row["amount_then"], row["under_draft"], row["amount_under_draft"]) for row in rows
    }


# --- Cases ----------------------------------------------------------------------------------------


def outage(subscription: Subscription, day: int, hours: int, *, start: int = 8, scheduled: bool = False) -> Incident:
    """So many hours without service on a day of April, for one subscription."""
    begins = noon(day, hour=start)
    incident = Incident(
        code=f"I-{Incident.objects.count() + 1:05d}",
        title="The line was dead",
        starts_at=begins,
        ends_at=begins + timedelta(hours=hours),
        scheduled=scheduled,
    )
    incident.save()
    IncidentScope(incident=incident, subscription=subscription).save()
    return incident


def interrupted(desk: Desk, *hours: int, **registration: Any) -> Complaint:
    """A case with an outage of so many hours on the 3rd, the 4th, and so on."""
    subscription = spring_subscription()
    for day, length in enumerate(hours, start=3):
        outage(subscription, day, length)
    return decided(desk, subscription=subscription, category=INTERRUPTION, **registration)


# --- Twenty-four cases, decided again by hand ---------------------------------------------------


def plain(desk: Desk) -> Complaint:
    complaint = decided(desk)
    settled(desk, complaint)
    return complaint


def received(day: int) -> Callable[[Desk], Complaint]:
    def make(desk: Desk) -> Complaint:
        complaint = decided(desk, received_on=date(2024, 4, day))
        settled(desk, complaint)
        return complaint

    return make


def whole_period_provided(desk: Desk) -> Complaint:
    return decided(desk, received_on=date(2024, 4, 30))


def called(day: int, seconds: int) -> Callable[[Desk], Complaint]:
    def make(desk: Desk) -> Complaint:
        subscription = spring_subscription()
        factories.usage(subscription, day=date(2024, 4, day), seconds=seconds)
        complaint = decided(desk, subscription=subscription)
        settled(desk, complaint)
        return complaint

    return make


def operated(*days: int) -> Callable[[Desk], Complaint]:
    """Two operations for 0.50 on each day."""

    def make(desk: Desk) -> Complaint:
        cost = factories.OperationCostFactory.create()
        subscription = spring_subscription()
        for day in days:
            factories.usage(subscription, day=date(2024, 4, day), operation=cost.operation.code, quantity=Decimal(2))
        complaint = decided(desk, subscription=subscription)
        settled(desk, complaint)
        return complaint

    return make


def reduced(desk: Desk) -> Complaint:
    complaint = decided(desk, "partly_upheld")
    settled(desk, complaint, reduction=Decimal("5.00"), reduction_reason="Half of it was their router")
    return complaint


def annual(desk: Desk) -> Complaint:
    complaint = decided(desk, subscription=spring_subscription(term="annual"))
    approve_twice(desk, propose(desk, complaint, unusual_reason="Most of an annual fee is left in April"))
    return complaint


def full_month(outcome: str) -> Callable[[Desk], Complaint]:
    def make(desk: Desk) -> Complaint:
        complaint = decided(desk, outcome)
        settled(desk, complaint, "full_month")
        return complaint

    return make


def special(desk: Desk) -> Complaint:
    complaint = decided(desk)
    settled(desk, complaint, "special", special_amount=Decimal("30.00"))
    return complaint


def special_waiting(desk: Desk) -> Complaint:
    complaint = decided(desk)
    propose(desk, complaint, "special", special_amount=Decimal("30.00"))
    return complaint


def interruption(*hours: int) -> Callable[[Desk], Complaint]:
    def make(desk: Desk) -> Complaint:
        complaint = interrupted(desk, *hours)
        settled(desk, complaint, "interruption")
        return complaint

    return make


def interruption_unpaid(*hours: int) -> Callable[[Desk], Complaint]:
    def make(desk: Desk) -> Complaint:
        return interrupted(desk, *hours)

    return make


def outage_with_maintenance(desk: Desk) -> Complaint:
    """Five hours, two of them announced."""
    complaint = interrupted(desk, 5)
    outage(complaint.subscription, 3, 2, start=9, scheduled=True)
    return complaint


def in_cash(desk: Desk) -> Complaint:
    complaint = decided(desk)
    settled(desk, complaint, remedies=[{"kind": "cash"}])
    return complaint


def rejected(desk: Desk) -> Complaint:
    return decided(desk, "rejected")


def by_agreement(desk: Desk) -> Complaint:
    """Their agreement says that the day of receipt does not count."""
    customer = factories.CustomerFactory.create()
    Agreement.objects.create(
        customer=customer,
        title="Key account",
        terms={"as_of_day_counts": False},
        valid_from=date(2024, 1, 1),
        state=Agreement.State.PUBLISHED,
        drafted_by=desk.manager,
        published_by=desk.director,
    )
    complaint = decided(desk, subscription=spring_subscription(customer=customer))
    settled(desk, complaint)
    return complaint


def partly_paid(desk: Desk) -> Complaint:
    subscription = factories.open_subscription(activated_on=APRIL)
    factories.pay(Invoice.objects.get(period__subscription=subscription), Decimal("20.00"))
    complaint = decided(desk, subscription=subscription)
    settled(desk, complaint)
    return complaint


def hardware(desk: Desk) -> Complaint:
    return decided(desk, category=Complaint.Category.HARDWARE)


def late_complaint(desk: Desk) -> Complaint:
    """It came 100 days after its period had ended: the draft asks for a lead's consent after 60."""
    complaint = interrupted(desk, 6, received_on=date(2024, 8, 9))
    settled(desk, complaint, "interruption")
    return complaint


#: case: (how it came about, basis, then, under the draft, differs)
BY_HAND: dict[str, tuple[Callable[[Desk], Complaint], str, str, str, bool]] = {
    # 20 unused days, 21 if the day of receipt does not count as provided.
    "plain": (plain, "usage", "40.00", "42.00", True),
    # 29 days; all 30. The draft wants two approvals above 50.00, which 58.00 needs, too.
    "first day": (received(1), "usage", "58.00", "60.00", True),
    # All was provided, so nothing could be given; under the draft one day of 2.00 is left.
    "last day": (whole_period_provided, "usage", "0.00", "2.00", True),
    # Ten minutes at 0.02 on the 5th.
    "called before": (called(5, 600), "usage", "39.80", "41.80", True),
    # An hour at 0.02 on the 10th itself: 1.20, which the draft does not count either.
    "called that day": (called(10, 3600), "usage", "38.80", "42.00", True),
    # On the day after nobody counts it.
    "called after": (called(11, 3600), "usage", "40.00", "42.00", True),
    # 1.00 for two operations on the 3rd.
    "operated before": (operated(3), "usage", "39.00", "41.00", True),
    # 1.00 on the 3rd and 1.00 on the 10th.
    "operated that day": (operated(3, 10), "usage", "38.00", "41.00", True),
    "reduced": (reduced, "usage", "35.00", "37.00", True),
    # 720.00 for 365 days: less 10 days 19.73, less 9 days 17.75.
    "annual": (annual, "usage", "700.27", "702.25", True),
    # The other policy allows it; two people would have to approve.
    "full month": (full_month("upheld"), "full_month", "60.00", "60.00", True),
    "full month, rejected": (full_month("rejected"), "full_month", "60.00", "60.00", True),
    "special": (special, "special", "30.00", "0.00", True),
    "special, not approved yet": (special_waiting, "special", "30.00", "0.00", True),
    # 6 of 720 hours.
    "long outage": (interruption(6), "interruption", "0.50", "0.50", False),
    # The three hours count from two on: 9 of 720.
    "long and short outage": (interruption(6, 3), "interruption", "0.50", "0.75", True),
    # Nothing could be given for 3 hours; 0.25 under the draft. One hour stays too short.
    "short outage": (interruption_unpaid(3), "interruption", "0.00", "0.25", True),
    "very short outage": (interruption_unpaid(1), "interruption", "0.00", "0.00", False),
    # 5 - 2 = 3 hours: too short then.
    "outage with maintenance": (outage_with_maintenance, "interruption", "0.00", "0.25", True),
    "in cash": (in_cash, "usage", "40.00", "42.00", True),
    "rejected": (rejected, "", "0.00", "0.00", False),
    # What was agreed goes before both: 21 days either way.
    "agreement": (by_agreement, "usage", "42.00", "42.00", False),
    # Only 20.00 was paid: the rest is set off.
    "partly paid": (partly_paid, "usage", "40.00", "42.00", True),
    # F8, under any version.
    "hardware": (hardware, "usage", "0.00", "0.00", False),
    "late": (late_complaint, "interruption", "0.50", "0.50", True),
}
#: The draft of the table.
OTHER_FIGURES: dict[str, Any] = {
    "bases": ["usage", "interruption"],
    "remedies": ["credit", "minutes", "extension"],
    "as_of_day_counts": False,
    "minimum_interruption_seconds": 2 * 60 * 60,
    "second_approval_above": {"EUR": "50.00"},
    "consent_needed_after_days": 60,
}
