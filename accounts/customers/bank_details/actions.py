"""Changing a customer's bank details, and the second person who confirms it."""

from __future__ import annotations

from django.utils import timezone

from accounts.customers.bank_details.rules import confirm_obstacle
from accounts.customers.models import BankDetailsChange, Customer
from accounts.staff.models import User
from accounts.vocabulary import AccountVerb
from audit.actions import act
from core.text import say


def record_change(customer: Customer, *, iban_before: str, holder_before: str, by: User) -> BankDetailsChange:
    """Write down that the (locked, changed) customer's bank details are new. For use inside actions."""
    change = BankDetailsChange(
        customer=customer,
        iban_before=iban_before,
        iban_after=customer.iban,
        holder_before=holder_before,
        holder_after=customer.account_holder,
        changed_by=by,
        changed_at=timezone.now(),
    )
    change.save()
    return change


def confirm_bank_details(change_id: int, *, by: User, reason: str) -> BankDetailsChange:
    """Confirm a change as its second person; ``reason`` says how it was checked with the customer.

    Raises:
        Refused: not a second person, linked to the customer, confirmed already, or not the latest change.
    """
    with act(AccountVerb.BANK_DETAILS_CONFIRM, by=by, reason=reason, target=(BankDetailsChange, change_id)) as action:
        change = action.lock(BankDetailsChange, change_id, "customer")
        action.about(change, customer_id=change.customer_id)
        action.refuse_if(confirm_obstacle(change, by))
        action.require_reason(say("how the change was checked with the customer"))
        change.confirmed_by = by
        change.confirmed_at = timezone.now()
        change.save()
        return change
