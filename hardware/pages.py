"""The pages of phones and purchases."""

import hardware.phones.admin
import hardware.purchases.admin
import hardware.purchases.instalment_admin
import hardware.purchases.search  # noqa: F401
