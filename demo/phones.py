"""Phones that customers bought: outright, by instalments under way, and by instalments all paid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from random import Random

from accounts.customers.models import Customer
from billing.periods import months_before
from demo.company import BEGAN, Company
from demo.files import import_rows
from hardware.imports.actions import PURCHASES
from hardware.imports.rows import PurchaseRowReader
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
PHONES = 62
INSTALMENTS = 4
#: How many days ago the first was bought.
OLDEST = 400


def sell(company: Company) -> None:
    """Take over the older purchases at once, in a file, and put the newer ones on the agenda."""
    clerk = company.person("billing")
    models = [(add_phone_model(by=clerk, maker=maker, name=name), Decimal(price)) for maker, name, price in MODELS]
    rng = Random("phones")
    loyal = [one for one in company.customers if one.customer_since and one.customer_since <= company.days.ago(OLDEST)]
    customers = rng.sample(loyal, k=min(48, len(loyal)))
    older = []
    for n in range(PHONES):
        model, price = models[rng.randrange(len(models))]
        # One third each: outright, by instalments half way through, by instalments all paid.
        age = (rng.randint(10, OLDEST), rng.randint(40, 85), rng.randint(130, OLDEST))[n % 3]
        bought_on = company.days.workday_from(company.days.ago(age))
        hour = company.days.at(bought_on, 14, rng.randrange(60))
        sale = _Sale(company, n, customers[n % len(customers)], model, price, bought_on)
        if age >= BEGAN - 1:
            older.append(sale)
        else:
            company.agenda.add(hour, sale.make)
    _take_over(company, older)


def _take_over(company: Company, sales: Sequence[_Sale]) -> None:
    today = company.today
    import_rows(
        PURCHASES,
        f"phones-{today:%Y-%m-%d}.csv",
        [sale.cells() for sale in sales],
        lambda header: PurchaseRowReader(header, today=today).read,
        by=company.person("billing"),
        today=today,
    )
    made = Purchase.objects.filter(phone__serial__in=[sale.serial for sale in sales]).prefetch_related("instalments")
    by_serial = {purchase.phone.serial: purchase for purchase in made.select_related("phone")}
    for sale in sales:
        sale.expect_payments(by_serial[sale.serial])


class _Sale:
    """A phone of a customer, and how it is paid for."""

    def __init__(
        self, company: Company, n: int, customer: Customer, model: PhoneModel, price: Decimal, bought_on: date
    ) -> None:
        self._company = company
        self._n = n
        self._customer = customer
        self._model = model
        self._price = price
        self._bought_on = bought_on
        self.serial = f"{model.maker[:2].upper()}{2400000 + 37 * n}"
        self._mac = f"02:00:5e:10:{n // 256:02x}:{n % 256:02x}"
        parts = INSTALMENTS if n % 3 else 1
        self._plan = [DueInstalment(months_before(bought_on, -part), price / parts) for part in range(parts)]

    def cells(self) -> dict[str, str]:
        """The purchase as a row of a file, with the instalments paid so far."""
        paid = [part for part in self._plan if (day := self._paid_on(part.due_on)) and day <= self._company.today]
        return {
            "customer": self._customer.number,
            "maker": self._model.maker,
            "model": self._model.name,
            "serial": self.serial,
            "mac": self._mac,
            "price": f"{self._price:f}",
            "bought_on": self._bought_on.isoformat(),
            "instalments": ";".join(f"{part.due_on}:{part.amount:f}" for part in self._plan),
            "paid": str(len(paid)),
        }

    def make(self) -> None:
        purchase = record_purchase(
            by=self._company.person("billing"),
            customer_id=self._customer.pk,
            phone_model_id=self._model.pk,
            serial=self.serial,
            mac=self._mac,
            price=self._price,
            bought_on=self._bought_on,
            instalments=self._plan,
        )
        self.expect_payments(purchase)

    def _paid_on(self, due_on: date) -> date | None:
        days = self._company.days
        # Every eighth customer forgets the two instalments due last.
        forgets = self._n % 8 == 1 and due_on > days.ago(60)
        paid_on = days.workday_from(due_on)
        return None if paid_on >= days.today or forgets else paid_on

    def expect_payments(self, purchase: Purchase) -> None:
        """Pay what is due already, and put the other instalments on the agenda."""
        for instalment in sorted(purchase.instalments.all(), key=lambda part: part.sequence):
            paid_on = self._paid_on(instalment.due_on)
            if paid_on is None or instalment.paid_on is not None:
                continue
            pay = partial(pay_instalment, instalment.pk, by=self._company.person("billing"), paid_on=paid_on)
            if paid_on <= self._company.today:
                pay()
            else:
                self._company.agenda.add(self._company.days.at(paid_on, 16, 30), pay)
