"""``seed_demo``: fill an empty database with the demonstration company."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from demo.build import build, occupied
from demo.staff import login_lines


class Command(BaseCommand):
    help = (
        "Fill an empty database with the demonstration company and print its logins. It is for trying the product"
        " out: everybody knows the password, so it works only where DEBUG is on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--if-empty",
            action="store_true",
            help="where there is anything already, leave it and say so; no error",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        occupation = occupied()
        obstacle = str(occupation) if occupation else None
        if obstacle is None and not settings.DEBUG:
            obstacle = "The demonstration has passwords that everybody knows, so it is made only where DEBUG is on."
        if obstacle is not None:
            if not options["if_empty"]:
                raise CommandError(f"{obstacle} Nothing was changed.")
            self.stdout.write(f"No demonstration company was made. {obstacle}")
            return
        self.stdout.write("Making the demonstration company, which takes a moment ...")
        self.stdout.flush()
        build(timezone.now())
        for text in login_lines():
            self.stdout.write(text)
