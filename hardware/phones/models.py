"""Phone models and phones."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from audit.tracked import TrackedModel
from hardware.phones.validators import validate_mac, validate_serial


class PhoneModel(TrackedModel):
    """A make of phone."""

    maker = models.CharField(_("maker"), max_length=60)
    name = models.CharField(_("name"), max_length=80)

    class Meta:
        verbose_name = _("phone model")
        verbose_name_plural = _("phone models")
        ordering = ("maker", "name")
        constraints = [models.UniqueConstraint(fields=("maker", "name"), name="phone_model_once")]

    def __str__(self) -> str:
        return f"{self.maker} {self.name}"


class Phone(TrackedModel):
    """One device. ``maker`` copies its model's, so that the database can keep serials unique per maker."""

    model = models.ForeignKey(PhoneModel, models.PROTECT, related_name="phones", verbose_name=_("model"))
    maker = models.CharField(_("maker"), max_length=60, editable=False)
    serial = models.CharField(_("serial number"), max_length=40, validators=[validate_serial])
    mac = models.CharField(_("MAC address"), max_length=17, unique=True, validators=[validate_mac])

    class Meta:
        verbose_name = _("phone")
        verbose_name_plural = _("phones")
        ordering = ("model", "serial")
        constraints = [models.UniqueConstraint(fields=("maker", "serial"), name="phone_serial_once_per_maker")]

    def __str__(self) -> str:
        return f"{self.model}, {self.serial}"
