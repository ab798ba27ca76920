"""A sink that is killed: the other processes show the ward blind within 15 s, never the last values as fresh."""

import signal
import time
from pathlib import Path

import httpx

from tests import web
from tests.e2e.conftest import Start


def test_a_killed_sink(start: Start, tmp_path: Path) -> None:
    """A second monitor sees a living ward, and 15 s after the kill since when it is blind, and what is behind."""
    (tmp_path / "supervisor.toml").write_text(
        '[[child]]\nrole = "sink"\n[[child]]\nrole = "monitor"\n[[child]]\nrole = "patient"\nname = "Anna"\n'
    )
    ward = start("supervise").ready()
    ward.until("/patients", lambda response: response.status_code == 200 and bool(response.json()))
    monitor = start("run", "monitor").ready()

    def is_seen(response: httpx.Response) -> bool:
        return response.status_code == 200 and response.json()["heartbeat_age_seconds"] is not None

    found = monitor.until("/ward", is_seen).json()
    assert (found["blind_since"], found["behind"], found["taken"][0]["bed"]) == (None, None, "1")
    ward.process.send_signal(signal.SIGKILL)
    killed = time.monotonic()
    ward.wait()
    blind = monitor.until("/ward", lambda response: response.json()["blind_since"] is not None).json()
    assert time.monotonic() - killed < 15
    assert (blind["behind"], "no sign of life" in blind["trouble"]) == ("sink", True)
    # Shown to people, but no reason to send them to another monitor, which would show the same.
    checks = web.get(f"{monitor.url}/health/ready")
    assert (checks.status_code, "no sign of life" in checks.json()["checks"]["heartbeat"]) == (200, True)
    start("supervise").ready()
    monitor.until("/ward", lambda response: response.json()["blind_since"] is None)
