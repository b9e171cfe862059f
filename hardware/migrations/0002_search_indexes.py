"""Serial numbers are found by how they begin.

Each database has its own kind of index for it, which a model cannot say for both.
"""

from django.db import migrations


def make(apps, schema_editor):
    how = "varchar_pattern_ops" if schema_editor.connection.vendor == "postgresql" else ""
    schema_editor.execute(f"CREATE INDEX phone_serial_begins ON hardware_phone (serial {how})")


def drop(apps, schema_editor):
    schema_editor.execute("DROP INDEX phone_serial_begins")


class Migration(migrations.Migration):
    dependencies = [("hardware", "0001_initial")]

    operations = [migrations.RunPython(make, drop)]
