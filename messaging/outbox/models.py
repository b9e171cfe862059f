"""Messages on their way: each text as it was sent, and every attempt."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.customers.models import Customer
from accounts.staff.models import User
from audit.tracked import AppendOnlyModel, AppendOnlyQuerySet, TrackedModel, TrackedQuerySet
from core.text import say
from messaging.notices.models import ChangeNotice
from messaging.templates.models import MessageKind, MessageTemplate

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class OutgoingMessageQuerySet(AppendOnlyQuerySet["OutgoingMessage"]):
    def of_complaints(self, complaint_ids: Collection[int]) -> Self:
        return self.filter(complaint_id__in=complaint_ids)


class OutgoingMessage(AppendOnlyModel):
    """One e-mail, frozen when it was put into the outbox: to whom, and the exact words.

    ``key`` names the occasion ("credit_applied:<application>"), so that nobody is told twice. It is addressed to a
    customer or to a staff member. ``complaint_id`` is a plain number, because this app knows no complaints.
    """

    key = models.CharField(_("key"), max_length=120, unique=True)
    kind = models.CharField(_("kind"), max_length=24, choices=MessageKind)
    language = models.CharField(_("language"), max_length=2, choices=Customer.Language)
    customer = models.ForeignKey(
        Customer, models.PROTECT, related_name="outgoing_messages", null=True, blank=True, verbose_name=_("customer")
    )
    staff = models.ForeignKey(
        User, models.PROTECT, related_name="outgoing_messages", null=True, blank=True, verbose_name=_("staff")
    )
    complaint_id = models.BigIntegerField(_("complaint id"), null=True, blank=True)
    notice = models.ForeignKey(
        ChangeNotice,
        models.PROTECT,
        related_name="letters",
        null=True,
        blank=True,
        verbose_name=_("change that it tells"),
    )
    recipient = models.EmailField(
        _("recipient"), max_length=254, blank=True, help_text=_("Empty where no e-mail address was known.")
    )
    subject = models.CharField(_("subject"), max_length=200)
    body = models.TextField(_("body"))
    template = models.ForeignKey(
        MessageTemplate, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("template")
    )
    queued_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("queued by"))
    queued_at = models.DateTimeField(_("queued at"))

    objects: ClassVar = OutgoingMessageQuerySet.as_manager()

    if TYPE_CHECKING:
        delivery: Delivery
        attempts: RelatedManager[DeliveryAttempt]

    class Meta:
        verbose_name = _("outgoing message")
        verbose_name_plural = _("outgoing messages")
        ordering = ("-queued_at", "-pk")
        indexes = [
            models.Index(
                fields=("complaint_id", "-queued_at"),
                name="outgoing_by_complaint",
                condition=Q(complaint_id__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(customer__isnull=False, staff__isnull=True) | Q(customer__isnull=True, staff__isnull=False),
                name="outgoing_to_customer_or_staff",
            ),
            models.CheckConstraint(condition=~Q(subject="") & ~Q(body=""), name="outgoing_is_complete"),
        ]

    def __str__(self) -> str:
        if not self.recipient:
            return str(say("{subject} to nobody: no e-mail address", subject=self.subject))
        return str(say("{subject} to {recipient}", subject=self.subject, recipient=self.recipient))


class DeliveryQuerySet(TrackedQuerySet["Delivery"]):
    def due(self, now: datetime) -> Self:
        """What is to be tried now."""
        return self.filter(state=Delivery.State.QUEUED, next_attempt_at__lte=now)


class Delivery(TrackedModel):
    """Where an outgoing message stands. The text itself is another row and never touched again.

    ``sending`` is written and committed before the server is spoken to. A process that dies in between leaves it so;
    nobody can know then whether the message went out: it becomes ``uncertain`` and a person decides.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting to be sent")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed for good")
        UNCERTAIN = "uncertain", _("Perhaps sent")
        BOUNCED = "bounced", _("Came back")
        CANCELLED = "cancelled", _("Done with")
        NO_ADDRESS = "no_address", _("Not told: no address")

    #: What somebody has to look at.
    TROUBLED_STATES = (State.FAILED, State.UNCERTAIN, State.BOUNCED, State.NO_ADDRESS)

    message = models.OneToOneField(OutgoingMessage, models.PROTECT, related_name="delivery", verbose_name=_("message"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt at"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    note = models.CharField(
        _("note"), max_length=300, blank=True, help_text=_("Why it failed, came back or is done with.")
    )

    objects: ClassVar = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        ordering = ("-pk",)
        verbose_name_plural = _("deliveries")
        indexes = [
            models.Index(
                fields=("next_attempt_at",), name="delivery_due", condition=Q(state__in=("queued", "sending"))
            ),
            models.Index(
                fields=("message",),
                name="delivery_in_trouble",
                condition=Q(state__in=("failed", "uncertain", "bounced", "no_address")),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="queued", next_attempt_at__isnull=False)
                | (~Q(state="queued") & Q(next_attempt_at__isnull=True)),
                name="delivery_queued_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("sent", "bounced")) | Q(sent_at__isnull=False), name="delivery_sent_has_time"
            ),
        ]

    def __str__(self) -> str:
        return str(say("{message}: {state}", message=self.message, state=self.get_state_display()))


class DeliveryAttempt(TrackedModel):
    """One try to hand a message to the mail server, written before it starts and completed after it."""

    class Outcome(models.TextChoices):
        STARTED = "started", _("Started")
        ACCEPTED = "accepted", _("Accepted by the server")
        DEFERRED = "deferred", _("Not now")
        REFUSED = "refused", _("Refused for good")
        UNKNOWN = "unknown", _("Not known")

    message = models.ForeignKey(OutgoingMessage, models.PROTECT, related_name="attempts", verbose_name=_("message"))
    number = models.PositiveSmallIntegerField(_("number"))
    started_at = models.DateTimeField(_("started at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, default=Outcome.STARTED)
    detail = models.TextField(_("detail"), blank=True)

    class Meta:
        verbose_name = _("delivery attempt")
        verbose_name_plural = _("delivery attempts")
        ordering = ("message", "number")
        constraints = [
            models.UniqueConstraint(fields=("message", "number"), name="attempt_number_once"),
            models.CheckConstraint(
                condition=Q(outcome="started", ended_at__isnull=True)
                | (~Q(outcome="started") & Q(ended_at__isnull=False)),
                name="attempt_ended_has_outcome",
            ),
        ]

    def __str__(self) -> str:
        return str(say("Attempt {number}: {outcome}", number=self.number, outcome=self.get_outcome_display()))
