"""The journal: the rows of each transaction under one rising batch number, so that live streams can follow and resume.

An entry holds the rows as MessagePack, about 40 bytes a reading: the sink pays next to nothing for it, and each monitor
makes its own events. Batch numbers count readings: a batch is numbered by the one before plus its own size, so that
the journal is cut by the number of readings that it holds. A new database begins at the time of its first batch, in
milliseconds, so that a number of an older database is never mistaken for one of this.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from icu.store.readings import Row

KEEP: Final = 100_000
"""Readings that the journal holds at least: 17 hours of 8 beds, half a minute of 10,000 beds at 5 s a reading."""

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(list[Row])


def encode(rows: Sequence[Row]) -> bytes:
    """The payload of an entry."""
    return _encoder.encode(rows)


def decode(payload: bytes) -> list[Row]:
    """The rows of an entry."""
    return _decoder.decode(payload)
