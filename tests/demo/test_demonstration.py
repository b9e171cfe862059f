"""The demonstration company: it covers what the product can do, its figures are sound, and it is never made twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from itertools import pairwise
from typing import Any

import pytest
from django.contrib import admin
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import Sum
from django.test import Client
from django.utils import timezone

from accounts.customers.models import Customer
from accounts.staff.limits.rules import limit_of
from accounts.staff.models import ApprovalLimit, Delegation, Team, User
from accounts.staff.permissions import Role
from audit.models import Event
from backoffice.actions import allowed
from backoffice.admin import TrackedAdmin
from billing.credits.models import Credit
from billing.invoices.models import Invoice
from billing.payments.models import Chargeback
from billing.payouts.models import Payout
from billing.plans.models import Plan
from billing.residual_credits.models import ResidualCreditPayout
from billing.subscriptions.models import BillingPeriod, Subscription
from billing.usage.models import UsageDay, UsageRecord
from complaints.cases.models import Complaint, DeadlineBreach
from complaints.incidents.models import Incident
from complaints.quotes.quoting import Choices, live_quote
from complaints.refunds.models import Approval, Refund, Remedy
from complaints.reversals.models import Reversal
from complaints.signals.models import Signal, SignalReport
from demo import build as building
from demo.company import Company
from demo.staff import PASSWORD
from hardware.purchases.models import Purchase
from policies.agreements.models import Agreement
from policies.choices import RemedyKind
from policies.versions.models import PolicyVersion

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db,
    pytest.mark.usefixtures("company"),
    pytest.mark.xdist_group("demonstration"),
]


@pytest.fixture(scope="module")
def company(django_db_setup: None, django_db_blocker: Any) -> Iterator[datetime]:
    """Made once for all tests here, which read it, and rolled back afterwards. The quiet customers take half of the
    time and add nothing but number: a few of them will do (tests/demo/test_demonstration_again.py has them all).
    """
    now = timezone.now()
    with django_db_blocker.unblock(), transaction.atomic():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("demo.customers.QUIET_CUSTOMERS", 36)
            building.build(now)
        yield now
        transaction.set_rollback(True)


def today() -> Any:
    return timezone.localdate()


# --- What there is ------------------------------------------------------------------------------


def test_every_role_has_its_people() -> None:
    staff = {role: User.objects.filter(role__name=role, is_active=True).count() for role in Role}
    assert staff[Role.MANAGER] == 2
    assert all(staff.values())
    assert Team.objects.exclude(lead=None).count() == 2
    for user in User.objects.exclude(role=None):
        assert user.check_password(PASSWORD), user
    assert User.objects.system().role is None
    assert User.objects.exclude(customer=None).count() == 1


def test_limits_are_published_by_another_than_their_drafter() -> None:
    assert ApprovalLimit.objects.count() > 0
    for limit in ApprovalLimit.objects.all():
        assert limit.state == ApprovalLimit.State.PUBLISHED
        assert limit.published_by_id not in {None, limit.drafted_by_id}


def test_customers_and_subscriptions_of_every_sort() -> None:
    assert set(Subscription.objects.values_list("state", flat=True)) == set(Subscription.State.values)
    assert set(Subscription.objects.values_list("term", flat=True)) == {"monthly", "annual"}
    assert set(Subscription.objects.values_list("plan__kind", flat=True)) == set(Plan.Kind.values)
    assert set(Invoice.objects.values_list("state", flat=True)) == set(Invoice.State.values)
    assert set(Customer.objects.values_list("kind", flat=True)) == set(Customer.Kind.values)
    assert set(Customer.objects.values_list("language", flat=True)) == {"en", "it"}
    assert set(UsageRecord.objects.values_list("kind", flat=True)) == {"call", "operation"}


def test_phones_are_owned_or_still_owed() -> None:
    assert Purchase.objects.count() >= 60
    instalments = Purchase.objects.filter(instalments__sequence=2).distinct()
    assert instalments.exclude(owned_on=None).exists()
    assert instalments.filter(owned_on=None, paid__gt=Decimal(0)).exists()
    assert Purchase.objects.exclude(owned_on=None).exclude(instalments__sequence=2).exists()


def test_everybody_is_invented() -> None:
    for email in Customer.objects.values_list("email", flat=True):
        assert email.rpartition("@")[2] in {"example.com", "example.org", "example.net"}
    for email in User.objects.exclude(role=None).values_list("email", flat=True):
        assert email.endswith(".example.com")
    for customer in Customer.objects.exclude(iban=""):
        customer.full_clean()
        assert re.match(r"[A-Z]{2}\d\d([A-Z]?0?999|TEST)", customer.iban), "the bank does not exist"


def test_incidents_of_every_sort() -> None:
    lengths = [
        one.ends_at - one.starts_at for one in Incident.objects.filter(scheduled=False) if one.ends_at is not None
    ]
    assert timedelta(hours=31) in lengths
    assert min(lengths) < timedelta(hours=4)
    assert Incident.objects.filter(scheduled=True).exists()
    assert Incident.objects.filter(ends_at=None).exists()


def test_complaints_in_every_state_category_and_channel() -> None:
    assert Complaint.objects.count() >= 60
    for field, choices in (
        ("state", Complaint.State),
        ("category", Complaint.Category),
        ("channel", Complaint.Channel),
        ("sought", Complaint.Sought),
        ("severity", Complaint.Severity),
    ):
        assert set(Complaint.objects.values_list(field, flat=True)) == set(choices.values), field
    texts = list(Complaint.objects.values_list("text", flat=True))
    assert len(set(texts)) == len(texts)
    assert Complaint.objects.filter(escalation_level__gt=0).exists()
    assert Complaint.objects.exclude(referral_scheme="").exists()
    assert Complaint.objects.exclude(consent_by=None).exists()
    assert Complaint.objects.filter(attachments__isnull=False).exists()


def test_missed_deadlines_are_breaches() -> None:
    late = Complaint.objects.overdue(timezone.now())
    assert late.count() >= 2
    for complaint in late:
        assert complaint.breaches.filter(deadline=DeadlineBreach.Deadline.DECIDE).exists()
    assert DeadlineBreach.objects.filter(deadline=DeadlineBreach.Deadline.ACKNOWLEDGE).exists()


def test_refunds_in_every_state_basis_and_remedy() -> None:
    states = set(Refund.objects.values_list("state", flat=True))
    assert states == set(Refund.State.values)
    settled = Refund.objects.filter(state=Refund.State.SETTLED)
    assert set(settled.values_list("basis", flat=True)) == set(Refund.Basis.values)
    assert set(Remedy.objects.values_list("kind", flat=True)) == set(RemedyKind)
    payouts = {Payout.State.PENDING, Payout.State.PAID, Payout.State.FAILED, Payout.State.CREDITED}
    assert payouts <= set(Payout.objects.values_list("state", flat=True))
    assert any(refund.remedies.count() > 1 for refund in settled)
    assert any(refund.approvals.count() == 2 for refund in settled)
    assert Refund.objects.filter(set_off__gt=0).exists()
    assert Refund.objects.exclude(retry_of=None).exists()
    assert Refund.objects.filter(state=Refund.State.DRAFT).exclude(returned_reason="").exists()
    lines = {line["code"] for refund in Refund.objects.all() for line in refund.lines}
    assert {"fee", "minutes", "time", "reduction", "full_month", "interruption", "special"} <= lines
    assert any(code.startswith("operation:") for code in lines)


def test_credits_were_used_carried_on_and_left_over() -> None:
    assert Credit.objects.filter(applications__isnull=False).exists()
    assert any(credit.applications.count() > 1 for credit in Credit.objects.all())
    left = [credit for credit in Credit.objects.select_related("subscription") if credit.remaining > 0]
    states = {credit.subscription.state for credit in left}
    assert {Subscription.State.ENDED, Subscription.State.ACTIVE} <= states


def test_something_waits_for_everybody_who_approves() -> None:
    lead = User.objects.get(username="lead")
    proposed = Refund.objects.filter(state=Refund.State.PROPOSED)
    limit = limit_of(lead, "usage", "EUR", today()).amount
    assert limit is not None
    assert proposed.filter(basis="usage", currency="EUR", total__gt=limit).exists()
    assert proposed.filter(basis="usage", currency="EUR", total__lte=limit).exists()
    assert proposed.filter(expires_on=today() + timedelta(days=1)).exists()
    assert proposed.filter(proposed_by__role__name=Role.LEAD).exists()
    assert Refund.objects.filter(state=Refund.State.APPROVED).exists()


def test_exactly_one_open_proposal_is_stale() -> None:
    stale = []
    for refund in Refund.objects.waiting_for_approval().select_related("complaint", "period"):
        choices = Choices(refund.basis, refund.reduction, refund.special_amount)
        if live_quote(refund.complaint, refund.period, choices, leaving_out=refund).lines != refund.lines:
            stale.append(refund.complaint.subject)
    assert stale == ["Incoming calls ring once and stop"]


def test_affairs_beside_the_cases() -> None:
    assert set(Reversal.objects.values_list("state", flat=True)) >= {"proposed", "approved", "rejected"}
    assert set(Agreement.objects.values_list("state", flat=True)) == {"draft", "published"}
    agreed = Complaint.objects.get(subject="Two hours without the suite on closing day")
    assert agreed.agreement is not None
    refund = agreed.refunds.get()
    assert (refund.state, refund.agreement_id) == (Refund.State.SETTLED, agreed.agreement_id)
    assert ResidualCreditPayout.objects.filter(state=ResidualCreditPayout.State.PROPOSED).exists()
    assert Chargeback.objects.exists()
    assert Invoice.objects.exclude(disputed_on=None).exists()


def test_policies_change_and_no_case_is_judged_otherwise() -> None:
    standing = {
        (version.policy.kind, version.number): version.standing(today())
        for version in PolicyVersion.objects.with_successor().select_related("policy")
    }
    assert standing == {
        ("refund", 1): "in_force",
        ("refund", 2): "to_come",
        ("fulfilment", 1): "in_force",
        ("fulfilment", 2): "draft",
    }
    coming = PolicyVersion.objects.get(number=2, policy__kind="refund")
    assert (coming.drafted_by, coming.published_by) == tuple(
        User.objects.get(username=name) for name in ("manager", "manager2")
    )
    assert coming.refund_parameters.indemnity_for(3, "EUR") == Decimal("3.00")
    assert not Complaint.objects.exclude(refund_policy__number=1).exists()
    waiting, before = (
        PolicyVersion.objects.get(number=2, policy__kind="fulfilment"),
        PolicyVersion.objects.get(number=1, policy__kind="fulfilment"),
    )
    assert waiting.text != before.text


def test_a_lead_is_away_next_week_and_a_dispute_has_ended() -> None:
    delegation = Delegation.objects.get()
    assert (delegation.delegator.username, delegation.deputy.username) == ("lead", "lead2")
    assert (delegation.starts_on.weekday(), delegation.ends_on.weekday()) == (0, 4)
    assert today() < delegation.starts_on <= today() + timedelta(days=7)
    referred = Complaint.objects.get(subject="Premium calls that I never made")
    assert referred.referred_on is not None
    assert referred.referral_ended_on is not None
    assert referred.referred_on < referred.referral_ended_on < today()
    assert referred.referral_outcome


# --- That it is sound ---------------------------------------------------------------------------


def test_the_books_add_up() -> None:
    out = StringIO()
    call_command("check_ledger", stdout=out)
    assert "0 breaches" in out.getvalue()


def test_every_refund_replays() -> None:
    out = StringIO()
    call_command("replay_refunds", stdout=out)
    assert "0 differ" in out.getvalue()


def test_nobody_approved_what_was_their_own() -> None:
    assert Approval.objects.count() > 20
    for approval in Approval.objects.select_related("refund__complaint"):
        refund = approval.refund
        hands = set(refund.contributions.values_list("by", flat=True)) | {refund.proposed_by_id}
        hands |= set(refund.complaint.decisions.values_list("by", flat=True))
        hands |= set(refund.complaint.assessments.values_list("by", flat=True))
        assert approval.approver_id not in hands, refund.code


def test_remedies_add_up_to_their_refund() -> None:
    for refund in Refund.objects.filter(state=Refund.State.SETTLED):
        assert refund.remedies.aggregate(sum=Sum("amount"))["sum"] == refund.total, refund.code


def test_periods_hold_what_is_pending_and_refunded() -> None:
    for period in BillingPeriod.objects.all():
        refunds = Refund.objects.filter(period=period)
        pending = refunds.filter(state__in=Refund.PENDING_STATES).aggregate(sum=Sum("total"))["sum"]
        settled = refunds.filter(state=Refund.State.SETTLED).aggregate(sum=Sum("total"))["sum"]
        assert (period.pending, period.refunded) == (pending or Decimal(0), settled or Decimal(0)), period


def test_invoices_and_credits_balance() -> None:
    for invoice in Invoice.objects.prefetch_related("payments__chargeback", "credit_applications"):
        taken_back = Chargeback.objects.filter(payment__invoice=invoice).aggregate(sum=Sum("amount"))["sum"]
        received = sum((payment.amount - payment.surplus for payment in invoice.payments.all()), Decimal(0))
        assert received - (taken_back or Decimal(0)) == invoice.paid
        assert sum((part.amount for part in invoice.credit_applications.all()), Decimal(0)) == invoice.credited
        assert all(payment.received_on >= invoice.issued_on for payment in invoice.payments.all())
    for credit in Credit.objects.prefetch_related("applications"):
        assert sum((part.amount for part in credit.applications.all()), Decimal(0)) == credit.applied
        assert credit.granted == credit.applied + credit.remaining + credit.reversed + credit.paid_out


def test_periods_tile_and_reach_today() -> None:
    for subscription in Subscription.objects.prefetch_related("periods"):
        periods = list(subscription.periods.order_by("sequence"))
        for before, after in pairwise(periods):
            assert (after.sequence, after.starts_on) == (before.sequence + 1, before.closes_on), subscription
        assert all(period.invoice for period in periods)
        if subscription.state == Subscription.State.ENDED:
            served = [period for period in periods if period.state != BillingPeriod.State.VOIDED]
            assert served[-1].closes_on == subscription.ended_on
            assert all(period.starts_on >= subscription.ended_on for period in periods[len(served) :])
        else:
            assert periods[-1].starts_on <= today() < periods[-1].closes_on, subscription


def test_daily_sums_match_the_calls() -> None:
    assert UsageDay.objects.aggregate(s=Sum("seconds"), q=Sum("quantity"), n=Sum("records")) == {
        **UsageRecord.objects.aggregate(s=Sum("seconds"), q=Sum("quantity")),
        "n": UsageRecord.objects.count(),
    }


def test_the_past_happened_in_order_and_at_work(company: datetime) -> None:
    times = list(Event.objects.order_by("pk").values_list("at", flat=True))
    assert times == sorted(times)
    assert times[-1] <= company
    for at in (
        Event.objects.filter(complaint_id__isnull=False)
        .exclude(actor__username=User.SYSTEM)
        .values_list("at", flat=True)
    ):
        assert 7 <= timezone.localtime(at).hour < 19, at


def test_history_has_the_time_of_its_event() -> None:
    for complaint in Complaint.objects.filter(state=Complaint.State.CLOSED):
        # A closed case may hear of a later outcome.
        assert complaint.history.filter(state="closed").earliest("history_date").history_date == complaint.closed_at
        assert complaint.history.earliest("history_date").history_date == complaint.registered_at


def test_refusals_are_on_record() -> None:
    refused = Event.objects.filter(outcome=Event.Outcome.REFUSED)
    codes = {event.data["code"] for event in refused}
    assert codes == {"over_limit", "own_proposal", "stale_quote", "consent_missing", "F8"}


# --- The command --------------------------------------------------------------------------------


def test_it_is_made_on_an_empty_database_only(settings: Any) -> None:
    settings.DEBUG = True
    before = Event.objects.count()
    with pytest.raises(CommandError, match="staff or customers"):
        call_command("seed_demo", stdout=StringIO())
    out = StringIO()
    call_command("seed_demo", "--if-empty", stdout=out)
    assert out.getvalue().count("\n") == 1
    assert Event.objects.count() == before


def test_it_is_never_made_in_production(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DEBUG = False
    monkeypatch.setattr("demo.management.commands.seed_demo.occupied", lambda: None)
    with pytest.raises(CommandError, match="DEBUG"):
        call_command("seed_demo", stdout=StringIO())
    out = StringIO()
    call_command("seed_demo", "--if-empty", stdout=out)
    assert "DEBUG" in out.getvalue()


def test_it_tells_the_logins(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DEBUG = True
    made: list[datetime] = []
    monkeypatch.setattr("demo.management.commands.seed_demo.occupied", lambda: None)
    monkeypatch.setattr("demo.management.commands.seed_demo.build", made.append)
    out = StringIO()
    call_command("seed_demo", stdout=out)
    assert len(made) == 1
    assert out.getvalue().count(PASSWORD) == 1
    for username, role in (("agent", Role.AGENT), ("manager2", Role.MANAGER), ("admin", Role.ADMIN)):
        assert any(line.split()[:1] == [username] and role in line for line in out.getvalue().splitlines())


def test_what_goes_wrong_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    real_now, real_password = timezone.now, User.set_password

    def fail(company: Company, told: object) -> None:
        Customer(number="HALF-MADE", name="Half made").save()
        company.stored.append(default_storage.save("half-made.txt", ContentFile(b"half")))
        raise RuntimeError("in the middle")

    monkeypatch.setattr(building, "_tell", fail)
    with pytest.raises(RuntimeError, match="in the middle"):
        building.build(timezone.now())
    assert not Customer.objects.filter(number="HALF-MADE").exists()
    assert not default_storage.exists("half-made.txt")
    assert (timezone.now, User.set_password) == (real_now, real_password)


def test_pages_are_light() -> None:
    """Every list, and one row of each, under 100 KB of HTML."""
    client = Client()
    manager = User.objects.get(username="manager")
    client.force_login(manager, backend="accounts.staff.auth.StaffBackend")
    heavy = {}
    for model, page in admin.site._registry.items():
        assert isinstance(page, TrackedAdmin)
        if not allowed(manager, page.may_view):
            continue
        newest = model._default_manager.order_by("-pk").values_list("pk", flat=True)[:1]
        for url in (page.url_of("changelist"), *(page.url_of("change", pk) for pk in newest)):
            answer = client.get(url)
            assert answer.status_code == 200, url
            if len(answer.content) >= 100 * 1024:
                heavy[url] = len(answer.content)
    assert heavy == {}


def test_the_report_of_signals_has_something_to_look_at() -> None:
    report = SignalReport.objects.first()
    assert report is not None
    assert {Signal.SHARED_ADDRESS, Signal.UNPROVEN_SURPLUS} <= {finding["signal"] for finding in report.findings}
