"""The supervisor: children in order, restarted as its strategy says, all stopped in reverse order."""

import math
from collections.abc import Callable, Iterable, Sequence
from random import random as _random
from typing import Final

import anyio
from anyio import TASK_STATUS_IGNORED, CancelScope, create_task_group
from anyio.abc import TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from icu.supervisor.child import Child
from icu.supervisor.errors import RestartIntensityError
from icu.supervisor.events import Announcer, AutoShutdownBegun, ChildRestarting, Escalated, Handler
from icu.supervisor.group import GroupStart
from icu.supervisor.intensity import DeathCounter, Intensity
from icu.supervisor.orders import Orders
from icu.supervisor.roster import Roster
from icu.supervisor.spec import AutoShutdown, ChildSpec, Restart, Strategy
from icu.supervisor.view import ChildView

_USUAL_INTENSITY: Final = Intensity()


class Supervisor:
    """Runs children as their specifications say.

    `run` is an actor itself, and may be called again after it has ended. As in OTP it stays up when no child is left,
    unless `auto_shutdown` says otherwise. With `stop_together` all children are told to stop at once, rather than one
    after the other, as those of OTP's simple_one_for_one. `on_event` is called with each event, on the event loop;
    `random` returns numbers from 0 to 1 for the back-off. ValueError for specifications that contradict each other.

    Orders (`start_child` and so on) raise KeyError for an id that there is not.
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
        self._strategy = strategy
        self._auto_shutdown = auto_shutdown
        self._intensity = intensity
        self._stop_together = stop_together
        self._announce = Announcer(on_event)
        self._roster = Roster(auto_shutdown, self._announce, random)
        for spec in specs:
            self._roster.admit(spec)
        self._group = GroupStart(self._roster, self._launch, stop_together=stop_together)
        self._orders = Orders(self._roster, self._group, self._launch)

    def view(self) -> tuple[ChildView, ...]:
        """All children in their order, as they are now. To be called on the event loop."""
        return self._roster.view()

    def as_child(self, child_id: str, *, restart: Restart = Restart.PERMANENT, shutdown: float = math.inf) -> ChildSpec:
        """This supervisor as a child of another one, which waits for it as long as its own children need to stop.

        Unless `shutdown` says for how long: `run` cannot end before children that ignore their cancellation.
        """
        return ChildSpec(
            id=child_id, start=self.run, restart=restart, shutdown=shutdown, start_timeout=math.inf, children=self.view
        )

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Start the children, say "started", keep them alive until cancelled; stop them whatever the reason to end.

        Each child waits until the one before it has started, or has failed with a transient error and, under
        one_for_one, is in back-off. Raises the error of a child's very first start if that is not transient (OTP: a
        failure of init), and RestartIntensityError when children die too often. A child that ignores its cancellation
        is reported after its grace, and the others are stopped; but `run` cannot end before it, since a task cannot be
        killed.
        """
        self._begin()
        with self._ends_in, self._ends:
            async with create_task_group() as self._lives:
                try:
                    await self._serve(task_status)
                finally:
                    self._orders.open = False
                    with CancelScope(shield=True):
                        await self._roster.stop(self._roster.specs, together=self._stop_together)
                    self._orders.release()
        if self._failure is not None:
            raise self._failure

    async def start_child(self, child_id: str) -> None:
        """Start a child that does not run. It has started, or is in back-off, when this returns.

        Raises the error of a start that cannot succeed: the child stays down. SupervisionError where the supervisor
        does not run, or no longer.
        """
        await self._orders.start(child_id)

    async def stop_child(self, child_id: str) -> None:
        """Stop a child, and keep it stopped until it is started."""
        await self._orders.stop(child_id)

    async def restart_child(self, child_id: str) -> None:
        """Stop a child and start it again, which counts as no death. Raises what `start_child` does."""
        await self._orders.restart(child_id)

    async def add_child(self, spec: ChildSpec) -> None:
        """Start a new child, behind all others. It is not added where this raises: ValueError, or as `start_child`."""
        await self._orders.add(spec)

    async def replace_child(self, spec: ChildSpec) -> None:
        """Stop the child of this id and start the new one in its place. Raises what `start_child` does."""
        await self._orders.replace(spec)

    async def remove_child(self, child_id: str) -> None:
        """Stop a child and forget it."""
        await self._orders.remove(child_id)

    def arrange(self, ids: Sequence[str]) -> None:
        """Let the children stand in this order, in which they are started, shown, and from its end stopped.

        Nobody is started or stopped for that. Those that are not named stand behind all others.
        """
        self._roster.arrange(ids)

    def _begin(self) -> None:
        self._roster.reset()
        self._deaths = DeathCounter(self._intensity)
        self._failure: BaseException | None = None
        # Never full: a child dies once before it is started again.
        streams = anyio.create_memory_object_stream[Child](math.inf)
        self._ends_in: MemoryObjectSendStream[Child] = streams[0]
        self._ends: MemoryObjectReceiveStream[Child] = streams[1]

    async def _serve(self, task_status: TaskStatus[None]) -> None:
        """Start all, then restart who dies, until cancelled or at an end; from then on nobody is started any more."""
        async with create_task_group() as self._duty:
            self._duty.start_soon(self._watch)
            self._group.begin(self._duty, self._roster.specs)
            self._up = self._group.over
            self._orders.open = True
            await self._up.wait()
            task_status.started()
            await anyio.sleep_forever()
        if self._failure is None and not self._up.is_set():
            # The end of a significant child came before the others had started: that is no failure to start.
            task_status.started()

    def _launch(self, child: Child) -> None:
        self._roster.lives[child.spec.id] = child
        self._lives.start_soon(self._live, child, name=child.spec.id)

    async def _live(self, child: Child) -> None:
        await child.live()
        if child.was_told:
            child.settled.set()
        else:
            self._ends_in.send_nowait(child)

    async def _watch(self) -> None:
        # One task decides about one death at a time. It also starts the next life, so that a life inherits no context
        # variables from the one before it.
        async for child in self._ends:
            if not child.was_told and self._roster.lives.get(child.spec.id) is child:
                self._decide(child)
            child.settled.set()

    def _decide(self, child: Child) -> None:
        """What becomes of a child that has ended, and of its siblings."""
        if child.first_failure is not None:
            # Later on it is for those to decide who ordered the start.
            if not self._up.is_set():
                self._give_up(child, child.first_failure)
        elif child.is_over:
            if self._ends_with(child):
                self._announce(AutoShutdownBegun(child.spec.id))
                self._duty.cancel_scope.cancel()
        else:
            deaths = self._deaths.add(anyio.current_time())
            if deaths <= self._intensity.restarts:
                self._revive(child)
            else:
                error = RestartIntensityError(child.spec.id, deaths, self._intensity.period, child.error)
                error.__cause__ = child.error
                self._give_up(child, error)

    def _revive(self, child: Child) -> None:
        delay = child.next_delay()
        if self._strategy is Strategy.ONE_FOR_ONE:
            self._launch(child.successor(delay))
        else:
            affected = self._strategy.affected(list(self._roster.specs), child.spec.id)
            self._group.begin(self._duty, affected, delay)
        self._announce(ChildRestarting(child.spec.id, delay, child.error))

    def _give_up(self, child: Child, error: Exception) -> None:
        self._failure = error
        self._announce(Escalated(child.spec.id, error))
        self._duty.cancel_scope.cancel()

    def _ends_with(self, child: Child) -> bool:
        """Whether the end of this child, which is not started again, is the end of the supervisor."""
        if not child.spec.significant or self._auto_shutdown is AutoShutdown.ANY_SIGNIFICANT:
            return child.spec.significant
        return all(self._roster.stays_down(spec.id) for spec in self._roster.specs.values() if spec.significant)
