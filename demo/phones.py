"""Phones that customers bought: outright, by instalments under way, and by instalments all paid."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import partial
from random import Random

from accounts.customers.models import Customer
from billing.periods import months_before
from demo.company import BEGAN, Company
from hardware.phones.actions import add_phone_model
from hardware.phones.models import PhoneModel
from hardware.purchases.actions import DueInstalment, pay_instalment, record_purchase
from hardware.purchases.models import Purchase

#: (maker, model, price); each price divides evenly by four.
MODELS = (
    ("Tellwell", "Desk 20", "96.00"),
    ("Tellwell", "Desk 50 video", "264.00"),
    ("Corvonet", "Cordless C3", "132.00"),
    ("Corvonet", "Conference R1", "348.00"),
    ("Halloway", "Headset base", "180.00"),
)
PURCHASES = 62
INSTALMENTS = 4
#: How many days ago the first was bought.
OLDEST = 400


def sell(company: Company) -> None:
    """Take over the older purchases at once, and put the newer ones on the agenda."""
    clerk = company.person("billing")
    models = [(add_phone_model(by=clerk, maker=maker, name=name), Decimal(price)) for maker, name, price in MODELS]
    rng = Random("phones")
    loyal = [one for one in company.customers if one.customer_since and one.customer_since <= company.days.ago(OLDEST)]
    customers = rng.sample(loyal, k=min(48, len(loyal)))
    for n in range(PURCHASES):
        model, price = models[rng.randrange(len(models))]
        sale = partial(_Sale(company, n).make, customers[n % len(customers)], model, price)
        # One third each: outright, by instalments half way through, by instalments all paid.
        age = (rng.randint(10, OLDEST), rng.randint(40, 85), rng.randint(130, OLDEST))[n % 3]
        bought_on = company.days.workday_from(company.days.ago(age))
        buy = partial(sale, bought_on, INSTALMENTS if n % 3 else 1)
        if age >= BEGAN - 1:
            buy()
        else:
            company.agenda.add(company.days.at(bought_on, 14, rng.randrange(60)), buy)


class _Sale:
    def __init__(self, company: Company, n: int) -> None:
        self._company = company
        self._n = n

    def make(self, customer: Customer, model: PhoneModel, price: Decimal, bought_on: date, parts: int) -> None:
        n, days = self._n, self._company.days
        plan = [DueInstalment(months_before(bought_on, -part), price / parts) for part in range(parts)]
        purchase = record_purchase(
            by=self._company.person("billing"),
            customer_id=customer.pk,
            phone_model_id=model.pk,
            serial=f"{model.maker[:2].upper()}{2400000 + 37 * n}",
            mac=f"02:00:5e:10:{n // 256:02x}:{n % 256:02x}",
            price=price,
            bought_on=bought_on,
            instalments=plan,
        )
        today = self._company.today
        for instalment in purchase.instalments.order_by("sequence"):
            pay = partial(self._pay, instalment.pk)
            # Every eighth customer forgets the two instalments due last.
            forgets = n % 8 == 1 and instalment.due_on > days.ago(60)
            paid_on = days.workday_from(instalment.due_on)
            if paid_on >= days.today or forgets:
                continue
            if paid_on <= today:
                pay(paid_on)
            else:
                self._company.agenda.add(days.at(paid_on, 16, 30), partial(pay, paid_on))

    def _pay(self, instalment_id: int, paid_on: date) -> Purchase:
        return pay_instalment(instalment_id, by=self._company.person("billing"), paid_on=paid_on)
