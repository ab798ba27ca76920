"""Monitor role: serves the API."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from anyio import TASK_STATUS_IGNORED, to_thread
from anyio.abc import TaskStatus

from icu.bootstrap.faces import build_with_server, face_context
from icu.bootstrap.places import check_place
from icu.bootstrap.process import tune_interpreter
from icu.bootstrap.roles.base import Role
from icu.bootstrap.shared import Shared
from icu.config.settings import MonitorChild, News2, Settings
from icu.ops.signals import calling_on_stop
from icu.supervisor.spec import Start

if TYPE_CHECKING:
    from litestar import Litestar

    from icu.monitor.access.gate import WardGate
    from icu.monitor.app import Parts
    from icu.monitor.emulation import ScenarioEntry
    from icu.vitals.news2.inputs import MaxAges

# Name of its sessions at the database's server.
_NAME: Final = "icu-monitor"


def actor(child: MonitorChild, shared: Shared) -> Start:
    """Build the server of a monitor.

    Raises:
        ConfigurationError: Its place and its settings do not fit together.
    """
    check_place(shared.settings.api, child.host)
    return partial(_serve, child, shared)


async def _serve(child: MonitorChild, shared: Shared, *, task_status: TaskStatus[str] = TASK_STATUS_IGNORED) -> None:
    (application, close_streams), serve = await build_with_server(partial(app, shared, child.host), shared)
    api = shared.settings.api
    await serve(
        application,
        host=child.host,
        port=child.port,
        tls=api.tls_certificate and api.tls_key and (api.tls_certificate, api.tls_key),
        trusted_proxies=api.trusted_proxies,
        on_stopping=close_streams,
        task_status=task_status,
    )


async def check_keys(child: MonitorChild, shared: Shared) -> None:
    """Check that a monitor that others can reach has a key. One whose database is away waits for it, closed.

    Raises:
        ConfigurationError: There are no keys, or their file is wrong.
    """
    from icu.http.hosts import is_loopback
    from icu.monitor.access.errors import KeylessError
    from icu.store.errors import SchemaError, StoreError

    gate = await to_thread.run_sync(_gate, shared.settings, child.host)
    try:
        closed = gate.is_closed or (await gate.access.existing()).closed
    except SchemaError:  # no tables yet, or older ones: there is no key in them
        closed = False
    except StoreError:
        closed = True
    finally:
        await gate.access.aclose()
    if not (closed or is_loopback(child.host) or shared.settings.api.insecure):
        raise KeylessError(child.host)


def app(shared: Shared, host: str, *, foreign_server: bool = False) -> "tuple[Litestar, Callable[[], None]]":
    """Build the API.

    Args:
        shared: Parts of this process.
        host: Address on which it will be served.
        foreign_server: True for a server that is not ours. It waits for open streams when it stops, so the application
            ends them by itself.

    Returns:
        The application, and a function that ends its live streams.
    """
    from icu.monitor.app import create_app
    from icu.monitor.dead_letter_figures import DeadLetterGauge, counting

    parts = _parts(shared, host)
    close_streams = parts.broadcast.close
    dead_letters = shared.telemetry(DeadLetterGauge)
    shared.health.add("database", parts.reader.check)
    shared.health.add("heartbeat", parts.freshness.trouble, advisory=True)
    api = shared.settings.api
    application = create_app(
        replace(face_context(shared, host), hosts=api.hosts),
        parts,
        prefix=api.prefix,
        lifespan=[
            lambda _: counting(parts.reader, dead_letters),
            *([lambda _: _under_foreign_server(close_streams)] if foreign_server else []),
        ],
    )
    return application, close_streams


def _parts(shared: Shared, host: str) -> "Parts":
    from icu.monitor.ages import Ages
    from icu.monitor.app import Parts
    from icu.monitor.broadcast import Broadcast
    from icu.monitor.emulation import Scenarios
    from icu.monitor.freshness import Freshness
    from icu.store.commands.door import Door
    from icu.store.reader import Reader

    settings = shared.settings
    reader = Reader(settings.database.url, name=_NAME)
    reader.check_location()
    return Parts(
        gate=_gate(settings, host),
        reader=reader,
        ages=Ages(reader),
        broadcast=Broadcast(reader),
        freshness=Freshness(reader),
        door=Door(settings.database.url, name=_NAME),
        ward=settings.ward,
        fetch_children=shared.fetch_children,
        emulation=shared.emulation,
        scenarios=Scenarios(partial(_scenarios, shared)),
        max_ages=_max_ages(settings.news2),
    )


def _gate(settings: Settings, host: str) -> "WardGate":
    """Build the gate, with the keys of the file. Blocks."""
    from icu.access.roles import Role as AccessRole
    from icu.http.hosts import is_loopback
    from icu.monitor.access.credentials import Trust
    from icu.monitor.access.gate import Policy, WardGate
    from icu.store.access.lookup import Access

    api = settings.api
    header = api.trusted_header
    access = Access(settings.database.url, name=_NAME, keys_file=api.keys_file)
    access.load_file()
    policy = Policy(
        host=host,
        bound_to_loopback=is_loopback(host),
        insecure=api.insecure,
        require_tls=api.require_tls,
        origins=api.cors_origins,
        trust=None if header is None else Trust(header, AccessRole(api.trusted_role), api.trusted_role_header),
    )
    return WardGate(access, policy)


def _scenarios(shared: Shared) -> "Sequence[ScenarioEntry]":
    from icu.monitor.emulation import ScenarioEntry

    return [
        ScenarioEntry(each.id, each.title, each.note, [phase.name for phase in each.phase])
        for each in shared.scenarios.values()
    ]


def _max_ages(settings: News2) -> "MaxAges":
    from icu.vitals.news2.inputs import MaxAges

    return MaxAges(settings.max_age, settings.intervals, settings.pressure_max_age, settings.temperature_max_age)


@asynccontextmanager
async def _under_foreign_server(close_streams: Callable[[], None]) -> AsyncIterator[None]:
    """Do for another server what our own processes do beside theirs: tune the interpreter, end streams on a stop."""
    tune_interpreter()
    async with calling_on_stop(close_streams):
        yield


MONITOR: Final = Role(
    settings=MonitorChild,
    check_start=check_keys,
    grace=3.0,  # for all neighbours together; after 2 s the server cuts open connections
    actor=actor,
    needs_transport=False,  # it reads the database alone
    stage="database",
    ready_with_ward=True,
)
