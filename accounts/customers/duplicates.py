"""Which customers may be one and the same: found by what they share. A person decides; nothing is merged by itself."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from django.utils.translation import gettext, gettext_noop

from accounts.customers.models import Customer

#: What two customers can share; the strongest sign first.
SIGNS = (
    gettext_noop("tax number"),
    "IBAN",
    gettext_noop("e-mail"),
    gettext_noop("telephone"),
    gettext_noop("name and country"),
)

# Words that tell a company's form, not its name.
_FORMS = frozenset(
    {"srl", "srls", "spa", "snc", "sas", "gmbh", "ag", "kg", "ltd", "limited", "inc", "llc", "plc", "sa", "sarl", "bv"}
)
_FEWEST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Likely:
    """Two customers who may be one: the older one by entry, the other, and what they share, in words."""

    first: Customer
    second: Customer
    shared: tuple[str, ...]


def normalised_name(name: str) -> str:
    """A name to compare: without accents, capitals, punctuation, the company's form and the order of its words."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(char for char in plain if not unicodedata.combining(char)).replace(".", "")
    words = re.findall(r"[^\W_]+", letters)
    return " ".join(sorted(word for word in words if word not in _FORMS) or sorted(words))


def normalised_phone(phone: str) -> str:
    """The digits of a telephone number, an international prefix written in either way; nothing for too few."""
    digits = re.sub(r"\D", "", phone)
    digits = digits.removeprefix("00") if not phone.strip().startswith("+") else digits
    return digits if len(digits) >= _FEWEST_DIGITS else ""


def likely_duplicates(limit: int = 100) -> list[Likely]:
    """Pairs of customers who share something, those who share most first. Merged ones are left out.

    Reads every customer once, in two queries however many there are. Of several who share one thing, each is paired
    with the oldest.
    """
    shared: dict[tuple[int, int], list[str]] = {}
    oldest: dict[tuple[str, str], int] = {}
    rows = Customer.objects.filter(merged_into__isnull=True).order_by("pk")
    columns = ("pk", "tax_number", "iban", "email", "phone", "name", "country")
    for pk, *values in rows.values_list(*columns).iterator(chunk_size=5000):
        for sign, value in _signs(*values):
            first = oldest.setdefault((sign, value), pk)
            if first != pk:
                shared.setdefault((first, pk), []).append(sign)
    ranked = sorted(shared.items(), key=lambda pair: (-len(pair[1]), SIGNS.index(pair[1][0]), pair[0]))
    found = list(islice(ranked, limit))
    customers = Customer.objects.in_bulk({pk for pair, _ in found for pk in pair})
    return [Likely(customers[first], customers[second], tuple(map(gettext, signs))) for (first, second), signs in found]


def _signs(tax_number: str, iban: str, email: str, phone: str, name: str, country: str) -> Iterator[tuple[str, str]]:
    values = (
        re.sub(r"[\W_]", "", tax_number).upper(),
        iban,
        email.strip().casefold(),
        normalised_phone(phone),
        f"{country} {normalised_name(name)}",
    )
    return ((sign, value) for sign, value in zip(SIGNS, values, strict=True) if value)
