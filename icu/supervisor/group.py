"""The start of several children in their order: all at first, and later those that a strategy restarts together."""

from collections.abc import Callable, Iterable

import anyio
from anyio import CancelScope
from anyio.abc import TaskGroup

from icu.supervisor.child import Child
from icu.supervisor.roster import Roster


class GroupStart:
    """Stops the running children of a group, then starts the group one by one. There is one group at a time."""

    def __init__(self, roster: Roster, launch: Callable[[Child], None], *, stop_together: bool) -> None:
        # Set when no start is pending. Each group gets an event of its own.
        self.finished = anyio.Event()
        self._roster = roster
        self._launch = launch
        self._stop_together = stop_together
        self._scope: CancelScope | None = None

    def begin(self, tasks: TaskGroup, ids: Iterable[str], delay: float = 0.0) -> None:
        """Start these children, and the pending ones of the group before.

        Args:
            tasks: The task group that runs the starts.
            ids: The ids of the children, in any order.
            delay: Seconds of back-off of the first child.
        """
        if self._scope is not None:
            self._scope.cancel()
        self._scope = CancelScope()
        self._roster.pending.update(ids)
        if self.finished.is_set():
            self.finished = anyio.Event()
        tasks.start_soon(self._start, delay, self._scope)

    async def _start(self, delay: float, scope: CancelScope) -> None:
        with scope:
            await self._roster.stop(self._roster.pending, together=self._stop_together)
            # Looked up anew for each child: orders may add, remove or hold children meanwhile.
            while self._roster.pending:
                name = next(each for each in self._roster.specs if each in self._roster.pending)
                child = self._roster.next_life(name, delay) if self._roster.will_start(name) else None
                self._roster.pending.remove(name)
                if child is not None:
                    delay = 0.0
                    self._launch(child)
                    await child.start_decided.wait()
            self.finished.set()
