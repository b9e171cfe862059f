"""Everything lives in the back office, but for the pages for everybody."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("policy", RedirectView.as_view(pattern_name="public:policies", permanent=True)),
    path("policy/", include("policies.public.urls")),
    path("", admin.site.urls),
]
