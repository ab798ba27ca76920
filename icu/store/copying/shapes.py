"""Shapes of tables: how one is read by its primary key, and what its rows sum up to."""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias
from zlib import crc32

import msgspec
from sqlalchemy import Boolean, LargeBinary, TextClause, text

from icu.store.copying.plan import AT_END, IN_CHUNKS
from icu.store.engines.base import Engine, Transaction
from icu.store.tables.metadata import METADATA

Row: TypeAlias = Sequence[Any]

# Rows of a chunk: its transaction is short enough for any deadline. Rows with bytes, dead letters and entries of the
# journal, may take 64 KiB and more.
_ROWS: Final = 20_000
_WIDE_ROWS: Final = 200

# Digests are whole numbers of 63 bits, which all engines store.
_DIGEST: Final = 2**63 - 1

_encode: Final = msgspec.msgpack.Encoder().encode


class Shape:
    """Table as copies see it."""

    def __init__(self, name: str) -> None:
        self.table: Final = METADATA.tables[name]
        names = self.table.columns.keys()
        keys = self.table.primary_key.columns.keys()
        self._keys = [names.index(key) for key in keys]
        self._truths = [names.index(each.name) for each in self.table.columns if isinstance(each.type, Boolean)]
        is_wide = any(isinstance(each.type, LargeBinary) for each in self.table.columns)
        # Rows of a chunk.
        self.limit = _WIDE_ROWS if is_wide else _ROWS
        # True where the rows of a patient are beside each other.
        self.by_patient = keys[0] == "patient_id" or name == "patients"
        rows = f"SELECT {_listed(names)} FROM {name}"  # noqa: S608 - names of our own
        places = ", ".join(f":key_{place}" for place in range(len(keys)))
        chunk = f"ORDER BY {_listed(keys)} LIMIT :limit"
        self._all = text(rows)
        self._first = text(f"{rows} {chunk}")
        self._next = text(f"{rows} WHERE ({_listed(keys)}) > ({places}) {chunk}")
        self.any: Final = text(f"SELECT 1 FROM {name} LIMIT 1")  # noqa: S608 - names of our own
        self.emptied: Final = text(f"DELETE FROM {name}")  # noqa: S608 - names of our own

    def key_of(self, row: Row) -> list[Any]:
        """Return the primary key of a row."""
        return [row[place] for place in self._keys]

    async def chunk(self, engine: Engine, after: Row | None) -> Sequence[Row]:
        """Read the rows behind a primary key, or the first ones; none at the end."""
        values = {f"key_{place}": each for place, each in enumerate(after or ())}
        statement = self._first if after is None else self._next
        return await engine.read(lambda each: self._read(each, statement, {**values, "limit": self.limit}))

    async def all(self, transaction: Transaction) -> Sequence[Row]:
        """Read all rows."""
        return await self._read(transaction, self._all, {})

    async def _read(self, transaction: Transaction, statement: TextClause, values: dict[str, Any]) -> Sequence[Row]:
        rows = await transaction.rows(statement, values)
        return [self._as_truths(row) for row in rows] if self._truths else rows

    def _as_truths(self, row: Row) -> Row:
        """Return the row with truth values as such: SQLite has whole numbers for them."""
        return [bool(each) if place in self._truths else each for place, each in enumerate(row)]


def digest(rows: Sequence[Row]) -> int:
    """Sum up rows in any order: databases sort texts differently."""
    return sum(crc32(_encode(tuple(row))) for row in rows) & _DIGEST


def added(one: int, other: int) -> int:
    """Add digests."""
    return (one + other) & _DIGEST


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{each}"' for each in names)


# Made once: engines compile each statement once.
SHAPES: Final = {name: Shape(name) for name in (*IN_CHUNKS, *AT_END)}
