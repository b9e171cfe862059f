"""What events say was done: and which rules refuse: each part of the product has a table of both."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.text import Text


class EventVerb(models.TextChoices):
    """The verbs of one part of the product, each with its words: ``REFUND_APPROVE = "refund.approve", "approved"``."""


class ListVerb(EventVerb):
    """What was done with lists."""

    LIST_EXPORT = "list.export", _("exported the list of")


class RefusalCode(models.TextChoices):
    """The rules of one part of the product, each with what is in the way when it refuses. Events keep the code; what a
    person reads is the sentence of the refusal.
    """


class Refusal(RefusalCode):
    """Rules that hold in more than one part of the product."""

    REFUSED = "refused", "nothing more precise"
    PERMISSION = "permission", "the role does not allow it"
    LINKED = "linked", "it is about the person's own money"
    FOUR_EYES = "four_eyes", "whoever drafted it does not publish it"
    OWN_PROPOSAL = "own_proposal", "whoever proposed it does not decide on it"
    NO_LIMIT = "no_limit", "no published limit lets this role do it"
    OVER_LIMIT = "over_limit", "the amount is above the person's limit"
    OWNER = "owner", "it belongs to somebody else"
    STATE = "state", "the row is not in a state that allows it"
    MISSING = "missing", "there is no such row (any more)"
    STALE_PAGE = "stale_page", "the row has changed since the page was shown"
    CONCURRENT = "concurrent", "somebody did the same at the same moment"
    BUSY = "busy", "something in progress is in the way: try again"
    FORM_USED = "form_used", "the form was sent before, and done"
    FORM_UNKNOWN = "form_unknown", "the form bears no token of ours, or one that is too old"
    REASON_MISSING = "reason_missing", "no reason is given"
    NAME_MISSING = "name_missing", "no name is given"
    NAME_LONG = "name_long", "the name is too long"
    TOO_MANY = "too_many", "more rows than one file holds"
    INVALID = "invalid", "a field is not valid"
    ROWS = "rows", "rows of the file are refused"
    NOTHING = "nothing", "there is nothing to do"
    NOTHING_CHANGED = "nothing_changed", "nothing is different from what is on file"
    NOT_EMPTY = "not_empty", "something is there already"
    DUPLICATE = "duplicate", "there is one already"
    DATE_TAKEN = "date_taken", "another version with this date is published"
    DATES = "dates", "the days do not fit"
    NAIVE_TIME = "naive_time", "a time without a zone"
    AMOUNT = "amount", "no valid amount"
    CURRENCY = "currency", "another currency"
    DECIMALS = "decimals", "more decimals than the currency has"
    SAME = "same", "it is the same one"


def verb_in_words(verb: str) -> Text:
    """How a timeline says a verb. One that the product no longer knows, ``refund.approve``, reads "refund: approve"."""
    known = (kind(verb).label for kind in EventVerb.__subclasses__() if verb in kind.values)
    return next(known, verb.replace(".", ": ").replace("_", " "))
