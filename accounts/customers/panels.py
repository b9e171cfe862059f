"""The cards of a customer's page, added by every app that knows something of a customer::

@customer_page.panel(order=40)
def complaints_of(request: StaffRequest, customer: Customer) -> Panel | None: ...
"""

from __future__ import annotations

from accounts.customers.models import Customer
from backoffice.panels import PagePanels

customer_page: PagePanels[Customer] = PagePanels()
