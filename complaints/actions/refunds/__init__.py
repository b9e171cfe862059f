"""A refund's life: draft, proposal, approval by others, and what then happens for real."""

from complaints.actions.refunds.approvals import approve_refund, reject_refund, return_refund
from complaints.actions.refunds.endings import (
    expire_refund,
    lock_periods_of_open_refunds,
    revoke_refund,
    withdraw_open_refunds,
    withdraw_refund,
)
from complaints.actions.refunds.proposals import draft_refund, edit_refund, propose_refund, quote_and_propose

__all__ = [
    "approve_refund",
    "draft_refund",
    "edit_refund",
    "expire_refund",
    "lock_periods_of_open_refunds",
    "propose_refund",
    "quote_and_propose",
    "reject_refund",
    "return_refund",
    "revoke_refund",
    "withdraw_open_refunds",
    "withdraw_refund",
]
