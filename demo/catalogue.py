"""What the company sells, and what it costs since when."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from billing.plans.actions import (
    create_operation,
    create_plan,
    draft_operation_cost,
    draft_price,
    publish_operation_cost,
    publish_price,
)
from billing.plans.models import Operation, Plan
from demo.company import Company

TAX = Decimal(22)
MINUTE_COST = Decimal("0.0150")

#: (code, name, kind, fee a month until and since the newer price, included minutes); a year costs ten months.
PLANS: tuple[tuple[str, str, str, str, str, int], ...] = (
    ("LINE", "Single line", Plan.Kind.PHONE_SYSTEM, "14.90", "15.90", 300),
    ("OFFICE", "Office phone system", Plan.Kind.PHONE_SYSTEM, "59.90", "62.90", 1200),
    ("CONTACT", "Contact centre", Plan.Kind.PHONE_SYSTEM, "249.00", "261.00", 6000),
    ("ARCHIVE", "Call archive", Plan.Kind.SOFTWARE, "9.90", "10.90", 0),
    ("DESK", "Service desk", Plan.Kind.SOFTWARE, "24.90", "25.90", 0),
    ("SUITE", "Business suite", Plan.Kind.SOFTWARE, "39.90", "41.90", 0),
)
IN_CHF = ("OFFICE", "SUITE")

#: (code, name, cost of one use)
OPERATIONS = (
    ("FORWARDING", "Call forwarding by an operator", "0.05"),
    ("TRUNK", "Trunk hosting, per channel and day", "0.20"),
    ("VOICEMAIL", "Voicemail transcription", "0.08"),
)

YEARS_AGO = 3 * 365
NEWER_PRICE = 91


def create_plans(company: Company) -> None:
    """Plans and operations with the terms that held when the company came to the product."""
    clerk, manager = company.person("billing"), company.person("manager")
    since = company.days.ago(YEARS_AGO)
    for code, name, kind, fee, _, minutes in PLANS:
        company.plans[code] = create_plan(by=clerk, code=code, name=name, kind=kind)
        _price(company, code, Decimal(fee), minutes, since)
    for code, name, unit_cost in OPERATIONS:
        operation: Operation = create_operation(by=clerk, code=code, name=name)
        for currency in ("EUR", "CHF"):
            cost = draft_operation_cost(
                by=clerk,
                operation_id=operation.pk,
                currency=currency,
                valid_from=since,
                unit_cost=Decimal(unit_cost),
            )
            publish_operation_cost(cost.pk, by=manager)


def raise_prices(company: Company) -> None:
    """The newer prices, for periods that begin later."""
    for code, _, _, _, fee, minutes in PLANS:
        _price(company, code, Decimal(fee), minutes, company.days.ago(NEWER_PRICE))


def _price(company: Company, code: str, monthly: Decimal, minutes: int, since: date) -> None:
    clerk, manager = company.person("billing"), company.person("manager")
    plan = company.plans[code]
    calls = plan.kind == Plan.Kind.PHONE_SYSTEM
    for currency in ("EUR", "CHF") if code in IN_CHF else ("EUR",):
        for term, months in (("monthly", 1), ("annual", 10)):
            price = draft_price(
                by=clerk,
                plan_id=plan.pk,
                term=term,
                currency=currency,
                valid_from=since,
                fee=monthly * months,
                tax_rate=TAX,
                included_minutes=minutes * (12 if term == "annual" else 1),
                minute_cost=MINUTE_COST if calls else Decimal(0),
            )
            publish_price(price.pk, by=manager)
