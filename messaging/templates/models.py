"""The texts of messages, one a kind and language."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.customers.models import Customer
from audit.tracked import TrackedModel
from core.text import say


class MessageKind(models.TextChoices):
    """What a message is for; each kind has a template in each language."""

    ACKNOWLEDGEMENT = "acknowledgement", _("Complaint received")
    QUESTION = "question", _("Question to the customer")
    DECISION_UPHELD = "decision_upheld", _("Decision: upheld, wholly or partly")
    DECISION_REJECTED = "decision_rejected", _("Decision: rejected")
    MESSAGE = "message", _("Message about a complaint")
    REFUND_SETTLED = "refund_settled", _("Refund settled")
    REFUND_REVERSED = "refund_reversed", _("Refund taken back")
    REFUND_ENDED = "refund_ended", _("Refund not given after all")
    BANK_DETAILS_CHANGED = "bank_details_changed", _("Bank details changed")
    CREDIT_APPLIED = "credit_applied", _("Credit applied to an invoice")
    INVOICE_VOID = "invoice_void", _("Invoice void")
    PAYOUT_MADE = "payout_made", _("Payout made")
    CANCELLATION_CONFIRMED = "cancellation_confirmed", _("Cancellation confirmed")
    END_MOVED = "end_moved", _("End of service moved")
    STAFF_DIGEST = "staff_digest", _("Digest for a staff member")
    STAFF_ESCALATION = "staff_escalation", _("A case was escalated")
    STAFF_INCIDENT = "staff_incident", _("An incident was changed after a refund")


class MessageTemplate(TrackedModel):
    """The text of one kind of message in one language. Texts already sent do not change with it."""

    kind = models.CharField(_("kind"), max_length=24, choices=MessageKind)
    language = models.CharField(_("language"), max_length=2, choices=Customer.Language)
    subject = models.CharField(_("subject"), max_length=200)
    body = models.TextField(_("body"))

    class Meta:
        verbose_name = _("message template")
        verbose_name_plural = _("message templates")
        ordering = ("kind", "language")
        constraints = [
            models.UniqueConstraint(fields=("kind", "language"), name="template_once_per_language"),
            models.CheckConstraint(condition=~Q(subject="") & ~Q(body=""), name="template_has_text"),
        ]

    def __str__(self) -> str:
        return str(say("{kind} ({language})", kind=self.get_kind_display(), language=self.get_language_display()))
