"""The pages of phones: purchases, instalments, devices and models. None of them leads to a refund (F8)."""

from hardware.admin import instalments, phones, purchases, search

__all__ = ["instalments", "phones", "purchases", "search"]
