"""What was done with messages and their templates, as events say it, and what refuses it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from audit.vocabulary import EventVerb, RefusalCode


class MessageVerb(EventVerb):
    """What was done with messages and their templates."""

    MESSAGE_SENT = "message.sent", gettext_lazy("sent")
    MESSAGE_FAILED = "message.failed", gettext_lazy("could not send")
    MESSAGE_UNCERTAIN = "message.uncertain", gettext_lazy("does not know whether it sent")
    MESSAGE_ARRIVED = "message.arrived", gettext_lazy("found out that it arrived:")
    MESSAGE_AGAIN = "message.again", gettext_lazy("sent again")
    MESSAGE_DONE_WITH = "message.done_with", gettext_lazy("is done with")
    MESSAGE_BOUNCED = "message.bounced", gettext_lazy("recorded that it came back:")
    TEMPLATE_EDIT = "template.edit", gettext_lazy("changed the text of")
    TEMPLATE_TEST = "template.test", gettext_lazy("tried out the text of")


class MessageRefusal(RefusalCode):
    """Rules about messages and their templates."""

    TEMPLATE = "template", "the text cannot be rendered"
    RECIPIENT = "recipient", "no valid e-mail address"
    NO_ADDRESS = "no_address", "no e-mail address is on file"
    COLLEAGUE = "colleague", "the message is to a colleague"
