"""Process of a whole ward: supervised children, control socket and log."""

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import anyio
from loguru import logger

from icu.bootstrap.bedsides import Bedsides
from icu.bootstrap.children import build_ward
from icu.bootstrap.history import log_progress, progress_of
from icu.bootstrap.process import run, tune_interpreter
from icu.bootstrap.roles import ROLES
from icu.bootstrap.shared import Shared
from icu.config.settings import Settings
from icu.control.places import names_of, places
from icu.control.records import RecentRecords
from icu.control.server import serve
from icu.ops.notify import notify
from icu.ops.signals import Shutdown
from icu.supervisor.view import ChildView
from icu.ward.emulation import ORDERS as EMULATION_ORDERS
from icu.ward.events import ChildFigures, Restarts
from icu.ward.orders import ORDERS
from icu.ward.processes import Processes

Overview: TypeAlias = Callable[
    [Callable[[], Sequence[ChildView]], Bedsides, Callable[[], float]], Coroutine[Any, Any, None]
]


def run_supervisor(
    settings: Settings,
    *,
    config: Path | None = None,
    reread: Callable[[], Settings] | None = None,
    overview: Overview | None = None,
) -> None:
    """Run the ward until a stop request.

    Args:
        settings: Settings of the ward.
        config: File of the settings; None for the built-in ones.
        reread: Reads the settings anew, for the order `reload`.
        overview: Runs beside the ward. It gets functions that return the children and the progress of the patients'
            past, and the current readings.

    Raises:
        SupervisorRunsError: A supervisor runs on this database already.
        ReadingsLostError: The store was away until the end, and readings in memory are lost.
    """
    where, names = places(settings), names_of(config)
    records = RecentRecords()
    # Records are kept whole, and formatted by the clients: no text is needed here.
    logger.add(records, level=settings.log_level, format="{message}", backtrace=False, diagnose=False)

    async def fetch_children() -> Sequence[ChildView]:
        return ward.children.view()

    shared = Shared(settings, fetch_children=fetch_children, emulation=lambda: ward)
    shutdown = Shutdown()
    restarts = Restarts()
    processes = Processes()
    ward = build_ward(shared, processes, reread=reread, on_event=restarts, on_giving_up=shutdown.begin)
    shared.health.add("children", ward.children.unready)
    shared.health.add("children", ward.children.replaced, advisory=True)
    shared.registry.register(ChildFigures(ward.children.view, restarts))
    past = partial(progress_of, shared.patients)

    async def work() -> None:
        for child in settings.child:
            await ROLES[type(child)].check_start(child, shared)
        async with shared.open(), anyio.create_task_group() as group:
            if overview is not None:
                group.start_soon(overview, ward.children.view, Bedsides(shared.patients), past)
            # The control socket comes first: it finds out if another supervisor runs here, before a child starts.
            await group.start(partial(serve, ward, (*ORDERS, *EMULATION_ORDERS), records, where, names=names))
            await group.start(ward.children.root.run)
            notify("READY=1")
            group.start_soon(log_progress, past)
            tune_interpreter()

    run(work, shutdown, processes.own)
    shared.check_nothing_lost()
