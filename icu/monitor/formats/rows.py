"""An object for each row: readings as everywhere in the API, or buckets. As one JSON array, or a line each (ndjson)."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from icu.monitor.schemas import Bucket, Statistics
from icu.store.history.buckets import columns_of
from icu.store.history.patient import History
from icu.store.json_texts import json_texts
from icu.store.readings import from_milliseconds, to_value
from icu.vitals.catalogue import SIGNS, Sign

# Rows that are made at once: readings take half a millisecond, buckets 5 ms.
_AT_ONCE: Final = 500

_encoder: Final = msgspec.json.Encoder()


async def lines(history: History) -> AsyncGenerator[bytes, None]:
    """A line for each row."""
    async for texts in _texts(history):
        yield ("\n".join(texts) + "\n").encode()


async def array(history: History) -> AsyncGenerator[bytes, None]:
    """One array of all rows. Each piece is held until the next one is there, so that a short array is one piece."""
    held = "["
    async for texts in _texts(history):
        if held != "[":
            yield held.encode()
            held = ","
        held += ",".join(texts)
    yield f"{held}]".encode()


async def _texts(history: History) -> AsyncIterator[list[str]]:
    """JSON of each row, some at a time."""
    if history.every is None:
        async for page in history.pages():
            for begin in range(0, len(page["timestamp"]), _AT_ONCE):
                yield json_texts(page, slice(begin, begin + _AT_ONCE))
        return
    async for each in history.slices():
        arrays = {name: msgspec.json.decode(array) for name, array in each.columns.items()}
        for begin in range(0, each.count, _AT_ONCE):
            some = slice(begin, begin + _AT_ONCE)
            yield [
                _encoder.encode(bucket).decode()
                for bucket in _buckets({name: numbers[some] for name, numbers in arrays.items()})
            ]


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
    return Statistics(count, to_value(least), to_value(mean), to_value(most), flagged)
