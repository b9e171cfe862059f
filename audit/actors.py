"""People as the record knows them. Their own app stands above it."""

from __future__ import annotations

from typing import Any, Protocol


class Actor(Protocol):
    """Somebody who acts, and whose name and role an event copies."""

    @property
    def pk(self) -> Any: ...

    @property
    def role_name(self) -> str: ...

    def get_full_name(self) -> str: ...

    def get_username(self) -> str: ...
