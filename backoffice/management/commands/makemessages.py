"""``makemessages`` as this product needs it: ``./dev messages`` runs it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.commands import makemessages

from core.names import names_module

#: Names of fields, models and columns that no line of code writes as words.
NAMES = settings.BASE_DIR / "config" / "names.py"


class Command(makemessages.Command):
    """Finds ``say`` and ``say_count`` besides Django's functions, and the names that fields and models go by.

    Nothing is guessed from a sentence that looks alike: a wrong figure in a translation would be worse than none.
    """

    xgettext_options = [
        *makemessages.Command.xgettext_options,
        "--keyword=say:1",
        "--keyword=say_count:1,2",
    ]
    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]

    def handle(self, *args: Any, **options: Any) -> None:
        NAMES.write_text(names_module())
        super().handle(*args, **options)
