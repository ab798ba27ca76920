"""A sink that kills itself at its second transaction of replays: URL, and `before` or `after` its commit."""

import os
import signal
import sys
from typing import Any

import anyio
from prometheus_client import CollectorRegistry

from icu.sink import replaying
from icu.sink.batching import Batching
from icu.sink.consumer import consume
from icu.sink.telemetry import Telemetry
from icu.store import writer
from icu.store.writer import Writer
from icu.store.writing.replaying import Replayed, replay_letters
from icu.transports.memory import MemoryTransport

URL, STEP = sys.argv[1:]

replay = Writer.replay
calls: dict[str, int] = {"before": 0, "after": 0}


def die(step: str) -> None:
    """End the process at the second call of its step."""
    calls[step] += 1
    if step == STEP and calls[step] == 2:
        os.kill(os.getpid(), signal.SIGKILL)


async def dying_before(*args: Any, **options: Any) -> Replayed:
    """Replay, and die before the commit."""
    done = await replay_letters(*args, **options)
    die("before")
    return done


async def dying_after(self: Writer, *args: Any, **options: Any) -> Replayed:
    """Replay, and die behind the commit."""
    done = await replay(self, *args, **options)
    die("after")
    return done


# Faults planted in a program of its own.
writer.replay_letters = dying_before
Writer.replay = dying_after  # type: ignore[method-assign] - one for this process
replaying.AT_ONCE = 3  # type: ignore[misc] - of this process alone


async def run() -> None:
    """Store readings, until the process dies."""
    await consume(
        transport=MemoryTransport(topic="icu.test", partitions=1),
        alarms=MemoryTransport(topic="icu.alarms", waits_for_commits=False),
        database_url=URL,
        telemetry=Telemetry(CollectorRegistry()),
        batching=Batching(linger=0),
    )


anyio.run(run)
