"""Two monitors behind the nginx of compose.yaml: one address, whichever of them lives. On both engines."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import web
from tests.conftest import Spawn
from tests.e2e.conftest import TIMEOUT, Icu, Program, Start
from tests.nginx import start_for_monitors
from tests.ports import free_port

PATIENTS = '[[child]]\nrole = "sink"\n[[child]]\nrole = "patient"\nname = "Anna"\nscenario_rate = 0\n'


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a new database, on one engine after the other."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'icu.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def key(icu: Icu, url: str) -> str:
    """A nurse's key of the ward."""
    assert icu("db", "upgrade", DATABASE_URL=url).returncode == 0
    added = icu("keys", "add", "wall", "--role", "nurse", DATABASE_URL=url)
    assert added.returncode == 0, added.stderr
    return added.stdout.split()[-1]


@pytest.fixture
def monitor(start: Start, url: str) -> Start:
    """A function that starts a monitor, which believes the proxy on loopback."""
    environ = {"ICU_API_TRUSTED_PROXIES": "127.0.0.1", "ICU_API_HOSTS": "ward.example", "DATABASE_URL": url}
    return partial(start, "run", "monitor", **environ)


@pytest.fixture
def monitors(start: Start, monitor: Start, tmp_path: Path, key: str, url: str) -> list[Program]:
    """Two monitors of a ward with one patient."""
    assert key
    (tmp_path / "supervisor.toml").write_text(PATIENTS)
    start("supervise", "--insecure", DATABASE_URL=url)
    monitors = [monitor() for _ in range(2)]
    return [each.ready() for each in monitors]


@pytest.fixture
def client(monitors: list[Program], spawn: Spawn, tmp_path: Path, key: str) -> Iterator[httpx.Client]:
    """A client that knows nginx alone."""
    listen = f"127.0.0.1:{free_port()}"
    start_for_monitors(tmp_path, spawn, [f"127.0.0.1:{each.port}" for each in monitors], listen=listen)
    headers = {"Authorization": f"Bearer {key}", "Host": "ward.example"}
    with httpx.Client(base_url=f"http://{listen}", headers=headers, timeout=TIMEOUT, verify=web.NO_TLS) as client:
        yield client


class Wall:
    """A screen that follows the stream through nginx, as a browser does: it comes back to the event it saw last."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self.last = ""
        # Times of the readings, in the order in which they came.
        self.readings: list[str] = []
        self.alarms: list[dict[str, Any]] = []

    def follow(self, enough: Callable[[], bool], *, on_begin: Callable[[], object] = lambda: None) -> bool:
        """Follow until there is enough. Returns True if the stream was cut before.

        Args:
            enough: Is asked after each event.
            on_begin: Called after the first one.
        """
        headers = {"Last-Event-ID": self.last} if self.last else {}
        with self._client.stream("GET", "/stream", headers=headers) as stream:
            if stream.status_code == 502:  # nginx leaves one that was dead out for a while
                return True
            assert stream.status_code == 200
            kind, begin = "", on_begin
            try:
                for line in stream.iter_lines():
                    name, _, value = line.partition(": ")
                    if name == "id":
                        self.last = value
                    elif name == "event":
                        kind = value
                    elif name == "data":
                        self._take(kind, json.loads(value))
                        begin()
                        begin = lambda: None  # noqa: E731 - short, and used once
                        if enough():
                            return False
            except httpx.RemoteProtocolError:
                pass
        return True

    def _take(self, kind: str, data: Any) -> None:
        assert kind != "reset"
        if kind == "readings":
            self.readings += [each["timestamp"] for each in data]
        if kind == "alarms":
            self.alarms += data


def stored(client: httpx.Client) -> list[str]:
    """Return the times of all stored readings, the oldest first."""
    # nginx leaves one that was dead out for a while.
    while (patients := client.get("/patients")).status_code == 502:
        time.sleep(0.1)
    [patient] = patients.json()
    page = client.get(f"/patient/{patient['uuid']}/metrics", params={"order": "asc", "limit": 1_000}).json()
    return [each["timestamp"] for each in page]


def test_one_address(client: httpx.Client, monitors: list[Program]) -> None:
    """Pages and commands pass, a stream is not held back; a monitor that is killed is not missed."""
    assert client.get("/health/live").status_code == 200
    for dead in monitors:
        with client.stream("GET", "/stream") as stream:
            assert stream.status_code == 200
            assert any(line.startswith("event: readings") for line in stream.iter_lines())
        assert client.post("/ward/silence", json={"seconds": 60}).status_code == 200
        assert client.get("/audit").json()[0]["source"] == "127.0.0.1"
        dead.stop(signal.SIGKILL)
        if dead is monitors[0]:
            assert {client.get("/patients").status_code for _ in range(10)} == {200}
    assert client.get("/patients").status_code == 502


def test_a_killed_monitor_leaves_no_gap(client: httpx.Client, monitors: list[Program], monitor: Start) -> None:
    """A screen whose monitor is killed goes on at the other one, and sees each reading once, in order."""
    wall, (first, second) = Wall(client), monitors

    def exchange() -> None:
        monitor(port=first.port).ready()
        second.stop(signal.SIGKILL)

    # Whichever of the two it follows, from here on it is the second one.
    wall.follow(more(wall), on_begin=lambda: first.stop(signal.SIGKILL))
    assert wall.follow(lambda: False, on_begin=exchange)
    assert second.process.poll() is not None
    while wall.follow(more(wall)):
        pass
    whole = stored(client)
    begin = whole.index(wall.readings[0])
    assert wall.readings == whole[begin : begin + len(wall.readings)]


def more(wall: Wall) -> Callable[[], bool]:
    """Return a check that a screen has five readings more than now."""
    seen = len(wall.readings)
    return lambda: len(wall.readings) >= seen + 5


def test_a_command_at_one_is_in_force_at_the_sink(monitors: list[Program], key: str) -> None:
    """Limits that are set at one monitor raise an alarm with the next reading, which the other one's stream tells."""
    first, second = monitors
    headers = {"Authorization": f"Bearer {key}"}
    limits = {
        "pulse.high": {"values": {"medium": 20, "high": 30}, "delays": {"medium": 0, "high": 0}},
        "pulse.low": {"values": {"medium": 10, "high": 5}},
    }

    def command() -> None:
        asked = {"by": "-", "version": 0, "conditions": limits}
        answer = httpx.put(f"{first.url}/limits", json=asked, headers=headers, timeout=TIMEOUT, verify=web.NO_TLS)
        assert answer.status_code == 200, answer.text

    with httpx.Client(base_url=second.url, headers=headers, timeout=TIMEOUT, verify=web.NO_TLS) as client:
        wall = Wall(client)
        wall.follow(lambda: bool(wall.alarms), on_begin=command)
    assert (wall.alarms[0]["condition"], wall.alarms[0]["priority"]) == ("pulse.high", "high")
