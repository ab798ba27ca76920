"""The journal: what each transaction stored, under one rising batch number, so that live streams can follow and resume.

An entry is MessagePack: its kind, and for readings the names of the columns and the rows, about 40 bytes a reading. The
sink pays next to nothing for it, and each monitor makes its own events. Entries say their columns, so that they outlive
a change of the tables, and their kind, so that a program skips what it does not know.

Batch numbers count readings: a batch is numbered by the one before plus its own size, so that the journal is cut by the
number of readings that it holds. A new database begins at the time of its first batch, in milliseconds, so that a
number of an older database is never mistaken for one of this.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from icu.store.readings import ReadingRow
from icu.store.tables import COLUMNS

# Readings that the journal holds at least: 17 hours of 8 beds, half a minute of 10,000 beds at 5 s a reading.
KEEP: Final = 100_000

READINGS: Final = "readings"


class _Entry(Struct, array_like=True):
    """Any entry: what stands behind the kind depends on it."""

    kind: str


class _Readings(_Entry, array_like=True):
    columns: tuple[str, ...]
    rows: Sequence[ReadingRow]


_encoder: Final = msgspec.msgpack.Encoder()
_entries: Final = msgspec.msgpack.Decoder(_Entry)
_readings: Final = msgspec.msgpack.Decoder(_Readings)


def encode(rows: Sequence[ReadingRow]) -> bytes:
    """The payload of an entry of readings."""
    return _encoder.encode(_Readings(READINGS, COLUMNS, rows))


def decode(payload: bytes) -> Sequence[ReadingRow]:
    """The rows of an entry, in the order of COLUMNS; none of an entry of another kind.

    A column that the entry lacks is None, and one that is not known is left out.
    """
    if _entries.decode(payload).kind != READINGS:
        return ()
    entry = _readings.decode(payload)
    if entry.columns == COLUMNS:
        return entry.rows
    return [tuple(map(dict(zip(entry.columns, row, strict=True)).get, COLUMNS)) for row in entry.rows]
