"""One life of a child, from its start to its end, however it ends."""

from collections.abc import Callable

import anyio
from anyio import CancelScope, Lock
from anyio.abc import TaskStatus

from icu.errors import is_transient
from icu.supervisor.backoff import Backoff
from icu.supervisor.errors import ChildEndedEarlyError, ChildStartTimeoutError, StrayCancellationError
from icu.supervisor.events import (
    Announcer,
    ChildAbandoned,
    ChildExited,
    ChildFailed,
    ChildStarted,
    ChildStopped,
)
from icu.supervisor.spec import BRUTAL_KILL, ChildSpec
from icu.supervisor.view import ChildState, ChildView, Condition


class Child:
    """One life of a child. The next life is its `successor`.

    All lives of a child share one `seat`, which each holds while it runs: there are never two of them at once, though
    one may go on after it was told to stop.
    """

    def __init__(self, spec: ChildSpec, announce: Announcer, backoff: Backoff, seat: Lock, *, delay: float) -> None:
        self.spec = spec
        self.attempt = 1
        # What this life died of; None while it runs, and where it ended by itself or because it was told to.
        self.error: BaseException | None = None
        # Set once it has started, or will not do so in this life.
        self.settled = anyio.Event()
        self._announce = announce
        self._backoff = backoff
        self._seat = seat
        self._delay = delay
        self._state = ChildState.BACKOFF if delay else ChildState.STARTING
        # Shielded: children are stopped one by one, not all at once when their supervisor is cancelled.
        self._scope = CancelScope(shield=True)
        self._told_at: float | None = None
        self._abandoned = False
        self._ended = anyio.Event()
        self._started = anyio.Event()
        self._started_at: float | None = None
        self._start_timed_out = False
        self._detail: str | None = None
        self._last_error: BaseException | None = None

    @property
    def was_told(self) -> bool:
        """Whether it was told to stop."""
        return self._told_at is not None

    @property
    def first_failure(self) -> Exception | None:
        """The error of its very first start, if that is one that time does not mend."""
        if self.attempt > 1 or self._started_at is not None or not isinstance(self.error, Exception):
            return None
        return None if is_transient(self.error) else self.error

    @property
    def is_over(self) -> bool:
        """Whether it was told to stop, or has ended and is not started again for that."""
        if self.was_told:
            return True
        revives = self.first_failure is None and self.spec.restart.revives(self.error)
        return self._ended.is_set() and not revives

    @property
    def uptime(self) -> float:
        """Seconds since it said "started"."""
        return 0.0 if self._started_at is None else anyio.current_time() - self._started_at

    def view(self) -> ChildView:
        """How it is now."""
        error = self._last_error
        running = self._state is ChildState.RUNNING
        condition = self.spec.condition() if running else Condition()
        return ChildView(
            id=self.spec.id,
            state=self._shown(condition) if running else self._state,
            restarts=self.attempt - 1,
            uptime=self.uptime if running else 0.0,
            detail=condition.degraded or condition.trouble or self._detail,
            last_error=None if error is None else f"{type(error).__name__}: {error}",
            children=self.spec.children(),
        )

    def next_delay(self) -> float:
        """Seconds to wait before the next life."""
        return self._backoff.next(self.uptime)

    def successor(self, delay: float) -> "Child":
        """The next life, which begins after `delay` seconds."""
        child = Child(self.spec, self._announce, self._backoff, self._seat, delay=delay)
        child.attempt = self.attempt + 1
        child._last_error = self._last_error
        return child

    async def live(self) -> None:
        """Run to the end."""
        error: BaseException | None = None
        try:
            with self._scope:
                await anyio.sleep(self._delay)
                self._state = ChildState.STARTING
                await self._run()
        except BaseException as exc:  # noqa: BLE001 - SystemExit and groups of anything kill the child, never us
            error = self._death(_alone(exc))
        self._conclude(error)

    async def stop(self) -> None:
        """Cancel it, and wait for its end as long as its grace lasts, which begins when it is first told.

        One that has ended counts as told from then on: whoever stops it wants it down.
        """
        if self._told_at is None:
            self._told_at = anyio.current_time()
        if self._ended.is_set():
            return
        self._state = ChildState.STOPPING
        self._scope.cancel()
        with CancelScope(deadline=self._told_at + self.spec.shutdown):
            await self._ended.wait()
        if not (self._ended.is_set() or self._abandoned or self.spec.shutdown == BRUTAL_KILL):
            self._abandoned = True
            self._announce(ChildAbandoned(self.spec.id, anyio.current_time() - self._told_at))

    def _shown(self, condition: Condition) -> ChildState:
        if self.uptime < self.spec.min_uptime:
            return ChildState.STARTING
        if condition.degraded:
            return ChildState.DEGRADED
        return ChildState.WAITING if condition.trouble else ChildState.RUNNING

    async def _run(self) -> None:
        returned = False
        async with anyio.create_task_group() as group:
            group.start_soon(self._limit_start, group.cancel_scope)
            async with self._seat:
                # Awaited here, not in the group: a group takes a leaked cancellation for the end of a task.
                await self.spec.start(task_status=_Status(self._begin))
            returned = True
            group.cancel_scope.cancel()
        if self._start_timed_out:
            raise ChildStartTimeoutError(self.spec.id, self.spec.start_timeout)
        if not returned:
            raise StrayCancellationError(self.spec.id)
        if self._started_at is None:
            raise ChildEndedEarlyError(self.spec.id)

    async def _limit_start(self, scope: CancelScope) -> None:
        with anyio.move_on_after(self.spec.start_timeout):
            await self._started.wait()
            return
        self._start_timed_out = True
        scope.cancel()

    def _death(self, error: BaseException) -> BaseException:
        # Only asyncio's own comes so far: those of cancel scopes end in a task group.
        if not isinstance(error, anyio.get_cancelled_exc_class()):
            return error
        stray = StrayCancellationError(self.spec.id)
        stray.__cause__ = error
        return stray

    def _begin(self, detail: str | None) -> None:
        if self._started_at is not None:
            return
        self._started_at = anyio.current_time()
        self._detail = detail
        self._started.set()
        if self._state is ChildState.STARTING:
            self._state = ChildState.RUNNING
        self._announce(ChildStarted(self.spec.id, self.attempt, detail))
        self.settled.set()

    def _conclude(self, error: BaseException | None) -> None:
        self.error = error
        self._detail = None
        self._state = ChildState.STOPPED if self.was_told else ChildState.EXITED if error is None else ChildState.FAILED
        if error is not None:
            self._last_error = error
            self._announce(ChildFailed(self.spec.id, error, self.uptime))
        elif self._told_at is None:
            self._announce(ChildExited(self.spec.id, self.uptime))
        if self._told_at is not None and not self._abandoned:
            self._announce(ChildStopped(self.spec.id, anyio.current_time() - self._told_at))
        self._ended.set()


class _Status(TaskStatus[str | None]):
    """What a child says "started" to."""

    def __init__(self, begin: Callable[[str | None], None]) -> None:
        self._begin = begin

    def started(self, value: str | None = None) -> None:
        """Note that the child is ready."""
        self._begin(value)


def _alone(error: BaseException) -> BaseException:
    """The one error inside groups of one, which task groups make of whatever leaves them."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
