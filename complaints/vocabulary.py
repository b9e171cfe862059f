"""What was done with complaints, refunds and incidents, as events say it, and what refuses it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from audit.vocabulary import EventVerb, RefusalCode


class ComplaintVerb(EventVerb):
    """What was done with complaints, refunds and incidents."""

    POLICY_BACK_TEST = "policy.back_test", gettext_lazy("tried on past cases")
    COMPLAINT_REGISTER = "complaint.register", gettext_lazy("registered")
    COMPLAINT_ACKNOWLEDGE = "complaint.acknowledge", gettext_lazy("acknowledged")
    COMPLAINT_ASSIGN = "complaint.assign", gettext_lazy("assigned")
    COMPLAINT_ASSESS = "complaint.assess", gettext_lazy("assessed")
    COMPLAINT_NOTE = "complaint.note", gettext_lazy("wrote a note")
    COMPLAINT_CUSTOMER_MESSAGE = "complaint.customer_message", gettext_lazy("recorded a message of the customer")
    COMPLAINT_ASK = "complaint.ask", gettext_lazy("asked the customer")
    COMPLAINT_RESUME = "complaint.resume", gettext_lazy("resumed")
    COMPLAINT_CORRECT = "complaint.correct", gettext_lazy("corrected")
    COMPLAINT_ATTACH = "complaint.attach", gettext_lazy("attached a file")
    COMPLAINT_DECIDE = "complaint.decide", gettext_lazy("decided")
    COMPLAINT_COMMUNICATE = "complaint.communicate", gettext_lazy("told the customer the decision")
    COMPLAINT_CLOSE = "complaint.close", gettext_lazy("closed")
    COMPLAINT_WITHDRAW = "complaint.withdraw", gettext_lazy("withdrew")
    COMPLAINT_MERGE = "complaint.merge", gettext_lazy("merged")
    COMPLAINT_REOPEN = "complaint.reopen", gettext_lazy("reopened")
    COMPLAINT_ESCALATE = "complaint.escalate", gettext_lazy("escalated")
    COMPLAINT_ESCALATE_OVERDUE = "complaint.escalate_overdue", gettext_lazy("escalated for its age")
    COMPLAINT_TELL_LEAD = "complaint.tell_lead", gettext_lazy("told the lead about")
    COMPLAINT_REFER = "complaint.refer", gettext_lazy("referred to dispute resolution")
    COMPLAINT_CONSENT = "complaint.consent", gettext_lazy("consented to a refund of this old case")
    COMPLAINT_DEADLINE_MISSED = "complaint.deadline_missed", gettext_lazy("noticed a missed deadline")
    INCIDENT_RECORD = "incident.record", gettext_lazy("recorded")
    INCIDENT_EDIT = "incident.edit", gettext_lazy("corrected")
    INCIDENT_END = "incident.end", gettext_lazy("ended")
    REFUND_DRAFT = "refund.draft", gettext_lazy("drafted")
    REFUND_EDIT = "refund.edit", gettext_lazy("edited")
    REFUND_PROPOSE = "refund.propose", gettext_lazy("proposed")
    REFUND_DRAFT_INDEMNITY = "refund.draft_indemnity", gettext_lazy("drafted the indemnity for a late answer:")
    REFUND_DRAFT_AND_PROPOSE = "refund.draft_and_propose", gettext_lazy("drafted and proposed")
    REFUND_APPROVE = "refund.approve", gettext_lazy("approved")
    REFUND_RETURN = "refund.return", gettext_lazy("returned")
    REFUND_REJECT = "refund.reject", gettext_lazy("rejected")
    REFUND_WITHDRAW = "refund.withdraw", gettext_lazy("withdrew")
    REFUND_REVOKE = "refund.revoke", gettext_lazy("revoked")
    REFUND_EXPIRE = "refund.expire", gettext_lazy("let expire")
    REVERSAL_PROPOSE = "reversal.propose", gettext_lazy("proposed to reverse")
    REVERSAL_APPROVE = "reversal.approve", gettext_lazy("approved the reversal")
    REVERSAL_REJECT = "reversal.reject", gettext_lazy("rejected the reversal")
    REVERSAL_WITHDRAW = "reversal.withdraw", gettext_lazy("withdrew the reversal")
    DIGEST_SEND = "digest.send", gettext_lazy("sent the digests that were due")


class ComplaintRefusal(RefusalCode):
    """Rules about complaints, refunds and incidents."""

    CUSTOMER = "customer", "the subscription is another customer's"
    PERIOD = "period", "the period is not one of the subscription"
    ATTACHMENT = "attachment", "the file cannot be taken"
    HAS_REFUNDS = "has_refunds", "the complaint has refunds"
    CODE_MISSING = "code_missing", "the code is not told"
    TEXT_MISSING = "text_missing", "no text is given"
    CHANNEL_MISSING = "channel_missing", "no channel is given"
    FINDINGS_MISSING = "findings_missing", "no findings are given"
    FURTHER_WAY_MISSING = "appeal_route_missing", "the way to take it further is not told"
    NOT_ASSESSED = "not_assessed", "it is not assessed yet"
    NOT_UPHELD = "not_upheld", "the complaint was rejected"
    NOT_SILENT_LONG_ENOUGH = "not_silent_long_enough", "the customer may still answer"
    HOLIDAYS_UNKNOWN = "holidays_unknown", "no calendar of holidays is known"
    SCHEME_MISSING = "scheme_missing", "no dispute resolution scheme is given"
    REFERRAL_END = "referral_end", "the end of the referral is half given"
    OPEN_REFUND = "open_refund", "a refund is open"
    OPEN_REVERSAL = "open_reversal", "a reversal is open"
    F8 = "F8", "hardware is not refunded"
    BASIS = "basis", "the basis is not allowed"
    CONSENT_MISSING = "consent_missing", "a lead has not consented to the old case"
    JUSTIFICATION_MISSING = "justification_missing", "no justification is given"
    EVIDENCE_MISSING = "evidence_missing", "no evidence is named"
    UNUSUAL = "unusual", "far from similar cases, without saying why"
    REDUCTION_REASON_MISSING = "reduction_reason_missing", "no reason for the reduction is given"
    SPECIAL_AMOUNT_MISSING = "special_amount_missing", "no amount of the special case is given"
    REMEDY = "remedy", "the remedy cannot be given"
    REMEDIES_DO_NOT_ADD_UP = "remedies_do_not_add_up", "the remedies are not the amount"
    RETRY = "retry", "only a finished refund is tried again"
    NO_INDEMNITY = "no_indemnity", "the policy names no indemnity"
    IN_TIME = "in_time", "it was decided in time"
    FAULT_INDEMNIFIED = "fault_indemnified", "the fault is made good already"
    INDEMNITY = "indemnity", "more than the indemnity"
    OWN_DRAFT = "own_draft", "whoever drafted it does not approve it"
    DECIDED = "decided", "whoever decided the case does not approve its refund"
    ASSESSED = "assessed", "whoever assessed the case does not approve its refund"
    APPROVED_ALREADY = "approved_already", "whoever approved it first does not approve it again"
    DELEGATION = "delegation", "the delegation does not hold"
    EXPIRED = "expired", "the proposal has expired"
    STALE_QUOTE = "stale_quote", "the figures have changed"
    TAMPERED = "tampered", "it is not what was proposed"
    SCOPE = "scope", "nobody is hit"
    REVERSED = "reversed", "it ends before it starts"
    MONTHS = "months", "too many months, or none"
    UNDER_WAY = "under_way", "one is under way"
