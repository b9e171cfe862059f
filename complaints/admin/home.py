"""What the home page shows of cases and refunds: the person's own work first, then how the work goes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy

from accounts.amounts import money_text
from accounts.models import User
from accounts.panels import day, link
from accounts.permissions import May
from audit.backoffice import Panel, number, pill, register_home_panel, register_later_panel, sub
from audit.backoffice.charts import Chart, Series, Tone, bars, columns
from audit.backoffice.counts import register_count
from audit.words import join, say, say_count
from complaints.admin.pills import complaint_pill, deadline_pill, refund_pill
from complaints.due import DUE_RELATIONS, dues_of, near_deadline
from complaints.figures import WEEKS, Figures, figures
from complaints.models import Approval, Complaint, Decision, Incident, Refund, Remedy
from complaints.queues import waiting_for_approval_of

LAST_WEEKS = format_lazy(gettext_lazy("The last {weeks} weeks"), weeks=WEEKS)
TABLE = "backoffice/panels/table.html"
MINE, OVERDUE, NEAR, UNASSIGNED, WAITING, DRAFTS, SETTLED = 12, 8, 8, 8, 10, 6, 8
#: What a proposal froze is long, and no card shows it.
FROZEN = ("inputs", "lines", "counted", "remedy_plan", "evidence", "justification")
#: The figures are counted again after so many seconds: nobody decides by the minute by them.
KEPT_SECONDS = 300


# --- The numbers of the navigation --------------------------------------------------------------


def _mine(user: User) -> Any:
    return Complaint.objects.open().owned_by(user) if user.may(May.WORK_COMPLAINTS) else None


def _overdue(user: User) -> Any:
    return Complaint.objects.overdue(timezone.now()) if user.may(May.SEE_CASES) else None


def _open(user: User) -> Any:
    return Complaint.objects.open() if user.may(May.SEE_CASES) else None


def _waiting(user: User) -> Any:
    return waiting_for_approval_of(user) if user.may(May.SEE_CASES) else None


def _running_incidents(user: User) -> Any:
    return Incident.objects.filter(ends_at__isnull=True) if user.may(May.SEE_CASES) else None


register_count("mine", _mine)
register_count("overdue", _overdue)
register_count("open", _open)
# Each is held against everything that the person had a hand in.
register_count("approvals", _waiting, most=99)
register_count("incidents", _running_incidents)


# --- Cases --------------------------------------------------------------------------------------


def _cases(request: HttpRequest) -> list[Complaint]:
    """The rows of all cards of cases, asked for once."""
    if not hasattr(request, "home_cases"):
        user: User = request.user  # type: ignore[assignment]
        still_open = Complaint.objects.open()
        wanted = [Complaint.objects.overdue(timezone.now()).order_by("decide_due_at")[:OVERDUE]]
        if user.may(May.WORK_COMPLAINTS):
            mine = still_open.owned_by(user).by_urgency()
            nobodys = still_open.filter(owner__isnull=True).order_by("decide_due_at")
            near = Complaint.objects.filter(near_deadline()).order_by("decide_due_at")
            wanted += [mine[:MINE], nobodys[:UNASSIGNED], near[:NEAR]]
        found = Complaint.objects.filter(pk__in=_keys(*wanted)).select_related("customer", "owner", *DUE_RELATIONS)
        # What judges the rows comes along rather than by queries of its own; its text stays where it is.
        found = found.defer("text", "refund_policy__text", "agreement__text")
        request.home_cases = list(found.order_by("decide_due_at", "pk"))  # type: ignore[attr-defined]
    cases: list[Complaint] = request.home_cases  # type: ignore[attr-defined]
    return cases


def _keys(*picked: QuerySet[Any]) -> QuerySet[Any]:
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


def my_cases(request: HttpRequest) -> Panel | None:
    """The person's open cases, what is to be done first on top."""
    user: User = request.user  # type: ignore[assignment]
    if not user.may(May.WORK_COMPLAINTS):
        return None
    mine = sorted((one for one in _cases(request) if one.owner_id == user.pk), key=_urgency)[:MINE]
    empty = say("No open case is yours. Take one up from the unassigned ones.")
    return Panel(say("My cases"), TABLE, _table(mine, empty=empty), note=say("all of mine"), url=_list_of("mine"))


def unassigned(request: HttpRequest) -> Panel | None:
    """Cases that nobody has taken up."""
    user: User = request.user  # type: ignore[assignment]
    if not user.may(May.WORK_COMPLAINTS):
        return None
    nobodys = [one for one in _cases(request) if one.owner_id is None][:UNASSIGNED]
    table = _table(nobodys, empty=say("Every case has somebody."))
    return Panel(say("Unassigned"), TABLE, table, note=say("all unassigned"), url=_list_of("unassigned"))


def overdue(request: HttpRequest) -> Panel | None:
    """Cases past their deadline, the oldest first."""
    user: User = request.user  # type: ignore[assignment]
    if not user.may(May.SEE_CASES):
        return None
    now = timezone.now()
    late = [one for one in _cases(request) if one.state in Complaint.UNDECIDED_STATES and one.decide_due_at <= now][
        :OVERDUE
    ]
    if not late:
        return None
    title = say("Overdue, the oldest first")
    table = _table(late, with_owner=True)
    return Panel(title, TABLE, table, side="right", note=say("all overdue"), url=_list_of("overdue"), tone="bad")


def near_their_deadline(request: HttpRequest) -> Panel | None:
    """Cases one of whose deadlines is near, by the days of warning that judge them."""
    user: User = request.user  # type: ignore[assignment]
    if not user.may(May.WORK_COMPLAINTS):
        return None
    near = [one for one in _cases(request) if any(due.is_near for due in dues_of(one))][:NEAR]
    if not near:
        return None
    table = _table(near, with_owner=True)
    return Panel(say("Deadline near"), TABLE, table, side="right", note=say("all that are near"), url=_list_of("near"))


# --- Refunds ------------------------------------------------------------------------------------


def _open_refunds(request: HttpRequest) -> tuple[list[Refund], list[Refund]]:
    """Those that wait for the person's approval, and their own drafts; asked for once."""
    if not hasattr(request, "home_refunds"):
        user: User = request.user  # type: ignore[assignment]
        waiting = waiting_for_approval_of(user).order_by("expires_on", "pk")[:WAITING]
        mine = Q(drafted_by=user) | Q(proposed_by=user)
        drafts = Refund.objects.filter(mine, state=Refund.State.DRAFT).order_by("-returned_reason", "expires_on")
        found = (
            Refund.objects.filter(pk__in=_keys(waiting, drafts[:DRAFTS]))
            .select_related("customer", "proposed_by")
            .defer(*FROZEN)
            .order_by("expires_on", "pk")
        )
        request.home_refunds = list(found)  # type: ignore[attr-defined]
    refunds: list[Refund] = request.home_refunds  # type: ignore[attr-defined]
    waits = [one for one in refunds if one.state in Refund.PENDING_STATES]
    return waits, [one for one in refunds if one.state == Refund.State.DRAFT]


def _expires(refund: Refund) -> SafeString:
    """As ``expiry_pill``, short, under the heading that says the rest."""
    days = (refund.expires_on - timezone.localdate()).days
    if days <= 0:
        return pill(say("expired"), "bad")
    return pill(say("tomorrow") if days == 1 else say("in {days} d", days=days), "warn" if days <= 3 else "mute")


def waiting_for_me(request: HttpRequest) -> Panel | None:
    """Proposals that this person could approve."""
    user: User = request.user  # type: ignore[assignment]
    if not user.may(May.SEE_CASES):
        return None
    waiting, _ = _open_refunds(request)
    if not waiting and not (user.may(May.APPROVE_USAGE) or user.may(May.APPROVE_INTERRUPTION)):
        return None
    rows = [
        (
            format_html(
                "{} {}{}",
                link(refund),
                refund.customer.name,
                sub(say("{basis}, by {person}", basis=refund.get_basis_display(), person=refund.proposed_by)),
            ),
            _expires(refund),
            number(money_text(refund.total, refund.currency)),
        )
        for refund in waiting
    ]
    return Panel(
        say("Waiting for my approval"),
        TABLE,
        {
            "headings": [say("Refund and customer"), say("Expires"), (say("Amount"), "n")],
            "rows": rows,
            "empty": say("Nothing waits for you."),
        },
        side="right",
        note=say("all proposals"),
        url=f"{reverse('admin:complaints_refund_changelist')}?state__exact=proposed",
    )


def my_drafts(request: HttpRequest) -> Panel | None:
    """Drafts of this person, the returned ones first."""
    user: User = request.user  # type: ignore[assignment]
    if not user.may(May.SEE_CASES):
        return None
    _, drafts = _open_refunds(request)
    if not drafts:
        return None
    rows = [
        (
            format_html("{}{}", link(refund), sub(refund.customer.name)),
            refund.returned_reason or "–",
            _expires(refund),
        )
        for refund in sorted(drafts, key=lambda one: not one.returned_reason)
    ]
    return Panel(
        say("My drafts and returned proposals"),
        TABLE,
        {"headings": [say("Refund, customer"), say("Sent back because"), say("Expires")], "rows": rows},
        side="right",
    )


def lately_settled(request: HttpRequest) -> Panel | None:
    """The newest settled refunds, with who approved each: one query, from the approvals."""
    user: User = request.user  # type: ignore[assignment]
    if not user.may(May.SEE_CASES):
        return None
    given = (
        Approval.objects.filter(refund__state__in=(Refund.State.SETTLED, Refund.State.REVERSED))
        .select_related("refund__customer", "approver", "on_behalf_of")
        .defer(*(f"refund__{name}" for name in FROZEN))
        .order_by("-pk")[: 2 * SETTLED]
    )
    by_refund: dict[int, list[Approval]] = {}
    for approval in given:
        by_refund.setdefault(approval.refund_id, []).insert(0, approval)
    shown = list(by_refund.values())[:SETTLED]
    if not shown:
        return None
    return Panel(
        say("Lately settled"),
        TABLE,
        {
            "headings": [say("Refund, customer and basis"), say("Approved by"), (say("Amount"), "n")],
            "rows": [_settled_row(approvals) for approvals in shown],
        },
        # Whoever approves has that on the right already.
        side="left" if user.may(May.APPROVE_USAGE) else "right",
        note=say("all refunds"),
        url=reverse("admin:complaints_refund_changelist"),
    )


def _settled_row(approvals: list[Approval]) -> tuple[Any, ...]:
    refund = approvals[-1].refund
    taken_back = refund_pill(refund) if refund.state == Refund.State.REVERSED else SafeString("")
    people = ", ".join(dict.fromkeys(one.by_whom for one in approvals if one.round == refund.round))
    return (
        format_html("{} {} {}{}", link(refund), refund.customer.name, taken_back, sub(refund.get_basis_display())),
        format_html("{}{}", people, sub(day(timezone.localdate(refund.settled_at)))),
        number(money_text(refund.total, refund.currency)),
    )


# --- How the work goes --------------------------------------------------------------------------

_BASES: dict[str, Tone] = {
    Refund.Basis.USAGE: "one",
    Refund.Basis.INTERRUPTION: "two",
    Refund.Basis.FULL_MONTH: "three",
    Refund.Basis.SPECIAL: "four",
}


def last_weeks(request: HttpRequest) -> Panel | None:
    """Four small charts, each with its numbers. They come after the page, since nobody's next step hangs on them."""
    user: User = request.user  # type: ignore[assignment]
    if not user.may(May.SEE_CASES):
        return None
    found = cache.get_or_set("complaints.figures", figures, KEPT_SECONDS)
    assert isinstance(found, Figures)
    charts = [decisions_chart(found), bases_chart(found), days_chart(found), given_chart(found)]
    return Panel(LAST_WEEKS, "backoffice/panels/charts.html", {"charts": charts, "as_of": found.as_of}, side="bottom")


def _week(start: date) -> str:
    return date_format(start, "MONTH_DAY_FORMAT")


def decisions_chart(found: Figures) -> Chart:
    """Decisions a week by outcome; the lead is the share upheld."""
    share = found.share_upheld()
    tones: dict[str, Tone] = {
        Decision.Outcome.UPHELD: "good",
        Decision.Outcome.PARTLY_UPHELD: "warn",
        Decision.Outcome.REJECTED: "bad",
    }
    lead = say("No decision yet")
    if share is not None:
        lead = say_count(
            "{count} decision, {share} upheld wholly or partly",
            "{count} decisions, {share} upheld wholly or partly",
            sum(found.decided),
            share=f"{share}%",
        )
    chart = columns(
        say("Decisions by outcome"),
        lead,
        [_week(start) for start in found.weeks],
        [Series(str(Decision.Outcome(name).label), tones[name], values) for name, values in found.outcomes.items()],
    )
    shares = [found.share_upheld(at) for at in range(len(found.weeks))]
    rows = [[*row, "–" if share is None else f"{share}%"] for row, share in zip(chart.rows, shares, strict=True)]
    return Chart(
        title=chart.title,
        lead=chart.lead,
        rects=chart.rects,
        texts=chart.texts,
        lines=chart.lines,
        legend=chart.legend,
        headings=[*chart.headings, say("Share upheld")],
        rows=rows,
    )


def bases_chart(found: Figures) -> Chart:
    """Refunds settled a week by basis."""
    given = {basis: found.bases[basis] for basis in Refund.Basis.values if basis in found.bases}
    total = sum(sum(values) for values in given.values())
    return columns(
        say("Refunds by basis"),
        say_count("{count} settled", "{count} settled", total),
        [_week(start) for start in found.weeks],
        [Series(str(Refund.Basis(basis).label), _BASES[basis], values) for basis, values in given.items()],
    )


def days_chart(found: Figures) -> Chart:
    """Days to decide: half of the cases, and nine of ten, took no longer."""
    half, most = found.days_to_decide(50), found.days_to_decide(90)
    places = range(len(found.weeks))
    lead = say("No decision yet")
    if half is not None:
        lead = say_count(
            "Half within {count} day, nine of ten within {most}",
            "Half within {count} days, nine of ten within {most}",
            half,
            most=most,
        )
    return columns(
        say("Days to decide"),
        lead,
        [_week(start) for start in found.weeks],
        [
            Series(say("Nine of ten (p90)"), "soft", [found.days_to_decide(90, at) for at in places]),
            Series(say("Half (p50)"), "one", [found.days_to_decide(50, at) for at in places]),
        ],
        stacked=False,
    )


def given_chart(found: Figures) -> Chart:
    """What was given, by remedy; a full bar is the largest of its currency."""
    largest: dict[str, Decimal] = {}
    for (_, currency), amount in found.given.items():
        largest[currency] = max(largest.get(currency, Decimal(0)), amount)
    ordered = sorted(found.given.items(), key=lambda entry: (entry[0][1], -entry[1], entry[0][0]))
    sums: dict[str, Decimal] = {}
    for (_, currency), amount in ordered:
        sums[currency] = sums.get(currency, Decimal(0)) + amount
    return bars(
        say("Given, by remedy"),
        ", ".join(money_text(amount, currency) for currency, amount in sums.items()) or say("Nothing yet"),
        [say("Remedy"), say("Amount")],
        [
            (str(Remedy.Kind(kind).label), amount, money_text(amount, currency), largest[currency])
            for (kind, currency), amount in ordered
        ],
    )


register_home_panel(overdue, order=11)
register_home_panel(near_their_deadline, order=11)
register_home_panel(my_cases, order=12)
register_home_panel(waiting_for_me, order=16)
register_home_panel(my_drafts, order=18)
register_home_panel(unassigned, order=20)
register_home_panel(lately_settled, order=40)
register_later_panel("figures", last_weeks, title=LAST_WEEKS, may=May.SEE_CASES, order=60)
