"""The composition root: settings in, running roles out. The only room that knows all the others."""

import gc
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

import anyio
from anyio.abc import TaskStatus
from loguru import logger
from msgspec.structs import replace

from icu.bootstrap.bedsides import Bedsides
from icu.bootstrap.children import supervised
from icu.bootstrap.history import newest, report
from icu.bootstrap.ward import Ward
from icu.bounds import check_name
from icu.config.load import load, with_ids
from icu.config.settings import AnyChild, MonitorChild, PatientChild, Settings, SinkChild
from icu.control.places import names_of, places
from icu.control.records import RecentRecords
from icu.control.server import serve
from icu.errors import IcuError
from icu.messages import uuid_of_name
from icu.ops.awake import AwakeLoop
from icu.ops.descriptors import raise_limit
from icu.ops.logs import configure, say
from icu.ops.notify import notify, notify_condition
from icu.ops.signals import Shutdown, until_stopped, watch_parent
from icu.patient.errors import RecordingError
from icu.supervisor.spec import Start
from icu.supervisor.view import ChildView, Condition
from icu.ward.asking import unready
from icu.ward.events import ChildFigures, Restarts
from icu.ward.orders import ORDERS
from icu.ward.processes import Processes
from icu.ward.remote import obeying_supervisor

if TYPE_CHECKING:
    from litestar import Litestar

LOOK_EVERY: Final = 0.5
"""Seconds between two looks whether a role that runs alone waits for something."""

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
    records = RecentRecords()
    logger.add(records, level=settings.log_level, format="{message}", backtrace=False, diagnose=False)

    async def look() -> Sequence[ChildView]:
        return tree.view()

    ward = Ward(settings, look=look)
    shutdown = Shutdown()
    restarts = Restarts()
    processes = Processes()
    tree = supervised(ward, processes, reread=reread, on_event=restarts, on_giving_up=shutdown.begin)
    ward.health.add("children", tree.unready)
    ward.registry.register(ChildFigures(tree.view, restarts))

    async def work() -> None:
        async with ward.open(), anyio.create_task_group() as group:
            if overview is not None:
                group.start_soon(overview, tree.view, Bedsides(ward.beds), ward.progress)
            await group.start(partial(serve, tree, ORDERS, records, where, names=names))
            await group.start(tree.root.run)
            notify("READY=1")
            group.start_soon(report, ward.progress)
            tune_the_interpreter()

    _run(work, shutdown, processes.own)
    ward.check_nothing_lost()


def tune_the_interpreter() -> None:
    """What was loaded stays, and rows are no garbage: to search both for cycles is a fifth of the sink's work."""
    gc.freeze()
    gc.set_threshold(20_000)
    # SQLite gives the interpreter away at each row: beside a busy loop a row would take Python's usual 5 ms.
    sys.setswitchinterval(0.000_5)


def run_monitor(settings: Settings, child: MonitorChild) -> None:
    """Run the monitor alone until told to stop. It needs no transport."""
    _run_monitor(Ward(replace(settings, child=(child,))), child)


def run_role(
    settings: Settings,
    child: SinkChild | PatientChild,
    *,
    require_broker: bool = False,
    launch: datetime | None = None,
    beside: Callable[[Ward], AbstractAsyncContextManager[None]] = lambda _: nullcontext(),
) -> None:
    """Run one end of the transport alone until told to stop. KafkaError where a required broker is away. `launch`: when
    the replay of its recording began, if that was in a process that is gone. `beside` is open as long as it runs."""
    ward = Ward(replace(settings, child=(child,)), launch=launch)
    actor = ward.actor(child)

    async def work() -> None:
        async with ward.open() as transport, beside(ward):
            if require_broker:
                await transport.check()
            tune_the_interpreter()
            await _announced(actor, ward.condition(child))

    _run(work)


def run_child(settings: Settings, launch: datetime | None) -> None:
    """Run the one child of these settings for its supervisor, which has started this process and may end it.

    `launch`: since when it runs this child, be it in one process or in several.
    """
    watch_parent()
    [child] = settings.child
    if isinstance(child, MonitorChild):
        ward = Ward(settings)
        ward.health.add("children", partial(unready, settings))
        _run_monitor(ward, child)
    elif isinstance(child, PatientChild):
        from icu.bootstrap.patients import LonePatients

        run_role(
            settings,
            child,
            launch=launch,
            beside=lambda ward: obeying_supervisor(LonePatients(ward.beds)),
        )
    else:
        run_role(settings, child, launch=launch)


def _run_monitor(ward: Ward, child: MonitorChild) -> None:
    _run(partial(_announced, partial(ward.monitor, child), ward.condition(child)))


def _run(
    work: Callable[[], Awaitable[None]],
    shutdown: Shutdown | None = None,
    is_ours: Callable[[int], bool] = lambda _: False,
) -> None:
    """Run what this process is for until it is told to stop, with as many open files as the system lets it have.

    `is_ours` tells by its number if a process was started by this one.
    """
    raise_limit()
    anyio.run(until_stopped, work, shutdown, is_ours, backend_options={"loop_factory": AwakeLoop})


async def _announced(actor: Start, condition: Callable[[], Condition]) -> None:
    """Run an actor, and tell whoever started this process that it has started, and how its work goes from then on."""
    async with anyio.create_task_group() as group:
        group.start_soon(_tell_condition, condition)
        # Awaited here, not in the group: a group takes a leaked cancellation for the end of a task.
        await actor(task_status=_Announcement(condition))
        group.cancel_scope.cancel()


async def _tell_condition(condition: Callable[[], Condition]) -> None:
    told = Condition()
    while True:
        if condition() != told:
            told = condition()
            notify_condition(*told)
        await anyio.sleep(LOOK_EVERY)


def upgrade_database(settings: Settings) -> str:
    """Bring the tables to this program's version; returns a sentence that says what was done."""
    from icu.store import schema
    from icu.store.database import sqlite_path

    path = sqlite_path(settings.database.url)
    before = anyio.run(schema.upgrade, path)
    if before == schema.HEAD:
        return f"{path} is at version {schema.HEAD} already"
    return f"{path} was brought from version {before or 'none'} to {schema.HEAD}"


def create_app() -> "Litestar":
    """The monitor's application, for `litestar run` and any other ASGI server. Opens nothing yet."""
    try:
        settings = load()
        configure(level=settings.log_level, form=settings.log.format)
        # Where that server listens is not known here: each request says over which address it came.
        return Ward(settings).monitor_app("localhost", foreign_server=True)[0]
    except IcuError as exc:
        # The server would show a traceback; this is the one line that the command line shows too.
        say(f"icu: {exc}")
        raise SystemExit(exc.exit_code) from exc


def with_recordings(
    settings: Settings, folder: Path, *, speed: float = 1.0, step: float = 3_600.0, start: datetime | None = None
) -> Settings:
    """The settings with a child for each recording of the folder in place of the configured patients."""
    from icu.patient.recordings import find_recordings

    others = [child for child in settings.child if not isinstance(child, PatientChild)]
    beds = [
        PatientChild(name=name, recording=path.absolute(), speed=speed, step=step, start=start)
        for name, path in _patients_of(find_recordings(folder))
    ]
    return replace(settings, child=with_ids((*others, *beds)))


def _patients_of(recordings: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Each recording with its patient's name, which is the file's: RecordingError where two files name one patient."""
    files: dict[UUID, Path] = {}
    for path in recordings:
        try:
            name = check_name(path.stem)
        except ValueError as exc:
            raise RecordingError(f"{path}: is named as its patient, and {exc}: rename it") from exc
        other = files.setdefault(uuid_of_name(name), path)
        if other != path:
            raise RecordingError(f"{other} and {path} are recordings of one patient, {name}: rename or remove one")
        yield name, path


def behind_what_is_stored(settings: Settings, start: datetime) -> datetime:
    """`start`, or the first moment behind the readings that the database holds, if that is later: a patient has one
    past. A database that cannot be read yet holds none."""
    last = anyio.run(partial(newest, settings.database.url, now=datetime.now(UTC)))
    if last is None or last < start:
        return start
    logger.info("the database holds readings up to {}: the history goes on from there", last.isoformat())
    return last + timedelta(seconds=settings.metrics_interval)


def with_history(settings: Settings, *, start: datetime | None = None, speed: float = 1.0) -> Settings:
    """The settings with simulated patients who begin at `start` and catch up with now, `speed` times as fast."""

    def begun(child: AnyChild) -> AnyChild:
        simulated = isinstance(child, PatientChild) and child.recording is None
        return replace(child, start=start, speed=speed) if simulated else child

    return replace(settings, child=tuple(map(begun, settings.child)))


def with_port(settings: Settings, port: int) -> Settings:
    """The settings with the monitor on another port."""
    return replace(
        settings,
        child=tuple(replace(each, port=port) if isinstance(each, MonitorChild) else each for each in settings.child),
    )


class _Announcement(TaskStatus[str | None]):
    """Tells people that a role that runs alone has started, and where it is served."""

    def __init__(self, condition: Callable[[], Condition]) -> None:
        self._condition = condition

    def started(self, value: str | None = None) -> None:
        logger.info("serving on {}" if value else "started", value)
        # Before it is ready: whoever hears that takes it to work from then on.
        notify_condition(*self._condition())
        notify(f"READY=1\nSTATUS={value}" if value else "READY=1")
