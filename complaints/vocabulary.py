"""What was done with complaints, refunds and incidents, as events say it, and what refuses it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.vocabulary import EventVerb, RefusalCode


class ComplaintVerb(EventVerb):
    """What was done with complaints, refunds and incidents."""

    POLICY_BACK_TEST = "policy.back_test", _("tried on past cases")
    COMPLAINT_REGISTER = "complaint.register", _("registered")
    COMPLAINT_ACKNOWLEDGE = "complaint.acknowledge", _("acknowledged")
    COMPLAINT_ASSIGN = "complaint.assign", _("assigned")
    COMPLAINT_ASSESS = "complaint.assess", _("assessed")
    COMPLAINT_NOTE = "complaint.note", _("wrote a note")
    COMPLAINT_CUSTOMER_MESSAGE = "complaint.customer_message", _("recorded a message of the customer")
    COMPLAINT_ASK = "complaint.ask", _("asked the customer")
    COMPLAINT_RESUME = "complaint.resume", _("resumed")
    COMPLAINT_CORRECT = "complaint.correct", _("corrected")
    COMPLAINT_ATTACH = "complaint.attach", _("attached a file")
    COMPLAINT_DECIDE = "complaint.decide", _("decided")
    COMPLAINT_COMMUNICATE = "complaint.communicate", _("told the customer the decision")
    COMPLAINT_WRITE = "complaint.write", _("wrote to the customer about")
    COMPLAINT_READ = "complaint.read", _("read what the customer wrote about")
    COMPLAINT_TELL = "complaint.tell", _("told the customer an outcome of")
    NOTICE_DISMISS = "notice.dismiss", _("decided not to tell")
    COMPLAINT_CLOSE = "complaint.close", _("closed")
    COMPLAINT_WITHDRAW = "complaint.withdraw", _("withdrew")
    COMPLAINT_MERGE = "complaint.merge", _("merged")
    COMPLAINT_REOPEN = "complaint.reopen", _("reopened")
    COMPLAINT_ESCALATE = "complaint.escalate", _("escalated")
    COMPLAINT_ESCALATE_OVERDUE = "complaint.escalate_overdue", _("escalated for its age")
    COMPLAINT_TELL_LEAD = "complaint.tell_lead", _("told the lead about")
    COMPLAINT_REFER = "complaint.refer", _("referred to dispute resolution")
    COMPLAINT_CONSENT = "complaint.consent", _("consented to a refund of this old case")
    COMPLAINT_DEADLINE_MISSED = "complaint.deadline_missed", _("noticed a missed deadline")
    INCIDENT_RECORD = "incident.record", _("recorded")
    INCIDENT_EDIT = "incident.edit", _("corrected")
    INCIDENT_END = "incident.end", _("ended")
    REFUND_DRAFT = "refund.draft", _("drafted")
    REFUND_EDIT = "refund.edit", _("edited")
    REFUND_PROPOSE = "refund.propose", _("proposed")
    REFUND_DRAFT_INDEMNITY = "refund.draft_indemnity", _("drafted the indemnity for a late answer:")
    REFUND_DRAFT_AND_PROPOSE = "refund.draft_and_propose", _("drafted and proposed")
    REFUND_APPROVE = "refund.approve", _("approved")
    REFUND_RETURN = "refund.return", _("returned")
    REFUND_REJECT = "refund.reject", _("rejected")
    REFUND_WITHDRAW = "refund.withdraw", _("withdrew")
    REFUND_REVOKE = "refund.revoke", _("revoked")
    REFUND_EXPIRE = "refund.expire", _("let expire")
    REVERSAL_PROPOSE = "reversal.propose", _("proposed to reverse")
    REVERSAL_APPROVE = "reversal.approve", _("approved the reversal")
    REVERSAL_REJECT = "reversal.reject", _("rejected the reversal")
    REVERSAL_WITHDRAW = "reversal.withdraw", _("withdrew the reversal")
    SIGNALS_REPORT = "signals.report", _("looked for signals")
    SIGNAL_WINDOW_DRAFT = "signal_window.draft", _("drafted the figures of the signal")
    SIGNAL_WINDOW_PUBLISH = "signal_window.publish", _("published the figures of the signal")
    DIGEST_SEND = "digest.send", _("sent the digests that were due")


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
    NOTICE_OWED = "notice_owed", "the customer has not heard the outcome"
    NO_NOTICE_OWED = "no_notice_owed", "the customer has heard everything"
    OWN_HAND = "own_hand", "somebody without a hand in it decides that"
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
    CONSENTED = "consented", "whoever consented to it does not approve it"
    CORRECTED = "corrected", "whoever corrected the case does not approve its refund"
    REGISTERED = "registered", "whoever registered the case does not approve its refund"
    JOINED = "joined", "whoever merged the case with another does not approve its refund"
    OWN_INCIDENT = "own_incident", "whoever recorded or changed a counted incident does not approve"
    APPROVED_ALREADY = "approved_already", "whoever approved it first does not approve it again"
    DELEGATION = "delegation", "the delegation does not hold"
    EXPIRED = "expired", "the proposal has expired"
    PROVISIONAL = "provisional", "the interruption still runs"
    FULL_MONTHS = "full_months", "as many full months as the policy allows were given"
    INCIDENT = "incident", "the interruption did not hit the period, or not before the complaint came"
    MADE_GOOD = "made_good", "the interruption is made good already"
    STALE_QUOTE = "stale_quote", "the figures have changed"
    TAMPERED = "tampered", "it is not what was proposed"
    SCOPE = "scope", "nobody is hit"
    REVERSED = "reversed", "it ends before it starts"
    MONTHS = "months", "too many months, or none"
    UNDER_WAY = "under_way", "one is under way"
