"""Invented names and addresses.

Surnames and places are made up; addresses end in example.com, .org or .net; phone numbers lie in ranges that regulators
keep for fiction, or are impossible where there is none; account numbers name a bank that does not exist.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from random import Random

from stdnum import iban

from accounts.customers.models import Customer

GIVEN = {
    "IT": ("Alba", "Bruno", "Carla", "Dario", "Elide", "Fosco", "Gemma", "Ivo", "Lorena", "Nevio", "Ornella", "Tullio"),
    "DE": ("Anke", "Bernd", "Dörte", "Falk", "Grit", "Heiko", "Imke", "Jörn", "Kerstin", "Lothar", "Wiebke", "Uwe"),
    "FR": ("Aline", "Basile", "Colette", "Didier", "Edith", "Fabrice", "Odile", "Rémi", "Solange", "Thibault"),
    "GB": ("Alma", "Barnaby", "Cora", "Duncan", "Edna", "Fergus", "Greta", "Hamish", "Isla", "Rowena", "Silas"),
    "CH": ("Beat", "Corsin", "Flurina", "Gian", "Ladina", "Madlaina", "Reto", "Ursin"),
}
SURNAMES = {
    "IT": ("Valdorsi", "Trementini", "Castellunga", "Brandilocchi", "Zanferri", "Montelbani", "Rigolesi", "Pavandri"),
    "DE": (
        "Tannhölter",
        "Brückmoser",
        "Weidengrund",
        "Kaltenrieth",
        "Ohlenfeld",
        "Sauerbrink",
        "Dachsheimer",
        "Lüttgau",
    ),
    "FR": ("Montfleurier", "Caradelle", "Boisgrenon", "Desrochelin", "Valcourbe", "Perdrillat", "Lanthenoux"),
    "GB": ("Ashcombley", "Thornwickle", "Pellingdale", "Marrowby", "Quillstone", "Hexworthing", "Fennimarsh"),
    "CH": ("Surlejeri", "Casparinaz", "Tgantient", "Valbellin", "Murtarölin"),
}
TRADES = {
    "IT": ("Panificio", "Officina", "Studio legale", "Farmacia", "Tipografia", "Vivaio", "Falegnameria", "Albergo"),
    "DE": ("Tischlerei", "Steuerkanzlei", "Gärtnerei", "Druckerei", "Zahnarztpraxis", "Spedition", "Landhotel"),
    "FR": ("Boulangerie", "Cabinet", "Imprimerie", "Fleuriste", "Menuiserie", "Librairie", "Auberge"),
    "GB": ("Bakery", "Joinery", "Veterinary Practice", "Bookshop", "Garden Centre", "Solicitors", "Brewery"),
    "CH": ("Schreinerei", "Treuhand", "Berggasthaus", "Käserei", "Velowerkstatt"),
}
LEGAL_FORMS = {
    "IT": ("Srl", "Snc"),
    "DE": ("GmbH", "& Söhne"),
    "FR": ("SARL", ""),
    "GB": ("Ltd", ""),
    "CH": ("AG", "GmbH"),
}

#: What stands before three or four digits of fiction.
PHONES = {"IT": "+39 000 555 ", "DE": "+49 30 23125 ", "FR": "+33 1 99 00 ", "GB": "+44 1632 960", "CH": "+41 00 555 "}
#: The rest of an account number behind its check digits, with room for eight digits of our own.
ACCOUNTS = {
    "IT": "X09999016000000{:08d}",
    "DE": "9990000100{:08d}",
    "FR": "9999900011000{:08d}07",
    "GB": "TEST999900{:08d}",
    "CH": "099990000{:08d}",
}


@dataclass(frozen=True)
class Somebody:
    """A customer to be."""

    kind: str
    name: str
    email: str
    phone: str
    country: str
    iban: str
    language: str


class Registry:
    """Invents customers, each with a name that no other has."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._count = 0

    def invent(self, rng: Random, *, country: str, kind: str, with_iban: bool, language: str = "") -> Somebody:
        """A customer of that country."""
        self._count += 1
        name = self._name(rng, country, kind)
        slug = _slug(name)
        return Somebody(
            kind=kind,
            name=name,
            email=f"{slug}@example.{('com', 'org', 'net')[self._count % 3]}",
            phone=f"{PHONES[country]}{self._phone(country)}",
            country=country,
            iban=self._iban(country) if with_iban else "",
            language=language or (Customer.Language.ITALIAN if country == "IT" else Customer.Language.ENGLISH),
        )

    def _name(self, rng: Random, country: str, kind: str) -> str:
        for _ in range(500):
            surname = rng.choice(SURNAMES[country])
            if kind == Customer.Kind.PERSON:
                name = f"{rng.choice(GIVEN[country])} {surname}"
            else:
                words = (surname, rng.choice(TRADES[country]))
                form = rng.choice(LEGAL_FORMS[country])
                name = " ".join((*(words if country == "GB" else reversed(words)), form)).strip()
            if name not in self._taken:
                self._taken.add(name)
                return name
        raise RuntimeError(f"no name is left for {country}")

    def _phone(self, country: str) -> str:
        if country == "FR":
            return f"{self._count // 100:02d} {self._count % 100:02d}"
        return f"{self._count:03d}" if country in {"GB", "DE"} else f"{self._count:04d}"

    def _iban(self, country: str) -> str:
        rest = ACCOUNTS[country].format(10_000_000 + 7919 * self._count)
        return country + iban.calc_check_digits(f"{country}00{rest}") + rest


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return ".".join("".join(letter if letter.isalnum() else " " for letter in plain).split())
