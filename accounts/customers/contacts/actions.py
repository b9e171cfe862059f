"""The people to talk to at a customer: named, corrected, and retired when they leave."""

from __future__ import annotations

from typing import Any

from accounts.customers.models import Contact, Customer
from accounts.customers.rules import merged_obstacle
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from accounts.vocabulary import AccountRefusal, AccountVerb
from audit.actions import Action, Obstacle, Refused, act, checked
from audit.vocabulary import Refusal
from core.text import say

FIELDS = frozenset({"name", "position", "email", "phone"})


def add_contact(
    customer_id: int, *, by: User, name: str, position: str = "", email: str = "", phone: str = ""
) -> Contact:
    """Name somebody to talk to at a customer.

    Raises:
        Refused: no name, no valid e-mail address, or the customer was merged into another.
    """
    with act(AccountVerb.CONTACT_ADD, by=by, target=(Customer, customer_id)) as action:
        require(by, May.EDIT_CUSTOMERS)
        customer = action.lock(Customer, customer_id)
        action.about(customer, customer_id=customer.pk)
        action.refuse_if(merged_obstacle(customer))
        contact = checked(
            Contact(
                customer=customer,
                name=name.strip(),
                position=position.strip(),
                email=email.strip(),
                phone=phone.strip(),
            )
        )
        contact.save()
        action.about(contact, customer_id=customer.pk)
        return contact


def contact_obstacle(contact: Contact) -> Obstacle | None:
    """Why the contact cannot be edited or retired now, or None."""
    if obstacle := merged_obstacle(contact.customer):
        return obstacle
    if not contact.active:
        return Obstacle(
            say("{contact} is retired: add them again if they are back.", contact=contact.name), Refusal.STATE
        )
    return None


def edit_contact(contact_id: int, *, by: User, **changes: Any) -> Contact:
    """Change what is known of a contact; only the fields given.

    Raises:
        Refused: nothing differs, a field is invalid, or the contact is retired.
    """
    with act(AccountVerb.CONTACT_EDIT, by=by, target=(Contact, contact_id)) as action:
        contact = _begin(action, contact_id, by)
        if fixed := changes.keys() - FIELDS:
            raise Refused(
                say("A contact's {names} cannot be changed.", names=", ".join(sorted(fixed))), code=AccountRefusal.FIXED
            )
        changes = {name: value.strip() for name, value in changes.items()}
        changed = {name for name, value in changes.items() if getattr(contact, name) != value}
        if not changed:
            raise Refused(say("Nothing is different from what is on file."), code=Refusal.NOTHING_CHANGED)
        for name in changed:
            setattr(contact, name, changes[name])
        checked(contact).save()
        action.data = {"changed": sorted(changed)}
        return contact


def retire_contact(contact_id: int, *, by: User, reason: str = "") -> Contact:
    """Nobody talks to this person any more; what was said stays."""
    with act(AccountVerb.CONTACT_RETIRE, by=by, reason=reason, target=(Contact, contact_id)) as action:
        contact = _begin(action, contact_id, by)
        contact.active = False
        contact.save()
        return contact


def _begin(action: Action, contact_id: int, by: User) -> Contact:
    require(by, May.EDIT_CUSTOMERS)
    contact = action.lock(Contact, contact_id, "customer")
    action.about(contact, customer_id=contact.customer_id)
    action.refuse_if(contact_obstacle(contact))
    return contact
