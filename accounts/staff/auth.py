"""Signing in: by user name and password, for active staff that have a role."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend

from accounts.staff.models import User


class StaffBackend(ModelBackend):
    """Django's own check of name and password; permissions come from ``accounts.staff.permissions`` alone."""

    def get_user(self, user_id: Any) -> User | None:
        user = User.objects.select_related("role", "team").filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return set()

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return False

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return False
