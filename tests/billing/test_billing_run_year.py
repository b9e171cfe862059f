"""A year of billing, day by day, beside a ledger that was written by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from audit.ledger_checks import run_checks
from billing.credits.models import Credit, CreditApplication
from billing.invoices.models import Invoice
from billing.remedies import effects as giving
from billing.runs.actions import run_billing
from billing.subscriptions.cancellations.actions import cancel_subscription
from billing.subscriptions.models import Subscription
from reports.management.commands.check_ledger import CHECKS
from tests import factories

pytestmark = pytest.mark.django_db

#: number, issued on, net, tax, gross, credited: 60.00 at 22 % is 49.18 + 10.82, 65.00 is 53.28 + 11.72, 720.00 is
#: 590.16 + 129.84. The first is of the subscription on the 31st (A), of the annual one (B), of the cancelled one (C).
LEDGER = """
A 2023-000001 2023-01-31  49.18  10.82  60.00   0.00
B 2023-000002 2023-02-01 590.16 129.84 720.00   0.00
A 2023-000003 2023-02-28  49.18  10.82  60.00  60.00
C 2023-000004 2023-03-15  49.18  10.82  60.00  40.00
A 2023-000005 2023-03-31  49.18  10.82  60.00  60.00
C 2023-000006 2023-04-15  49.18  10.82  60.00   0.00
A 2023-000007 2023-04-30  49.18  10.82  60.00  30.00
C 2023-000008 2023-05-15  49.18  10.82  60.00  60.00
A 2023-000009 2023-05-31  49.18  10.82  60.00   0.00
A 2023-000010 2023-06-30  49.18  10.82  60.00   0.00
A 2023-000011 2023-07-31  49.18  10.82  60.00   0.00
A 2023-000012 2023-08-31  49.18  10.82  60.00   0.00
A 2023-000013 2023-09-30  53.28  11.72  65.00   0.00
A 2023-000014 2023-10-31  53.28  11.72  65.00   0.00
A 2023-000015 2023-11-30  53.28  11.72  65.00   0.00
A 2023-000016 2023-12-31  53.28  11.72  65.00   0.00
A 2024-000001 2024-01-31  53.28  11.72  65.00   0.00
B 2024-000002 2024-02-11 590.16 129.84 720.00   0.00
A 2024-000003 2024-02-29  53.28  11.72  65.00   0.00
"""


def test_a_year_day_by_day_equals_the_ledger_written_by_hand() -> None:
    plan = factories.PlanFactory.create()
    factories.price(plan)
    factories.price(plan, "annual")
    factories.price(plan, valid_from=date(2023, 9, 1), fee=Decimal("65.00"))
    system = factories.system_user()
    of: dict[str, Subscription] = {}

    def events_of(day: date) -> None:
        match day.isoformat():
            case "2023-01-31":
                of["A"] = factories.open_subscription(plan=plan, activated_on=day)
            case "2023-02-01":
                of["B"] = factories.open_subscription(plan=plan, term="annual", activated_on=day)
            case "2023-02-10":
                giving.give_credit(of["A"], Decimal("150.00"), reason="A refund", on=day)
            case "2023-03-15":
                of["C"] = factories.open_subscription(plan=plan, activated_on=day)
            case "2023-04-20":
                giving.give_credit(of["C"], Decimal("100.00"), reason="A refund", on=day)
            case "2023-06-01":
                cancel_subscription(of["C"].pk, by=factories.lead(), channel="email", requested_on=day)
            case "2023-06-15":
                giving.give_days(Subscription.objects.get(pk=of["B"].pk), 10, reason="A refund", on=day)

    day = date(2023, 1, 31)
    while day <= date(2024, 2, 29):
        events_of(day)
        assert run_billing(day, by=system).problems == []
        day += timedelta(days=1)

    name = {subscription.pk: letter for letter, subscription in of.items()}
    found = [
        f"{name[each.subscription.pk]} {each.number} {each.issued_on} {each.net:6.2f} {each.tax:6.2f} "
        f"{each.gross:6.2f} {each.credited:6.2f}"
        for each in Invoice.objects.select_related("period__subscription").order_by("number")
    ]
    assert found == LEDGER.strip().splitlines()

    uses = CreditApplication.objects.filter(credit__subscription=of["A"]).order_by("pk")
    assert [(use.applied_on.isoformat(), use.amount) for use in uses] == [
        ("2023-02-28", Decimal(60)), ("2023-03-31", Decimal(60)), ("2023-04-30", Decimal(30)),
    ]  # fmt: skip
    extended = of["B"].periods.get(sequence=0)
    assert (extended.days, extended.closes_on) == (365, date(2024, 2, 11))
    assert of["B"].periods.get(sequence=1).ends_on == date(2025, 2, 11)
    ended = Subscription.objects.get(pk=of["C"].pk)
    assert (ended.state, ended.ended_on) == (Subscription.State.ENDED, date(2023, 6, 15))
    # What it left goes against its unpaid first invoice on the day of the end.
    assert not Credit.objects.left_by_ended_subscriptions().exists()
    uses = CreditApplication.objects.filter(credit__subscription=ended).order_by("pk")
    assert [(use.invoice.number, use.applied_on.isoformat(), use.amount) for use in uses] == [
        ("2023-000008", "2023-05-15", Decimal(60)), ("2023-000004", "2023-06-15", Decimal(40)),
    ]  # fmt: skip
    # Everybody paid nothing: what fell due more than a day ago is overdue, what credits bore in full is paid.
    states = dict(Invoice.objects.values_list("number", "state"))
    assert {number for number, state in states.items() if state == "paid"} == {
        "2023-000003", "2023-000005", "2023-000008",
    }  # fmt: skip
    assert {number for number, state in states.items() if state == "issued"} == {"2024-000003"}
    # Credits and days are given here by nobody's refund.
    assert {breach.rule for breach in run_checks(CHECKS)} <= {"credit-source", "days-source"}
