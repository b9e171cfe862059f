"""All models of the app, for Django, which looks for them here. Everybody else imports them from their rooms."""

from hardware.phones.models import Phone, PhoneModel
from hardware.purchases.models import Instalment, Purchase

__all__ = ["Instalment", "Phone", "PhoneModel", "Purchase"]
