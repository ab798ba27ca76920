"""The children of one supervisor in their order, the current life of each, and its pending changes."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from weakref import WeakValueDictionary

from anyio import Lock, create_task_group

from icu.supervisor.backoff import Backoff
from icu.supervisor.child import Child
from icu.supervisor.events import Announcer
from icu.supervisor.spec import AutoShutdown, ChildSpec, Restart
from icu.supervisor.view import ChildState, ChildView


class Roster:
    """The specifications and the current lives of a supervisor's children, by id."""

    def __init__(self, auto_shutdown: AutoShutdown, announce: Announcer, random: Callable[[], float]) -> None:
        self.specs: dict[str, ChildSpec] = {}
        self.lives: dict[str, Child] = {}
        # Children that an order has stopped: only an order starts them again.
        self.held: set[str] = set()
        # Children that the current group has not started yet.
        self.pending: set[str] = set()
        self._auto_shutdown = auto_shutdown
        self._announce = announce
        self._random = random
        # Weak, since a lock is needed as long as one of its lives: the last life of a removed child may still run when
        # a new child gets its id.
        self._running_locks: WeakValueDictionary[str, Lock] = WeakValueDictionary()

    def admit(self, spec: ChildSpec) -> None:
        """Add a child behind all others.

        Raises:
            ValueError: Its id is taken, or this supervisor cannot have such a child.
        """
        if spec.id in self.specs:
            raise ValueError(f"ids of children must differ, but more than one is called {spec.id}")
        self.check(spec)
        self.specs[spec.id] = spec

    def check(self, spec: ChildSpec) -> None:
        """Refuse a child that this supervisor cannot have, by ValueError."""
        if spec.significant and self._auto_shutdown is AutoShutdown.NEVER:
            raise ValueError(f"{spec.id} cannot be significant where auto_shutdown is never")

    def check_known(self, child_id: str) -> None:
        """Refuse an unknown id, by KeyError."""
        if child_id not in self.specs:
            raise KeyError(child_id)

    def replace(self, spec: ChildSpec) -> None:
        """Put a new child in the place of the one with its id, which was stopped."""
        self.specs[spec.id] = spec
        self.lives.pop(spec.id, None)

    def arrange(self, ids: Sequence[str]) -> None:
        """Put the children in this order, and those that are not named behind all others."""
        named = {name: self.specs[name] for name in ids if name in self.specs}
        self.specs = named | self.specs

    def remove(self, child_id: str) -> None:
        """Remove a child that does not run, or was asked to stop."""
        del self.specs[child_id]
        self.lives.pop(child_id, None)
        self.held.discard(child_id)
        self.pending.discard(child_id)

    def reset(self) -> None:
        """Forget all lives and pending starts. Specifications and held children stay."""
        self.lives.clear()
        self.pending.clear()

    def view(self) -> tuple[ChildView, ...]:
        """All children in their order, at this moment."""
        return tuple(self._view(name) for name in self.specs)

    def first_life(self, child_id: str, delay: float = 0.0) -> Child:
        """Prepare a first life, without the back-off and the errors of earlier ones."""
        lock = self._running_locks.setdefault(child_id, Lock())
        return Child(self.specs[child_id], self._announce, Backoff(self._random), lock, delay=delay)

    def next_life(self, child_id: str, delay: float) -> Child:
        """Prepare the life after the current one, or the first one."""
        before = self.lives.get(child_id)
        return before.successor(delay) if before else self.first_life(child_id, delay)

    def will_start(self, child_id: str) -> bool:
        """Check if the current group will start the child.

        It skips children that an order has stopped, and temporary children that have lived before.
        """
        had_its_life = child_id in self.lives and self.specs[child_id].restart is Restart.TEMPORARY
        return child_id in self.pending and child_id not in self.held and not had_its_life

    def stays_down(self, child_id: str) -> bool:
        """Check that the child neither runs nor will be started by this supervisor."""
        child = self.lives.get(child_id)
        return (child is None or child.is_over) and not self.will_start(child_id)

    async def stop(self, ids: Iterable[str], *, together: bool) -> None:
        """Stop the running ones of these children: the last one or the last stage first, or all `together`."""
        wanted = frozenset(ids)
        children = [self.lives[name] for name in reversed(self.specs) if name in wanted and name in self.lives]
        # A child without a stage is a stage of its own.
        stages = groupby(children, key=lambda child: together or child.spec.stage or child)
        for stage in [list(members) for _, members in stages]:
            async with create_task_group() as group:
                for child in stage:
                    group.start_soon(child.stop)

    def _view(self, child_id: str) -> ChildView:
        child = self.lives.get(child_id)
        if child is not None:
            return child.view()
        state = ChildState.STOPPED if child_id in self.held else ChildState.PENDING
        return ChildView(id=child_id, state=state, children=self.specs[child_id].children())
