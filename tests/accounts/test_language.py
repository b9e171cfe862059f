"""The language of a person's pages: chosen by themself, spoken by the next page and by the e-mails to them."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.staff.actions import NewPerson, create_staff, create_team
from accounts.staff.delegations.actions import give_delegation
from accounts.staff.language.actions import choose_language
from accounts.staff.models import User
from accounts.staff.permissions import Role
from audit.actions import Refused
from audit.models import Event
from backoffice.forms import country_choices, currency_choices
from core.validators import validate_country
from messaging.outbox.queue import NewMessage
from messaging.templates.models import MessageKind
from tests import factories
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db

PAGE = "/accounts/user/do/language/"


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    return client


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.name.lower())
def test_everybody_chooses_their_own(role: Role) -> None:
    person: User = factories.UserFactory.create(role=role)
    other: User = factories.UserFactory.create(role=role)
    choose_language(by=person, language="it")
    person.refresh_from_db()
    other.refresh_from_db()
    assert (person.language, other.language) == ("it", "")
    event = Event.objects.get(verb="staff.language")
    assert (event.actor, event.target_id, event.data) == (person, person.pk, {"language": "it"})
    choose_language(by=person, language="")
    assert User.objects.get(pk=person.pk).language == ""


@pytest.mark.parametrize("language", ["de", "IT", "italiano", " "])
def test_a_language_that_the_pages_do_not_have(language: str) -> None:
    person = factories.agent()
    assert_refused("language", choose_language, by=person, language=language)
    assert User.objects.get(pk=person.pk).language == ""


def test_the_system_has_no_pages() -> None:
    assert_refused("permission", choose_language, by=factories.system_user(), language="it")


def test_the_next_page_is_in_it() -> None:
    client = signed_in(factories.agent())
    page = client.get(PAGE).content.decode()
    assert '<html lang="en"' in page
    assert '<option value="" selected>As my browser asks</option>' in page
    page = client.post(PAGE, {"language": "it"}, follow=True).content.decode()
    assert '<html lang="it"' in page
    assert '<option value="it" selected>Italiano</option>' in page
    assert '<html lang="it"' in client.get(reverse("admin:index")).content.decode()
    page = client.post(PAGE, {"language": "en"}, follow=True).content.decode()
    assert "Your pages are in the language that you chose." in page
    assert '<html lang="en"' in page


def test_without_a_choice_the_browser_says() -> None:
    person = factories.agent()
    client = signed_in(person)
    assert '<html lang="it"' in client.get(PAGE, headers={"Accept-Language": "it-IT,it;q=0.9"}).content.decode()
    choose_language(by=person, language="en")
    assert '<html lang="en"' in client.get(PAGE, headers={"Accept-Language": "it-IT,it;q=0.9"}).content.decode()


def test_it_stands_in_ones_own_menu() -> None:
    page = signed_in(factories.auditor()).get(reverse("admin:index")).content.decode()
    menu = page.partition('id="user-menu"')[2].partition("</header>")[0]
    assert f'href="{PAGE}"' in menu
    assert page.count(f'href="{PAGE}"') == 1


def test_no_language_that_is_none_can_be_sent() -> None:
    person = factories.agent()
    page = signed_in(person).post(PAGE, {"language": "de"})
    assert page.status_code == 200
    assert User.objects.get(pk=person.pk).language == ""


@pytest.mark.parametrize(("chosen", "reads"), [("it", "it"), ("en", "en"), ("", "en")])
def test_e_mails_to_a_person_are_in_it(chosen: str, reads: str) -> None:
    person = factories.UserFactory.create(role=Role.AGENT, language=chosen)
    assert NewMessage(kind=MessageKind.STAFF_DIGEST, key="x", staff=person).reads == reads


# --- What is put on record is English ------------------------------------------------------------


def test_a_refusal_is_recorded_in_english_whoever_reads_it() -> None:
    person = factories.agent()
    with translation.override("it"), pytest.raises(Refused):
        create_team(by=person, name="North desk")
    event = Event.objects.get(verb="team.create")
    assert event.message == (
        "Your role (Support agent) may not draft changes of staff, teams and approval limits. Administrator can."
    )


def test_a_weak_password_is_recorded_in_english() -> None:
    weak = NewPerson("ada", "Ada", "Lind", "73519042861507", "ada@example.com")
    with translation.override("it"), pytest.raises(Refused) as caught:
        create_staff(by=factories.administrator(), person=weak, role=Role.AGENT, reason="Joins")
    with translation.override("it"):
        assert "interamente numerica" in str(caught.value)
    assert "entirely numeric" in Event.objects.get(verb="staff.create").message


def test_names_of_rows_are_recorded_in_english() -> None:
    agent, lead = factories.lead(), factories.lead()
    with translation.override("it"):
        delegation = give_delegation(
            by=lead, deputy_id=agent.pk, starts_on=date(2030, 5, 1), ends_on=date(2030, 5, 9), reason="Away"
        )
        assert "mag 2030" in str(delegation).lower()
    label = Event.objects.get(verb="delegation.give").target_label
    assert label == f"{agent} for {lead}, 2030-05-01 to 2030-05-09"


def test_countries_and_currencies_have_names_in_every_language() -> None:
    with translation.override("it"):
        italian = dict(country_choices()), dict(currency_choices())
    english = dict(country_choices()), dict(currency_choices())
    assert (italian[0]["DE"], english[0]["DE"]) == ("Germania", "Germany")
    assert (italian[1]["GBP"], english[1]["GBP"]) == ("GBP sterlina britannica", "GBP British Pound")
    assert set(italian[0]) == set(english[0])
    validate_country("DE")
