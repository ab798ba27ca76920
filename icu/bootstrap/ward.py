"""What the roles of one process share, and how each of them is built.

Rooms are imported where their role is built: a process pays only for the roles that it runs.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import anyio
from anyio import TASK_STATUS_IGNORED, CancelScope, to_thread
from anyio.abc import TaskStatus
from prometheus_client import (
    CollectorRegistry,
    Gauge,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from icu import __version__
from icu.bootstrap.transport import make_transport
from icu.config.load import packaged
from icu.config.settings import AnyChild, MonitorChild, PatientChild, Settings, SinkChild
from icu.http.connections import Connections
from icu.http.health import Health
from icu.ops import descriptors
from icu.ops.signals import calling_on_stop
from icu.supervisor.spec import Start
from icu.supervisor.view import ChildView, Condition
from icu.transports.base import Transport
from icu.transports.errors import ReadingsLostError
from icu.ward import asking

if TYPE_CHECKING:
    from litestar import Litestar

    from icu.patient import telemetry as patient_telemetry
    from icu.patient.beds import Beds
    from icu.patient.scenarios import Scenario
    from icu.sink import telemetry as sink_telemetry

T = TypeVar("T")

Look: TypeAlias = Callable[[], Awaitable[Sequence[ChildView]]]


class Ward:
    """What the roles of one process share, and how each of them is built."""

    def __init__(self, settings: Settings, *, launch: datetime | None = None, look: Look | None = None) -> None:
        """`launch`: when the replay of a recording began, if that was in a process that is gone. `look` tells how the
        supervisor's children are; without it, the one that runs with these settings is asked."""
        self.settings = settings
        self._launch = launch
        self.health = Health()
        self.registry = _registry()
        self._look: Look = look or partial(asking.look, settings)
        self.beds: dict[str, Beds] = {}
        """The patients of each child that runs in this process at the moment, by its id."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Transport]:
        """Hold the transport open, around the supervisor: a child's restart never closes it."""
        transport = self._transport
        try:
            yield transport
        finally:
            with CancelScope(shield=True):
                await transport.aclose()

    def progress(self) -> float:
        """How far the patients are who began in the past: 1 when all have caught up with now."""
        now = datetime.now(UTC)
        return min((beds.progress(now) for beds in self.beds.values()), default=1.0)

    def check_nothing_lost(self) -> None:
        """ReadingsLostError if the process ends with readings that only it had."""
        if self._transport.unstored:
            raise ReadingsLostError(self._transport.unstored)

    async def monitor(self, child: MonitorChild, *, task_status: TaskStatus[str] = TASK_STATUS_IGNORED) -> None:
        """Serve the API."""
        (app, close_streams), serve = await to_thread.run_sync(self._built, partial(self.monitor_app, child.host))
        await serve(app, host=child.host, port=child.port, on_stopping=close_streams, task_status=task_status)

    def monitor_app(self, host: str, *, foreign_server: bool = False) -> "tuple[Litestar, Callable[[], None]]":
        """The monitor's application, and what ends its live streams.

        A foreign server waits for open streams when it is told to stop: the application ends them by itself then.
        """
        from icu.monitor import ages, app, broadcast
        from icu.store.database import sqlite_path
        from icu.store.files import check_kind
        from icu.store.reader import Reader

        check_kind(sqlite_path(self.settings.database.url))
        reader = Reader(self.settings.database.url)
        live = broadcast.Broadcast(reader)
        self.health.add("database", reader.check)
        application = app.create_app(
            reader=reader,
            ages=ages.Ages(reader),
            broadcast=live,
            fetch_children=self._look,
            prefix=self.settings.api.prefix,
            **self._common(host),
            lifespan=[lambda _: calling_on_stop(live.close)] if foreign_server else (),
        )
        return application, live.close

    def actor(self, child: AnyChild) -> Start:
        """What the child's role does, ready to be started."""
        match child:
            case SinkChild():
                return self._sink(child)
            case MonitorChild():
                return partial(self.monitor, child)
            case PatientChild():
                return self._patient(child)

    def condition(self, child: AnyChild) -> Callable[[], Condition]:
        """Tells how the child's work goes."""
        match child:
            case SinkChild():
                return lambda: Condition(
                    self._transport.trouble or self._sink_telemetry.trouble, self._transport.degraded
                )
            case PatientChild():
                return lambda: Condition(self._transport.sending_trouble, self._transport.sending_degraded)
            case MonitorChild():
                return Condition

    def _sink(self, child: SinkChild) -> Start:
        from icu.sink.consumer import Batching, consume

        telemetry = self._sink_telemetry
        transport = self._transport

        async def trouble() -> str | None:
            return telemetry.trouble

        self.health.add("sink", trouble)
        actor = partial(
            consume,
            transport=transport,
            database_url=self.settings.database.url,
            telemetry=telemetry,
            # A broker gathers records before it answers: to linger once more would only make them late.
            batching=Batching(linger=0) if transport.durable else Batching(),
        )
        if child.port is None:
            return actor
        return partial(self._with_face, actor, partial(self._sink_app, child.host), child.host, child.port)

    def _patient(self, child: PatientChild) -> Start:
        from icu.bootstrap.beds import beds_of
        from icu.patient.emulator import emulate
        from icu.transports.sending import SendBuffer

        telemetry = self._patient_telemetry
        beds = beds_of(
            child,
            self.scenarios,
            interval=self.settings.metrics_interval,
            telemetry=telemetry,
            launch=self._launch,
        )
        emulator = partial(
            emulate,
            bays=beds.bays,
            buffer=SendBuffer(),
            transport=self._transport,
            telemetry=telemetry,
            monotonic=time.monotonic,
        )
        actor = partial(self._occupied, emulator, str(child.id), beds)
        if child.port is None:
            return actor
        return partial(self._with_face, actor, partial(self._bedside_app, beds, child.host), child.host, child.port)

    async def _occupied(self, actor: Start, child_id: str, beds: "Beds", *, task_status: TaskStatus[None]) -> None:
        """Run an emulator whose beds are found as long as it runs: what is built for a change may never do so."""
        self.beds[child_id] = beds
        try:
            await actor(task_status=task_status)
        finally:
            if self.beds.get(child_id) is beds:  # not those of the one that has come in its place
                del self.beds[child_id]

    async def _with_face(
        self,
        actor: Start,
        build: "Callable[[], Litestar]",
        host: str,
        port: int,
        *,
        task_status: TaskStatus[str | None] = TASK_STATUS_IGNORED,
    ) -> None:
        """Run an actor with an HTTP face beside it; they live and die together."""
        app, serve = await to_thread.run_sync(self._built, build)
        async with anyio.create_task_group() as group:
            address = await group.start(partial(serve, app, host=host, port=port))
            # Awaited here, not in the group: a group takes a leaked cancellation for the end of a task.
            await actor(task_status=_Forwarded(task_status, address))
            group.cancel_scope.cancel()

    def _built(self, build: Callable[[], T]) -> tuple[T, "Callable[..., Coroutine[Any, Any, None]]"]:
        """An application, and what serves it. Not to be called on the loop: imports and building take half a second."""
        from icu.http.asgi import serve

        return build(), partial(serve, connections=self._connections)

    def _sink_app(self, host: str) -> "Litestar":
        from icu.http.face import face

        return face(
            title="ICU sink",
            description="Stores what the topic brings, each reading once. Its health and its figures.",
            handlers=[],
            **self._common(host),
        )

    def _bedside_app(self, beds: "Beds", host: str) -> "Litestar":
        from icu.patient.bedside import create_app

        return create_app(beds=beds, **self._common(host))

    def _common(self, host: str) -> dict[str, Any]:
        """What all HTTP faces are given. Where others are meant to reach one, it answers to any name."""
        from icu.http.hosts import is_loopback

        api = self.settings.api
        return {
            "version": __version__,
            "health": self.health,
            "registry": self.registry,
            "cors_origins": api.cors_origins,
            "hosts": api.hosts if is_loopback(host) else None,
        }

    @cached_property
    def _connections(self) -> Connections:
        return Connections.within(descriptors.limit())

    @cached_property
    def _transport(self) -> Transport:
        transport = make_transport(self.settings)

        async def trouble() -> str | None:
            return transport.degraded or transport.trouble

        self.health.add("transport", trouble)
        up = Gauge("icu_transport_up", "1 while all of the topic can be read and written", registry=self.registry)
        up.set_function(lambda: float(not (transport.degraded or transport.trouble)))
        return transport

    # Figures outlive the children: a counter that began anew with each restart would hide what went before.
    @cached_property
    def _sink_telemetry(self) -> "sink_telemetry.Telemetry":
        from icu.sink.telemetry import Telemetry

        return Telemetry(self.registry)

    @cached_property
    def _patient_telemetry(self) -> "patient_telemetry.Telemetry":
        from icu.patient.telemetry import Telemetry

        return Telemetry(self.registry)

    def check_scenario(self, name: str) -> None:
        """UnknownScenarioError where none has this name. Reads files where all patients are processes of their own."""
        from icu.patient.errors import UnknownScenarioError

        if name not in self.scenarios:
            raise UnknownScenarioError(name, list(self.scenarios))

    @cached_property
    def scenarios(self) -> "dict[str, Scenario]":
        """What may befall simulated patients, by name."""
        from icu.patient.scenarios import load_scenarios

        return load_scenarios(packaged("config", "scenarios"))


class _Forwarded(TaskStatus[None]):
    """Tells a supervisor that an actor has started, with the address of its face."""

    def __init__(self, status: TaskStatus[str | None], address: str) -> None:
        self._status = status
        self._address = address

    def started(self, value: None = None) -> None:  # noqa: ARG002 - the actor has nothing to say
        self._status.started(self._address)


def _registry() -> CollectorRegistry:
    disable_created_metrics()  # type: ignore[no-untyped-call] # a second figure for each, which nobody asked for
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    Info("icu_build", "This program", registry=registry).info({"version": __version__})
    return registry
