from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        import accounts.company.checks
        import accounts.customers.links  # noqa: F401 (what the frame of every action asks is registered there)
