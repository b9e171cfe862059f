"""The long work of the cases."""

from django.utils.translation import gettext_lazy as _

from accounts.staff.permissions import May
from complaints.back_tests import running
from jobs.kinds import JobKind, register_kind

register_kind(
    JobKind(
        name=running.KIND,
        label=_("Back-test of a policy draft"),
        run=running.run,
        may=May.DRAFT_POLICIES,
        may_others=May.HANDLE_JOBS_OF_OTHERS,
    )
)
