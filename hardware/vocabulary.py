"""What was done with phones, as events say it, and what refuses it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.vocabulary import EventVerb, RefusalCode


class HardwareVerb(EventVerb):
    """What was done with phones."""

    PHONE_MODEL_ADD = "phone_model.add", _("added the phone model")
    PURCHASE_RECORD = "purchase.record", _("recorded the purchase")
    PURCHASE_RETURN = "purchase.return", _("took the phone back to stock of the purchase")
    PURCHASE_WARRANTY = "purchase.warranty", _("noted the warranty of the purchase")
    PURCHASES_IMPORT = "purchases.import", _("imported purchases from")
    INSTALMENT_PAY = "instalment.pay", _("recorded an instalment's payment for the purchase")


class HardwareRefusal(RefusalCode):
    """Rules about phones."""

    INSTALMENTS = "instalments", "the instalments do not make the price"
    DIFFERS = "differs", "the phone is on file with other details"
