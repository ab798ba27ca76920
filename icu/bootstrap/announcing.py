"""Reports of a role that runs alone, to the process that has started it and to the log."""

from collections.abc import Callable
from typing import Final

import anyio
from anyio.abc import TaskStatus
from loguru import logger

from icu.ops.notify import notify, notify_work_status
from icu.supervisor.spec import Start
from icu.supervisor.view import WorkStatus

# Seconds between two looks at the work status of a role that runs alone.
LOOK_EVERY: Final = 0.5


async def run_announced(actor: Start, work_status: Callable[[], WorkStatus], *, on_started: Callable[[], None]) -> None:
    """Run an actor, and notify the parent process of its start and of each change of its work status.

    Args:
        actor: The work of the role.
        work_status: Returns the current status of that work.
        on_started: Called when the actor has started and loaded all that it needs, before the parent is notified.
    """
    async with anyio.create_task_group() as group:
        group.start_soon(_report_work_status, work_status)
        # Awaited here, not in the group: a group takes a leaked cancellation for the end of a task.
        await actor(task_status=_Announcement(work_status, on_started))
        group.cancel_scope.cancel()


async def _report_work_status(work_status: Callable[[], WorkStatus]) -> None:
    reported = WorkStatus()
    while True:
        if work_status() != reported:
            reported = work_status()
            notify_work_status(*reported)
        await anyio.sleep(LOOK_EVERY)


class _Announcement(TaskStatus[str | None]):
    """Announcement that a role has started, with the address of its server: in the log, and to the parent process."""

    def __init__(self, work_status: Callable[[], WorkStatus], on_started: Callable[[], None]) -> None:
        self._work_status = work_status
        self._on_started = on_started

    def started(self, value: str | None = None) -> None:
        self._on_started()
        logger.info("serving on {}" if value else "started", value)
        # Before READY=1, after which the parent takes the work to be in order.
        notify_work_status(*self._work_status())
        notify(f"READY=1\nSTATUS={value}" if value else "READY=1")
