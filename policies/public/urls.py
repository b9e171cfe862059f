"""Addresses of the pages for everybody. What is not among them is not found, rather than a way to the login."""

from django.urls import path, re_path, register_converter

from policies.public import views
from policies.versions.models import Policy


class KindConverter:
    """One of the two policies."""

    regex = "|".join(Policy.Kind.values)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class NumberConverter:
    """A version's number in its one spelling: no leading zero."""

    regex = "[1-9][0-9]{0,8}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(KindConverter, "policy_kind")
register_converter(NumberConverter, "version_number")

app_name = "public"
urlpatterns = [
    path("", views.policies, name="policies"),
    path("logo-<int:pk>.png", views.logo, name="logo"),
    path("<policy_kind:kind>/<version_number:number>/", views.version, name="version"),
    path("<policy_kind:kind>/<version_number:number>/changes/", views.changes, name="changes"),
    re_path("", views.not_found),
]
