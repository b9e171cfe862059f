"""Addresses in parts, written as each country writes them, and told apart where they came as a whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.addresses import Address, parse_address, postcode_problem, tidy

ROMA = Address("Via Roma", "12", "00100", "Roma", "IT")


@pytest.mark.parametrize(
    ("address", "lines"),
    [
        (ROMA, ("Via Roma 12", "00100 Roma")),
        (Address("Hauptstraße", "5a", "10115", "Berlin", "DE"), ("Hauptstraße 5a", "10115 Berlin")),
        (Address("Rue de Rivoli", "7", "75001", "Paris", "FR"), ("7 Rue de Rivoli", "75001 Paris")),
        (Address("High Street", "10", "EC1Y 8SY", "London", "GB"), ("10 High Street", "London", "EC1Y 8SY")),
        (Address("Main Street", "1", "95014", "Cupertino", "US"), ("1 Main Street", "Cupertino 95014")),
        (Address("Somewhere", "", "", "", "IT"), ("Somewhere",)),
        (Address("", "", "", "Roma", ""), ("Roma",)),
        (Address(), ()),
    ],
)
def test_each_country_has_its_order(address: Address, lines: tuple[str, ...]) -> None:
    assert address.lines == lines


@pytest.mark.parametrize(
    ("text", "country", "address"),
    [
        ("Via Roma 12\n00100 Roma", "IT", ROMA),
        ("Via Roma, 12\r\n00100 Roma\r\nItaly", "IT", ROMA),
        ("Via Roma, 12, 00100 Roma", "IT", ROMA),
        ("Via Roma 12, 00100 Roma, Italia", "IT", ROMA),
        ("Via XX Settembre 1/A\n16100 Genova GE", "IT", Address("Via XX Settembre", "1/A", "16100", "Genova GE", "IT")),
        ("7 Rue de Rivoli\n75001 Paris", "FR", Address("Rue de Rivoli", "7", "75001", "Paris", "FR")),
        ("10 High Street\nLondon\nEC1Y 8SY", "GB", Address("High Street", "10", "EC1Y 8SY", "London", "GB")),
        ("10 High Street\nLondon ec1y 8sy", "GB", Address("High Street", "10", "EC1Y 8SY", "London", "GB")),
        ("Kalverstraat 3\n1012 NX Amsterdam", "NL", Address("Kalverstraat", "3", "1012 NX", "Amsterdam", "NL")),
    ],
)
def test_a_whole_is_told_apart(text: str, country: str, address: Address) -> None:
    parsed = parse_address(text, country)
    assert parsed.sure
    assert parsed.address == address


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("Via Roma\n00100 Roma", "IT"),
        ("Via Roma 12", "IT"),
        ("Scala B, interno 4\nVia Roma 12\n00100 Roma", "IT"),
        ("c/o Rossi, Via Roma 12, 00100 Roma", "IT"),
        ("Via Roma 12\n1 Roma", "IT"),
        ("Somewhere 5\n1234 Nowhere", "AO"),
        ("", "IT"),
    ],
)
def test_where_unsure_it_says_so_and_loses_nothing(text: str, country: str) -> None:
    parsed = parse_address(text, country)
    assert not parsed.sure
    written = " ".join(parsed.address.lines).replace(",", "")
    assert sorted(written.split()) == sorted(text.replace(",", "").split())


@given(st.text(max_size=80), st.sampled_from(["IT", "GB", "FR", "AO", ""]))
def test_any_text_has_parts(text: str, country: str) -> None:
    parsed = parse_address(text, country)
    words = " ".join(parsed.address.lines)
    assert set("".join(words.split()).casefold()) <= set("".join(text.split()).casefold() + ",")


def test_a_postcode_of_elsewhere_is_named_with_an_example() -> None:
    assert postcode_problem(ROMA) is None
    assert str(postcode_problem(Address(postcode="2012", country="IT"))) == (
        "“2012” is no postcode of Italy, such as 00144."
    )
    assert postcode_problem(Address(postcode="2012", country="AO")) is None
    assert postcode_problem(Address(country="IT")) is None
    assert postcode_problem(Address(postcode="nonsense", country="GB")) is not None


def test_parts_are_tidied() -> None:
    assert tidy(Address("  Via   Roma ", " 12 ", "ec1y  8sy", " Roma  RM", "IT")) == Address(
        "Via Roma", "12", "EC1Y 8SY", "Roma RM", "IT"
    )
