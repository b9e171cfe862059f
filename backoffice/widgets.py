"""The browser's own pickers instead of the stock calendar scripts: less to load, and they follow the reader's
locale.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.addresses import PARTS
from core.local_times import TypedTime, Which, comes_twice, instant

#: How a browser writes a local time.
TO_THE_MINUTE = "%Y-%m-%dT%H:%M"
_OFFERS = {Which.FIRST: _("The first"), Which.SECOND: _("The second")}


def read_wall(text: str) -> datetime | None:
    """A local time as a browser sends it, without a zone, or None."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is None else None


class DateInput(forms.DateInput):
    """A local date."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


class LocalTimeInput(forms.DateTimeInput):
    """A local date and time, to the minute, in the business's time zone. Where the clock shows it twice, which one."""

    input_type = "datetime-local"
    template_name = "backoffice/widgets/local_time.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format=TO_THE_MINUTE)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> TypedTime:
        which = data.get(f"{name}_which")
        return TypedTime(data.get(name) or "", Which(which) if which in list(Which) else None)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data

    def format_value(self, value: Any) -> Any:
        return super().format_value(value.text if isinstance(value, TypedTime) else value)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        wall = read_wall(value.text) if isinstance(value, TypedTime) else None
        zone = timezone.get_current_timezone()
        if wall is not None and comes_twice(wall, zone):
            offers = [(which, f"{instant(wall, zone, which):%:z}") for which in Which]
            context["which"] = {
                "name": f"{name}_which",
                "label": _("Which of the two"),
                "offers": [
                    (which.value, _OFFERS[which], offset, which is (value.which or Which.FIRST))
                    for which, offset in offers
                ],
            }
        return context


class NumberInput(forms.TextInput):
    """Text, with the keys for numbers on a telephone; beside it the page says how it was read."""

    template_name = "backoffice/widgets/number.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"inputmode": "decimal", "autocomplete": "off", **(attrs or {})})

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return {**super().get_context(name, value, attrs), "read_back": reverse("admin:read_back")}


class AddressInput(forms.MultiWidget):
    """The parts of a postal address, each with its name, as one group."""

    template_name = "backoffice/widgets/address.html"
    use_fieldset = True
    LABELS: ClassVar = {
        "street": (_("Street"), "address-line1"),
        "number": (_("Number"), "off"),
        "postcode": (_("Postcode"), "postal-code"),
        "town": (_("Town"), "address-level2"),
        "country": (_("Country"), "country"),
    }

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({part: forms.Select if part == "country" else forms.TextInput for part in PARTS}, attrs)

    def offer_countries(self, choices: Any) -> None:
        """Which countries can be chosen."""
        country: Any = self.widgets[-1]
        country.choices = choices

    def decompress(self, value: Any) -> list[str]:
        return [getattr(value, part) for part in PARTS] if value else [""] * len(PARTS)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        named = zip(PARTS, context["widget"]["subwidgets"], strict=True)
        context["parts"] = [(part, *self.LABELS[part], subwidget) for part, subwidget in named]
        return context
