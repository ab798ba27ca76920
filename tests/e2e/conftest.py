"""Real processes: started as a user starts them, ended by real signals, and none is left over."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests import web
from tests.brokers import ApacheKafka, Broker, own_kafka
from tests.conftest import Spawn
from tests.ports import free_port

# Seconds until a step that takes one or two has certainly failed, on a busy machine too.
TIMEOUT = 120.0


def _events(lines: Iterator[str]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    kind = ""
    for line in lines:
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: ["):
            yield kind, json.loads(line.removeprefix("data: "))


class Program:
    """A running command, with its log and the API that it serves."""

    def __init__(self, spawn: Spawn, words: list[str], folder: Path, port: int, environ: dict[str, str]) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._log = folder / f"log-{port}.jsonl"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ICU_")}
        with self._log.open("w") as log:
            self.process = spawn(words, cwd=folder, stderr=log, env={**clean, **environ})

    def records(self) -> list[dict[str, Any]]:
        """The log records so far; every line of the log is one JSON object."""
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def log(self) -> str:
        """The text of the log so far."""
        return self._log.read_text()

    def get(self, path: str, **params: Any) -> httpx.Response:
        """Send a GET to the API."""
        return web.get(f"{self.url}{path}", params=params or None, timeout=TIMEOUT)

    @contextmanager
    def stream(self) -> Iterator[Iterator[tuple[str, list[dict[str, Any]]]]]:
        """Open the live stream: kinds of its events, each with its patients or readings."""
        with httpx.stream("GET", f"{self.url}/stream", timeout=TIMEOUT) as response:
            assert response.status_code == 200
            yield _events(response.iter_lines())

    def until(self, path: str, enough: Callable[[httpx.Response], bool]) -> httpx.Response:
        """Send a GET until the answer meets a condition."""
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log()
            try:
                response = self.get(path)
            except httpx.TransportError:
                response = None
            if response is not None and enough(response):
                return response
            time.sleep(0.05)
        raise AssertionError(f"{path} never answered as expected: {response and response.text}\n{self.log()}")

    def ready(self) -> "Program":
        """Wait until the program is ready."""
        self.until("/health/ready", lambda response: response.status_code == 200)
        return self

    def restarts(self) -> dict[str, float]:
        """Return the number of restarts of each child, from the metrics."""
        found = re.findall(r'^icu_child_restarts_total\{child="(.*)"\} (\S+)$', self.get("/metrics").text, re.MULTILINE)
        return {child: float(count) for child, count in found}

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send a signal, and return the exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end, and return the exit code."""
        return self.process.wait(TIMEOUT)


Start = Callable[..., Program]
Icu = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def runtime() -> Iterator[Path]:
    """The folder of control sockets, with a short name: paths of sockets are limited."""
    with tempfile.TemporaryDirectory(prefix="icu-") as folder:
        yield Path(folder)


def starter(folder: Path, runtime: Path, spawn: Spawn) -> Start:
    """Return a function that starts `python -m icu` with these words, in a folder."""
    database = f"sqlite:///{folder / 'icu.db'}"

    def run(
        *words: str, command: tuple[str, ...] = (), folder: Path = folder, port: int | None = None, **environ: str
    ) -> Program:
        port = port or free_port()
        usual = {"DATABASE_URL": database, "METRICS_INTERVAL": "0.2", "XDG_RUNTIME_DIR": str(runtime)}
        whole = [*(command or (sys.executable, "-m", "icu")), *words, "--port", str(port)]
        return Program(spawn, whole, folder, port, {**usual, **environ})

    return run


@pytest.fixture
def start(tmp_path: Path, runtime: Path, spawn: Spawn) -> Start:
    """A function that starts `python -m icu` with these words, in an empty folder."""
    return starter(tmp_path, runtime, spawn)


@pytest.fixture
def environ(tmp_path: Path, runtime: Path) -> dict[str, str]:
    """The environment in which commands find the wards of `start`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ICU_")}
    return {**clean, "DATABASE_URL": f"sqlite:///{tmp_path / 'icu.db'}", "XDG_RUNTIME_DIR": str(runtime)}


@pytest.fixture
def icu(tmp_path: Path, environ: dict[str, str]) -> Icu:
    """A function that runs `python -m icu` with these words."""

    def run(*words: str, folder: Path = tmp_path, **others: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "icu", *words],
            cwd=folder,
            env={**environ, **others},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )

    return run


@pytest.fixture
def apache(tmp_path: Path) -> Iterator[ApacheKafka]:
    """A real broker for this test alone, not started yet."""
    with own_kafka(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def topic(broker: Broker) -> str:
    """A new topic, and one of alarms."""
    name = f"icu.test-{uuid4().hex[:12]}"
    broker.create_topic(name)
    broker.create_topic(f"{name}.alarms")
    return name


@pytest.fixture
def kafka(start: Start, broker: Broker, topic: str) -> Start:
    """A function that starts a role on the broker and the topics."""
    topics = {"KAFKA_TOPIC": topic, "ICU_TRANSPORT_ALARMS": f"{topic}.alarms"}
    return partial(start, KAFKA_BOOTSTRAP_SERVERS=broker.bootstrap, **topics)
