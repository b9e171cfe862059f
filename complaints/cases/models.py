"""Complaints and what belongs to one: assessments, decisions, messages, notes, attachments, missed deadlines."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.customers.models import Customer
from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.tracked import AppendOnlyModel, TrackedModel, TrackedQuerySet
from billing.subscriptions.models import BillingPeriod, Subscription
from core.text import join, lower, say
from messaging.outbox.models import OutgoingMessage
from policies.agreements.models import Agreement
from policies.versions.models import JudgedByTerms, PolicyVersion


class ComplaintQuerySet(TrackedQuerySet["Complaint"]):
    def open(self) -> Self:
        """Complaints that somebody still has to work on."""
        return self.filter(state__in=Complaint.OPEN_STATES)

    def overdue(self, now: datetime) -> Self:
        """Open complaints past the moment by which they had to be decided, or the outcome told."""
        decide = Q(state__in=Complaint.UNDECIDED_STATES, decide_due_at__lte=now)
        return self.filter(decide | Q(state="decided", tell_due_at__lte=now))

    def customer_wrote(self) -> Self:
        """What a customer wrote or said that nobody has answered or read yet."""
        return self.filter(customer_wrote_at__isnull=False)

    def by_urgency(self) -> Self:
        """What is to be decided first, by deadline; then what is to be told; then what waits to be closed."""
        step = models.Case(
            models.When(state__in=Complaint.UNDECIDED_STATES, then=0),
            models.When(state=Complaint.State.DECIDED, then=1),
            default=2,
            output_field=models.SmallIntegerField(),
        )
        return self.order_by(step, "decide_due_at", "pk")

    def owned_by(self, user: User) -> Self:
        return self.filter(owner=user)

    def of_owner_or_lead(self, user: User) -> Self:
        """What is this person's: own cases, and for leads those that nobody at work owns."""
        whose = Q(owner=user)
        if user.may(May.LEAD_COMPLAINTS):
            whose |= Q(owner__isnull=True) | Q(owner__is_active=False)
        return self.filter(whose)

    def in_trail_of(self, user: User) -> Self:
        """Complaints whose audit trail a person may read by being on the case, or by leading its owner's team."""
        own = Q(owner=user) | Q(registered_by=user)
        return self.filter(own | Q(owner__team__lead=user) | Q(registered_by__team__lead=user))


class Complaint(JudgedByTerms, TrackedModel):
    """What a customer complains about. Its state changes by the actions of its room alone."""

    #: Of rows that are read with them.
    customer_name: str
    first_decided_at: datetime
    agreement_in_force: int | None
    granted_minutes: int | None
    owes_notice: bool

    class State(models.TextChoices):
        REGISTERED = "registered", _("Registered")
        IN_REVIEW = "in_review", _("In review")
        WAITING = "waiting_customer", _("Waiting for the customer")
        DECIDED = "decided", _("Decided")
        COMMUNICATED = "communicated", _("Communicated")
        CLOSED = "closed", _("Closed")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        MERGED = "merged", _("Merged")

    class Category(models.TextChoices):
        INTERRUPTION = "interruption", _("Interruption")
        QUALITY = "quality", _("Call or service quality")
        BILLING = "billing", _("Invoice or price")
        SUPPORT = "support", _("Support and conduct")
        HARDWARE = "hardware", _("Phone or other hardware")
        OTHER = "other", _("Something else")

    class Sought(models.TextChoices):
        MONEY = "money", _("Money back")
        CREDIT = "credit", _("A credit")
        MINUTES = "minutes", _("Minutes")
        EXTENSION = "extension", _("A longer period")
        REPAIR = "repair", _("That it works")
        EXPLANATION = "explanation", _("An explanation or apology")

    class Channel(models.TextChoices):
        EMAIL = "email", _("E-mail")
        PHONE = "phone", _("Phone")
        LETTER = "letter", _("Letter")
        WEB = "web", _("Web form")
        IN_PERSON = "in_person", _("In person")

    class Severity(models.TextChoices):
        LOW = "low", _("Low")
        NORMAL = "normal", _("Normal")
        HIGH = "high", _("High")

    UNDECIDED_STATES = (State.REGISTERED, State.IN_REVIEW, State.WAITING)
    #: The customer has not heard the outcome.
    UNTOLD_STATES = (*UNDECIDED_STATES, State.DECIDED)
    OPEN_STATES = (*UNTOLD_STATES, State.COMMUNICATED)

    code = models.CharField(_("code"), max_length=12, unique=True)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="complaints", verbose_name=_("customer"))
    subscription = models.ForeignKey(
        Subscription, models.PROTECT, related_name="complaints", verbose_name=_("subscription")
    )
    period = models.ForeignKey(BillingPeriod, models.PROTECT, related_name="complaints", verbose_name=_("period"))
    channel = models.CharField(_("channel"), max_length=10, choices=Channel)
    received_at = models.DateTimeField(_("received at"))
    registered_at = models.DateTimeField(_("registered at"))
    registered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("registered by")
    )
    category = models.CharField(_("category"), max_length=12, choices=Category)
    sought = models.CharField(_("remedy sought"), max_length=12, choices=Sought)
    subject = models.CharField(_("subject"), max_length=120)
    text = models.TextField(_("text"))
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.REGISTERED)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="owned_complaints",
        null=True,
        blank=True,
        verbose_name=_("owner"),
    )
    severity = models.CharField(_("severity"), max_length=8, choices=Severity, default=Severity.NORMAL)
    escalation_level = models.PositiveSmallIntegerField(_("escalation level"), default=0)
    escalated_at = models.DateTimeField(_("escalated at"), null=True, blank=True)
    refund_policy = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="+", verbose_name=_("refund policy"))
    fulfilment_policy = models.ForeignKey(
        PolicyVersion, models.PROTECT, related_name="+", verbose_name=_("fulfilment policy")
    )
    agreement = models.ForeignKey(
        Agreement, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("agreement")
    )
    acknowledge_due_at = models.DateTimeField(_("acknowledge due at"))
    acknowledged_at = models.DateTimeField(_("acknowledged at"), null=True, blank=True)
    decide_due_at = models.DateTimeField(_("decide due at"))
    tell_due_at = models.DateTimeField(_("tell due at"))
    decision = models.ForeignKey(
        "Decision", models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("decision")
    )
    communicated_at = models.DateTimeField(_("communicated at"), null=True, blank=True)
    customer_wrote_at = models.DateTimeField(
        _("customer wrote at"), null=True, blank=True, help_text=_("Nobody has answered or read it yet.")
    )
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    withdrawal_channel = models.CharField(_("withdrawal channel"), max_length=10, choices=Channel, blank=True)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, related_name="merged_complaints", null=True, blank=True, verbose_name=_("merged into")
    )
    merged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("merged by")
    )
    consent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("consent by")
    )
    referral_scheme = models.CharField(_("dispute resolution scheme"), max_length=120, blank=True)
    referral_reference = models.CharField(_("referral reference"), max_length=60, blank=True)
    referred_on = models.DateField(_("referred on"), null=True, blank=True)
    referral_ended_on = models.DateField(_("referral ended on"), null=True, blank=True)
    referral_outcome = models.TextField(_("referral outcome"), blank=True)

    objects: ClassVar = ComplaintQuerySet.as_manager()

    class Meta:
        verbose_name = _("complaint")
        verbose_name_plural = _("complaints")
        ordering = ("-received_at", "-pk")
        indexes = [
            models.Index(
                fields=("owner", "decide_due_at"),
                name="complaint_open_by_owner",
                condition=Q(state__in=("registered", "in_review", "waiting_customer", "decided", "communicated")),
            ),
            models.Index(
                fields=("decide_due_at",),
                name="complaint_undecided",
                condition=Q(state__in=("registered", "in_review", "waiting_customer")),
            ),
            models.Index(fields=("state", "-received_at"), name="complaint_by_state"),
            models.Index(fields=("tell_due_at",), name="complaint_to_tell", condition=Q(state="decided")),
            models.Index(
                fields=("customer_wrote_at",),
                name="complaint_customer_wrote",
                condition=Q(customer_wrote_at__isnull=False),
            ),
            models.Index(fields=("-received_at", "subject"), name="complaint_by_received"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(received_at__lte=F("registered_at")), name="complaint_received_first"),
            models.CheckConstraint(
                condition=~Q(state__in=("decided", "communicated", "closed")) | Q(decision__isnull=False),
                name="complaint_decided_has_decision",
            ),
            models.CheckConstraint(
                condition=Q(state="merged", merged_into__isnull=False, merged_by__isnull=False)
                | (~Q(state="merged") & Q(merged_into__isnull=True, merged_by__isnull=True)),
                name="complaint_merged_into_another",
            ),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("id")),
                name="complaint_not_merged_into_itself",
            ),
            models.CheckConstraint(
                condition=~Q(state="withdrawn") | ~Q(withdrawal_channel=""), name="complaint_withdrawn_by_channel"
            ),
            models.CheckConstraint(
                condition=Q(referral_ended_on__isnull=True) | Q(referral_ended_on__gte=F("referred_on")),
                name="complaint_referral_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.subject}"

    def matter(self) -> list[Complaint]:
        """The case and all that were merged into it, by way of others too."""
        models.prefetch_related_objects([self], "merged_complaints")
        found = [self]
        for merged in self.merged_complaints.all():
            found += merged.matter()
        return found


class Assessment(AppendOnlyModel):
    """What somebody found, with the evidence as it stood: usage, incidents, earlier complaints and refunds, phones."""

    complaint = models.ForeignKey(Complaint, models.PROTECT, related_name="assessments", verbose_name=_("complaint"))
    severity = models.CharField(_("severity"), max_length=8, choices=Complaint.Severity)
    findings = models.TextField(_("findings"))
    evidence: Any = models.JSONField(_("evidence"), default=dict)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("assessment")
        verbose_name_plural = _("assessments")
        ordering = ("-at", "-pk")

    def __str__(self) -> str:
        return str(say("{complaint}, assessed by {person}", complaint=self.complaint.code, person=self.by))


class Correction(AppendOnlyModel):
    """Somebody corrected the registration; the old values are in the complaint's history."""

    complaint = models.ForeignKey(Complaint, models.PROTECT, related_name="corrections", verbose_name=_("complaint"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        ordering = ("at", "pk")

    def __str__(self) -> str:
        return str(say("{complaint}, corrected by {person}", complaint=self.complaint.code, person=self.by))


class Decision(AppendOnlyModel):
    """What was decided and why. A later decision supersedes it; none is ever edited."""

    class Outcome(models.TextChoices):
        UPHELD = "upheld", _("Upheld")
        PARTLY_UPHELD = "partly_upheld", _("Partly upheld")
        REJECTED = "rejected", _("Rejected")

    #: Wholly or partly.
    UPHELD = (Outcome.UPHELD, Outcome.PARTLY_UPHELD)

    complaint = models.ForeignKey(Complaint, models.PROTECT, related_name="decisions", verbose_name=_("complaint"))
    outcome = models.CharField(_("outcome"), max_length=14, choices=Outcome)
    reasons = models.TextField(_("reasons"))
    supersedes = models.OneToOneField(
        "self", models.PROTECT, related_name="superseded_by", null=True, blank=True, verbose_name=_("supersedes")
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering = ("-at", "-pk")
        constraints = [
            models.CheckConstraint(condition=~Q(reasons=""), name="decision_has_reasons"),
            models.CheckConstraint(
                condition=Q(outcome__in=("upheld", "partly_upheld", "rejected")),
                name="decision_outcome_known",
            ),
        ]

    def __str__(self) -> str:
        return str(self.get_outcome_display())

    @property
    def is_upheld(self) -> bool:
        """Wholly or partly."""
        return self.outcome in self.UPHELD


class Message(AppendOnlyModel):
    """What was said between us and the customer, to the letter; internal notes are another table."""

    class Direction(models.TextChoices):
        OUT = "out", _("To the customer")
        IN = "in", _("From the customer")

    class Kind(models.TextChoices):
        ACKNOWLEDGEMENT = "acknowledgement", _("Acknowledgement")
        QUESTION = "question", _("Question")
        DECISION = "decision", _("Decision")
        OTHER = "other", _("Other")

    complaint = models.ForeignKey(Complaint, models.PROTECT, related_name="messages", verbose_name=_("complaint"))
    direction = models.CharField(_("direction"), max_length=3, choices=Direction)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind, default=Kind.OTHER)
    channel = models.CharField(_("channel"), max_length=10, choices=Complaint.Channel)
    correspondent = models.CharField(_("to or from"), max_length=200, blank=True)
    text = models.TextField(_("text"))
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    outgoing = models.OneToOneField(
        OutgoingMessage, models.PROTECT, related_name="case_message", null=True, blank=True, verbose_name=_("outgoing")
    )

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ("-at", "-pk")
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="message_has_text"),
            models.CheckConstraint(
                condition=Q(outgoing__isnull=True) | Q(direction="out", channel="email"),
                name="message_outgoing_is_email",
            ),
        ]

    def __str__(self) -> str:
        return str(join(", ", (self.get_direction_display(), lower(self.get_kind_display()))))


class Note(AppendOnlyModel):
    """An internal note. The customer never sees it."""

    complaint = models.ForeignKey(Complaint, models.PROTECT, related_name="notes", verbose_name=_("complaint"))
    text = models.TextField(_("text"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering = ("-at", "-pk")
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="note_has_text")]

    def __str__(self) -> str:
        return self.text[:60]


class DeadlineBreach(AppendOnlyModel):
    """A deadline that passed unmet. It stays for good, also when the complaint is reopened or merged (R5)."""

    class Deadline(models.TextChoices):
        ACKNOWLEDGE = "acknowledge", _("Acknowledge")
        DECIDE = "decide", _("Decide")
        TELL = "tell", _("Tell")

    complaint = models.ForeignKey(Complaint, models.PROTECT, related_name="breaches", verbose_name=_("complaint"))
    deadline = models.CharField(_("deadline"), max_length=12, choices=Deadline)
    due_at = models.DateTimeField(_("due at"))
    noticed_at = models.DateTimeField(_("noticed at"))

    class Meta:
        verbose_name = _("deadline breach")
        ordering = ("due_at", "pk")
        verbose_name_plural = _("deadline breaches")
        constraints = [
            models.UniqueConstraint(fields=("complaint", "deadline", "due_at"), name="breach_once"),
            models.CheckConstraint(condition=Q(noticed_at__gte=F("due_at")), name="breach_after_due"),
        ]

    def __str__(self) -> str:
        return str(say("{deadline} by {time}", deadline=self.get_deadline_display(), time=self.due_at))
