"""What no rule foresaw is refused in a sentence all the same, with its event, and nothing is written."""

from __future__ import annotations

from decimal import Decimal

import pytest

from accounts.vocabulary import AccountVerb
from audit.actions import Refused, act
from audit.models import Event
from billing.plans.models import Plan, Price
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.on_each_database]


@pytest.mark.parametrize("amount", [Decimal("0.00001"), Decimal(10) ** 20, Decimal("NaN")])
def test_a_value_that_fits_no_column_is_a_refusal(amount: Decimal) -> None:
    price = factories.price()
    clerk = factories.billing_clerk()
    price.fee = amount

    def change() -> None:
        with act(AccountVerb.CUSTOMER_EDIT, by=clerk, target=(Plan, None)):
            price.save()

    with pytest.raises(Refused) as refused:
        change()
    assert refused.value.code == "invalid"
    assert Event.objects.get(outcome=Event.Outcome.REFUSED).message == refused.value.message
    assert Price.objects.get(pk=price.pk).fee == Decimal("60.00")
