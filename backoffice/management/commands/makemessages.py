"""``makemessages`` as this product needs it: ``./dev messages`` runs it."""

from django.core.management.commands import makemessages


class Command(makemessages.Command):
    """Finds ``say`` and ``say_count`` besides Django's functions.

    Nothing is guessed from a sentence that looks alike: a wrong figure in a translation would be worse than none.
    """

    xgettext_options = [
        *makemessages.Command.xgettext_options,
        "--keyword=say:1",
        "--keyword=say_count:1,2",
    ]
    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]
