"""Children that do as they are told, and supervisors that remember what they announced."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from icu.supervisor.events import Event
from icu.supervisor.intensity import Intensity
from icu.supervisor.spec import ChildSpec
from icu.supervisor.tree import Supervisor


class Actor:
    """A child: starts, says so, and ends as the script of its lives tells; without one it runs until cancelled."""

    def __init__(self, *lives: Callable[[], Awaitable[None]]) -> None:
        self._lives = lives
        self.starts = 0
        self.alive = 0

    async def __call__(self, *, task_status: TaskStatus[Any] = TASK_STATUS_IGNORED) -> None:
        life = self._lives[self.starts] if self.starts < len(self._lives) else anyio.sleep_forever
        self.starts += 1
        self.alive += 1
        try:
            task_status.started()
            await life()
        finally:
            self.alive -= 1


async def ends() -> None:
    """Runs for a second, then ends by itself."""
    await anyio.sleep(1)


async def crashes() -> None:
    """Runs for a second, then dies of an error."""
    await anyio.sleep(1)
    raise RuntimeError("the child broke")


async def crash_at_once() -> None:
    """Dies as soon as it has said that it has started."""
    await anyio.lowlevel.checkpoint()
    raise RuntimeError("the child broke")


class Ward:
    """A running supervisor and everything that it announced."""

    def __init__(self, supervisor: Supervisor, events: list[Event]) -> None:
        self.supervisor = supervisor
        self.events = events

    def told(self, kind: type[Any]) -> list[Any]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def state(self, child: str) -> str:
        """The state of a child now."""
        return next(str(each.state) for each in self.supervisor.view() if each.id == child)


def build(*specs: ChildSpec, intensity: Intensity | None = None, random: float = 1.0) -> Ward:
    """A supervisor that is not running yet; `random` is what the back-off draws."""
    events: list[Event] = []
    supervisor = Supervisor(specs, intensity=intensity or Intensity(), on_event=[events.append], random=lambda: random)
    return Ward(supervisor, events)


@asynccontextmanager
async def running(*specs: ChildSpec, **how: Any) -> AsyncIterator[Ward]:
    """A supervisor whose children have started; it is stopped at the end."""
    ward = build(*specs, **how)
    async with anyio.create_task_group() as group:
        await group.start(ward.supervisor.run)
        yield ward
        group.cancel_scope.cancel()
