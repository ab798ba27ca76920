"""Beats of the live streams: each second the server's time, also while the database is away.

A client that hears none knows that its connection, or the monitor, is gone: a quiet ward looks like a dead one.
"""

from datetime import datetime
from typing import Annotated, Final

import anyio
import msgspec
from msgspec import Meta, Struct

from icu.monitor.broadcast import Broadcast
from icu.monitor.freshness import Behind, Freshness

# Seconds between two beats.
BEAT_EVERY: Final = 1.0

_encoder: Final = msgspec.json.Encoder()


class Beat(Struct, frozen=True):
    """Sign of life of a monitor."""

    time: Annotated[datetime, Meta(description="Of the server, UTC")]
    blind_since: Annotated[
        datetime | None,
        Meta(description="Time since which nobody is watched: show no value as fresh. Null if all is well"),
    ]
    behind: Annotated[Behind | None, Meta(description="What is behind then: the sink, or the transport")]
    unwatched: Annotated[
        int, Meta(description="Patients who are not watched while others are: read them anew where it changes")
    ]


async def beat(broadcast: Broadcast, freshness: Freshness) -> None:
    """Offer a beat to all streams each second, until cancelled."""
    while True:
        found = Beat(freshness.now(), freshness.blind_since, freshness.behind(), len(freshness.unwatched))
        # Without an id: a client comes back to the batch that it saw last.
        broadcast.beat(b"event: beat\ndata: %b\n\n" % _encoder.encode(found))
        await anyio.sleep(BEAT_EVERY)
