"""Names that no line of code writes as words: a model or a field is called after its name in the code.

"effective_from" reads "effective from". Such a name is given a language here, once, instead of being written out at
each of some hundred fields; ``config/names.py`` lists them for the catalogue of translations.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django import forms
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import flatten, flatten_fieldsets, label_for_field
from django.db import models
from django.forms.utils import pretty_name
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, override

from core.text import RECORD

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The apps whose names are ours to translate.
OURS = ("audit", "jobs", "accounts", "hardware", "billing", "complaints")


def translate_names() -> None:
    """Let the names of all models and fields be looked up when they are shown. Migrations don't see it."""
    for model in _models():
        options = model._meta
        for name in ("verbose_name", "verbose_name_plural"):
            setattr(options, name, _lazy(getattr(options, name)))
        for field in options.get_fields():
            if isinstance(field, models.Field):
                field.verbose_name = _lazy(field.verbose_name)


def translate_labels(form: forms.BaseForm) -> None:
    """Let labels that were made from the names of a form's fields be looked up."""
    for name, field in form.fields.items():
        if field.label is None:
            field.label = gettext_lazy(pretty_name(name))


def names_module() -> str:
    """``config/names.py``: every name as a word to translate, each once, sorted."""
    with override(RECORD):
        found = sorted({str(name) for name in _names() if str(name).strip(" #")})
    lines = "\n".join(f"    gettext_noop({_quoted(name)})," for name in found)
    return (
        '"""Names of models, fields and columns, to be translated. Written by ``./dev messages``."""\n\n'
        f"from django.utils.translation import gettext_noop\n\nNAMES = (\n{lines}\n)\n"
    )


def _names() -> Iterator[object]:
    for model in _models():
        yield from (model._meta.verbose_name, model._meta.verbose_name_plural)
        yield from (field.verbose_name for field in model._meta.get_fields() if isinstance(field, models.Field))
    for pages in admin.site._registry.values():
        yield from _columns(pages)
    for form in _subclasses(forms.BaseForm):
        fields: dict[str, forms.Field] = getattr(form, "base_fields", {})
        if form.__module__.split(".")[0] in OURS:
            yield from (pretty_name(name) for name, field in fields.items() if field.label is None)


def _columns(pages: admin.ModelAdmin[Any]) -> Iterator[object]:
    listed: Iterable[Any] = [name for name in pages.list_display if name not in ("action_checkbox", "__str__")]
    shown = flatten_fieldsets(pages.fieldsets) if pages.fieldsets else flatten(pages.fields or ())
    for name in (*listed, *shown):
        try:
            label = label_for_field(name, pages.model, pages)
        except AttributeError:
            continue  # a field of its form alone
        if not isinstance(label, Promise):
            yield label


def _models() -> Iterator[type[models.Model]]:
    for app in OURS:
        for model in apps.get_app_config(app).get_models(include_auto_created=True):
            if not hasattr(model, "instance_type"):  # a model of versions is never named
                yield model


def _subclasses(of: type[Any]) -> Iterator[type[Any]]:
    for one in of.__subclasses__():
        yield one
        yield from _subclasses(one)


def _lazy(name: object) -> Any:
    return name if _has_language(name) else gettext_lazy(recorded(name))


def _has_language(name: object) -> bool:
    """Whether the name looks its words up already. A plural that Django made of a name ("{}s") does not."""
    return isinstance(name, Promise) and getattr(name, "_args", ())[:1] != ("{}s",)


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
