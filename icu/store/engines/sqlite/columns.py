"""Columns of many rows as JSON that SQLite writes: no object is made for a value, and Python's other threads go on."""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import TextClause, text


@cache
def by_column(statement: str, names: Sequence[str]) -> TextClause:
    """Statement that finds one row: how many rows the given one finds, and a JSON array for each of its columns."""
    # SQLite keeps the order of a subquery where an aggregate like this one depends on it.
    arrays = ", ".join(f"json_group_array({name})" for name in names)
    return text(f"SELECT count(*), {arrays} FROM ({statement})")  # noqa: S608 - statements of our own
