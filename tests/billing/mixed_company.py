"""A company with subscriptions of every kind, in a random mixture, for what has to hold for all of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from audit.bulk import update_tracked
from billing.invoices.models import Charge
from billing.plans.models import Plan
from billing.remedies import effects as giving
from billing.subscriptions.cancellations.actions import cancel_subscription
from billing.subscriptions.models import PlanChange, Subscription
from tests import factories

#: Month ends, a leap day, days that many share; all in the half year before June 2024.
STARTS = [
    date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 30), date(2024, 3, 31), date(2024, 4, 30), date(2024, 5, 1),
    date(2024, 4, 1), date(2023, 12, 31), date(2024, 4, 30), date(2024, 5, 1), date(2024, 5, 1), date(2024, 5, 20),
]  # fmt: skip


class MixedCompany:
    """Subscriptions of every kind, in a random mixture that is the same each time for a seed."""

    def __init__(self, seed: int, size: int) -> None:
        self.random = Random(seed)
        operation = factories.OperationFactory.create()
        for currency in ("EUR", "JPY"):
            factories.OperationCostFactory.create(operation=operation, currency=currency, unit_cost=Decimal(1))
        self.plans = [factories.PlanFactory.create() for _ in range(3)]
        for n, plan in enumerate(self.plans):
            fee = Decimal("59.99") + 10 * n
            for term, times in (("monthly", 1), ("annual", 11)):
                factories.price(plan, term, fee=fee * times, tax_rate=Decimal(22))
                factories.price(plan, term, fee=fee.quantize(Decimal(1)) * times, currency="JPY", tax_rate=Decimal(10))
            raised = date(2024, 4, 2 + 14 * n)
            factories.price(plan, fee=fee + Decimal("3.33"), tax_rate=Decimal("7.7"), valid_from=raised)
        factories.price(self.plans[2], fee=Decimal(0), valid_from=date(2024, 5, 25))
        self.unpriced = factories.PlanFactory.create()
        for n in range(size):
            self._open(n)

    def _open(self, n: int) -> None:
        rolled, plan = self.random.random(), self.random.choice(self.plans)
        customer = factories.CustomerFactory.create(
            currency="JPY" if rolled < 0.15 else "EUR",
            # Who reads Italian and who has no address depends on the place alone: nothing else is rolled otherwise.
            language="it" if n % 3 == 1 else "en",
            email="" if n % 5 == 2 else f"customer{n}@example.com",
        )
        start = self.random.choice(STARTS)
        annual = self.random.random() < 0.15
        row = factories.open_subscription(
            customer,
            plan,
            term="annual" if annual else "monthly",
            activated_on=start.replace(year=start.year - 1, day=min(start.day, 28)) if annual else start,
            agreed_fee=self.random.choice([None, None, None, Decimal(33), Decimal(0)]),
        )
        kinds: list[tuple[float, Callable[[Subscription, Plan, date], None]]] = [
            (0.3, self._credits), (0.2, self._charges), (0.12, self._cancel), (0.08, self._lose_price),
            (0.2, self._change_plan), (0.08, self._extend),
        ]  # fmt: skip
        for chance, kind in kinds:
            if self.random.random() < chance:
                kind(Subscription.objects.get(pk=row.pk), plan, start)

    def _credits(self, row: Subscription, plan: Plan, start: date) -> None:
        for _ in range(self.random.randint(1, 3)):
            amount = Decimal(self.random.choice([5, 25, 60, 200]))
            giving.give_credit(row, amount, reason="A refund", on=start + timedelta(days=self.random.randint(0, 3)))

    def _charges(self, row: Subscription, plan: Plan, start: date) -> None:
        for n in range(self.random.randint(1, 2)):
            Charge(
                customer=row.customer,
                subscription=row,
                currency=self.random.choice([row.currency, row.currency, "CHF"]),
                amount=Decimal(self.random.choice([7, 12, 100])),
                tax_rate=Decimal(22),
                reason=f"A credit taken back, “{n}” \\ ½ 日",
                charged_on=start + timedelta(days=self.random.randint(0, 2)),
            ).save()

    def _cancel(self, row: Subscription, plan: Plan, start: date) -> None:
        asked = start + timedelta(days=self.random.randint(0, 50))
        cancel_subscription(row.pk, by=factories.lead(), channel="phone", requested_on=asked)

    def _lose_price(self, row: Subscription, plan: Plan, start: date) -> None:
        update_tracked(Subscription.objects.filter(pk=row.pk), currency="USD")

    def _change_plan(self, row: Subscription, plan: Plan, start: date) -> None:
        other = self.random.choice([each for each in (*self.plans, self.unpriced) if each != plan])
        PlanChange(
            subscription=row,
            plan=other,
            previous_plan=plan,
            agreed_fee=self.random.choice([None, Decimal(44)]),
            effective_on=start + timedelta(days=self.random.randint(1, 150)),
            asked_on=start,
            channel="email",
            asked_by=factories.system_user(),
        ).save()

    def _extend(self, row: Subscription, plan: Plan, start: date) -> None:
        giving.give_days(row, self.random.randint(1, 9), reason="A refund", on=start)
