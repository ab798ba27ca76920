"""A process as a child: started, read, watched, and never left behind.

It reports its status by systemd's protocol, sd_notify(3), on a socket of ours: READY=1 once it has started, STATUS=
with a text for people, WATCHDOG=1 as long as it lives. Two names are our own: X_TROUBLE= and X_DEGRADED=, the two parts
of its `WorkStatus`. In the socket's folder, which lasts as long as the process, it may put sockets of its own. Its
standard input is a pipe, which carries one line, the settings line, and is closed when we end, so that the process can
end too.
"""

import signal
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

import anyio
from anyio import (
    TASK_STATUS_IGNORED,
    BrokenResourceError,
    CancelScope,
    ClosedResourceError,
    TemporaryDirectory,
    create_task_group,
)
from anyio.abc import Process, TaskStatus, UNIXDatagramSocket

from icu.supervisor.errors import ProcessEndedError, ProcessKilledError, ProcessSilentError
from icu.supervisor.own_processes import OwnProcesses
from icu.supervisor.view import WorkStatus

# Bytes of a line of output. A longer one is reported in pieces: memory is bounded, whatever a process writes.
LONGEST_LINE: Final = 65_536

# Characters of the last line in the error of a process that died.
LONGEST_REASON: Final = 500

# Seconds for the last output of an ended process to arrive: its own children may hold the pipe open. The same time has
# a silent process to print its stacks after SIGABRT.
DRAIN_TIMEOUT: Final = 1.0


async def run_process(
    command: Sequence[str],
    *,
    grace: float,
    watchdog: float,
    on_line: Callable[[str], str | None],
    environ: Mapping[str, str],
    settings_line: str = "",
    on_work_status: Callable[[WorkStatus], None] = lambda _: None,
    on_ready: Callable[[Path], None] = lambda _: None,
    own_processes: OwnProcesses | None = None,
    task_status: TaskStatus[str] = TASK_STATUS_IGNORED,
) -> None:
    """Run a command until it ends or is cancelled; `started` with its pid and status when it says READY=1.

    Args:
        command: The program and its arguments.
        grace: Seconds from SIGTERM to SIGKILL after a cancellation.
        watchdog: Seconds without a notification after which the process counts as blocked. It gets SIGABRT, so that it
            can print its stacks.
        on_line: Called with each line of its output. Returns the text that may become the reason in ProcessEndedError,
            or None.
        environ: The environment of the process.
        settings_line: The line on its standard input, which no other process can read.
        on_work_status: Called with each status that it reports.
        on_ready: Called, when it says READY=1, with the folder that it shares with us.
        own_processes: The processes among which it is counted until its end.
        task_status: Where `started` is reported.

    Raises:
        ProcessEndedError: It ended with another exit code than 0, or by a signal.
        ProcessSilentError: It sent no notification for `watchdog` seconds.
        ProcessKilledError: It did not stop within its grace.
    """
    async with _notify_socket() as (path, notices):
        own_environ = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": str(round(watchdog * 1_000_000))}
        own_processes = own_processes or OwnProcesses()
        process = await own_processes.open(command, {**environ, **own_environ})
        watch = _ProcessWatch(process, notices, watchdog, on_line, on_work_status, partial(on_ready, path.parent))
        try:
            await watch.until_end(settings_line, task_status)
        except anyio.get_cancelled_exc_class():
            with CancelScope(shield=True):
                if not await watch.ends_by(signal.SIGTERM, grace):
                    raise ProcessKilledError(grace) from None
            raise
        finally:
            with CancelScope(shield=True):
                await watch.close()
            own_processes.forget(process)


@asynccontextmanager
async def _notify_socket() -> AsyncIterator[tuple[Path, UNIXDatagramSocket]]:
    """Open a socket for notifications in a folder of its own. Both are removed, even when cancelled."""
    async with AsyncExitStack() as stack:
        folder = TemporaryDirectory(prefix="icu-")
        path = Path(await folder.__aenter__()) / "notify"
        stack.push_async_callback(_shielded, folder.cleanup)
        notices = await anyio.create_unix_datagram_socket(local_path=path)
        stack.push_async_callback(_shielded, notices.aclose)
        yield path, notices


async def _shielded(work: Callable[[], Awaitable[None]]) -> None:
    with CancelScope(shield=True):
        await work()


class _ProcessWatch:
    """One process, its output and its notifications."""

    def __init__(
        self,
        process: Process,
        notices: UNIXDatagramSocket,
        watchdog: float,
        on_line: Callable[[str], str | None],
        on_work_status: Callable[[WorkStatus], None],
        on_ready: Callable[[], None],
    ) -> None:
        self._process = process
        self._notices = notices
        self._watchdog = watchdog
        self._on_line = on_line
        self._on_work_status = on_work_status
        self._on_ready = on_ready
        # Output behind the last line break.
        self._unfinished_line = b""
        self._reason = ""
        # Each notification moves its deadline.
        self._watchdog_scope = CancelScope(deadline=anyio.current_time() + watchdog)

    async def until_end(self, settings_line: str, task_status: TaskStatus[str]) -> None:
        """Wait for the end of the process, or of its notifications."""
        code = None
        with self._watchdog_scope:
            async with create_task_group() as group:
                group.start_soon(self._receive_notices, task_status)
                group.start_soon(self._send_settings_line, settings_line)
                async with create_task_group() as reading:
                    reading.start_soon(self._read_output)
                    code = await self._process.wait()
                group.cancel_scope.cancel()
        if self._watchdog_scope.cancelled_caught:
            await self.ends_by(signal.SIGABRT, DRAIN_TIMEOUT)
            raise ProcessSilentError(self._watchdog)
        if code:
            raise ProcessEndedError(code, self._reason[:LONGEST_REASON])

    async def _send_settings_line(self, settings_line: str) -> None:
        # A process that ends without reading it is reported by its exit code.
        with suppress(BrokenResourceError, ClosedResourceError):
            if self._process.stdin is not None:
                await self._process.stdin.send(f"{settings_line}\n".encode())

    async def ends_by(self, number: signal.Signals, grace: float) -> bool:
        """Send a signal, and read on for `grace` seconds. Returns True if the process has ended then."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)
        async with create_task_group() as group:
            # A process whose output nobody reads could block on a full pipe, and not end.
            group.start_soon(self._read_output)
            with anyio.move_on_after(grace):
                await self._process.wait()
            group.cancel_scope.cancel()
        return self._process.returncode is not None

    async def close(self) -> None:
        """Kill the process if it still runs, and read the rest of its output."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        with anyio.move_on_after(DRAIN_TIMEOUT):
            await self._read_output()
        await self._process.aclose()

    async def _receive_notices(self, task_status: TaskStatus[str]) -> None:
        async for packet, _ in self._notices:
            self._watchdog_scope.deadline = anyio.current_time() + self._watchdog
            notice = dict(line.split("=", 1) for line in packet.decode(errors="replace").split("\n") if "=" in line)
            if "X_TROUBLE" in notice:
                self._on_work_status(WorkStatus(notice["X_TROUBLE"] or None, notice.get("X_DEGRADED") or None))
            if "READY" in notice:
                status = notice.get("STATUS")
                self._on_ready()
                task_status.started(f"pid {self._process.pid}" + (f", {status}" if status else ""))

    async def _read_output(self) -> None:
        if self._process.stdout is None:
            return
        async for chunk in self._process.stdout:
            *lines, self._unfinished_line = (self._unfinished_line + chunk).split(b"\n")
            for line in lines:
                self._report_line(line)
            if len(self._unfinished_line) > LONGEST_LINE:
                self._report_line(self._unfinished_line)
                self._unfinished_line = b""
        self._report_line(self._unfinished_line)
        self._unfinished_line = b""

    def _report_line(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        if text:
            try:
                self._reason = self._on_line(text) or self._reason
            except Exception as exc:  # noqa: BLE001 - whatever the callback raises, the process is watched on
                warnings.warn(f"a line of a process could not be handed on: {exc!r}", RuntimeWarning, stacklevel=2)
