"""``bootstrap_staff``: the first administrator and two managers of an empty site."""

from __future__ import annotations

import secrets
from getpass import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.staff.actions import NewPerson, bootstrap_obstacle, bootstrap_staff
from accounts.staff.models import User
from audit.actions import Refused
from audit.context import acting


class Command(BaseCommand):
    help = (
        "Make the first administrator and two managers of an empty site. It works once: everybody else is "
        "drafted by an administrator and published by a manager."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        who = ("USERNAME", "FULL_NAME")
        parser.add_argument("--administrator", nargs=2, metavar=who, required=True, help="who manages staff")
        parser.add_argument(
            "--manager", nargs=2, metavar=who, action="append", required=True, help="who approves; twice"
        )
        parser.add_argument("--generate-passwords", action="store_true", help="print passwords once instead of asking")

    def handle(self, *args: Any, **options: Any) -> None:
        if len(options["manager"]) != 2:
            raise CommandError("Give --manager twice: what is about one manager, the other has to publish.")
        # Before anybody is asked for a password.
        if obstacle := bootstrap_obstacle():
            raise CommandError(obstacle)
        generate = options["generate_passwords"]
        administrator = self._person(*options["administrator"], generate=generate)
        managers = [self._person(*names, generate=generate) for names in options["manager"]]
        try:
            with acting(source="command"):
                made = bootstrap_staff(by=User.objects.system(), administrator=administrator, managers=managers)
        except Refused as refused:
            raise CommandError(refused.message) from None
        for user, person in zip(made, (administrator, *managers), strict=True):
            shown = f"  password: {person.password}" if generate else ""
            self.stdout.write(f"{user.role_name}: {user.username} ({user}){shown}")
        if generate:
            self.stdout.write("The passwords are not stored anywhere: write them down now.")

    def _person(self, username: str, full_name: str, *, generate: bool) -> NewPerson:
        first_name, _, last_name = full_name.strip().partition(" ")
        password = secrets.token_urlsafe(15) if generate else self._ask(username)
        return NewPerson(username=username, first_name=first_name, last_name=last_name, password=password)

    @staticmethod
    def _ask(username: str) -> str:
        password = getpass(f"Password for {username}: ")
        if getpass("The same again: ") != password:
            raise CommandError("The two passwords differ. Nobody was made.")
        return password
