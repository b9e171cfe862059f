"""What the search finds by how it begins: names and addresses, whatever their case.

Each database has its own kind of index for it, which a model cannot say for both.
"""

from django.db import migrations

INDEXES = {
    "customer_name_begins": ("accounts_customer", "name"),
    "customer_email_begins": ("accounts_customer", "email"),
    "contact_name_begins": ("accounts_contact", "name"),
    "contact_email_begins": ("accounts_contact", "email"),
}


def make(apps, schema_editor):
    postgresql = schema_editor.connection.vendor == "postgresql"
    for name, (table, column) in INDEXES.items():
        how = f"UPPER({column}::text) text_pattern_ops" if postgresql else f"{column} COLLATE NOCASE"
        schema_editor.execute(f"CREATE INDEX {name} ON {table} ({how})")


def drop(apps, schema_editor):
    for name in INDEXES:
        schema_editor.execute(f"DROP INDEX {name}")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_roles_and_system_user")]

    operations = [migrations.RunPython(make, drop)]
