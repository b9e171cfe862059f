"""Cases in another language than English: what a person reads, and what stays on record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, time
from decimal import Decimal

import pytest
from django.utils import timezone
from django.utils.translation import override

from audit.actions import Refused
from audit.models import Event
from complaints.cases.deadlines.actions import escalate_overdue_complaint
from complaints.digests.actions import send_digests
from complaints.digests.times import choose_digest_times
from complaints.indemnities.actions import draft_indemnity
from complaints.quotes.inputs_json import inputs_from_json
from complaints.quotes.text import lines_in_words, plan_in_words
from complaints.refunds.approvals.actions import approve_refund
from complaints.reversals.actions import approve_reversal, propose_reversal
from core.text import in_english
from messaging.outbox.models import OutgoingMessage
from policies.parameters.forms import AmountsField, DaysOrNeverField
from policies.parameters.text import figure
from policies.versions.models import PolicyVersion
from tests import factories
from tests.company_life import clock_on
from tests.complaints.cases import (
    Desk,
    again,
    decide,
    decided,
    propose,
    register,
    settled,
    spring_subscription,
    take_up,
)
from tests.complaints.terms import agreed

MONDAY = date(2024, 4, 15)


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk(limits=True)


@pytest.fixture
def italian() -> Iterator[None]:
    with override("it"):
        yield


def test_each_person_is_told_in_their_language(desk: Desk) -> None:
    for person, language in ((desk.manager, "it"), (desk.director, "")):
        person.language, person.email = language, f"{person.username}@example.com"
        person.save()
    with clock_on(MONDAY) as clock:
        clock.now = factories.at(MONDAY, 6)
        for person in (desk.manager, desk.director):
            choose_digest_times(by=person, times=[time(8)], weekdays=list(range(7)))
        refund = propose(desk, decided(desk))
        send_digests(by=desk.system, now=factories.at(MONDAY, 8))
    theirs, english = (OutgoingMessage.objects.get(staff=person) for person in (desk.manager, desk.director))
    assert "15 aprile 2024" in theirs.subject
    assert f"{refund.code}: 40,00 EUR, {refund.customer.name}" in theirs.body
    assert "15 April 2024" in english.subject
    assert f"{refund.code}: 40.00 EUR, {refund.customer.name}, by " in english.body


def test_a_lead_is_told_of_an_escalation_in_their_language_and_the_record_in_english(desk: Desk) -> None:
    complaint = take_up(desk, register(desk, agreed(desk, escalate_after_days=1)))
    desk.lead.language, desk.lead.email = "it", "lead@example.com"
    desk.lead.save()
    with override("it"):
        escalate_overdue_complaint(complaint.pk, by=desk.system)
    assert "24 aprile 2024" in OutgoingMessage.objects.get(staff=desk.lead).body
    event = Event.objects.get(verb="complaint.tell_lead")
    assert event.message == f"{complaint.code} is on level 1. It had to be decided by 24 April 2024 and is not."


@pytest.mark.usefixtures("italian")
def test_a_refusal_is_read_in_one_language_and_recorded_in_the_other(desk: Desk) -> None:
    dear = propose(desk, decided(desk, subscription=spring_subscription(agreed_fee=Decimal("150.02"))))
    with pytest.raises(Refused) as caught:
        approve_refund(dear.pk, by=desk.lead)
    assert "100,01 EUR" in caught.value.message
    event = Event.objects.order_by("-pk")[0]
    assert event.message.startswith("100.01 EUR is over your limit of 100.00 EUR. The limit to raise is: Team lead")
    dear.expires_on = date(2024, 5, 1)
    dear.save()
    with pytest.raises(Refused):
        approve_refund(dear.pk, by=desk.manager)
    assert Event.objects.order_by("-pk")[0].message == f"{dear.code} expired on 2024-05-01."


@pytest.mark.usefixtures("italian")
def test_why_a_refund_went_back_to_draft_is_kept_in_english(desk: Desk) -> None:
    subscription = spring_subscription()
    refund = propose(desk, decided(desk, subscription=subscription))
    factories.usage(subscription, day=timezone.localdate(refund.complaint.received_at), seconds=3000)
    with pytest.raises(Refused) as caught:
        approve_refund(refund.pk, by=desk.manager)
    assert "40,00 EUR" in caught.value.message
    assert "have changed since it was proposed: 40.00 EUR then, 39.00 EUR now." in again(refund).returned_reason


@pytest.mark.usefixtures("italian")
def test_an_indemnity_names_its_fault_and_its_reasons_in_english(desk: Desk) -> None:
    """The fault is told from others by its words: it must not depend on who asks."""
    subscription = factories.paid_subscription(
        activated_on=factories.days_ago(40), term="annual", agreed_fee=Decimal("60.00")
    )
    agreed(desk, subscription=subscription, indemnity_per_day={"EUR": "1.50"})
    received = factories.at(factories.days_ago(16), hour=10)
    complaint = decide(desk, take_up(desk, register(desk, subscription, received_at=received)))
    refund = draft_indemnity(complaint.pk, by=desk.agent)
    assert refund.fault == f"complaint {complaint.code}"
    assert refund.justification == "Indemnity for a late answer: 2 days late at 1.50 EUR a day: 3.00 EUR."


@pytest.mark.usefixtures("italian")
def test_what_a_reversal_comes_to_is_kept_in_english(desk: Desk) -> None:
    refund = settled(desk, decided(desk))
    reversal = propose_reversal(refund.pk, by=desk.agent, reason="Wrong customer")
    done = approve_reversal(reversal.pk, by=desk.director, charge_used=False)
    assert [entry["why"] for entry in done.entries] == ["what is left of the credit is taken back"]


def test_a_quote_is_written_as_its_reader_writes_numbers_and_days(desk: Desk) -> None:
    refund = again(propose(desk, decided(desk, subscription=spring_subscription(agreed_fee=Decimal("1500.00")))))
    read = {}
    for language in ("en", "it"):
        with override(language):
            lines = lines_in_words(inputs_from_json(refund.inputs), refund.lines, refund.period)
            read[language] = [line.amount for line in lines]
            read[f"{language} plan"] = [str(plan_in_words(refund.remedy_plan, refund.currency))]
    assert read["en"][0] == "1,500.00"
    assert read["it"][0] == "1.500,00"
    assert "1.000,00 EUR" in read["it plan"][0]
    recorded_plan = in_english(plan_in_words(refund.remedy_plan, refund.currency))
    assert recorded_plan == read["en plan"][0] == "1,000.00 EUR as credit on the next cycle"


def test_a_versions_name_has_its_day_as_its_reader_writes_it(desk: Desk) -> None:
    version = PolicyVersion.objects.get(policy__kind="refund")
    with override("it"):
        shown = str(version)
        assert in_english(version) == f"Refund policy, version 1 of {version.effective_from:%Y-%m-%d}"
    assert not re.search(r"\d{4}-\d\d-\d\d", shown)


@pytest.mark.usefixtures("italian")
def test_words_are_typed_in_either_language() -> None:
    days, amounts = DaysOrNeverField(least=0, required=False), AmountsField(required=False)
    assert days.clean("never") == days.clean(days.prepare_value("never").upper()) == "never"
    assert amounts.clean("none") == amounts.clean(amounts.prepare_value({})) == {}


def test_countries_are_called_as_the_reader_calls_them() -> None:
    with override("it"):
        assert figure("holidays_of", "DE").value == "Germania"
    assert figure("holidays_of", "DE").value == "Germany"
