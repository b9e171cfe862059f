"""Serial numbers and MAC addresses, brought to one spelling."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError

from core.text import say

_SERIAL = re.compile(r"[A-Z0-9][A-Z0-9./-]{2,39}")


def clean_serial(value: str) -> str:
    """The serial number in capitals without outer blanks; 3 to 40 letters, digits and . / -.

    Raises:
        ValidationError: it is anything else.
    """
    serial = value.strip().upper()
    if not _SERIAL.fullmatch(serial):
        raise ValidationError(say("“%(value)s” is no serial number."), code="serial", params={"value": value})
    return serial


def clean_mac(value: str) -> str:
    """The MAC address as ``00:1a:2b:3c:4d:5e``, whatever its usual spelling was (colons, hyphens, dots, none).

    Raises:
        ValidationError: not twelve hexadecimal digits, or an address of no single device (all zero, group address).
    """
    text = value.strip()
    separated = re.fullmatch(r"[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}", text)
    dotted = re.fullmatch(r"(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}", text)
    plain = re.fullmatch(r"[0-9A-Fa-f]{12}", text)
    if not (separated or dotted or plain):
        raise ValidationError(say("“%(value)s” is no MAC address."), code="mac", params={"value": value})
    digits = re.sub(r"[:.-]", "", text).lower()
    if digits == "0" * 12 or int(digits[:2], 16) & 1:
        raise ValidationError(say("“%(value)s” is not the address of one device."), code="mac", params={"value": value})
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def validate_serial(value: str) -> None:
    """For a model field: only the one spelling is stored."""
    if clean_serial(value) != value:
        raise ValidationError(say("Write the serial number in capitals, without blanks around it."), code="serial")


def validate_mac(value: str) -> None:
    """For a model field: only the one spelling is stored."""
    if clean_mac(value) != value:
        raise ValidationError(say("Write the MAC address as 00:1a:2b:3c:4d:5e."), code="mac")
