"""CSV files that an import takes in, and what it says about them. Pure.

`reading` turns bytes into records, `problems` are sentences for whoever has to mend the file, `report` tells what
became of each row. What the columns mean, each import knows by itself.
"""
