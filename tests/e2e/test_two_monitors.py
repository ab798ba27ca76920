"""Two monitors behind the nginx of compose.yaml: one address, whichever of them lives."""

import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests import web
from tests.conftest import Spawn
from tests.e2e.conftest import TIMEOUT, Icu, Program, Start
from tests.nginx import start_for_monitors
from tests.ports import free_port

PATIENTS = '[[child]]\nrole = "sink"\n[[child]]\nrole = "patient"\nname = "Anna"\nscenario_rate = 0\n'


@pytest.fixture
def key(icu: Icu) -> str:
    """A nurse's key of the ward."""
    assert icu("db", "upgrade").returncode == 0
    added = icu("keys", "add", "wall", "--role", "nurse")
    assert added.returncode == 0, added.stderr
    return added.stdout.split()[-1]


@pytest.fixture
def monitors(start: Start, tmp_path: Path, key: str) -> list[Program]:
    """Two monitors of a ward with one patient; they believe the proxy on loopback."""
    assert key
    (tmp_path / "supervisor.toml").write_text(PATIENTS)
    start("supervise", "--insecure")
    environ = {"ICU_API_TRUSTED_PROXIES": "127.0.0.1", "ICU_API_HOSTS": "ward.example"}
    monitors = [start("run", "monitor", **environ) for _ in range(2)]
    return [each.ready() for each in monitors]


@pytest.fixture
def client(monitors: list[Program], spawn: Spawn, tmp_path: Path, key: str) -> Iterator[httpx.Client]:
    """A client that knows nginx alone."""
    listen = f"127.0.0.1:{free_port()}"
    start_for_monitors(tmp_path, spawn, [f"127.0.0.1:{each.port}" for each in monitors], listen=listen)
    headers = {"Authorization": f"Bearer {key}", "Host": "ward.example"}
    with httpx.Client(base_url=f"http://{listen}", headers=headers, timeout=TIMEOUT, verify=web.NO_TLS) as client:
        yield client


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
