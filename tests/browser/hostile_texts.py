"""Markup in every text that a company holds.

Forms and imports refuse some of these texts; here they stand in the rows all the same, as if they had come in by
another way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from tests.test_house import ORDER

#: The longest that fits a column is put into it.
HOSTILE = (
    """"'><script>window.taken = 1</script><img src=x onerror="window.taken = 1"><i hx-post="/logout/" hx-trigger="load"
    hx-on:load="window.taken = 1">{{ 7|add:1 }}{% now "Y" %}&lt;b&gt;&#60;\u202egnp.exe\u202c\u2066\u200b\u3000\r\n\t
    <style>main { display: none }</style></main></form><svg onload=alert(1)>""",
    "\"'><img src=x onerror=window.taken=1><i hx-get=/logout/ hx-trigger=load>{{ 7|add:1 }}\u202e\n<b>",
    "\"'><i hx-get=/ hx-trigger=load>{{ 7 }}",
    "\"'><i hx-get=/>\u202e",
    "\"'><b>{{",
)
#: What the code compares, looks up or puts into an address of its own: no text that anybody typed.
TECHNICAL = frozenset(
    {
        "username", "password", "email", "recipient", "currency", "country", "postal_country", "billing_country",
        "iban", "iban_before", "iban_after", "key", "kind", "operation", "content_hash", "sha256", "basis", "fault",
        "code", "verb", "outcome", "target_type", "request_id", "source", "approver_role", "actor_role", "file",
        "content_type", "external_id", "language",
    }
)  # fmt: skip


def texts_of(model: type[models.Model]) -> Iterator[models.Field[Any, Any]]:
    for field in model._meta.concrete_fields:
        if isinstance(field, models.CharField | models.TextField) and not (field.choices or field.name in TECHNICAL):
            yield field


def poison() -> int:
    """Put a hostile text into every text column of every table of ours; returns how many columns hold one now."""
    poisoned = 0
    for model in apps.get_models():
        if model._meta.app_label not in ORDER:
            continue
        for field in texts_of(model):
            room = field.max_length or 5000
            text = next((one for one in HOSTILE if len(one) + 8 * field.unique <= room), None)
            if text is None:
                continue
            ending = f" || {connection.ops.quote_name(model._meta.pk.attname)}" if field.unique else ""
            try:
                with transaction.atomic(), connection.cursor() as cursor:
                    quote = connection.ops.quote_name
                    table, column = quote(model._meta.db_table), quote(field.attname)
                    if model._meta.model_name == "messagetemplate":
                        text = text.replace("{", "(")  # braces that name nothing are refused when it is written
                    cursor.execute(f"UPDATE {table} SET {column} = %s{ending}", [text])  # noqa: S608
                    poisoned += 1
            except IntegrityError:
                continue  # a constraint keeps it out
    return poisoned
