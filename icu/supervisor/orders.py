"""Orders to a supervisor about single children."""

from collections.abc import Callable

import anyio

from icu.supervisor.child import Child
from icu.supervisor.errors import SupervisionError
from icu.supervisor.group import GroupStart
from icu.supervisor.roster import Roster
from icu.supervisor.spec import ChildSpec


class Orders:
    """The orders of a supervisor, carried out one after the other. The supervisor's own methods document them."""

    def __init__(self, roster: Roster, group: GroupStart, launch: Callable[[Child], None]) -> None:
        # True while children may be started.
        self.open = False
        self._roster = roster
        self._group = group
        self._launch = launch
        # Held while an order changes the roster, but not while it waits for a start: a start that hangs can be stopped.
        self._lock = anyio.Lock()

    async def start(self, child_id: str) -> None:
        async with self._lock:
            self._resume(child_id)
        await self._await_start(child_id)

    async def stop(self, child_id: str) -> None:
        async with self._lock:
            await self._hold(child_id)

    async def restart(self, child_id: str) -> None:
        async with self._lock:
            await self._hold(child_id)
            self._resume(child_id)
        await self._await_start(child_id)

    async def add(self, spec: ChildSpec) -> None:
        async with self._lock:
            self._check_open(spec.id)
            self._roster.admit(spec)
            if not self._group.finished.is_set():
                self._roster.pending.add(spec.id)  # the children before it have not started yet
            self._resume(spec.id)
        try:
            await self._await_start(spec.id)
        except Exception:
            if self._roster.stays_down(spec.id):
                self._roster.remove(spec.id)
            raise

    async def replace(self, spec: ChildSpec) -> None:
        self._roster.check(spec)
        async with self._lock:
            await self._hold(spec.id)
            self._roster.replace(spec)
            self._resume(spec.id)
        await self._await_start(spec.id)

    async def remove(self, child_id: str) -> None:
        async with self._lock:
            await self._hold(child_id)
            self._roster.remove(child_id)

    def release(self) -> None:
        """Wake all orders that wait for a start: the supervisor ends, and starts no child any more."""
        for child in self._roster.lives.values():
            child.start_decided.set()
        self._group.finished.set()

    def _resume(self, child_id: str) -> None:
        self._roster.check_known(child_id)
        self._roster.held.discard(child_id)
        self._check_open(child_id)
        if self._roster.stays_down(child_id):
            self._launch(self._roster.first_life(child_id))

    async def _hold(self, child_id: str) -> None:
        self._roster.check_known(child_id)
        self._roster.held.add(child_id)
        if child_id in self._roster.lives:
            await self._roster.lives[child_id].stop()

    async def _await_start(self, child_id: str) -> None:
        if self._roster.will_start(child_id):
            await self._group.finished.wait()
        child = self._roster.lives.get(child_id)
        if child is not None:
            await child.start_decided.wait()
            if child.first_failure is not None:
                self._roster.held.add(child_id)
                raise child.first_failure
        self._check_open(child_id)

    def _check_open(self, child_id: str) -> None:
        if not self.open:
            raise SupervisionError(f"{child_id} cannot be started: its supervisor does not run")
