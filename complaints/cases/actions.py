"""Working on a complaint: from its registration to its assessment, and what is said meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

from accounts.customers.links import linked_obstacle
from accounts.numbers.models import next_number
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Action, Refused, act, checked
from audit.vocabulary import Refusal
from billing.subscriptions.models import BillingPeriod, Subscription
from complaints.cases.attachments import attach, stored_files
from complaints.cases.deadlines.actions import clock_start, note_breaches, set_deadlines
from complaints.cases.evidence import evidence_of
from complaints.cases.files.models import Attachment
from complaints.cases.guards import open_refunds
from complaints.cases.models import Assessment, Complaint, Correction, Message, Note
from complaints.cases.rules import (
    acknowledge_obstacle,
    ask_obstacle,
    assess_obstacle,
    assign_obstacle,
    resume_obstacle,
    work_obstacle,
)
from complaints.letters import drafts
from complaints.quotes.facts import terms_for
from complaints.vocabulary import ComplaintRefusal, ComplaintVerb
from core.text import say
from messaging.outbox.queue import NewMessage, queue

State = Complaint.State


def register_complaint(
    *,
    by: User,
    subscription_id: int,
    period_id: int,
    channel: str,
    received_at: datetime,
    category: str,
    sought: str,
    subject: str,
    text: str,
    attachments: Sequence[UploadedFile[Any]] = (),
) -> Complaint:
    """Put a complaint on file and give it a code. Deadlines start at ``received_at``, not when it is typed (R5).

    Raises:
        Refused: a value is invalid or in the future, the period is another subscription's or begins after the
            complaint, or an attachment is too large or of a type not taken.
    """
    with stored_files() as stored, act(ComplaintVerb.COMPLAINT_REGISTER, by=by, target=(Complaint, None)) as action:
        require(by, May.WORK_COMPLAINTS)
        period = _period_of(action, subscription_id, period_id)
        subscription = period.subscription
        action.customer_id = subscription.customer_id
        action.keep_off(subscription)
        now = timezone.now()
        _check_received(received_at, now, period)
        terms = terms_for(period)
        complaint = Complaint(
            code=f"C-{next_number('complaint'):05d}",
            customer_id=subscription.customer_id,
            subscription=subscription,
            period=period,
            channel=channel,
            received_at=received_at,
            registered_at=now,
            registered_by=by,
            category=category,
            sought=sought,
            subject=subject.strip(),
            text=text,
            refund_policy=terms.refund,
            fulfilment_policy=terms.fulfilment,
            agreement=terms.agreement,
        )
        set_deadlines(complaint, received_at)
        checked(complaint).save()
        for file in attachments:
            attach(complaint, file, stored=stored, by=by, now=now)
        action.about(complaint, complaint_id=complaint.pk)
        return complaint


def begin(action: Action, complaint_id: int) -> Complaint:
    """Lock the complaint and name it in the event."""
    complaint = action.lock(Complaint, complaint_id)
    action.about(complaint, complaint_id=complaint.pk, customer_id=complaint.customer_id)
    return complaint


def acknowledge_complaint(complaint_id: int, *, by: User, text: str, recipient: str = "", channel: str = "") -> Message:
    """Tell the customer that the complaint is here, with its code. The exact text is kept."""
    with act(ComplaintVerb.COMPLAINT_ACKNOWLEDGE, by=by, target=(Complaint, complaint_id)) as action:
        complaint = begin(action, complaint_id)
        action.refuse_if(acknowledge_obstacle(complaint, by))
        now = timezone.now()
        if complaint.code not in text:
            raise Refused(
                say("The acknowledgement has to give the customer the code {complaint}.", complaint=complaint.code),
                code=ComplaintRefusal.CODE_MISSING,
            )
        message = write_to_customer(
            complaint,
            Message.Kind.ACKNOWLEDGEMENT,
            text,
            recipient,
            channel,
            letter=drafts.acknowledgement(complaint),
            by=by,
            at=now,
        )
        note_breaches(complaint, now, by=by)
        complaint.acknowledged_at = now
        complaint.save()
        return message


def assign_complaint(complaint_id: int, *, by: User, owner_id: int, reason: str = "") -> Complaint:
    """Give the case to somebody who works on complaints. Taking up a registered one starts its review."""
    with act(ComplaintVerb.COMPLAINT_ASSIGN, by=by, reason=reason, target=(Complaint, complaint_id)) as action:
        complaint = begin(action, complaint_id)
        action.refuse_if(assign_obstacle(complaint, by))
        owner = User.objects.select_related("role").filter(pk=owner_id).first()
        if owner is None or not owner.may(May.WORK_COMPLAINTS):
            raise Refused(say("A case can only be given to somebody who works on complaints."), code=Refusal.OWNER)
        action.refuse_if(
            say("{owner} is linked to this customer.", owner=owner)
            if linked_obstacle(owner, complaint.customer_id)
            else None,
            code=Refusal.LINKED,
        )
        if complaint.owner_id == owner.pk:
            raise Refused(
                say("{complaint} is {owner}'s already.", complaint=complaint.code, owner=owner), code=Refusal.STATE
            )
        action.data = {"from": str(complaint.owner) if complaint.owner else "", "to": str(owner)}
        complaint.owner = owner
        if complaint.state == State.REGISTERED:
            complaint.state = State.IN_REVIEW
        complaint.save()
        return complaint


def assess_complaint(complaint_id: int, *, by: User, severity: str, findings: str) -> Assessment:
    """Write down what was found. The evidence (usage, incidents, earlier cases, phones) is copied as it stands."""
    with act(ComplaintVerb.COMPLAINT_ASSESS, by=by, target=(Complaint, complaint_id)) as action:
        complaint = begin(action, complaint_id)
        action.refuse_if(assess_obstacle(complaint, by))
        if not findings.strip():
            raise Refused(say("Please write down what you found."), code=ComplaintRefusal.FINDINGS_MISSING)
        complaint.severity = severity
        if complaint.state == State.REGISTERED:
            complaint.state = State.IN_REVIEW
        if complaint.owner_id is None:
            complaint.owner = by
        checked(complaint, only=("severity",)).save()
        assessment = Assessment(
            complaint=complaint,
            severity=severity,
            findings=findings.strip(),
            evidence=evidence_of(complaint),
            by=by,
            at=timezone.now(),
        )
        assessment.save()
        action.data = {"severity": severity}
        return assessment


def add_note(complaint_id: int, *, by: User, text: str) -> Note:
    """An internal note, on an open case or a finished one."""
    with act(ComplaintVerb.COMPLAINT_NOTE, by=by, target=(Complaint, complaint_id)) as action:
        require(by, May.WORK_COMPLAINTS)
        complaint = begin(action, complaint_id)
        if not text.strip():
            raise Refused(say("Please write the note."), code=ComplaintRefusal.TEXT_MISSING)
        note = Note(complaint=complaint, text=text.strip(), by=by, at=timezone.now())
        note.save()
        return note


def record_customer_message(
    complaint_id: int, *, by: User, text: str, channel: str, received_at: datetime, sender: str = ""
) -> Message:
    """What the customer wrote or said, put on the case by hand."""
    with act(ComplaintVerb.COMPLAINT_CUSTOMER_MESSAGE, by=by, target=(Complaint, complaint_id)) as action:
        require(by, May.WORK_COMPLAINTS)
        complaint = begin(action, complaint_id)
        if not text.strip():
            raise Refused(say("Please write what the customer said."), code=ComplaintRefusal.TEXT_MISSING)
        if timezone.is_naive(received_at) or received_at > timezone.now():
            raise Refused(say("A message cannot have come in the future."), code=Refusal.DATES)
        message = checked(
            Message(
                complaint=complaint,
                direction=Message.Direction.IN,
                channel=channel,
                correspondent=sender or complaint.customer.name,
                text=text.strip(),
                at=received_at,
                by=by,
            )
        )
        message.save()
        case = complaint
        while case.merged_into_id is not None:
            case = action.lock(Complaint, case.merged_into_id)
        # Its owner, or a lead, sees it until somebody has answered or read it.
        case.customer_wrote_at = timezone.now()
        case.save()
        return message


def ask_customer(complaint_id: int, *, by: User, text: str, recipient: str = "", channel: str = "") -> Message:
    """Ask the customer something. The outer clock runs on while the case waits."""
    with act(ComplaintVerb.COMPLAINT_ASK, by=by, target=(Complaint, complaint_id)) as action:
        complaint = begin(action, complaint_id)
        action.refuse_if(ask_obstacle(complaint, by))
        if text.split() == drafts.question_text(complaint).split():
            raise Refused(
                say("Please write the question into the text."),
                code=ComplaintRefusal.TEXT_MISSING,
                data={"field": "text"},
            )
        message = write_to_customer(
            complaint,
            Message.Kind.QUESTION,
            text,
            recipient,
            channel,
            letter=drafts.question(complaint),
            by=by,
            at=timezone.now(),
        )
        complaint.state = State.WAITING
        if complaint.owner_id is None:
            complaint.owner = by
        complaint.save()
        return message


def resume_complaint(complaint_id: int, *, by: User, reason: str = "") -> Complaint:
    """Go on with the review, whether the customer has answered or not."""
    with act(ComplaintVerb.COMPLAINT_RESUME, by=by, reason=reason, target=(Complaint, complaint_id)) as action:
        complaint = begin(action, complaint_id)
        action.refuse_if(resume_obstacle(complaint, by))
        complaint.state = State.IN_REVIEW
        complaint.save()
        return complaint


CORRECTABLE = (
    "subscription_id",
    "period_id",
    "channel",
    "received_at",
    "category",
    "sought",
    "subject",
    "text",
)


def correct_complaint(complaint_id: int, *, by: User, reason: str, **changes: Any) -> Complaint:
    """Correct a wrong registration. The old values stay in the history; deadlines follow a corrected *received*.

    Refused while a refund is open, since its proposal was made on what is to be corrected.
    """
    with act(ComplaintVerb.COMPLAINT_CORRECT, by=by, reason=reason, target=(Complaint, complaint_id)) as action:
        complaint = begin(action, complaint_id)
        action.refuse_if(work_obstacle(complaint, by))
        action.require_reason(say("why the registration was wrong"))
        unknown = set(changes) - set(CORRECTABLE)
        if unknown:
            raise ValueError(f"not correctable: {sorted(unknown)}")
        changed = {name: value for name, value in changes.items() if getattr(complaint, name) != value}
        if not changed:
            raise Refused(say("Nothing would change."), code=Refusal.NOTHING)
        waiting = open_refunds(complaint)
        if waiting and set(changed) & {"subscription_id", "period_id", "received_at", "category"}:
            raise Refused(
                say("The refund {refund} was made on this registration: withdraw it first.", refund=waiting[0].code),
                code=ComplaintRefusal.OPEN_REFUND,
            )
        if "subscription_id" in changed and complaint.refunds.exists():
            raise Refused(
                say("A complaint with refunds cannot move to another subscription."), code=ComplaintRefusal.HAS_REFUNDS
            )
        for name, value in changed.items():
            setattr(complaint, name, value)
        period = _period_of(action, complaint.subscription_id, complaint.period_id)
        if period.subscription.customer_id != complaint.customer_id:
            raise Refused(say("That subscription is another customer's."), code=ComplaintRefusal.CUSTOMER)
        _check_received(complaint.received_at, complaint.registered_at, period)
        if {"period_id", "subscription_id"} & set(changed):
            complaint.judge_by(terms_for(period))
        if {"period_id", "subscription_id", "received_at"} & set(changed):
            note_breaches(complaint, timezone.now(), by=by)
            set_deadlines(complaint, clock_start(complaint))
        checked(complaint).save()
        Correction(complaint=complaint, by=by, at=timezone.now()).save()
        action.data = {"changed": sorted(changed)}
        return complaint


def attach_file(complaint_id: int, *, by: User, file: UploadedFile[Any]) -> Attachment:
    """Add a file to the case."""
    with (
        stored_files() as stored,
        act(ComplaintVerb.COMPLAINT_ATTACH, by=by, target=(Complaint, complaint_id)) as action,
    ):
        complaint = begin(action, complaint_id)
        action.refuse_if(work_obstacle(complaint, by))
        attachment = attach(complaint, file, stored=stored, by=by, now=timezone.now())
        action.data = {"file": attachment.name, "sha256": attachment.sha256}
        return attachment


def write_to_customer(
    complaint: Complaint,
    kind: str,
    text: str,
    recipient: str,
    channel: str,
    *,
    letter: NewMessage,
    by: User,
    at: datetime,
) -> Message:
    """Put on the case what the customer is told. By e-mail it also goes into the outbox, the very same text; by any
    other channel somebody else brings it, and it is only on record.

    Raises:
        Refused: there is no text, or no e-mail address for a message by e-mail.
    """
    if not text.strip():
        raise Refused(say("Please write the text that the customer gets."), code=ComplaintRefusal.TEXT_MISSING)
    message = checked(
        Message(
            complaint=complaint,
            direction=Message.Direction.OUT,
            kind=kind,
            channel=channel or complaint.channel,
            correspondent=recipient or complaint.customer.email or complaint.customer.name,
            text=text.strip(),
            at=at,
            by=by,
        )
    )
    if message.channel == Complaint.Channel.EMAIL:
        message.outgoing = queue(replace(letter, text=text, recipient=recipient.strip()), by=by)
        message.text, message.correspondent = message.outgoing.body, message.outgoing.recipient
    message.save()
    complaint.customer_wrote_at = None
    return message


def _period_of(action: Action, subscription_id: int, period_id: int) -> BillingPeriod:
    subscription = Subscription.objects.select_related("customer").filter(pk=subscription_id).first()
    if subscription is None:
        raise Refused(say("This subscription does not exist (any more)."), code=Refusal.MISSING)
    period = BillingPeriod.objects.filter(pk=period_id).first()
    if period is None or period.subscription_id != subscription.pk:
        raise Refused(
            say("That period is not one of {subscription}.", subscription=subscription.number),
            code=ComplaintRefusal.PERIOD,
        )
    period.subscription = subscription
    return period


def _check_received(received_at: datetime, now: datetime, period: BillingPeriod) -> None:
    if timezone.is_naive(received_at):
        raise Refused(say("The time of receipt has no time zone."), code=Refusal.NAIVE_TIME)
    if received_at > now:
        raise Refused(say("A complaint cannot have been received in the future."), code=Refusal.DATES)
    if timezone.localdate(received_at) < period.starts_on:
        raise Refused(
            say(
                "The complaint was received on {day}, before the period it concerns began ({first_day}).",
                day=timezone.localdate(received_at),
                first_day=period.starts_on,
            ),
            code=Refusal.DATES,
        )
