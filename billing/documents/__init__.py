"""Invoices and credit notes as documents for the customer: what stands on them, as a page that prints and as PDF.

`content` turns rows into words and amounts, `pdf` draws them; the page is the template ``billing/document.html``.
"""
