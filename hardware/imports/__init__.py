"""Taking purchases of phones in from a CSV file.

`values` turns a record into a purchase with its instalments and is pure; `actions` asks the database what would become
of each, and writes it.
"""
