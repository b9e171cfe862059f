"""All that staff do on a case, in the order of its buttons."""

from __future__ import annotations

from typing import Any

from backoffice.actions import StaffAction
from complaints.cases.page_actions.decisions import (
    AssessComplaint,
    CloseComplaint,
    DecideComplaint,
    ProposeOnCase,
    WithdrawComplaint,
)
from complaints.cases.page_actions.messages import (
    Acknowledge,
    Ask,
    Communicate,
    CustomerSaid,
    ReadCustomerMessage,
    ResumeComplaint,
    WriteToCustomer,
)
from complaints.cases.page_actions.registration import Assign, Attach, Correct, TakeUp, WriteNote
from complaints.cases.page_actions.supervision import Consent, Escalate, Merge, Refer, Reopen
from complaints.indemnities.page_actions import Indemnify
from complaints.notices.page_actions import DismissNotice, TellOutcome

CASE_ACTIONS: tuple[type[StaffAction[Any]], ...] = (
    TakeUp,
    Acknowledge,
    AssessComplaint,
    Ask,
    ResumeComplaint,
    DecideComplaint,
    ProposeOnCase,
    Indemnify,
    Communicate,
    TellOutcome,
    WriteToCustomer,
    ReadCustomerMessage,
    CloseComplaint,
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
    DismissNotice,
    WithdrawComplaint,
)
