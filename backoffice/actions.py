"""What staff do on pages: to rows (``StaffAction``) or to nothing yet (``PageAction``).

A class here carries words, a form and two questions for the app's guards; the rule itself lives in the app's
action function, which ``run`` calls and which refuses by raising ``audit.actions.Refused``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from django import forms
from django.db import models
from django.utils.translation import gettext_lazy

from audit.actions import Why
from core.text import Text

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest

    from accounts.staff.models import User
    from accounts.staff.permissions import May

type Permission = May | tuple[May, ...] | None
type Tone = Literal["", "primary", "danger"]


def allowed(user: User | AnonymousUser, may: Permission) -> bool:
    """Whether the person has the permission, or any one of several. ``None`` is granted to nobody."""
    if may is None or not user.is_authenticated:
        return False
    wanted = may if isinstance(may, tuple) else (may,)
    return any(user.may(one) for one in wanted)


@dataclass(frozen=True, slots=True)
class Done:
    """What an action did, in a sentence; ``url`` is where its result is seen, if not on the row's page."""

    sentence: Text
    url: str = ""


class ActionForm(forms.Form):
    """The inputs of an action. It knows the rows and the person, for choices that depend on them."""

    def __init__(self, *args: Any, rows: Sequence[models.Model] = (), by: User | None = None, **kwargs: Any) -> None:
        self.rows = rows
        self.by = by
        super().__init__(*args, **kwargs)


class NoReasonForm(ActionForm):
    """Nothing to type: a plain "are you sure"."""


class ReasonForm(ActionForm):
    """A reason, required."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("It becomes part of the record."),
        max_length=4000,
    )


class OptionalReasonForm(ActionForm):
    """A reason, if there is something to say."""

    reason = forms.CharField(
        label=gettext_lazy("Reason (optional)"),
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
        help_text=gettext_lazy("It becomes part of the record."),
        max_length=4000,
    )


class _Deed:
    """What both kinds of action have in common."""

    #: In the address and in the list's POST: lower-case letters, digits and ``_``; unique within one admin.
    name: ClassVar[str]
    #: On the button of a single row or page: an imperative, "Approve".
    label: ClassVar[Text]
    #: "primary" (what one usually does next), "danger" (gives something up), or "".
    tone: ClassVar[Tone] = ""
    #: A lucide icon's name, before the label.
    icon: ClassVar[str] = ""
    #: Who may: one permission, or any of several.
    may: ClassVar[Permission]
    #: The roles that could, in words ("Team lead or Manager"), shown to those who may not.
    roles: ClassVar[Text] = ""
    form_class: ClassVar[type[ActionForm]] = ReasonForm
    #: A sentence above the form.
    intro: ClassVar[Text] = ""
    #: A template shown beside the form, with what ``preview_context`` returns.
    preview_template: ClassVar[str] = ""
    #: Adds a button that shows the preview for what was typed, without doing anything.
    previews_input: ClassVar[bool] = False

    def allowed(self, by: User | AnonymousUser) -> bool:
        """Whether the person's role may do this to some row; ``obstacle`` is about one row, now."""
        return allowed(by, self.may)


class StaffAction[M: models.Model](_Deed):
    """One thing that staff do to rows: from a list to many, from a page to one."""

    #: In the list: "Approve refunds". ``label`` if empty.
    label_plural: ClassVar[Text] = ""
    #: Whether it is offered in the list (it is always offered on the row's page).
    in_bulk: ClassVar[bool] = True

    def queryset(self, rows: models.QuerySet[M]) -> models.QuerySet[M]:
        """Add what this action's questions read (``select_related``), so that none of them queries."""
        return rows

    def obstacle(self, obj: M, by: User) -> Why | None:
        """Why this can't be done to the row now, as a sentence for staff; ``None`` if nothing is in the way.

        Called once a row with rows from ``get_queryset_for_action``: it should not query by itself.
        """
        return None

    def consequence(self, obj: M, by: User) -> Text:
        """What will happen to the row, shown before it happens."""
        return ""

    def summary(self, rows: Sequence[M], by: User) -> Text:
        """Totals over the rows that will be acted on ("3 refunds, 46.26 EUR in all")."""
        return ""

    def preview_context(self, obj: M, by: User, form: ActionForm) -> Mapping[str, Any]:
        """Context of ``preview_template``, for a single row. ``form`` is bound once something was typed:
        ask ``form.is_bound and form.is_valid()`` before reading ``form.cleaned_data``.
        """
        return {}

    def get_initial(self, rows: Sequence[M], by: User) -> dict[str, Any]:
        """What the form's fields start with."""
        return {}

    def get_form(
        self, rows: Sequence[M], by: User, data: Mapping[str, Any] | None = None, files: Any = None
    ) -> ActionForm:
        """The form, bound when there is data."""
        return self.form_class(data, files, initial=self.get_initial(rows, by), rows=rows, by=by)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text | Done:
        """Call the app's action, which owns its transaction. Returns the sentence of what was done.

        Raises:
            audit.actions.Refused: it may not be done. On a single row the page is shown again with the
                sentence and with what was typed (at the field that ``Refused.data["field"]`` names, if any).
        """
        raise NotImplementedError


class PageAction(_Deed):
    """One thing that staff do without a row to start from: register a complaint, run the billing."""

    #: Written on the button that does it; ``label`` if empty.
    submit_label: ClassVar[Text] = ""

    def get_initial(self, request: HttpRequest) -> dict[str, Any]:
        """What the form's fields start with; the address may carry it: ``?customer=12``."""
        return dict(request.GET.items())

    def get_form(self, request: HttpRequest, data: Mapping[str, Any] | None = None, files: Any = None) -> ActionForm:
        """The form, bound when there is data."""
        by: User = request.user  # type: ignore[assignment]
        return self.form_class(data, files, initial=self.get_initial(request), by=by)

    def obstacle(self, by: User) -> Why | None:
        """Why this can't be done now; ``None`` if nothing is in the way."""
        return None

    def preview_context(self, by: User, form: ActionForm) -> Mapping[str, Any]:
        """As ``StaffAction.preview_context``."""
        return {}

    def run(self, by: User, cleaned: dict[str, Any]) -> Text | Done:
        """As ``StaffAction.run``."""
        raise NotImplementedError
