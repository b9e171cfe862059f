"""What staff do to phone models."""

from __future__ import annotations

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Refused, act, checked
from audit.vocabulary import Refusal
from core.text import say
from hardware.phones.models import PhoneModel
from hardware.vocabulary import HardwareVerb


def add_phone_model(*, by: User, maker: str, name: str) -> PhoneModel:
    """A new make of phone."""
    with act(HardwareVerb.PHONE_MODEL_ADD, by=by, target=(PhoneModel, None)) as action:
        require(by, May.HANDLE_PHONES)
        model = checked(PhoneModel(maker=maker.strip(), name=name.strip()))
        if PhoneModel.objects.filter(maker=model.maker, name=model.name).exists():
            raise Refused(say("{model} is known already.", model=model), code=Refusal.DUPLICATE)
        model.save()
        action.about(model)
        return model
