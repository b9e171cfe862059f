"""What a person keeps or leaves at their place of work: views of lists, and which page they have open.

Neither state nor money, and no proof of anything: these rows come and go without history.
"""

from __future__ import annotations

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def seen_by(self, person_id: int, page: str) -> Self:
        """A person's own views of a list, and those that others share."""
        return self.filter(Q(owner=person_id) | Q(shared=True), page=page)


class SavedView(models.Model):
    """A list's filters, order and search under a name: one's own, or shared with everybody who may see the list."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="saved_views", verbose_name=_("owner")
    )
    page = models.CharField(_("page"), max_length=80)
    name = models.CharField(_("name"), max_length=60)
    query = models.TextField(_("query"), blank=True)
    shared = models.BooleanField(_("shared"), default=False)
    made_at = models.DateTimeField(_("made at"), auto_now_add=True)

    objects: ClassVar = SavedViewQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering = ("name", "pk")
        constraints = [
            models.UniqueConstraint(fields=("owner", "page", "name"), name="saved_view_name_once"),
            models.CheckConstraint(condition=~Q(name=""), name="saved_view_has_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Presence(models.Model):
    """Somebody had a row's page open lately."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("person"))
    target_type = models.CharField(_("target type"), max_length=60)
    target_id = models.BigIntegerField(_("target id"))
    seen_at = models.DateTimeField(_("seen at"))

    class Meta:
        verbose_name = _("presence")
        verbose_name_plural = _("presences")
        constraints = [
            models.UniqueConstraint(fields=("target_type", "target_id", "person"), name="presence_once"),
        ]

    def __str__(self) -> str:
        return f"{self.person} at {self.target_type} {self.target_id}"
