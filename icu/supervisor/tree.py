"""The supervisor: children in order, restarted as its strategy says, all stopped in reverse order."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from random import random as _random
from typing import Final, TypeAlias

import anyio
from anyio import TASK_STATUS_IGNORED, CancelScope, create_task_group
from anyio.abc import TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from icu.errors import RestartIntensityError, is_transient
from icu.supervisor.backoff import Backoff
from icu.supervisor.child import Child
from icu.supervisor.events import Announcer, AutoShutdownBegun, ChildRestarting, Escalated, Handler
from icu.supervisor.intensity import DeathCounter, Intensity
from icu.supervisor.spec import AutoShutdown, ChildSpec, Restart, Strategy
from icu.supervisor.view import ChildView

_USUAL_INTENSITY: Final = Intensity()

_End: TypeAlias = tuple[Child, BaseException | None]


class Supervisor:
    """Runs children as their specifications say.

    `run` is an actor itself, and may be called again after it has ended. As in OTP it stays up when no child is left,
    unless `auto_shutdown` says otherwise. With `stop_together` all children are told to stop at once, rather than one
    after the other, as those of OTP's simple_one_for_one. `on_event` is called with each event, on the event loop;
    `random` returns numbers from 0 to 1 for the back-off. ValueError for specifications that contradict each other.
    """

    def __init__(
        self,
        specs: Iterable[ChildSpec],
        *,
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        auto_shutdown: AutoShutdown = AutoShutdown.NEVER,
        intensity: Intensity = _USUAL_INTENSITY,
        stop_together: bool = False,
        on_event: Iterable[Handler] = (),
        random: Callable[[], float] = _random,
    ) -> None:
        given = tuple(specs)
        _refuse_duplicates(spec.id for spec in given)
        self._specs = {spec.id: spec for spec in given}
        self._strategy = strategy
        self._auto_shutdown = auto_shutdown
        self._stop_together = stop_together
        for spec in given:
            self._check(spec)
        self._intensity = intensity
        self._announce = Announcer(on_event)
        self._random = random
        self._children: dict[str, Child] = {}
        self._held: set[str] = set()
        self._orders = anyio.Lock()

    def view(self) -> tuple[ChildView, ...]:
        """All children in their order, as they are now. To be called on the event loop."""
        return tuple(
            self._children[name].view() if name in self._children else ChildView(id=name, children=spec.children())
            for name, spec in self._specs.items()
        )

    def as_child(self, child_id: str, *, restart: Restart = Restart.PERMANENT) -> ChildSpec:
        """This supervisor as a child of another one, which waits for it as long as its own children need to stop."""
        return ChildSpec(
            id=child_id, start=self.run, restart=restart, shutdown=math.inf, start_timeout=math.inf, children=self.view
        )

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Start the children, say "started", keep them alive until cancelled; stop them whatever the reason to end.

        Each child waits until the one before it has started, or has failed with a transient error and is in back-off.
        Raises the error of a child's very first start if that is not transient (OTP: a failure of init), and
        RestartIntensityError when children die too often. A child that ignores its cancellation is reported after
        its grace, and the others are stopped; but `run` cannot end before it, since a task cannot be killed.
        """
        self._begin()
        with self._ends_in, self._ends:
            async with create_task_group() as self._lives:
                try:
                    await self._serve(task_status)
                finally:
                    with CancelScope(shield=True):
                        await self._stop(list(self._children))
        if self._failure is not None:
            raise self._failure

    async def start_child(self, child_id: str) -> None:
        """Start a child that does not run. It has started, or is in back-off, when this returns. KeyError: unknown."""
        spec = self._specs[child_id]
        async with self._orders:
            self._held.discard(child_id)
            child = self._children.get(child_id)
            if child is None or child.has_ended:
                await self._begin_life(Child(spec, self._announce, Backoff(self._random)))

    async def stop_child(self, child_id: str) -> None:
        """Stop a child, and keep it stopped until it is started. KeyError: unknown."""
        self._specs[child_id]
        async with self._orders:
            self._held.add(child_id)
            if child_id in self._children:
                await self._children[child_id].stop()

    async def restart_child(self, child_id: str) -> None:
        """Stop a child and start it again, which counts as no death. KeyError: unknown."""
        await self.stop_child(child_id)
        await self.start_child(child_id)

    async def add_child(self, spec: ChildSpec) -> None:
        """Start a new child, behind all others. ValueError for an id that is taken."""
        _refuse_duplicates([*self._specs, spec.id])
        self._check(spec)
        self._specs[spec.id] = spec
        await self.start_child(spec.id)

    async def remove_child(self, child_id: str) -> None:
        """Stop a child and forget it. KeyError: unknown."""
        await self.stop_child(child_id)
        del self._specs[child_id]
        self._children.pop(child_id, None)
        self._held.discard(child_id)

    def _begin(self) -> None:
        self._children.clear()
        self._held.clear()
        self._deaths = DeathCounter(self._intensity)
        self._failure: Exception | None = None
        # Never full: a child dies once before it is started again.
        streams = anyio.create_memory_object_stream[_End](math.inf)
        self._ends_in: MemoryObjectSendStream[_End] = streams[0]
        self._ends: MemoryObjectReceiveStream[_End] = streams[1]
        self._regrouping = CancelScope()
        self._regrouped: Sequence[str] = ()
        self._up = anyio.Event()

    async def _serve(self, task_status: TaskStatus[None]) -> None:
        """Start all, then restart who dies, until cancelled or given up; from then on nobody is started any more."""
        async with create_task_group() as self._duty:
            self._duty.start_soon(self._watch)
            self._regroup(list(self._specs), delay=0.0)
            await self._up.wait()
            task_status.started()
            await anyio.sleep_forever()

    async def _stop(self, ids: Iterable[str]) -> None:
        children = [self._children[name] for name in reversed(list(ids)) if name in self._children]
        if not self._stop_together:
            for child in children:
                await child.stop()
            return
        async with create_task_group() as group:
            for child in children:
                group.start_soon(child.stop)

    def _launch(self, child: Child) -> None:
        self._children[child.spec.id] = child
        self._lives.start_soon(self._live, child, name=child.spec.id)

    async def _begin_life(self, child: Child) -> None:
        self._launch(child)
        await child.settled.wait()

    async def _live(self, child: Child) -> None:
        error = await child.live()
        self._ends_in.send_nowait((child, error))

    async def _watch(self) -> None:
        # One task decides about one death at a time. It also starts the next life, so that a life inherits no context
        # variables from the one before it.
        async for child, error in self._ends:
            if child.was_told or self._children.get(child.spec.id) is not child:
                child.settled.set()
                continue
            if not self._decide(child, error):
                return

    def _decide(self, child: Child, error: BaseException | None) -> bool:
        """What becomes of a child that ended, and of its siblings; false when the supervisor ends with it."""
        failure = self._reason_to_give_up(child, error)
        if failure is not None:
            self._failure = failure
            self._announce(Escalated(child.spec.id, failure))
        elif child.spec.restart.revives(error):
            self._revive(child)
            return True
        elif not self._ends_with(child):
            child.settled.set()
            return True
        self._duty.cancel_scope.cancel()
        return False

    def _revive(self, child: Child) -> None:
        delay = child.next_delay()
        if self._strategy is Strategy.ONE_FOR_ONE:
            self._launch(child.successor(delay))
            child.settled.set()
        else:
            affected = {*self._regrouped, *self._strategy.affected(list(self._specs), child.spec.id)}
            self._regroup([name for name in self._specs if name in affected], delay=delay)
        self._announce(ChildRestarting(child.spec.id, delay))

    def _regroup(self, ids: Sequence[str], *, delay: float) -> None:
        """Stop those of the children that run, and start all of them in order. Takes over from one under way."""
        self._regrouping.cancel()
        self._regrouping = CancelScope()
        self._regrouped = ids
        self._duty.start_soon(partial(self._start_in_order, ids, delay, self._regrouping))

    async def _start_in_order(self, ids: Sequence[str], delay: float, scope: CancelScope) -> None:
        with scope:
            await self._stop(ids)
            for name in ids:
                before = self._children.get(name)
                if name in self._held or (before is not None and not _may_begin_again(before)):
                    continue
                backoff = Backoff(self._random)
                child = before.successor(delay) if before else Child(self._specs[name], self._announce, backoff)
                delay = 0.0
                await self._begin_life(child)
            self._regrouped = ()
            self._up.set()

    def _reason_to_give_up(self, child: Child, error: BaseException | None) -> Exception | None:
        first_start = child.attempt == 1 and not child.has_started
        if first_start and isinstance(error, Exception) and not is_transient(error):
            return error
        if not child.spec.restart.revives(error):
            return None
        deaths = self._deaths.add(anyio.current_time())
        if deaths <= self._intensity.restarts:
            return None
        failure = RestartIntensityError(child.spec.id, deaths, self._intensity.period, error)
        failure.__cause__ = error
        return failure

    def _ends_with(self, child: Child) -> bool:
        """Whether the end of this child, which is not started again, is the end of the supervisor."""
        if not child.spec.significant:
            return False
        significant = [each for each in self._children.values() if each.spec.significant]
        if self._auto_shutdown is AutoShutdown.ALL_SIGNIFICANT and not all(each.has_ended for each in significant):
            return False
        self._announce(AutoShutdownBegun(child.spec.id))
        return True

    def _check(self, spec: ChildSpec) -> None:
        if not spec.significant:
            return
        if spec.restart is Restart.PERMANENT:
            raise ValueError(f"{spec.id} cannot be significant and permanent: it never ends")
        if self._auto_shutdown is AutoShutdown.NEVER:
            raise ValueError(f"{spec.id} cannot be significant where auto_shutdown is never")


def _may_begin_again(child: Child) -> bool:
    """Whether a sibling's death starts this child anew: not one that somebody has started already meanwhile."""
    return child.has_ended and child.spec.restart is not Restart.TEMPORARY


def _refuse_duplicates(ids: Iterable[str]) -> None:
    twice = [each for each, count in Counter(ids).items() if count > 1]
    if twice:
        raise ValueError(f"ids of children must differ, but these are given more than once: {', '.join(twice)}")
