"""A sink or an upkeep that works until it is killed: URL, role, and the beginning of its time in seconds.

In its time half an hour passes each second. Roles: `sink`; `upkeep`, which rolls up; and `keeper`, the whole child,
which keeps readings for an hour.
"""

import random
import sys
import time
from functools import partial
from itertools import count
from uuid import UUID

import anyio
from prometheus_client import CollectorRegistry

from icu.config.retention import Retention
from icu.messages import Observation, Position
from icu.store.engines.table import engine_of
from icu.store.readings import to_observed
from icu.store.upkeep import Upkeep
from icu.store.writer import open_writer
from icu.store.writing.offsets import Move
from icu.store.writing.requests import WriteRequest
from icu.upkeep import loop
from icu.upkeep.telemetry import Telemetry
from tests.rollups import HOUR
from tests.samples import delivery, observation
from tests.stores import NOON

URL, ROLE, BEGAN = sys.argv[1:]


def now() -> int:
    """Milliseconds since 1970, in its time."""
    return NOON + round((time.time() - float(BEGAN)) * HOUR / 2)


def reading(rng: random.Random) -> Observation:
    """A reading that arrives now: most are new, some are hours late."""
    late = rng.choice([0, 0, 0, rng.randrange(10), rng.randrange(300)])
    seconds = (now() - NOON) / 1000 - 60 * late - rng.randrange(60)
    return observation(round(seconds), patient=UUID(int=1 + rng.randrange(5)), pulse=rng.randrange(50, 150))


async def sink() -> None:
    """Store readings, few at a time."""
    rng = random.Random()
    async with open_writer(URL, topic="icu.test") as writer:
        positions = await writer.positions() or {0: Position(0, "m")}
        await writer.begin(positions, other_logs=frozenset())
        print("ready", flush=True)
        for start in count(positions[0].next, 10):
            sent = [reading(rng) for _ in range(10)]
            deliveries = [delivery(each, offset=start + place) for place, each in enumerate(sent)]
            observed = [to_observed(each, each.patient_uuid.int) for each in sent]
            request = WriteRequest(observed, deliveries, [], [Move(0, start, Position(start + 10, "m"))])
            await writer.write(request, arrived=now())
            await anyio.sleep(0.01)  # else the naive oracle has too much to read


async def upkeep() -> None:
    """Roll up, a few minutes in each transaction."""
    upkeep = Upkeep(engine_of(URL), clock=partial(next, count(0, 0.01)), minutes=20)
    print("ready", flush=True)
    while True:
        await upkeep.roll_up(now())


async def keeper() -> None:
    """Roll up and delete, as the child does, without its long rests."""
    loop.LOOK_EVERY = 0.1
    print("ready", flush=True)
    await loop.look_after(
        database_url=URL,
        retention=Retention(raw="1h", minute="2h", hour="3h"),
        telemetry=Telemetry(CollectorRegistry()),
        # Ten minutes at once: it takes a step for each minute, and has no time for late hours if minutes fly by.
        now=lambda: now() // 600_000 * 600,
    )


anyio.run({"sink": sink, "upkeep": upkeep, "keeper": keeper}[ROLE])
