"""What a day's trial found, tried again as people do it: on pages, and in files that are read in."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.customers.models import Customer
from accounts.staff.models import User
from audit.actions import Refused
from billing.residual_credits.actions import propose_residual_payout
from billing.residual_credits.models import ResidualCreditPayout
from billing.usage.actions import Usage, enter_usage, record_usage
from billing.usage.models import UsageRecord
from tests import factories

pytestmark = pytest.mark.django_db


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    return client


def typed_into(client: Client, url: str, **typed: Any) -> str:
    """The form as it is offered, with these changes, sent off."""
    form = client.get(url).context["form"]
    data = {field.html_name: field.value() or "" for field in form if not hasattr(field.value(), "lines")}
    answer = client.post(url, {**data, **typed}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


NEW_CUSTOMER = "/accounts/customer/do/new/"


def test_two_numbers_that_differ_in_case_are_one() -> None:
    agent = signed_in(factories.agent())
    typed_into(agent, NEW_CUSTOMER, name="Northwind", number="D-70", language="en")
    page = typed_into(agent, NEW_CUSTOMER, name="Southwind", number="d-70", language="en")
    assert "There is a customer d-70 already." in page
    assert list(Customer.objects.values_list("number", "name")) == [("D-70", "Northwind")]


@pytest.mark.parametrize("name", ["\u200b", "\u202eABC", "A\u200fB", "\u00a0\u200b"])
def test_a_name_that_nobody_can_read_is_refused_where_it_is_typed(name: str) -> None:
    agent = factories.agent()
    page = typed_into(signed_in(agent), NEW_CUSTOMER, name=name, language="en")
    assert re.search(r"name: This (?:field cannot be blank|holds characters that cannot be seen)\.", page)
    assert not Customer.objects.exists()
    known = factories.CustomerFactory.create(name="Northwind")
    typed_into(signed_in(agent), f"/accounts/customer/act/edit/?ids={known.pk}", name=name, reason="A mistake")
    known.refresh_from_db()
    assert known.name == "Northwind"


def test_a_quantity_with_five_decimals_is_refused_in_a_sentence() -> None:
    clerk = factories.billing_clerk()
    cost = factories.OperationCostFactory.create()
    subscription = factories.paid_subscription(activated_on=factories.days_ago(9))
    period = subscription.periods.get()
    page = typed_into(
        signed_in(clerk),
        f"{reverse('admin:billing_billingperiod_act', args=('enter_usage',))}?ids={period.pk}",
        day=factories.today().isoformat(),
        operation_0="1.12345",
        reference="The operator's list",
    )
    assert "4 decimal" in page
    fine = Decimal("1.12345")
    rows = [Usage("op-1", factories.at(factories.days_ago(1)), operation=cost.operation.code, quantity=fine)]
    with pytest.raises(Refused, match="at most four decimals"):
        record_usage(subscription.pk, rows, by=clerk)
    used: dict[str, Any] = {"day": factories.today(), "reference": "A list", "seconds": 0}
    with pytest.raises(Refused, match="at most four decimals"):
        enter_usage(period.pk, by=clerk, operations={cost.operation.code: fine}, **used)
    assert not UsageRecord.objects.exists()


def test_a_proposal_of_leftover_credit_is_withdrawn_with_a_reason() -> None:
    clerk = factories.billing_clerk()
    credit = factories.leftover_credit()
    leftover = propose_residual_payout(credit.pk, by=clerk, reason="They asked for it")
    url = f"{reverse('admin:billing_residualcreditpayout_act', args=('withdraw',))}?ids={leftover.pk}"
    typed_into(signed_in(clerk), url, reason="")
    assert ResidualCreditPayout.objects.get().state == "proposed"
    typed_into(signed_in(clerk), url, reason="They owe us more")
    assert ResidualCreditPayout.objects.get().state == "withdrawn"


def test_a_phone_paid_for_out_of_order_is_owned_on_the_latest_day() -> None:
    purchase = factories.phone_purchase(instalments=3)
    clerk = signed_in(factories.billing_clerk())
    for part, days in zip(purchase.instalments.order_by("sequence"), (9, 1, 5), strict=True):
        url = f"{reverse('admin:hardware_instalment_act', args=('pay',))}?ids={part.pk}"
        typed_into(clerk, url, paid_on=factories.days_ago(days).isoformat())
    purchase.refresh_from_db()
    assert purchase.owned_on == factories.days_ago(1)
