"""The supervisor: starts children in order, restarts them by its strategy, and stops them in reverse order."""

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
    """A supervisor of children.

    `run` is an actor itself, and may be called again after it has ended. As in OTP it stays up when no child is left,
    unless `auto_shutdown` says otherwise. Orders (`start_child` and so on) raise KeyError for an unknown id.
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
        """Prepare a supervisor.

        Args:
            specs: The children, in the order of their start.
            strategy: The children that are restarted when one dies.
            auto_shutdown: The ends of significant children that end the supervisor.
            intensity: The deaths after which the supervisor gives up.
            stop_together: Stop all children at once, as OTP's simple_one_for_one does, not one after the other.
            on_event: Called with each event, on the event loop.
            random: Numbers from 0 to 1, for the jitter of the back-off.

        Raises:
            ValueError: Specifications contradict each other.
        """
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
        """All children in their order, at this moment. To be called on the event loop."""
        return self._roster.view()

    def as_child(self, child_id: str, *, restart: Restart = Restart.PERMANENT, shutdown: float = math.inf) -> ChildSpec:
        """Specify this supervisor as a child of another one.

        Args:
            child_id: The id of this supervisor among the other one's children.
            restart: The ends after which the other one restarts it.
            shutdown: Seconds that the other one waits for its stop. By default as long as its own children need, since
                `run` cannot end before children that ignore their cancellation.
        """
        return ChildSpec(
            id=child_id, start=self.run, restart=restart, shutdown=shutdown, start_timeout=math.inf, children=self.view
        )

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Start the children, report "started", supervise them until cancelled, and stop them in any case.

        Each child waits until the one before it has started, or has failed with a transient error and, under
        one_for_one, is in back-off. A child that ignores its cancellation is reported after its grace, and the others
        are stopped; but `run` cannot end before it, since a task cannot be killed.

        Raises:
            Exception: The error of a child's very first start, if it is not transient (in OTP, a failure of init).
            RestartIntensityError: Children died too often.
        """
        self._begin()
        with self._ended_sender, self._ended_children:
            async with create_task_group() as self._child_tasks:
                try:
                    await self._supervise(task_status)
                finally:
                    self._orders.open = False
                    # Shielded, since this is where a cancellation of the supervisor arrives.
                    with CancelScope(shield=True):
                        await self._roster.stop(self._roster.specs, together=self._stop_together)
                    self._orders.release()
        if self._failure is not None:
            raise self._failure

    async def start_child(self, child_id: str) -> None:
        """Start a child that does not run, and wait until it has started or is in back-off.

        Raises:
            Exception: The error of its start, if it is not transient. The child stays down.
            SupervisionError: The supervisor does not run, or no longer.
        """
        await self._orders.start(child_id)

    async def stop_child(self, child_id: str) -> None:
        """Stop a child, and hold it until an order starts it."""
        await self._orders.stop(child_id)

    async def restart_child(self, child_id: str) -> None:
        """Stop a child and start it again, which does not count as a death. Raises what `start_child` does."""
        await self._orders.restart(child_id)

    async def add_child(self, spec: ChildSpec) -> None:
        """Add a child behind all others, and start it. If this raises, the child is not added.

        Raises:
            ValueError: Its id is taken, or the supervisor cannot have such a child.
            Exception: As `start_child`.
        """
        await self._orders.add(spec)

    async def replace_child(self, spec: ChildSpec) -> None:
        """Stop the child with this id, and start the new one in its place. Raises what `start_child` does."""
        await self._orders.replace(spec)

    async def remove_child(self, child_id: str) -> None:
        """Stop a child and forget it."""
        await self._orders.remove(child_id)

    def arrange(self, ids: Sequence[str]) -> None:
        """Change the order of the children: of their start, their display and, in reverse, their stop.

        No child is started or stopped. Children that are not named come last.
        """
        self._roster.arrange(ids)

    def _begin(self) -> None:
        self._roster.reset()
        self._deaths = DeathCounter(self._intensity)
        self._failure: BaseException | None = None
        # Never full: a child dies once before it is started again.
        streams = anyio.create_memory_object_stream[Child](math.inf)
        self._ended_sender: MemoryObjectSendStream[Child] = streams[0]
        self._ended_children: MemoryObjectReceiveStream[Child] = streams[1]

    async def _supervise(self, task_status: TaskStatus[None]) -> None:
        # When this group is cancelled, by an escalation too, no child is started any more.
        async with create_task_group() as self._supervising:
            self._supervising.start_soon(self._watch)
            self._group.begin(self._supervising, self._roster.specs)
            self._all_started = self._group.finished
            self._orders.open = True
            await self._all_started.wait()
            task_status.started()
            await anyio.sleep_forever()
        if self._failure is None and not self._all_started.is_set():
            # A significant child ended before the others had started: that is no failure to start.
            task_status.started()

    def _launch(self, child: Child) -> None:
        self._roster.lives[child.spec.id] = child
        self._child_tasks.start_soon(self._live, child, name=child.spec.id)

    async def _live(self, child: Child) -> None:
        await child.live()
        if child.stop_requested:
            child.start_decided.set()
        else:
            self._ended_sender.send_nowait(child)

    async def _watch(self) -> None:
        # One task handles one end at a time. It also starts the next life, so that a life inherits no context
        # variables from the one before it.
        async for child in self._ended_children:
            # Not if it was stopped or replaced while its end waited in the stream.
            if not child.stop_requested and self._roster.lives.get(child.spec.id) is child:
                self._on_child_end(child)
            child.start_decided.set()

    def _on_child_end(self, child: Child) -> None:
        """Restart an ended child, leave it down, or end the supervisor."""
        if child.first_failure is not None:
            # After the start of all, the order that started the child raises its error instead.
            if not self._all_started.is_set():
                self._give_up(child, child.first_failure)
        elif child.is_over:
            if self._ends_with(child):
                self._announce(AutoShutdownBegun(child.spec.id))
                self._supervising.cancel_scope.cancel()
        else:
            deaths = self._deaths.add(anyio.current_time())
            if deaths <= self._intensity.restarts:
                self._restart(child)
            else:
                error = RestartIntensityError(child.spec.id, deaths, self._intensity.period, child.error)
                error.__cause__ = child.error
                self._give_up(child, error)

    def _restart(self, child: Child) -> None:
        delay = child.next_delay()
        if self._strategy is Strategy.ONE_FOR_ONE:
            self._launch(child.successor(delay))
        else:
            affected = self._strategy.affected(list(self._roster.specs), child.spec.id)
            self._group.begin(self._supervising, affected, delay)
        self._announce(ChildRestarting(child.spec.id, delay, child.error))

    def _give_up(self, child: Child, error: Exception) -> None:
        self._failure = error
        self._announce(Escalated(child.spec.id, error))
        self._supervising.cancel_scope.cancel()

    def _ends_with(self, child: Child) -> bool:
        """Check if the final end of this child ends the supervisor, by `auto_shutdown`."""
        if not child.spec.significant or self._auto_shutdown is AutoShutdown.ANY_SIGNIFICANT:
            return child.spec.significant
        return all(self._roster.stays_down(spec.id) for spec in self._roster.specs.values() if spec.significant)
