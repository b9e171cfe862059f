"""Customers: entering one and correcting what is known of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from stdnum import iban as iban_numbers

from accounts.customers.bank_details.actions import record_change
from accounts.customers.changes import CustomerChange, follow
from accounts.customers.models import Customer
from accounts.customers.rules import merged_obstacle
from accounts.numbers.models import next_number
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from accounts.vocabulary import AccountRefusal, AccountVerb
from audit.actions import Obstacle, Refused, act, checked
from audit.vocabulary import Refusal
from core.addresses import PARTS, Address, postcode_problem, tidy
from core.text import say
from core.validators import clean_tax_number, problem_in_words

ADDRESSES = frozenset({"postal", "billing"})
NOWHERE = Address()

#: What ``edit_customer`` may change. The number never changes: invoices and letters carry it.
EDITABLE = frozenset(
    {
        "kind",
        "name",
        "email",
        "phone",
        "country",
        "language",
        "currency",
        *ADDRESSES,
        "tax_number",
        "iban",
        "account_holder",
        "customer_since",
        "notes",
    }
)
_OF_TAX = ("tax_number", "country", "kind")
BANK_DETAILS = frozenset({"iban", "account_holder"})


def create_customer(
    *,
    by: User,
    name: str,
    number: str = "",
    kind: str = Customer.Kind.COMPANY,
    email: str = "",
    phone: str = "",
    country: str = "IT",
    language: str = Customer.Language.ENGLISH,
    currency: str = "EUR",
    postal: Address = NOWHERE,
    billing: Address = NOWHERE,
    tax_number: str = "",
    iban: str = "",
    account_holder: str = "",
    customer_since: date | None = None,
    notes: str = "",
    reason: str = "",
) -> Customer:
    """Enter a new customer; without a ``number`` the next of the series K-000001, K-000002, ... that is free.

    Raises:
        Refused: the number is taken, or a field is invalid (unknown country or currency, no IBAN).
    """
    with act(AccountVerb.CUSTOMER_CREATE, by=by, reason=reason, target=(Customer, None)) as action:
        require(by, May.EDIT_CUSTOMERS)
        number = number.strip()
        if number and Customer.objects.filter(number__iexact=number).exists():
            raise Refused(
                say("There is a customer {number} already.", number=number),
                code=Refusal.DUPLICATE,
                data={"field": "number"},
            )
        customer = checked(
            Customer(
                number=number or _next_free_number(),
                kind=kind,
                name=name.strip(),
                email=email.strip(),
                phone=phone.strip(),
                country=country,
                language=language,
                currency=currency,
                **_columns("postal", postal, country),
                **_columns("billing", billing, country),
                tax_number=_tax_number(tax_number, country, kind),
                iban=iban_numbers.compact(iban),
                account_holder=account_holder.strip(),
                customer_since=customer_since,
                notes=notes,
            )
        )
        customer.save()
        if customer.iban:
            # As any change: the first payout waits for a second person, or one alone could enter an account of theirs.
            record_change(customer, iban_before="", holder_before="", by=by)
        action.about(customer, customer_id=customer.pk)
        return customer


def _columns(name: str, address: Address, country: str) -> dict[str, str]:
    """An address as the columns of a customer of the country.

    Raises:
        Refused: its postcode is none of its country's.
    """
    own = tidy(address)
    if problem := postcode_problem(replace(own, country=own.country or country)):
        raise Refused(problem, code=AccountRefusal.POSTCODE, data={"field": name})
    return {f"{name}_{part}": getattr(own, part) for part in PARTS}


def _tax_number(number: str, country: str, kind: str) -> str:
    """In one spelling, checked for companies: a person's tax number is another thing than a VAT number."""
    try:
        return clean_tax_number(number, country)
    except ValidationError:
        if kind == Customer.Kind.PERSON:
            return " ".join(number.split())
        problem = problem_in_words(lambda: clean_tax_number(number, country))
        raise Refused(problem, code=AccountRefusal.TAX_NUMBER, data={"field": "tax_number"}) from None


def _next_free_number() -> str:
    """Numbers that were typed or imported by hand may lie ahead in the series: they are passed over."""
    while True:
        number = f"K-{next_number('customer'):06d}"
        if not Customer.objects.filter(number__iexact=number).exists():
            return number


def currency_obstacle(customer: Customer) -> Obstacle | None:
    """Why the customer's currency can't be changed (any more), or None."""
    # Through the reverse relation: subscriptions belong to an app that this one does not know.
    subscriptions: Any = customer.subscriptions
    if subscriptions.exists():
        return Obstacle(
            say(
                "{customer} has subscriptions in {currency}: its currency stays.",
                customer=customer.name,
                currency=customer.currency,
            ),
            AccountRefusal.CURRENCY_IN_USE,
        )
    return None


def edit_customer(customer_id: int, *, by: User, reason: str = "", **changes: Any) -> Customer:
    """Change what is known of a customer; only the fields given. A change of bank details needs a reason
    and waits for a second person (``accounts.customers.bank_details.rules``).

    Raises:
        Refused: the number was to change, the currency was to change though there is a subscription, nothing
            differs, a field is invalid (a company's tax number by its country), the customer was merged, or the bank
            details are one's own.
    """
    with act(AccountVerb.CUSTOMER_EDIT, by=by, reason=reason, target=(Customer, customer_id)) as action:
        require(by, May.EDIT_CUSTOMERS)
        customer = action.lock(Customer, customer_id)
        action.about(customer, customer_id=customer.pk)
        action.refuse_if(merged_obstacle(customer))
        if fixed := changes.keys() - EDITABLE:
            raise Refused(
                say("A customer's {names} cannot be changed.", names=", ".join(sorted(fixed))),
                code=AccountRefusal.FIXED,
            )
        if "iban" in changes:
            changes["iban"] = iban_numbers.compact(changes["iban"])
        for name in ADDRESSES & changes.keys():
            changes |= _columns(name, changes.pop(name), changes.get("country", customer.country))
            # Somebody has looked at its parts now.
            changes["address_to_check"] = False
        if any(changes.get(name, getattr(customer, name)) != getattr(customer, name) for name in _OF_TAX):
            told = {name: changes.get(name, getattr(customer, name)) for name in _OF_TAX}
            changes["tax_number"] = _tax_number(told["tax_number"], told["country"], told["kind"])
        changed = {name for name, value in changes.items() if getattr(customer, name) != value}
        if not changed:
            raise Refused(say("Nothing is different from what is on file."), code=Refusal.NOTHING_CHANGED)
        if "currency" in changed:
            action.refuse_if(currency_obstacle(customer))
        if changed & BANK_DETAILS:
            action.require_reason(say("who asked for the change of bank details and how"))
        iban_before, holder_before, email_before = customer.iban, customer.account_holder, customer.email
        for name in changed:
            setattr(customer, name, changes[name])
        checked(customer).save()
        bank_details = None
        if changed & BANK_DETAILS:
            bank_details = record_change(customer, iban_before=iban_before, holder_before=holder_before, by=by)
        follow(CustomerChange(customer, email_before, bank_details, by))
        action.about(customer)
        action.data = {"changed": sorted(changed)}
        return customer
