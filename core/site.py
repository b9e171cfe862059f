"""Where people reach this site, for links in e-mails."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse


def site_link(page: str, *args: Any) -> str:
    """The whole address of a page of the back office ("index", "complaints_complaint_change"); "" where the site's own
    address is not set.
    """
    return f"{settings.SITE_URL}{reverse(f'admin:{page}', args=args)}" if settings.SITE_URL else ""
