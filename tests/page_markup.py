"""What is wrong with a page's HTML, and with where its links lead."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urlsplit

from django.contrib.staticfiles import finders
from django.urls import Resolver404, resolve

#: Forms that change nothing of the business: they need no one-time token.
HARMLESS_FORMS = ("/logout/", "/login/", "/password_change/", "/password_reset/", "views/")
VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
#: What holds itself nowhere inside.
NEVER_NESTED = frozenset({"a", "button", "form", "label"})
#: Attributes that name elements of the same page by their ids.
REFERENCES = ("aria-controls", "aria-describedby", "aria-labelledby", "for", "form", "list", "popovertarget")
_ID = re.compile(r'\sid="([^"]*)"')
_LINK = re.compile(r'\s(?:href|src|action|formaction|hx-get|hx-post)="([^"]*)"')
_TEMPLATE = re.compile(r"<template\b.*?</template>", re.DOTALL)


class Markup(HTMLParser):
    """One page, its elements weighed as they open and close."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []
        self._open: list[str] = []
        self._references: list[tuple[str, str]] = []
        self._ids: set[str] = set()
        #: Whether the form that is open carries what it needs; None outside such a form.
        self._token_seen: bool | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._look_at(tag, attrs)
        if tag not in VOID:
            if tag in NEVER_NESTED and tag in self._open:
                self._complain(f"<{tag}> within <{tag}>")
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._look_at(tag, attrs)
        if tag not in VOID and "svg" not in (*self._open, tag):
            self._complain(f"<{tag}/> does not close itself")

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self._complain(f"</{tag}> closes {self._open[-1:] or 'nothing'}")
        if tag == "form":
            if self._token_seen is False:
                self._complain("a form that changes something has no one-time token")
            self._token_seen = None
        while tag in self._open and self._open.pop() != tag:
            pass

    def _look_at(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if len(given) != len(attrs):
            self._complain(f"<{tag}> has an attribute twice: {attrs}")
        if given.get("id"):
            self._ids.add(given["id"] or "")
        for name in REFERENCES:
            self._references += ((name, word) for word in (given.get(name) or "").split())
        self._look_at_sending(tag, given)
        if tag == "img" and "alt" not in given:
            self._complain(f"a picture without words: {given.get('src')}")

    def _look_at_sending(self, tag: str, given: dict[str, str | None]) -> None:
        if any(name.startswith(("hx-", "data-hx-")) for name in given) and not given.get("data-pass"):
            self._complain(f"htmx would not obey <{tag}>: it bears no pass")
        if tag == "form" and given.get("method") == "post" and given.get("id") not in {"changelist-form", "login-form"}:
            self._token_seen = (given.get("action") or "").startswith(HARMLESS_FORMS)
        if tag == "input" and given.get("name") == "form_token" and self._token_seen is not None:
            self._token_seen = True

    def _complain(self, problem: str) -> None:
        self.problems.append(f"line {self.getpos()[0]}: {problem}")

    def judged(self) -> list[str]:
        missing = [f"{name} names no element: {word}" for name, word in self._references if word not in self._ids]
        return [*self.problems, *(f"<{tag}> is never closed" for tag in self._open), *missing]


def markup_problems(html: str) -> list[str]:
    page = Markup()
    page.feed(html)
    page.close()
    return page.judged()


def quick_problems(html: str) -> Iterator[str]:
    """Ids that stand twice, and links to nowhere: what may differ between two people's copies of a page."""
    visible = _TEMPLATE.sub("", html)
    for found, times in Counter(_ID.findall(visible)).items():
        if times > 1:
            yield f"the id {found!r} stands {times} times"
    for link in set(_LINK.findall(html)):
        path = urlsplit(unescape(link)).path
        if link.startswith("/") and not leads_somewhere(path):
            yield f"a link to nowhere: {link}"


@cache
def leads_somewhere(path: str) -> bool:
    if path.startswith("/static/"):
        return finders.find(path.removeprefix("/static/")) is not None
    try:
        return resolve(path).url_name is not None
    except Resolver404:
        return False
