"""``set_up``: what ``./dev run`` needs before it can serve, in one process and with a line that tells how far it is."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.core.management.commands.migrate import Command as Migrate
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from core.progress import ProgressLine
from demo.build import build, occupied
from demo.staff import login_lines


class Command(BaseCommand):
    help = (
        "Bring the database up to date. With --demo, fill an empty one with the demonstration company and print its "
        "logins."
    )
    # Serving checks once more what is served.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="fill an empty database with the demonstration company")

    def handle(self, *args: Any, **options: Any) -> None:
        with ProgressLine() as line:
            call_command(_Migrate(line), verbosity=0, interactive=False)
            if not options["demo"] or not settings.DEBUG or occupied() is not None:
                return
            build(timezone.now(), told=lambda share: line.tell(f"Making the demonstration company: {share:.0%}"))
        for text in login_lines():
            self.stdout.write(text)


class _Migrate(Migrate):
    """Tells the line which migration is under way."""

    def __init__(self, line: ProgressLine) -> None:
        super().__init__()
        self._line = line
        self._done = 0
        self._due = 0

    def handle(self, *args: Any, **options: Any) -> None:
        executor = MigrationExecutor(connection)
        self._due = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        super().handle(*args, **options)

    def migration_progress_callback(self, action: str, migration: Any = None, fake: bool = False) -> None:
        if action == "apply_success":
            self._done += 1
        elif self._due and action in ("apply_start", "render_start"):
            self._line.tell(f"Bringing the database up to date: {self._done} of {self._due} migrations")
