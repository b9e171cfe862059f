"""What is owed to a customer: a notice of each outcome, until they are told or somebody says why not."""

from __future__ import annotations

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from audit.tracked import TrackedModel, TrackedQuerySet
from complaints.cases.models import Complaint, Decision, Message
from complaints.refunds.models import Refund
from complaints.reversals.models import Reversal
from core.text import say


class NoticeQuerySet(TrackedQuerySet["Notice"]):
    def owed(self) -> Self:
        """Notices that nobody has given yet."""
        return self.filter(state=Notice.State.OWED)

    def owed_by(self, user: User) -> Self:
        """What this person has to tell: on own cases, and for leads on those that nobody at work owns."""
        return self.owed().filter(complaint__in=Complaint.objects.of_owner_or_lead(user))


class Notice(TrackedModel):
    """One outcome that a customer has to hear of. The database keeps one for each outcome.

    It stands on the case that goes on: of a merged complaint, on the survivor. Told means that a message is on its
    case's record; where that message does not arrive, the outbox shows it as troubled.
    """

    class Outcome(models.TextChoices):
        DECISION = "decision", _("Decision")
        SETTLED = "settled", _("Refund settled")
        REVERSED = "reversed", _("Refund taken back")
        ENDED = "ended", _("Refund not given after all")

    class State(models.TextChoices):
        OWED = "owed", _("Owed")
        TOLD = "told", _("Told")
        TAKEN_OVER = "taken_over", _("Told with a later outcome")
        DISMISSED = "dismissed", _("Not to be told")

    complaint = models.ForeignKey(Complaint, models.PROTECT, related_name="notices", verbose_name=_("complaint"))
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome)
    decision = models.OneToOneField(
        Decision, models.PROTECT, related_name="notice", null=True, blank=True, verbose_name=_("decision")
    )
    refund = models.ForeignKey(
        Refund, models.PROTECT, related_name="notices", null=True, blank=True, verbose_name=_("refund")
    )
    reversal = models.OneToOneField(
        Reversal, models.PROTECT, related_name="notice", null=True, blank=True, verbose_name=_("reversal")
    )
    arose_at = models.DateTimeField(_("arose at"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OWED)
    message = models.ForeignKey(
        Message, models.PROTECT, related_name="notices", null=True, blank=True, verbose_name=_("message")
    )
    retry = models.ForeignKey(
        Refund, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("retry that took it over")
    )
    dismissed_reason = models.TextField(_("why it is not told"), blank=True)
    met_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("met by")
    )
    met_at = models.DateTimeField(_("met at"), null=True, blank=True)

    objects: ClassVar = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("notice to the customer")
        verbose_name_plural = _("notices to customers")
        ordering = ("arose_at", "pk")
        indexes = [models.Index(fields=("complaint",), name="notice_owed", condition=Q(state="owed"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="decision", decision__isnull=False, refund__isnull=True, reversal__isnull=True)
                | Q(outcome="reversed", decision__isnull=True, refund__isnull=True, reversal__isnull=False)
                | Q(
                    outcome__in=("settled", "ended"),
                    decision__isnull=True,
                    refund__isnull=False,
                    reversal__isnull=True,
                ),
                name="notice_of_its_outcome",
            ),
            models.UniqueConstraint(
                fields=("refund",), condition=Q(refund__isnull=False), name="notice_once_per_refund"
            ),
            models.CheckConstraint(
                condition=Q(state="owed", met_at__isnull=True) | (~Q(state="owed") & Q(met_at__isnull=False)),
                name="notice_met_has_time",
            ),
            models.CheckConstraint(
                condition=Q(state="told", message__isnull=False) | (~Q(state="told") & Q(message__isnull=True)),
                name="notice_told_by_message",
            ),
            models.CheckConstraint(
                condition=Q(state="dismissed", met_by__isnull=False) & ~Q(dismissed_reason="")
                | ~Q(state="dismissed") & Q(dismissed_reason=""),
                name="notice_dismissed_has_reason",
            ),
            models.CheckConstraint(
                condition=~Q(state="taken_over") | Q(outcome="decision") | Q(retry__isnull=False),
                name="notice_taken_over_by_retry",
            ),
        ]

    def __str__(self) -> str:
        what = self.get_outcome_display()
        refund = self.about_refund
        return str(what if refund is None else say("{outcome}: {refund}", outcome=what, refund=refund.code))

    @property
    def about_refund(self) -> Refund | None:
        """The refund that it is about, also by its reversal; none for a decision."""
        return self.reversal.refund if self.reversal is not None else self.refund
