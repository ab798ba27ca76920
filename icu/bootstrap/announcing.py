"""A role that runs alone, and what whoever started its process is told of it."""

from collections.abc import Callable
from typing import Final

import anyio
from anyio.abc import TaskStatus
from loguru import logger

from icu.ops.notify import notify, notify_condition
from icu.supervisor.spec import Start
from icu.supervisor.view import Condition

# Seconds between two looks whether a role that runs alone waits for something.
LOOK_EVERY: Final = 0.5


async def announced(actor: Start, condition: Callable[[], Condition], *, on_started: Callable[[], None]) -> None:
    """Run an actor, and tell whoever started this process that it has started, and how its work goes from then on.

    `on_started` is called first: by then the actor has loaded all that it needs.
    """
    async with anyio.create_task_group() as group:
        group.start_soon(_tell_condition, condition)
        # Awaited here, not in the group: a group takes a leaked cancellation for the end of a task.
        await actor(task_status=_Announcement(condition, on_started))
        group.cancel_scope.cancel()


async def _tell_condition(condition: Callable[[], Condition]) -> None:
    told = Condition()
    while True:
        if condition() != told:
            told = condition()
            notify_condition(*told)
        await anyio.sleep(LOOK_EVERY)


class _Announcement(TaskStatus[str | None]):
    """Tells people that a role that runs alone has started, and where it is served."""

    def __init__(self, condition: Callable[[], Condition], on_started: Callable[[], None]) -> None:
        self._condition = condition
        self._on_started = on_started

    def started(self, value: str | None = None) -> None:
        self._on_started()
        logger.info("serving on {}" if value else "started", value)
        # Before it is ready: whoever hears that takes it to work from then on.
        notify_condition(*self._condition())
        notify(f"READY=1\nSTATUS={value}" if value else "READY=1")
