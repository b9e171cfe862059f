# mypy: disallow-untyped-calls=False
"""The smallest valid rows, with plain dates and amounts.

People: ``agent()``, ``lead()``, ``manager()``, ``billing_clerk()``, ``auditor()``, ``administrator()``. Rows
without rules are made by the factories; what carries rules (subscriptions, invoices, payments, phones,
usage) by the product's own actions. Actions look at the real day, so dates lie in the past: ``days_ago``,
``months_ago``.
"""

from __future__ import annotations

import io
from calendar import monthrange
from contextlib import AbstractContextManager, nullcontext
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Max
from django.utils import timezone
from factory.declarations import LazyFunction, Sequence, SubFactory
from factory.django import DjangoModelFactory
from PIL import Image
from stdnum import iban

from accounts.company.models import CompanyProfile, Logo
from accounts.customers.models import Customer
from accounts.staff.delegations.actions import give_delegation
from accounts.staff.models import ApprovalLimit, ControlLimit, Delegation, StaffChange, Team, User
from accounts.staff.permissions import APPROVAL_OF, PERMISSIONS, Role
from billing.credits.models import Credit
from billing.imports.bank import Statement, read_statement
from billing.imports.bank_map import load_bank_map
from billing.invoices.models import Charge, Invoice
from billing.payments.actions import record_payment
from billing.payments.bank_lines.actions import import_bank, match_bank_line
from billing.payments.models import BankLine, Payment
from billing.plans.models import Operation, OperationCost, Plan, Price
from billing.remedies.effects import give_credit
from billing.runs.actions import run_billing
from billing.runs.batch import BillingResult
from billing.subscriptions.actions import open_subscription as open_subscription_action
from billing.subscriptions.cancellations.actions import cancel_subscription
from billing.subscriptions.models import PlanChange, Subscription
from billing.subscriptions.plan_changes.actions import schedule_plan_change
from billing.usage.actions import Usage, record_usage
from core.addresses import parse_address
from demo.clock import Clock
from hardware.phones.models import PhoneModel
from hardware.purchases.actions import DueInstalment, record_purchase
from hardware.purchases.models import Purchase
from messaging.outbox.models import OutgoingMessage
from messaging.outbox.queue import queue_message
from messaging.templates.models import MessageKind

PASSWORD = "correct horse battery"
#: Terms and limits of the factories hold from here on.
LONG_AGO = date(2015, 1, 1)
#: What a month of the factories' plan costs, gross; a year is twelve of it.
MONTHLY_FEE = Decimal("60.00")

_serial = count(1)


# --- Days ---------------------------------------------------------------------------------------


def today() -> date:
    """The local day."""
    return timezone.localdate()


def days_ago(days: int) -> date:
    return today() - timedelta(days=days)


def months_ago(months: int, day: date | None = None) -> date:
    """The same day so many months earlier, cut to the month's last day."""
    start = day or today()
    index = start.year * 12 + start.month - 1 - months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def at(day: date, hour: int = 12, minute: int = 0) -> datetime:
    """A point in time on a local day."""
    return datetime.combine(day, time(hour, minute), tzinfo=timezone.get_default_timezone())


# --- People -------------------------------------------------------------------------------------


def _with_group(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The group for a role's name. A test that empties the tables takes the migration's groups along."""
    if isinstance(kwargs.get("role"), str):
        kwargs["role"] = Group.objects.get_or_create(name=str(kwargs["role"]))[0]
    return kwargs


class TeamFactory(DjangoModelFactory[Team]):
    class Meta:
        model = Team

    name = Sequence(lambda n: f"Team {n}")


class UserFactory(DjangoModelFactory[User]):
    """``UserFactory(role=Role.LEAD)``; a role may be its name. The password is ``PASSWORD``."""

    class Meta:
        model = User

    username = Sequence(lambda n: f"person{n}")
    first_name = Sequence(lambda n: f"Robin{n}")
    last_name = "Example"
    password = LazyFunction(lambda: make_password(PASSWORD))
    role = Role.AGENT

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        made: User = super()._create(model_class, *args, **_with_group(kwargs))
        return made


def agent(**kwargs: Any) -> User:
    return UserFactory.create(role=Role.AGENT, **kwargs)


def lead(**kwargs: Any) -> User:
    return UserFactory.create(role=Role.LEAD, **kwargs)


def manager(**kwargs: Any) -> User:
    return UserFactory.create(role=Role.MANAGER, **kwargs)


def billing_clerk(**kwargs: Any) -> User:
    return UserFactory.create(role=Role.BILLING, **kwargs)


def auditor(**kwargs: Any) -> User:
    return UserFactory.create(role=Role.AUDITOR, **kwargs)


def administrator(**kwargs: Any) -> User:
    return UserFactory.create(role=Role.ADMIN, **kwargs)


def system_user() -> User:
    return User.objects.get_or_create(username=User.SYSTEM, defaults={"is_active": False})[0]


class ApprovalLimitFactory(DjangoModelFactory[ApprovalLimit]):
    """A published limit; ``role`` may be its name."""

    class Meta:
        model = ApprovalLimit

    role = Role.MANAGER
    subject = ApprovalLimit.Subject.USAGE
    currency = "EUR"
    valid_from = LONG_AGO
    amount = Decimal("1000.00")
    state = ApprovalLimit.State.PUBLISHED
    drafted_by = SubFactory(UserFactory, role=Role.ADMIN)
    published_by = SubFactory(UserFactory, role=Role.MANAGER)

    @classmethod
    def _create(cls, model_class: type[ApprovalLimit], *args: Any, **kwargs: Any) -> ApprovalLimit:
        if kwargs["state"] == ApprovalLimit.State.DRAFT:
            kwargs["published_by"] = None
        made: ApprovalLimit = super()._create(model_class, *args, **_with_group(kwargs))
        return made


def control_limit(**values: Any) -> ControlLimit:
    """A published control limit: an ``amount`` in EUR, or ``days`` of the window."""
    window = "days" in values
    given = {
        "kind": ControlLimit.Kind.WINDOW if window else ControlLimit.Kind.SECOND_THRESHOLD,
        "currency": "" if window else "EUR",
        "valid_from": LONG_AGO,
        "state": ControlLimit.State.PUBLISHED,
        **values,
    }
    published = given["state"] == ControlLimit.State.PUBLISHED
    limit = ControlLimit(drafted_by=administrator(), published_by=manager() if published else None, **given)
    limit.save()
    return limit


def approval_limits(
    lead_amount: Decimal = Decimal("100.00"),
    manager_amount: Decimal = Decimal("1000.00"),
    currency: str = "EUR",
    batch_amount: Decimal = Decimal("10000.00"),
) -> None:
    """Published limits for all that each role may approve; ``batch_amount`` is that of managers."""
    drafter, publisher = administrator(), manager()
    for role, amount in ((Role.LEAD, lead_amount), (Role.MANAGER, manager_amount)):
        for subject, may in APPROVAL_OF.items():
            if role in PERMISSIONS[may]:
                ApprovalLimitFactory.create(
                    role=role,
                    subject=subject,
                    currency=currency,
                    amount=amount,
                    batch_amount=batch_amount if role == Role.MANAGER else Decimal(0),
                    drafted_by=drafter,
                    published_by=publisher,
                )


def delegation(
    delegator: User | None = None, deputy: User | None = None, *, starts_in: int = 0, days: int = 14
) -> Delegation:
    """A manager is away from today on for so many days, and a lead stands in."""
    starts_on = today() + timedelta(days=starts_in)
    return give_delegation(
        by=delegator or manager(),
        deputy_id=(deputy or lead()).pk,
        starts_on=starts_on,
        ends_on=starts_on + timedelta(days=days - 1),
        reason="On holiday",
    )


class StaffChangeFactory(DjangoModelFactory[StaffChange]):
    """A draft by an administrator: an agent shall be an agent without a team. ``role`` may be its name."""

    class Meta:
        model = StaffChange

    person = SubFactory(UserFactory)
    role = Role.AGENT
    reason = "Joins the desk"
    drafted_by = SubFactory(UserFactory, role=Role.ADMIN)

    @classmethod
    def _create(cls, model_class: type[StaffChange], *args: Any, **kwargs: Any) -> StaffChange:
        made: StaffChange = super()._create(model_class, *args, **_with_group(kwargs))
        return made


def own_iban(number: int) -> str:
    """A valid IBAN for each number: customers with one account count as one when something is approved."""
    rest = f"X0542811101{number:012d}"
    return f"IT{iban.calc_check_digits(f'IT00{rest}')}{rest}"


def address(text: str, country: str = "IT", *, of: str = "postal") -> dict[str, str]:
    """An address as the columns of a customer: ``CustomerFactory.create(**address("Via Roma 1, 00100 Roma"))``."""
    parts = parse_address(text, country).address
    return {f"{of}_{part}": getattr(parts, part) for part in ("street", "number", "postcode", "town")}


def company_profile(*, logo: bool = False, state: str = "published", **values: Any) -> CompanyProfile:
    """Who the company is, since long ago."""
    people = {"drafted_by": administrator(), "published_by": manager() if state == "published" else None}
    picture = Image.new("RGBA", (40, 20), "teal")
    png = io.BytesIO()
    picture.save(png, "PNG")
    own = Logo.objects.get_or_create(sha256="0" * 64, defaults={"png": png.getvalue()})[0] if logo else None
    known = {
        "name": "Example Telephony",
        "street": "Via del Molo",
        "number": "1",
        "postcode": "16100",
        "town": "Genova",
        "country": "IT",
        "registration_number": "REA GE-123456",
        "tax_number": "IT00743110157",
        "bank_account": "IT60 X054 2811 1010 0000 0123 456",
        "questions": "help@example.com",
        "cancellations": "cancel@example.com",
        "valid_from": LONG_AGO,
    }
    profile = CompanyProfile(**{**known, **people, "logo": own, "state": state, **values})
    profile.save()
    return profile


class CustomerFactory(DjangoModelFactory[Customer]):
    """A company in Italy with bank details; ``iban=""`` for one without."""

    class Meta:
        model = Customer

    number = Sequence(lambda n: f"C-{n:05d}")
    name = Sequence(lambda n: f"Harbour Bakery {n}")
    email = Sequence(lambda n: f"office{n}@example.com")
    phone = Sequence(lambda n: f"+39 06 {n:06d}")
    iban = Sequence(own_iban)


# --- Plans and prices ---------------------------------------------------------------------------


class PlanFactory(DjangoModelFactory[Plan]):
    class Meta:
        model = Plan

    code = Sequence(lambda n: f"PLAN-{n}")
    name = Sequence(lambda n: f"Phone system {n}")
    kind = Plan.Kind.PHONE_SYSTEM


class _TermsFactory[T: Price | OperationCost](DjangoModelFactory[T]):
    """Dated terms, published by another than their drafter; ``state="draft"`` for a draft."""

    class Meta:
        abstract = True

    currency = "EUR"
    valid_from = LONG_AGO
    state = "published"
    drafted_by = SubFactory(UserFactory, role=Role.BILLING)
    published_by = SubFactory(UserFactory, role=Role.MANAGER)

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs["state"] == "draft":
            kwargs["published_by"] = None
        return super()._create(model_class, *args, **kwargs)


class PriceFactory(_TermsFactory[Price]):
    """60.00 EUR a month at 22 % tax, 500 minutes included, 0.02 a minute."""

    class Meta:
        model = Price

    plan = SubFactory(PlanFactory)
    term = "monthly"
    fee = MONTHLY_FEE
    tax_rate = Decimal(22)
    included_minutes = 500
    minute_cost = Decimal("0.02")


class OperationFactory(DjangoModelFactory[Operation]):
    class Meta:
        model = Operation

    code = Sequence(lambda n: f"OP-{n}")
    name = Sequence(lambda n: f"Operation {n}")


class OperationCostFactory(_TermsFactory[OperationCost]):
    class Meta:
        model = OperationCost

    operation = SubFactory(OperationFactory)
    unit_cost = Decimal("0.50")


# --- Subscriptions and money --------------------------------------------------------------------


def price(plan: Plan | None = None, term: str = "monthly", **kwargs: Any) -> Price:
    """A published price of a plan; a year costs twelve months unless ``fee`` says otherwise."""
    kwargs.setdefault("fee", MONTHLY_FEE * (12 if term == "annual" else 1))
    return PriceFactory.create(plan=plan or PlanFactory.create(), term=term, **kwargs)


def open_subscription(
    customer: Customer | None = None,
    plan: Plan | None = None,
    *,
    term: str = "monthly",
    activated_on: date | None = None,
    by: User | None = None,
    **kwargs: Any,
) -> Subscription:
    """A subscription that began ten days ago, with its first period and invoice, opened on its first day unless an
    invoice was written since; its plan gets a price if it has none.
    """
    customer = customer or CustomerFactory.create()
    plan = plan or PlanFactory.create()
    currency = kwargs.get("currency") or customer.currency
    if not Price.objects.filter(plan=plan, term=term, currency=currency, state="published").exists():
        price(plan, term, currency=currency)
    activated_on = activated_on or days_ago(10)
    last = Invoice.objects.aggregate(day=Max("issued_on"))["day"]
    with clock_back_at(max(day for day in (activated_on, kwargs.get("taken_over_on"), last) if day)):
        return open_subscription_action(
            by=by or system_user(),
            customer_id=customer.pk,
            plan_id=plan.pk,
            term=term,
            activated_on=activated_on,
            **kwargs,
        )


def plan_change(subscription: Subscription, plan: Plan | None = None, **kwargs: Any) -> PlanChange:
    """A change scheduled from today on, to a plan of the same price unless one is given."""
    plan = plan or price(term=subscription.term, currency=subscription.currency).plan
    values: dict[str, Any] = {"effective_on": today(), "channel": "email", **kwargs}
    return schedule_plan_change(subscription.pk, by=values.pop("by", None) or agent(), plan_id=plan.pk, **values)


def pay(invoice: Invoice, amount: Decimal | None = None, *, by: User | None = None, on: date | None = None) -> Invoice:
    """Record a payment of the whole sum due, or of a part. Returns the invoice as it is then."""
    record_payment(
        invoice.pk,
        by=by or system_user(),
        amount=invoice.due if amount is None else amount,
        received_on=on or min(max(invoice.issued_on, LONG_AGO), today()),
        reference="Transfer",
        another=True,
    )
    return Invoice.objects.get(pk=invoice.pk)


def invoice_to_pay(**kwargs: Any) -> Invoice:
    """The unpaid invoice of a new subscription, opened with ``kwargs``."""
    return Invoice.objects.get(period__subscription=open_subscription(**kwargs))


def again[M: models.Model](row: M) -> M:
    """The row as it is in the database now."""
    return type(row)._base_manager.get(pk=row.pk)


def paid_invoice(subscription: Subscription | None = None) -> Invoice:
    """The paid invoice of a subscription's current period."""
    subscription = subscription or open_subscription()
    return pay(Invoice.objects.get(period=subscription.current_period()))


def paid_subscription(**kwargs: Any) -> Subscription:
    """As ``open_subscription``, with its invoice paid: what most refunds need."""
    subscription = open_subscription(**kwargs)
    paid_invoice(subscription)
    return subscription


def usage(
    subscription: Subscription,
    *,
    day: date | None = None,
    seconds: int = 0,
    operation: str = "",
    quantity: Decimal = Decimal(0),
    external_id: str = "",
) -> int:
    """Record a call of some seconds, or an operation, at noon of a day (the current period's first)."""
    if day is None:
        period = subscription.current_period()
        assert period is not None
        day = period.starts_on
    row = Usage(
        external_id=external_id or f"usage-{next(_serial)}",
        occurred_at=at(day),
        seconds=seconds,
        operation=operation,
        quantity=quantity,
    )
    with clock_at(row.occurred_at):
        return record_usage(subscription.pk, [row], by=system_user())


def charge(subscription: Subscription, amount: Decimal = Decimal("12.20"), *, on: date | None = None) -> Charge:
    """A charge that waits for the next invoice, at the factories' tax rate."""
    made = Charge(
        customer_id=subscription.customer_id,
        subscription=subscription,
        currency=subscription.currency,
        amount=amount,
        tax_rate=Decimal(22),
        reason="Taken back",
        charged_on=on or days_ago(3),
    )
    made.save()
    return made


def ended_subscription(*, activated_on: date | None = None, **kwargs: Any) -> Subscription:
    """One that was cancelled in its first month, and ended with it some days ago."""
    subscription = open_subscription(activated_on=activated_on or months_ago(1, days_ago(5)), **kwargs)
    period = subscription.periods.get()
    cancel_subscription(subscription.pk, by=lead(), channel="email", requested_on=period.starts_on + timedelta(days=1))
    run_billing(period.closes_on, by=system_user())
    return Subscription.objects.get(pk=subscription.pk)


def bill(day: date, *, by: User) -> BillingResult:
    """Run billing on the day, which may be one to come: the clock shows its noon then."""
    with clock_at(at(day)) if day > today() else nullcontext():
        return run_billing(day, by=by)


def clock_back_at(day: date) -> AbstractContextManager[object]:
    """The clock at a day that is over, the real one at any other: documents are dated on the day they are written."""
    return Clock(at(day)).running() if day < today() else nullcontext()


def clock_at(moment: datetime) -> AbstractContextManager[object]:
    """The clock at a moment to come; the real one at any other: nothing is billed or used ahead of it."""
    return Clock(moment).running() if moment > timezone.now() else nullcontext()


def leftover_credit(amount: Decimal = Decimal("25.00"), **kwargs: Any) -> Credit:
    """What a subscription left when it ended yesterday."""
    subscription = paid_subscription(activated_on=months_ago(2), **kwargs)
    credit = give_credit(subscription, amount, reason="A refund")
    subscription = Subscription.objects.get(pk=subscription.pk)
    subscription.state = Subscription.State.ENDED
    subscription.cancelled_on = days_ago(20)
    subscription.ended_on = days_ago(1)
    subscription.save()
    return Credit.objects.get(pk=credit.pk)


def bank_statement(*lines: str, header: str = "booked_on,amount,currency,payer,text") -> Statement:
    """A statement of the product's own form, one line a booking."""
    stream = io.BytesIO("\n".join((header, *lines)).encode())
    return read_statement(stream, load_bank_map("own"), file_name="statement.csv", today=today())


def bank_line(*, by: User | None = None, text: str = "Thank you", amount: str = "12.00") -> BankLine:
    """A payment received that names no invoice."""
    line = f"{days_ago(1)},{amount},EUR,Somebody {next(_serial)},{text}"
    import_bank(bank_statement(line), by=by or system_user())
    return BankLine.objects.latest("pk")


def overpay(invoice: Invoice, amount: str, *, by: User | None = None) -> Payment:
    """A payment that a line of the bank proves; what is more than due becomes a credit."""
    line = bank_line(by=by, amount=amount)
    matched = match_bank_line(
        line.pk, by=by or system_user(), invoice_number=invoice.number, surplus_to_credit=True, another=True
    )
    assert matched.payment is not None
    return matched.payment


# --- Messages -----------------------------------------------------------------------------------


def outgoing_message(customer: Customer | None = None, *, by: User | None = None, **kwargs: Any) -> OutgoingMessage:
    """A payout made, told to a customer: it waits in the outbox."""
    return queue_message(
        by=by or system_user(),
        customer=customer or CustomerFactory.create(),
        **{
            "kind": MessageKind.PAYOUT_MADE,
            "key": f"factory:{next(_serial)}",
            "fields": {"amount": "40.00 EUR", "paid_on": "2 May 2024", "reference": "SEPA-1"},
            **kwargs,
        },
    )


# --- Phones -------------------------------------------------------------------------------------


class PhoneModelFactory(DjangoModelFactory[PhoneModel]):
    class Meta:
        model = PhoneModel

    maker = "Tellwell"
    name = Sequence(lambda n: f"Desk {n}")


def phone_purchase(
    customer: Customer | None = None,
    *,
    price: Decimal = Decimal("120.00"),
    instalments: int = 1,
    bought_on: date | None = None,
    serial: str = "",
    mac: str = "",
    model: PhoneModel | None = None,
) -> Purchase:
    """A phone bought thirty days ago, to be paid in equal instalments (120.00 divides evenly)."""
    number = next(_serial)
    bought = bought_on or days_ago(30)
    return record_purchase(
        by=system_user(),
        customer_id=(customer or CustomerFactory.create()).pk,
        phone_model_id=(model or PhoneModelFactory.create()).pk,
        serial=serial or f"SN-{number:06d}",
        mac=mac or f"02:00:00:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}",
        price=price,
        bought_on=bought,
        instalments=[DueInstalment(months_ago(-part, bought), price / instalments) for part in range(instalments)],
    )
