"""What staff do on pages: to rows (``StaffAction``) or to nothing yet (``PageAction``).

A class here is a declaration: the app's action function, the guard that says why not, the words, the form. It has
methods only where something is special. The action function owns its transaction and refuses by raising
``audit.actions.Refused``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from string import Formatter
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from django import forms
from django.db import models
from django.utils.translation import gettext_lazy

from audit.actions import Why, matter_obstacle
from core.text import Text, fill

if TYPE_CHECKING:
    from backoffice.requests import Person, StaffRequest


class GrantedRight(Protocol):
    """A permission: a member of the one table of who may do what, which is an app above."""

    @classmethod
    def held_by(cls, *wanted: Any) -> Text:
        """The roles that have any of the permissions, in words."""


type Permission = GrantedRight | tuple[GrantedRight, ...] | None
type Tone = Literal["", "primary", "danger"]


def allowed(user: Person, may: Permission) -> bool:
    """Whether the person has the permission, or any one of several. ``None`` is granted to nobody."""
    if may is None or not user.is_authenticated:
        return False
    wanted = may if isinstance(may, tuple) else (may,)
    return any(user.may(one) for one in wanted)


def roles_in_words(may: Permission) -> Text:
    """The roles that have the permission, or any one of several: "Team lead or Manager"; "" for nobody."""
    wanted = may if isinstance(may, tuple) else (may,)
    return type(wanted[0]).held_by(*wanted) if wanted[0] is not None else ""


class Sentence:
    """Words with ``{placeholders}``, each of which stands for a field of a row: ``person="owner"``."""

    def __init__(self, words: Text, **fields: str) -> None:
        self.words = words
        self.fields = fields

    def about(self, row: object, named_by: str = "") -> Text:
        """Filled from the row. A placeholder without a field of its own is the row, by its field ``named_by`` or as
        it calls itself.
        """
        values: dict[str, object] = {}
        for _, name, _, _ in Formatter().parse(str(self.words)):
            if name:
                field = self.fields.get(name, named_by)
                values[name] = attrgetter(field)(row) if field else row
        return fill(self.words, values) if values else self.words


def _filled(sentence: Text | Sentence, row: object, named_by: str) -> Text:
    return (sentence if isinstance(sentence, Sentence) else Sentence(sentence)).about(row, named_by)


def of_row[Row](guard: Callable[[Row], Why | None]) -> Callable[[Row, Person], Why | None]:
    """A guard that looks at the row only, as a ``rule``."""
    return lambda row, by: guard(row)


def _nothing_in_the_way(*row_and_person: object) -> Why | None:
    return None


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What an action did, in a sentence; ``url`` is where its result is seen, if not on the row's page."""

    sentence: Text
    url: str = ""


class ActionForm(forms.Form):
    """The inputs of an action. It knows the rows and the person, for choices that depend on them."""

    def __init__(self, *args: Any, rows: Sequence[models.Model] = (), by: Person | None = None, **kwargs: Any) -> None:
        self.rows = rows
        self.by = by
        super().__init__(*args, **kwargs)


def offer(form: forms.BaseForm, name: str, **what: Any) -> None:
    """Say what a field offers where that depends on the rows: its ``choices`` or its ``queryset``."""
    for attribute, value in what.items():
        setattr(form.fields[name], attribute, value)


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
    #: The app's action function, called with ``by``, what the form holds and, if there is one, the row's key first.
    action: ClassVar[Callable[..., Any]]
    #: The guard that says why it can't be done now: of the row, if there is one, and the person.
    rule: ClassVar[Callable[..., Why | None]] = _nothing_in_the_way
    #: What was done, filled from what the action function returned.
    done: ClassVar[Text | Sentence]
    #: Where one goes afterwards, by what the action function returned, if not to the row's page.
    opens: ClassVar[Callable[[Any], str] | None] = None
    #: How sentences name a row: by this field of it, or as the row calls itself.
    named_by: ClassVar[str] = ""
    form_class: ClassVar[type[ActionForm]] = ReasonForm
    #: A sentence above the form.
    intro: ClassVar[Text] = ""
    #: A template shown beside the form, with what ``preview_context`` returns.
    preview_template: ClassVar[str] = ""
    #: Adds a button that shows the preview for what was typed, without doing anything.
    previews_input: ClassVar[bool] = False

    @property
    def roles(self) -> Text:
        """The roles that could, in words, shown to those who may not."""
        return roles_in_words(self.may)

    def allowed(self, by: Person) -> bool:
        """Whether the person's role may do this to some row; ``obstacle`` is about one row, now."""
        return allowed(by, self.may)

    def said(self, result: Any) -> Text | ActionResult:
        """What was done, in words, by what the action function returned."""
        sentence = _filled(self.done, result, self.named_by)
        opens = type(self).opens
        return ActionResult(sentence, opens(result)) if opens is not None else sentence


class StaffAction[M: models.Model](_Deed):
    """One thing that staff do to rows: from a list to many, from a page to one."""

    #: In the list: "Approve refunds". Without it, it is offered on the row's page only.
    label_plural: ClassVar[Text] = ""
    #: What will happen to a row, filled from it and shown before it happens.
    effect: ClassVar[Text | Sentence] = ""
    #: Fields of the form that start with the row's own values, when it is about a single row.
    prefilled: ClassVar[Sequence[str]] = ()

    @property
    def in_bulk(self) -> bool:
        """Whether it is offered in the list."""
        return bool(self.label_plural)

    def queryset(self, rows: models.QuerySet[M]) -> models.QuerySet[M]:
        """Add what this action's questions read (``select_related``), so that none of them queries."""
        return rows

    def obstacle(self, obj: M, by: Person) -> Why | None:
        """Why this can't be done to the row now, as a sentence for staff; ``None`` if nothing is in the way.

        Called once a row with rows from ``get_queryset_for_action``: it should not query by itself.
        """
        return type(self).rule(obj, by)

    def why_not(self, obj: M, by: Person) -> Why | None:
        """Why this person can't do it to the row now, as the action will say it: what the frame of every action asks,
        then ``obstacle``. Queries for the few to whom the frame has something to say.
        """
        return matter_obstacle(by, type(obj), [obj.pk]) or self.obstacle(obj, by)

    def consequence(self, obj: M, by: Person) -> Text:
        """What will happen to the row, shown before it happens."""
        return _filled(self.effect, obj, self.named_by)

    def warning(self, obj: M, by: Person) -> Text:
        """What doing it to the row would bring about elsewhere, so that one may think again; it is no refusal."""
        return ""

    def many_obstacle(self, rows: Sequence[M], by: Person) -> Why | None:
        """Why it can't be done to all of these rows at once, though to each of them; ``None`` if nothing is in the
        way. Asked for two rows or more.
        """
        return None

    def begin(self, rows: Sequence[M], by: Person, cleaned: dict[str, Any]) -> None:
        """What is done once before it is done to two rows or more, each in a transaction of its own.

        Raises:
            audit.actions.Refused: it may not be done to all of them at once; none is touched.
        """

    def summary(self, rows: Sequence[M], by: Person) -> Text:
        """Totals over the rows that will be acted on ("3 refunds, 46.26 EUR in all")."""
        return ""

    def preview_context(self, obj: M, by: Person, form: ActionForm) -> Mapping[str, Any]:
        """Context of ``preview_template``, for a single row. ``form`` is bound once something was typed:
        ask ``form.is_bound and form.is_valid()`` before reading ``form.cleaned_data``.
        """
        return {}

    def get_initial(self, rows: Sequence[M], by: Person) -> dict[str, Any]:
        """What the form's fields start with."""
        return {name: getattr(rows[0], name) for name in self.prefilled} if len(rows) == 1 else {}

    def get_form(
        self, rows: Sequence[M], by: Person, data: Mapping[str, Any] | None = None, files: Any = None
    ) -> ActionForm:
        """The form, bound when there is data."""
        return self.form_class(data, files, initial=self.get_initial(rows, by), rows=rows, by=by)

    def run(self, pk: Any, by: Person, cleaned: dict[str, Any]) -> Text | ActionResult:
        """Call the app's action, which owns its transaction. Returns the sentence of what was done.

        Raises:
            audit.actions.Refused: it may not be done. On a single row the page is shown again with the
                sentence and with what was typed (at the field that ``Refused.data["field"]`` names, if any).
        """
        return self.said(type(self).action(pk, by=by, **cleaned))


class PageAction(_Deed):
    """One thing that staff do without a row to start from: register a complaint, run the billing."""

    #: Written on the button that does it; ``label`` if empty.
    submit_label: ClassVar[Text] = ""

    def get_initial(self, request: StaffRequest) -> dict[str, Any]:
        """What the form's fields start with; the address may carry it: ``?customer=12``."""
        return dict(request.GET.items())

    def get_form(self, request: StaffRequest, data: Mapping[str, Any] | None = None, files: Any = None) -> ActionForm:
        """The form, bound when there is data."""
        by = request.user
        return self.form_class(data, files, initial=self.get_initial(request), by=by)

    def obstacle(self, by: Person) -> Why | None:
        """Why this can't be done now; ``None`` if nothing is in the way."""
        return type(self).rule(by)

    def warning(self, by: Person) -> Text:
        """As ``StaffAction.warning``."""
        return ""

    def preview_context(self, by: Person, form: ActionForm) -> Mapping[str, Any]:
        """As ``StaffAction.preview_context``."""
        return {}

    def run(self, by: Person, cleaned: dict[str, Any]) -> Text | ActionResult:
        """As ``StaffAction.run``."""
        return self.said(type(self).action(by=by, **cleaned))


@dataclass(frozen=True, slots=True)
class ActionState:
    """One action in the bar of a row's page; ``why`` says why not, when it is not ready."""

    action: StaffAction[Any]
    url: str
    ready: bool
    why: Why = ""
