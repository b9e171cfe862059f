"""The record of what people did."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audit import context
from audit.tracked import AppendOnlyModel, AppendOnlyQuerySet


class EventQuerySet(AppendOnlyQuerySet["Event"]):
    def about(self, target: models.Model) -> Self:
        """What was done to one row, newest first."""
        return self.filter(target_type=target._meta.label_lower, target_id=target.pk)

    def of_complaints(self, complaint_ids: Collection[int]) -> Self:
        """Everything done on these cases: the complaints, their refunds, their remedies."""
        return self.filter(complaint_id__in=complaint_ids)

    def of_customer(self, customer_id: int) -> Self:
        """Everything done for one customer."""
        return self.filter(customer_id=customer_id)


class Event(AppendOnlyModel):
    """One act of one person: what, on what, why, and whether it was done or refused.

    ``complaint_id`` and ``customer_id`` are plain numbers without a foreign key, because this app knows no other;
    they let a case's or a customer's whole story be read by one index.
    """

    class Outcome(models.TextChoices):
        DONE = "done", _("Done")
        REFUSED = "refused", _("Refused")

    at = models.DateTimeField(_("at"), db_index=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False, verbose_name=_("actor")
    )
    actor_name = models.CharField(_("actor name"), max_length=200)
    actor_role = models.CharField(_("actor role"), max_length=40, blank=True)
    verb = models.CharField(_("verb"), max_length=60)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, default=Outcome.DONE)
    target_type = models.CharField(_("target type"), max_length=60)
    target_id = models.BigIntegerField(_("target id"), null=True)
    target_label = models.CharField(_("target label"), max_length=200, blank=True)
    complaint_id = models.BigIntegerField(_("complaint id"), null=True)
    customer_id = models.BigIntegerField(_("customer id"), null=True)
    reason = models.TextField(_("reason"), blank=True)
    message = models.TextField(_("message"), blank=True)
    data = models.JSONField(_("data"), default=dict)
    request_id = models.CharField(_("request id"), max_length=32, default=context.request_id)
    source = models.CharField(_("source"), max_length=10, default=context.source)

    objects: ClassVar = EventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ("-at", "-id")
        indexes = [
            models.Index(fields=("-at", "-id"), name="event_by_time"),
            models.Index(fields=("actor", "-at"), name="event_by_actor"),
            models.Index(fields=("target_type", "target_id", "-at"), name="event_by_target"),
            models.Index(
                fields=("complaint_id", "-at"),
                name="event_by_complaint",
                condition=Q(complaint_id__isnull=False),
            ),
            models.Index(
                fields=("customer_id", "-at"),
                name="event_by_customer",
                condition=Q(customer_id__isnull=False),
            ),
            models.Index(fields=("request_id",), name="event_by_request"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(verb=""), name="event_has_verb"),
            models.CheckConstraint(condition=Q(outcome__in=("done", "refused")), name="event_outcome_known"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.verb} {self.target_label}".strip()


class UsedForm(models.Model):
    """A form of a page that was sent and done: its token is never taken again (RULES 8, "a one-time token"). Written in
    the transaction of what it asked for, so that of six simultaneous sendings one goes through.
    """

    token = models.UUIDField(_("token"), primary_key=True)
    at = models.DateTimeField(_("at"), db_index=True)
    request_id = models.CharField(_("request id"), max_length=32, default=context.request_id)

    class Meta:
        verbose_name = _("used form")
        verbose_name_plural = _("used forms")

    def __str__(self) -> str:
        return str(self.token)
