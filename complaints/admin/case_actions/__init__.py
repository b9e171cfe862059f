"""What staff do to a complaint, one class an action of ``complaints.actions``."""

from typing import Any

from audit.backoffice import StaffAction
from complaints.admin.case_actions.decisions import Assess, Close, Decide, Propose, Withdraw
from complaints.admin.case_actions.files import Assign, Attach, Correct, Register, TakeUp, WriteNote
from complaints.admin.case_actions.indemnities import Indemnify
from complaints.admin.case_actions.leading import Consent, Escalate, Merge, Refer, Reopen
from complaints.admin.case_actions.messages import Acknowledge, Ask, Communicate, CustomerSaid, Resume

__all__ = ["CASE_ACTIONS", "Register"]

CASE_ACTIONS: tuple[type[StaffAction[Any]], ...] = (
    TakeUp,
    Acknowledge,
    Assess,
    Ask,
    Resume,
    Decide,
    Propose,
    Indemnify,
    Communicate,
    Close,
    WriteNote,
    CustomerSaid,
    Attach,
    Assign,
    Correct,
    Escalate,
    Refer,
    Consent,
    Merge,
    Reopen,
    Withdraw,
)
