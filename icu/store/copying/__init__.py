"""Copying a database into another one, of the same engine or any other: `db copy`.

Long tables are copied in chunks, by their primary keys, each in a transaction with its progress: a copy that was
interrupted goes on from there. They are compared then. All else moves in the last transaction, the offsets with it, so
that a sink goes on exactly where the source's sink has stopped. Until then programs refuse the target.
"""
