from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class HardwareConfig(AppConfig):
    name = "hardware"
    verbose_name = gettext_lazy("Phones")
