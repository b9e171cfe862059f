"""Asking the permission table, with a sentence for whoever may not."""

from __future__ import annotations

from accounts.models import Customer, User
from accounts.permissions import SYSTEM_MAY, May, roles_that
from audit.actions import Obstacle, Refused


def permission_obstacle(by: User, what: May) -> str | None:
    """Why this person may not do it by their role, or None. The system user has a short list of its own."""
    if by.username == User.SYSTEM:
        return None if what in SYSTEM_MAY else f"The system itself may not {what}: {roles_that(what)} can."
    if by.may(what):
        return None
    if not by.is_active:
        return "This account is deactivated."
    role = by.role_name or "no role"
    return f"Your role ({role}) may not {what}. {roles_that(what)} can."


def require(by: User, what: May) -> None:
    """Raises ``Refused`` unless the person's role allows it."""
    obstacle = permission_obstacle(by, what)
    if obstacle:
        raise Refused(obstacle, code="permission")


def merged_obstacle(customer: Customer) -> Obstacle | None:
    """Why nothing new is written for a customer who turned out to be another one, or None."""
    if customer.merged_into is None:
        return None
    return Obstacle(f"{customer} was merged into {customer.merged_into} and is kept for reading only.", "merged")
