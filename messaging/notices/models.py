"""What a customer has to hear of a change that is no outcome of a case: a moved end of service, other bank details."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.customers.models import BankDetailsChange, Customer
from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.tracked import TrackedModel, TrackedQuerySet
from core.text import say


class ChangeNoticeQuerySet(TrackedQuerySet["ChangeNotice"]):
    def owed(self) -> Self:
        """Changes that the customer has not heard of yet."""
        return self.filter(state=ChangeNotice.State.OWED)

    def owed_by(self, user: User) -> Self:
        """What this person has to tell, if its letter does not: the ends of service that they moved, and for leads and
        billing clerks those moved by nobody who is at work, and the bank details that others changed.
        """
        if not user.may(May.HANDLE_MESSAGES):
            return self.none()
        end, bank_details = Q(outcome=ChangeNotice.Outcome.END_MOVED), Q(outcome=ChangeNotice.Outcome.BANK_DETAILS)
        whose = end & Q(made_by=user)
        if user.may(May.LEAD_COMPLAINTS) or user.may(May.HANDLE_MONEY):
            whose |= end & (Q(made_by__is_active=False) | Q(made_by__username=User.SYSTEM))
            whose |= bank_details & ~Q(made_by=user)
        return self.owed().filter(whose)


class ChangeNotice(TrackedModel):
    """One change that a customer has to hear of, whoever made it and why. The database keeps one a change of bank
    details, and one that is owed of each subscription's end.

    It is told once all its letters are sent (``OutgoingMessage.notice``), or once somebody has written down that the
    customer was told otherwise. ``subscription_id`` is a plain number, because this app knows no subscriptions;
    ``subscription_number`` is what people call it.
    """

    class Outcome(models.TextChoices):
        END_MOVED = "end_moved", _("End of service")
        BANK_DETAILS = "bank_details", _("Bank details changed")

    class State(models.TextChoices):
        OWED = "owed", _("Owed")
        TOLD = "told", _("Told")
        TAKEN_OVER = "taken_over", _("Told with a later change")
        DISMISSED = "dismissed", _("Not to be told")

    class Channel(models.TextChoices):
        PHONE = "phone", _("Phone")
        LETTER = "letter", _("Letter")
        IN_PERSON = "in_person", _("In person")

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="change_notices", verbose_name=_("customer"))
    outcome = models.CharField(_("kind"), max_length=12, choices=Outcome)
    bank_details = models.OneToOneField(
        BankDetailsChange,
        models.PROTECT,
        related_name="notice",
        null=True,
        blank=True,
        verbose_name=_("change of bank details"),
    )
    subscription_id = models.BigIntegerField(_("subscription id"), null=True, blank=True)
    subscription_number = models.CharField(_("subscription"), max_length=20, blank=True)
    ends_on = models.DateField(
        _("ends on"), null=True, blank=True, help_text=_("The first day without service; empty where it goes on.")
    )
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("changed by"))
    arose_at = models.DateTimeField(_("arose at"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OWED)
    channel = models.CharField(_("told by"), max_length=10, choices=Channel, blank=True)
    text = models.TextField(_("what the customer heard"), blank=True)
    dismissed_reason = models.TextField(_("why it is not told"), blank=True)
    met_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("met by"))
    met_at = models.DateTimeField(_("met at"), null=True, blank=True)

    objects: ClassVar = ChangeNoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("change to be told")
        verbose_name_plural = _("changes to be told")
        ordering = ("-arose_at", "-pk")
        indexes = [models.Index(fields=("arose_at",), name="change_notice_owed", condition=Q(state="owed"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="bank_details", bank_details__isnull=False, subscription_id__isnull=True)
                & Q(subscription_number="", ends_on__isnull=True)
                | Q(outcome="end_moved", bank_details__isnull=True, subscription_id__isnull=False)
                & ~Q(subscription_number=""),
                name="change_notice_of_its_change",
            ),
            models.UniqueConstraint(
                fields=("subscription_id",),
                condition=Q(state="owed", outcome="end_moved"),
                name="change_notice_one_end_owed",
            ),
            models.CheckConstraint(
                condition=Q(state="owed", met_at__isnull=True, met_by__isnull=True)
                | (~Q(state="owed") & Q(met_at__isnull=False)),
                name="change_notice_met_has_time",
            ),
            models.CheckConstraint(
                condition=Q(channel="", text="")
                | (Q(state="told", met_by__isnull=False) & ~Q(channel="") & ~Q(text="")),
                name="change_notice_told_in_words",
            ),
            models.CheckConstraint(
                condition=Q(state="dismissed", met_by__isnull=False) & ~Q(dismissed_reason="")
                | ~Q(state="dismissed") & Q(dismissed_reason=""),
                name="change_notice_dismissed_has_reason",
            ),
        ]

    def __str__(self) -> str:
        if self.outcome == self.Outcome.BANK_DETAILS:
            return str(say("Other bank details"))
        if self.ends_on is None:
            return str(say("{subscription} goes on", subscription=self.subscription_number))
        last_day = self.ends_on - timedelta(days=1)
        return str(say("{subscription} ends after {day}", subscription=self.subscription_number, day=last_day))
