"""Past cases for back-tests, and running one to its end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from accounts.models import User
from complaints.actions.back_tests import start_back_test
from complaints.actions.policies import draft_policy_version
from complaints.models import BackTest, BackTestCase, Complaint, Policy, PolicyVersion
from jobs.models import Job
from jobs.runner import run_job
from tests import factories
from tests.complaints.cases import Desk


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
