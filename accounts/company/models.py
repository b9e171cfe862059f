"""Who the company is, from a day on: what its documents, letters and public pages say of it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from accounts.four_eyes.models import DatedTerms, published_by_another
from audit.tracked import TrackedModel
from core.addresses import PARTS, Address
from core.text import say
from core.validators import validate_country, validate_visible


class Logo(TrackedModel):
    """A picture, written once: a PNG that was drawn anew from what was handed in."""

    sha256 = models.CharField(_("SHA-256"), max_length=64, unique=True)
    png = models.BinaryField(_("picture"))

    class Meta:
        verbose_name = _("logo")
        verbose_name_plural = _("logos")

    def __str__(self) -> str:
        return self.sha256[:12]


class CompanyProfile(DatedTerms):
    """The company from a date on: one person drafts it, another publishes it, since it names the account that customers
    pay to.
    """

    NO_DRAFT = gettext_noop("This company profile is published already.")
    OWN_DRAFT = gettext_noop("You drafted this company profile: somebody else has to publish it.")
    DAY_TAKEN = gettext_noop("Another company profile with this date is published already.")
    ONCE = ("valid_from",)

    name = models.CharField(_("name"), max_length=200, validators=[validate_visible])
    street = models.CharField(_("street"), max_length=200)
    number = models.CharField(_("number"), max_length=20, blank=True)
    postcode = models.CharField(_("postcode"), max_length=20, blank=True)
    town = models.CharField(_("town"), max_length=100)
    country = models.CharField(_("country"), max_length=2, validators=[validate_country])
    registration_number = models.CharField(_("registration number"), max_length=60)
    tax_number = models.CharField(_("tax number"), max_length=30)
    bank_account = models.CharField(_("bank account"), max_length=80, blank=True)
    questions = models.TextField(_("contacts for questions"))
    cancellations = models.TextField(_("contacts for cancellations"))
    logo = models.ForeignKey(
        Logo, models.PROTECT, related_name="profiles", null=True, blank=True, verbose_name=_("logo")
    )

    class Meta:
        verbose_name = _("company profile")
        verbose_name_plural = _("company profiles")
        ordering = ("-valid_from", "-pk")
        constraints = [
            published_by_another(),
            models.UniqueConstraint(
                fields=("valid_from",), condition=Q(state="published"), name="company_profile_once_per_day"
            ),
            models.CheckConstraint(
                condition=~Q(name="")
                & ~Q(street="")
                & ~Q(town="")
                & ~Q(country="")
                & ~Q(registration_number="")
                & ~Q(tax_number="")
                & ~Q(questions="")
                & ~Q(cancellations=""),
                name="company_profile_complete",
            ),
        ]

    def __str__(self) -> str:
        return str(say("{name} from {day}", name=self.name, day=self.valid_from))

    @property
    def address(self) -> Address:
        return Address(**{part: getattr(self, part) for part in PARTS})


_NOWHERE = Address()


@dataclass(frozen=True, slots=True)
class CompanyDetails:
    """The company as everybody is told of it on one day; of a site without a profile only that it is one."""

    name: str = "The company"
    address: Address = _NOWHERE
    registration_number: str = ""
    tax_number: str = ""
    bank_account: str = ""
    questions: tuple[str, ...] = ()
    cancellations: tuple[str, ...] = ()
    logo_id: int | None = None

    @property
    def known(self) -> bool:
        """Whether a profile is in force."""
        return bool(self.questions)
