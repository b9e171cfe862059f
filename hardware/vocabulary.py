"""What was done with phones, as events say it, and what refuses it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from audit.vocabulary import EventVerb, RefusalCode


class HardwareVerb(EventVerb):
    """What was done with phones."""

    PHONE_MODEL_ADD = "phone_model.add", gettext_lazy("added the phone model")
    PURCHASE_RECORD = "purchase.record", gettext_lazy("recorded the purchase")
    PURCHASE_RETURN = "purchase.return", gettext_lazy("took the phone back to stock of the purchase")
    PURCHASE_WARRANTY = "purchase.warranty", gettext_lazy("noted the warranty of the purchase")
    PURCHASES_IMPORT = "purchases.import", gettext_lazy("imported purchases from")
    INSTALMENT_PAY = "instalment.pay", gettext_lazy("recorded an instalment's payment for the purchase")


class HardwareRefusal(RefusalCode):
    """Rules about phones."""

    INSTALMENTS = "instalments", "the instalments do not make the price"
    DIFFERS = "differs", "the phone is on file with other details"
