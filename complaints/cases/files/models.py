"""Files that came with a complaint."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from audit.tracked import AppendOnlyModel
from complaints.cases.models import Complaint


class Attachment(AppendOnlyModel):
    """A file that came with a complaint. Kept outside every web root; leaves as a download only."""

    complaint = models.ForeignKey(Complaint, models.PROTECT, related_name="attachments", verbose_name=_("complaint"))
    file = models.FileField(_("file"), upload_to="complaints/%Y/%m/", max_length=200)
    name = models.CharField(_("name"), max_length=150)
    content_type = models.CharField(_("content type"), max_length=80)
    size = models.PositiveBigIntegerField(_("size"))
    sha256 = models.CharField(_("sha256"), max_length=64)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ("at", "pk")
        constraints = [models.UniqueConstraint(fields=("complaint", "sha256"), name="attachment_once")]

    def __str__(self) -> str:
        return self.name
