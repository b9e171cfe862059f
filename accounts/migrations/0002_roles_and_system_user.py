"""The six roles and the named user in whose name jobs and commands act."""

from django.contrib.auth.hashers import make_password
from django.db import migrations

from core.schema import with_first_version

ROLES = ("Support agent", "Team lead", "Manager", "Billing clerk", "Auditor", "Administrator")


def make_roles(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    for name in ROLES:
        Group.objects.get_or_create(name=name)
    User = apps.get_model("accounts", "User")
    system, made = User.objects.get_or_create(
        username="system",
        defaults={"first_name": "System", "is_active": False, "password": make_password(None)},
    )
    if made:
        with_first_version(apps, system, "The person who is shipped")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [migrations.RunPython(make_roles, migrations.RunPython.noop)]
