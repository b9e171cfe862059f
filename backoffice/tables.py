"""The template of every table on a card."""

from __future__ import annotations

TABLE = "backoffice/panels/table.html"
