"""A ward whose children die all the time: siblings live on, every reading is kept, and too many deaths end it."""

import os
import secrets
import signal
import time
from pathlib import Path
from random import Random

import pytest

from tests.chaos.evidence import count, ledger, stored
from tests.e2e.conftest import TIMEOUT, Program, Start
from tests.e2e.test_processes import CHILDREN, pids, until

SHORT, MINUTE = 6.0, 60.0

WARD = """
metrics_interval = 0.2
[log]
level = "DEBUG"
[transport]
kind = "kafka"
[[child]]
role = "sink"
process = true
[[child]]
role = "monitor"
process = true
[[child]]
role = "patient"
id = "icu"
name = "Bed"
count = 2
process = true
"""
FORGIVING = "[supervisor]\nrestarts = 100\nperiod = 60\nbed_restarts = 100\n"


def ward(kafka: Start, folder: Path, text: str) -> Program:
    """A ward of processes that has stored its first readings."""
    (folder / "supervisor.toml").write_text(text)
    ward = kafka("supervise", METRICS_INTERVAL="")
    until(ward, lambda: all(pids(ward, child) for child in CHILDREN) and count(folder / "icu.db") > 0)
    return ward


@pytest.mark.parametrize("seconds", [SHORT, pytest.param(MINUTE, marks=pytest.mark.endurance)])
def test_a_minute_of_deaths(kafka: Start, tmp_path: Path, seconds: float) -> None:
    """A random child is killed every second: siblings live on, and every acknowledged reading is stored."""
    seed = int(os.environ.get("ICU_CHAOS_SEED") or secrets.randbelow(1_000_000))
    print(f"ICU_CHAOS_SEED={seed}")
    random = Random(seed)
    mortal = ward(kafka, tmp_path, WARD + FORGIVING)
    killed = dict.fromkeys(CHILDREN, 0)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        child = random.choice(CHILDREN)
        try:
            os.kill(pids(mortal, child)[-1], signal.SIGKILL)
            killed[child] += 1
        except ProcessLookupError:  # it has not come back yet since the last time
            pass
        time.sleep(1)
    until(mortal, lambda: all(len(pids(mortal, child)) == killed[child] + 1 for child in CHILDREN))
    acknowledged = {each.reading for each in ledger([tmp_path / f"log-{mortal.port}.jsonl"])}
    until(mortal, lambda: acknowledged <= set(stored(tmp_path / "icu.db").readings))
    print(f"killed {killed}; {len(acknowledged)} acknowledged readings are stored")
    assert "giving up" not in mortal.log()
    assert mortal.stop(signal.SIGTERM) == 0


def test_the_usual_budget_ends_it(kafka: Start, tmp_path: Path) -> None:
    """More than five deaths in half a minute stop the ward, which names the child and the reason."""
    mortal = ward(kafka, tmp_path, WARD)
    deadline = time.monotonic() + TIMEOUT
    while mortal.process.poll() is None and time.monotonic() < deadline:
        lives = len(pids(mortal, "monitor"))
        os.kill(pids(mortal, "monitor")[-1], signal.SIGKILL)
        while len(pids(mortal, "monitor")) == lives and mortal.process.poll() is None:
            time.sleep(0.05)
    assert mortal.wait() == 70
    assert "monitor died 6 times within 30 s, more than allowed: giving up" in mortal.log().splitlines()[-1]
