"""Refunds, approvals and remedies."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Sum, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.customers.models import Customer
from accounts.staff.models import Delegation
from audit.tracked import AppendOnlyModel, TrackedModel, TrackedQuerySet
from billing.credits.models import Credit
from billing.invoices.models import CreditNote
from billing.payouts.models import Payout
from billing.remedies.models import Extension, MinutesGrant
from billing.subscriptions.models import BillingPeriod, Subscription
from complaints.cases.models import Complaint, DeadlineBreach
from complaints.incidents.models import Incident
from complaints.refund_calculation import CURRENT_VERSION
from core.fields import MoneyField
from core.text import Text, join, say
from policies.agreements.models import Agreement
from policies.choices import RemedyKind
from policies.versions.models import JudgedByTerms, PolicyVersion


class RefundQuerySet(TrackedQuerySet["Refund"]):
    def open(self) -> Self:
        """Refunds that nobody has finished: drafts, proposals, and those waiting for a second approval."""
        return self.filter(state__in=Refund.OPEN_STATES)

    def waiting_for_approval(self) -> Self:
        return self.filter(state__in=(Refund.State.PROPOSED, Refund.State.APPROVED))

    def counting(self) -> Self:
        """Refunds whose amount stands against their period: pending or settled."""
        return self.filter(state__in=(*Refund.PENDING_STATES, Refund.State.SETTLED))

    def given(self) -> Self:
        """The same, and those that were taken back, wholly or in part: each with what was ``taken``."""
        approved = Q(reversals__state="approved")
        taken = (
            F("reversals__recovered")
            + F("reversals__due_again")
            + Case(
                When(reversals__charge_used=True, then=F("reversals__used")),
                default=Decimal(0),
                output_field=MoneyField(),
            )
        )
        sum_of_them = Sum(taken, filter=approved, default=Decimal(0), output_field=MoneyField())
        return self.filter(state__in=Refund.STANDING_STATES).annotate(taken=sum_of_them)


class Refund(JudgedByTerms, TrackedModel):
    """A decision to give something back, from draft to settled. Only its room's actions change its state.

    ``inputs``, ``lines``, ``counted``, ``set_off`` and ``remedy_plan`` are frozen when it is proposed, with
    ``content_hash`` over all of them. Amounts are gross, in ``currency``. Of the ``total``, ``set_off`` reduces what is
    unpaid of the fee and the rest is given. ``counted`` are the times that it compensates; a special case compensates
    those of the ``incident`` that it names. ``round`` counts the proposals, so that an approval belongs to one.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PROPOSED = "proposed", _("Proposed")
        APPROVED = "approved", _("Approved once, second approval due")
        SETTLED = "settled", _("Settled")
        REJECTED = "rejected", _("Rejected")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        EXPIRED = "expired", _("Expired")
        REVOKED = "revoked", _("Revoked")
        REVERSED = "reversed", _("Reversed")

    class Basis(models.TextChoices):
        USAGE = "usage", _("Usage")
        FULL_MONTH = "full_month", _("Full month")
        INTERRUPTION = "interruption", _("Interruption")
        SPECIAL = "special", _("Special case")

    #: Of rows that are read with it (``RefundQuerySet.given``): what a reversal took back.
    taken: Decimal = Decimal(0)

    PENDING_STATES = (State.PROPOSED, State.APPROVED)
    OPEN_STATES = (State.DRAFT, *PENDING_STATES)
    GIVEN_STATES = (State.SETTLED, State.REVERSED)
    STANDING_STATES = (*PENDING_STATES, *GIVEN_STATES)

    code = models.CharField(_("code"), max_length=12, unique=True)
    complaint = models.ForeignKey(Complaint, models.PROTECT, related_name="refunds", verbose_name=_("complaint"))
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="refunds", verbose_name=_("customer"))
    subscription = models.ForeignKey(
        Subscription, models.PROTECT, related_name="refunds", verbose_name=_("subscription")
    )
    period = models.ForeignKey(BillingPeriod, models.PROTECT, related_name="refunds", verbose_name=_("period"))
    basis = models.CharField(_("basis"), max_length=12, choices=Basis)
    currency = models.CharField(_("currency"), max_length=3)
    special_amount = MoneyField(_("special amount"), null=True, blank=True)
    incident = models.ForeignKey(
        Incident, models.PROTECT, related_name="special_refunds", null=True, blank=True, verbose_name=_("incident")
    )
    reduction = MoneyField(_("reduction"), default=Decimal(0))
    reduction_reason = models.TextField(_("reduction reason"), blank=True)
    justification = models.TextField(_("justification"), blank=True)
    evidence = models.TextField(_("evidence"), blank=True)
    unusual_reason = models.TextField(_("why so far from similar cases"), blank=True)
    remedy_plan: Any = models.JSONField(_("remedy plan"), default=list)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    round = models.PositiveSmallIntegerField(_("round"), default=0)
    drafted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("drafted by")
    )
    drafted_at = models.DateTimeField(_("drafted at"))
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("proposed by")
    )
    proposed_at = models.DateTimeField(_("proposed at"), null=True, blank=True)
    proposal_reason = models.TextField(_("proposal reason"), blank=True)
    returned_reason = models.TextField(_("returned reason"), blank=True)
    expires_on = models.DateField(_("expires on"))
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)
    inputs: Any = models.JSONField(_("inputs"), null=True, blank=True)
    lines: Any = models.JSONField(_("lines"), default=list, blank=True)
    counted: Any = models.JSONField(_("counted"), default=list, blank=True)
    total = MoneyField(_("total"), default=Decimal(0))
    set_off = MoneyField(_("set off"), default=Decimal(0))
    calculation_version = models.PositiveSmallIntegerField(_("calculation version"), default=CURRENT_VERSION)
    content_hash = models.CharField(_("content hash"), max_length=64, blank=True)
    refund_policy = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="+", verbose_name=_("refund policy"))
    fulfilment_policy = models.ForeignKey(
        PolicyVersion, models.PROTECT, related_name="+", verbose_name=_("fulfilment policy")
    )
    agreement = models.ForeignKey(
        Agreement, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("agreement")
    )
    credit_note = models.OneToOneField(
        CreditNote, models.PROTECT, related_name="refund", null=True, blank=True, verbose_name=_("credit note")
    )
    retry_of = models.ForeignKey(
        "self", models.PROTECT, related_name="retries", null=True, blank=True, verbose_name=_("retry of")
    )
    indemnity_for = models.ForeignKey(
        DeadlineBreach, models.PROTECT, related_name="refunds", null=True, blank=True, verbose_name=_("indemnity for")
    )
    fault = models.CharField(_("underlying fault"), max_length=60, blank=True)

    objects: ClassVar = RefundQuerySet.as_manager()

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering = ("-drafted_at", "-pk")
        indexes = [
            models.Index(
                fields=("state", "expires_on"),
                name="refund_open_by_expiry",
                condition=Q(state__in=("draft", "proposed", "approved")),
            ),
            models.Index(
                fields=("customer", "settled_at"),
                name="refund_settled_by_customer",
                condition=Q(state="settled"),
            ),
            models.Index(fields=("-proposed_at",), name="refund_by_proposed"),
            models.Index(fields=("currency",), name="refund_by_currency"),
            models.Index(
                fields=("basis", "-settled_at", "-id"), name="refund_settled_by_basis", condition=Q(state="settled")
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=("complaint", "period"),
                condition=Q(state__in=("draft", "proposed", "approved")),
                name="refund_one_open_per_complaint_and_period",
            ),
            models.CheckConstraint(condition=Q(total__gte=0, reduction__gte=0), name="refund_not_negative"),
            models.CheckConstraint(
                condition=Q(set_off__gte=0, total__gte=F("set_off")), name="refund_set_off_is_a_part"
            ),
            models.CheckConstraint(
                condition=Q(incident__isnull=True) | Q(basis="special"), name="refund_incident_of_special"
            ),
            models.CheckConstraint(
                condition=Q(state__in=("draft", "withdrawn", "expired"))
                | (
                    Q(proposed_by__isnull=False, proposed_at__isnull=False, total__gt=0, inputs__isnull=False)
                    & ~Q(content_hash="")
                ),
                name="refund_proposed_is_frozen",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("settled", "reversed"), settled_at__isnull=False)
                | (~Q(state__in=("settled", "reversed")) & Q(settled_at__isnull=True)),
                name="refund_settled_has_date",
            ),
            models.CheckConstraint(
                condition=Q(basis="special", special_amount__isnull=False, special_amount__gt=0)
                | (~Q(basis="special") & Q(special_amount__isnull=True)),
                name="refund_special_has_amount",
            ),
            models.CheckConstraint(
                condition=Q(reduction=0) | ~Q(reduction_reason=""), name="refund_reduction_has_reason"
            ),
            models.CheckConstraint(
                condition=Q(retry_of__isnull=True) | ~Q(retry_of=F("id")), name="refund_not_its_own_retry"
            ),
            models.UniqueConstraint(
                fields=("fault",),
                condition=~Q(fault="") & Q(state__in=("draft", "proposed", "approved", "settled")),
                name="refund_one_indemnity_per_fault",
            ),
            models.CheckConstraint(
                condition=Q(indemnity_for__isnull=True, fault="")
                | (Q(indemnity_for__isnull=False, basis="special") & ~Q(fault="")),
                name="refund_indemnity_is_special",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def payable(self) -> Decimal:
        """What of the total is given: all that is not set off."""
        payable: Decimal = self.total - self.set_off
        return payable


class Contribution(AppendOnlyModel):
    """Somebody drafted, edited or proposed a refund, and so may not approve it."""

    class Part(models.TextChoices):
        DRAFTED = "drafted", _("Drafted")
        EDITED = "edited", _("Edited")
        PROPOSED = "proposed", _("Proposed")

    refund = models.ForeignKey(Refund, models.PROTECT, related_name="contributions", verbose_name=_("refund"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    part = models.CharField(_("part"), max_length=8, choices=Part)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("contribution")
        verbose_name_plural = _("contributions")
        ordering = ("at", "pk")

    def __str__(self) -> str:
        return str(say("{part} by {person}", part=self.get_part_display(), person=self.by))


class CountedIncident(AppendOnlyModel):
    """An incident that entered the figures of a proposal; ``round`` is that of the refund when it was proposed."""

    refund = models.ForeignKey(Refund, models.PROTECT, related_name="counted_incidents", verbose_name=_("refund"))
    round = models.PositiveSmallIntegerField(_("round"))
    incident = models.ForeignKey(Incident, models.PROTECT, related_name="counted_by", verbose_name=_("incident"))

    class Meta:
        verbose_name = _("counted incident")
        verbose_name_plural = _("counted incidents")
        ordering = ("refund", "round", "incident")
        constraints = [
            models.UniqueConstraint(fields=("refund", "round", "incident"), name="incident_counted_once_per_round")
        ]

    def __str__(self) -> str:
        return str(join(", ", (self.refund.code, self.incident.code)))


class Approval(AppendOnlyModel):
    """One person's yes to one proposal. The proposer is copied here, so that the database refuses the same person; the
    limit too, empty where the approver had none.
    """

    refund = models.ForeignKey(Refund, models.PROTECT, related_name="approvals", verbose_name=_("refund"))
    round = models.PositiveSmallIntegerField(_("round"))
    step = models.PositiveSmallIntegerField(_("step"))
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="approvals", verbose_name=_("approver")
    )
    approver_role = models.CharField(_("approver role"), max_length=40)
    delegation = models.ForeignKey(
        Delegation, models.PROTECT, related_name="approvals", null=True, blank=True, verbose_name=_("delegation")
    )
    on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("on behalf of"),
    )
    proposer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("proposer"))
    amount = MoneyField(_("amount"))
    limit = MoneyField(_("limit"), null=True, blank=True)
    granted_before = MoneyField(_("granted before"))
    content_hash = models.CharField(_("content hash"), max_length=64)
    reason = models.TextField(_("reason"), blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        ordering = ("at", "pk")
        constraints = [
            models.CheckConstraint(condition=~Q(approver=F("proposer")), name="approver_is_not_proposer"),
            models.CheckConstraint(
                condition=Q(delegation__isnull=True, on_behalf_of__isnull=True)
                | (
                    Q(delegation__isnull=False, on_behalf_of__isnull=False)
                    & ~Q(on_behalf_of=F("proposer"))
                    & ~Q(on_behalf_of=F("approver"))
                ),
                name="approval_delegator_is_not_proposer",
            ),
            models.UniqueConstraint(fields=("refund", "round", "on_behalf_of"), name="approval_once_per_delegator"),
            models.UniqueConstraint(fields=("refund", "round", "approver"), name="approval_once_per_person"),
            models.UniqueConstraint(fields=("refund", "round", "step"), name="approval_once_per_step"),
            models.CheckConstraint(condition=Q(step__in=(1, 2)), name="approval_at_most_two"),
            models.CheckConstraint(
                condition=Q(amount__gt=0, granted_before__gte=0)
                & (Q(limit__isnull=True) | Q(limit__gte=F("amount") + F("granted_before"))),
                name="approval_within_limit",
            ),
        ]

    def __str__(self) -> str:
        return str(join(", ", (self.by_whom, timezone.localdate(self.at))))

    @property
    def by_whom(self) -> Text:
        """The approver, and in whose place: "Lena Lead for Maja Manager"."""
        return (
            say("{approver} for {person}", approver=self.approver, person=self.on_behalf_of)
            if self.on_behalf_of is not None
            else str(self.approver)
        )


def _gives_one_thing() -> Q:
    one_kind = Q()
    for kind in RemedyKind:
        others = {f"{other.gives}__isnull": other is not kind for other in RemedyKind}
        one_kind |= Q(kind=kind.value, **others)
    return one_kind


class Remedy(AppendOnlyModel):
    """One thing that a settled refund gave: exactly one of a credit, minutes, days or a payout."""

    refund = models.ForeignKey(Refund, models.PROTECT, related_name="remedies", verbose_name=_("refund"))
    kind = models.CharField(_("kind"), max_length=10, choices=[(kind.value, _(kind.label)) for kind in RemedyKind])
    amount = MoneyField(_("amount"))
    credit = models.OneToOneField(
        Credit, models.PROTECT, related_name="remedy", null=True, blank=True, verbose_name=_("credit")
    )
    minutes_grant = models.OneToOneField(
        MinutesGrant, models.PROTECT, related_name="remedy", null=True, blank=True, verbose_name=_("minutes grant")
    )
    extension = models.OneToOneField(
        Extension, models.PROTECT, related_name="remedy", null=True, blank=True, verbose_name=_("extension")
    )
    payout = models.OneToOneField(
        Payout, models.PROTECT, related_name="remedy", null=True, blank=True, verbose_name=_("payout")
    )
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("remedy")
        ordering = ("pk",)
        verbose_name_plural = _("remedies")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="remedy_positive"),
            models.UniqueConstraint(fields=("refund", "kind"), name="remedy_kind_once"),
            models.CheckConstraint(
                condition=_gives_one_thing(),
                name="remedy_gives_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return str(join(", ", (self.get_kind_display(), f"{self.amount:f}")))

    @property
    def given(self) -> Credit | MinutesGrant | Extension | Payout:
        """What it gave."""
        given: Credit | MinutesGrant | Extension | Payout = getattr(self, RemedyKind(self.kind).gives)
        return given
