"""The first people of an empty site: made once, by a command, as an event."""

from __future__ import annotations

import re

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.staff.actions import NewPerson, bootstrap_staff
from accounts.staff.models import User
from accounts.staff.permissions import Role
from audit.models import Event
from tests import factories
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db

WHO = ("--administrator", "ada", "Ada Lind", "--manager", "mia", "Mia Okafor", "--manager", "bo", "Bo van der Ek")


def test_three_people_are_made_and_can_sign_in(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("bootstrap_staff", *WHO, "--generate-passwords")
    printed = capsys.readouterr().out
    passwords = dict(re.findall(r": (\w+) \(.*?\)  password: (\S+)", printed))
    staff = {user.username: user for user in User.objects.filter(role__isnull=False).select_related("role")}
    assert {name: user.role_name for name, user in staff.items()} == {
        "ada": Role.ADMIN,
        "mia": Role.MANAGER,
        "bo": Role.MANAGER,
    }
    assert staff["bo"].get_full_name() == "Bo van der Ek"
    for name, user in staff.items():
        assert user.is_active
        response = Client().post(reverse("admin:login"), {"username": name, "password": passwords[name]})
        assert response.status_code == 302, f"{name} cannot sign in"
    event = Event.objects.get()
    assert (event.verb, event.outcome, event.actor.username, event.source) == (
        "staff.bootstrap",
        "done",
        "system",
        "command",
    )
    assert [person["username"] for person in event.data["people"]] == ["ada", "mia", "bo"]
    assert not any(password in str(event.data) for password in passwords.values())


def test_it_works_once(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("bootstrap_staff", *WHO, "--generate-passwords")
    before = User.objects.count()
    with pytest.raises(CommandError, match="There is staff already") as caught:
        call_command("bootstrap_staff", *WHO, "--generate-passwords")
    assert caught.value.returncode == 1
    assert User.objects.count() == before


def test_it_refuses_beside_existing_staff_and_asks_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    factories.agent()
    monkeypatch.setattr("accounts.management.commands.bootstrap_staff.getpass", lambda prompt: pytest.fail("asked"))
    with pytest.raises(CommandError):
        call_command("bootstrap_staff", *WHO)


def test_passwords_are_asked_for_twice(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    typed = iter(["a long first password"] * 6)
    monkeypatch.setattr("accounts.management.commands.bootstrap_staff.getpass", lambda prompt: next(typed))
    call_command("bootstrap_staff", *WHO)
    assert User.objects.get(username="mia").check_password("a long first password")
    assert "a long first password" not in capsys.readouterr().out


def test_two_different_passwords_make_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter(["a long first password", "another password here"])
    monkeypatch.setattr("accounts.management.commands.bootstrap_staff.getpass", lambda prompt: next(typed))
    with pytest.raises(CommandError, match="differ"):
        call_command("bootstrap_staff", *WHO)
    assert not User.objects.filter(role__isnull=False).exists()


def test_a_weak_password_makes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.management.commands.bootstrap_staff.getpass", lambda prompt: "short")
    with pytest.raises(CommandError, match="too short"):
        call_command("bootstrap_staff", *WHO)
    assert not User.objects.filter(role__isnull=False).exists()


@pytest.mark.parametrize("managers", [WHO[:6], (*WHO, "--manager", "cy", "Cy Roe")])
def test_there_are_two_managers(managers: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="--manager twice"):
        call_command("bootstrap_staff", *managers, "--generate-passwords")


def test_one_name_for_two_people_makes_nobody() -> None:
    people = [NewPerson(name, "A", "B", "a long first password") for name in ("ada", "mia", "Mia")]
    assert_refused(
        "duplicate", bootstrap_staff, by=factories.system_user(), administrator=people[0], managers=people[1:]
    )


def test_nobody_does_it_from_a_page() -> None:
    people = [NewPerson(name, "A", "B", "a long first password") for name in ("ada", "mia", "bo")]
    person = factories.UserFactory.create(role=None)
    assert_refused("permission", bootstrap_staff, by=person, administrator=people[0], managers=people[1:])
