"""What a process is for, from its start until it is told to stop: a ward, or one role."""

import gc
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import anyio
from loguru import logger
from msgspec.structs import replace

from icu.bootstrap.announcing import announced
from icu.bootstrap.bedsides import Bedsides
from icu.bootstrap.children import supervised
from icu.bootstrap.history import progress_of, report
from icu.bootstrap.roles import ROLES
from icu.bootstrap.shared import Shared
from icu.config.settings import AnyChild, Settings
from icu.control.places import names_of, places
from icu.control.records import Records
from icu.control.server import serve
from icu.ops.awake import AwakeLoop
from icu.ops.descriptors import raise_limit
from icu.ops.notify import notify
from icu.ops.signals import Ending, end_with_parent, until_told
from icu.supervisor.view import ChildView
from icu.ward.asking import unready
from icu.ward.events import ChildFigures, Restarts
from icu.ward.orders import ORDERS
from icu.ward.processes import Processes
from icu.ward.remote import obeying_supervisor

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
    """Run the ward until told to stop. SupervisorRunsError where one runs on the database already, ReadingsLostError
    where the store was away when it was told to stop.

    `config` is the file that they come from, if any. `reread` reads the settings anew when somebody asks for it.
    `overview` is awaited beside the ward with a callable that shows the children, the bedside monitors, and a callable
    that tells how far patients are who began in the past.
    """
    where, names = places(settings), names_of(config)
    records = Records()
    logger.add(records, level=settings.log_level, format="{message}", backtrace=False, diagnose=False)

    async def look() -> Sequence[ChildView]:
        return tree.view()

    shared = Shared(settings, look=look)
    ending = Ending()
    restarts = Restarts()
    processes = Processes()
    tree = supervised(shared, processes, reread=reread, on_event=restarts, on_giving_up=ending.begin)
    shared.health.add("children", tree.unready)
    shared.registry.register(ChildFigures(tree.view, restarts))
    past = partial(progress_of, shared.beds)

    async def work() -> None:
        async with shared.open(), anyio.create_task_group() as group:
            if overview is not None:
                group.start_soon(overview, tree.view, Bedsides(shared.beds), past)
            await group.start(partial(serve, tree, ORDERS, records, where, names=names))
            await group.start(tree.root.run)
            notify("READY=1")
            group.start_soon(report, past)
            tune_the_interpreter()

    _run(work, ending, processes.own)
    shared.check_nothing_lost()


def tune_the_interpreter() -> None:
    """What was loaded stays, and rows are no garbage: to search both for cycles is a fifth of the sink's work."""
    gc.freeze()
    gc.set_threshold(20_000)
    # SQLite gives the interpreter away at each row: beside a busy loop a row would take Python's usual 5 ms.
    sys.setswitchinterval(0.000_5)


def run_role(settings: Settings, child: AnyChild, *, require_broker: bool = False) -> None:
    """Run one role alone until told to stop. KafkaError where a required broker is away."""
    shared = Shared(replace(settings, child=(child,)))
    _run_alone(shared, child, require_broker=require_broker, beside=nullcontext())


def run_child(settings: Settings, launch: datetime | None) -> None:
    """Run the one child of these settings for its supervisor, which has started this process and may end it.

    `launch`: since when it runs this child, be it in one process or in several.
    """
    end_with_parent()
    [child] = settings.child
    role = ROLES[type(child)]
    shared = Shared(settings, launch=launch)
    if role.ready_with_ward:
        shared.health.add("children", partial(unready, settings))
    obeying = obeying_supervisor(role.obeys(shared)) if role.obeys else nullcontext()
    _run_alone(shared, child, require_broker=False, beside=obeying)


def _run_alone(
    shared: Shared, child: AnyChild, *, require_broker: bool, beside: AbstractAsyncContextManager[None]
) -> None:
    """Run the one child of this process. `beside` is open as long as it runs."""
    role = ROLES[type(child)]
    actor = role.actor(child, shared)

    async def work() -> None:
        async with shared.open() if role.needs_transport else nullcontext(), beside:
            if require_broker:
                await shared.transport.check()
            if role.needs_transport:
                tune_the_interpreter()
            await announced(actor, partial(role.condition, shared))

    _run(work)


def _run(
    work: Callable[[], Awaitable[None]],
    ending: Ending | None = None,
    is_ours: Callable[[int], bool] = lambda _: False,
) -> None:
    """Run what this process is for until it is told to stop, with as many open files as the system lets it have.

    `is_ours` tells by its number if a process was started by this one.
    """
    raise_limit()
    anyio.run(until_told, work, ending, is_ours, backend_options={"loop_factory": AwakeLoop})
