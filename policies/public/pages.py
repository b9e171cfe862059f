"""What the pages for everybody show, put together from published versions alone; nothing of a draft, no name of staff.

A page depends on nothing but the published versions, the day and the contacts: it is made once for each, and kept.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Literal, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.http import Http404
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString

from accounts.company.facts import company_on, logo_url
from accounts.company.models import CompanyDetails
from core.validators import countries
from policies.comparison.rules import Comparison, compare
from policies.parameters.text import Figure, public_figures
from policies.versions.models import Policy, PolicyVersion
from policies.versions.text import rendered

type Standing = Literal["to_come", "in_force", "superseded"]


@dataclass(frozen=True, slots=True)
class Published:
    """A published version as it is stored; the figures as JSON, so that it can be a key."""

    kind: str
    number: int
    effective_from: date
    text: str
    figures_json: str

    @property
    def name(self) -> str:
        return str(Policy.Kind(self.kind).label)

    @property
    def html(self) -> SafeString:
        return rendered(self.text, top=3)

    @property
    def figures(self) -> Mapping[str, Any]:
        found: dict[str, Any] = json.loads(self.figures_json)
        return found

    @property
    def public_figures(self) -> list[Figure]:
        """What a customer can expect; how staff check each other is not for everybody."""
        return public_figures(self.figures)


@dataclass(frozen=True, slots=True)
class Link:
    """A version in its chain: where it stands on a day, what it replaced, the last day on which it holds."""

    version: Published
    standing: Standing
    previous: Published | None
    until: date | None


@dataclass(frozen=True, slots=True)
class ContactPoint:
    """One way to reach the company; ``href`` is "" for what no link leads to."""

    text: str
    href: str

    @classmethod
    def of(cls, text: str) -> Self:
        """An e-mail address, a web address with its scheme, a telephone number, or plain words."""
        if _fits(validate_email, text):
            return cls(text, f"mailto:{text}")
        if _fits(_web_address, text):
            return cls(text, text)
        if _TELEPHONE.fullmatch(text):
            return cls(text, "tel:" + re.sub(r"[^+0-9]", "", text))
        return cls(text, "")


_web_address = URLValidator(schemes=["https", "http"])
_TELEPHONE = re.compile(r"\+?[0-9][0-9 ()./-]{4,}")


def _fits(validate: Callable[[str], None], text: str) -> bool:
    try:
        validate(text)
    except ValidationError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that a page depends on."""

    versions: tuple[Published, ...]
    today: date
    company: CompanyDetails

    @property
    def address_lines(self) -> list[str]:
        place = self.company.address
        return [*place.lines, countries().get(place.country, place.country)] if place else []

    @property
    def logo_url(self) -> str:
        return logo_url(self.company.logo_id)

    @property
    def questions_to(self) -> list[ContactPoint]:
        return [ContactPoint.of(line) for line in self.company.questions]

    @property
    def cancellations_to(self) -> list[ContactPoint]:
        return [ContactPoint.of(line) for line in self.company.cancellations]

    def chain(self, kind: str) -> list[Link]:
        """The versions of a policy by the day from which each holds, the last first."""
        own = [version for version in self.versions if version.kind == kind]
        return [
            Link(version, self._standing(version, after), before, _day_before(after))
            for version, before, after in zip(own, [None, *own], [*own[1:], None], strict=False)
        ][::-1]

    def link(self, kind: str, number: int) -> Link:
        """One version. Raises Http404 for what is not published: nobody learns whether there is a draft."""
        for link in self.chain(kind):
            if link.version.number == number:
                return link
        raise Http404

    def _standing(self, version: Published, after: Published | None) -> Standing:
        if version.effective_from > self.today:
            return "to_come"
        return "superseded" if after is not None and after.effective_from <= self.today else "in_force"


def _day_before(after: Published | None) -> date | None:
    return after.effective_from - timedelta(days=1) if after is not None else None


def read_site(today: date) -> Site:
    """The published versions and the contacts, in two queries."""
    rows: Iterable[PolicyVersion] = PolicyVersion.objects.published_by_day().select_related("policy")
    versions = tuple(
        Published(row.policy.kind, row.number, row.effective_from, row.text, json.dumps(row.figures, sort_keys=True))
        for row in rows
    )
    return Site(versions, today, company_on(today))


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it is sent, and a tag that changes whenever it does."""

    body: bytes
    etag: str


# Made anew whenever a version is published or a day begins: a few pages a day.
@lru_cache(maxsize=64)
def policies_page(site: Site) -> Page:
    """Both policies as they are in force, with all their versions."""
    shown = []
    for kind in Policy.Kind:
        chain = site.chain(kind)
        shown.append(
            {
                "kind": kind,
                "chain": chain,
                "current": next((link for link in chain if link.standing == "in_force"), None),
                "to_come": [link for link in reversed(chain) if link.standing == "to_come"],
            }
        )
    return _page("policies/public/policies.html", site, {"policies": shown})


@lru_cache(maxsize=256)
def version_page(site: Site, kind: str, number: int) -> Page:
    """One version, whenever it holds."""
    return _page("policies/public/version.html", site, {"link": site.link(kind, number)})


@lru_cache(maxsize=256)
def changes_page(site: Site, kind: str, number: int) -> Page:
    """What changed from the version before to this one. Raises Http404 for the first: nothing was before it."""
    link = site.link(kind, number)
    if link.previous is None:
        raise Http404
    return _page(
        "policies/public/changes.html", site, {"link": link, "comparison": comparison(link.previous, link.version)}
    )


@lru_cache(maxsize=64)
def comparison(before: Published, after: Published) -> Comparison:
    """Two published versions never change, so neither does what differs between them. In English, as the pages are."""
    with translation.override("en"):
        return compare(before.text, after.text, before.figures, after.figures)


def not_found_page(site: Site) -> Page:
    return _page("policies/public/not_found.html", site, {})


def _page(template: str, site: Site, context: dict[str, Any]) -> Page:
    # Without the request: a page for everybody has nothing of the person who asks, their language included.
    with translation.override("en"):
        body = render_to_string(template, {"site": site, "zone": settings.BUSINESS_TIME_ZONE, **context}).encode()
    return Page(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
