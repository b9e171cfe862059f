"""The cards of a customer's page: whoever knows something of a customer adds one by ``@customer_page.panel()``."""

from __future__ import annotations

from accounts.customers.models import Customer
from backoffice.panels import PagePanels

customer_page: PagePanels[Customer] = PagePanels()
