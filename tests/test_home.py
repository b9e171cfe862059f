"""The home page: whose work it shows, its numbers, and what it costs."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.staff.models import User
from backoffice import panels
from backoffice.badges import counts
from backoffice.charts import Series, bars, columns
from billing.payments.bank_lines.actions import set_aside_bank_line
from billing.payouts.actions import mark_payout_failed
from billing.remedies import effects as giving
from billing.residual_credits.actions import propose_residual_payout
from complaints.cases.actions import assign_complaint
from complaints.cases.models import Complaint
from complaints.refunds.work_queues import waiting_for_approval_of
from config.help import PAGES
from config.home import HOME
from config.navigation import NAVIGATION
from jobs.models import Job
from reports.statistics.statistics import percentile, statistics
from tests import factories
from tests.complaints.cases import Desk, decided, propose, register, settled, special

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    cache.clear()


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    return client


def home(person: User) -> str:
    return unescape(signed_in(person).get("/").content.decode())


def card(page: str, title: str) -> str:
    """The card of this title, tags left out."""
    found = [part.split("</section>")[0] for part in page.split('<section class="card')[1:]]
    (one,) = [part for part in found if title in part]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", one))


def cards(page: str) -> list[str]:
    return re.findall(r"<h2><span>(?:<svg.*?</svg>)?([^<]+)</span>", page, re.DOTALL)


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


# --- Numbers ------------------------------------------------------------------------------------


def test_the_numbers_are_one_query_for_each_role(desk: Desk) -> None:
    register(desk)
    for person in (desk.agent, desk.lead, desk.manager, desk.clerk, desk.auditor):
        with CaptureQueriesContext(connection) as captured:
            found = counts(person)
        assert len(captured) == 1, person.role_name
        assert found["overdue"] == 1
    with CaptureQueriesContext(connection) as captured:
        assert counts(desk.administrator) == {"company_profiles": 0}
    assert len(captured) == 1


def test_the_numbers_are_those_of_the_lists(desk: Desk) -> None:
    mine = register(desk)
    assign_complaint(mine.pk, by=desk.lead, owner_id=desk.agent.pk, reason="Hers")
    late = register(desk)
    refund = special(desk, decided(desk), "20.00")
    assert counts(desk.agent) == {"mine": 2, "overdue": 3, "open": 3, "approvals": 0, "stood_in": 0, "incidents": 0}
    assert counts(desk.colleague)["mine"] == 0
    assert counts(desk.manager)["approvals"] == 1
    assert list(waiting_for_approval_of(desk.manager)) == [refund]
    assert counts(desk.lead)["approvals"] == 0  # a special case is not a lead's
    listed = signed_in(desk.agent).get("/complaints/complaint/?work=overdue").context["cl"].result_list
    # What is decided has still to be told.
    assert {row.pk for row in listed} == {mine.pk, late.pk, refund.complaint_id}


def test_a_proposal_does_not_wait_for_those_who_had_a_hand_in_it(desk: Desk) -> None:
    complaint = decided(desk)
    refund = propose(desk, complaint, by=desk.manager)
    assert list(waiting_for_approval_of(desk.manager)) == []
    assert list(waiting_for_approval_of(desk.lead)) == [refund]
    desk.lead.customer = refund.customer
    desk.lead.save()
    assert list(waiting_for_approval_of(desk.lead)) == []
    assert list(waiting_for_approval_of(desk.auditor)) == []


# --- Cards --------------------------------------------------------------------------------------


def test_the_oldest_overdue_case_comes_first(desk: Desk) -> None:
    newer = register(desk, subject="The newer one", received_on=factories.days_ago(60), period=_long_period())
    older = register(desk, subject="The older one")
    page = card(home(desk.agent), "Overdue, the oldest first")
    assert page.index(older.code) < page.index(newer.code)
    assert "nobody yet" in page


def _long_period() -> Any:
    return factories.paid_subscription(activated_on=factories.days_ago(70)).periods.order_by("sequence")[0]


def test_each_sees_what_is_theirs(desk: Desk) -> None:
    complaint = register(desk, subject="Whose is it")
    assert complaint.code in card(home(desk.agent), "Unassigned")
    assign_complaint(complaint.pk, by=desk.lead, owner_id=desk.agent.pk, reason="Hers")
    assert complaint.code in card(home(desk.agent), "My cases")
    assert complaint.code not in card(home(desk.colleague), "My cases")
    assert "Every case has somebody." in card(home(desk.colleague), "Unassigned")
    for person in (desk.clerk, desk.auditor):
        shown = cards(home(person))
        assert "My cases" not in shown
        assert "Unassigned" not in shown
        assert "Overdue, the oldest first" in shown


def test_an_administrator_sees_no_case_no_customer_and_no_figure(desk: Desk) -> None:
    refund = settled(desk, decided(desk))
    page = home(desk.administrator)
    for text in (refund.code, refund.customer.name, refund.complaint.code, "Overdue", "Lately settled", "weeks"):
        assert text not in page
    assert signed_in(desk.administrator).get("/home/figures/").status_code == 404
    assert signed_in(desk.agent).get("/home/nothing/").status_code == 404


def test_who_approved_a_refund_stands_with_its_amount(desk: Desk) -> None:
    refund = settled(desk, decided(desk))
    for person in (desk.agent, desk.auditor):
        page = card(home(person), "Lately settled")
        assert f"{refund.code} {refund.customer.name} Usage" in page
        assert str(desk.manager) in page
        assert f"{refund.total} EUR" in page


def test_a_proposal_waits_on_the_approvers_home_only(desk: Desk) -> None:
    refund = propose(desk, decided(desk))
    assert refund.code in card(home(desk.lead), "Waiting for my approval")
    assert refund.code in card(home(desk.director), "Waiting for my approval")
    assert "Waiting for my approval" not in cards(home(desk.agent))


# --- Cost ---------------------------------------------------------------------------------------


def queries(client: Client, url: str = "/") -> int:
    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_home_costs_at_most_nineteen_queries_however_much_there_is(desk: Desk) -> None:
    def more() -> None:
        assign_complaint(register(desk).pk, by=desk.lead, owner_id=desk.agent.pk, reason="Hers")
        register(desk)
        propose(desk, decided(desk))
        settled(desk, decided(desk))

    more()
    people = (desk.agent, desk.lead, desk.manager, desk.clerk, desk.auditor)
    few = [queries(signed_in(person)) for person in people]
    figures_few = queries(signed_in(desk.manager), "/home/figures/")
    for _ in range(4):
        more()
    many = [queries(signed_in(person)) for person in people]
    assert many == few
    assert max(many) <= 19
    assert queries(signed_in(desk.manager), "/home/figures/") == figures_few


# --- Figures ------------------------------------------------------------------------------------


def test_figures_are_counted_by_week(desk: Desk) -> None:
    first = settled(desk, decided(desk))
    settled(desk, decided(desk))
    decided(desk, "rejected")
    found = statistics()
    assert len(found.weeks) == 12
    assert all(week.weekday() == 0 for week in found.weeks)
    assert found.weeks[-1] <= timezone.localdate() < found.weeks[-1] + timedelta(days=7)
    assert [sum(values) for values in found.outcomes.values()] == [2, 0, 1]
    assert found.decided[-1] == 3
    assert found.share_upheld() == 67
    assert found.share_upheld(0) is None
    assert {basis: sum(values) for basis, values in found.bases.items()} == {"usage": 2}
    assert found.given == {("credit", "EUR"): 2 * first.total}
    took = (timezone.localdate() - timezone.localdate(first.complaint.received_at)).days
    assert found.days[-1] == {took: 3}
    assert found.days_to_decide(50) == found.days_to_decide(90) == took
    assert statistics(timezone.now() - timedelta(weeks=20)).given == {}


def test_a_refund_with_several_remedies_is_one_decision(desk: Desk) -> None:
    complaint = decided(desk)
    plan = [{"kind": "credit", "amount": "10.00"}, {"kind": "cash"}]
    refund = settled(desk, complaint, "special", special_amount=Decimal("20.00"), remedies=plan)
    assert refund.remedies.count() == 2
    found = statistics()
    assert sum(found.bases["special"]) == 1
    assert sum(found.given.values()) == refund.total


@pytest.mark.parametrize(
    ("took", "half", "most"),
    [({}, None, None), ({4: 1}, 4, 4), ({1: 1, 3: 1}, 1, 3), ({1: 5, 2: 4, 30: 1}, 1, 2), ({0: 1, 7: 9}, 7, 7)],
)
def test_percentiles_are_the_nearest_rank(took: dict[int, int], half: int | None, most: int | None) -> None:
    assert (percentile(Counter(took), 50), percentile(Counter(took), 90)) == (half, most)


def test_the_figures_page_has_a_table_for_each_chart_and_no_inline_style(desk: Desk) -> None:
    settled(desk, decided(desk))
    client = signed_in(desk.auditor)
    placeholder = client.get("/").content.decode()
    assert 'hx-get="/home/figures/"' in placeholder
    assert '<a href="/home/figures/">' in placeholder  # without script
    page = client.get("/home/figures/").content.decode()
    part = client.get("/home/figures/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "<html" in page
    for shown in (page, part):
        assert shown.count("<figure") == shown.count('<table class="numbers"') == 4
        assert " style=" not in shown
        assert "100%" in shown


def test_columns_stand_on_the_floor_and_on_each_other() -> None:
    chart = columns("T", "", ["a", "b"], [Series("x", "one", [4, 0]), Series("y", "two", [6, None])])
    low, high = chart.rects
    assert low.y + low.height == chart.lines[1]
    assert high.y + high.height == low.y
    assert low.height + high.height == chart.lines[1] - chart.lines[0]
    assert chart.rows == [["a", "4", "6"], ["b", "0", "–"]]
    behind, front = columns("T", "", ["a"], [Series("x", "soft", [9]), Series("y", "one", [5])], stacked=False).rects
    assert behind.y + behind.height == front.y + front.height
    assert columns("T", "", ["a"], [Series("x", "one", [0])]).is_empty


def test_bars_are_measured_by_the_whole() -> None:
    chart = bars("T", "", ["Remedy", "Amount"], [("Credit", Decimal(50), "50.00 EUR", Decimal(100))])
    track, bar = chart.rects
    assert bar.width * 2 == track.width
    assert chart.rows == [["Credit", "50.00 EUR"]]


# --- The frame ----------------------------------------------------------------------------------


def test_every_page_says_where_it_is_and_helps(desk: Desk) -> None:
    client = signed_in(desk.manager)
    complaint: Complaint = register(desk)
    for url in ("/", "/complaints/complaint/", f"/complaints/complaint/{complaint.pk}/change/", "/search/?q=no"):
        page = client.get(url).content.decode()
        assert page.count('aria-label="Breadcrumbs"') == 1
        assert 'class="page-help"' in page
        assert 'lang="en"' in page
        assert page.count("backoffice/cases.css") == 1


def test_there_is_help_for_everything_in_the_navigation() -> None:
    missing = []
    for group in NAVIGATION:
        for entry in group.entries:
            model = entry.model.lower().replace(".", "_")
            if not entry.action and not {model, f"{model}_changelist"} & PAGES.keys():
                missing.append(entry.model)
    assert missing == []


def test_the_navigation_keeps_its_width(desk: Desk) -> None:
    client = signed_in(desk.agent)
    assert 'data-nav="narrow"' not in client.get("/").content.decode()
    client.cookies["nav"] = "narrow"
    assert 'data-nav="narrow"' in client.get("/").content.decode()


def test_overdue_is_marked_as_the_page_one_is_on(desk: Desk) -> None:
    page = signed_in(desk.agent).get("/complaints/complaint/?work=overdue").content.decode()
    navigation = page.split("</nav>")[0]
    assert navigation.count('aria-current="page"') == 1
    assert 'href="/complaints/complaint/?work=overdue" class="on" aria-current="page"' in navigation


# --- Weight -------------------------------------------------------------------------------------


def test_what_every_page_loads_is_light(desk: Desk) -> None:
    """All style sheets, scripts and pictures of a page, compressed as they are served: under 150 KB."""
    page = signed_in(desk.agent).get("/").content.decode()
    assets = re.findall(r'(?:href|src)="/static/([^"]+)"', page)
    assert {"backoffice/theme.css", "backoffice/search.js"} <= set(assets)
    files = [finders.find(asset) for asset in assets]
    assert all(files), assets
    assert sum(len(gzip.compress(Path(str(file)).read_bytes())) for file in files) < 150 * 1024


def test_home_is_light(desk: Desk) -> None:
    for number in range(14):
        assign_complaint(register(desk).pk, by=desk.lead, owner_id=desk.manager.pk, reason=f"Case {number}")
        register(desk)
    for _ in range(8):
        settled(desk, decided(desk), by=desk.colleague)
    client = signed_in(desk.manager)
    for url in ("/", "/home/figures/", "/search/?q=C-0"):
        assert len(client.get(url).content) < 100 * 1024, url


# --- The work of those who handle no cases ------------------------------------------------------


def test_a_billing_clerk_finds_the_work_that_money_makes(desk: Desk) -> None:
    paid = factories.paid_subscription()
    line = factories.bank_line(text="Invoice 12")
    failed = giving.order_payout(paid, Decimal("1200.00"), key="payout-1", reason="A refund")
    mark_payout_failed(failed.pk, by=desk.clerk, reason="The account is closed.")
    page = home(desk.clerk)
    lines = card(page, "Bank lines that match no invoice")
    assert f"{line.payer} {line.why}" in lines
    assert "12.00 EUR" in lines
    payouts = card(page, "Payouts to make")
    for text in (paid.customer.name, "Failed", "The account is closed.", "1,200.00 EUR"):
        assert text in payouts
    set_aside_bank_line(line.pk, by=desk.clerk, reason="Not for us")
    assert "laid to an invoice or set aside" in card(home(desk.clerk), "Bank lines that match no invoice")
    for person in (desk.agent, desk.manager, desk.auditor, desk.administrator):
        assert not {"Bank lines that match no invoice", "Payouts to make"} & set(cards(home(person)))


def test_credit_left_over_waits_for_the_clerk_and_then_for_the_manager(desk: Desk) -> None:
    title = "Credit that no invoice can use any more"
    assert title not in cards(home(desk.clerk))
    credit = factories.leftover_credit()
    subscription = credit.subscription
    assert f"{subscription.customer.name} {subscription.number}" in card(home(desk.clerk), title)
    propose_residual_payout(credit.pk, by=desk.clerk, reason="The service ended")
    assert title not in cards(home(desk.clerk))
    assert "1 payout of leftover credit to approve" in card(home(desk.manager), "Also waiting for me")
    assert "Also waiting for me" not in cards(home(desk.lead))


def test_an_administrator_finds_staff_drafts_and_locked_sign_ins(desk: Desk) -> None:
    change = factories.StaffChangeFactory.create()
    limit = factories.ApprovalLimitFactory.create(state="draft")
    AccessAttempt.objects.create(username="mallory", ip_address="192.0.2.7", failures_since_start=8)
    AccessAttempt.objects.create(username="typo", ip_address="192.0.2.8", failures_since_start=7)
    page = home(desk.administrator)
    assert re.search(r"Billing clerk 1\b", card(page, "Staff"))
    for row in (change, limit):
        assert str(row) in card(page, "Drafts that nobody has published")
    waits = card(home(desk.manager), "Also waiting for me")
    assert "1 change of staff to publish" in waits
    assert "1 approval limit to publish" in waits
    locked = card(page, "Locked sign-ins")
    assert "mallory 192.0.2.7" in locked
    assert "typo" not in locked
    assert not {"Staff", "Drafts that nobody has published", "Locked sign-ins"} & set(cards(home(desk.agent)))


def test_a_job_in_trouble_is_on_the_home_of_whoever_asked(desk: Desk) -> None:
    now = timezone.now()
    Job.objects.create(
        kind="back_test", title="Back-test of version 2", state=Job.State.FAILED, asked_by=desk.manager, asked_at=now,
        finished_at=now, failure="The draft was published meanwhile.",
    )  # fmt: skip
    title = "Jobs that did not come to their end"
    assert "The draft was published meanwhile." in card(home(desk.lead), title)
    assert "1 job that did not come to its end" in card(home(desk.manager), "Also waiting for me")
    assert title not in cards(home(desk.clerk))
    Job.objects.update(finished_at=now - timedelta(days=8))
    assert title not in cards(home(desk.lead))


def test_the_home_page_has_a_place_for_every_card() -> None:
    assert sorted(make.__name__ for make in panels._home_panels) == sorted(HOME)
