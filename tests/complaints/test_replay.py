"""Every refund ever made comes out again as it was made, and one that does not is named."""

from __future__ import annotations

import json
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from complaints.incidents.actions import record_incident
from complaints.refunds.approvals.actions import return_refund
from complaints.refunds.endings.actions import withdraw_refund
from complaints.refunds.models import Refund
from complaints.refunds.proposals.actions import edit_refund
from tests import factories
from tests.complaints.cases import (
    AS_OF,
    Desk,
    again,
    decided,
    draft,
    noon,
    propose,
    refund_in,
    settled,
    spring_subscription,
)
from tests.complaints.refusals import rows_of_every_table

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


def lines(*pairs: tuple[str, str]) -> str:
    return json.dumps([{"code": code, "amount": amount} for code, amount in pairs])


FEE, MINUTES, TIME = ("fee", "60.00"), ("minutes", "0.00"), ("time", "-20.00")


def replay() -> str:
    output = StringIO()
    call_command("replay_refunds", stdout=output)
    return output.getvalue()


def replay_that_differs() -> list[str]:
    output = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("replay_refunds", stdout=output)
    assert caught.value.returncode == 1
    return output.getvalue().splitlines()


def tamper(refund: Refund, column: str, value: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE complaints_refund SET {column} = %s WHERE id = %s",  # noqa: S608
            [value, refund.pk],  # type: ignore[list-item]
        )


def test_all_refunds_in_all_states_come_out_as_they_were_made(desk: Desk) -> None:
    record_incident(by=desk.lead, title="Down", starts_at=noon(2), ends_at=noon(4), hits_everybody=True)
    states = [state for state in Refund.State.values if state != Refund.State.REVERSED]
    for state in states:
        refund_in(desk, state)
    subscription = spring_subscription()
    factories.usage(subscription, day=AS_OF, seconds=6000)
    for basis in ("usage", "interruption", "full_month"):
        propose(desk, decided(desk, subscription=subscription), basis)
    returned = propose(desk, decided(desk))
    return_refund(returned.pk, by=desk.manager, reason="Less")
    edit_refund(returned.pk, by=desk.agent, reduction=Decimal("1.00"), reduction_reason="Partly theirs")
    withdrawn = propose(desk, decided(desk))
    withdraw_refund(withdrawn.pk, by=desk.agent, reason="A mistake")
    draft(desk, decided(desk))

    before = rows_of_every_table()
    # All but the two that were never proposed.
    assert replay() == f"{len(states) - 1 + 5} refunds replayed, 0 differ.\n"
    assert rows_of_every_table() == before


def test_later_facts_change_nothing(desk: Desk) -> None:
    subscription = spring_subscription()
    settled(desk, decided(desk, subscription=subscription))
    factories.usage(subscription, day=AS_OF, seconds=6000)
    assert replay() == "1 refunds replayed, 0 differ.\n"


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("lines", lines(FEE, MINUTES, ("time", "-10.00")), "time was -10.00, is -20.00"),
        ("lines", lines(FEE), "minutes was missing, is 0.00; time was missing, is -20.00"),
        ("lines", lines(MINUTES, FEE, TIME), "the lines have another order"),
        ("total", 500_000, "total was 50.00, is 40.00"),
        ("inputs", '{"basis": "usage"}', "cannot be computed"),
        ("inputs", '"nonsense"', "cannot be computed"),
        ("calculation_version", 99, "cannot be computed"),
        ("remedy_plan", '[{"kind": "cash", "amount": "40.00"}]', "do not match their hash"),
        ("justification", "Because", "do not match their hash"),
        ("content_hash", "0" * 64, "do not match their hash"),
    ],
)
def test_one_altered_value_is_found_and_named(desk: Desk, column: str, value: object, said: str) -> None:
    sound = settled(desk, decided(desk))
    altered = settled(desk, decided(desk))
    tamper(altered, column, value)
    found = replay_that_differs()
    assert len(found) == 2
    assert found[0].startswith(f"{altered.code}: ")
    assert said in found[0]
    assert found[1] == "2 refunds replayed, 1 differ."
    assert again(sound).code not in found[0]


def test_an_altered_input_is_found_by_the_line_that_it_makes(desk: Desk) -> None:
    refund = settled(desk, decided(desk))
    with connection.cursor() as cursor:
        cursor.execute("SELECT inputs FROM complaints_refund WHERE id = %s", [refund.pk])
        text = cursor.fetchone()[0]
    assert "2024-04-10" in text
    tamper(refund, "inputs", text.replace("2024-04-10", "2024-04-13"))
    assert replay_that_differs()[0] == f"{refund.code}: time was -20.00, is -26.00"
