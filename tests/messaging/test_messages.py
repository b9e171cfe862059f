"""Templates of messages: every kind and language reads well with every field and without any optional one; what a
template may not hold; figures and days in the reader's language; queueing.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.customers.models import Contact, Customer
from audit.actions import Refused
from audit.tracked import UntrackedWrite
from messaging.outbox.models import Delivery, OutgoingMessage
from messaging.outbox.queue import NewMessage, queue_message, queue_messages
from messaging.templates.actions import edit_template, preview, send_test
from messaging.templates.kinds import FIELDS, FOR_STAFF, complete, examples_of
from messaging.templates.models import MessageKind, MessageTemplate
from messaging.templates.reader import Reader
from messaging.templates.rendering import render
from tests import factories
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db

LANGUAGES = [language.value for language in Customer.Language]
#: Every kind and language: in full, bare, and without each optional field in turn.
MISSING = [
    (kind.value, language, missing)
    for kind in MessageKind
    for language in LANGUAGES
    for missing in (None, "every", *(field.name for field in FIELDS[kind] if field.optional))
]


def template(kind: str, language: str = "en") -> MessageTemplate:
    return MessageTemplate.objects.get(kind=kind, language=language)


@pytest.mark.parametrize(("kind", "language", "missing"), MISSING)
def test_every_template_reads_well_whatever_is_missing(kind: str, language: str, missing: str | None) -> None:
    values = examples_of(kind, required_only=missing == "every")
    values.pop(missing or "", None)
    found = template(kind, language)
    words = render(kind, found.subject, found.body, values)

    assert words.subject
    assert "\n" not in words.subject
    whole = f"{words.subject}\n{words.body}"
    assert "{{" not in whole
    assert "{%" not in whole
    assert "\n\n\n" not in words.body
    assert "  " not in whole
    assert " ." not in whole
    assert " ,\n" not in whole
    for name, value in values.items():
        if name in ("partly", "nothing_due", "due", "due_on"):
            continue  # they choose between sentences
        if missing == "refund_total" and name in ("calculation", "remedies"):
            continue  # nothing was given back, so there is nothing to explain
        for text in [value] if isinstance(value, str) else value:
            assert text in whole, name


def test_there_is_a_text_for_every_kind_and_language_and_each_has_its_history() -> None:
    found = {(row.kind, row.language) for row in MessageTemplate.objects.all()}
    assert found == {(kind.value, language) for kind in MessageKind for language in LANGUAGES}
    for row in MessageTemplate.objects.all():
        assert row.history.count() == 1
        assert row.history.get().body == row.body


def test_the_two_languages_are_two() -> None:
    for kind in MessageKind:
        assert template(kind, "en").body != template(kind, "it").body
        assert {"Dear", "Good day"} & set(template(kind, "en").body.replace("\n", " ").split(" {{")[:1])
        assert template(kind, "it").body.startswith(("Gentile", "Buongiorno"))


# --- What a template may not hold ---------------------------------------------------------------

BAD: dict[str, tuple[str, str]] = {
    "an unknown field": ("Dear {{ nme }}", "no field “nme”"),
    "an unknown field in a condition": ("{% if nme %}x{% endif %}y", "no field “nme”"),
    "an unknown field in a filter": ("{{ name|default:nme }}", "no field “nme”"),
    "an attribute": ("{{ name.upper }}", "“name.upper” is not a field"),
    "a private attribute": ("{{ name.__class__ }}", "underscores"),
    "include": ("{% include 'x' %}", "“include” cannot be used"),
    "extends": ("{% extends 'x' %}", "“extends” cannot be used"),
    "load": ("{% load x %}", "“load” cannot be used"),
    "debug": ("{% debug %}", "“debug” cannot be used"),
    "autoescape": ("{% autoescape off %}x{% endautoescape %}", "“autoescape” cannot be used"),
    "verbatim": ("{% verbatim %}x{% endverbatim %}", "“verbatim” cannot be used"),
    "an empty tag": ("{% %}", "“” cannot be used"),
    "an unknown filter": ("{{ name|safe }}", "no filter “safe”"),
    "a filter that runs long": ("{{ name|center:999999999 }}", "no filter “center”"),
    "an if without its end": ("{% if name %}x", "“if” of line 1 is not closed"),
    "an end without its if": ("x\n{% endif %}", "“endif” of line 2 has nothing before it"),
    "an if of nothing": ("{% if %}x{% endif %}", "cannot be read as a template"),
    "an open brace": ("Dear {{ name", "Line 1 has “{{” without its other half"),
    "a list shown whole": ("{{ calculation }}", "“calculation” is a list"),
    "a loop over a text": ("{% for x in name %}{{ x }}{% endfor %}", "“name” is none"),
    "a loop over a literal": ("{% for x in 'abc' %}{{ x }}{% endfor %}y", "needs a list"),
    "a loop with two names": ("{% for a, b in calculation %}x{% endfor %}", "with one name"),
    "a loop that hides a field": ("{% for name in calculation %}x{% endfor %}", "“name” is a field already"),
    "a loop's name outside it": ("{% for x in calculation %}{% endfor %}{{ x }}", "no field “x”"),
    "nothing": (" \n", "cannot be empty"),
    "nothing without the optional fields": ("{% if partly %}x{% endif %}", "Without its optional fields"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_template_that_could_fail_is_refused_with_what_is_wrong(case: str) -> None:
    body, saying = BAD[case]
    row, by = template("decision_upheld"), factories.lead()
    assert_refused(
        "template", lambda: edit_template(row.pk, by=by, subject="About {{ code }}", body=body), saying=saying
    )


@pytest.mark.parametrize(
    "subject", ["Two\nlines", "Two\r\nBcc: all@example.com", "{% include 'x' %}", "{{ nme }}", " "]
)
def test_a_bad_subject_is_refused(subject: str) -> None:
    row, by = template("acknowledgement"), factories.lead()
    assert_refused("template", lambda: edit_template(row.pk, by=by, subject=subject, body="Dear {{ name }}"))


def test_loops_and_conditions_do_what_they_should() -> None:
    body = (
        "{% for line in calculation %}{{ forloop.counter }}. {{ line }}{% if not forloop.last %};{% endif %}\n"
        '{% empty %}nothing{% endfor %}{{ remedies|join:" and " }}{% if partly and not contact %}partly{% endif %}'
    )
    values = {**examples_of("decision_upheld"), "calculation": ["a", "b"], "remedies": ["c", "d"], "contact": ""}
    assert render("decision_upheld", "x", body, values).body == "1. a;\n2. b\nc and dpartly"


def test_what_fills_a_template_is_never_a_template_nor_html() -> None:
    words = preview("acknowledgement", "{{ subject }}", "{{ name }}")
    assert words.subject
    values = {**examples_of("acknowledgement"), "name": "<b>{{ code }}</b> & {% debug %}", "subject": "A\r\nBcc: x@y.z"}
    words = render("acknowledgement", "{{ subject }}", "{{ name }}", values)
    assert words.body == "<b>{{ code }}</b> & {% debug %}"
    assert words.subject == "A Bcc: x@y.z"


def test_fields_are_complete_or_the_program_is_wrong() -> None:
    with pytest.raises(ValueError, match="nme"):
        complete("acknowledgement", {"nme": "x"})
    with pytest.raises(ValueError, match="code"):
        complete("acknowledgement", {"name": "x"})


# --- Changing one -------------------------------------------------------------------------------


def test_a_changed_text_holds_from_now_on_and_the_old_one_stays_in_the_history() -> None:
    customer = factories.CustomerFactory.create(language="it")
    row, by = template("payout_made", "it"), factories.manager()
    old = row.body
    first = factories.outgoing_message(customer)

    edit_template(row.pk, by=by, subject="Pagato: {{ amount }}", body="Fatto, {{ name }}.", reason="Shorter")
    second = factories.outgoing_message(customer)

    assert (second.subject, second.body) == ("Pagato: 40.00 EUR", f"Fatto, {customer.name}.")
    first.refresh_from_db()
    assert "Gentile" in first.body
    versions = list(row.history.order_by("history_id"))
    assert [version.body for version in versions] == [old, "Fatto, {{ name }}.\n"]
    assert (versions[1].history_user, versions[1].history_change_reason) == (by, "Shorter")
    assert_refused(
        "nothing",
        lambda: edit_template(row.pk, by=by, subject="Pagato: {{ amount }}", body="Fatto, {{ name }}."),
    )


@pytest.mark.parametrize("person", ["agent", "billing_clerk", "auditor", "administrator"])
def test_who_may_not_change_texts(person: str) -> None:
    row, by = template("question"), getattr(factories, person)()
    assert_refused("permission", lambda: edit_template(row.pk, by=by, subject="x", body="y"))
    assert_refused("permission", lambda: send_test(row.pk, by=by))


def test_a_test_needs_an_address_of_ones_own() -> None:
    row, by = template("question"), factories.lead(email="")
    assert_refused("no_address", lambda: send_test(row.pk, by=by))


# --- The reader's language ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "currency", "english", "italian"),
    [
        ("28.26", "EUR", "28.26 EUR", "28,26 EUR"),
        ("1234.5", "EUR", "1,234.50 EUR", "1.234,50 EUR"),
        ("-20", "EUR", "−20.00 EUR", "−20,00 EUR"),
        ("1000000", "JPY", "1,000,000 JPY", "1.000.000 JPY"),
        ("1.5", "KWD", "1.500 KWD", "1,500 KWD"),
        ("0.015", "EUR", "0.015 EUR", "0,015 EUR"),
        ("0", "EUR", "0.00 EUR", "0,00 EUR"),
    ],
)
def test_amounts_as_the_reader_writes_them(amount: str, currency: str, english: str, italian: str) -> None:
    assert Reader("en").money(Decimal(amount), currency) == english
    assert Reader("it").money(Decimal(amount), currency) == italian


def test_days_as_the_reader_writes_them() -> None:
    day = date(2024, 4, 1)
    assert (Reader("en").day(day), Reader("it").day(day)) == ("1 April 2024", "1 aprile 2024")


# --- Queueing -----------------------------------------------------------------------------------

FIELDS_OF_PAYOUT = {"amount": "40.00 EUR", "paid_on": "2 May 2024", "reference": "SEPA-1"}


def payout(customer: Customer, key: str, **kwargs: Any) -> NewMessage:
    return NewMessage(kind="payout_made", key=key, customer=customer, fields=FIELDS_OF_PAYOUT, **kwargs)


def test_a_queued_message_is_frozen() -> None:
    message = factories.outgoing_message()
    message.body = "Other words"
    with pytest.raises(UntrackedWrite):
        message.save()
    with pytest.raises(UntrackedWrite):
        OutgoingMessage.objects.update(body="Other words")


def test_nobody_is_told_twice_of_one_occasion() -> None:
    customer, by = factories.CustomerFactory.create(), factories.agent()
    first = queue_message(kind="payout_made", key="k", by=by, customer=customer, fields=FIELDS_OF_PAYOUT)
    again = queue_message(kind="payout_made", key="k", by=by, customer=customer, fields=FIELDS_OF_PAYOUT)
    assert again == first
    batch = queue_messages([payout(customer, "k"), payout(customer, "new"), payout(customer, "new")], by=by)
    assert batch[0] == first
    assert batch[1] == batch[2]
    assert OutgoingMessage.objects.count() == Delivery.objects.count() == 2


def test_the_words_are_the_customers_language_or_what_somebody_wrote() -> None:
    by = factories.agent()
    italian = factories.CustomerFactory.create(language="it")
    assert "Gentile" in factories.outgoing_message(italian, by=by).body
    assert factories.outgoing_message(by=by).body.startswith("Dear")
    written = factories.outgoing_message(italian, by=by, text="\r\nCaro {{ name }},\r\nciao.\n")
    assert (written.subject, written.body) == ("Le abbiamo pagato 40.00 EUR", "Caro {{ name }},\nciao.")


def test_a_customer_without_an_address_is_told_at_that_of_a_contact() -> None:
    customer = factories.CustomerFactory.create(email="")
    Contact.objects.create(customer=customer, name="Gone", email="gone@example.com", active=False)
    Contact.objects.create(customer=customer, name="Silent")
    Contact.objects.create(customer=customer, name="Nora", email="nora@example.com")
    assert factories.outgoing_message(customer).recipient == "nora@example.com"


def test_without_any_address_one_message_is_refused_and_a_batch_is_kept_as_not_told() -> None:
    customer, by = factories.CustomerFactory.create(email=""), factories.agent()
    with pytest.raises(Refused, match="no e-mail address on file") as caught:
        factories.outgoing_message(customer, by=by)
    assert caught.value.code == "no_address"
    assert not OutgoingMessage.objects.exists()

    [message] = queue_messages([payout(customer, "k")], by=by)

    assert message.recipient == ""
    assert message.delivery.state == Delivery.State.NO_ADDRESS


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(Refused, match="no e-mail address") as caught:
        factories.outgoing_message(recipient="Ms Rossi")
    assert caught.value.code == "recipient"


def test_staff_are_told_their_own_kinds_alone() -> None:
    person = factories.lead(email="lena@example.com")
    by = factories.system_user()
    message = queue_message(
        kind="staff_escalation",
        key="e:1",
        by=by,
        staff=person,
        fields={"code": "C-1", "subject": "Noise", "customer": "Rossi", "level": "2"},
    )
    assert (message.recipient, message.customer, message.language) == ("lena@example.com", None, "en")
    assert f"Good day {person}" in message.body
    with pytest.raises(ValueError, match="for the others"):
        queue_message(kind="payout_made", key="x", by=by, staff=person, fields=FIELDS_OF_PAYOUT)
    assert {kind for kind in FIELDS if kind in FOR_STAFF} == {"staff_digest", "staff_escalation", "staff_incident"}


def test_a_batch_takes_as_many_statements_for_many_as_for_few() -> None:
    by = factories.billing_clerk()
    customers = factories.CustomerFactory.create_batch(60)
    Customer.objects.get(pk=customers[0].pk)

    def statements(count: int, name: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            queue_messages([payout(customer, f"{name}:{customer.pk}") for customer in customers[:count]], by=by)
        return len(captured)

    assert statements(60, "many") == statements(3, "few")
    assert OutgoingMessage.objects.count() == 63
