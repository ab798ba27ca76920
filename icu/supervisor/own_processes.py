"""The processes that this one has started, among all its children: orphans may be given to it too."""

import subprocess
from collections.abc import Mapping, Sequence

import anyio
from anyio.abc import Process


class OwnProcesses:
    """The processes started here. Only their own tasks may wait for them: a second wait finds no exit code."""

    def __init__(self) -> None:
        self._pids: set[int] = set()
        self._starting = 0

    def __contains__(self, pid: int) -> bool:
        """Check if a process is one of these, or may be: a process that is being started has no known pid yet."""
        return self._starting > 0 or pid in self._pids

    async def open(self, command: Sequence[str], environ: Mapping[str, str]) -> Process:
        """Start a process in a session of its own, with pipes for its input and for both outputs together."""
        self._starting += 1
        try:
            process = await anyio.open_process(
                # A new session: Ctrl-C reaches the supervisor alone, which stops its children in order.
                command,
                stdin=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environ,
                start_new_session=True,
            )
            self._pids.add(process.pid)
        finally:
            self._starting -= 1
        return process

    def forget(self, process: Process) -> None:
        """Remove a process that has ended: the system may give its pid to another one."""
        self._pids.discard(process.pid)
