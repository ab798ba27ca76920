"""An object for each row: readings as everywhere in the API, or buckets. As one JSON array, or a line each (ndjson)."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from icu.monitor.schemas import Bucket, Statistics
from icu.store.history import History, columns_of
from icu.store.readings import Reading, from_milliseconds
from icu.vitals.catalogue import SIGNS, Sign
from icu.vitals.signs import plain

_Rows: TypeAlias = Sequence[Reading] | Sequence[Bucket]

# Buckets that are made at once: 5 ms.
_AT_ONCE: Final = 250

_encoder: Final = msgspec.json.Encoder()


async def lines(history: History) -> AsyncGenerator[bytes, None]:
    """A line for each row."""
    async for rows in _rows(history):
        yield _encoder.encode_lines(rows)


async def array(history: History) -> AsyncGenerator[bytes, None]:
    """One array of all rows. The first piece is held until there is another, so that a short array is one piece."""
    held = b"["
    async for rows in _rows(history):
        if held != b"[":
            yield held
            held = b","
        held += _encoder.encode(rows)[1:-1]
    yield held + b"]"


async def _rows(history: History) -> AsyncIterator[_Rows]:
    if history.every is None:
        async for page in history.pages():
            yield page
        return
    async for each in history.slices():
        arrays = {name: msgspec.json.decode(array) for name, array in each.columns.items()}
        for begin in range(0, each.count, _AT_ONCE):
            yield _buckets({name: numbers[begin : begin + _AT_ONCE] for name, numbers in arrays.items()})


def _buckets(columns: Mapping[str, Sequence[Any]]) -> list[Bucket]:
    signs = [
        map(partial(_statistics, sign), *(columns[name] for name in columns_of(sign, of_buckets=True).values()))
        for sign in SIGNS
    ]
    return [Bucket(*row) for row in zip(map(from_milliseconds, columns["timestamp"]), *signs, strict=True)]


def _statistics(
    sign: Sign, count: int, least: int | None, mean: int | None, most: int | None, flagged: int
) -> Statistics | UnsetType:
    if sign.optional and not (count or flagged):
        return UNSET
    return Statistics(count, _value(least), _value(mean), _value(most), flagged)


def _value(hundredths: int | None) -> float | None:
    return None if hundredths is None else plain(hundredths / 100)
