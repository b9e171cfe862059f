"""The texts of messages, one a kind and language."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from accounts.customers.models import Customer
from audit.tracked import TrackedModel
from core.text import say


class MessageKind(models.TextChoices):
    """What a message is for; each kind has a template in each language."""

    ACKNOWLEDGEMENT = "acknowledgement", gettext_lazy("Complaint received")
    QUESTION = "question", gettext_lazy("Question to the customer")
    DECISION_UPHELD = "decision_upheld", gettext_lazy("Decision: upheld, wholly or partly")
    DECISION_REJECTED = "decision_rejected", gettext_lazy("Decision: rejected")
    CREDIT_APPLIED = "credit_applied", gettext_lazy("Credit applied to an invoice")
    PAYOUT_MADE = "payout_made", gettext_lazy("Payout made")
    CANCELLATION_CONFIRMED = "cancellation_confirmed", gettext_lazy("Cancellation confirmed")
    STAFF_DIGEST = "staff_digest", gettext_lazy("Digest for a staff member")
    STAFF_ESCALATION = "staff_escalation", gettext_lazy("A case was escalated")


class MessageTemplate(TrackedModel):
    """The text of one kind of message in one language. Texts already sent do not change with it."""

    kind = models.CharField(max_length=24, choices=MessageKind)
    language = models.CharField(max_length=2, choices=Customer.Language)
    subject = models.CharField(max_length=200)
    body = models.TextField()

    class Meta:
        ordering = ("kind", "language")
        constraints = [
            models.UniqueConstraint(fields=("kind", "language"), name="template_once_per_language"),
            models.CheckConstraint(condition=~Q(subject="") & ~Q(body=""), name="template_has_text"),
        ]

    def __str__(self) -> str:
        return str(say("{kind} ({language})", kind=self.get_kind_display(), language=self.get_language_display()))
