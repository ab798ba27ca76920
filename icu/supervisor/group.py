"""The start of several children in their order: of all at first, later of those that a death takes with it."""

from collections.abc import Callable, Iterable

import anyio
from anyio import CancelScope
from anyio.abc import TaskGroup

from icu.supervisor.child import Child
from icu.supervisor.roster import Roster


class GroupStart:
    """Stops those of a group that run, then starts them one after the other. There is one group at a time."""

    def __init__(self, roster: Roster, launch: Callable[[Child], None], *, stop_together: bool) -> None:
        # Set when there is nobody left to start. The next group has another one.
        self.over = anyio.Event()
        self._roster = roster
        self._launch = launch
        self._stop_together = stop_together
        self._scope: CancelScope | None = None

    def begin(self, tasks: TaskGroup, ids: Iterable[str], delay: float = 0.0) -> None:
        """Start these, the first after `delay` seconds, and those that the group before has not come to."""
        if self._scope is not None:
            self._scope.cancel()
        self._scope = CancelScope()
        self._roster.due.update(ids)
        if self.over.is_set():
            self.over = anyio.Event()
        tasks.start_soon(self._start, delay, self._scope)

    async def _start(self, delay: float, scope: CancelScope) -> None:
        with scope:
            await self._roster.stop(self._roster.due, together=self._stop_together)
            while self._roster.due:
                name = next(each for each in self._roster.specs if each in self._roster.due)
                child = self._roster.next_life(name, delay) if self._roster.will_start(name) else None
                self._roster.due.remove(name)
                if child is not None:
                    delay = 0.0
                    self._launch(child)
                    await child.settled.wait()
            self.over.set()
