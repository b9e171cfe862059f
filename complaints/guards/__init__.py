"""Why something may not be done now: one function a rule, asked by the pages beforehand and by the actions again.

Each returns an ``Obstacle`` (a sentence for staff) or None. They read the rows they are given and what hangs on them
(``prefetch_related`` serves), and never write. ``cases`` is about complaints, ``refunds`` about proposing,
``approvals`` about deciding on a proposal.
"""

from complaints.guards.approvals import (
    approve_obstacle,
    granted_lately,
    limit_obstacle,
    limit_of,
    own_hand,
    return_obstacle,
    revoke_obstacle,
)
from complaints.guards.cases import (
    acknowledge_obstacle,
    ask_obstacle,
    assess_obstacle,
    assign_obstacle,
    close_obstacle,
    communicate_obstacle,
    consent_obstacle,
    decide_obstacle,
    is_old,
    lead_obstacle,
    merge_obstacle,
    reopen_obstacle,
    resume_obstacle,
    withdraw_obstacle,
    work_obstacle,
)
from complaints.guards.common import (
    open_refunds,
)
from complaints.guards.refunds import (
    consent_missing,
    decision_obstacle,
    edit_obstacle,
    justification_obstacle,
    moved,
    propose_obstacle,
    quote_obstacle,
    withdraw_refund_obstacle,
)

__all__ = [
    "acknowledge_obstacle",
    "approve_obstacle",
    "ask_obstacle",
    "assess_obstacle",
    "assign_obstacle",
    "close_obstacle",
    "communicate_obstacle",
    "consent_missing",
    "consent_obstacle",
    "decide_obstacle",
    "decision_obstacle",
    "edit_obstacle",
    "granted_lately",
    "is_old",
    "justification_obstacle",
    "lead_obstacle",
    "limit_obstacle",
    "limit_of",
    "merge_obstacle",
    "moved",
    "open_refunds",
    "own_hand",
    "propose_obstacle",
    "quote_obstacle",
    "reopen_obstacle",
    "resume_obstacle",
    "return_obstacle",
    "revoke_obstacle",
    "withdraw_obstacle",
    "withdraw_refund_obstacle",
    "work_obstacle",
]
