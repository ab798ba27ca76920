"""`simulate` as a process: into a pipe that closes, and interrupted."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.conftest import Spawn

SIMULATE = (sys.executable, "-m", "icu", "simulate")


def test_a_reader_that_has_had_enough(spawn: Spawn, tmp_path: Path) -> None:
    """`simulate | head -1` ends without an error."""
    words = [*SIMULATE, "--patients", "300", "--every", "1min"]
    process = spawn(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"patient_uuid,timestamp,")
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.wait(60) == 0


def test_an_interruption_leaves_what_was_there(spawn: Spawn, tmp_path: Path) -> None:
    """Ctrl-C ends `simulate` with 130; the old file stays, and no part of the new one is left."""
    path = tmp_path / "vitals.csv"
    path.write_text("old")
    words = [*SIMULATE, "--patients", "100000", "--every", "5s", "--out", str(path)]
    process = spawn(words, cwd=tmp_path, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 30
    while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert process.stderr is not None
    assert not process.stderr.read().strip()
    assert [each.name for each in tmp_path.iterdir()] == ["vitals.csv"]
    assert path.read_text() == "old"
