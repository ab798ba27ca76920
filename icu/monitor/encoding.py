"""Large responses, encoded a slice at a time, so that nobody else waits long for the loop."""

from collections.abc import Mapping
from typing import Any, Final

from anyio.lowlevel import checkpoint
from litestar import MediaType, Response

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


def json_response(body: bytes, headers: Mapping[str, str] | None = None) -> Response[Any]:
    """Make a response of encoded JSON, for a handler whose declared type says what it is."""
    return Response(body, media_type=MediaType.JSON, headers=headers)
