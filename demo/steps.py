"""What people do on a case, in a form in which stories are short to tell. Each returns a ``Step``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.customers.bank_details.actions import confirm_bank_details
from accounts.customers.bank_details.rules import latest_change
from accounts.customers.models import Customer
from accounts.staff.models import User
from accounts.staff.permissions import Role
from audit.actions import Refused
from billing.payouts.actions import mark_payout_failed, mark_payout_paid, retry_payout, turn_payout_into_credit
from billing.payouts.models import Payout
from billing.subscriptions.cancellations.actions import cancel_subscription
from complaints.cases import actions as cases
from complaints.cases.decisions import actions as decisions
from complaints.cases.models import Decision
from complaints.refunds.approvals.actions import approve_refund, reject_refund, return_refund
from complaints.refunds.endings.actions import revoke_refund, withdraw_refund
from complaints.refunds.proposals.actions import draft_refund, propose_refund
from complaints.reversals import actions as reversals
from complaints.reversals.models import Reversal
from demo.cases import Running, Step
from demo.outcomes import tell_owed

GREETING = {
    "en": "Dear {name},\n\n{text}\n\nKind regards\nCustomer service",
    "it": "Gentile {name},\n\n{text}\n\nCordiali saluti\nServizio clienti",
}
ACKNOWLEDGED = {
    "en": "we have received your complaint and keep it under the code {code}. You will hear from us by {due}.",
    "it": "abbiamo ricevuto il suo reclamo, che ha il codice {code}. Le risponderemo entro il {due}.",
}
FURTHER = "If you do not agree, you can turn to {way}."


def letter(customer: Customer, text: str) -> str:
    """A letter in the customer's language."""
    return GREETING[customer.language].format(name=customer.name, text=text)


# --- The complaint ------------------------------------------------------------------------------


def acknowledge(after: int = 0) -> Step:
    def do(running: Running, by: User) -> None:
        complaint = running.complaint
        text = ACKNOWLEDGED[complaint.customer.language].format(
            code=complaint.code, due=f"{running.company.days.workday_from(complaint.decide_due_at.date()):%d.%m.%Y}"
        )
        cases.acknowledge_complaint(complaint.pk, by=by, text=letter(complaint.customer, text))

    return Step(after, do)


def take(after: int = 0, *, to: str = "", by: str = "", reason: str = "") -> Step:
    """Take the case up, or (a lead) give it to somebody else."""

    def do(running: Running, person: User) -> None:
        owner = running.company.person(to or running.case.agent)
        cases.assign_complaint(running.complaint_id, by=person, owner_id=owner.pk, reason=reason)

    return Step(after, do, by)


def assess(after: int, findings: str, severity: str = "normal", *, by: str = "") -> Step:
    return Step(
        after,
        lambda run, person: cases.assess_complaint(run.complaint_id, by=person, severity=severity, findings=findings),
        by,
    )


def note(after: int, text: str, *, by: str = "") -> Step:
    return Step(after, lambda run, person: cases.add_note(run.complaint_id, by=person, text=text), by)


def ask(after: int, text: str) -> Step:
    return Step(
        after, lambda run, by: cases.ask_customer(run.complaint_id, by=by, text=letter(run.complaint.customer, text))
    )


def answer(after: int, text: str) -> Step:
    """The customer writes or calls."""

    def do(running: Running, by: User) -> None:
        cases.record_customer_message(
            running.complaint_id,
            by=by,
            text=text,
            channel=running.case.channel,
            received_at=running.company.clock.now,
        )

    return Step(after, do)


def resume(after: int) -> Step:
    return Step(after, lambda run, by: cases.resume_complaint(run.complaint_id, by=by, reason="The customer answered"))


def attach(after: int, name: str, text: str) -> Step:
    def do(running: Running, by: User) -> None:
        file = SimpleUploadedFile(name, text.encode(), content_type="text/plain")
        stored = cases.attach_file(running.complaint_id, by=by, file=file)
        running.company.stored.append(stored.file.name or "")

    return Step(after, do)


def correct(after: int, reason: str, **changes: str) -> Step:
    return Step(after, lambda run, by: cases.correct_complaint(run.complaint_id, by=by, reason=reason, **changes))


def decide(after: int, outcome: str, reasons: str, *, by: str = "") -> Step:
    return Step(
        after,
        lambda run, person: decisions.decide_complaint(run.complaint_id, by=person, outcome=outcome, reasons=reasons),
        by,
    )


def uphold(after: int, reasons: str) -> Step:
    return decide(after, Decision.Outcome.UPHELD, reasons)


def partly(after: int, reasons: str) -> Step:
    return decide(after, Decision.Outcome.PARTLY_UPHELD, reasons)


def reject_complaint(after: int, reasons: str) -> Step:
    return decide(after, Decision.Outcome.REJECTED, reasons)


def tell(after: int, text: str) -> Step:
    """Tell the customer the decision; a rejection names the way to take it further."""

    def do(running: Running, by: User) -> None:
        complaint = running.complaint
        whole = text
        if complaint.decision is not None and not complaint.decision.is_upheld:
            way = complaint.refund_policy.refund_parameters.appeal_route
            whole = f"{text} {FURTHER.format(way=way)}"
        decisions.communicate_decision(complaint.pk, by=by, text=letter(complaint.customer, whole))

    return Step(after, do)


def close(after: int, *, reason: str = "") -> Step:
    def do(running: Running, by: User) -> None:
        tell_owed(running.complaint, by)
        decisions.close_complaint(running.complaint_id, by=by, reason=reason)

    return Step(after, do)


def take_back(after: int, channel: str, words: str) -> Step:
    """The customer withdraws the complaint."""
    return Step(
        after, lambda run, by: decisions.withdraw_complaint(run.complaint_id, by=by, channel=channel, reason=words)
    )


def merge(after: int, into: str, reason: str) -> Step:
    def do(running: Running, by: User) -> None:
        survivor = running.company.cases[into].complaint_id
        decisions.merge_complaints(running.complaint_id, by=by, into_id=survivor, reason=reason)

    return Step(after, do, "lead")


def reopen(after: int, reason: str) -> Step:
    return Step(after, lambda run, by: decisions.reopen_complaint(run.complaint_id, by=by, reason=reason), "lead")


def escalate(after: int, reason: str) -> Step:
    return Step(after, lambda run, by: decisions.escalate_complaint(run.complaint_id, by=by, reason=reason), "lead")


def refer(after: int, scheme: str, reference: str) -> Step:
    def do(running: Running, by: User) -> None:
        day = running.company.today
        decisions.refer_complaint(running.complaint_id, by=by, scheme=scheme, reference=reference, referred_on=day)

    return Step(after, do, "lead")


def end_referral(after: int, outcome: str) -> Step:
    """The dispute resolution has come to its end."""

    def do(running: Running, by: User) -> None:
        complaint = running.complaint
        assert complaint.referred_on is not None
        decisions.refer_complaint(
            complaint.pk,
            by=by,
            scheme=complaint.referral_scheme,
            reference=complaint.referral_reference,
            referred_on=complaint.referred_on,
            ended_on=running.company.today,
            outcome=outcome,
        )

    return Step(after, do, "lead")


def consent(after: int, reason: str) -> Step:
    return Step(after, lambda run, by: decisions.give_consent(run.complaint_id, by=by, reason=reason), "lead")


def cancel_service(after: int, reason: str) -> Step:
    return Step(after, lambda run, by: cancel_subscription(run.held.pk, by=by, channel=run.case.channel, reason=reason))


# --- The refund ---------------------------------------------------------------------------------


def draft(
    after: int,
    basis: str,
    *remedies: str | tuple[str, str],
    by: str = "",
    amount: str = "",
    reduction: str = "",
    reduction_reason: str = "",
    justification: str = "",
    evidence: str = "",
    again: bool = False,
    days_ago: int | None = None,
) -> Step:
    """A remedy is its kind alone, for the rest, or with an amount; none at all means a credit."""

    def do(running: Running, person: User) -> None:
        refund = draft_refund(
            running.complaint_id,
            by=person,
            basis=basis,
            special_amount=Decimal(amount) if amount else None,
            reduction=Decimal(reduction or 0),
            reduction_reason=reduction_reason,
            justification=justification,
            evidence=evidence,
            remedies=[_remedy(entry) for entry in remedies],
            retry_of_id=running.refund_ids[-1] if again else None,
        )
        running.refund_ids.append(refund.pk)

    return Step(after, do, by, days_ago)


def _remedy(entry: str | tuple[str, str]) -> Mapping[str, Any]:
    return {"kind": entry} if isinstance(entry, str) else {"kind": entry[0], "amount": entry[1]}


def _on_refund(action: Callable[..., object], after: int, reason: str, by: str, days_ago: int | None = None) -> Step:
    return Step(after, lambda run, person: action(run.refund_ids[-1], by=person, reason=reason), by, days_ago)


def propose(after: int, reason: str, *, by: str = "", days_ago: int | None = None) -> Step:
    return _on_refund(propose_refund, after, reason, by, days_ago)


def approve(after: int, by: str, reason: str = "") -> Step:
    return _on_refund(approve_refund, after, reason, by)


def send_back(after: int, by: str, reason: str) -> Step:
    return _on_refund(return_refund, after, reason, by)


def reject(after: int, by: str, reason: str) -> Step:
    return _on_refund(reject_refund, after, reason, by)


def withdraw(after: int, reason: str, *, by: str = "") -> Step:
    return _on_refund(withdraw_refund, after, reason, by)


def revoke(after: int, by: str, reason: str) -> Step:
    return _on_refund(revoke_refund, after, reason, by)


def refused(step: Step, code: str) -> Step:
    """A step that somebody tries and may not take: it leaves its refused event."""

    def do(running: Running, by: User) -> None:
        try:
            step.do(running, by)
        except Refused as refusal:
            if refusal.code != code:
                raise
        else:
            raise RuntimeError(f"{running.case.key}: this should have been refused with {code}")

    return replace(step, do=do)


def late_calls(after: int, seconds: int = 700) -> Step:
    """Calls of the day before the complaint that the switch delivers only now."""

    def do(running: Running, by: User) -> None:
        received = running.complaint.received_at.astimezone(running.company.days.zone).date()
        running.company.usage.forgotten_calls(running.held, received, seconds)

    return Step(after, do, "billing")


# --- Taking back ---------------------------------------------------------------------------------


def propose_reversal(after: int, reason: str, *, by: str) -> Step:
    return _on_refund(reversals.propose_reversal, after, reason, by)


def _proposed_reversal(running: Running) -> int:
    return running.refund.reversals.get(state=Reversal.State.PROPOSED).pk


def approve_reversal(after: int, by: str, reason: str, *, charge_used: bool = False) -> Step:
    def do(running: Running, person: User) -> None:
        reversals.approve_reversal(_proposed_reversal(running), by=person, charge_used=charge_used, reason=reason)

    return Step(after, do, by)


def reject_reversal(after: int, by: str, reason: str) -> Step:
    return Step(
        after, lambda run, person: reversals.reject_reversal(_proposed_reversal(run), by=person, reason=reason), by
    )


# --- Cash ---------------------------------------------------------------------------------------


def _payout(running: Running) -> Payout:
    return Payout.objects.get(remedy__refund=running.refund_ids[-1])


def _check_account(running: Running) -> None:
    """The account that came with a new customer is checked by a second person before it is paid to."""
    change = latest_change(_payout(running).customer)
    if change is not None and change.confirmed_by_id is None:
        manager = next(
            person
            for person in running.company.people.values()
            if person.has_role(Role.MANAGER) and person.pk != change.changed_by_id
        )
        confirm_bank_details(change.pk, by=manager, reason="Read back on the phone, on the number on file")


def cash_paid(after: int) -> Step:
    def do(running: Running, by: User) -> None:
        _check_account(running)
        payout = _payout(running)
        day = running.company.today
        mark_payout_paid(payout.pk, by=by, reference=f"SEPA {payout.key} {day:%Y%m%d}", paid_on=day)

    return Step(after, do, "billing")


def cash_failed(after: int, reason: str) -> Step:
    return Step(after, lambda run, by: mark_payout_failed(_payout(run).pk, by=by, reason=reason), "billing")


def cash_again(after: int) -> Step:
    def do(running: Running, by: User) -> None:
        _check_account(running)
        retry_payout(_payout(running).pk, by=by, reason="The bank is open again")

    return Step(after, do, "billing")


def cash_into_credit(after: int, reason: str) -> Step:
    return Step(after, lambda run, by: turn_payout_into_credit(_payout(run).pk, by=by, reason=reason), "billing")
