"""Versions of the tables. Only the sink and `python -m icu db upgrade` apply them.

`readable_from` of a version is the oldest version whose programs may still read its tables: its own, unless its author
has seen an older program read them. It may not be older than that of the version before.
"""
