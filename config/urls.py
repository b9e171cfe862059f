"""Every page lives in the back office; there is nothing beside it yet."""

from django.contrib import admin
from django.urls import path

urlpatterns = [path("", admin.site.urls)]
