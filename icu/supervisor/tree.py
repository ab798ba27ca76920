"""The supervisor: children in order, each restarted alone (one for one), all stopped in reverse order."""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from random import random as _random
from typing import Final, TypeAlias

import anyio
from anyio import TASK_STATUS_IGNORED, CancelScope, create_task_group
from anyio.abc import TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from icu.errors import RestartIntensityError, is_transient
from icu.supervisor.backoff import Backoff
from icu.supervisor.child import Child, ChildView
from icu.supervisor.events import Announcer, ChildRestarting, Escalated, Handler
from icu.supervisor.intensity import DeathCounter, Intensity
from icu.supervisor.spec import ChildSpec

_USUAL_INTENSITY: Final = Intensity()

_End: TypeAlias = tuple[Child, BaseException | None]


class Supervisor:
    """Runs children as their specifications say.

    `run` is an actor itself, and may be called again after it has ended. As in OTP it stays up when no child is left.
    `on_event` is called with each event, on the event loop; `random` returns numbers from 0 to 1 for the back-off.
    """

    def __init__(
        self,
        specs: Iterable[ChildSpec],
        *,
        intensity: Intensity = _USUAL_INTENSITY,
        on_event: Iterable[Handler] = (),
        random: Callable[[], float] = _random,
    ) -> None:
        self._specs = tuple(specs)
        _refuse_duplicates(spec.id for spec in self._specs)
        self._intensity = intensity
        self._announce = Announcer(on_event)
        self._random = random
        self._children: dict[str, Child] = {}

    def view(self) -> tuple[ChildView, ...]:
        """All children in their order, as they are now. To be called on the event loop."""
        return tuple(
            self._children[spec.id].view() if spec.id in self._children else ChildView(id=spec.id)
            for spec in self._specs
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
                        await self._stop(self._children.values())
        if self._failure is not None:
            raise self._failure

    def _begin(self) -> None:
        self._children.clear()
        self._deaths = DeathCounter(self._intensity)
        self._failure: Exception | None = None
        # Never full: a child dies once before it is started again.
        streams = anyio.create_memory_object_stream[_End](math.inf)
        self._ends_in: MemoryObjectSendStream[_End] = streams[0]
        self._ends: MemoryObjectReceiveStream[_End] = streams[1]
        self._duty: CancelScope

    async def _serve(self, task_status: TaskStatus[None]) -> None:
        """Start all, then restart who dies, until cancelled or given up; from then on nobody is started any more."""
        async with create_task_group() as duty:
            self._duty = duty.cancel_scope
            duty.start_soon(self._watch)
            for spec in self._specs:
                child = Child(spec, self._announce, Backoff(self._random))
                self._launch(child)
                await child.settled.wait()
            task_status.started()
            await anyio.sleep_forever()

    async def _stop(self, children: Iterable[Child]) -> None:
        for child in reversed(tuple(children)):
            await child.stop()

    def _launch(self, child: Child) -> None:
        self._children[child.spec.id] = child
        self._lives.start_soon(self._live, child, name=child.spec.id)

    async def _live(self, child: Child) -> None:
        error = await child.live()
        self._ends_in.send_nowait((child, error))

    async def _watch(self) -> None:
        # One task decides about one death at a time. It also starts the next life, so that a life inherits no context
        # variables from the one before it.
        async for child, error in self._ends:
            failure = self._reason_to_give_up(child, error)
            if failure is not None:
                self._give_up(child, failure)
                return
            child.settled.set()
            if child.spec.restart.revives(error):
                await self._revive(child)

    async def _revive(self, child: Child) -> None:
        """One for one: only the dead child starts again. Other strategies differ in this method alone."""
        delay = child.next_delay()
        self._launch(child.successor(delay))
        self._announce(ChildRestarting(child.spec.id, delay))

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

    def _give_up(self, child: Child, failure: Exception) -> None:
        self._failure = failure
        self._announce(Escalated(child.spec.id, failure))
        self._duty.cancel()


def _refuse_duplicates(ids: Iterable[str]) -> None:
    twice = [each for each, count in Counter(ids).items() if count > 1]
    if twice:
        raise ValueError(f"ids of children must differ, but these are given more than once: {', '.join(twice)}")
