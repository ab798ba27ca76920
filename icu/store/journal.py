"""Journal of stored readings, one entry per transaction under a rising batch number, for live streams to follow.

An entry is MessagePack: its kind, and for readings the names of the columns and the rows, about 40 bytes a reading. It
costs the sink next to nothing, and each monitor makes its own events. Entries name their columns, so that they outlive
a change of the tables, and their kind, so that a program skips unknown ones.

Batch numbers count readings: the number of a batch is the last one plus its own size, so that the journal can be cut to
a number of readings. A new database begins at the time of its first batch, in milliseconds since 1970, so that its
numbers are not those of an older database.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from icu.store.readings import ReadingRow
from icu.store.tables import COLUMNS

# Least number of readings in a full journal: 17 hours of 8 beds, half a minute of 10,000 beds at 5 s a reading.
KEEP: Final = 100_000

# Kind of entries that hold readings.
READINGS: Final = "readings"


class _Entry(Struct, array_like=True):
    """Entry of any kind. The fields behind the kind depend on it."""

    kind: str


class _Readings(_Entry, array_like=True):
    columns: tuple[str, ...]
    rows: Sequence[ReadingRow]


_encoder: Final = msgspec.msgpack.Encoder()
_entries: Final = msgspec.msgpack.Decoder(_Entry)
_readings: Final = msgspec.msgpack.Decoder(_Readings)


def encode(rows: Sequence[ReadingRow]) -> bytes:
    """Encode rows, in the order of COLUMNS, as the payload of an entry."""
    return _encoder.encode(_Readings(READINGS, COLUMNS, rows))


def decode(payload: bytes) -> Sequence[ReadingRow]:
    """Decode the payload of an entry.

    Returns:
        Rows in the order of COLUMNS. Missing columns are None, unknown ones are left out. Empty for entries of other
        kinds.
    """
    if _entries.decode(payload).kind != READINGS:
        return ()
    entry = _readings.decode(payload)
    if entry.columns == COLUMNS:
        return entry.rows
    return [tuple(map(dict(zip(entry.columns, row, strict=True)).get, COLUMNS)) for row in entry.rows]
