"""Parts that the roles of one process share."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from anyio import CancelScope
from prometheus_client import (
    CollectorRegistry,
    Gauge,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from icu import __version__
from icu.bootstrap.transport import make_alarms_transport, make_transport
from icu.config.load import packaged
from icu.config.settings import Settings
from icu.emulation import Emulation
from icu.http.connections import Connections
from icu.http.health import Health
from icu.ops import descriptors
from icu.supervisor.view import ChildView
from icu.transports.base import Transport
from icu.transports.errors import ReadingsLostError
from icu.ward import asking
from icu.ward.emulation import RemoteEmulation

if TYPE_CHECKING:
    from icu.patient.patients import EmulatedPatients
    from icu.patient.scenarios import Scenario

T = TypeVar("T")

FetchChildren: TypeAlias = Callable[[], Awaitable[Sequence[ChildView]]]


class Shared:
    """Parts that the roles of one process share. Those that only some roles need are made on first use."""

    def __init__(
        self,
        settings: Settings,
        *,
        launch: datetime | None = None,
        fetch_children: FetchChildren | None = None,
        emulation: Callable[[], Emulation] | None = None,
    ) -> None:
        """Begin with an empty registry. Nothing is opened yet.

        Args:
            settings: Settings of this process; `child` holds the children that run in it.
            launch: Time at which the replay of a recording began, if that was in an earlier process.
            fetch_children: Returns the supervisor's children. By default the supervisor that runs with these settings
                is asked over its socket.
            emulation: Returns the ward's emulated patients, once the ward is built. By default the same supervisor is
                asked for them.
        """
        self.settings = settings
        self.launch = launch
        self.fetch_children: FetchChildren = fetch_children or partial(asking.fetch_children, settings)
        self._emulation = emulation or partial(RemoteEmulation, partial(asking.send, settings))
        self.health = Health()
        self.registry = _registry()
        # Patients of the children that run in this process now, by the child's id.
        self.patients: dict[str, EmulatedPatients] = {}
        self._alarms: Transport | None = None
        self._telemetry: dict[Callable[[CollectorRegistry], Any], Any] = {}

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Close the transports at the end. Open them around the supervisor: a child's restart never closes them."""
        transport = self.transport
        try:
            yield
        finally:
            # A stop request has cancelled the scope around: without the shield closing would be cut at its first await.
            with CancelScope(shield=True):
                await transport.aclose()
                if self._alarms is not None:
                    await self._alarms.aclose()

    def check_nothing_lost(self) -> None:
        """Check that no readings are left in memory at the end of the process.

        Raises:
            ReadingsLostError: Some were never stored, and end with the process.
        """
        if self.transport.unstored:
            raise ReadingsLostError(self.transport.unstored)

    @cached_property
    def transport(self) -> Transport:
        """Transport of all children, with its health check and its gauge."""
        transport = make_transport(self.settings)

        async def trouble() -> str | None:
            return transport.degraded or transport.trouble

        self.health.add("transport", trouble)
        up = Gauge("icu_transport_up", "1 while all of the topic can be read and written", registry=self.registry)
        up.set_function(lambda: float(not (transport.degraded or transport.trouble)))
        return transport

    @property
    def alarms(self) -> Transport:
        """Transport of the topic of alarms, for the sink."""
        if self._alarms is None:
            self._alarms = make_alarms_transport(self.settings)
        return self._alarms

    def telemetry(self, kind: Callable[[CollectorRegistry], T]) -> T:
        """Return the metrics of a role, on the registry of this process.

        They outlive the children: a counter that began at 0 with each restart would hide the past.
        """
        if kind not in self._telemetry:
            self._telemetry[kind] = kind(self.registry)
        found: T = self._telemetry[kind]
        return found

    @cached_property
    def connections(self) -> Connections:
        """HTTP connections of all faces, within the limit of file descriptors."""
        return Connections.within(descriptors.limit())

    @property
    def emulation(self) -> Emulation:
        """The ward's emulated patients, wherever they run."""
        return self._emulation()

    @cached_property
    def scenarios(self) -> "dict[str, Scenario]":
        """Scenarios of simulated patients, by name."""
        from icu.patient.scenarios import load_scenarios

        return load_scenarios(packaged("config", "scenarios"))

    def check_scenario(self, name: str) -> None:
        """Check that there is a scenario of this name. The first call may read the scenarios' files.

        Raises:
            UnknownScenarioError: There is none.
        """
        from icu.patient.errors import UnknownScenarioError

        if name not in self.scenarios:
            raise UnknownScenarioError(name, list(self.scenarios))


def _registry() -> CollectorRegistry:
    disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each counter, of no use here
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    Info("icu_build", "This program", registry=registry).info({"version": __version__})
    return registry
