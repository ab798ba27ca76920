"""Children with scripts, and supervisors that record their events."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio import TASK_STATUS_IGNORED, CancelScope
from anyio.abc import TaskGroup, TaskStatus

from icu.supervisor.events import ChildStarted, ChildStopped, Event
from icu.supervisor.intensity import Intensity
from icu.supervisor.spec import ChildSpec
from icu.supervisor.tree import Supervisor
from icu.supervisor.view import ChildView


class Actor:
    """A child that starts, and ends by the script of its lives; without a script it runs until cancelled.

    Each life takes `start` seconds until it says so, and `stop` seconds to end after a stop request.
    """

    def __init__(self, *lives: Callable[[], Awaitable[None]], start: float = 0, stop: float = 0) -> None:
        self._lives = lives
        self._start = start
        self._stop = stop
        self.starts = 0
        self.alive = 0
        self.most_alive = 0

    async def __call__(self, *, task_status: TaskStatus[Any] = TASK_STATUS_IGNORED) -> None:
        life = self._lives[self.starts] if self.starts < len(self._lives) else anyio.sleep_forever
        self.starts += 1
        self.alive += 1
        self.most_alive = max(self.most_alive, self.alive)
        try:
            await anyio.sleep(self._start)
            task_status.started()
            await life()
        except anyio.get_cancelled_exc_class():
            with CancelScope(shield=True):
                await anyio.sleep(self._stop)
            raise
        finally:
            self.alive -= 1


class Starter:
    """A child whose starts end by its script: an error is raised, anything else is a good start."""

    def __init__(self, *starts: BaseException | Callable[[], Awaitable[None]] | None) -> None:
        self._script = starts
        self.starts = 0

    async def __call__(self, *, task_status: TaskStatus[Any] = TASK_STATUS_IGNORED) -> None:
        how = self._script[self.starts] if self.starts < len(self._script) else None
        self.starts += 1
        await anyio.lowlevel.checkpoint()
        if isinstance(how, BaseException):
            raise how.with_traceback(None)  # or it would remember all the times that it was raised
        if how is not None:
            await how()
        task_status.started()
        await anyio.sleep_forever()


async def ends() -> None:
    """Run for a second, then return."""
    await anyio.sleep(1)


async def crashes() -> None:
    """Run for a second, then raise an error."""
    await anyio.sleep(1)
    raise RuntimeError("the child broke")


async def crash_at_once() -> None:
    """Raise an error directly after the start."""
    await anyio.lowlevel.checkpoint()
    raise RuntimeError("the child broke")


def crashes_after(seconds: float) -> Callable[[], Awaitable[None]]:
    """Make a life that raises an error after this number of seconds."""

    async def life() -> None:
        await anyio.sleep(seconds)
        raise RuntimeError("the child broke")

    return life


def ends_after(seconds: float) -> Callable[[], Awaitable[None]]:
    """Make a life that returns after this number of seconds."""

    async def life() -> None:
        await anyio.sleep(seconds)

    return life


async def stray_cancel() -> None:
    """Raise a cancellation without a request, as a library may."""
    with CancelScope() as scope:
        scope.cancel()
        try:
            await anyio.sleep(1)
        except anyio.get_cancelled_exc_class() as exc:
            leaked = exc
    raise leaked


class Ward:
    """A supervisor and all its events."""

    def __init__(self, supervisor: Supervisor, events: list[Event]) -> None:
        self.supervisor = supervisor
        self.events = events

    def events_of(self, kind: type[Any]) -> list[Any]:
        """Return the events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def ids(self, kind: type[Any]) -> str:
        """Return the ids of the events of one kind, in order, separated by spaces."""
        return " ".join(event.id for event in self.events_of(kind))

    def order(self) -> str:
        """Return starts (+) and stops (-), in order."""
        signs = {ChildStarted: "+", ChildStopped: "-"}
        return " ".join(f"{signs[type(event)]}{event.id}" for event in self.events if type(event) in signs)

    def child(self, child_id: str) -> ChildView:
        """Return the view of a child."""
        return next(each for each in self.supervisor.view() if each.id == child_id)

    def state(self, child_id: str) -> str:
        """Return the state of a child."""
        return str(self.child(child_id).state)

    def states(self) -> str:
        """Return the states of all children, in order, separated by spaces."""
        return " ".join(str(each.state) for each in self.supervisor.view())


def build(*specs: ChildSpec, intensity: Intensity | None = None, random: float = 1.0, **how: Any) -> Ward:
    """Make a supervisor that does not run yet; `random` is used by the back-off."""
    events: list[Event] = []
    chosen = intensity or Intensity()
    supervisor = Supervisor(specs, intensity=chosen, on_event=[events.append], random=lambda: random, **how)
    return Ward(supervisor, events)


@asynccontextmanager
async def running(*specs: ChildSpec, **how: Any) -> AsyncIterator[Ward]:
    """Run a supervisor until its children have started, and stop it at the end."""
    ward = build(*specs, **how)
    async with anyio.create_task_group() as group:
        await group.start(ward.supervisor.run)
        yield ward
        group.cancel_scope.cancel()


@asynccontextmanager
async def starting(*specs: ChildSpec, **how: Any) -> AsyncIterator[tuple[Ward, TaskGroup]]:
    """Run a supervisor whose children are about to start, with a task group; both are stopped at the end."""
    ward = build(*specs, **how)
    async with anyio.create_task_group() as group:
        group.start_soon(ward.supervisor.run)
        for _ in range(10):  # turns of the loop, enough to begin
            await anyio.lowlevel.checkpoint()
        yield ward, group
        group.cancel_scope.cancel()


def permanent(**actors: Actor | Starter) -> Iterable[ChildSpec]:
    """Make permanent children of these names."""
    return [ChildSpec(id=name, start=actor) for name, actor in actors.items()]
