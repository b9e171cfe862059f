"""What was done with jobs, as events say it, and what refuses it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.vocabulary import EventVerb, RefusalCode


class JobVerb(EventVerb):
    """What was done with jobs."""

    JOB_START = "job.start", _("asked for")
    JOB_CANCEL = "job.cancel", _("cancelled")
    JOB_RESUME = "job.resume", _("let go on")
    JOB_FINISH = "job.finish", _("got the result of")
    JOB_FAIL = "job.fail", _("was told of the failure of")


class JobRefusal(RefusalCode):
    """Rules about jobs."""

    KIND = "kind", "this version of the product knows no such job"
