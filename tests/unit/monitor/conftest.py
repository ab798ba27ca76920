"""The monitor on a real port, over a real database that a real writer fills."""

import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from pathlib import Path

import anyio
import httpx
import pytest
from anyio import to_thread

from icu.config.settings import Settings, Supervision, Ward
from icu.control.errors import NoSupervisorError
from icu.emulation import Emulation
from icu.http.asgi import serve
from icu.http.connections import Connections
from icu.http.health import Health
from icu.monitor.ages import Ages
from icu.monitor.app import Parts, create_app
from icu.monitor.broadcast import Broadcast
from icu.monitor.emulation import Scenarios
from icu.monitor.freshness import Freshness
from icu.store.commands.door import Door
from icu.store.reader import Reader
from icu.supervisor.view import ChildView
from icu.vitals.news2.inputs import MaxAges
from icu.ward import asking
from icu.ward.emulation import RemoteEmulation
from tests.faces import context, open_gate
from tests.web import NO_TLS


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The database's URL."""
    return f"sqlite:///{tmp_path / 'icu.db'}"


@pytest.fixture
def children() -> list[ChildView]:
    """The supervisor's children; none unless a test adds some."""
    return []


@pytest.fixture
async def nobody() -> Emulation:
    """The emulated patients of a supervisor that does not run."""
    nowhere = Settings(supervisor=Supervision(socket=Path("no/such.sock")))
    return RemoteEmulation(partial(asking.send, nowhere))


@pytest.fixture
async def emulation(nobody: Emulation) -> Emulation:
    """The emulated patients: none. A test may override it."""
    return nobody


@pytest.fixture
def scenarios() -> Scenarios:
    """The scenarios that patients can have: none. A test may override it."""
    return Scenarios(list)


@pytest.fixture
def connections() -> Connections | None:
    """The limit of the monitor's connections; a test may override it."""
    return None


@pytest.fixture
def set_by() -> list[float]:
    """Seconds by which the wall clock is set; a test may add to them."""
    return []


@pytest.fixture
async def ages(url: str, set_by: list[float]) -> AsyncIterator[Ages]:
    """The monitor's ages, with a reader of their own."""
    async with aclosing(Reader(url)) as reader:
        yield Ages(reader, wall=lambda: time.time() + sum(set_by))


@pytest.fixture
async def watch(url: str) -> AsyncIterator[Freshness]:
    """The monitor's freshness, with a reader of its own."""
    async with aclosing(Reader(url)) as reader:
        yield Freshness(reader)


@pytest.fixture
async def monitor(
    url: str,
    children: list[ChildView],
    connections: Connections | None,
    ages: Ages,
    watch: Freshness,
    emulation: Emulation,
    scenarios: Scenarios,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a running monitor. The database may not exist: tests that need it ask for `writer` first."""
    reader = Reader(url)
    broadcast = Broadcast(reader)
    health = Health()
    health.add("database", reader.check)

    async def fetch_children() -> list[ChildView]:
        if not children:
            raise NoSupervisorError("nobody listens at x.sock")
        return children

    parts = Parts(
        gate=open_gate(url),
        reader=reader,
        ages=ages,
        broadcast=broadcast,
        freshness=watch,
        door=Door(url),
        ward=Ward("icu-2", 12),
        fetch_children=fetch_children,
        emulation=emulation,
        scenarios=scenarios,
        max_ages=MaxAges(),
    )
    build = partial(
        create_app,
        context(health=health, cors_origins=["https://ward.example"], hosts=["ward.example"]),
        parts,
        prefix="/api",
    )
    app = await to_thread.run_sync(build)
    async with anyio.create_task_group() as group:
        address = await group.start(
            partial(serve, app, host="127.0.0.1", port=0, on_stopping=broadcast.close, connections=connections),
        )
        async with httpx.AsyncClient(verify=NO_TLS, base_url=f"{address}/api", timeout=10) as client:
            yield client
        group.cancel_scope.cancel()
