"""What the search finds by how it begins: names and addresses whatever their case, and serial numbers.

Each database has its own kind of index for it, which a model cannot say for both.
"""

from django.db import migrations

ANY_CASE = {
    "customer_name_begins": ("accounts_customer", "name"),
    "customer_email_begins": ("accounts_customer", "email"),
    "contact_name_begins": ("accounts_contact", "name"),
    "contact_email_begins": ("accounts_contact", "email"),
}
SERIAL = "phone_serial_begins"


def make(apps, schema_editor):
    postgresql = schema_editor.connection.vendor == "postgresql"
    for name, (table, column) in ANY_CASE.items():
        how = f"UPPER({column}::text) text_pattern_ops" if postgresql else f"{column} COLLATE NOCASE"
        schema_editor.execute(f"CREATE INDEX {name} ON {table} ({how})")
    how = "varchar_pattern_ops" if postgresql else ""
    schema_editor.execute(f"CREATE INDEX {SERIAL} ON hardware_phone (serial {how})")


def drop(apps, schema_editor):
    for name in (*ANY_CASE, SERIAL):
        schema_editor.execute(f"DROP INDEX {name}")


class Migration(migrations.Migration):
    dependencies = [("hardware", "0001_initial"), ("accounts", "0001_initial")]

    operations = [migrations.RunPython(make, drop)]
