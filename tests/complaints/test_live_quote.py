"""The quote on the case's page: live, by script or by its button, and what-if that proposes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.staff.models import User
from audit.models import Event
from complaints.cases.models import Complaint
from complaints.incidents.models import Incident
from complaints.quotes.quoting import Choices, live_quote
from complaints.quotes.what_if import WhatIf, quote_what_if
from complaints.refunds.models import Refund
from tests.complaints.cases import Desk, decided, settled

pytestmark = pytest.mark.django_db


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="accounts.staff.auth.StaffBackend")
    return client


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


def quote_url(complaint: Complaint) -> str:
    return reverse("admin:complaints_complaint_quote", args=(complaint.pk,))


def page_url(complaint: Complaint) -> str:
    return reverse("admin:complaints_complaint_change", args=(complaint.pk,))


def shown(complaint: Complaint, by: User, **inputs: Any) -> str:
    inputs = {"basis": "usage", **inputs}
    fragment = client_of(by).get(quote_url(complaint), inputs).content.decode()
    page = client_of(by).get(page_url(complaint), inputs).content.decode()
    assert "<html" not in fragment
    # The same card without script: by its button, on the page itself.
    core = [line.strip() for line in fragment.splitlines() if line.strip()]
    assert all(line in page for line in core)
    return fragment


def amount(live: Any) -> str:
    return f"{live.quote.total:.2f} EUR"


def test_every_input_recomputes(desk: Desk) -> None:
    complaint = decided(desk)
    usage = live_quote(complaint, complaint.period, Choices("usage"))
    assert amount(usage) in shown(complaint, desk.agent)
    month = live_quote(complaint, complaint.period, Choices("full_month"))
    assert amount(month) in shown(complaint, desk.agent, basis="full_month")
    special = Choices("special", special_amount=Decimal("7.00"))
    assert "7.00 EUR" in shown(complaint, desk.agent, basis="special", special_amount="7.00")
    assert live_quote(complaint, complaint.period, special).quote.total == Decimal("7.00")
    less = live_quote(complaint, complaint.period, Choices("usage", reduction=Decimal("1.50")))
    assert amount(less) in shown(complaint, desk.agent, reduction="1.50")


def test_a_mix_of_remedies_adds_up_or_says_why_not(desk: Desk) -> None:
    complaint = decided(desk)
    mixed = shown(complaint, desk.agent, rest="credit", cash_amount="2.00")
    assert "2.00 EUR in cash" in mixed
    assert "as credit on the next cycle" in mixed
    assert "have to add up" in shown(complaint, desk.agent, rest="credit", minutes_amount="9999.00")


def test_another_day_of_receipt_is_only_a_what_if(desk: Desk) -> None:
    complaint = decided(desk)
    earlier = complaint.period.starts_on
    assumed = quote_what_if(complaint, complaint.period, Choices("usage"), WhatIf(as_of=earlier))
    live = live_quote(complaint, complaint.period, Choices("usage"))
    assert assumed.quote.total > live.quote.total
    assert timezone.localdate(complaint.received_at) != earlier
    card = shown(complaint, desk.agent, as_of=earlier.isoformat())
    assert "What if" in card
    assert amount(assumed) in card
    same_day = timezone.localdate(complaint.received_at).isoformat()
    assert "What if" not in shown(complaint, desk.agent, as_of=same_day)


def test_an_interruption_can_be_left_out_to_see_what_it_makes(desk: Desk) -> None:
    complaint = decided(desk, category="interruption")
    start = datetime.combine(complaint.period.starts_on + timedelta(days=2), datetime.min.time(), tzinfo=UTC)
    outages = [
        Incident.objects.create(
            code=f"I-9{n}",
            title=f"Outage {n}",
            starts_at=start + timedelta(days=n),
            ends_at=start + timedelta(days=n, hours=10),
            hits_everybody=True,
        )
        for n in range(2)
    ]
    live = live_quote(complaint, complaint.period, Choices("interruption"))
    without = quote_what_if(complaint, complaint.period, Choices("interruption"), WhatIf(without={outages[0].pk}))
    assert 0 < without.quote.total < live.quote.total
    inputs: dict[str, Any] = {"basis": "interruption", "counted_shown": f"{outages[0].pk},{outages[1].pk},"}
    both = shown(complaint, desk.agent, **inputs, counted=[outage.pk for outage in outages])
    assert amount(live) in both
    assert "What if" not in both
    one = shown(complaint, desk.agent, **inputs, counted=[outages[1].pk])
    assert amount(without) in one
    assert "What if" in one


@pytest.mark.parametrize(
    "inputs",
    [
        {"basis": "cash"},
        {"reduction": "-1"},
        {"reduction": "many"},
        {"as_of": "yesterday"},
        {"period": "999999999"},
        {"special_amount": "1e400", "basis": "special"},
        {"counted": "x"},
        {"rest": "gold"},
    ],
)
def test_what_makes_no_sense_is_said(desk: Desk, inputs: dict[str, str]) -> None:
    answer = client_of(desk.agent).get(quote_url(decided(desk)), {"basis": "usage", **inputs})
    assert answer.status_code == 200
    assert "Please correct" in answer.content.decode()


@pytest.mark.parametrize(
    "inputs", [{"special_amount": "", "basis": "special"}, {"as_of": "1999-01-01"}, {"reduction": "99999"}]
)
def test_what_gives_no_quote_is_said(desk: Desk, inputs: dict[str, str]) -> None:
    answer = client_of(desk.agent).get(quote_url(decided(desk)), {"basis": "usage", **inputs})
    assert answer.status_code == 200
    assert "No quote" in answer.content.decode() or "Nothing can be proposed" in answer.content.decode()


def test_looking_changes_nothing(desk: Desk) -> None:
    complaint = decided(desk)
    before = Event.objects.count(), Refund.objects.count(), Complaint.history.count()
    shown(complaint, desk.agent, as_of=complaint.period.starts_on.isoformat(), reduction="1")
    assert (Event.objects.count(), Refund.objects.count(), Complaint.history.count()) == before


def test_who_sees_a_quote(desk: Desk) -> None:
    complaint = decided(desk)
    for person, status in ((desk.lead, 200), (desk.auditor, 200), (desk.clerk, 403), (desk.administrator, 403)):
        assert client_of(person).get(quote_url(complaint)).status_code == status, person
    assert client_of(desk.agent).get(quote_url(complaint).replace(str(complaint.pk), "0")).status_code == 404
    assert 'id="quote"' not in client_of(desk.clerk).get(page_url(complaint)).content.decode()


def test_similar_cases_stand_beside_the_quote(desk: Desk) -> None:
    complaint = decided(desk)
    assert "Similar cases" not in shown(complaint, desk.agent)
    for _ in range(2):
        settled(desk, decided(desk))
    settled(desk, decided(desk, category="support"))
    card = shown(complaint, desk.agent)
    assert "Similar cases (2)" in card


def test_more_similar_cases_need_no_more_queries(desk: Desk) -> None:
    complaint = decided(desk)
    client = client_of(desk.agent)
    counts = []
    for _ in range(2):
        settled(desk, decided(desk))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(quote_url(complaint), {"basis": "usage"})
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_proposal_previews_as_it_is_typed(desk: Desk) -> None:
    complaint = decided(desk)
    client = client_of(desk.agent)
    url = reverse("admin:complaints_complaint_act", args=("propose",)) + f"?ids={complaint.pk}"
    assert "hx-post" in client.get(url).content.decode()
    typed = {"basis": "full_month", "_preview": "1", "period_id": complaint.period_id, "rest": "credit"}
    answer = client.post(url, typed, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in answer
    assert amount(live_quote(complaint, complaint.period, Choices("full_month"))) in answer
    assert "<html" in client.post(url, typed).content.decode()
    assert not Refund.objects.exists()
