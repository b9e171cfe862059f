"""What was given in similar cases: the middle, the spread, and what lies far outside."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from complaints.cases.models import Complaint
from complaints.quotes.comparable_cases import ENOUGH, percent, share_of, similar_cases, summary
from complaints.refunds.models import Refund
from complaints.refunds.proposals.actions import edit_refund, propose_refund
from tests.complaints.cases import Desk, again, decided, draft, propose, settled
from tests.complaints.refusals import assert_refused


def shares(*percents: int) -> list[Fraction]:
    return [Fraction(value, 100) for value in percents]


@pytest.mark.parametrize(
    ("given_shares", "middle", "lower", "upper"),
    [
        ((40,), 40, 40, 40),
        ((20, 40), 30, 25, 35),
        ((10, 20, 30, 40, 50), 30, 20, 40),
        ((50, 10, 40, 20, 30, 60), 35, Fraction(45, 2), Fraction(95, 2)),
    ],
)
def test_the_middle_and_the_quartiles(
    given_shares: tuple[int, ...], middle: int, lower: Fraction | int, upper: Fraction | int
) -> None:
    found = summary(shares(*given_shares))
    assert found is not None
    assert (found.middle, found.lower_quartile, found.upper_quartile) == (
        Fraction(middle, 100),
        Fraction(lower) / 100,
        Fraction(upper) / 100,
    )
    assert (found.lowest, found.highest) == (Fraction(min(given_shares), 100), Fraction(max(given_shares), 100))


def test_nothing_to_compare_with() -> None:
    assert summary([]) is None


def test_too_few_cases_call_nothing_unusual() -> None:
    few = summary(shares(*[40] * (ENOUGH - 1)))
    enough = summary(shares(*[40] * ENOUGH))
    assert few is not None
    assert enough is not None
    assert not few.is_unusual(Fraction(1))
    assert enough.is_unusual(Fraction(1))


@pytest.mark.parametrize(("share", "unusual"), [(9, True), (10, False), (40, False), (70, False), (71, True)])
def test_far_outside_is_one_and_a_half_times_the_quartiles_distance(share: int, unusual: bool) -> None:
    """Quartiles 32.5 and 47.5 of these ten: 22.5 points beyond them on both sides."""
    found = summary(shares(30, 30, 30, 40, 40, 40, 40, 50, 50, 50))
    assert found is not None
    assert (found.lower_quartile, found.upper_quartile) == (Fraction(325, 1000), Fraction(475, 1000))
    assert found.is_unusual(Fraction(share, 100)) is unusual


def test_where_all_gave_the_same_a_tenth_of_the_fee_is_still_usual() -> None:
    found = summary(shares(*[40] * 10))
    assert found is not None
    assert found.usual == (Fraction(30, 100), Fraction(50, 100))


@given(st.lists(st.fractions(0, 1), min_size=1, max_size=40))
def test_what_was_given_in_the_middle_is_never_unusual(given_shares: list[Fraction]) -> None:
    found = summary(given_shares)
    assert found is not None
    assert not found.is_unusual(found.middle)
    low, high = found.usual
    assert 0 <= low <= found.lower_quartile <= found.middle <= found.upper_quartile <= high <= 1


def test_shares_of_a_fee() -> None:
    assert share_of(Decimal("28.26"), Decimal("56.52")) == Fraction(1, 2)
    assert share_of(Decimal(0), Decimal(0)) == 0
    assert [percent(Fraction(n, 1000)) for n in (444, 445, 0, 1000)] == ["44 %", "45 %", "0 %", "100 %"]


# --- At a proposal ------------------------------------------------------------------------------


def office_with_a_habit(settlements: int = ENOUGH) -> Desk:
    """An office that gave two thirds of the fee in all cases of quality so far."""
    desk = Desk(limits=True)
    for _ in range(settlements):
        settled(desk, decided(desk))
    return desk


def little(desk: Desk, complaint: Complaint) -> Refund:
    """A draft of 2.00 where 40.00 is usual."""
    return draft(desk, complaint, reduction=Decimal("38.00"), reduction_reason="Hardly anything was wrong")


@pytest.mark.django_db
def test_a_proposal_far_outside_asks_for_a_word() -> None:
    desk = office_with_a_habit()
    complaint = decided(desk)
    refund = little(desk, complaint)
    assert_refused("unusual", lambda: propose_refund(refund.pk, by=desk.agent, reason="As decided"))
    assert again(refund).state == Refund.State.DRAFT
    edit_refund(
        refund.pk,
        by=desk.agent,
        reduction=Decimal("38.00"),
        reduction_reason="Hardly anything was wrong",
        unusual_reason="One extension of forty was hit",
    )
    proposed = propose_refund(refund.pk, by=desk.agent, reason="As decided")
    assert proposed.state == Refund.State.PROPOSED
    assert proposed.unusual_reason == "One extension of forty was hit"


@pytest.mark.django_db
def test_what_is_usual_asks_for_nothing() -> None:
    desk = office_with_a_habit()
    assert propose(desk, decided(desk)).state == Refund.State.PROPOSED


@pytest.mark.django_db
def test_few_cases_ask_for_nothing() -> None:
    desk = office_with_a_habit(ENOUGH - 1)
    refund = little(desk, decided(desk))
    assert propose_refund(refund.pk, by=desk.agent, reason="As decided").state == Refund.State.PROPOSED


@pytest.mark.django_db
def test_similar_is_the_category_and_the_basis_of_other_cases() -> None:
    desk = office_with_a_habit(2)
    complaint = decided(desk)
    assert similar_cases(complaint, "interruption") is None
    assert similar_cases(decided(desk, category="support"), "usage") is None
    settled(desk, complaint)
    found = similar_cases(complaint, "usage")
    assert found is not None
    assert (found.count, found.middle) == (2, Fraction(2, 3))
