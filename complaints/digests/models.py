"""When a person wants their digests."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from audit.tracked import TrackedModel
from core.text import say


class DigestTimes(TrackedModel):
    """When a person wants to be told by e-mail what waits for them. ``times`` are local, "HH:MM"; days 0 to 6 from
    Monday.
    """

    person = models.OneToOneField(User, models.PROTECT, related_name="digest_times", verbose_name=_("person"))
    times = models.JSONField(_("times"), default=list)
    weekdays = models.JSONField(_("weekdays"), default=list)

    class Meta:
        verbose_name = _("digest times")
        ordering = ("person",)
        verbose_name_plural = _("digest times")

    def __str__(self) -> str:
        return str(say("Digests for {person}", person=self.person))
