"""The pages in other languages than English: what is to be translated, what is, and what the record says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from gettext import GNUTranslations
from pathlib import Path
from typing import Any

import pytest
from babel.messages import Message
from babel.messages.pofile import read_po
from django.apps import apps
from django.conf import settings
from django.db import models
from django.test import Client
from django.utils import timezone, translation

from accounts.staff.models import User
from audit.actions import Refused
from audit.models import Event
from demo import build as building
from jobs.actions import cancel_job
from jobs.models import Job
from tests import factories
from tests.names_of_code import OURS
from tests.page_words import LETTERS, MAY_STAY, OPEN, Seen, bracketed

ROOT = Path(settings.BASE_DIR)
CATALOGUE = ROOT / "locale" / "it" / "LC_MESSAGES" / "django"

# --- What is to be translated, and is -----------------------------------------------------------

_NAMED_PLACES = re.compile(r"\{\w*\}|%\(\w+\)[sd]|%[sd]")


def read_catalogue(path: Path) -> dict[tuple[str, str], Message]:
    """Every message of a catalogue by its context and its (first) words."""
    with path.open("rb") as file:
        catalogue = read_po(file, locale="it")
    return {(message.context or "", sentences(message.id)[0]): message for message in catalogue if message.id}


def sentences(of: Any) -> tuple[str, ...]:
    """One, or those for one and for many."""
    return tuple(of) if isinstance(of, tuple | list) else (of,)


def places(sentence: str) -> set[str]:
    return set(_NAMED_PLACES.findall(sentence))


def test_every_message_has_a_translation_that_names_the_same_values() -> None:
    wrong = []
    for message in read_catalogue(CATALOGUE.with_suffix(".po")).values():
        asked, told = sentences(message.id), sentences(message.string)
        if message.fuzzy:
            wrong.append(f"{asked[0]}: only guessed")
        elif len(asked) != len(told) or not all(told):
            wrong.append(f"{asked[0]}: not translated")
        # "One day" may be said without the number.
        elif places(told[-1]) != places(asked[-1]) or places(told[0]) not in [places(one) for one in asked]:
            wrong.append(f"{asked[0]}: {told}")
    assert wrong == []


def test_what_is_compiled_is_what_was_written() -> None:
    written: dict[Any, str] = {}
    for (context, words), message in read_catalogue(CATALOGUE.with_suffix(".po")).items():
        key = f"{context}\x04{words}" if context else words
        told = sentences(message.string)
        if not all(told):
            continue
        if isinstance(message.id, tuple | list):
            written |= {(key, at): one for at, one in enumerate(told)}
        else:
            written[key] = told[0]
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = {key: told for key, told in vars(GNUTranslations(file))["_catalog"].items() if key}
    assert compiled == written


def test_every_model_field_column_and_input_is_named_in_words() -> None:
    """In a process of its own: other tests make forms."""
    assert in_a_process(ROOT, "-m", "tests.names_of_code").split() == []


def test_a_new_collection_finds_what_the_catalogue_has(tmp_path: Path) -> None:
    if shutil.which("xgettext") is None:
        reason = "GNU gettext is not installed (Debian: apt-get install gettext)"
        if os.environ.get("REDRESS_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    for part in (*OURS, "core", "config", "templates"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "manage.py", tmp_path)
    collected = tmp_path / CATALOGUE.relative_to(ROOT).with_suffix(".po")
    collected.parent.mkdir(parents=True)
    in_a_process(tmp_path, "manage.py", "makemessages", "--locale", "it", "--verbosity", "0")
    found, known = set(read_catalogue(collected)), set(read_catalogue(CATALOGUE.with_suffix(".po")))
    assert (sorted(found - known), sorted(known - found)) == ([], []), "./dev messages collects them"


def in_a_process(folder: Path, *arguments: str) -> str:
    """What Python prints in the folder."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "DEBUG": "1"}
    done = subprocess.run(  # noqa: S603
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def brackets() -> Iterator[None]:
    with bracketed():
        yield


# --- Templates ----------------------------------------------------------------------------------

#: Pages for everybody and printed documents are in English.
ENGLISH = ("policies/public/", "billing/document.html")
_BODY_CLASS = re.compile(r"\{% block bodyclass %\}.*?\{% endblock %\}", re.DOTALL)
_COMMENT = re.compile(r"\{% comment %\}.*?\{% endcomment %\}", re.DOTALL)
_SAID = re.compile(r"\{% blocktranslate.*?\{% endblocktranslate %\}", re.DOTALL)
_TOKEN = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)


def test_no_template_has_a_word_outside_of_translations() -> None:
    wrong = []
    for path in sorted((ROOT / "templates").rglob("*.html")):
        name = path.relative_to(ROOT / "templates").as_posix()
        if name.startswith(ENGLISH):
            continue
        text = path.read_text()
        for pattern in (_BODY_CLASS, _COMMENT, _SAID, _TOKEN):
            text = pattern.sub("", text)
        page = Seen()
        page.feed(text)
        wrong += [f"{name}: {left}" for _, left in page.texts if LETTERS.search(MAY_STAY.sub("", left))]
    assert wrong == []


# --- The record ---------------------------------------------------------------------------------


def ended_job(by: User) -> Job:
    now = timezone.now()
    made: Job = Job.objects.create(
        kind="counting", title="Count", state=Job.State.FINISHED, asked_by=by, asked_at=now, finished_at=now
    )
    return made


@pytest.mark.django_db
def test_what_is_shown_is_in_ones_language_and_what_is_recorded_in_english(brackets: None) -> None:
    by = factories.manager()
    job = ended_job(by)
    with translation.override("it"), pytest.raises(Refused) as refused:
        cancel_job(job.pk, by=by, reason="Troppo tardi")
    with translation.override("it"):
        assert str(refused.value) == "⟦This job has ended: it is “⟧⟦Finished⟧⟦”.⟧"
    event = Event.objects.order_by("-pk")[0]
    assert (event.message, event.reason) == ("This job has ended: it is “Finished”.", "Troppo tardi")


@pytest.mark.django_db
def test_a_page_refuses_in_ones_language_and_records_it_in_english(brackets: None, client: Client) -> None:
    by = factories.manager()
    by.language = "it"
    by.save()
    job = ended_job(by)
    client.force_login(by, backend="accounts.staff.auth.StaffBackend")
    answer = client.post(f"/jobs/job/act/cancel/?ids={job.pk}", {"reason": "x", "seen": "0"})
    assert "⟦This job has ended: it is “⟧⟦Finished⟧⟦”.⟧" in answer.content.decode()
    assert Event.objects.order_by("-pk")[0].message == "This job has ended: it is “Finished”."


# --- A year of company life -----------------------------------------------------------------------


# What is written is decided before any row is.
@pytest.mark.slow
@pytest.mark.sqlite
@pytest.mark.django_db
def test_nothing_that_a_year_of_company_life_writes_is_in_the_persons_language(
    brackets: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.customers.QUIET_CUSTOMERS", 36)
    with translation.override("it"):
        building.build(timezone.now())
    assert Event.objects.filter(outcome=Event.Outcome.REFUSED).exists()
    spoken = []
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, models.CharField | models.TextField | models.JSONField):
                values = model._default_manager.values_list(field.name, flat=True)
                spoken += [f"{model._meta.label}.{field.name}: {value}" for value in values if OPEN in str(value)]
    assert sorted(set(spoken))[:20] == []
