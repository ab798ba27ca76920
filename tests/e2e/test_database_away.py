"""A ward without its database: it waits, refuses to start, or reports lost readings at the end."""

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Start


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the database's lock by another program."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.close()


def waits(response: httpx.Response) -> bool:
    """Check that readiness fails because of a lock."""
    return response.status_code == 503 and "locked" in response.text and "sink is waiting" in response.text


def test_a_database_that_is_locked_at_the_start_is_waited_for(start: Start, tmp_path: Path) -> None:
    """The ward starts and names the lock; no child is restarted, and it becomes ready without the lock."""
    with held(tmp_path / "icu.db"):
        ward = start("supervise")
        ward.until("/health/ready", waits)
    ward.ready()
    assert set(ward.restarts().values()) == {0}
    assert ward.stop() == 0


def test_readings_that_are_lost_at_the_stop_are_reported(start: Start, tmp_path: Path) -> None:
    """A log in memory ends with the process: exit code 75, and the last line has the number of lost readings."""
    ward = start("supervise").ready()
    with held(tmp_path / "icu.db"):
        ward.until("/health/ready", waits)
        assert ward.stop(signal.SIGTERM) == 75
    assert ward.log().splitlines()[-1].startswith("icu: stopped before everything was stored: ")
    assert "Traceback" not in ward.log()


@pytest.mark.parametrize("place", ["nowhere/icu.db", "folder", "file/icu.db"])
def test_a_place_where_there_can_be_no_database_is_78(start: Start, tmp_path: Path, place: str) -> None:
    """A path that can hold no database ends the ward at once, with one line."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    ward = start("supervise", DATABASE_URL=f"sqlite:///{tmp_path / place}")
    assert ward.wait() == 78
    assert ward.log().splitlines()[-1].startswith("icu: the database")
    assert "Traceback" not in ward.log()
