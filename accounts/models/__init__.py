"""Staff, the customers they serve, what both are told, and numbers without gaps."""

from accounts.models.customers import Agreement, BankDetailsChange, Contact, Customer
from accounts.models.messages import (
    Delivery,
    DeliveryAttempt,
    DigestTimes,
    MessageKind,
    MessageTemplate,
    OutgoingMessage,
)
from accounts.models.numbers import NumberSeries, next_number, next_numbers
from accounts.models.staff import ApprovalLimit, Delegation, StaffChange, Team, User

__all__ = [
    "Agreement",
    "ApprovalLimit",
    "BankDetailsChange",
    "Contact",
    "Customer",
    "Delegation",
    "Delivery",
    "DeliveryAttempt",
    "DigestTimes",
    "MessageKind",
    "MessageTemplate",
    "NumberSeries",
    "OutgoingMessage",
    "StaffChange",
    "Team",
    "User",
    "next_number",
    "next_numbers",
]
