"""One life of a child, from its start to its end."""

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
from icu.supervisor.view import ChildState, ChildView, WorkStatus


class Child:
    """One life of a child. The next life is its `successor`."""

    def __init__(
        self, spec: ChildSpec, announce: Announcer, backoff: Backoff, running_lock: Lock, *, delay: float
    ) -> None:
        """Prepare a first life.

        Args:
            spec: The specification of the child.
            announce: Called with each event of this life.
            backoff: The delays of all lives of the child.
            running_lock: Shared by all lives of the child, and held by the one that runs: a life that ignores its
                cancellation must not run beside the next one.
            delay: Seconds until this life starts.
        """
        self.spec = spec
        self.attempt = 1
        # The error that ended this life; None while it runs, and after an end without an error or by a stop request.
        self.error: BaseException | None = None
        # Set once the child has started, or will not start in this life.
        self.start_decided = anyio.Event()
        self._announce = announce
        self._backoff = backoff
        self._running_lock = running_lock
        self._delay = delay
        self._state = ChildState.BACKOFF if delay else ChildState.STARTING
        # Shielded: children are stopped one by one, not all at once when their supervisor is cancelled.
        self._scope = CancelScope(shield=True)
        self._stop_requested_at: float | None = None
        self._abandoned = False
        self._ended = anyio.Event()
        self._started = anyio.Event()
        self._started_at: float | None = None
        self._start_timed_out = False
        self._detail: str | None = None
        self._last_error: BaseException | None = None

    @property
    def stop_requested(self) -> bool:
        """True once the child was asked to stop."""
        return self._stop_requested_at is not None

    @property
    def first_failure(self) -> Exception | None:
        """The error of the child's very first start, unless it is a transient one."""
        if self.attempt > 1 or self._started_at is not None or not isinstance(self.error, Exception):
            return None
        return None if is_transient(self.error) else self.error

    @property
    def is_over(self) -> bool:
        """True once the child was asked to stop, or has ended without a claim to a restart."""
        if self.stop_requested:
            return True
        restarts = self.first_failure is None and self.spec.restart.applies_after(self.error)
        return self._ended.is_set() and not restarts

    @property
    def uptime(self) -> float:
        """Seconds since the child said "started"; 0 before."""
        return 0.0 if self._started_at is None else anyio.current_time() - self._started_at

    def view(self) -> ChildView:
        """The child at this moment, for display."""
        error = self._last_error
        running = self._state is ChildState.RUNNING
        work_status = self.spec.work_status() if running else WorkStatus()
        return ChildView(
            id=self.spec.id,
            state=self._displayed_state(work_status) if running else self._state,
            restarts=self.attempt - 1,
            uptime=self.uptime if running else 0.0,
            detail=work_status.degraded or work_status.trouble or self._detail,
            last_error=None if error is None else f"{type(error).__name__}: {error}",
            children=self.spec.children(),
        )

    def next_delay(self) -> float:
        """Seconds of back-off before the next life."""
        return self._backoff.next(self.uptime)

    def successor(self, delay: float) -> "Child":
        """Prepare the next life, which starts after `delay` seconds."""
        child = Child(self.spec, self._announce, self._backoff, self._running_lock, delay=delay)
        child.attempt = self.attempt + 1
        child._last_error = self._last_error
        return child

    async def live(self) -> None:
        """Run this life to its end. Raises nothing: the error is kept in `error`."""
        error: BaseException | None = None
        try:
            with self._scope:
                await anyio.sleep(self._delay)
                self._state = ChildState.STARTING
                await self._run()
        except BaseException as exc:  # noqa: BLE001 - SystemExit and groups of anything end the child, never the supervisor
            error = self._cause_of_end(_unwrapped(exc))
        self._record_end(error)

    async def stop(self) -> None:
        """Cancel the child, and wait for its end until its grace is over, which begins with the first request.

        A child that has ended counts as stopped from then on, and is not restarted.
        """
        if self._stop_requested_at is None:
            self._stop_requested_at = anyio.current_time()
        if self._ended.is_set():
            return
        self._state = ChildState.STOPPING
        self._scope.cancel()
        with CancelScope(deadline=self._stop_requested_at + self.spec.shutdown):
            await self._ended.wait()
        if not (self._ended.is_set() or self._abandoned or self.spec.shutdown == BRUTAL_KILL):
            self._abandoned = True
            self._announce(ChildAbandoned(self.spec.id, anyio.current_time() - self._stop_requested_at))

    def _displayed_state(self, work_status: WorkStatus) -> ChildState:
        if self.uptime < self.spec.min_uptime:
            return ChildState.STARTING
        if work_status.degraded:
            return ChildState.DEGRADED
        return ChildState.WAITING if work_status.trouble else ChildState.RUNNING

    async def _run(self) -> None:
        returned = False
        async with anyio.create_task_group() as group:
            group.start_soon(self._limit_start, group.cancel_scope)
            async with self._running_lock:
                # Awaited here, not in the group: a group takes a leaked cancellation for the end of a task.
                await self.spec.start(task_status=_StartStatus(self._on_started))
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

    def _cause_of_end(self, error: BaseException) -> BaseException:
        # A cancellation that gets here is one of asyncio's that a library leaked: those of cancel scopes end in a task
        # group.
        if not isinstance(error, anyio.get_cancelled_exc_class()):
            return error
        stray = StrayCancellationError(self.spec.id)
        stray.__cause__ = error
        return stray

    def _on_started(self, detail: str | None) -> None:
        if self._started_at is not None:
            return
        self._started_at = anyio.current_time()
        self._detail = detail
        self._started.set()
        if self._state is ChildState.STARTING:  # not if it is being stopped
            self._state = ChildState.RUNNING
        self._announce(ChildStarted(self.spec.id, self.attempt, detail))
        self.start_decided.set()

    def _record_end(self, error: BaseException | None) -> None:
        self.error = error
        self._detail = None
        self._state = self._final_state(error)
        if error is not None:
            self._last_error = error
            self._announce(ChildFailed(self.spec.id, error, self.uptime))
        elif self._stop_requested_at is None:
            self._announce(ChildExited(self.spec.id, self.uptime))
        if self._stop_requested_at is not None and not self._abandoned:
            self._announce(ChildStopped(self.spec.id, anyio.current_time() - self._stop_requested_at))
        self._ended.set()

    def _final_state(self, error: BaseException | None) -> ChildState:
        if self.stop_requested:
            return ChildState.STOPPED
        return ChildState.EXITED if error is None else ChildState.FAILED


class _StartStatus(TaskStatus[str | None]):
    """Task status whose `started()` calls back."""

    def __init__(self, on_started: Callable[[str | None], None]) -> None:
        self._on_started = on_started

    def started(self, value: str | None = None) -> None:
        self._on_started(value)


def _unwrapped(error: BaseException) -> BaseException:
    # Task groups wrap even a single error in an exception group.
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
