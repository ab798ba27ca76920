"""A process as a child: started, listened to, watched, and never left behind.

It tells how it is by systemd's protocol, sd_notify(3), on a socket of ours: READY=1 when it has started, STATUS= with a
text for people, WATCHDOG=1 as long as it lives. Its standard input is a pipe that ends when we do, so that it can end
too.
"""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import anyio
from anyio import TASK_STATUS_IGNORED, CancelScope, TemporaryDirectory, create_task_group
from anyio.abc import Process, TaskStatus, UNIXDatagramSocket

from icu.errors import ProcessEndedError, ProcessSilentError

LONGEST_LINE: Final = 65_536
"""Bytes of a line of output; a longer one is handed on in pieces."""

LAST_WORDS: Final = 500
"""Characters of the last line that stand in the error of a process that died."""

FAREWELL: Final = 1.0
"""Seconds for what a process has said before its end to arrive; others may hold its output open."""


async def run_process(
    command: Sequence[str],
    *,
    grace: float,
    watchdog: float,
    on_line: Callable[[str], None],
    environ: Mapping[str, str],
    task_status: TaskStatus[str] = TASK_STATUS_IGNORED,
) -> None:
    """Run a command until it ends, or until cancelled: then it gets SIGTERM, and SIGKILL after `grace` seconds.

    Started, with its pid and status, when the process says READY=1. `on_line` is called with each line of output.
    Raises ProcessEndedError unless it ends with 0, and ProcessSilentError when it has shown no life for `watchdog`
    seconds.
    """
    async with TemporaryDirectory(prefix="icu-") as folder:
        path = Path(folder) / "notify"
        async with await anyio.create_unix_datagram_socket(local_path=path) as notices:
            told = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": str(round(watchdog * 1_000_000))}
            process = await anyio.open_process(
                command,
                stdin=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**environ, **told},
                start_new_session=True,
            )
            watch = _Watch(process, notices, watchdog, on_line)
            try:
                await watch.until_it_ends(task_status)
            finally:
                with CancelScope(shield=True):
                    await watch.end(grace)
                    await process.aclose()


class _Watch:
    """One process, and what it says."""

    def __init__(
        self, process: Process, notices: UNIXDatagramSocket, watchdog: float, on_line: Callable[[str], None]
    ) -> None:
        self._process = process
        self._notices = notices
        self._watchdog = watchdog
        self._on_line = on_line
        self._rest = b""
        self._last_line = ""
        self._life = CancelScope(deadline=anyio.current_time() + watchdog)

    async def until_it_ends(self, task_status: TaskStatus[str]) -> None:
        """Wait for its end, or until it shows no life any more."""
        code = None
        with self._life:
            async with create_task_group() as group:
                group.start_soon(self._listen, task_status)
                async with create_task_group() as reading:
                    reading.start_soon(self._read)
                    code = await self._process.wait()
                group.cancel_scope.cancel()
        if self._life.cancelled_caught:
            raise ProcessSilentError(self._watchdog)
        if code:
            raise ProcessEndedError(code, self._last_line[:LAST_WORDS])

    async def end(self, grace: float) -> None:
        """Have it end, if it has not; what it says meanwhile is handed on too."""
        async with create_task_group() as group:
            group.start_soon(self._read)
            await _end(self._process, grace)
            group.cancel_scope.deadline = anyio.current_time() + FAREWELL

    async def _listen(self, task_status: TaskStatus[str]) -> None:
        async for packet, _ in self._notices:
            self._life.deadline = anyio.current_time() + self._watchdog
            notice = dict(line.split("=", 1) for line in packet.decode(errors="replace").splitlines() if "=" in line)
            if "READY" in notice:
                status = notice.get("STATUS")
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
            self._last_line = text
            self._on_line(text)


async def _end(process: Process, grace: float) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    with anyio.move_on_after(grace):
        await process.wait()
        return
    process.kill()
    await process.wait()
