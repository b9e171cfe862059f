"""All that staff do on a case, in the order of its buttons."""

from __future__ import annotations

from typing import Any

from backoffice.actions import StaffAction
from complaints.cases.page_actions.decisions import Assess, Close, Decide, Propose, Withdraw
from complaints.cases.page_actions.messages import Acknowledge, Ask, Communicate, CustomerSaid, Resume
from complaints.cases.page_actions.registration import Assign, Attach, Correct, TakeUp, WriteNote
from complaints.cases.page_actions.supervision import Consent, Escalate, Merge, Refer, Reopen
from complaints.indemnities.page_actions import Indemnify

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
