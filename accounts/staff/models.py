"""Staff, their roles, teams and approval limits, and how these change."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import ClassVar, Self

from django.contrib.auth.models import AbstractUser, Group, UserManager
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, pgettext_lazy

from accounts.four_eyes.models import DatedTerms, PublishedByAnother, published_by_another
from accounts.staff.permissions import DEPUTIES, PERMISSIONS, May, Role, role_words
from audit.history import TrackedRecords
from audit.tracked import Tracked, TrackedModel, TrackedQuerySet
from core.amounts import money_text
from core.fields import MoneyField, amount_text
from core.text import Text, say, say_count
from core.validators import validate_currency


class Team(TrackedModel):
    """People who share a queue, with a lead."""

    #: Of rows that are counted with it.
    size: int

    name = models.CharField(_("name"), max_length=80, unique=True)
    lead = models.ForeignKey(
        "User", models.PROTECT, related_name="leads", null=True, blank=True, verbose_name=_("lead")
    )

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class StaffManager(UserManager["User"]):
    def get_queryset(self) -> TrackedQuerySet[User]:
        return TrackedQuerySet(self.model, using=self._db)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.select_related("role").get(username=username)

    def system(self) -> User:
        """The named user in whose name jobs and commands act. Made by a migration; it cannot sign in."""
        return self.get(username=User.SYSTEM)


class User(Tracked, AbstractUser):
    """A staff member. Deactivated, never deleted; one role a person.

    ``customer`` links a staff member who is also a customer, so that they never decide on their own money.
    ``language`` is that of the pages they see; empty: what their browser asks for.
    Group and user permissions of Django are not used: ``accounts.staff.permissions`` is the one table, for superusers
    too.
    """

    SYSTEM: ClassVar[str] = "system"
    #: Of rows that are read with them.
    open_drafts: list[StaffChange]

    groups = None  # type: ignore[assignment]
    user_permissions = None  # type: ignore[assignment]
    role = models.ForeignKey(Group, models.PROTECT, related_name="staff", null=True, blank=True, verbose_name=_("role"))
    team = models.ForeignKey(
        Team, models.PROTECT, related_name="members", null=True, blank=True, verbose_name=_("team")
    )
    customer = models.ForeignKey(
        "accounts.Customer",
        models.PROTECT,
        related_name="staff_members",
        null=True,
        blank=True,
        verbose_name=_("customer"),
    )

    # Without choices: another language of the pages is no change of the table.
    language = models.CharField(_("language"), max_length=8, blank=True, default="")

    history = TrackedRecords(excluded_fields=["password", "last_login"])
    objects = StaffManager()  # type: ignore[misc]

    class Meta:
        verbose_name = _("staff member")
        verbose_name_plural = _("staff members")
        ordering = ("username",)

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    @property
    def role_name(self) -> str:
        return self.role.name if self.role is not None else ""

    def may(self, what: May) -> bool:
        """Whether this person's role allows it."""
        return self.is_active and self.role_name in PERMISSIONS[what]

    def has_role(self, role: Role) -> bool:
        return self.is_active and self.role_name == role

    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        """Django's own permissions grant nothing here, to nobody."""
        return False

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and self.role is not None


class ApprovalLimit(DatedTerms):
    """Up to how much a role may approve, from a date on: by currency and by what is approved.

    ``amount`` covers the refund together with what the customer was granted lately, without one there is no limit;
    ``batch_amount`` is the limit for the sum of one batch.
    """

    class Subject(models.TextChoices):
        USAGE = "usage", _("Usage-based refund")
        FULL_MONTH = "full_month", _("Full month")
        INTERRUPTION = "interruption", _("Interruption")
        SPECIAL = "special", _("Special case")
        REVERSAL = "reversal", _("Reversal of a refund")
        LEFTOVER_CREDIT = "leftover_credit", _("Payout of leftover credit")

    NO_DRAFT = gettext_noop("This limit is published already.")
    OWN_DRAFT = gettext_noop("You drafted this limit: somebody else has to publish it.")
    DAY_TAKEN = gettext_noop("Another limit with this date is published already.")
    ONCE = ("role", "subject", "currency", "valid_from")

    role = models.ForeignKey(Group, models.PROTECT, related_name="approval_limits", verbose_name=_("role"))
    subject = models.CharField(_("subject"), max_length=20, choices=Subject)
    currency = models.CharField(_("currency"), max_length=3, validators=[validate_currency])
    amount = MoneyField(_("amount"), null=True, blank=True)
    batch_amount = MoneyField(_("batch amount"), default=Decimal(0))

    class Meta:
        verbose_name = _("approval limit")
        verbose_name_plural = _("approval limits")
        ordering = ("role", "subject", "currency", "-valid_from")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0, batch_amount__gte=0), name="limit_not_negative"),
            published_by_another(),
            models.UniqueConstraint(
                fields=("role", "subject", "currency", "valid_from"),
                condition=Q(state="published"),
                name="limit_once_per_day",
            ),
        ]

    def __str__(self) -> str:
        return str(
            say(
                "{role}: {subject} up to {amount} from {day}",
                role=role_words(self.role.name),
                subject=self.get_subject_display(),
                amount=say("any amount") if self.amount is None else amount_text(self.amount, self.currency),
                day=self.valid_from,
            )
        )

    def comes_too_late(self, today: date) -> bool:
        """The first one may have begun: without any, nobody could approve anything that it would judge anew."""
        same = {name: self.serializable_value(name) for name in ("role", "subject", "currency")}
        return self.valid_from < today and ApprovalLimit.objects.filter(state="published", **same).exists()


class ControlLimit(DatedTerms):
    """How far a policy may loosen the second approval, from a date on: the highest threshold in a currency, above which
    two people approve whatever the policy says; or the shortest window in which what was granted is added up.

    ``accounts.staff.limits.controls.rules`` has what holds where none is published.
    """

    class Kind(models.TextChoices):
        SECOND_THRESHOLD = "second_threshold", _("Highest threshold of the second approval")
        WINDOW = "window", _("Shortest window of what was granted")

    NO_DRAFT = gettext_noop("This control limit is published already.")
    OWN_DRAFT = gettext_noop("You drafted this control limit: somebody else has to publish it.")
    DAY_TAKEN = gettext_noop("Another control limit with this date is published already.")
    ONCE = ("kind", "currency", "valid_from")

    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    currency = models.CharField(_("currency"), max_length=3, blank=True, default="")
    amount = MoneyField(_("amount"), null=True, blank=True)
    days = models.PositiveSmallIntegerField(_("days"), null=True, blank=True)

    class Meta:
        verbose_name = _("control limit")
        verbose_name_plural = _("control limits")
        ordering = ("kind", "currency", "-valid_from")
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(kind="second_threshold", amount__gte=0, amount__isnull=False, days__isnull=True) & ~Q(currency="")
                )
                | Q(kind="window", currency="", amount__isnull=True, days__gte=1, days__isnull=False),
                name="control_limit_amount_or_days",
            ),
            published_by_another(),
            models.UniqueConstraint(
                fields=("kind", "currency", "valid_from"),
                condition=Q(state="published"),
                name="control_limit_once_per_day",
            ),
        ]

    def __str__(self) -> str:
        return str(
            say("{kind}: {figure} from {day}", kind=self.get_kind_display(), figure=self.figure, day=self.valid_from)
        )

    def comes_too_late(self, today: date) -> bool:
        """Before the first one, what is built in holds."""
        return self.valid_from < today

    @property
    def figure(self) -> Text:
        """The amount or the days, in words."""
        if self.days is not None:
            return say_count("{count} day", "{count} days", self.days)
        return money_text(self.amount, self.currency) if self.amount is not None else ""


class StaffChange(PublishedByAnother):
    """What one person shall be: role, team, lead of it, link to a customer, active."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", pgettext_lazy("state of a change of staff", "Published")
        DISCARDED = "discarded", pgettext_lazy("state of a change of staff", "Discarded")

    NO_DRAFT = gettext_noop("This change is {state} already.")
    OWN_DRAFT = gettext_noop("You drafted this change: somebody else has to publish it.")

    person = models.ForeignKey(User, models.PROTECT, related_name="staff_changes", verbose_name=_("person"))
    role = models.ForeignKey(Group, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("role"))
    team = models.ForeignKey(Team, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("team"))
    leads_team = models.BooleanField(_("leads the team"), default=False)
    customer = models.ForeignKey(
        "accounts.Customer", models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("customer")
    )
    active = models.BooleanField(_("active"), default=True)
    reason = models.TextField(_("reason"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)

    class Meta:
        verbose_name = _("staff change")
        verbose_name_plural = _("staff changes")
        ordering = ("-pk",)
        constraints = [
            published_by_another(),
            models.CheckConstraint(
                condition=Q(published_by__isnull=True) | ~Q(published_by=F("person")),
                name="staff_change_not_published_by_self",
            ),
            models.UniqueConstraint(fields=("person",), condition=Q(state="draft"), name="staff_change_one_draft"),
            models.CheckConstraint(
                condition=Q(leads_team=False) | Q(team__isnull=False), name="staff_change_leads_a_team"
            ),
        ]

    def __str__(self) -> str:
        return str(say("Change of {person}", person=self.person))


class DelegationQuerySet(TrackedQuerySet["Delegation"]):
    def in_force(self, day: date) -> Self:
        """Delegations that hold on the day."""
        return self.filter(state=Delegation.State.ACTIVE, starts_on__lte=day, ends_on__gte=day)

    def usable(self, day: date) -> Self:
        """Those in force that roles and accounts of both still allow: a deactivated person's or a changed role's does
        nothing.
        """
        roles = Q()
        for absent, deputies in DEPUTIES.items():
            roles |= Q(delegator__role__name=absent, deputy__role__name__in=sorted(deputies))
        return self.in_force(day).filter(roles, delegator__is_active=True, deputy__is_active=True)


class Delegation(TrackedModel):
    """While somebody is away another person approves in their place, within the absent person's limits.

    From a day to a day, both counted. What was received this way is not passed on.
    """

    class State(models.TextChoices):
        ACTIVE = "active", pgettext_lazy("state of a delegation", "Active")
        REVOKED = "revoked", pgettext_lazy("state of a delegation", "Revoked")

    delegator = models.ForeignKey(User, models.PROTECT, related_name="delegations_given", verbose_name=_("delegator"))
    deputy = models.ForeignKey(User, models.PROTECT, related_name="delegations_received", verbose_name=_("deputy"))
    starts_on = models.DateField(_("starts on"))
    ends_on = models.DateField(_("ends on"))
    reason = models.TextField(_("reason"))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.ACTIVE)
    given_at = models.DateTimeField(_("given at"))
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    objects: ClassVar = DelegationQuerySet.as_manager()

    class Meta:
        verbose_name = _("delegation")
        verbose_name_plural = _("delegations")
        ordering = ("-starts_on", "-pk")
        constraints = [
            models.CheckConstraint(condition=~Q(delegator=F("deputy")), name="delegation_to_another"),
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="delegation_ends_after_start"),
            models.CheckConstraint(condition=~Q(reason=""), name="delegation_has_reason"),
            models.CheckConstraint(
                condition=Q(state="active", revoked_at__isnull=True) | Q(state="revoked", revoked_at__isnull=False),
                name="delegation_revoked_has_date",
            ),
        ]

    def __str__(self) -> str:
        return str(
            say(
                "{deputy} for {delegator}, {first} to {last}",
                deputy=self.deputy,
                delegator=self.delegator,
                first=self.starts_on,
                last=self.ends_on,
            )
        )
