"""What a real site needs to be told of its company, for ``manage.py check --deploy --database default``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.db import DatabaseError
from django.utils import timezone

from accounts.company.facts import company_on


@checks.register(checks.Tags.database, deploy=True)
def company_is_known(app_configs: Any, databases: Sequence[str] | None = None, **options: Any) -> list[checks.Error]:
    """An error where documents would name no company. Asked only with ``--database``, as every check of rows."""
    if not databases:
        return []
    try:
        known = company_on(timezone.localdate()).known
    except DatabaseError:
        # Not migrated yet: migrate says so better.
        return []
    if known:
        return []
    return [
        checks.Error(
            "No company profile is published: invoices and letters would name no company and no contact.",
            hint="An administrator drafts it under Set-up, Company profiles; a manager publishes it.",
            id="accounts.E001",
        )
    ]
