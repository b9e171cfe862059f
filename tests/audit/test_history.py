"""What a history row says: who, why, in which request, from where; for one row and for many at once."""

from __future__ import annotations

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse

from accounts.customers.models import Customer
from accounts.staff.models import User
from audit import context
from audit.bulk import create_tracked, update_tracked
from audit.models import Event
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_save_keeps_who_why_where_and_what() -> None:
    agent = factories.agent(first_name="Ada", last_name="Lind")
    customer = factories.CustomerFactory.create(name="Northwind")
    with context.acting(user=agent, source="page", request_id="r1", reason="They moved"):
        customer.name = "Northwind Dental"
        customer.save()
    newest = customer.history.first()
    assert (newest.history_type, newest.name) == ("~", "Northwind Dental")
    assert (newest.history_user_id, newest.history_actor_name) == (agent.pk, "Ada Lind")
    assert (newest.history_change_reason, newest.history_request_id, newest.history_source) == (
        "They moved",
        "r1",
        "page",
    )
    assert [row.name for row in customer.history.order_by("history_id")] == ["Northwind", "Northwind Dental"]


def test_the_name_of_the_actor_is_a_copy() -> None:
    agent = factories.agent(first_name="Ada", last_name="Lind")
    with context.acting(user=agent):
        customer = factories.CustomerFactory.create()
    agent.last_name = "Berg"
    agent.save()
    assert customer.history.get().history_actor_name == "Ada Lind"


def test_outside_of_any_action_nobody_is_named() -> None:
    row = factories.CustomerFactory.create().history.get()
    assert (row.history_user_id, row.history_actor_name, row.history_source) == (None, "", "command")


def test_passwords_and_sign_ins_are_no_history() -> None:
    user = factories.agent()
    before = user.history.count()
    user.last_login = factories.at(factories.today())
    user.save(update_fields=["last_login"])
    assert user.history.count() == before
    fields = {field.name for field in User.history.model._meta.get_fields()}
    assert not fields & {"password", "last_login"}


def test_a_request_names_the_person_and_its_id(client: Client) -> None:
    person = factories.agent()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    customer = factories.CustomerFactory.create(name="Northwind")
    url = f"{reverse('admin:accounts_customer_act', args=('edit',))}?ids={customer.pk}"
    values = {
        "name": "Northwind Dental",
        "kind": "company",
        "email": customer.email,
        "phone": customer.phone,
        "country": "IT",
        "language": "en",
        "currency": "EUR",
        "iban": customer.iban,
    }
    response = client.post(url, values)
    assert response.status_code == 302
    row = customer.history.first()
    event = Event.objects.latest("pk")
    assert row.history_request_id == event.request_id == response.headers["X-Request-Id"]
    assert (row.history_source, row.history_user_id, event.actor_id) == ("page", person.pk, person.pk)


def test_each_block_has_a_request_id_of_its_own_and_gives_it_back() -> None:
    with context.acting(source="job") as outer:
        with context.acting(reason="why") as inner:
            assert (inner.request_id, inner.source, inner.reason) == (outer.request_id, "job", "why")
        assert context.current() == outer
    assert context.current().request_id == ""


# --- Many rows at once --------------------------------------------------------------------------


def test_an_update_of_many_rows_records_each() -> None:
    agent = factories.agent(first_name="Ada", last_name="Lind")
    changed = factories.CustomerFactory.create_batch(3, country="IT")
    left = factories.CustomerFactory.create(country="DE")
    with context.acting(user=agent, source="job", request_id="r2"):
        count = update_tracked(Customer.objects.filter(country="IT"), reason="New code", country="SM")
    assert count == 3
    for customer in changed:
        row = customer.history.first()
        assert (row.history_type, row.country, row.name, row.iban) == ("~", "SM", customer.name, customer.iban)
        assert (row.history_user_id, row.history_actor_name, row.history_source) == (agent.pk, "Ada Lind", "job")
        assert (row.history_change_reason, row.history_request_id) == ("New code", "r2")
        assert customer.history.count() == 2
    assert left.history.count() == 1


def test_the_history_of_a_bulk_update_equals_that_of_a_save() -> None:
    one, many = factories.CustomerFactory.create_batch(2)
    agent = factories.agent()
    with context.acting(user=agent, request_id="r", reason="why"):
        one.notes = "seen"
        one.save()
        update_tracked(Customer.objects.filter(pk=many.pk), notes="seen")

    def facts(customer: Customer) -> dict[str, object]:
        # All but what tells the two apart anyway.
        apart = {"id", "number", "name", "email", "phone", "iban", "history_id", "history_date"}
        row = customer.history.first()
        return {
            field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if field.name not in apart
        }

    assert facts(one) == facts(many)


def test_values_of_a_bulk_update_may_be_expressions() -> None:
    customer = factories.CustomerFactory.create(name="Northwind", notes="")
    update_tracked(Customer.objects.all(), notes=F("name"))
    assert customer.history.first().notes == "Northwind"


def test_rows_created_at_once_have_a_first_version_each() -> None:
    agent = factories.agent()
    with context.acting(user=agent, source="command"):
        made = create_tracked(
            Customer, [Customer(number=f"X-{n}", name=f"Name {n}") for n in range(3)], reason="Import of 3"
        )
    assert [customer.number for customer in made] == ["X-0", "X-1", "X-2"]
    for customer in made:
        row = customer.history.get()
        assert (row.history_type, row.number, row.currency) == ("+", customer.number, "EUR")
        assert (row.history_change_reason, row.history_user_id) == ("Import of 3", agent.pk)


def test_nothing_to_change_records_nothing() -> None:
    assert update_tracked(Customer.objects.none(), notes="x") == 0
    assert create_tracked(Customer, []) == []
    assert Customer.history.count() == 0


def test_more_rows_than_one_statement_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.bulk.CHUNK", 2)
    create_tracked(Customer, [Customer(number=f"X-{n}", name="Name") for n in range(5)])
    assert update_tracked(Customer.objects.all(), notes="seen") == 5
    assert Customer.history.filter(history_type="~", notes="seen").values("id").distinct().count() == 5
    assert Customer.history.count() == 10


@pytest.mark.parametrize("model_label", ["accounts.customer", "billing.invoice", "accounts.user"])
def test_a_history_table_has_three_indexes_and_no_more(model_label: str) -> None:
    from django.apps import apps
    from django.db import connection

    history = apps.get_model(model_label).history.model
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, history._meta.db_table)
    columns = sorted(tuple(entry["columns"]) for entry in found.values() if entry["index"] and not entry["primary_key"])
    key = history.instance_type._meta.pk.column
    assert columns == sorted(
        [
            (key, "history_date", "history_id"),
            ("history_user_id", "history_date", "history_id"),
            ("history_date", "history_id"),
        ]
    )
