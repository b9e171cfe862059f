"""The back office as an app: it makes our site the default admin site."""

from django.contrib.admin import site
from django.contrib.admin.apps import AdminConfig
from django.utils.module_loading import autodiscover_modules


class BackOfficeConfig(AdminConfig):
    default_site = "config.admin.BackOfficeSite"

    def ready(self) -> None:
        # Each app names its pages in ``pages.py``; the stock ``ready`` would look for ``admin.py`` instead.
        autodiscover_modules("pages", register_to=site)
