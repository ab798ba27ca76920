"""A ward in a process of its own, for benchmarks that measure it from outside."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen


@contextmanager
def running(words: Sequence[str], folder: str | Path, **environ: str) -> Iterator[subprocess.Popen[Any]]:
    """`python -m icu` with these words; ended at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "icu", *words], cwd=folder, env={**os.environ, **environ}, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def until(url: str, words: bytes) -> None:
    """Ask until the answer contains the words."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(URLError, ConnectionError), urlopen(url, timeout=5) as answer:
            if words in answer.read():
                return
        time.sleep(0.005)
    raise TimeoutError(url)
