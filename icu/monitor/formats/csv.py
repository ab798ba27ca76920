"""A history as CSV: `simulate`'s header, pressures as two numbers, and nothing between two commas where there is none.

It has no place for what is said of a value: that stands in the other formats.
"""

from collections.abc import AsyncGenerator, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final

import msgspec

from icu.monitor.formats.data_sets import Column, columns
from icu.store.history.buckets import Slice
from icu.store.history.patient import History
from icu.store.readings import from_milliseconds, to_value

# Lines that are made at once: 2 ms.
_AT_ONCE: Final = 1_000


async def pieces(history: History) -> AsyncGenerator[bytes, None]:
    """Lines, the header first; an empty history has no other."""
    wanted = columns(history)
    text = ",".join(["patient_uuid", "timestamp", *(each.header for each in wanted)]) + "\n"
    async for rows in history.slices():
        lines = _lines(str(history.uuid), rows, wanted)
        while some := "".join(islice(lines, _AT_ONCE)):
            yield (text + some).encode()
            text = ""
    if text:
        yield text.encode()


def _lines(patient: str, rows: Slice, wanted: Sequence[Column]) -> Iterator[str]:
    times = map(_time, msgspec.json.decode(rows.columns["timestamp"]))
    cells = [map(_count if each.is_count else _value, msgspec.json.decode(rows.columns[each.name])) for each in wanted]
    return (f"{patient},{time},{','.join(values)}\n" for time, *values in zip(times, *cells, strict=True))


def _time(moment: int) -> str:
    # As msgspec writes times in the API.
    return f"{from_milliseconds(moment).isoformat().removesuffix('+00:00')}Z"


def _count(number: int) -> str:
    return str(number)


# As many as there are pressures to the tenth, and then some.
@lru_cache(maxsize=8_192)
def _value(hundredths: int | None) -> str:
    return "" if hundredths is None else str(to_value(hundredths))
