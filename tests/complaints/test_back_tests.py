"""A draft tried on past cases comes to what deciding them again by hand comes to, and changes nothing of them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.periods import months_before
from complaints.back_tests import running
from complaints.back_tests.models import BackTest
from complaints.cases.decisions.actions import merge_complaints, withdraw_complaint
from complaints.cases.models import Complaint
from core.text import in_english
from policies.versions.models import Policy
from tests import factories
from tests.complaints.back_test_cases import (
    BY_HAND,
    INTERRUPTION,
    OTHER_FIGURES,
    case_of,
    figures_of,
    full_month,
    interrupted,
    outage,
    plain,
    sums,
    try_figures,
)
from tests.complaints.cases import Desk, again, decide, decided, register, settled, take_up

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


def _expected() -> dict[str, tuple[Any, ...]]:
    return {name: tuple(expected) for name, (_, *expected) in BY_HAND.items()}


def test_a_back_test_comes_to_what_deciding_again_by_hand_comes_to(desk: Desk) -> None:
    made = {name: make(desk) for name, (make, *_) in BY_HAND.items()}
    back_test = try_figures(desk, **OTHER_FIGURES)
    found = {name: case_of(back_test, complaint) for name, complaint in made.items()}
    assert {name: (row.basis, *figures_of(row)) for name, row in found.items()} == _expected()
    assert sums(back_test) == {
        # 40 + 58 + 39.80 + 38.80 + 40 + 39 + 38 + 35 + 700.27 + 40 + 42 + 20;
        # 42 + 60 + 41.80 + 42 + 42 + 41 + 41 + 37 + 702.25 + 42 + 42 + 20
        "usage": (12, "1150.87", 12, "1175.05"),
        "full_month": (2, "120.00", 2, "120.00"),
        "special": (2, "60.00", 0, "0.00"),
        "interruption": (3, "1.50", 3, "1.75"),
    }
    assert sums(back_test, "quotable") == {
        "usage": (0, "0.00", 1, "2.00"),
        "interruption": (0, "0.00", 2, "0.50"),
    }
    result = back_test.job.result
    assert result["cases"] == 25
    assert result["reasons"] == {
        "basis": 2,
        "as_of": 12,
        "outages": 3,
        "remedy": 1,
        # 60.00 from 58.00 (two people instead of one), and both full months; the annual one needed two before.
        "approvals": 3,
        "consent": 1,
    }
    counts = result["counts"]
    assert {name: counts[name] for name in counts if not name.endswith(("_then", "_under_draft"))} == {
        "differing": 20,
        "refunds": 19,
        "rejected": 1,
        "upheld_without_refund": 5,
    }
    assert (counts["second_approval_then"], counts["second_approval_under_draft"]) == (1, 4)
    assert (counts["consent_then"], counts["consent_under_draft"]) == (0, 1)


def test_the_sentence_of_a_case_says_why(desk: Desk) -> None:
    made = {
        name: BY_HAND[name][0](desk) for name in ("plain", "special", "in cash", "full month", "short outage", "late")
    }
    back_test = try_figures(desk, **OTHER_FIGURES)
    assert {name: case_of(back_test, complaint).why for name, complaint in made.items()} == {
        "plain": "The day of receipt counts otherwise.",
        "special": f"{in_english(back_test.version)} does not allow this basis.",
        "in cash": "The day of receipt counts otherwise. Not allowed: cash.",
        "full month": "Two people approve.",
        "short outage": "No refund was given. Outages count from another length on.",
        "late": "A lead has to consent.",
    }


def test_the_figures_in_force_change_nothing(desk: Desk) -> None:
    for make, *_ in BY_HAND.values():
        make(desk)
    back_test = try_figures(desk)
    assert not back_test.cases.filter(differs=True).exists()
    result = back_test.job.result
    for row in (*result["given"], *result["quotable"]):
        assert (row["then"], row["amount_then"]) == (row["under_draft"], row["amount_under_draft"])
    counts = result["counts"]
    for what in ("second_approval", "consent", "acknowledge_missed", "decide_missed"):
        assert counts[f"{what}_then"] == counts[f"{what}_under_draft"]
    assert result["reasons"] == {}


def test_the_fulfilment_policy_decides_on_the_full_month(desk: Desk) -> None:
    month, usage = full_month("upheld")(desk), plain(desk)
    back_test = try_figures(desk, Policy.Kind.FULFILMENT, full_month_allowed=False)
    assert figures_of(case_of(back_test, month)) == ("60.00", "0.00", True)
    assert "does not allow a full month (clause F5)" in case_of(back_test, month).why
    assert figures_of(case_of(back_test, usage)) == ("40.00", "40.00", False)


# --- Several refunds of one period --------------------------------------------------------------


def _two_on_one_period(desk: Desk) -> tuple[Complaint, Complaint]:
    """A special case of 30.00, then usage: 40.00, of which 30.00 were left of the fee."""
    first = decided(desk)
    settled(desk, first, "special", special_amount=Decimal("30.00"))
    second = decided(desk, subscription=first.subscription)
    assert settled(desk, second).total == Decimal("30.00")
    return first, second


@pytest.mark.parametrize("batch", [1, 500])
def test_what_an_earlier_refund_comes_to_leaves_the_rest_for_the_next(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(running, "BATCH", batch)
    first, second = _two_on_one_period(desk)
    back_test = try_figures(desk, bases=["usage", "interruption"])
    assert figures_of(case_of(back_test, first)) == ("30.00", "0.00", True)
    assert figures_of(case_of(back_test, second)) == ("30.00", "40.00", True)
    assert case_of(back_test, second).why == "An earlier refund of the period comes out otherwise."


@pytest.mark.parametrize("batch", [1, 500])
def test_an_outage_is_compensated_once_under_the_draft_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """6 hours were given back at first, the 8 of a later outage then. Under the draft the 3 hours go with the first:
    9 of 720 hours, and still 8 for the second.
    """
    monkeypatch.setattr(running, "BATCH", batch)
    first = interrupted(desk, 6, 3)
    settled(desk, first, "interruption")
    outage(first.subscription, 20, 8)
    second = decided(desk, subscription=first.subscription, category=INTERRUPTION, received_on=date(2024, 4, 25))
    settled(desk, second, "interruption")
    back_test = try_figures(desk, minimum_interruption_seconds=2 * 60 * 60)
    assert figures_of(case_of(back_test, first)) == ("0.50", "0.75", True)
    assert figures_of(case_of(back_test, second)) == ("0.67", "0.67", False)


# --- Which cases --------------------------------------------------------------------------------


def test_only_cases_decided_in_the_months_count(desk: Desk) -> None:
    undecided = take_up(desk, register(desk))
    today = factories.today()
    back_test = BackTest(since=today, until=today + timedelta(days=1))
    case = decided(desk)
    assert list(running.cases_of(back_test)) == [case]
    back_test.since, back_test.until = today + timedelta(days=1), today + timedelta(days=2)
    assert not running.cases_of(back_test).exists()
    back_test.since, back_test.until = today - timedelta(days=9), today
    assert not running.cases_of(back_test).exists()
    assert again(undecided).decision is None


def test_a_withdrawn_case_counts_with_what_it_was_given_and_not_without(desk: Desk) -> None:
    kept, given_up, merged = decided(desk), decided(desk), decided(desk)
    settled(desk, kept)
    for complaint in (kept, given_up):
        withdraw_complaint(complaint.pk, by=desk.agent, channel="phone", reason="“Never mind.”")
    survivor = decided(desk, subscription=merged.subscription)
    merge_complaints(merged.pk, by=desk.lead, into_id=survivor.pk, reason="The same")
    back_test = try_figures(desk)
    assert set(back_test.cases.values_list("complaint", flat=True)) == {kept.pk, survivor.pk}


def test_the_decision_that_counts_is_the_last_one(desk: Desk) -> None:
    complaint = decided(desk, "rejected")
    decide(desk, complaint, "upheld")
    assert figures_of(case_of(try_figures(desk), complaint)) == ("40.00", "40.00", False)


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        (date(2026, 3, 31), 1, date(2026, 2, 28)),
        (date(2026, 1, 15), 1, date(2025, 12, 15)),
        (date(2026, 1, 15), 13, date(2024, 12, 15)),
        (date(2024, 2, 29), 12, date(2023, 2, 28)),
        (date(2026, 12, 1), 12, date(2025, 12, 1)),
    ],
)
def test_months_before(day: date, months: int, before: date) -> None:
    assert months_before(day, months) == before
