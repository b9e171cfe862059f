"""The pages of phones and purchases."""

# ruff: noqa: F401
import hardware.phones.admin
import hardware.purchases.admin
import hardware.purchases.instalments.admin
import hardware.purchases.search
