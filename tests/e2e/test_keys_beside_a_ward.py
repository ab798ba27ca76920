"""Keys that are added while a ward runs."""

import time
from pathlib import Path

from tests.e2e.conftest import TIMEOUT, Icu, Start
from tests.stores import rows

FILE = """
[[child]]
role = "sink"
[[child]]
role = "monitor"
[[child]]
role = "patient"
name = "Anna"
"""


def stored(url: str, more_than: int) -> int:
    """Wait until there are more readings than this, and return their number."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        [(count,)] = rows(url, "SELECT count(*) FROM patient_metrics")
        if count > more_than:
            return int(count)
        time.sleep(0.05)
    raise AssertionError(f"no more than {more_than} readings")


def test_a_running_ward_goes_on(start: Start, icu: Icu, tmp_path: Path) -> None:
    """Keys are added and revoked beside a running ward, whose sink takes that for no other writer and stores on."""
    (tmp_path / "supervisor.toml").write_text(FILE)
    url = f"sqlite:///{tmp_path / 'icu.db'}"
    ward = start("supervise").ready()
    for command in (["add", "wall", "--role", "viewer"], ["list"], ["revoke", "wall"]):
        assert icu("keys", *command).returncode == 0
    count = stored(url, 0)
    stored(url, count + 3)
    assert rows(url, "SELECT command FROM audit") == [("key.add",), ("key.revoke",)]
    assert ward.stop() == 0
    assert [each for each in ward.records() if each["level"] in {"WARNING", "ERROR", "CRITICAL"}] == []
