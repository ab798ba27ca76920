"""Programs that tests run: one that ends by itself, and one that does not outlive the tests, however they end."""

import signal
import subprocess
from pathlib import Path

GRACE = 30
"""Seconds until a process that was asked to stop is killed."""


def run(*words: str | Path) -> None:
    """Run a program to its end, which must be a good one."""
    done = subprocess.run(words, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{words[0]} failed:\n{done.stdout}{done.stderr}")


class Guarded:
    """A running process with a guard beside it."""

    def __init__(self, words: list[str], log: Path) -> None:
        """Start it, away from the terminal's Ctrl-C."""
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        # The guard's pipe closes with the tests, even with kill -9. (A parent-death signal of Linux would come as soon
        # as the thread ends that has started the process.)
        guard = ["sh", "-c", 'read -r _ || kill -9 "$1"', "guard", str(self._process.pid)]
        self._guard = subprocess.Popen(guard, stdin=subprocess.PIPE, start_new_session=True)

    def running(self) -> bool:
        """Whether it has not ended by itself."""
        return self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def end(self, number: signal.Signals) -> int:
        """Send a signal that ends it, also when it is suspended, and wait; the exit code."""
        self.send(number)
        self.send(signal.SIGCONT)
        try:
            return self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
        finally:
            self._guard.communicate(b"it has ended\n")
