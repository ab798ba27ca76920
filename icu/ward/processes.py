"""Children that are processes of their own: how one is started, and what becomes of what it says."""

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
from icu.supervisor.own_processes import OwnProcesses
from icu.supervisor.process import run_process
from icu.supervisor.view import WorkStatus
from icu.ward.remote import begin, place_in

_ORIGIN: Final = ("module", "function", "line")
_NOT_CONTEXT: Final = ("timestamp", "level", "message", "child", *_ORIGIN)
_ERRORS: Final = ("ERROR", "CRITICAL")

_decoder: Final = msgspec.json.Decoder(dict[str, Any])


class ProcessChild:
    """A child in a process of its own, with the settings that its supervisor runs with."""

    def __init__(self, child: AnyChild, settings: Settings, *, grace: float) -> None:
        self.id = str(child.id)
        self._settings_line = pack(replace(settings, child=(child,)))
        self._grace = grace
        self._watchdog = settings.supervisor.watchdog
        self._work_status = WorkStatus()
        self._launch: str | None = None
        self._orders: Place | None = None

    async def run(self, own_processes: OwnProcesses, *, task_status: TaskStatus[str]) -> None:
        """Be the process, from its start to its end."""
        self._work_status = WorkStatus()
        self._launch = self._launch or datetime.now(UTC).isoformat()
        try:
            await run_process(
                # Its id is for people who look at the processes. A recording goes on by its launch, not anew.
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
        """Begin a scenario for patients; those whom it does not befall, and why. None where no process listens."""
        return None if self._orders is None else await begin(self.id, self._orders, patients, scenario)

    def work_status(self) -> WorkStatus:
        """How the work of the process goes, as it said last."""
        return self._work_status

    def _ready(self, folder: Path) -> None:
        self._orders = place_in(folder)

    def _note(self, work_status: WorkStatus) -> None:
        self._work_status = work_status


class Processes:
    """The children in processes of their own, each found by its id as long as it runs: what is built for a change may
    never do so."""

    def __init__(self) -> None:
        self._running: dict[str, ProcessChild] = {}
        self._own_processes = OwnProcesses()

    def own(self, pid: int) -> bool:
        """Tell if the process of this number is one of them, or may be."""
        return pid in self._own_processes

    async def run(self, process: ProcessChild, *, task_status: TaskStatus[str]) -> None:
        """Be the process, from its start to its end."""
        self._running[process.id] = process
        try:
            await process.run(self._own_processes, task_status=task_status)
        finally:
            if self._running.get(process.id) is process:  # not the one that has come in its place
                del self._running[process.id]

    async def begin(self, child_id: str, patients: Sequence[UUID], scenario: str) -> dict[UUID, str] | None:
        """Begin a scenario for patients of a child; those whom it does not befall, and why. None where it does not
        run."""
        process = self._running.get(child_id)
        return None if process is None else await process.begin(patients, scenario)


def relay(child_id: str, line: str) -> str | None:
    """Log a line of a child process as our own record, with its level, its place and its context.

    Returns what of it may be why the process ends: an error, or what is no record.
    """
    log = logger.bind(child=child_id)
    try:
        record = _decoder.decode(line)
        said = msgspec.convert(record, _Record)
        level = logger.level(said.level).name
    except (msgspec.DecodeError, ValueError, RecursionError):  # a stack, or another program's words
        log.warning("{}", line)
        return line
    log.patch(partial(_take_over_origin, record)).log(level, "{}", said.message)
    return said.message if level in _ERRORS else None


class _Record(msgspec.Struct):
    """What makes a line a record."""

    level: str
    message: str


def _take_over_origin(theirs: Mapping[str, Any], ours: Any) -> None:  # noqa: ANN401 - a dictionary whose type loguru keeps to itself
    ours.update({name: theirs[name] for name in _ORIGIN if name in theirs})
    ours["extra"].update({name: value for name, value in theirs.items() if name not in _NOT_CONTEXT})
