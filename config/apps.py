"""The back office as an app: it makes our site the default admin site."""

from django.contrib.admin.apps import AdminConfig


class BackOfficeConfig(AdminConfig):
    default_site = "config.admin.BackOfficeSite"
