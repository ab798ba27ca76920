"""Statements of the store as psycopg takes them."""

from collections.abc import Sequence
from functools import cache
from typing import Final

from sqlalchemy import TextClause
from sqlalchemy.dialects import postgresql

_DIALECT: Final = postgresql.dialect(paramstyle="pyformat")  # type: ignore[no-untyped-call] # SQLAlchemy's own


# Cached: the statements are constants of the program.
@cache
def compiled(statement: TextClause) -> bytes:
    """The statement with psycopg's placeholders. Bytes are what it takes for a constant."""
    return str(statement.compile(dialect=_DIALECT)).encode()


@cache
def by_column(statement: TextClause, names: Sequence[str]) -> bytes:
    """Statement for the columns of another one, each as a JSON array, without blanks as SQLite writes it."""
    arrays = ", ".join(f"coalesce(array_to_json(array_agg({each}))::text, '[]')" for each in names)
    # The order of the statement is kept: it stands alone in FROM, and nothing else here sorts.
    return f"SELECT {arrays} FROM ({compiled(statement).decode()}) AS found".encode()  # noqa: S608 - names of our own
