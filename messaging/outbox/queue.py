"""Putting messages on their way, within the caller's transaction.

The words are frozen here; a task sends them after the commit. What is rolled back was never queued. A key names the
occasion, so that nobody is told twice: a second message with the key is not made, the first is returned.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models, transaction
from django.utils import timezone, translation

from accounts.company.facts import company_on
from accounts.company.models import CompanyDetails
from accounts.customers.models import Contact, Customer
from accounts.staff.models import User
from audit.actions import Obstacle, Refused
from audit.bulk import CHUNK, create_new_from, create_tracked_from
from core.text import say
from core.validators import countries
from messaging.notices.models import ChangeNotice
from messaging.outbox.models import Delivery, OutgoingMessage
from messaging.sending.tasks import send_due_messages
from messaging.templates.kinds import FOR_STAFF, Value
from messaging.templates.models import MessageTemplate
from messaging.templates.rendering import Words, render
from messaging.vocabulary import MessageRefusal

log = logging.getLogger(__name__)

#: Of messages to staff who leave the language of their pages to their browser.
STAFF_LANGUAGE = Customer.Language.ENGLISH


def language_of(person: User) -> str:
    """The language in which a staff member is written to: that of their pages, if messages are written in it."""
    return person.language if person.language in Customer.Language.values else STAFF_LANGUAGE


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to be queued, to a customer or to a staff member.

    ``fields`` fill the kind's template (``messaging.templates.kinds``); our name and contact and the reader's name are
    added. ``text`` stands in place of the template's body, to the letter; ``words`` of subject and body. ``recipient``
    is another address than the one on file. ``language`` is the reader's unless given. ``notice`` is the change that it
    tells.
    """

    kind: str
    key: str
    fields: Mapping[str, Value] = field(default_factory=dict)
    customer: Customer | None = None
    staff: User | None = None
    complaint_id: int | None = None
    text: str | None = None
    recipient: str = ""
    words: Words | None = None
    language: str = ""
    notice: ChangeNotice | None = None

    @property
    def reads(self) -> str:
        """The language of the message."""
        if self.language:
            return self.language
        if self.customer is not None:
            return self.customer.language
        return STAFF_LANGUAGE if self.staff is None else language_of(self.staff)


# --- One message --------------------------------------------------------------------------------


def queue_message(
    *,
    kind: str,
    key: str,
    by: User,
    fields: Mapping[str, Value] | None = None,
    customer: Customer | None = None,
    staff: User | None = None,
    complaint_id: int | None = None,
    text: str | None = None,
    recipient: str = "",
) -> OutgoingMessage:
    """Put one message into the outbox; the message that has the key already, if there is one.

    For use inside an action.

    Raises:
        Refused: there is no e-mail address to send it to, or the given one is none.
    """
    return queue(NewMessage(kind, key, fields or {}, customer, staff, complaint_id, text, recipient), by=by)


def queue(wanted: NewMessage, *, by: User) -> OutgoingMessage:
    """As ``queue_message``."""
    if found := OutgoingMessage.objects.filter(key=wanted.key).first():
        return found
    if obstacle := address_obstacle(wanted):
        raise Refused(obstacle.sentence, code=obstacle.code, data={"field": "recipient"})
    return queue_messages([wanted], by=by)[0]


def address_obstacle(wanted: NewMessage) -> Obstacle | None:
    """Why the message has no address to go to, or None."""
    if wanted.recipient:
        try:
            validate_email(wanted.recipient)
        except ValidationError:
            return Obstacle(
                say("“{recipient}” is no e-mail address.", recipient=wanted.recipient), MessageRefusal.RECIPIENT
            )
        return None
    reader = wanted.customer if wanted.customer is not None else wanted.staff
    address = address_of(wanted.customer) if wanted.customer is not None else getattr(wanted.staff, "email", "")
    if address:
        return None
    return Obstacle(
        say("{reader} has no e-mail address on file. Enter one, or tell them by letter or phone.", reader=reader),
        MessageRefusal.NO_ADDRESS,
    )


def address_of(customer: Customer) -> str:
    """Where a customer is written to: their own address, else that of their first active contact who has one."""
    if customer.email:
        return customer.email
    found = _contacts_with_address([customer.pk]).values_list("email", flat=True).first()
    return found or ""


def _contacts_with_address(customer_ids: Iterable[int]) -> models.QuerySet[Contact]:
    return Contact.objects.filter(customer__in=list(customer_ids), active=True).exclude(email="").order_by("pk")


# --- Many messages ------------------------------------------------------------------------------


def queue_messages(wanted: Sequence[NewMessage], *, by: User) -> list[OutgoingMessage]:
    """As ``queue_many``. Returns a message for each, in their order; one whose key was there before is the one that has
    it.
    """
    queue_many(wanted, by=by)
    keys = list({one.key for one in wanted})
    known = {row.key: row for part in _parts(keys) for row in OutgoingMessage.objects.filter(key__in=part)}
    return [known[one.key] for one in wanted]


def queue_many(wanted: Sequence[NewMessage], *, by: User) -> None:
    """Put all of them into the outbox with a number of statements that does not grow with them; those whose key is
    there already are passed over.

    One without any address is kept all the same, as "not told", so that somebody sees it and tells them otherwise.

    Raises:
        ValueError: a kind's field is missing or unknown, or the addressee is not what the kind is for.
    """
    first: dict[str, NewMessage] = {}
    for one in wanted:
        _check(one)
        first.setdefault(one.key, one)
    keys = list(first)
    for part in _parts(keys):
        for key in OutgoingMessage.objects.filter(key__in=part).order_by().values_list("key", flat=True):
            del first[key]
    if first:
        _write(list(first.values()), by)
        queue_sending(len(first))


def _check(one: NewMessage) -> None:
    if (one.customer is None) == (one.staff is None):
        raise ValueError(f"{one.key}: a message goes either to a customer or to a staff member")
    if one.words is None and (one.kind in FOR_STAFF) != (one.staff is not None):
        raise ValueError(f"{one.key}: {one.kind} is for the others")
    if one.text is not None and not one.text.strip():
        raise ValueError(f"{one.key}: the text is empty")


def _parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    return (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK))


def _write(fresh: Sequence[NewMessage], by: User) -> None:
    now = timezone.now()
    templates = templates_for({one.kind for one in fresh})
    addresses = _addresses(fresh)
    company = company_on(timezone.localdate(now))
    written = [words_of(one, templates[one.kind, one.reads], company) for one in fresh]
    alike = {
        (kind, language): OutgoingMessage(
            kind=kind, language=language, template=templates[kind, language], queued_by=by, queued_at=now
        )
        for kind, language in {(one.kind, one.reads) for one in fresh}
    }
    # Somebody else may queue the same occasion at this moment: the first to write it wins.
    mine = create_new_from(
        OutgoingMessage,
        [alike[one.kind, one.reads] for one in fresh],
        known_by="key",
        key=[one.key for one in fresh],
        customer_id=[one.customer.pk if one.customer is not None else None for one in fresh],
        staff_id=[one.staff.pk if one.staff is not None else None for one in fresh],
        complaint_id=[one.complaint_id for one in fresh],
        notice_id=[one.notice.pk if one.notice is not None else None for one in fresh],
        recipient=[addresses[one.key] for one in fresh],
        subject=[words.subject for words in written],
        body=[words.body for words in written],
    )
    told = [one.key for one in fresh if one.key in mine]
    waiting = Delivery(state=Delivery.State.QUEUED, next_attempt_at=now)
    nowhere = Delivery(state=Delivery.State.NO_ADDRESS, note="There was no e-mail address on file.")
    create_tracked_from(
        Delivery,
        [waiting if addresses[key] else nowhere for key in told],
        known_by="message_id",
        message_id=[mine[key] for key in told],
    )


def _addresses(fresh: Sequence[NewMessage]) -> dict[str, str]:
    customers = {one.customer.pk for one in fresh if one.customer is not None and not one.customer.email}
    spare: dict[int, str] = {}
    if customers:
        for contact in _contacts_with_address(customers):
            spare.setdefault(contact.customer_id, contact.email)
    found = {}
    for one in fresh:
        if one.customer is not None:
            own = one.customer.email or spare.get(one.customer.pk, "")
        else:
            own = one.staff.email if one.staff is not None else ""
        found[one.key] = one.recipient or own
    return found


def templates_for(kinds: Iterable[str]) -> dict[tuple[str, str], MessageTemplate]:
    """The templates of the kinds, by kind and language."""
    return {(row.kind, row.language): row for row in MessageTemplate.objects.filter(kind__in=set(kinds))}


def words_of(one: NewMessage, template: MessageTemplate, company: CompanyDetails) -> Words:
    """The message as its reader gets it: by the template, or with the text that somebody wrote."""
    if one.words is not None:
        return one.words
    words = render(one.kind, template.subject, template.body, {**standing_fields(one, company), **one.fields})
    return words if one.text is None else Words(words.subject, one.text.replace("\r\n", "\n").strip())


def standing_fields(one: NewMessage, company: CompanyDetails) -> dict[str, Value]:
    """What every template can use: who is written to, and who we are."""
    name = one.customer.name if one.customer is not None else str(one.staff)
    return {
        "name": name,
        "company": company.name,
        "contact": ", ".join(company.questions),
        "company_address": company_address(company, one.reads),
        "registration_number": company.registration_number,
        "tax_number": company.tax_number,
    }


def company_address(company: CompanyDetails, language: str) -> str:
    """Where the company is, on one line, its country in the language; "" of a nameless one."""
    if not company.known:
        return ""
    with translation.override(language):
        return ", ".join([*company.address.lines, countries().get(company.address.country, company.address.country)])


def draft_of(one: NewMessage) -> Words:
    """How the message would read now, for somebody to change before it is queued."""
    template = MessageTemplate.objects.get(kind=one.kind, language=one.reads)
    return words_of(one, template, company_on(timezone.localdate()))


# --- Starting the sender ------------------------------------------------------------------------


def queue_sending(count: int) -> None:
    """Have so many messages sent once the caller's transaction is committed."""
    transaction.on_commit(partial(_start_sending, count), robust=True)


def _start_sending(count: int) -> None:
    """After the commit. When the queue cannot be reached now, ``send_messages`` finds what is due."""
    try:
        send_due_messages.enqueue()
    except Exception:  # whatever the queue's own trouble is, the action is done
        log.warning("%s messages wait for send_messages: no task could be queued.", count, exc_info=True)
