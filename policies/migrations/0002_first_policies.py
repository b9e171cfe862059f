"""Both policies with their first published version, in our own words, and the guard that nothing published changes.

The guard is a trigger. SQLite drops it when a migration rebuilds the table: such a migration has to make it again.
"""

from datetime import date

from django.db import migrations

from core.schema import with_first_version

FULFILMENT = """\
This policy says how long your service runs, what happens when you cancel, and whose the phones are.

## How long the service runs
A billing cycle begins on the day on which your subscription is activated. It lasts one month or one year, as you
chose.

What you have paid for stays on, with everything it includes, up to and including the last day of the paid period.

## Cancelling
You can cancel at any time. The cancellation takes effect when the current period ends, never earlier, and until then
nothing is taken away from you.

Cancelling brings no money back for the days that are left of the period. When the period ends, the subscription ends
by itself: no further period begins and no further invoice is issued. The same goes for a telephone system.

## A full month at our discretion
As a rule we give no refund because a subscription was cancelled. In single cases we may give back the fee of a full
month, or a twelfth of an annual fee. We look at each case on its own, write down why, and a manager has to agree. It
never happens by itself, and nobody can claim it.

## Phones and other hardware
A phone that you buy from us is yours once its price is paid in full. Until then we tell you what is still owed.

Cancelling the service changes nothing about whose a phone is: you keep what you bought. What was bought as hardware is
not refunded.

## Changes and contact
We can change this policy at any time. The new version is published on this page together with the day from which it
holds, and earlier versions stay readable. A billing period is judged by the version in force on the day on which the
period began.

At the end of this page stands whom to ask about this policy and where to cancel.
"""

REFUND = """\
This policy says when we give back a subscription fee, how the amount is counted, and how you receive it.

## What can be given back
The fee of a subscription can be given back, in any way that this policy names, cash included. What the law gives you,
and what we agreed with you in particular, comes before this policy.

The fee pays for the platform and its features, for maintenance and updates, and for handling telephone calls. We buy
call minutes and operator services in advance, so what you have used of them cannot come back to you.

## Complaints come first
There is no refund without a complaint. Tell us what went wrong through the contact at the end of this page. We confirm
that your complaint has arrived, check whether it is justified, and tell you the outcome within the time that the
figures of this policy name. If you are not satisfied, the answer says where you can turn.

If we uphold your complaint, wholly or in part, we can give back a part of the fee, monthly or annual alike: the part
that was not used.

## How the part that was not used is counted
We start from the whole fee of the period and take off

- the call minutes that you used,
- the operator services that you used, such as call forwarding and trunk hosting,
- the share of the period for which the service was already provided.

## How you receive it
You receive a refund as a credit on the fee of the next cycle, as more minutes, as a longer period in proportion to the
amount, in cash, or as a mix of these that adds up to it. A credit goes to the first cycle that can use it; what that
cycle does not use up is carried on to the following ones.

## Special cases
Three things can justify giving back a part of the fee or all of it: a long interruption that was not scheduled
maintenance, a serious breach of the contract by us, or something else out of the ordinary, which we look at case by
case. The amount is in proportion to the service that was missing or to the damage that you suffered.

## Changes
We can change this policy at any time. The new version is published on this page together with the day from which it
holds, and earlier versions stay readable. A billing period is judged by the version in force on the day on which the
period began.
"""


def publish_first_versions(apps, schema_editor):
    Policy = apps.get_model("policies", "Policy")
    PolicyVersion = apps.get_model("policies", "PolicyVersion")
    made = []
    fulfilment, new = Policy.objects.get_or_create(kind="fulfilment")
    made += [fulfilment] * new
    refund, new = Policy.objects.get_or_create(kind="refund")
    made += [refund] * new
    version, new = PolicyVersion.objects.get_or_create(
        policy=fulfilment,
        number=1,
        defaults={
            "effective_from": date(2025, 2, 11),
            "text": FULFILMENT,
            "parameters": {"full_month_allowed": True, "cancellation_days_back": 30},
            "state": "published",
        },
    )
    made += [version] * new
    version, new = PolicyVersion.objects.get_or_create(
        policy=refund,
        number=1,
        defaults={
            "effective_from": date(2025, 12, 28),
            "text": REFUND,
            # All of them, so that no later change of what is usual changes what was published.
            "parameters": {
                "bases": ["usage", "interruption", "special"],
                "remedies": ["credit", "minutes", "extension", "cash"],
                "as_of_day_counts": True,
                "full_months_within_a_year": 2,
                "granted_minutes_further_periods": 1,
                "minimum_interruption_seconds": 4 * 60 * 60,
                "second_approval_above": {"EUR": "500.00", "USD": "500.00", "GBP": "500.00", "CHF": "500.00"},
                "approval_window_days": 90,
                "draft_expires_after_days": 30,
                "proposal_expires_after_days": 14,
                "acknowledge_within_days": 2,
                "decide_within_days": 14,
                "tell_within_days": 3,
                "deadline_days": "calendar",
                "holidays_of": "",
                "warn_before_days": 3,
                "escalate_after_days": 7,
                "indemnity_per_day": {},
                "indemnity_maximum": {},
                "silence_closes_after_days": 30,
                "consent_needed_after_days": 180,
                "appeal_route": "the dispute resolution body of the customer's country",
            },
            "state": "published",
        },
    )
    made += [version] * new
    for row in made:
        with_first_version(apps, row, "The policy that is shipped")


CHANGED = "a version of a policy that is no draft is never changed"
DELETED = "a version of a policy is never deleted"
GUARD = {
    "sqlite": (
        f"""
        CREATE TRIGGER policy_version_stays BEFORE UPDATE ON policies_policyversion WHEN OLD.state <> 'draft'
        BEGIN SELECT RAISE(ABORT, '{CHANGED}'); END
        """,
        f"""
        CREATE TRIGGER policy_version_is_kept BEFORE DELETE ON policies_policyversion
        BEGIN SELECT RAISE(ABORT, '{DELETED}'); END
        """,
    ),
    "postgresql": (
        f"""
        CREATE FUNCTION policy_version_stays() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
                MESSAGE = CASE TG_OP WHEN 'DELETE' THEN '{DELETED}' ELSE '{CHANGED}' END;
        END $$
        """,
        """
        CREATE TRIGGER policy_version_stays BEFORE UPDATE ON policies_policyversion
        FOR EACH ROW WHEN (OLD.state <> 'draft') EXECUTE FUNCTION policy_version_stays()
        """,
        """
        CREATE TRIGGER policy_version_is_kept BEFORE DELETE ON policies_policyversion
        FOR EACH ROW EXECUTE FUNCTION policy_version_stays()
        """,
    ),
}
UNGUARD = {
    "sqlite": ("DROP TRIGGER policy_version_stays", "DROP TRIGGER policy_version_is_kept"),
    "postgresql": (
        "DROP TRIGGER policy_version_stays ON policies_policyversion",
        "DROP TRIGGER policy_version_is_kept ON policies_policyversion",
        "DROP FUNCTION policy_version_stays()",
    ),
}


def guard(apps, schema_editor):
    for statement in GUARD[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def unguard(apps, schema_editor):
    for statement in UNGUARD[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("policies", "0001_initial")]

    operations = [
        migrations.RunPython(publish_first_versions, migrations.RunPython.noop),
        migrations.RunPython(guard, unguard),
    ]
