"""A year in which the agent follows the home page: nobody is left untold, and what was late has its breach.

The random lives of ``tests/test_money_state_machine.py`` end in the same way; this one is short, and read on the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from django.test import Client

from accounts.staff.models import User
from audit.actions import Refused
from complaints.cases.models import Complaint, DeadlineBreach
from complaints.notices.models import Notice
from complaints.refunds.models import Refund
from complaints.upkeep.actions import run_upkeep
from messaging.notices.models import ChangeNotice
from messaging.sending.actions import send_due
from tests.company_life_notices import NoticeLife, WillingServer
from tests.test_money_state_machine import company

pytestmark = pytest.mark.django_db

TO_TELL, CHANGES = "Customers to be told", "Changes that customers have to hear of"


@pytest.fixture
def life(db: None) -> Iterator[NoticeLife]:
    class Ours(company()):  # type: ignore[misc]
        """Without looking at every row after each step: other lives do."""

        def do(self, action: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            try:
                found = action(*args, **kwargs)
            except Refused:
                return None
            self.done[action.__name__] += 1
            return found

    found = Ours()
    yield found
    found.teardown()


def home_of(person: User) -> str:
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    return client.get("/").content.decode()


def listed(page: str, card: str, path: str) -> list[int]:
    """The keys of the rows that a card of somebody's home page leads to."""
    _, found, rest = page.partition(f">{card}")
    text = rest.partition("</section>")[0]
    assert not found or "<table" in text, text[:300]
    return [int(pk) for pk in dict.fromkeys(re.findall(rf'href="/{path}/(\d+)/change/"', text))]


def follow_the_page(life: NoticeLife) -> int:
    """What everybody's home page lists is told, row by row. Returns how much there was."""
    done = 0
    # The agent's, and of those who see what nobody at work owns, one each.
    for person in (life.desk.agent, life.desk.lead, life.desk.clerk):
        page = home_of(person)
        for pk in listed(page, TO_TELL, "complaints/complaint"):
            life.tell(Complaint.objects.get(pk=pk), person)
            done += 1
        for pk in listed(page, CHANGES, "messaging/changenotice"):
            life.record(pk, person)
            done += 1
    return done


def test_a_year_whose_agent_follows_the_home_page_leaves_nobody_untold(life: NoticeLife) -> None:
    life.begin(anchor=date(2024, 1, 31), first="EUR", annual=False)
    case: dict[str, Any] = {"basis": "special", "share": 3, "goes": "approved", "back": 0, "number": 0}
    late: list[Complaint] = []
    for month in range(12):
        outcome = ("upheld", "rejected", "partly_upheld")[month % 3]
        remedies = (("credit",), ("extension",), ("cash",))[month % 3]
        life.complain(outcome=outcome, remedies=remedies, **case)
        newest = Complaint.objects.latest("pk")
        if month % 2:
            life.take_up(number=0)
        if month == 4:
            late.append(newest)
        life.customer_moves(number=0, account=True, address=("", "other")[month % 2])
        life.cancel_or_undo(number=0, off=month % 2 == 0, late=0)
        if month in (5, 9):
            life.take_back_used(number=month, charge=False)
        assert Notice.objects.owed().exists()
        assert ChangeNotice.objects.owed().exists()
        if month != 4:
            # The page itself once a quarter: the same rows, read as people read them.
            if month % 3 == 2:
                assert follow_the_page(life)
                send_due(limit=1000, post=WillingServer())
                while follow_the_page(life):
                    pass
            life.work_through_home()
            assert not Notice.objects.owed().exists()
            assert not ChangeNotice.objects.owed().exists()
        life.pass_days(days=28, step=7, bills=True, pays=True)
        run_upkeep(by=life.desk.system)
    assert Refund.objects.filter(state=Refund.State.SETTLED).count() > 5
    # The month in which nobody looked at the page is on record for good.
    assert set(DeadlineBreach.objects.filter(complaint__in=late).values_list("deadline", flat=True)) >= {"tell"}
    life.nobody_is_left_untold()
    assert life.done["tell_outcome"] > 3
    assert life.done["communicate_decision"] > 8
    assert life.done["record_told"] > 3
