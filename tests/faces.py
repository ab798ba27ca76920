"""HTTP faces of a ward, built by its roles, on real ports, and their routes."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import httpx
from anyio import to_thread
from litestar import Litestar
from prometheus_client import CollectorRegistry

from icu.access.roles import Role
from icu.bootstrap.database import upgrade_database
from icu.bootstrap.roles import monitor, patient, sink
from icu.bootstrap.shared import Shared
from icu.config.api import Api
from icu.config.settings import Database, Settings
from icu.http.asgi import serve
from icu.http.face import FaceContext
from icu.http.gate import LocalGate
from icu.http.health import Health
from icu.messages import uuid_of_name
from icu.monitor.access.gate import Policy, WardGate
from icu.patient.patients import EmulatedPatients
from icu.store.access.keys import add_key
from icu.store.access.lookup import Access
from icu.store.commands.door import Author, Door
from tests.web import NO_TLS

# The origin that the settings list.
LISTED = "https://ward.example"
# An address of theirs that is not loopback.
OTHER = "192.168.1.5"


class Face(NamedTuple):
    """A served application, and a client of it."""

    app: Litestar
    client: httpx.AsyncClient

    def routes(self) -> Iterator[tuple[str, set[str]]]:
        """Return a path of each route, with its methods."""
        for route in self.app.routes:
            path = route.path_format.replace("{patient_uuid}", str(uuid_of_name("Anna")))
            path = path.replace("{alarm}", str(uuid_of_name("alarm")))
            yield path.replace("{file_path}", "swagger-ui.css"), set(route.methods)


def context(**more: Any) -> FaceContext:
    """Make the context of a face that stands alone."""
    given = {"version": "0", "health": Health(), "registry": CollectorRegistry(), **more}
    return FaceContext(**{"gate": LocalGate(bound_to_loopback=True), **given})


async def add_keys(url: str) -> dict[Role, str]:
    """Add a key of each role to a database that has tables, and return them."""
    door, author = Door(url), Author("test", "here")
    given = [role for role in Role if role is not Role.PUBLIC]
    return {role: (await add_key(door, role.value, role, author)).reveal() for role in given}


async def close_ward(monitor: Face, url: str) -> dict[Role, str]:
    """Add a key of each role to the database of a served monitor, which asks for one from now on, and return them."""
    await to_thread.run_sync(upgrade_database, Settings(database=Database(url)))
    keys = await add_keys(url)
    await monitor.app.dependencies["gate"].dependency()._decide()
    return keys


def with_key(key: str) -> dict[str, str]:
    """Return the header that carries a key."""
    return {"Authorization": f"Bearer {key}"}


def open_gate(url: str, **policy: Any) -> WardGate:
    """Make the gate of a monitor on loopback that has been found to have no keys, in a database that may be gone."""
    gate = WardGate(Access(url), Policy(**{"host": "127.0.0.1", "bound_to_loopback": True, **policy}))
    gate._open = True
    return gate


@asynccontextmanager
async def serving(build: Callable[[], Litestar], **how: Any) -> AsyncIterator[Face]:
    """Serve one face; it is built in another thread, since that reads files. `how` is for the server."""
    app = await to_thread.run_sync(build)
    async with anyio.create_task_group() as group:
        address = await group.start(partial(serve, app, host="127.0.0.1", port=0, **how))
        async with httpx.AsyncClient(verify=NO_TLS, base_url=address, timeout=10) as client:
            yield Face(app, client)
        group.cancel_scope.cancel()


@asynccontextmanager
async def serving_ward(
    folder: Path, *, one: EmulatedPatients, many: EmulatedPatients, host: str = "127.0.0.1", insecure: bool = False
) -> AsyncIterator[list[Face]]:
    """The faces of monitor, sink, a bed and several beds, built to listen on `host`."""
    settings = Settings(
        database=Database(f"sqlite:///{folder / 'icu.db'}"),
        api=Api(cors_origins=(LISTED,), hosts=(OTHER,), insecure=insecure),
    )
    ward = Shared(settings)
    beds = [partial(patient.app, each, ward, host) for each in (one, many)]
    async with AsyncExitStack() as stack:
        faces = [
            await stack.enter_async_context(serving(build))
            for build in (lambda: monitor.app(ward, host)[0], partial(sink.app, ward, host), *beds)
        ]
        # As if it had been found to have no keys: there is no database yet.
        faces[0].app.dependencies["gate"].dependency()._open = True
        yield faces
