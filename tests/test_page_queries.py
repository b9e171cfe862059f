"""The pages that people work on ask the database as often for much work as for little."""

from __future__ import annotations

import pytest

from tests.complaints.cases import Desk, refund_in, register, take_up
from tests.test_list_queries import queries, signed_in

pytestmark = pytest.mark.django_db

#: The aim of every page.
MOST = 15


def test_home_and_inbox_stay_within_the_limit_however_much_waits() -> None:
    desk = Desk(limits=True)
    pages = [(signed_in(desk.agent), "/"), (signed_in(desk.manager), "/complaints/refund/inbox/")]

    def asked() -> list[int]:
        # The first time fills what is kept for a while.
        return [(queries(client, url), queries(client, url))[1] for client, url in pages]

    refund_in(desk, "proposed")
    register(desk)
    few = asked()
    for _ in range(4):
        refund_in(desk, "proposed")
        register(desk)
    many = asked()
    assert [b for a, b in zip(few, many, strict=True) if b > a] == []
    assert max(many) <= MOST


def test_a_case_asks_as_often_beside_many_others() -> None:
    desk = Desk(limits=True)
    case = take_up(desk, register(desk))
    url = f"/complaints/complaint/{case.pk}/change/"
    client = signed_in(desk.agent)
    few = (queries(client, url), queries(client, url))[1]
    for _ in range(4):
        register(desk, period=case.period, subject="Again")
        refund_in(desk, "proposed")
    assert queries(client, url) <= few
