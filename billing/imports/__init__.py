"""Taking customers in from a CSV file.

`reading` turns bytes into records, `column_map` reads what the file's columns mean, `values` turns a record
into a customer: all three are pure. `preparing` asks the database what would become of each, `actions` writes
it.
"""
