"""The database's versions. Only the sink and `python -m icu db upgrade` apply them.

Each says by `readable_from` which version's programs are the oldest that may still read its tables: its own, unless
whoever wrote it has seen an older program read them. It may not be older than that of the version before.
"""
