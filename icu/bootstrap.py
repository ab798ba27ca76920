"""The composition root: settings in, running roles out. The only file that knows every room.

Rooms are imported where their role starts: a process pays only for the roles that it runs.
"""

import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final, TypeAlias

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from loguru import logger
from msgspec.structs import replace
from prometheus_client import CollectorRegistry, Counter, Gauge, Info, PlatformCollector, ProcessCollector

from icu import __version__
from icu.config.load import child_id, load, packaged
from icu.config.settings import DEFAULT_PORT, MonitorChild, PatientChild, Settings, SinkChild
from icu.errors import ConfigurationError
from icu.messages import check_name, uuid_of_name
from icu.ops.health import Health
from icu.ops.logs import configure
from icu.ops.signals import until_told
from icu.supervisor.child import ChildView, State
from icu.supervisor.events import Event
from icu.supervisor.intensity import Intensity
from icu.supervisor.spec import ChildSpec, Restart
from icu.supervisor.tree import Supervisor
from icu.transports.base import Transport

if TYPE_CHECKING:
    from litestar import Litestar

    from icu.sink.telemetry import Telemetry

Overview: TypeAlias = Callable[[Callable[[], Sequence[ChildView]]], Awaitable[None]]

# busy_timeout (3 s) < the transaction's deadline (5 s) < the sink's grace: no transaction is ever cut.
SINK_GRACE: Final = 7.0
HTTP_GRACE: Final = 4.0
BED_GRACE: Final = 3.0


def run_supervisor(settings: Settings, overview: Overview | None = None) -> None:
    """Run the ward until told to stop; `overview` is awaited beside it with a callable that shows the children."""
    ward = _Ward(settings)
    specs = ward.specs()
    if not specs:
        raise ConfigurationError("no child is configured: write [[child]] tables in supervisor.toml")
    intensity = Intensity(settings.supervisor.restarts, settings.supervisor.period)
    supervisor = Supervisor(specs, intensity=intensity, on_event=[_log_event, _EventFigures(ward.registry)])
    ward.watch(supervisor)
    anyio.run(partial(until_told, partial(_supervise, ward, supervisor, overview)))


async def _supervise(ward: "_Ward", supervisor: Supervisor, overview: Overview | None) -> None:
    async with ward.open(), anyio.create_task_group() as group:
        if overview is not None:
            group.start_soon(overview, supervisor.view)
        await supervisor.run()
        group.cancel_scope.cancel()


def run_monitor(settings: Settings, *, host: str | None, port: int | None) -> None:
    """Run the monitor alone until told to stop."""
    child = next((each for each in settings.child if isinstance(each, MonitorChild)), MonitorChild())
    child = replace(child, host=host or child.host, port=port or DEFAULT_PORT)
    anyio.run(partial(until_told, partial(_Ward(settings).monitor, child, task_status=_Announced("monitor"))))


def upgrade_database(settings: Settings) -> str:
    """Bring the tables to this program's version; returns a sentence that says what was done."""
    from icu.store import schema  # noqa: PLC0415 - only where it is used
    from icu.store.database import sqlite_path  # noqa: PLC0415

    path = sqlite_path(settings.database.url)
    before = anyio.run(schema.upgrade, path)
    if before == schema.HEAD:
        return f"{path} is at version {schema.HEAD} already"
    return f"{path} was brought from version {before or 'none'} to {schema.HEAD}"


def create_app() -> "Litestar":
    """The monitor's application, for `litestar run` and any other ASGI server. Opens nothing yet."""
    settings = load()
    configure(level="DEBUG" if settings.debug else settings.log.level, form=settings.log.format)
    return _Ward(settings).monitor_app(foreign_server=True)[0]


class _Ward:
    """What the roles of one process share, and how each of them is built."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.health = Health()
        self.registry = _registry()
        self._launched = datetime.now(UTC)

    def specs(self) -> list[ChildSpec]:
        """The configured children, in the order of the file."""
        specs = [self._spec(child) for child in self.settings.child]
        if not specs:
            raise ConfigurationError("no child is configured: write [[child]] tables in supervisor.toml")
        return specs

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Hold the transport open, around the supervisor: a child's restart never closes it."""
        transport = self._transport
        try:
            yield
        finally:
            with CancelScope(shield=True):
                await transport.aclose()

    def watch(self, view: Callable[[], Sequence[ChildView]]) -> None:
        """Not ready while the sink or the monitor is down."""
        watched = {child_id(child) for child in self.settings.child if not isinstance(child, PatientChild)}

        async def check() -> str | None:
            down = [f"{each.id} is {each.state}" for each in view() if each.id in watched]
            return ", ".join(each for each in down if not each.endswith(State.RUNNING)) or None

        self.health.add("children", check)

    def _spec(self, child: AnyChild) -> ChildSpec:
        match child:
            case SinkChild():
                start, grace = partial(self._sink, child), SINK_GRACE
            case MonitorChild():
                start, grace = partial(self.monitor, child), HTTP_GRACE
            case PatientChild():
                start, grace = partial(self._patient, self._bed(child), child), BED_GRACE
        return ChildSpec(id=child_id(child), start=start, restart=Restart(child.restart), shutdown=grace)

    @cached_property
    def _transport(self) -> Transport:
        from icu.transports.memory import MemoryTransport  # noqa: PLC0415 - only where it is used

        chosen = self.settings.transport
        logger.info("a new in-memory log: readings that no sink has stored are lost if this process is killed")
        return MemoryTransport(topic=chosen.topic, partitions=chosen.partitions, capacity=chosen.capacity)
