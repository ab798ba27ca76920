"""Actors: roles as real processes that are killed, stopped and started again, each life with a log of its own."""

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
    """An end that was asked for by SIGTERM."""

    seconds: float
    code: int


class Actor:
    """A command that can be started again. It never ends by itself: where it did, `fallen` says so."""

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
        """Begin another life."""
        log = self._folder / f"{self.name}-{len(self.logs) + 1}.log"
        self.logs.append(log)
        # No environment: the settings of whoever runs the tests are none of theirs.
        self._process = Guarded(["env", "-i", *self._words], log)

    def kill(self) -> None:
        """End it at once."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to stop, and note how that went."""
        began = time.monotonic()
        code = self._end(signal.SIGTERM)
        # Before Python itself is up, nobody listens to the signal.
        unborn = code == -signal.SIGTERM and not self.logs[-1].read_bytes()
        self.stops.append(Stop(time.monotonic() - began, 0 if unborn else code))

    def suspend(self) -> None:
        """Let it keep all that it holds and do nothing."""
        self._living().send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._living().send(signal.SIGCONT)

    def is_ready(self) -> bool:
        """Whether it says that it can do its work."""
        try:
            return web.get(f"http://127.0.0.1:{self.port}/health/ready", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def starved(self) -> float:
        """Seconds of this life in which it could have run and got no processor; 0 where the system does not tell."""
        mine = [each.pid for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"] == self._words]
        accounts = [path for pid in mine if (path := Path(f"/proc/{pid}/schedstat")).exists()]
        return sum(int(path.read_text().split()[1]) for path in accounts) / 1e9

    def clear(self) -> None:
        """End it if it lives."""
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
    """A role of the product with a face of its own."""
    whole = [sys.executable, "-m", "icu", "run", *words, "--config", str(settings), "--port", str(port)]
    return Actor(name, whole, settings.parent, port=port)
