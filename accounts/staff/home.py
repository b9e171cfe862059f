"""What the home page shows of staff and of long work: the work of administrators, and jobs that went wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Count, Max
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts.staff.models import ApprovalLimit, StaffChange, User
from accounts.staff.permissions import May, Role
from backoffice.badges import counts_of, register_besides, registered_besides
from backoffice.display import pill, sub, when
from backoffice.links import link
from backoffice.panels import Panel, register_home_panels
from backoffice.requests import StaffRequest
from core.text import say, say_count

TABLE = "backoffice/panels/table.html"


SHOWN = 8


def unpublished(request: StaffRequest) -> Panel | None:
    """Changes of staff and of approval limits that nobody has published, for those who drafted them."""
    user = request.user
    if not user.may(May.DRAFT_STAFF):
        return None
    limits = ApprovalLimit.objects.filter(state=ApprovalLimit.State.DRAFT).select_related("role", "drafted_by")
    changes = StaffChange.objects.filter(state=StaffChange.State.DRAFT).select_related("person", "drafted_by")
    found: list[ApprovalLimit | StaffChange] = [*changes.order_by("pk")[:SHOWN], *limits.order_by("pk")[:SHOWN]]
    if not found:
        return None
    return Panel(
        say("Drafts that nobody has published"),
        TABLE,
        {"headings": [say("Draft"), say("Drafted by")], "rows": [(link(row), row.drafted_by) for row in found]},
        side="right",
        note=say("approval limits"),
        url=reverse("admin:accounts_approvallimit_changelist"),
    )


def waiting_besides(request: StaffRequest) -> Panel | None:
    """A line for each thing that waits for a manager and is no case: there is seldom any."""
    user = request.user
    if not user.may(May.PUBLISH_STAFF):
        return None
    numbers = counts_of(request)
    rows = [
        (format_html('<a href="{}">{}</a>', url(), words(numbers[name])),)
        for name, words, url in registered_besides
        if numbers.get(name)
    ]
    if not rows:
        return None
    return Panel(say("Also waiting for me"), TABLE, {"headings": [say("What")], "rows": rows}, side="right")


def _drafted_by_others(rows: Any, user: User) -> Any:
    return rows.filter(state="draft").exclude(drafted_by=user) if user.may(May.PUBLISH_STAFF) else None


def _list_of_drafts(model: str) -> str:
    return f"{reverse(f'admin:accounts_{model}_changelist')}?state__exact=draft"


register_besides(
    "staff_drafts",
    lambda user: _drafted_by_others(StaffChange.objects.exclude(person=user), user),
    lambda count: say_count("{count} change of staff to publish", "{count} changes of staff to publish", count),
    lambda: _list_of_drafts("staffchange"),
)


register_besides(
    "limit_drafts",
    lambda user: _drafted_by_others(ApprovalLimit.objects.all(), user),
    lambda count: say_count("{count} approval limit to publish", "{count} approval limits to publish", count),
    lambda: _list_of_drafts("approvallimit"),
)


# --- Staff and jobs -----------------------------------------------------------------------------


def staff_by_role(request: StaffRequest) -> Panel | None:
    """How many people work here in each role, for those who keep the list of staff."""
    user = request.user
    if not user.may(May.DRAFT_STAFF):
        return None
    active = User.objects.filter(is_active=True, role__isnull=False)
    counted = {
        row["role__name"]: row
        for row in active.values("role__name").annotate(people=Count("pk"), last=Max("last_login")).order_by()
    }
    rows = []
    for role in Role:
        row = counted.get(role.value)
        people = pill(say("nobody"), "warn") if row is None else row["people"]
        last = when(row["last"]) if row is not None and row["last"] is not None else "–"
        rows.append((role.value, people, last))
    return Panel(
        say("Staff"),
        TABLE,
        {"headings": [say("Role"), say("People"), say("Last signed in")], "rows": rows},
        note=say("all staff"),
        url=reverse("admin:accounts_user_changelist"),
    )


def locked_sign_ins(request: StaffRequest) -> Panel | None:
    """Names for which signing in is stopped for a while after too many wrong passwords."""
    user = request.user
    if not user.may(May.DRAFT_STAFF):
        return None
    since = timezone.now() - timedelta(hours=settings.AXES_COOLOFF_TIME)
    found = list(
        AccessAttempt.objects.filter(
            failures_since_start__gte=settings.AXES_FAILURE_LIMIT, attempt_time__gt=since
        ).order_by("-attempt_time")[:SHOWN]
    )
    if not found:
        return None
    rows = [
        (
            format_html("{}{}", attempt.username or "–", sub(attempt.ip_address)),
            attempt.failures_since_start,
            when(attempt.attempt_time + timedelta(hours=settings.AXES_COOLOFF_TIME)),
        )
        for attempt in found
    ]
    return Panel(
        say("Locked sign-ins"),
        TABLE,
        {"headings": [say("Name and address"), say("Wrong passwords"), say("Open again")], "rows": rows},
        tone="warn",
    )


register_home_panels(locked_sign_ins, staff_by_role, unpublished, waiting_besides)
