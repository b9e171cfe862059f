"""Cards of a page and of the home page, and how apps add theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from django.db import models

from audit.vocabulary import verb_in_words
from backoffice.actions import Permission, allowed
from backoffice.requests import StaffRequest
from core.text import Text, say

if TYPE_CHECKING:
    from audit.models import EventQuerySet

type MakePanel[M: models.Model] = Callable[[StaffRequest, M], Panel | None]


class PagePanels[M: models.Model]:
    """The cards that apps have added to the page of one kind of row, low orders first."""

    def __init__(self) -> None:
        self._made: list[tuple[int, MakePanel[M]]] = []

    def panel(self, *, order: int = 50) -> Callable[[MakePanel[M]], MakePanel[M]]:
        """Register a function that makes a card, or ``None`` when it has nothing to say to this person."""

        def register(make: MakePanel[M]) -> MakePanel[M]:
            self._made.append((order, make))
            self._made.sort(key=lambda entry: entry[0])
            return make

        return register

    def of(self, request: StaffRequest, row: M) -> list[Panel]:
        made = (make(request, row) for _, make in self._made)
        return [panel for panel in made if panel is not None]


type Side = Literal["top", "left", "right", "bottom"]


@dataclass(frozen=True, slots=True)
class Panel:
    """One card: a title, a template and its context.

    ``side`` is the column ("top" and, on the home page, "bottom" span both); ``note`` a few quiet words beside the
    title, ``url`` what the note links to; ``tone`` ("warn" or "bad") marks a card that wants attention.
    """

    title: Text
    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    side: Side = "left"
    note: Text = ""
    url: str = ""
    tone: Literal["", "warn", "bad"] = ""


type HomePanel = Callable[[StaffRequest], Panel | None]


_home_panels: list[HomePanel] = []


def register_home_panels(*makers: HomePanel) -> None:
    """Add cards to the home page, which knows their order by the names of their functions. One that returns ``None``
    has nothing to say to this person. Call it from the room's ``home.py``, which ``pages.py`` loads once.
    """
    _home_panels.extend(makers)


_later: dict[str, HomePanel] = {}


def register_later_panel(name: str, make: HomePanel, *, title: Text, may: Permission) -> None:
    """Add a card to the home page whose content comes after the page, for what takes long and nobody waits for.

    Without script it is a link to the same card on a page of its own.
    """
    _later[name] = make

    def placeholder(request: StaffRequest) -> Panel | None:
        if not allowed(request.user, may):
            return None
        return Panel(title, "backoffice/panels/later.html", {"name": name, "title": title}, side="bottom")

    placeholder.__name__ = name
    register_home_panels(placeholder)


def later_panel(name: str, request: StaffRequest) -> Panel | None:
    """The card itself; ``None`` if there is none of this name, or not for this person."""
    make = _later.get(name)
    return make(request) if make is not None else None


def home_panels(request: StaffRequest, order: Sequence[str]) -> list[Panel]:
    """The cards that this person's home page shows, in the order of the names, what is not named last."""
    places = {name: place for place, name in enumerate(order)}
    makers = sorted(_home_panels, key=lambda make: places.get(getattr(make, "__name__", ""), len(places)))
    made = (make(request) for make in makers)
    return [panel for panel in made if panel is not None]


def timeline_panel(
    events: EventQuerySet, *, title: Text = "", side: Side = "left", limit: int = 50, about: Any = None
) -> Panel:
    """What was done, newest first, refusals marked. ``about`` is the row whose page it is: events about that
    very row don't repeat its name.
    """
    found = list(events.order_by("-at", "-id")[: limit + 1])
    key = (about._meta.label_lower, about.pk) if about is not None else None
    entries = [
        {
            "event": event,
            "words": verb_in_words(event.verb),
            "refused": event.outcome == event.Outcome.REFUSED,
            "label": "" if (event.target_type, event.target_id) == key else event.target_label,
        }
        for event in found[:limit]
    ]
    return Panel(
        title or say("Timeline"),
        "backoffice/panels/timeline.html",
        {"entries": entries, "more": len(found) > limit, "limit": limit},
        side=side,
        note=say("newest first"),
    )
