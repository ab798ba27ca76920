"""What people tell a supervisor to do with single children."""

from collections.abc import Callable

import anyio

from icu.supervisor.child import Child
from icu.supervisor.errors import SupervisionError
from icu.supervisor.group import GroupStart
from icu.supervisor.roster import Roster
from icu.supervisor.spec import ChildSpec


class Orders:
    """Carries out one order after the other, but waits for starts outside of that: one that hangs can be stopped.

    `launch` lets a child live. What the orders promise stands with the methods of the supervisor.
    """

    def __init__(self, roster: Roster, group: GroupStart, launch: Callable[[Child], None]) -> None:
        # Whether children may be started.
        self.open = False
        self._roster = roster
        self._group = group
        self._launch = launch
        self._turn = anyio.Lock()

    async def start(self, child_id: str) -> None:
        """Start a child."""
        async with self._turn:
            self._resume(child_id)
        await self._see_started(child_id)

    async def stop(self, child_id: str) -> None:
        """Stop a child, and hold it."""
        async with self._turn:
            await self._hold(child_id)

    async def restart(self, child_id: str) -> None:
        """Stop a child and start it."""
        async with self._turn:
            await self._hold(child_id)
            self._resume(child_id)
        await self._see_started(child_id)

    async def add(self, spec: ChildSpec) -> None:
        """Start a new child."""
        async with self._turn:
            self._refuse_when_closed(spec.id)
            self._roster.admit(spec)
            if not self._group.over.is_set():
                self._roster.due.add(spec.id)  # those before it have not started yet
            self._resume(spec.id)
        try:
            await self._see_started(spec.id)
        except Exception:
            if self._roster.stays_down(spec.id):
                self._roster.forget(spec.id)
            raise

    async def replace(self, spec: ChildSpec) -> None:
        """Stop a child and start another one in its place."""
        self._roster.check(spec)
        async with self._turn:
            await self._hold(spec.id)
            self._roster.replace(spec)
            self._resume(spec.id)
        await self._see_started(spec.id)

    async def remove(self, child_id: str) -> None:
        """Stop a child and forget it."""
        async with self._turn:
            await self._hold(child_id)
            self._roster.forget(child_id)

    def release(self) -> None:
        """Let nobody wait for a start any longer: there are no more."""
        for child in self._roster.lives.values():
            child.settled.set()
        self._group.over.set()

    def _resume(self, child_id: str) -> None:
        self._roster.specs[child_id]
        self._roster.held.discard(child_id)
        self._refuse_when_closed(child_id)
        if self._roster.stays_down(child_id):
            self._launch(self._roster.first_life(child_id))

    async def _hold(self, child_id: str) -> None:
        self._roster.specs[child_id]
        self._roster.held.add(child_id)
        if child_id in self._roster.lives:
            await self._roster.lives[child_id].stop()

    async def _see_started(self, child_id: str) -> None:
        if self._roster.will_start(child_id):
            await self._group.over.wait()
        child = self._roster.lives.get(child_id)
        if child is not None:
            await child.settled.wait()
            if child.first_failure is not None:
                self._roster.held.add(child_id)
                raise child.first_failure
        self._refuse_when_closed(child_id)

    def _refuse_when_closed(self, child_id: str) -> None:
        if not self.open:
            raise SupervisionError(f"{child_id} cannot be started: its supervisor does not run")
