"""The pages of billing runs: what each did, and whose credit is left."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit.bulk import update_tracked
from billing.invoices.models import Invoice
from billing.remedies import effects as giving
from billing.runs.actions import run_billing
from billing.runs.models import BillingRun
from billing.subscriptions.cancellations.actions import cancel_subscription
from billing.subscriptions.models import Subscription
from jobs.actions import start_job
from jobs.models import Job
from jobs.progress import Progress
from jobs.runner import run_job
from tests import factories
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db

LIST = "admin:billing_billingrun_changelist"


@pytest.fixture
def clerk(client: Client) -> Client:
    client.force_login(factories.billing_clerk(), backend="accounts.staff.auth.StaffBackend")
    return client


def page(clerk: Client, run: BillingRun) -> str:
    return clerk.get(reverse("admin:billing_billingrun_change", args=(run.pk,))).content.decode()


def run_with_everything() -> Subscription:
    """A run that invoiced, used credit, left a subscription out and ended one with credit left."""
    paid = factories.open_subscription(activated_on=date(2024, 5, 1))
    giving.give_credit(paid, Decimal("10.00"), reason="A refund", on=date(2024, 5, 2))
    lost = factories.open_subscription(activated_on=date(2024, 5, 1))
    update_tracked(Subscription.objects.filter(pk=lost.pk), currency="USD")
    ended = factories.paid_subscription(activated_on=date(2024, 5, 1))
    giving.give_credit(ended, Decimal("40.00"), reason="A long outage", on=date(2024, 5, 2))
    cancel_subscription(ended.pk, by=factories.lead(), channel="phone", requested_on=date(2024, 5, 3))
    run_billing(date(2024, 6, 1), by=factories.billing_clerk())
    return lost


def test_a_runs_page_tells_what_it_did_and_what_is_left(clerk: Client) -> None:
    lost = run_with_everything()
    shown = page(clerk, BillingRun.objects.get())
    assert "Finished, with problems" in shown
    assert f"{lost.number}: no published price" in shown
    for amount in ("60.00", "10.00", "40.00"):
        assert amount in shown
    assert "A long outage" in shown


def test_an_interrupted_run_and_one_that_runs_are_told_apart(clerk: Client) -> None:
    by = factories.billing_clerk()
    killed = BillingRun.objects.create(today=date(2024, 6, 1), by=by, started_at=timezone.now())
    assert "Running" in page(clerk, killed)
    run_billing(date(2024, 6, 1), by=by)
    assert "Interrupted" in page(clerk, killed)
    shown = clerk.get(reverse(LIST)).content.decode()
    assert "Interrupted" in shown
    assert "Finished" in shown


def test_the_lists_queries_do_not_grow(clerk: Client) -> None:
    run_with_everything()
    counts = []
    for _ in range(2):
        clerk.get(reverse(LIST))
        with CaptureQueriesContext(connection) as captured:
            assert clerk.get(reverse(LIST)).status_code == 200
        counts.append(len(captured))
        for _ in range(3):
            run_billing(date(2024, 6, 1), by=factories.billing_clerk())
    assert counts[0] == counts[1]


def test_more_than_a_page_can_wait_for_runs_in_the_background(
    clerk: Client, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    monkeypatch.setattr("billing.runs.page_actions.MOST_BY_PAGE", 2)
    opened = [factories.open_subscription(activated_on=factories.months_ago(1)) for _ in range(3)]
    url = reverse("admin:billing_invoice_do", args=("run_billing",))
    assert "More than 2 at once are billed in the background" in clerk.get(url).content.decode()

    with django_capture_on_commit_callbacks() as asked:
        started = clerk.post(url, {})
    job = Job.objects.get()
    assert started.headers["Location"] == reverse("admin:jobs_job_change", args=(job.pk,))
    assert (job.kind, job.parameters, len(asked)) == ("billing_run", {"today": factories.today().isoformat()}, 1)
    assert not BillingRun.objects.exists()
    assert "Billing is running in the background: see Jobs." in clerk.get(url).content.decode()
    assert clerk.post(url, {}).headers["Location"] == started.headers["Location"]
    assert Job.objects.count() == 1

    assert run_job.call(job.pk) == Job.State.FINISHED
    job.refresh_from_db()
    run = BillingRun.objects.get()
    assert (run.opened, run.overdue, run.by, job.result["run"]) == (3, 3, job.asked_by, run.pk)
    assert (job.done, job.total) == (6, 6)
    assert all(each.periods.count() == 2 for each in opened)
    shown = clerk.get(started.headers["Location"]).content.decode()
    assert reverse("admin:billing_billingrun_change", args=(run.pk,)) in shown


def test_a_run_in_the_background_that_is_cancelled_leaves_whole_batches_and_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("billing.runs.actions.BATCH", 1)
    monkeypatch.setattr("jobs.progress.EVERY", 0.0)
    for _ in range(3):
        factories.open_subscription(activated_on=factories.months_ago(1))
    clerk = factories.billing_clerk()

    def asked_for() -> Job:
        return start_job("billing_run", "Billing", {"today": factories.today().isoformat()}, by=clerk)

    job = asked_for()
    report = Progress.report

    def cancelled_at_two(self: Progress, done: int) -> None:
        if done == 2:
            Job.objects.filter(pk=job.pk).update(state=Job.State.CANCELLED, finished_at=timezone.now())
        report(self, done)

    with monkeypatch.context() as patched:
        patched.setattr(Progress, "report", cancelled_at_two)
        run_job.call(job.pk)
    # The batch in which it was told is undone; the one before it stays.
    assert Invoice.objects.count() == 4
    assert BillingRun.objects.get().state == BillingRun.State.RUNNING

    second = asked_for()
    assert run_job.call(second.pk) == Job.State.FINISHED
    assert Invoice.objects.count() == 6
    assert sorted(BillingRun.objects.values_list("state", flat=True)) == ["finished", "interrupted"]


def test_who_may_not_run_billing_gets_no_job() -> None:
    assert_refused("permission", start_job, "billing_run", "Billing", {"today": "2024-06-01"}, by=factories.manager())
    assert not Job.objects.exists()
