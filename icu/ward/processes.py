"""Children in processes of their own: their start, status, orders and log lines."""

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
from anyio.abc import TaskStatus
from loguru import logger
from msgspec.structs import replace

from icu.config.handover import pack
from icu.config.settings import AnyChild, Settings
from icu.control.places import Place
from icu.emulation import Emulation
from icu.supervisor.own_processes import OwnProcesses
from icu.supervisor.process import run_process
from icu.supervisor.view import WorkStatus
from icu.ward.emulation import RemoteEmulation
from icu.ward.remote import begin, place_in, send

_ORIGIN: Final = ("module", "function", "line")
# Fields of a log line that are no context of the record.
_NOT_CONTEXT: Final = ("timestamp", "level", "message", "child", *_ORIGIN)
# Levels of records that may be the reason for the end of a process.
_ERRORS: Final = ("ERROR", "CRITICAL")

_decoder: Final = msgspec.json.Decoder(dict[str, Any])


class ProcessChild:
    """A child in a process of its own, with the settings of its supervisor."""

    def __init__(self, child: AnyChild, settings: Settings, *, grace: float) -> None:
        """Prepare the process. Starts nothing yet.

        Args:
            child: Settings of the child.
            settings: Settings of the supervisor, which the process gets with this child alone.
            grace: Seconds that the process may take to stop before it is killed.
        """
        self.id = str(child.id)
        self._settings_line = pack(replace(settings, child=(child,)))
        self._grace = grace
        self._watchdog = settings.supervisor.watchdog
        self._work_status = WorkStatus()
        self._launch: str | None = None
        self._orders: Place | None = None

    async def run(self, own_processes: OwnProcesses, *, task_status: TaskStatus[str]) -> None:
        """Start the process and wait for its end. Several calls, one after the other, are several lives."""
        self._work_status = WorkStatus()
        # Kept for later lives: a recording goes on from the first launch, and does not begin anew.
        self._launch = self._launch or datetime.now(UTC).isoformat()
        try:
            await run_process(
                # The id stands there for people who look at the processes.
                [sys.executable, "-m", "icu", "run", "child", "--launch", self._launch, "--", self.id],
                settings_line=self._settings_line,
                grace=self._grace,
                watchdog=self._watchdog,
                on_line=partial(relay, self.id),
                on_work_status=self._note,
                on_ready=self._ready,
                environ=os.environ,
                own_processes=own_processes,
                task_status=task_status,
            )
        finally:
            self._orders = None

    async def begin(self, patients: Sequence[UUID], scenario: str) -> dict[UUID, str] | None:
        """Begin a scenario for patients.

        Returns:
            Reasons by the uuids of patients for whom it did not begin; None while the process takes no orders.
        """
        return None if self._orders is None else await begin(self.id, self._orders, patients, scenario)

    @property
    def emulation(self) -> Emulation | None:
        """The patients of the process; None while it takes no orders."""
        return None if self._orders is None else RemoteEmulation(partial(send, self.id, self._orders))

    def work_status(self) -> WorkStatus:
        """Return the last work status that the process has reported."""
        return self._work_status

    def _ready(self, folder: Path) -> None:
        self._orders = place_in(folder)

    def _note(self, work_status: WorkStatus) -> None:
        self._work_status = work_status


class Processes:
    """Registry of the running children in processes of their own, by id.

    A child is registered while it runs, not when it is built: one that is built for a change may never run.
    """

    def __init__(self) -> None:
        self._running: dict[str, ProcessChild] = {}
        self._own_processes = OwnProcesses()

    def own(self, pid: int) -> bool:
        """Tell if a pid is one of these processes, or may be."""
        return pid in self._own_processes

    async def run(self, process: ProcessChild, *, task_status: TaskStatus[str]) -> None:
        """Run a process, registered meanwhile."""
        self._running[process.id] = process
        try:
            await process.run(self._own_processes, task_status=task_status)
        finally:
            if self._running.get(process.id) is process:  # else a replacement is registered
                del self._running[process.id]

    async def begin(self, child_id: str, patients: Sequence[UUID], scenario: str) -> dict[UUID, str] | None:
        """Begin a scenario for patients of a child. Returns as `ProcessChild.begin`; None if the child does not run."""
        process = self._running.get(child_id)
        return None if process is None else await process.begin(patients, scenario)

    def emulation(self, child_id: str) -> Emulation | None:
        """Return the patients of a child; None while it does not run, or takes no orders."""
        process = self._running.get(child_id)
        return None if process is None else process.emulation


def relay(child_id: str, line: str) -> str | None:
    """Log a line of a child process as a record of this one, with its level, origin and context.

    Args:
        child_id: Id of the child.
        line: JSON record, or any other text.

    Returns:
        Text that may be the reason for the end of the process: an error, or a line that is no record. None for others.
    """
    log = logger.bind(child=child_id)
    try:
        record = _decoder.decode(line)
        said = msgspec.convert(record, _Record)
        level = logger.level(said.level).name
    except (msgspec.DecodeError, ValueError, RecursionError):  # a stack, or a line of another program
        log.warning("{}", line)
        return line
    log.patch(partial(_take_over_origin, record)).log(level, "{}", said.message)
    return said.message if level in _ERRORS else None


class _Record(msgspec.Struct):
    """Required fields of a record in a line."""

    level: str
    message: str


def _take_over_origin(theirs: Mapping[str, Any], ours: Any) -> None:  # noqa: ANN401 - a dictionary whose type loguru keeps to itself
    ours.update({name: theirs[name] for name in _ORIGIN if name in theirs})
    ours["extra"].update({name: value for name, value in theirs.items() if name not in _NOT_CONTEXT})
