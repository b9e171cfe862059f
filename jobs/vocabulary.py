"""What was done with jobs, as events say it, and what refuses it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from audit.vocabulary import EventVerb, RefusalCode


class JobVerb(EventVerb):
    """What was done with jobs."""

    JOB_START = "job.start", gettext_lazy("asked for")
    JOB_CANCEL = "job.cancel", gettext_lazy("cancelled")
    JOB_RESUME = "job.resume", gettext_lazy("let go on")
    JOB_FINISH = "job.finish", gettext_lazy("got the result of")
    JOB_FAIL = "job.fail", gettext_lazy("was told of the failure of")


class JobRefusal(RefusalCode):
    """Rules about jobs."""

    KIND = "kind", "this version of the product knows no such job"
