"""The frame of every action: one transaction, one event, and a refusal that leaves nothing but its own event.

An action is a function such as ``approve_refund(refund_id, *, by, reason)``. Its body runs inside ``act``::

    with act(ComplaintVerb.REFUND_APPROVE, by=by, reason=reason, target=(Refund, refund_id)) as action:
        refund = action.lock(Refund, refund_id)
        ...

When the block ends, the event is written in the same transaction. When it raises ``Refused``, everything that it
wrote is rolled back and a *refused* event is written instead; the refusal then goes on to the caller, who shows its
sentence to the person.

Nobody acts on a matter that is their own, whatever the action: each row that is locked, and what the event is about, is
shown to the guards that apps above register (``register_matter_guard``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, models, transaction
from django.utils import timezone

from audit import context
from audit.actors import Actor
from audit.bulk import create_one
from audit.models import Event, UsedForm
from audit.vocabulary import EventVerb, Refusal, RefusalCode
from core.locks import RowsMoved, lock_chain, lock_rows
from core.text import Text, in_english, say, when_read


class Refused(Exception):
    """An action that may not happen now. The message is a sentence for staff; ``code`` names the rule: a
    ``RefusalCode``, or what the calculation of quotes, which knows none, calls it.
    """

    def __init__(self, message: Text, *, code: str = Refusal.REFUSED, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.data = data or {}


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why something may not be done now: a sentence for staff, with the ``code`` of the rule behind it.

    Guards return one or None. Pages show it beside the step, the action refuses with it: one rule, one wording.
    """

    sentence: Text
    code: RefusalCode

    def __str__(self) -> str:
        return str(self.sentence)


#: Why something may not be done: a guard's obstacle, or a sentence of the page itself.
type Why = Obstacle | Text


#: Asked of every row that an action locks or is about, and of every row whose page offers an action: the person, the
#: rows' model and keys. Answers whose matter it is and why they keep their hands off it.
type MatterGuard = Callable[[Any, type[models.Model], Collection[Any]], tuple[int, Obstacle] | None]

_matter_guards: list[MatterGuard] = []


def register_matter_guard(guard: MatterGuard) -> MatterGuard:
    """Have every action refused in whose matter a person may have no hand at all. A decorator, for an app above: this
    one knows no customers.
    """
    _matter_guards.append(guard)
    return guard


def matter_obstacle(by: Any, model: type[models.Model], pks: Collection[Any]) -> Obstacle | None:
    """Why this person does nothing at all to these rows, whatever the action, or None: the frame's own rule, which
    pages ask before they offer an action.
    """
    found = _own_matter(by, model, pks)
    return found[1] if found is not None else None


def _own_matter(by: Any, model: type[models.Model], pks: Collection[Any]) -> tuple[int, Obstacle] | None:
    return next((found for guard in _matter_guards if (found := guard(by, model, pks)) is not None), None)


class Action:
    """What an action tells its event while it runs."""

    def __init__(
        self, verb: EventVerb, *, by: Actor, reason: str, target: tuple[type[models.Model], int | None]
    ) -> None:
        self.verb = verb
        self.by = by
        self.reason = reason
        self.target_model, self.target_id = target
        self.target_label = ""
        self.complaint_id: int | None = None
        self.customer_id: int | None = None
        self.message: Text = ""
        self.data: dict[str, Any] = {}
        self._refusal: Refused | None = None
        self._kept_off: set[tuple[type[models.Model], Any]] = set()

    def lock[M: models.Model](self, model: type[M], pk: int, *related: str) -> M:
        """The row, read again and locked until the transaction ends, with those that the ``related`` paths lead to,
        all in the one order and attached to each other: ``action.lock(Contact, contact_id, "customer")``.

        Raises:
            Refused: there is no such row, (``busy``) it was moved to another one meanwhile, or (``linked``) the person
                has no hand in anything of its customer.
        """
        try:
            row = lock_chain(model, pk, *related) if related else lock_rows(model, [pk]).get(pk)
        except RowsMoved:
            raise Refused(say("Somebody else changed this just now. Please try again."), code=Refusal.BUSY) from None
        found = self.found(model, row)
        self.keep_off(found)
        return found

    def found[M: models.Model](self, model: type[M], row: M | None) -> M:
        """The row that was looked for.

        Raises:
            Refused: there is none.
        """
        if row is None:
            name = model._meta.verbose_name
            raise Refused(say("This {name} does not exist (any more).", name=name), code=Refusal.MISSING)
        return row

    def keep_off(self, row: models.Model) -> None:
        """Refuse, if the person has no hand in anything that the (saved) row belongs to. ``lock`` and ``about`` do it;
        to be called for what an action only reads.

        Raises:
            Refused: as the guards say.
        """
        if row.pk is None or (type(row), row.pk) in self._kept_off:
            return
        self._kept_off.add((type(row), row.pk))
        found = _own_matter(self.by, type(row), [row.pk])
        if found is not None:
            self.customer_id, obstacle = found
            if (type(row), row.pk) == (self.target_model, self.target_id):
                self.target_label = in_english(row)[:200]
            raise Refused(obstacle.sentence, code=obstacle.code)

    def about(self, target: models.Model, *, complaint_id: int | None = None, customer_id: int | None = None) -> None:
        """Name what the event is about, once it is known."""
        self.target_model, self.target_id = type(target), target.pk
        self.target_label = in_english(target)[:200]
        if complaint_id is not None:
            self.complaint_id = complaint_id
        if customer_id is not None:
            self.customer_id = customer_id
        self.keep_off(target)

    def refuse_keeping_changes(self, refusal: Refused) -> None:
        """Refuse, but keep what was written. Only a stale quote does: its refund goes back to draft."""
        self._refusal = refusal

    def refuse_if(self, obstacle: Why | None, *, code: RefusalCode = Refusal.STATE) -> None:
        """Refuse with the sentence, if there is one; an ``Obstacle`` brings its own code."""
        if isinstance(obstacle, Obstacle):
            raise Refused(obstacle.sentence, code=obstacle.code)
        if obstacle:
            raise Refused(obstacle, code=code)

    def require_reason(self, what: Text = "") -> None:
        """Refuse when the person gave no reason where one is due."""
        if not self.reason.strip():
            sentence = say("Please write down {what}: it becomes part of the record.", what=what or say("a reason"))
            raise Refused(sentence, code=Refusal.REASON_MISSING)

    def _write(self, outcome: str, message: Text, data: dict[str, Any]) -> None:
        create_one(self._event(outcome, message, data))

    def _event(self, outcome: str, message: Text, data: dict[str, Any]) -> Event:
        return Event(
            at=timezone.now(),
            actor_id=self.by.pk,
            actor_name=self.by.get_full_name() or self.by.get_username(),
            actor_role=self.by.role_name,
            verb=self.verb.value,
            outcome=outcome,
            target_type=self.target_model._meta.label_lower,
            target_id=self.target_id,
            target_label=self.target_label,
            complaint_id=self.complaint_id,
            customer_id=self.customer_id,
            reason=self.reason,
            message=in_english(message),
            data=data,
        )


_inside: ContextVar[Action | None] = ContextVar("inside_action", default=None)


@contextmanager
def act(
    verb: EventVerb, *, by: Actor, reason: str = "", target: tuple[type[models.Model], int | None]
) -> Iterator[Action]:
    """Run one action: see the module's text.

    An action within an action joins the outer one's transaction and writes its own *done* event; if it is refused,
    only the outermost writes the *refused* event, since only one thing was refused to the person.

    Raises:
        Refused: as the block did, after the rollback and the refused event.
    """
    action = Action(verb, by=by, reason=reason, target=target)
    outer = _inside.get()
    token = _inside.set(action)
    try:
        with context.acting(user=by, reason=reason):
            try:
                with _in_words(), _sent_once(outermost=outer is None):
                    yield action
                    refusal = action._refusal
                    if refusal is None:
                        action._write(Event.Outcome.DONE, action.message, action.data)
                    else:
                        action._write(Event.Outcome.REFUSED, refusal.message, {"code": refusal.code, **refusal.data})
            except Refused as refused:
                if outer is None:
                    action._write(Event.Outcome.REFUSED, refused.message, {"code": refused.code, **refused.data})
                raise
            if refusal is not None:
                raise refusal
    finally:
        _inside.reset(token)


@contextmanager
def act_on_each(verb: EventVerb, *, by: Actor, model: type[models.Model], pks: Sequence[int]) -> Iterator[EachAction]:
    """Run the same action on many rows in one transaction, with one event each: the set-based sibling of ``act``.

    Yields an action for each row, to be gone through in order. All are done or none: the refused event is about the
    row at which the refusal came.

    Raises:
        Refused: as the block did, after the rollback and the refused event.
    """
    each = EachAction([Action(verb, by=by, reason="", target=(model, pk)) for pk in pks])
    outer = _inside.get()
    token = _inside.set(each.current)
    try:
        with context.acting(user=by):
            try:
                with _in_words(), _sent_once(outermost=outer is None):
                    found = _own_matter(by, model, pks)
                    if found is not None:
                        each.current.customer_id, obstacle = found
                        raise Refused(obstacle.sentence, code=obstacle.code)
                    yield each
                    done = Event.Outcome.DONE
                    Event.objects.bulk_create([one._event(done, one.message, one.data) for one in each.actions])
            except Refused as refused:
                if outer is None:
                    each.current._write(Event.Outcome.REFUSED, refused.message, {"code": refused.code, **refused.data})
                raise
    finally:
        _inside.reset(token)


@contextmanager
def _sent_once(*, outermost: bool) -> Iterator[None]:
    """The transaction of an action. If a form asks for it, its token is used up first: whoever sends the same form at
    the same moment waits here, and is refused once this one is done.
    """
    form = context.current().form if outermost else None
    with transaction.atomic():
        if form is not None and not form.used:
            _use_up(form)
        yield
    if form is not None:
        form.used = True


def _use_up(form: context.SentForm) -> None:
    try:
        UsedForm.objects.create(token=form.token, at=timezone.now())
    except IntegrityError:
        raise Refused(
            say("You have sent this form before, and it was done then. Nothing was done again."), code=Refusal.FORM_USED
        ) from None


@contextmanager
def _in_words() -> Iterator[None]:
    """What no rule foresaw and a field or the database refuses all the same (a number too fine or too large for its
    column, a NUL in a text) is refused in a sentence, as everything else.
    """
    try:
        yield
    except ValidationError as problem:
        raise Refused(" ".join(problem.messages), code=Refusal.INVALID) from problem
    except DataError as problem:
        raise Refused(say("A value is too large, or of the wrong kind."), code=Refusal.INVALID) from problem


class EachAction:
    """The actions of ``act_on_each``: which is under way, and the rows they are about."""

    def __init__(self, actions: Sequence[Action]) -> None:
        self.actions = actions
        self.current = actions[0]

    def __iter__(self) -> Iterator[Action]:
        for action in self.actions:
            self.current = action
            yield action


def checked[M: models.Model](row: M, *, only: Collection[str] = ()) -> M:
    """The row, if its fields are valid (``only``: those that were set); the constraints are the database's. What it
    refers to by an object that was read is not looked up again.

    Raises:
        Refused: naming each field and what is wrong with it.
    """
    try:
        others = {field.name for field in row._meta.fields if field.name not in only} if only else set()
        row.full_clean(exclude=others | _read_already(row), validate_constraints=False)
    except ValidationError as problem:
        raise Refused(
            _problems(row, problem), code=Refusal.INVALID, data={"fields": sorted(problem.message_dict)}
        ) from None
    return row


def _read_already(row: models.Model) -> set[str]:
    """The foreign keys whose row is at hand. Not the unique ones: what is excluded is not looked for twice, either."""
    at_hand = row._state.fields_cache
    return {
        field.name
        for field in row._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and not field.unique and at_hand.get(field.name) is not None
    }


@when_read
def _problems(row: models.Model, problem: ValidationError) -> str:
    names = {field.name: f"{field.verbose_name}: " for field in row._meta.fields} | {"__all__": ""}
    return " ".join(
        f"{names.get(field, f'{field}: ')}{message}"
        for field, messages in problem.message_dict.items()
        for message in messages
    )
