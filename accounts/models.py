"""Staff, their roles, teams and approval limits; and the customers they serve."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, Self

from django.contrib.auth.models import AbstractUser, Group, UserManager
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q

from accounts.fields import MoneyField
from accounts.permissions import PERMISSIONS, May, Role
from accounts.validators import validate_country, validate_currency, validate_iban
from audit.history import TrackedRecords
from audit.models import Tracked, TrackedModel, TrackedQuerySet


class Team(TrackedModel):
    """People who share a queue, with a lead."""

    name = models.CharField(max_length=80, unique=True)
    lead = models.ForeignKey("User", models.PROTECT, related_name="leads", null=True, blank=True)

    class Meta:
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
    Group and user permissions of Django are not used: ``accounts.permissions`` is the one table, also for superusers.
    """

    SYSTEM: ClassVar[str] = "system"

    groups = None  # type: ignore[assignment]
    user_permissions = None  # type: ignore[assignment]
    role = models.ForeignKey(Group, models.PROTECT, related_name="staff", null=True, blank=True)
    team = models.ForeignKey(Team, models.PROTECT, related_name="members", null=True, blank=True)
    customer = models.ForeignKey("Customer", models.PROTECT, related_name="staff_members", null=True, blank=True)

    history = TrackedRecords(excluded_fields=["password", "last_login"])
    objects = StaffManager()  # type: ignore[misc]

    class Meta:
        verbose_name = "staff member"
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


class Customer(TrackedModel):
    """A person or company that buys from us."""

    class Kind(models.TextChoices):
        PERSON = "person", "Person"
        COMPANY = "company", "Company"

    class Language(models.TextChoices):
        ENGLISH = "en", "English"
        ITALIAN = "it", "Italian"

    number = models.CharField(
        max_length=30,
        unique=True,
        validators=[RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9._/-]*$", "Letters, digits and . _ / - only.")],
    )
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.COMPANY)
    name = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=40, blank=True)
    country = models.CharField(max_length=2, default="IT", validators=[validate_country])
    language = models.CharField(max_length=2, choices=Language, default=Language.ENGLISH)
    currency = models.CharField(max_length=3, default="EUR", validators=[validate_currency])
    postal_address = models.TextField(blank=True)
    billing_address = models.TextField(blank=True, help_text="Where it differs from the postal address.")
    tax_number = models.CharField(max_length=30, blank=True)
    iban = models.CharField("IBAN", max_length=34, blank=True, validators=[validate_iban])
    account_holder = models.CharField(max_length=140, blank=True)
    customer_since = models.DateField(null=True, blank=True)
    notes = models.TextField(blank=True)
    merged_into = models.ForeignKey("self", models.PROTECT, related_name="merged_customers", null=True, blank=True)

    class Meta:
        ordering = ("number",)
        indexes = [
            models.Index(fields=("name",), name="customer_by_name"),
            models.Index(fields=("email",), name="customer_by_email"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(number=""), name="customer_has_number"),
            models.CheckConstraint(condition=~Q(name=""), name="customer_has_name"),
            models.CheckConstraint(condition=Q(kind__in=("person", "company")), name="customer_kind_known"),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("id")), name="customer_not_merged_into_itself"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.number})"


class Contact(TrackedModel):
    """Somebody to talk to at a customer."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="contacts")
    name = models.CharField(max_length=140)
    position = models.CharField(max_length=80, blank=True, help_text="What they do there: accounts, reception, IT.")
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=40, blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ("customer", "name", "pk")
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="contact_has_name")]

    def __str__(self) -> str:
        return self.name


class BankDetailsChange(TrackedModel):
    """New bank details of a customer. Nothing is paid out to them until a second person has confirmed the change."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="bank_details_changes")
    iban_before = models.CharField(max_length=34, blank=True)
    iban_after = models.CharField(max_length=34, blank=True)
    holder_before = models.CharField(max_length=140, blank=True)
    holder_after = models.CharField(max_length=140, blank=True)
    changed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-changed_at", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True, confirmed_at__isnull=True)
                | (Q(confirmed_by__isnull=False, confirmed_at__isnull=False) & ~Q(confirmed_by=F("changed_by"))),
                name="bank_details_confirmed_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"Bank details of {self.customer.name} of {self.changed_at:%Y-%m-%d}"


class AgreementQuerySet(TrackedQuerySet["Agreement"]):
    def in_force(self, customer: Customer, day: date) -> Self:
        """Published agreements with the customer that hold on the day, the newest first."""
        return self.filter(
            Q(valid_until__isnull=True) | Q(valid_until__gte=day),
            customer=customer,
            state=Agreement.State.PUBLISHED,
            valid_from__lte=day,
        ).order_by("-valid_from", "-pk")


class Agreement(TrackedModel):
    """Special terms of one customer, from a day to a day (both counted). They go before the policy (R1).

    ``terms`` are those figures of the refund policy that differ, by the policy's own names. Drafted by one person,
    published by another, then never edited; a later one replaces it from its day on.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        DISCARDED = "discarded", "Discarded"

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="agreements")
    title = models.CharField(max_length=120)
    text = models.TextField(blank=True)
    terms: Any = models.JSONField(default=dict)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    drafted_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    published_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = AgreementQuerySet.as_manager()

    class Meta:
        ordering = ("customer", "-valid_from", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")),
                name="agreement_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("draft", "discarded"), published_by__isnull=True)
                | (Q(state="published", published_by__isnull=False) & ~Q(published_by=F("drafted_by"))),
                name="agreement_published_by_another",
            ),
            models.UniqueConstraint(
                fields=("customer", "valid_from"), condition=Q(state="published"), name="agreement_once_per_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} with {self.customer.name}"


class ApprovalLimitQuerySet(TrackedQuerySet["ApprovalLimit"]):
    def in_force(self, day: date) -> Self:
        """Published limits that hold on the day, the newest of each kind first."""
        return self.filter(state=ApprovalLimit.State.PUBLISHED, valid_from__lte=day).order_by("-valid_from", "-pk")


class ApprovalLimit(TrackedModel):
    """Up to how much a role may approve, from a date on: by currency and by what is approved.

    ``amount`` covers the refund together with what the customer was granted lately; ``batch_amount`` is the limit for
    the sum of one batch. Drafted by one person, published by another.
    """

    class Subject(models.TextChoices):
        USAGE = "usage", "Usage-based refund"
        FULL_MONTH = "full_month", "Full month"
        INTERRUPTION = "interruption", "Interruption"
        SPECIAL = "special", "Special case"
        REVERSAL = "reversal", "Reversal of a refund"
        LEFTOVER_CREDIT = "leftover_credit", "Payout of leftover credit"

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"

    role = models.ForeignKey(Group, models.PROTECT, related_name="approval_limits")
    subject = models.CharField(max_length=20, choices=Subject)
    currency = models.CharField(max_length=3, validators=[validate_currency])
    valid_from = models.DateField()
    amount = MoneyField()
    batch_amount = MoneyField(default=Decimal(0))
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    drafted_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    published_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, blank=True)

    objects: ClassVar = ApprovalLimitQuerySet.as_manager()

    class Meta:
        ordering = ("role", "subject", "currency", "-valid_from")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0, batch_amount__gte=0), name="limit_not_negative"),
            models.CheckConstraint(
                condition=Q(state="draft", published_by__isnull=True)
                | (Q(state="published", published_by__isnull=False) & ~Q(published_by=F("drafted_by"))),
                name="limit_published_by_another",
            ),
            models.UniqueConstraint(
                fields=("role", "subject", "currency", "valid_from"),
                condition=Q(state="published"),
                name="limit_once_per_day",
            ),
        ]

    def __str__(self) -> str:
        up_to = f"{self.amount:f} {self.currency}"
        return f"{self.role.name}: {self.get_subject_display()} up to {up_to} from {self.valid_from}"


class StaffChange(TrackedModel):
    """What one person shall be: role, team, lead of it, link to a customer, active. Another person publishes it."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        DISCARDED = "discarded", "Discarded"

    person = models.ForeignKey(User, models.PROTECT, related_name="staff_changes")
    role = models.ForeignKey(Group, models.PROTECT, related_name="+", null=True, blank=True)
    team = models.ForeignKey(Team, models.PROTECT, related_name="+", null=True, blank=True)
    leads_team = models.BooleanField("leads the team", default=False)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+", null=True, blank=True)
    active = models.BooleanField(default=True)
    reason = models.TextField()
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    drafted_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    published_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=("draft", "discarded"), published_by__isnull=True)
                | (Q(state="published", published_by__isnull=False) & ~Q(published_by=F("drafted_by"))),
                name="staff_change_published_by_another",
            ),
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
        return f"Change of {self.person}"


class NumberSeries(models.Model):
    """The last number given out in a series, for numbers without gaps: taken and used in one transaction."""

    name = models.CharField(max_length=40, primary_key=True)
    last = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(last__gte=0), name="series_not_negative")]

    def __str__(self) -> str:
        return f"{self.name}: {self.last}"


def next_number(series: str) -> int:
    """The next number of a series, from 1. The series stays locked until the caller's transaction ends, so a
    rollback leaves no gap.
    """
    NumberSeries.objects.get_or_create(name=series)
    row = NumberSeries.objects.select_for_update(no_key=True).get(name=series)
    row.last += 1
    row.save(update_fields=["last"])
    return row.last


def next_numbers(series: str, count: int) -> range:
    """As ``next_number``, for several numbers at once."""
    NumberSeries.objects.get_or_create(name=series)
    row = NumberSeries.objects.select_for_update(no_key=True).get(name=series)
    first = row.last + 1
    row.last += count
    row.save(update_fields=["last"])
    return range(first, first + count)
