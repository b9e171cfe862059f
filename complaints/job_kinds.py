"""The long work of the cases."""

from django.utils.translation import gettext_lazy

from accounts.permissions import May
from complaints import back_testing
from jobs.kinds import JobKind, register_kind

register_kind(
    JobKind(
        name=back_testing.KIND,
        label=gettext_lazy("Back-test of a policy draft"),
        run=back_testing.run,
        may=May.DRAFT_POLICIES,
        may_others=May.HANDLE_JOBS_OF_OTHERS,
    )
)
