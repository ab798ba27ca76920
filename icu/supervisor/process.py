"""A process as a child: started, listened to, watched, and never left behind.

It tells how it is by systemd's protocol, sd_notify(3), on a socket of ours: READY=1 when it has started, STATUS= with a
text for people, WATCHDOG=1 as long as it lives; in two words of our own, X_TROUBLE= and X_DEGRADED=, what it waits for
and what it leaves undone until somebody mends it, if anything. In the socket's folder, which lasts as long as it does,
it may put sockets of its own. Its standard input is a pipe. It brings one line from us, and ends when we do, so that
the process can end too.
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
from icu.supervisor.view import Condition

# Bytes of a line of output; a longer one is handed on in pieces.
LONGEST_LINE: Final = 65_536

# Characters of the last words that stand in the error of a process that died.
LAST_WORDS: Final = 500

# Seconds for what a process has said before its end to arrive; others may hold its output open.
FAREWELL: Final = 1.0


async def run_process(
    command: Sequence[str],
    *,
    grace: float,
    watchdog: float,
    on_line: Callable[[str], str | None],
    environ: Mapping[str, str],
    settings_line: str = "",
    on_condition: Callable[[Condition], None] = lambda _: None,
    on_ready: Callable[[Path], None] = lambda _: None,
    own_processes: OwnProcesses | None = None,
    task_status: TaskStatus[str] = TASK_STATUS_IGNORED,
) -> None:
    """Run a command until it ends, or until cancelled: then it gets SIGTERM, and SIGKILL after `grace` seconds.

    `settings_line` is the line that it gets on its standard input: nobody else can read that. Started, with its pid and
    status, when the process says READY=1; `on_ready` is given the folder that it shares with us then. `on_line` is
    called with each line of output, and returns what may stand as the last words in the error of its end, if anything;
    `on_condition` with how its work goes, whenever it says so. It is one of the `own_processes` until its end.
    Raises ProcessEndedError unless it ends with 0, ProcessSilentError when it has shown no life for `watchdog` seconds
    (it gets SIGABRT, so that it can say what holds it up), and ProcessKilledError when it had to be killed.
    """
    async with _mailbox() as (path, notices):
        told = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": str(round(watchdog * 1_000_000))}
        own_processes = own_processes or OwnProcesses()
        process = await own_processes.open(command, {**environ, **told})
        watch = _Watch(process, notices, watchdog, on_line, on_condition, partial(on_ready, path.parent))
        try:
            await watch.until_it_ends(settings_line, task_status)
        except anyio.get_cancelled_exc_class():
            with CancelScope(shield=True):
                if not await watch.ends_by(signal.SIGTERM, grace):
                    raise ProcessKilledError(grace) from None
            raise
        finally:
            with CancelScope(shield=True):
                await watch.end()
            own_processes.forget(process)


@asynccontextmanager
async def _mailbox() -> AsyncIterator[tuple[Path, UNIXDatagramSocket]]:
    """A socket on which a process tells how it is, and its path. Both are taken away, whatever happens meanwhile."""
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


class _Watch:
    """One process, and what it says."""

    def __init__(
        self,
        process: Process,
        notices: UNIXDatagramSocket,
        watchdog: float,
        on_line: Callable[[str], str | None],
        on_condition: Callable[[Condition], None],
        on_ready: Callable[[], None],
    ) -> None:
        self._process = process
        self._notices = notices
        self._watchdog = watchdog
        self._on_line = on_line
        self._on_condition = on_condition
        self._on_ready = on_ready
        self._rest = b""
        self._last_words = ""
        self._life = CancelScope(deadline=anyio.current_time() + watchdog)

    async def until_it_ends(self, settings_line: str, task_status: TaskStatus[str]) -> None:
        """Wait for its end, or until it shows no life any more."""
        code = None
        with self._life:
            async with create_task_group() as group:
                group.start_soon(self._listen, task_status)
                group.start_soon(self._hand_over, settings_line)
                async with create_task_group() as reading:
                    reading.start_soon(self._read)
                    code = await self._process.wait()
                group.cancel_scope.cancel()
        if self._life.cancelled_caught:
            await self.ends_by(signal.SIGABRT, FAREWELL)
            raise ProcessSilentError(self._watchdog)
        if code:
            raise ProcessEndedError(code, self._last_words[:LAST_WORDS])

    async def _hand_over(self, settings_line: str) -> None:
        # How one ended that does not read it is told elsewhere.
        with suppress(BrokenResourceError, ClosedResourceError):
            if self._process.stdin is not None:
                await self._process.stdin.send(f"{settings_line}\n".encode())

    async def ends_by(self, number: signal.Signals, grace: float) -> bool:
        """Whether it ends within its grace when it gets this signal; what it says meanwhile is handed on too."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)
        async with create_task_group() as group:
            group.start_soon(self._read)
            with anyio.move_on_after(grace):
                await self._process.wait()
            group.cancel_scope.cancel()
        return self._process.returncode is not None

    async def end(self) -> None:
        """See that it is gone, and hand on the rest of what it said."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        with anyio.move_on_after(FAREWELL):
            await self._read()
        await self._process.aclose()

    async def _listen(self, task_status: TaskStatus[str]) -> None:
        async for packet, _ in self._notices:
            self._life.deadline = anyio.current_time() + self._watchdog
            notice = dict(line.split("=", 1) for line in packet.decode(errors="replace").split("\n") if "=" in line)
            if "X_TROUBLE" in notice:
                self._on_condition(Condition(notice["X_TROUBLE"] or None, notice.get("X_DEGRADED") or None))
            if "READY" in notice:
                status = notice.get("STATUS")
                self._on_ready()
                task_status.started(f"pid {self._process.pid}" + (f", {status}" if status else ""))

    async def _read(self) -> None:
        if self._process.stdout is None:
            return
        async for chunk in self._process.stdout:
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            for line in lines:
                self._hand_on(line)
            if len(self._rest) > LONGEST_LINE:
                self._hand_on(self._rest)
                self._rest = b""
        self._hand_on(self._rest)
        self._rest = b""

    def _hand_on(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        if text:
            try:
                self._last_words = self._on_line(text) or self._last_words
            except Exception as exc:  # noqa: BLE001 - whatever is made of a line, the process must be looked after
                warnings.warn(f"a line of a process could not be handed on: {exc!r}", RuntimeWarning, stacklevel=2)
