"""`db copy` as an operator types it: killed, interrupted, and with a ward that goes on in the copy."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from icu.store.copying.plan import LEFT_OUT
from icu.store.engines.base import Transaction
from icu.store.engines.table import engine_of
from icu.store.tables.readings import PatientMetric
from tests.conftest import Spawn
from tests.contents import contents, fill
from tests.e2e.conftest import TIMEOUT, Icu, Program, Start
from tests.stores import NOON, rows

# Of a patient, in chunks of 20,000.
READINGS = 50_000

TIMES = "SELECT timestamp FROM patient_metrics ORDER BY timestamp"
# A key, as `keys add` prints it.
KEY = r"icu_[\w-]+"
PROGRESS = "SELECT count FROM copy_progress WHERE name = 'patient_metrics' AND NOT complete"


@pytest.fixture
def source(tmp_path: Path) -> str:
    """A database with a little in each table, and many readings."""
    url = f"sqlite:///{tmp_path / 'icu.db'}"
    signs = [column.name for column in PatientMetric.__table__.columns]

    def row(patient: int, number: int) -> list[Any]:
        values = {"patient_id": patient, "timestamp": NOON + number * 1_000, "lag": number, "pulse": 8_000 + number % 7}
        return [values.get(name) for name in signs]

    async def make() -> None:
        await fill(url, without=[*LEFT_OUT])
        engine = engine_of(url)
        for patient in (1, 2, 3):

            async def load(transaction: Transaction, patient: int = patient) -> None:
                table: Any = PatientMetric.__table__
                await transaction.load(table, [row(patient, number) for number in range(READINGS)])

            await engine.transact(load)
        await engine.aclose()

    anyio.run(make)
    return url


def dump(url: str) -> dict[str, Any]:
    """Return all that is copied."""
    return {name: each for name, each in contents(url).items() if name not in LEFT_OUT}


def until_more(target: str, than: int, process: subprocess.Popen[str]) -> int:
    """Wait until more readings are copied than so many, and return their number."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        try:
            found = rows(target, PROGRESS)
        except Exception:  # noqa: BLE001 - there are no tables yet
            found = []
        if found and found[0][0] > than:
            return int(found[0][0])
        time.sleep(0.005)
    raise AssertionError(f"no more than {than} readings are copied")


def test_a_copy_that_is_killed_and_interrupted(
    source: str, postgres_url: str, tmp_path: Path, environ: dict[str, str], icu: Icu, spawn: Spawn
) -> None:
    """The same command goes on after kill -9 and Ctrl-C, says when the copy is complete, and prints no password."""
    words = ("db", "copy", source, postgres_url)

    def begun() -> "subprocess.Popen[str]":
        pipe = subprocess.PIPE
        process: subprocess.Popen[str] = spawn(
            [sys.executable, "-m", "icu", *words], cwd=tmp_path, env=environ, stdout=pipe, stderr=pipe, text=True
        )
        return process

    process = begun()
    count = until_more(postgres_url, 0, process)
    process.kill()
    said = [*process.communicate()]
    process = begun()
    # The copy goes on: it would begin at 20,000 again otherwise.
    assert until_more(postgres_url, count, process) > count
    process.send_signal(signal.SIGINT)
    said += process.communicate()
    assert process.returncode == 130
    assert said[-1].strip().endswith("interrupted in order: the same command goes on with the copy")
    done = icu(*words)
    assert (done.returncode, "150,003 readings, and compared: it is complete\n" in done.stdout) == (0, True)
    before = dump(postgres_url)
    assert before == dump(source)
    again = icu(*words)
    assert (again.returncode, again.stdout.endswith("UTC: nothing was done\n")) == (0, True)
    assert dump(postgres_url) == before
    password = postgres_url.partition("icu:")[2].partition("@")[0]
    assert password not in "".join([*said, done.stdout, done.stderr, again.stdout, again.stderr])


def test_a_ward_moves_to_postgresql(kafka: Start, icu: Icu, tmp_path: Path, postgres_url: str) -> None:
    """A sink reads on from the copied offsets: each record is stored once. Pages, keys, audit and streams go on."""
    source, there = f"sqlite:///{tmp_path / 'icu.db'}", {"DATABASE_URL": postgres_url}
    added = icu("keys", "add", "wall", "--role", "admin")
    headers = {"Authorization": f"Bearer {re.findall(KEY, added.stdout)[0]}"}
    sink, monitor = kafka("run", "sink").ready(), kafka("run", "monitor").ready()
    patient = kafka("run", "patient", "--name", "Anna")
    stored(source, 5)
    with httpx.stream("GET", f"{monitor.url}/stream", headers=headers, timeout=TIMEOUT) as response:
        seen = next(line for line in response.iter_lines() if line.startswith("id: ")).removeprefix("id: ")
    refused = icu("db", "copy", source, postgres_url)
    assert (refused.returncode, "stop its sink and its upkeep" in refused.stderr) == (78, True)
    stored(source, 5 + len(rows(source, TIMES)))
    assert sink.stop() == 0
    copied = icu("db", "copy", source, postgres_url)
    assert copied.returncode == 0, copied.stderr
    before = answers(monitor, headers, source)
    assert monitor.stop() == 0
    monitor, sink = kafka("run", "monitor", **there).ready(), kafka("run", "sink", **there).ready()
    stored(postgres_url, 5 + len(rows(source, TIMES)))
    assert patient.stop() == 0
    sink.until("/metrics", lambda response: "icu_sink_lag_records 0" in response.text)
    assert sink.stop() == 0
    assert answers(monitor, headers, source) == before
    assert icu("keys", "list", **there).stdout == icu("keys", "list").stdout
    [(records, logs)] = rows(postgres_url, "SELECT sum(next), max(log) FROM consumer_offsets")
    assert (len(rows(postgres_url, TIMES)), logs) == (records, 1)
    assert rows(postgres_url, "SELECT * FROM dead_letters") == []
    with httpx.stream("GET", f"{monitor.url}/stream", headers={**headers, "Last-Event-ID": seen}) as response:
        streamed = readings_behind(response.iter_lines(), rows(postgres_url, TIMES)[-1][0])
    assert [(each,) for each in streamed] == rows(postgres_url, TIMES)[-len(streamed) :]
    assert len(streamed) > len(rows(postgres_url, TIMES)) - len(rows(source, TIMES))
    assert monitor.stop() == 0


def answers(monitor: Program, headers: dict[str, str], source: str) -> list[Any]:
    """Ask a monitor for what was stored in the source, which has one patient."""
    [(uuid, newest)] = rows(source, "SELECT uuid, max(timestamp) FROM patients JOIN patient_metrics ON id = patient_id")
    end = datetime.fromtimestamp((newest + 1) / 1_000, UTC).isoformat()
    found = []
    for path, params in [(f"/patient/{uuid}/metrics", {"to": end}), ("/limits", {}), ("/audit", {})]:
        response = httpx.get(f"{monitor.url}{path}", params=params, headers=headers, timeout=TIMEOUT)
        assert response.status_code == 200, response.text
        found.append(response.json())
    return found


def readings_behind(lines: Iterator[str], last: int) -> list[int]:
    """Read a stream up to a reading, and return the times of all, in milliseconds: it is not told to read all anew."""
    times: list[int] = []
    for line in lines:
        assert line != "event: reset"
        if line.startswith("data: [") and '"timestamp"' in line:
            found = [datetime.fromisoformat(each["timestamp"]) for each in json.loads(line.removeprefix("data: "))]
            times += [round(each.timestamp() * 1_000) for each in found]
        if last in times:
            return times
    raise AssertionError("the stream ended early")


def stored(url: str, least: int) -> None:
    """Wait until there are at least so many readings."""
    deadline = time.monotonic() + TIMEOUT
    while len(rows(url, TIMES)) < least:
        assert time.monotonic() < deadline
        time.sleep(0.05)
