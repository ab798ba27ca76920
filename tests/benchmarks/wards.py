"""Programs in processes of their own, for benchmarks that measure from outside."""

import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import anyio
import psutil
from loguru import logger


@contextmanager
def running(
    words: Sequence[str], folder: str | Path, *, module: str = "icu", **environ: str
) -> Iterator[subprocess.Popen[Any]]:
    """Run `python -m icu`, or another module, with these words, and end it at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *words], cwd=folder, env={**os.environ, **environ}, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def aside(work: Callable[..., Coroutine[Any, Any, None]], *arguments: str) -> Iterator[psutil.Process]:
    """Run a function in a process of its own, and end it at the end."""
    process = get_context("spawn").Process(target=_quietly, args=(work, *arguments))
    process.start()
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.join()


def _quietly(work: Callable[..., Coroutine[Any, Any, None]], *arguments: str) -> None:
    """Run without debug records, as a ward does."""
    quieten()
    anyio.run(work, *arguments)


def quieten() -> None:
    """Log only warnings: other lines would be measured too, and aiokafka logs ordinary retries."""
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())


def free_port() -> int:
    """Find a port on which no program listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def until(url: str, words: bytes) -> None:
    """Ask until the answer contains these words."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(URLError, ConnectionError), urlopen(url, timeout=5) as answer:
            if words in answer.read():
                return
        time.sleep(0.005)
    raise TimeoutError(url)
