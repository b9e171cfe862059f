"""Taking customers in from a CSV file.

`column_map` reads what the file's columns mean, `values` turns a record into a customer: both are pure.
`preparing` asks the database what would become of each, `actions` writes it. Reading the file itself is
`core.sheets`.
"""
