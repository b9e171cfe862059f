"""A field that names one row among thousands: its number is typed, and suggested while somebody types.

No list of all rows, no script needed: without one the number (or enough of a name to be the only one) is
typed in full. The suggestions come from the ``lookup/`` page of the model's admin, which sets ``lookup_by``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

#: So many rows are suggested, and named when what was typed fits several.
SUGGESTED = 20
NAMED = 5


class LookupInput(forms.TextInput):
    """A text input with suggestions from the model's own pages."""

    class Media:
        js = [forms.Script("backoffice/lookup.js", defer=True)]


class LookupField(forms.Field):
    """One row of a model. Cleans to the row, or to ``None`` if left out and not required.

    ``by`` is the field that names a row (a number, a code); ``search`` further fields where a part of it may
    stand. ``rows`` makes the queryset, at the time it is needed.
    """

    widget = LookupInput
    default_error_messages = {
        "none": _("There is no “%(typed)s” here."),
        "many": _("“%(typed)s” could be %(names)s. Please type the whole number."),
        "more": _("“%(typed)s” could be %(names)s or others. Please type the whole number."),
    }

    def __init__(
        self,
        rows: Callable[[], models.QuerySet[Any]],
        *,
        by: str,
        search: Sequence[str] = (),
        admin_name: str = "admin",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rows = rows
        self.by = by
        self.search = search
        opts = rows().model._meta
        page = f"{admin_name}:{opts.app_label}_{opts.model_name}_lookup"
        self.widget.attrs["data-lookup"] = reverse_lazy(page)

    def prepare_value(self, value: Any) -> Any:
        return getattr(value, self.by) if isinstance(value, models.Model) else value

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return None
        typed = str(value).strip()
        exact = self.rows().filter(**{f"{self.by}__iexact": typed})[:1]
        if exact:
            return exact[0]
        anywhere = models.Q()
        for name in (self.by, *self.search):
            anywhere |= models.Q(**{f"{name}__icontains": typed})
        found = list(self.rows().filter(anywhere)[: NAMED + 1])
        if len(found) == 1:
            return found[0]
        if not found:
            raise ValidationError(self.error_messages["none"], code="none", params={"typed": typed})
        names = ", ".join(str(row) for row in found[:NAMED])
        which = "more" if len(found) > NAMED else "many"
        raise ValidationError(self.error_messages[which], code="many", params={"typed": typed, "names": names})
