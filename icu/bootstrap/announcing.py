"""A role that runs alone, and what whoever started its process is told of it."""

from collections.abc import Callable
from typing import Final

import anyio
from anyio.abc import TaskStatus
from loguru import logger

from icu.ops.notify import notify, notify_work_status
from icu.supervisor.spec import Start
from icu.supervisor.view import WorkStatus

# Seconds between two looks whether a role that runs alone waits for something.
LOOK_EVERY: Final = 0.5


async def run_announced(actor: Start, work_status: Callable[[], WorkStatus], *, on_started: Callable[[], None]) -> None:
    """Run an actor, and tell whoever started this process that it has started, and how its work goes from then on.

    `on_started` is called first: by then the actor has loaded all that it needs.
    """
    async with anyio.create_task_group() as group:
        group.start_soon(_report_work_status, work_status)
        # Awaited here, not in the group: a group takes a leaked cancellation for the end of a task.
        await actor(task_status=_Announcement(work_status, on_started))
        group.cancel_scope.cancel()


async def _report_work_status(work_status: Callable[[], WorkStatus]) -> None:
    told = WorkStatus()
    while True:
        if work_status() != told:
            told = work_status()
            notify_work_status(*told)
        await anyio.sleep(LOOK_EVERY)


class _Announcement(TaskStatus[str | None]):
    """Tells people that a role that runs alone has started, and where it is served."""

    def __init__(self, work_status: Callable[[], WorkStatus], on_started: Callable[[], None]) -> None:
        self._work_status = work_status
        self._on_started = on_started

    def started(self, value: str | None = None) -> None:
        self._on_started()
        logger.info("serving on {}" if value else "started", value)
        # Before it is ready: whoever hears that takes it to work from then on.
        notify_work_status(*self._work_status())
        notify(f"READY=1\nSTATUS={value}" if value else "READY=1")
