"""Prints every name of a model, field, column or input that Django made of a name in the code: none has a language."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

import django
from django import forms
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import flatten, flatten_fieldsets, label_for_field
from django.db import models
from django.utils.functional import Promise

OURS = (
    "audit", "backoffice", "accounts", "jobs", "messaging", "hardware", "billing", "policies", "complaints", "reports",
    "demo",
)  # fmt: skip


def names_of_code() -> Iterator[str]:
    for app in OURS:
        for model in apps.get_app_config(app).get_models(include_auto_created=True):
            if not hasattr(model, "instance_type"):  # a model of versions is never named
                yield from _names_of(model)
    for pages in admin.site._registry.values():
        yield from (f"{type(pages).__name__}: {label}" for label in _columns(pages) if not isinstance(label, Promise))
    for form in _subclasses(forms.BaseForm):
        if form.__module__.split(".")[0] in OURS:
            fields: dict[str, forms.Field] = getattr(form, "base_fields", {})
            yield from (f"{form.__name__}.{name}" for name, field in fields.items() if field.label is None)


def _names_of(model: type[models.Model]) -> Iterator[str]:
    options = model._meta
    if not model._meta.auto_created:
        for name in (options.verbose_name, options.verbose_name_plural):
            # A plural that Django made of a name is lazy too: "{}s".
            if not isinstance(name, Promise) or getattr(name, "_args", ())[:1] == ("{}s",):
                yield f"{options.label}: {name}"
    for field in options.get_fields():
        if isinstance(field, models.Field) and not field.primary_key and not isinstance(field.verbose_name, Promise):
            yield f"{options.label}.{field.name}"


def _columns(pages: admin.ModelAdmin[Any]) -> Iterator[object]:
    listed: Iterable[Any] = [name for name in pages.list_display if name not in ("action_checkbox", "__str__")]
    shown = flatten_fieldsets(pages.fieldsets) if pages.fieldsets else flatten(pages.fields or ())
    for name in (*listed, *shown):
        try:
            yield label_for_field(name, pages.model, pages)
        except AttributeError:
            continue  # a field of its form alone


def _subclasses(of: type[Any]) -> Iterator[type[Any]]:
    for one in of.__subclasses__():
        yield one
        yield from _subclasses(one)


if __name__ == "__main__":
    django.setup()
    sys.stdout.write("\n".join(names_of_code()))
