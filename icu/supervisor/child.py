"""One life of a child, from its start to its end, however it ends."""

from collections.abc import Callable

import anyio
from anyio import CancelScope
from anyio.abc import TaskStatus

from icu.errors import ChildEndedEarlyError, ChildStartTimeoutError, StrayCancellationError
from icu.supervisor.backoff import Backoff
from icu.supervisor.events import (
    Announcer,
    ChildAbandoned,
    ChildExited,
    ChildFailed,
    ChildStarted,
    ChildStopped,
)
from icu.supervisor.spec import BRUTAL_KILL, ChildSpec
from icu.supervisor.view import ChildView, State


class Child:
    """One life of a child. The next life is its `successor`."""

    def __init__(self, spec: ChildSpec, announce: Announcer, backoff: Backoff) -> None:
        self.spec = spec
        self.attempt = 1
        self.settled = anyio.Event()
        """Set once it has started, or will not do so in this life."""
        self._announce = announce
        self._backoff = backoff
        self._delay = 0.0
        self._state = State.STARTING
        # Shielded: children are stopped one by one, not all at once when their supervisor is cancelled.
        self._scope = CancelScope(shield=True)
        self._ended = anyio.Event()
        self._started = anyio.Event()
        self._started_at: float | None = None
        self._detail: str | None = None
        self._last_error: BaseException | None = None

    @property
    def was_told(self) -> bool:
        """Whether it was told to stop."""
        return self._scope.cancel_called

    @property
    def has_ended(self) -> bool:
        """Whether this life is over."""
        return self._ended.is_set()

    @property
    def has_started(self) -> bool:
        """Whether it said "started"."""
        return self._started_at is not None

    @property
    def uptime(self) -> float:
        """Seconds since it said "started"."""
        return 0.0 if self._started_at is None else anyio.current_time() - self._started_at

    def view(self) -> ChildView:
        """How it is now."""
        error = self._last_error
        running = self._state is State.RUNNING
        trouble = self.spec.trouble() if running else None
        return ChildView(
            id=self.spec.id,
            state=self._shown(trouble) if running else self._state,
            restarts=self.attempt - 1,
            uptime=self.uptime if running else 0.0,
            detail=trouble or self._detail,
            last_error=None if error is None else f"{type(error).__name__}: {error}",
            children=self.spec.children(),
        )

    def next_delay(self) -> float:
        """Seconds to wait before the next life."""
        return self._backoff.next(self.uptime)

    def successor(self, delay: float) -> "Child":
        """The next life, which begins after `delay` seconds."""
        child = Child(self.spec, self._announce, self._backoff)
        child.attempt = self.attempt + 1
        child._delay, child._state, child._last_error = delay, State.BACKOFF, self._last_error
        return child

    async def live(self) -> BaseException | None:
        """Run to the end; returns the error it died of, None where it ended by itself or was told to stop."""
        error: BaseException | None = None
        try:
            with self._scope:
                await anyio.sleep(self._delay)
                self._state = State.STARTING
                await self._run()
        except BaseException as exc:  # noqa: BLE001 - SystemExit and groups of anything kill the child, never us
            error = self._death(_alone(exc))
        self._conclude(error)
        return error

    async def stop(self) -> None:
        """Cancel it, and wait for its end as long as its grace lasts."""
        if self._ended.is_set():
            return
        began = anyio.current_time()
        self._state = State.STOPPING
        self._scope.cancel()
        with anyio.move_on_after(self.spec.shutdown):
            await self._ended.wait()
        seconds = anyio.current_time() - began
        stopped = self._ended.is_set() or self.spec.shutdown == BRUTAL_KILL
        self._announce((ChildStopped if stopped else ChildAbandoned)(self.spec.id, seconds))

    def _shown(self, trouble: str | None) -> State:
        if self.uptime < self.spec.min_uptime:
            return State.STARTING
        return State.WAITING if trouble else State.RUNNING

    async def _run(self) -> None:
        ended_by_itself = False
        async with anyio.create_task_group() as group:
            group.start_soon(self._limit_start, group.cancel_scope)
            # Awaited here, not in the group: a group takes a leaked cancellation for the end of a task.
            await self.spec.start(task_status=_Status(self._begin))
            ended_by_itself = True
            group.cancel_scope.cancel()
        if ended_by_itself and not self.has_started:
            raise ChildEndedEarlyError(self.spec.id)
        if not ended_by_itself and not self._scope.cancel_called:
            raise self._cut_off()

    async def _limit_start(self, scope: CancelScope) -> None:
        with anyio.move_on_after(self.spec.start_timeout):
            await self._started.wait()
            return
        scope.cancel()

    def _cut_off(self) -> Exception:
        """What cancelled it, when it was not told to stop."""
        if self.has_started:
            return StrayCancellationError(self.spec.id)
        return ChildStartTimeoutError(self.spec.id, self.spec.start_timeout)

    def _death(self, error: BaseException) -> BaseException:
        if not isinstance(error, anyio.get_cancelled_exc_class()):
            return error
        stray = StrayCancellationError(self.spec.id)
        stray.__cause__ = error
        return stray

    def _begin(self, detail: str | None) -> None:
        if self.has_started:
            return
        self._started_at = anyio.current_time()
        self._detail = detail
        self._started.set()
        if self._state is State.STARTING:
            self._state = State.RUNNING
        self._announce(ChildStarted(self.spec.id, self.attempt, detail))
        self.settled.set()

    def _conclude(self, error: BaseException | None) -> None:
        told = self._scope.cancel_called
        if error is not None:
            self._last_error = error
            self._announce(ChildFailed(self.spec.id, error, self.uptime))
        elif not told:
            self._announce(ChildExited(self.spec.id, self.uptime))
        self._state = State.STOPPED if told else State.EXITED if error is None else State.FAILED
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
