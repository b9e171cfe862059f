"""The frame of actions: one transaction, one event; a refusal leaves its own event and nothing else."""

from __future__ import annotations

import pytest

from accounts.customers.actions import create_customer, edit_customer
from accounts.customers.models import Customer
from accounts.staff.models import User
from audit.actions import Obstacle, Refused, act, checked
from audit.models import Event
from audit.vocabulary import EventVerb, Refusal
from tests import factories
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db


class FrameVerb(EventVerb):
    RENAME = "test.rename"
    OUTER = "test.outer"
    STALE = "test.stale"
    X = "test.x"


@pytest.fixture
def agent() -> User:
    return factories.agent(first_name="Ada", last_name="Lind")


def rename(customer: Customer, name: str, *, by: User, then: Exception | None = None) -> None:
    with act(FrameVerb.RENAME, by=by, reason="They asked", target=(Customer, customer.pk)) as action:
        found = action.lock(Customer, customer.pk)
        action.about(found, customer_id=found.pk)
        found.name = name
        found.save()
        action.message = "Renamed."
        action.data = {"name": name}
        if then is not None:
            raise then


def test_an_action_leaves_one_event_with_its_facts(agent: User) -> None:
    customer = factories.CustomerFactory.create(name="Northwind")
    rename(customer, "Northwind Dental", by=agent)
    event = Event.objects.get()
    assert (event.verb, event.outcome, event.reason, event.message) == ("test.rename", "done", "They asked", "Renamed.")
    assert (event.actor_id, event.actor_name, event.actor_role) == (agent.pk, "Ada Lind", "Support agent")
    assert (event.target_type, event.target_id) == ("accounts.customer", customer.pk)
    assert (event.target_label, event.customer_id) == (f"Northwind ({customer.number})", customer.pk)
    assert event.data == {"name": "Northwind Dental"}
    row = customer.history.first()
    assert (row.history_change_reason, row.history_user_id) == ("They asked", agent.pk)
    assert row.history_request_id == event.request_id != ""


def test_a_refusal_rolls_everything_back_and_leaves_its_event(agent: User) -> None:
    customer = factories.CustomerFactory.create(name="Northwind")
    refused = Refused("Not now.", code="test", data={"because": "of the test"})
    assert_refused("test", rename, customer, "Other", by=agent, then=refused)
    event = Event.objects.get()
    assert (event.outcome, event.message, event.reason) == ("refused", "Not now.", "They asked")
    assert event.data == {"code": "test", "because": "of the test"}
    assert event.target_id == customer.pk
    assert Customer.objects.get().name == "Northwind"


def test_an_error_of_ours_rolls_back_and_is_no_refusal(agent: User) -> None:
    customer = factories.CustomerFactory.create(name="Northwind")
    with pytest.raises(ZeroDivisionError):
        rename(customer, "Other", by=agent, then=ZeroDivisionError())
    assert Customer.objects.get().name == "Northwind"
    assert not Event.objects.exists()


def test_an_action_within_an_action_shares_its_fate(agent: User) -> None:
    customer = factories.CustomerFactory.create(name="Northwind")

    def outer() -> None:
        with act(FrameVerb.OUTER, by=agent, target=(Customer, None)):
            rename(customer, "Inner", by=agent)
            raise Refused("The outer one is refused.", code="outer")

    with pytest.raises(Refused):
        outer()
    assert [(event.verb, event.outcome) for event in Event.objects.all()] == [("test.outer", "refused")]
    assert Customer.objects.get().name == "Northwind"


def test_only_the_outermost_writes_the_refusal(agent: User) -> None:
    customer = factories.CustomerFactory.create(name="Northwind")
    with pytest.raises(Refused), act(FrameVerb.OUTER, by=agent, target=(Customer, None)):
        rename(customer, "Inner", by=agent, then=Refused("No.", code="inner"))
    assert [(event.verb, event.outcome) for event in Event.objects.all()] == [("test.outer", "refused")]


def test_both_events_of_nested_actions_have_one_request(agent: User) -> None:
    customer = factories.CustomerFactory.create()
    with act(FrameVerb.OUTER, by=agent, target=(Customer, None)):
        rename(customer, "Inner", by=agent)
    assert [event.verb for event in Event.objects.order_by("pk")] == ["test.rename", "test.outer"]
    assert len(set(Event.objects.values_list("request_id", flat=True))) == 1


def test_a_refusal_may_keep_what_was_written(agent: User) -> None:
    customer = factories.CustomerFactory.create(name="Northwind")

    def give_back() -> None:
        with act(FrameVerb.STALE, by=agent, target=(Customer, customer.pk)) as action:
            found = action.lock(Customer, customer.pk)
            found.name = "Kept"
            found.save()
            action.refuse_keeping_changes(Refused("Stale.", code="stale"))

    with pytest.raises(Refused):
        give_back()
    assert Customer.objects.get().name == "Kept"
    assert Event.objects.get().outcome == "refused"


def test_a_row_that_is_gone_is_a_refusal(agent: User) -> None:
    assert_refused("missing", edit_customer, 12345, by=agent, name="x", saying="does not exist")


def test_an_obstacle_is_its_sentence_and_brings_its_code(agent: User) -> None:
    obstacle = Obstacle("Too late.", Refusal.DATES)
    assert (str(obstacle), obstacle.code) == ("Too late.", "dates")

    def attempt() -> None:
        with act(FrameVerb.X, by=agent, target=(Customer, None)) as action:
            action.refuse_if(None)
            action.refuse_if(obstacle)

    with pytest.raises(Refused) as caught:
        attempt()
    assert (caught.value.code, caught.value.message) == ("dates", "Too late.")


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_reason_of_blanks_is_none(agent: User, reason: str) -> None:
    with pytest.raises(Refused) as caught, act(FrameVerb.X, by=agent, reason=reason, target=(Customer, None)) as action:
        action.require_reason("why")
    assert caught.value.code == "reason_missing"


def test_checked_names_each_field_in_words() -> None:
    with pytest.raises(Refused) as caught:
        checked(Customer(number="K 1", name="", country="XX"))
    assert caught.value.code == "invalid"
    assert caught.value.data == {"fields": ["country", "name", "number"]}
    assert "country: “XX” is no country of ISO 3166." in caught.value.message


def test_events_are_read_by_row_and_by_customer(agent: User) -> None:
    one = create_customer(by=agent, name="One")
    two = create_customer(by=agent, name="Two")
    assert [event.target_id for event in Event.objects.about(one)] == [one.pk]
    assert [event.target_id for event in Event.objects.of_customer(two.pk)] == [two.pk]
