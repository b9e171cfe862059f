"""Trying a draft policy on past cases before it is published."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.utils import timezone

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import permission_obstacle
from audit.actions import Obstacle, Refused, act
from audit.vocabulary import Refusal
from billing.periods import months_before
from complaints.back_tests.models import BackTest
from complaints.back_tests.running import KIND
from complaints.vocabulary import ComplaintRefusal, ComplaintVerb
from core.text import in_english, say
from jobs.actions import start_job
from policies.versions.models import PolicyVersion

#: Months that a back-test goes back at most: policies older than that judged by other prices and habits.
MOST_MONTHS: Final = 60


def start_back_test(version_id: int, *, by: User, months: int) -> BackTest:
    """Ask for a draft to be tried on the complaints decided in the last months, today included. Its figures are kept
    as they are now, so that a later edit does not change what the result was about.

    Raises:
        Refused: the version is no draft, the months are none, or a back-test of it is still under way.
    """
    with act(ComplaintVerb.POLICY_BACK_TEST, by=by, target=(PolicyVersion, version_id)) as action:
        version = action.lock(PolicyVersion, version_id)
        action.about(version)
        action.refuse_if(back_test_obstacle(version, by))
        if not 1 <= months <= MOST_MONTHS:
            raise Refused(
                say("A back-test goes back 1 to {months} months.", months=MOST_MONTHS),
                code=ComplaintRefusal.MONTHS,
                data={"field": "months"},
            )
        today = timezone.localdate()
        job = start_job(KIND, f"Back-test of {in_english(version)}", {"version": version.pk, "months": months}, by=by)
        back_test = BackTest(
            version=version,
            parameters=version.parameters,
            since=months_before(today, months),
            until=today + timedelta(days=1),
            job=job,
            asked_by=by,
            asked_at=job.asked_at,
        )
        back_test.save()
        action.data = {"months": months, "job": job.pk, "back_test": back_test.pk}
        return back_test


def back_test_obstacle(version: PolicyVersion, by: User) -> Obstacle | None:
    """Why this person may not try the version on past cases now, or None."""
    if missing := permission_obstacle(by, May.DRAFT_POLICIES):
        return missing
    if version.state != PolicyVersion.State.DRAFT:
        return Obstacle(
            say("This version is “{state}”: only a draft is tried on past cases.", state=version.get_state_display()),
            code=Refusal.STATE,
        )
    if any(back_test.job.is_open for back_test in version.back_tests.select_related("job")):
        return Obstacle(
            say("A back-test of this draft is under way. Wait for it, or cancel its job."),
            code=ComplaintRefusal.UNDER_WAY,
        )
    return None
