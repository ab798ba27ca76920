"""Large responses, encoded a slice at a time, so that nobody else waits long for the loop."""

from typing import Final

from anyio.lowlevel import checkpoint

from icu.store.json_texts import json_texts
from icu.store.readings import Columns

# Readings that are encoded in one turn of the loop: about half a millisecond.
SLICE: Final = 500


async def encode_readings(readings: Columns) -> bytes:
    """Encode readings as a JSON array of `Reading`."""
    texts: list[str] = []
    for start in range(0, len(readings["timestamp"]), SLICE):
        if start:
            await checkpoint()
        texts += json_texts(readings, slice(start, start + SLICE))
    return f"[{','.join(texts)}]".encode()
