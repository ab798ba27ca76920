"""Monitor role: serves the API."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from icu.bootstrap.faces import build_with_server, common_arguments
from icu.bootstrap.process import tune_interpreter
from icu.bootstrap.roles.base import Role
from icu.bootstrap.shared import Shared
from icu.config.settings import MonitorChild, News2
from icu.ops.signals import calling_on_stop
from icu.supervisor.spec import Start

if TYPE_CHECKING:
    from litestar import Litestar

    from icu.monitor.emulation import ScenarioEntry
    from icu.vitals.news2.inputs import MaxAges


def actor(child: MonitorChild, shared: Shared) -> Start:
    """Build the server of a monitor."""
    return partial(_serve, child, shared)


async def _serve(child: MonitorChild, shared: Shared, *, task_status: TaskStatus[str] = TASK_STATUS_IGNORED) -> None:
    (application, close_streams), serve = await build_with_server(partial(app, shared, child.host), shared)
    await serve(application, host=child.host, port=child.port, on_stopping=close_streams, task_status=task_status)


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
    from icu.monitor.ages import Ages
    from icu.monitor.app import create_app
    from icu.monitor.broadcast import Broadcast
    from icu.monitor.emulation import Scenarios
    from icu.monitor.freshness import Freshness
    from icu.store.commands.door import Door
    from icu.store.reader import Reader

    settings = shared.settings
    reader = Reader(settings.database.url)
    reader.check_location()
    live = Broadcast(reader)
    freshness = Freshness(reader)
    shared.health.add("database", reader.check)
    shared.health.add("heartbeat", freshness.trouble, advisory=True)
    application = create_app(
        reader=reader,
        ages=Ages(reader),
        broadcast=live,
        freshness=freshness,
        door=Door(settings.database.url),
        ward=settings.ward,
        fetch_children=shared.fetch_children,
        emulation=shared.emulation,
        scenarios=Scenarios(partial(_scenarios, shared)),
        max_ages=_max_ages(settings.news2),
        prefix=settings.api.prefix,
        **common_arguments(shared, host),
        lifespan=[lambda _: _under_foreign_server(live.close)] if foreign_server else (),
    )
    return application, live.close


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
    grace=3.0,  # for all neighbours together; after 2 s the server cuts open connections
    actor=actor,
    needs_transport=False,  # it reads the database alone
    stage="database",
    ready_with_ward=True,
)
