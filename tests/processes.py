"""Programs of tests: they start with default signal handlers, and none outlives the tests, however these end."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

# Seconds until a step that takes a few has certainly failed, on a busy machine too.
TIMEOUT: Final = 60.0

# Seconds until a process that was asked to stop is killed.
GRACE = 30

IGNORABLE = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT)


def keep_ignored_signals_from_children() -> None:
    """Replace ignored signals (`nohup`, `&` in a script) by handlers that do nothing, which programs do not inherit."""
    for number in IGNORABLE:
        if signal.getsignal(number) is signal.SIG_IGN:
            # A new program inherits what is ignored; what has a handler is reset to its default.
            signal.signal(number, lambda *_: None)


def run(*words: str | Path) -> None:
    """Run a program to its end. Raises an error unless its exit code is 0."""
    done = subprocess.run(words, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{words[0]} failed:\n{done.stdout}{done.stderr}")


@contextmanager
def running(words: Sequence[str | Path], **how: Any) -> Iterator[subprocess.Popen[Any]]:
    """Start a program that Ctrl-C on the terminal does not reach; at the end it is killed with its child processes."""
    process = subprocess.Popen(words, process_group=0, **how)
    # The guard's pipe closes with the tests, even with kill -9. (A parent-death signal of Linux would come as soon
    # as the thread ends that has started the process.) It is one of the group, which so stays ours to the end.
    guard = subprocess.Popen(
        ["sh", "-c", "read -r _; kill -s KILL 0"], stdin=subprocess.PIPE, process_group=process.pid
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        guard.communicate()
        for stream in filter(None, (process.stdin, process.stdout, process.stderr)):
            with suppress(BrokenPipeError):
                stream.close()


class Guarded:
    """A running program that tests can pass around."""

    def __init__(self, words: list[str], log: Path) -> None:
        """Start the program; its output goes into the log."""
        with log.open("wb") as output:
            self._running = running(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
            self._process = self._running.__enter__()

    def running(self) -> bool:
        """True until it ends by itself."""
        return self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal. After SIGSTOP, wait until it has stopped: its threads go on for a moment, and may answer."""
        self._process.send_signal(number)
        if number == signal.SIGSTOP:
            os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def end(self, number: signal.Signals) -> int:
        """Send a signal that ends it, also when it is suspended, and return the exit code."""
        self.send(number)
        self.send(signal.SIGCONT)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        self._running.__exit__(None, None, None)
        return self._process.wait()
