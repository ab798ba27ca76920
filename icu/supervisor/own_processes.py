"""The processes that this one has started, among all that are its children."""

import subprocess
from collections.abc import Mapping, Sequence

import anyio
from anyio.abc import Process


class OwnProcesses:
    """Processes that are started here and waited for: nobody else may do that, or how they ended is lost."""

    def __init__(self) -> None:
        self._pids: set[int] = set()
        self._starting = 0

    def __contains__(self, pid: int) -> bool:
        """Tell if it is one of them, or may be: one that is being started has no number yet."""
        return self._starting > 0 or pid in self._pids

    async def open(self, command: Sequence[str], environ: Mapping[str, str]) -> Process:
        """Start a process, in a session of its own, with pipes."""
        self._starting += 1
        try:
            process = await anyio.open_process(
                command, stdin=subprocess.PIPE, stderr=subprocess.STDOUT, env=environ, start_new_session=True
            )
            self._pids.add(process.pid)
        finally:
            self._starting -= 1
        return process

    def forget(self, process: Process) -> None:
        """Let go of one that has ended: its number may be another one's by now."""
        self._pids.discard(process.pid)
