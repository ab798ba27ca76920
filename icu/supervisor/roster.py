"""Who a supervisor's children are, in their order, and what is to become of each of them."""

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
    """The children of one supervisor: what they are, and the life that each has now."""

    def __init__(self, auto_shutdown: AutoShutdown, announce: Announcer, random: Callable[[], float]) -> None:
        self.specs: dict[str, ChildSpec] = {}
        self.lives: dict[str, Child] = {}
        # Those that somebody has stopped: only an order starts them again.
        self.held: set[str] = set()
        # Those that the start of a group has still to come to.
        self.due: set[str] = set()
        self._auto_shutdown = auto_shutdown
        self._announce = announce
        self._random = random
        # Weak, since a seat is needed as long as one of its lives: a child that was removed may still be there when
        # another one of its name comes.
        self._seats: WeakValueDictionary[str, Lock] = WeakValueDictionary()

    def admit(self, spec: ChildSpec) -> None:
        """Take a child in, behind all others. ValueError where that cannot be."""
        if spec.id in self.specs:
            raise ValueError(f"ids of children must differ, but more than one is called {spec.id}")
        self.check(spec)
        self.specs[spec.id] = spec

    def check(self, spec: ChildSpec) -> None:
        """ValueError for a child that this supervisor cannot have."""
        if spec.significant and self._auto_shutdown is AutoShutdown.NEVER:
            raise ValueError(f"{spec.id} cannot be significant where auto_shutdown is never")

    def replace(self, spec: ChildSpec) -> None:
        """Let a child that was told to stop be another one, in the same place."""
        self.specs[spec.id] = spec
        self.lives.pop(spec.id, None)

    def arrange(self, ids: Sequence[str]) -> None:
        """Let the children stand in this order; those that are not named, behind all others."""
        named = {name: self.specs[name] for name in ids if name in self.specs}
        self.specs = named | self.specs

    def forget(self, child_id: str) -> None:
        """Strike off a child that does not run, or was told to stop."""
        del self.specs[child_id]
        self.lives.pop(child_id, None)
        self.held.discard(child_id)
        self.due.discard(child_id)

    def reset(self) -> None:
        """Forget everything but what the children are, and whom somebody has stopped."""
        self.lives.clear()
        self.due.clear()

    def view(self) -> tuple[ChildView, ...]:
        """All children in their order, as they are now."""
        return tuple(self._view(name) for name in self.specs)

    def first_life(self, child_id: str, delay: float = 0.0) -> Child:
        """A life without a past."""
        seat = self._seats.setdefault(child_id, Lock())
        return Child(self.specs[child_id], self._announce, Backoff(self._random), seat, delay=delay)

    def next_life(self, child_id: str, delay: float) -> Child:
        """The life after the one there was, or the first one."""
        before = self.lives.get(child_id)
        return before.successor(delay) if before else self.first_life(child_id, delay)

    def will_start(self, child_id: str) -> bool:
        """Whether a group is about to start it: not where it is held, nor if it is temporary and has lived before."""
        had_its_life = child_id in self.lives and self.specs[child_id].restart is Restart.TEMPORARY
        return child_id in self.due and child_id not in self.held and not had_its_life

    def stays_down(self, child_id: str) -> bool:
        """Whether it neither runs nor will by itself."""
        child = self.lives.get(child_id)
        return (child is None or child.is_over) and not self.will_start(child_id)

    async def stop(self, ids: Iterable[str], *, together: bool) -> None:
        """Stop those of the children that run: the last one or the last stage first, or all together."""
        wanted = frozenset(ids)
        children = [self.lives[name] for name in reversed(self.specs) if name in wanted and name in self.lives]
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
