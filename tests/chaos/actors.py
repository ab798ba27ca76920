"""Actors: roles as real processes that are killed, stopped and started again, each run with a log of its own."""

import signal
import sys
import time
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil

from tests import web
from tests.processes import Guarded


class Stop(NamedTuple):
    """A stop that was requested by SIGTERM."""

    seconds: float
    code: int


class Actor:
    """A command that can be started again. It never ends by itself: `fallen` says where it did."""

    def __init__(self, name: str, words: list[str], folder: Path, *, port: int | None = None) -> None:
        self.name = name
        self.port = port
        self.logs: list[Path] = []
        self.stops: list[Stop] = []
        self.fallen: list[str] = []
        self._words = words
        self._folder = folder
        self._process: Guarded | None = None

    def start(self) -> None:
        """Start the next run."""
        log = self._folder / f"{self.name}-{len(self.logs) + 1}.log"
        self.logs.append(log)
        # No environment: the settings of whoever runs the tests are none of theirs.
        self._process = Guarded(["env", "-i", *self._words], log)

    def kill(self) -> None:
        """Send SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Send SIGTERM, and record the exit code and the time."""
        began = time.monotonic()
        code = self._end(signal.SIGTERM)
        # Before Python itself is up, nobody listens to the signal.
        unborn = code == -signal.SIGTERM and not self.logs[-1].read_bytes()
        self.stops.append(Stop(time.monotonic() - began, 0 if unborn else code))

    def suspend(self) -> None:
        """Suspend the process: it keeps all that it holds and does nothing."""
        self._living().send(signal.SIGSTOP)

    def resume(self) -> None:
        """Resume the process."""
        self._living().send(signal.SIGCONT)

    def is_ready(self) -> bool:
        """Check if the role reports that it is ready."""
        try:
            return web.get(f"http://127.0.0.1:{self.port}/health/ready", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def starved(self) -> float:
        """Seconds of this run in which it was runnable without a processor; 0 where the system does not say."""
        mine = [each.pid for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"] == self._words]
        accounts = [path for pid in mine if (path := Path(f"/proc/{pid}/schedstat")).exists()]
        return sum(int(path.read_text().split()[1]) for path in accounts) / 1e9

    def clear(self) -> None:
        """Kill it if it runs."""
        if self._process is not None:
            self.kill()

    def _end(self, number: signal.Signals) -> int:
        process = self._living()
        self._process = None
        return process.end(number)

    def _living(self) -> Guarded:
        if self._process is None:
            raise RuntimeError(f"{self.name} does not live")
        if not self._process.running():
            self.fallen.append(self.logs[-1].name)
        return self._process


def role(name: str, words: list[str], settings: Path, port: int) -> Actor:
    """Make an actor of a role with an HTTP face."""
    whole = [sys.executable, "-m", "icu", "run", *words, "--config", str(settings), "--port", str(port)]
    return Actor(name, whole, settings.parent, port=port)
