"""What was done with messages and their templates, as events say it, and what refuses it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.vocabulary import EventVerb, RefusalCode


class MessageVerb(EventVerb):
    """What was done with messages and their templates."""

    MESSAGE_SENT = "message.sent", _("sent")
    MESSAGE_FAILED = "message.failed", _("could not send")
    MESSAGE_UNCERTAIN = "message.uncertain", _("does not know whether it sent")
    MESSAGE_ARRIVED = "message.arrived", _("found out that it arrived:")
    MESSAGE_AGAIN = "message.again", _("sent again")
    MESSAGE_FOLLOWED = "message.followed", _("sent on to the corrected address:")
    MESSAGE_DONE_WITH = "message.done_with", _("is done with")
    MESSAGE_BOUNCED = "message.bounced", _("recorded that it came back:")
    NOTICE_TOLD = "notice.told", _("wrote down how the customer was told:")
    NOTICE_LEFT = "notice.left", _("decided that the customer is not told:")
    TEMPLATE_EDIT = "template.edit", _("changed the text of")
    TEMPLATE_TEST = "template.test", _("tried out the text of")


class MessageRefusal(RefusalCode):
    """Rules about messages and their templates."""

    TEMPLATE = "template", "the text cannot be rendered"
    RECIPIENT = "recipient", "no valid e-mail address"
    NO_ADDRESS = "no_address", "no e-mail address is on file"
    OWN_NOTICE = "own_notice", "whoever made a change does not say what becomes of its notice"
    NOTICE_OWED = "change_owed", "the customer has not heard of a change"
    COLLEAGUE = "colleague", "the message is to a colleague"
