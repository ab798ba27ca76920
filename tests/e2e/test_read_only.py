"""A monitor on a real read-only mount: it serves, or says what to do. Needs the right to mount."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import Program, Start

# Shows a folder read-only to a command, and to nobody else.
WHOLE = 'mount --bind data shown && mount -o remount,bind,ro shown && exec "$@"'

# Shows the database alone, without what stands beside it.
ALONE = (
    "mount -t tmpfs tmpfs shown && touch shown/icu.db && mount -o remount,ro shown && "
    'mount --bind data/icu.db shown/icu.db && mount -o remount,bind,ro shown/icu.db && exec "$@"'
)

Monitor = Callable[[str], Program]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of the database, writable."""
    (tmp_path / "shown").mkdir()
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def monitor(start: Start, tmp_path: Path) -> Monitor:
    """A function that starts a monitor on the folder, read-only."""
    words = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    trial = [*words, "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    if sys.platform != "linux" or shutil.which("unshare") is None or subprocess.run(trial, check=False).returncode:
        pytest.skip("a read-only mount takes `unshare`, and the right to mount")

    def run(mounting: str) -> Program:
        command = (*words, "sh", "-c", mounting, "sh", sys.executable, "-m", "icu")
        return start("run", "monitor", command=command, DATABASE_URL=f"sqlite:///{tmp_path}/shown/icu.db")

    return run


@pytest.fixture
def ward(start: Start, data: Path) -> Callable[[], Program]:
    """A function that starts a ward that writes to the database."""
    (data.parent / "supervisor.toml").write_text(
        '[[child]]\nrole = "sink"\n[[child]]\nrole = "monitor"\n[[child]]\nrole = "patient"\nname = "Anna"\n'
    )

    def run() -> Program:
        ward = start("supervise", DATABASE_URL=f"sqlite:///{data}/icu.db")
        ward.until("/patients", lambda response: response.status_code == 200 and len(response.json()) == 1)
        return ward

    return run


def latest(program: Program) -> str:
    """Return the time of the patient's latest reading."""
    [patient] = program.until("/patients", lambda response: response.status_code == 200).json()
    return str(patient["latest"]["timestamp"])


def test_one_that_was_closed_in_order(ward: Callable[[], Program], monitor: Monitor, data: Path) -> None:
    """A database that was closed in order is served, and again while a program writes to it, and after that."""
    first = ward()
    assert first.stop() == 0
    assert {each.name for each in data.iterdir()} <= {"icu.db", "icu.db.lock"}
    reading = monitor(WHOLE)
    before = latest(reading)
    second = ward()
    second.until("/patients", lambda response: response.json()[0]["latest"]["timestamp"] > before)
    newer = latest(second)
    reading.until("/patients", lambda response: response.json()[0]["latest"]["timestamp"] >= newer)
    assert second.stop() == 0
    newest = latest(reading)
    reading.until("/patients", lambda response: response.json()[0]["latest"]["timestamp"] >= newest)
    assert reading.stop(signal.SIGTERM) == 0
    assert "ERROR" not in reading.log()


def test_one_whose_log_holds_rows(ward: Callable[[], Program], monitor: Monitor, data: Path) -> None:
    """A database whose log holds rows is not served without them: the answer says what to do."""
    killed = ward()
    psutil.Process(killed.process.pid).kill()
    killed.process.wait()
    (data / "icu.db-shm").unlink()
    assert (data / "icu.db-wal").stat().st_size
    answer = monitor(WHOLE).until("/patients", lambda response: response.status_code == 503)
    assert (
        "icu.db-wal holds what the database lacks: let a sink or a monitor open it where they can write" in answer.text
    )


def test_one_that_is_mounted_alone(ward: Callable[[], Program], monitor: Monitor) -> None:
    """A database that is mounted without its log is not served, since rows may be missing."""
    assert ward().stop() == 0
    answer = monitor(ALONE).until("/patients", lambda response: response.status_code == 503)
    assert "cannot be written to: change its rights, or mount it read-only once the sink has stopped" in answer.text
