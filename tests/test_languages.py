"""The pages in other languages than English: what is to be translated, what is, and what the record says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from gettext import GNUTranslations
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from babel import Locale
from babel.messages import Message
from babel.messages.pofile import read_po
from django.apps import apps
from django.conf import settings
from django.db import models
from django.test import Client
from django.utils import timezone, translation
from django.utils.translation import get_language, trans_real

from accounts.staff.models import User
from audit.actions import Refused
from audit.models import Event
from demo import build as building
from jobs.actions import cancel_job
from jobs.models import Job
from tests import factories
from tests.every_page import addresses, make_visitors
from tests.names_of_code import OURS

ROOT = Path(settings.BASE_DIR)
CATALOGUE = ROOT / "locale" / "it" / "LC_MESSAGES" / "django"
OPEN, CLOSE = "⟦", "⟧"

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


# --- Pages in a language that shows what was looked up ------------------------------------------

_PLACES = re.compile(r"(\{[^{}]*\}|%\(\w+\)[sd]|%[sd])")


def marked(message: str) -> str:
    """The message in brackets, what stands in for values outside of them."""
    if not message.strip():
        return message
    pieces = _PLACES.split(message)
    return "".join(piece if at % 2 or not piece else f"{OPEN}{piece}{CLOSE}" for at, piece in enumerate(pieces))


@pytest.fixture
def brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Italian puts in brackets whatever is looked up, instead of translating it."""

    def once(real: Callable[..., str], chosen: Callable[..., str]) -> Callable[..., str]:
        def found(*given: Any) -> str:
            return marked(str(chosen(*given))) if get_language() == "it" else real(*given)

        return found

    ways: dict[str, Callable[..., str]] = {
        "gettext": lambda message: message,
        "pgettext": lambda context, message: message,
        "ngettext": lambda one, many, count: one if count == 1 else many,
        "npgettext": lambda context, one, many, count: one if count == 1 else many,
    }
    for name, chosen in ways.items():
        wrapped = once(getattr(trans_real, name), chosen)
        # First the front, which keeps what it once took from the real ones.
        monkeypatch.setattr(vars(translation)["_trans"], name, wrapped)
        monkeypatch.setattr(trans_real, name, wrapped)


class Seen(HTMLParser):
    """What a page shows or says aloud: its text, and the attributes that are read out."""

    SPOKEN = ("aria-label", "title", "placeholder", "alt", "data-some", "data-none")
    #: Names of keys, codes, and what people wrote.
    SILENT_TAGS = frozenset({"script", "style", "kbd", "code", "q", "textarea"})
    SILENT_CLASSES = frozenset({"mono", "letter", "document", "changes", "zone"})
    #: A sentence may go on inside of these.
    WITHIN = frozenset({"a", "b", "kbd"})
    VOID = frozenset({"input", "meta", "link", "br", "hr", "img", "rect", "line", "path", "circle"})

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[tuple[str, str]] = []
        """Each text as it is, and what of it stands outside of all brackets."""
        self._open: list[tuple[str, bool]] = []
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name in self.SPOKEN:
            if given.get(name):
                self._add(given[name] or "", 0)
        if tag not in self.WITHIN:
            self._depth = 0
        if tag not in self.VOID:
            silent = tag in self.SILENT_TAGS or not self.SILENT_CLASSES.isdisjoint((given.get("class") or "").split())
            self._open.append((tag, silent))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass
        if tag not in self.WITHIN:
            self._depth = 0

    def handle_data(self, data: str) -> None:
        if not any(silent for _, silent in self._open):
            self._depth = self._add(data, self._depth)

    def _add(self, text: str, depth: int) -> int:
        kept = []
        for character in text:
            if character == OPEN:
                depth += 1
            elif character == CLOSE:
                depth -= 1
                kept.append("·")
            elif depth == 0:
                kept.append(character)
        self.texts.append((" ".join(text.split()), " ".join("".join(kept).split())))
        return max(depth, 0)


def written_down() -> set[str]:
    """Everything that people or the record wrote into a column, in one line each."""
    found: set[str] = set()
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, models.CharField | models.TextField) and not field.choices:
                values = model._default_manager.values_list(field.name, flat=True).distinct()
                found.update(" ".join(str(value).split()) for value in values if value)
                # A letter's lines of several words are shown one by one.
                found.update(line.strip() for value in values for line in str(value).splitlines() if " " in line)
    return {text for text in found if _LETTERS.search(text)}


_LETTERS = re.compile(r"[^\W\d_]{2,}")
#: Names, units and codes: the same in every language.
MAY_STAY = re.compile(
    r"\b(Redress|PDF|CSV|IBAN|MAC|IVA|Italiano|English|SMS|min|[A-Z]{3}|[A-Z]{1,3}-?\d[\w-]*|\d[\w./-]*)\b"
    # what a script puts a number in for; layouts of bank files; functions of templates
    r"|\{count\}|\b(own|sepa_it|capfirst|default|first|join|last|length|lower|upper)\b"
    # what only a program reads, shown as it is
    r"|^\[?\{ ?\".*\}\]?$"
)
#: So much of a longer text is not there by chance.
_QUOTED = 25


class Data:
    """What is written in rows, to be told from what the product says."""

    def __init__(self) -> None:
        self.whole = written_down() | _territories_and_currencies()
        self.all = "\n".join(self.whole)
        # A single small word may be a word of the product as well.
        names = {text for text in self.whole if 3 <= len(text) <= 120 and re.search(r"[A-Z\d\u00c0-\u00dd@._ ]", text)}
        names |= {*User.objects.values_list("username", flat=True), *_territories_and_currencies()}
        ordered = sorted(names, key=len, reverse=True)
        self._names = re.compile(r"(?<!\w)(?:" + "|".join(re.escape(name) for name in ordered) + r")(?!\w)")

    def without(self, text: str) -> str:
        """The text without names that stand in rows; nothing of what is quoted from one."""
        if text in self.whole or (len(text) >= _QUOTED and text.rstrip("…") in self.all):
            return ""
        return self._names.sub("", text)


def _territories_and_currencies() -> set[str]:
    names = [Locale(language) for language in ("en", "it")]
    return {name for one in names for name in (*one.territories.values(), *one.currencies.values())}


def leftovers(html: str, data: Data, typed: str) -> Iterator[str]:
    """The texts of a page with words that were not looked up, are no data and were not typed into its search."""
    page = Seen()
    page.feed(html)
    for text, left in page.texts:
        # Cheap before dear: most of a page is in brackets.
        if not _LETTERS.search(MAY_STAY.sub("", left)):
            continue
        unknown = data.without(left)
        if typed:
            unknown = re.sub(rf"(?<!\w){re.escape(typed)}(?!\w)", "", unknown)
        if _LETTERS.search(MAY_STAY.sub("", unknown)):
            yield text


# --- Templates ----------------------------------------------------------------------------------

#: Pages for everybody and printed documents are in English.
ENGLISH = ("public/", "billing/document.html")
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
        wrong += [f"{name}: {left}" for _, left in page.texts if _LETTERS.search(MAY_STAY.sub("", left))]
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


# --- No word of a page goes without ---------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_leftovers_no_page_says_a_word_that_was_not_looked_up(monkeypatch: pytest.MonkeyPatch, brackets: None) -> None:
    visitors = make_visitors(monkeypatch)
    pages = list(addresses(visitors))
    data = Data()
    found: dict[str, set[str]] = defaultdict(set)
    clients: dict[int, Client] = {}
    for person, url in pages:
        if person.pk not in clients:
            clients[person.pk] = Client(headers={"accept-language": "it"})
            clients[person.pk].force_login(person, backend="accounts.staff.auth.StaffBackend")
        if url.startswith("/policy/"):
            continue
        answer = clients[person.pk].get(url)
        typed = " ".join(parse_qs(urlsplit(url).query).get("q", ()))
        html = answer.content.decode()
        assert OPEN in html, url
        for text in leftovers(html, data, typed):
            found[text].add(url)
    report = "\n".join(f"{text}    on {min(urls)} and {len(urls) - 1} more" for text, urls in sorted(found.items()))
    assert not found, f"{len(found)} texts:\n{report}"


@pytest.mark.slow
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
