"""When a person wants their digests."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy

from accounts.staff.models import User
from audit.tracked import TrackedModel
from core.text import say


class DigestTimes(TrackedModel):
    """When a person wants to be told by e-mail what waits for them. ``times`` are local, "HH:MM"; days 0 to 6 from
    Monday.
    """

    person = models.OneToOneField(User, models.PROTECT, related_name="digest_times")
    times = models.JSONField(default=list)
    weekdays = models.JSONField(default=list)

    class Meta:
        ordering = ("person",)
        verbose_name_plural = gettext_lazy("digest times")

    def __str__(self) -> str:
        return str(say("Digests for {person}", person=self.person))
