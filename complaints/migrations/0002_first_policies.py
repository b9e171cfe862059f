"""Both policies with their first published version, in our own words."""

from datetime import date

from django.db import migrations

FULFILMENT = """\
# Fulfilment policy

## How long the service runs
What you have paid for stays on, with everything it includes, up to and including the last day of the paid period.
A billing cycle begins on the day your subscription is activated and lasts one month or one year, as you chose.

## Cancelling
You can cancel whenever you like. The cancellation takes effect when the current period ends, not before. The rest of
that period is not paid back, and nothing further is invoiced: the subscription ends by itself.

## A full month at our discretion
In single cases we may give back the fee of one month (of an annual fee, a twelfth). We look at each case on its own,
write down why, and a manager has to agree. Nobody can claim it.

## Phones
A phone you buy from us is yours once its price is paid in full. Cancelling the service changes nothing about that.
Hardware is not refunded.

## Changes and contact
This policy can change. A new version is published together with the day from which it holds, and earlier versions
stay readable. Questions and cancellations: support@example.com.
"""

REFUND = """\
# Refund policy

## When a fee is given back
If we uphold your complaint, wholly or in part, we can give back a part of the fee, monthly or annual alike. There is
no refund without a complaint. We check whether it is justified and tell you the outcome in reasonable time.

## How a usage-based refund is counted
We start from the whole fee of the period and take off three things: the call minutes you used, the operator
operations you used (forwarding, trunk hosting and the like), and the share of the period that was already provided.

## How you receive it
As a credit on the fee of the next cycle, as more minutes, as a longer period in proportion to the amount, in cash, or
as a mix of these. A credit goes to the first cycle that can use it; what is left over is carried on. What we agreed
with you personally comes before this policy.

## Special cases
A long interruption that was not scheduled maintenance, a serious breach on our side, or something else out of the
ordinary can justify a partial or full refund, in proportion to the service that was missing or the damage done.
"""


def publish_first_versions(apps, schema_editor):
    Policy = apps.get_model("complaints", "Policy")
    PolicyVersion = apps.get_model("complaints", "PolicyVersion")
    fulfilment, _ = Policy.objects.get_or_create(kind="fulfilment")
    refund, _ = Policy.objects.get_or_create(kind="refund")
    PolicyVersion.objects.get_or_create(
        policy=fulfilment,
        number=1,
        defaults={
            "effective_from": date(2025, 2, 11),
            "text": FULFILMENT,
            "parameters": {"full_month_allowed": True},
            "state": "published",
        },
    )
    PolicyVersion.objects.get_or_create(
        policy=refund,
        number=1,
        defaults={
            "effective_from": date(2025, 12, 28),
            "text": REFUND,
            "parameters": {
                "second_approval_above": {"EUR": "500.00", "USD": "500.00", "GBP": "500.00", "CHF": "500.00"},
            },
            "state": "published",
        },
    )


class Migration(migrations.Migration):
    dependencies = [("complaints", "0001_initial")]

    operations = [migrations.RunPython(publish_first_versions, migrations.RunPython.noop)]
