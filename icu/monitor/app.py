"""The monitor's application: routes, the watch of the database, and the shutdown of both."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields, replace
from typing import Final

import anyio
from litestar import Litestar
from litestar.openapi.spec import Tag

from icu.config.settings import Ward
from icu.emulation import Emulation
from icu.http.face import FaceContext, Lifespan, face
from icu.monitor.access.gate import WardGate
from icu.monitor.access.session import ROUTES as SESSION
from icu.monitor.access.shares import Exports, Streams
from icu.monitor.ages import Ages
from icu.monitor.alarms import ROUTES as ALARMS
from icu.monitor.beats import beat
from icu.monitor.broadcast import Broadcast
from icu.monitor.commands import ROUTES as COMMANDS
from icu.monitor.dead_letters import count_dead_letters, list_dead_letters
from icu.monitor.emulation import ROUTES as EMULATION
from icu.monitor.emulation import Scenarios
from icu.monitor.events import EventsPlugin
from icu.monitor.formats.description import HistoryPlugin
from icu.monitor.freshness import Freshness
from icu.monitor.latest import LatestReadings
from icu.monitor.metrics import latest_metrics, list_metrics
from icu.monitor.news2.route import news2
from icu.monitor.patients import list_patients
from icu.monitor.signs import list_signs
from icu.monitor.stream import stream
from icu.monitor.system import FetchChildren, list_children
from icu.monitor.ward import list_audit, ward_state
from icu.monitor.ward_history import ward_history
from icu.monitor.web.pages import pages
from icu.store.commands.door import Door
from icu.store.reader import Reader
from icu.vitals.news2.inputs import MaxAges

_DESCRIPTION: Final = (
    "Readings of intensive-care patients, as their bedside monitors sent them: stored once each, and served live. "
    "Begin with `GET /patients`, and go on with `GET /stream`. Not a medical device."
)

_TAGS: Final = [
    Tag(
        "patients", "Who lies in the ward, and their readings: the latest, of any span of time, and as they are stored"
    ),
    Tag(
        "alarms",
        "Alarms of now and before, their limits, and what people command",
    ),
    Tag("emulation", "True states of emulated patients, and their scenarios; 409 for all other patients"),
    Tag("access", "Who asks, and what they may do: `Authorization: Bearer KEY`, or the cookie of a log-in"),
    Tag("ward", "Its beds, whether it is watched, and the processes behind it"),
]


_HANDLERS: Final = [
    list_patients,
    list_metrics,
    latest_metrics,
    news2,
    ward_history,
    list_signs,
    stream,
    list_children,
    ward_state,
    list_audit,
    list_dead_letters,
    count_dead_letters,
    *ALARMS,
    *COMMANDS,
    *SESSION,
    *EMULATION,
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Parts of a monitor. Each is a dependency of handlers, by its name here."""

    # Run while the application does, and its keys closed at the end.
    gate: WardGate
    # Closed when the lifespan ends.
    reader: Reader
    # Run while the application does, as the next two.
    ages: Ages
    broadcast: Broadcast
    freshness: Freshness
    # For commands of people.
    door: Door
    # Name and places of the ward.
    ward: Ward
    # Source of the supervisor's children.
    fetch_children: FetchChildren
    # The emulated patients among all, and the scenarios that these can have.
    emulation: Emulation
    scenarios: Scenarios
    # Rule for the greatest ages of values that count for NEWS2.
    max_ages: MaxAges


def create_app(context: FaceContext, parts: Parts, *, prefix: str = "", lifespan: Sequence[Lifespan] = ()) -> Litestar:
    """Build the application. It opens nothing until its lifespan begins.

    Args:
        context: Parts that all faces of the process have in common; its gate is replaced.
        parts: Those of the monitor.
        prefix: Path below which all routes stand, behind a proxy.
        lifespan: Further context managers.
    """
    streams = Streams(parts.gate)
    return face(
        replace(context, gate=parts.gate),
        title="ICU monitor",
        description=_DESCRIPTION,
        tags=_TAGS,
        plugins=[EventsPlugin(), HistoryPlugin()],
        handlers=_HANDLERS,
        prefix=prefix,
        beside=pages(prefix),
        dependencies={
            **{each.name: getattr(parts, each.name) for each in fields(parts)},
            "streams": streams,
            "exports": Exports(),
            "latest_readings": LatestReadings(parts.reader, parts.broadcast, parts.max_ages),
        },
        lifespan=[lambda _: _watching(parts, streams), *lifespan],
    )


@asynccontextmanager
async def _watching(parts: Parts, streams: Streams) -> AsyncIterator[None]:
    try:
        async with anyio.create_task_group() as group:
            await group.start(parts.gate.run)
            group.start_soon(streams.run)
            group.start_soon(parts.broadcast.run)
            group.start_soon(parts.ages.run)
            group.start_soon(parts.freshness.run)
            group.start_soon(beat, parts.broadcast, parts.freshness)
            yield
            group.cancel_scope.cancel()
    finally:
        # Streams first: an open one could read from a closed reader.
        parts.broadcast.close()
        await parts.reader.aclose()
        await parts.gate.access.aclose()
