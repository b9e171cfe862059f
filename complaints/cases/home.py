"""What the home page shows of cases and refunds: the person's own work first, then how the work goes."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.badges import register_count
from backoffice.display import sub
from backoffice.links import link
from backoffice.panels import Panel, register_home_panels
from backoffice.requests import StaffRequest, asked_once
from complaints.cases.deadlines.status import DUE_RELATIONS, deadline_statuses_of, is_overdue, near_deadline
from complaints.cases.models import Complaint
from complaints.cases.pills import complaint_pill, deadline_pill
from core.text import join, say

TABLE = "backoffice/panels/table.html"


MINE, OVERDUE, NEAR, UNASSIGNED, WAITING, DRAFTS, SETTLED = 12, 8, 8, 8, 10, 6, 8


# --- The numbers of the navigation --------------------------------------------------------------


def _mine(user: User) -> Any:
    return Complaint.objects.open().owned_by(user) if user.may(May.WORK_COMPLAINTS) else None


def _overdue(user: User) -> Any:
    return Complaint.objects.overdue(timezone.now()) if user.may(May.SEE_CASES) else None


def _open(user: User) -> Any:
    return Complaint.objects.open() if user.may(May.SEE_CASES) else None


register_count("mine", _mine)


register_count("overdue", _overdue)


register_count("open", _open)


# --- Cases --------------------------------------------------------------------------------------


@asked_once
def _cases(request: StaffRequest) -> list[Complaint]:
    """The rows of all cards of cases."""
    user = request.user
    still_open = Complaint.objects.open()
    wanted = [Complaint.objects.overdue(timezone.now()).order_by("decide_due_at")[:OVERDUE]]
    if user.may(May.WORK_COMPLAINTS):
        mine = still_open.owned_by(user).by_urgency()
        nobodys = still_open.filter(owner__isnull=True).order_by("decide_due_at")
        near = Complaint.objects.filter(near_deadline()).order_by("decide_due_at")
        wanted += [mine[:MINE], nobodys[:UNASSIGNED], near[:NEAR]]
    found = Complaint.objects.filter(pk__in=keys_of(*wanted)).select_related("customer", "owner", *DUE_RELATIONS)
    # What judges the rows comes along rather than by queries of its own; its text stays where it is.
    found = found.defer("text", "refund_policy__text", "agreement__text")
    return list(found.order_by("decide_due_at", "pk"))


def keys_of(*picked: QuerySet[Any]) -> QuerySet[Any]:
    """The keys of several short lists in one question. Joined by "or" each open row would be held against all of them,
    and the database could not see how few there are.
    """
    few: list[QuerySet[Any]] = [
        rows.model._default_manager.filter(pk__in=rows.values("pk")).order_by().values("pk") for rows in picked
    ]
    return few[0].union(*few[1:])


def _urgency(complaint: Complaint) -> int:
    """As ``ComplaintQuerySet.by_urgency``: undecided before decided before communicated."""
    if complaint.state in Complaint.UNDECIDED_STATES:
        return 0
    return 1 if complaint.state == Complaint.State.DECIDED else 2


def _list_of(work: str) -> str:
    return f"{reverse('admin:complaints_complaint_changelist')}?work={work}"


def _table(complaints: list[Complaint], *, with_owner: bool = False, **context: Any) -> dict[str, Any]:
    """Two columns, so that the deadline is in sight on a phone too; with the owner where it is not the reader."""

    def cells(complaint: Complaint) -> tuple[Any, ...]:
        whose = [complaint.owner or say("nobody yet")] if with_owner else []
        about = format_html(
            '<div class="about">{} {}{}</div>',
            link(complaint, complaint.code),
            complaint.subject,
            sub(join(", ", [complaint.customer.name, *whose])),
        )
        state = "" if with_owner else complaint_pill(complaint)
        return about, format_html('<div class="stacked">{}{}</div>', deadline_pill(complaint), state)

    headings = (
        [say("Complaint, customer and owner"), say("Deadline")]
        if with_owner
        else [say("Complaint and customer"), say("Deadline and state")]
    )
    return {"headings": headings, "rows": [cells(one) for one in complaints], **context}


def my_cases(request: StaffRequest) -> Panel | None:
    """The person's open cases, what is to be done first on top."""
    user = request.user
    if not user.may(May.WORK_COMPLAINTS):
        return None
    mine = sorted((one for one in _cases(request) if one.owner_id == user.pk), key=_urgency)[:MINE]
    empty = say("No open case is yours. Take one up from the unassigned ones.")
    return Panel(say("My cases"), TABLE, _table(mine, empty=empty), note=say("all of mine"), url=_list_of("mine"))


def unassigned(request: StaffRequest) -> Panel | None:
    """Cases that nobody has taken up."""
    user = request.user
    if not user.may(May.WORK_COMPLAINTS):
        return None
    nobodys = [one for one in _cases(request) if one.owner_id is None][:UNASSIGNED]
    table = _table(nobodys, empty=say("Every case has somebody."))
    return Panel(say("Unassigned"), TABLE, table, note=say("all unassigned"), url=_list_of("unassigned"))


def overdue(request: StaffRequest) -> Panel | None:
    """Cases past their deadline, the oldest first."""
    user = request.user
    if not user.may(May.SEE_CASES):
        return None
    now = timezone.now()
    late = [one for one in _cases(request) if is_overdue(one, now)][:OVERDUE]
    if not late:
        return None
    title = say("Overdue, the oldest first")
    table = _table(late, with_owner=True)
    return Panel(title, TABLE, table, side="right", note=say("all overdue"), url=_list_of("overdue"), tone="bad")


def near_their_deadline(request: StaffRequest) -> Panel | None:
    """Cases one of whose deadlines is near, by the days of warning that judge them."""
    user = request.user
    if not user.may(May.WORK_COMPLAINTS):
        return None
    near = [one for one in _cases(request) if any(due.is_near for due in deadline_statuses_of(one))][:NEAR]
    if not near:
        return None
    table = _table(near, with_owner=True)
    return Panel(say("Deadline near"), TABLE, table, side="right", note=say("all that are near"), url=_list_of("near"))


register_home_panels(overdue, near_their_deadline, my_cases, unassigned)
