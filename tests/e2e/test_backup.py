"""Backup and restoration of a running ward, as an operator types them."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.e2e.conftest import TIMEOUT, Icu, Start
from tests.stores import rows

READINGS = (
    "SELECT uuid, timestamp, pulse, spo2 FROM patient_metrics JOIN patients ON patients.id = patient_id ORDER BY 1, 2"
)
OFFSETS = "SELECT topic, partition, next FROM consumer_offsets ORDER BY topic, partition"


def until(lines: Iterator[str], wanted: str) -> None:
    """Read a stream up to a line."""
    assert any(line == wanted for line in lines), f"the stream ended without {wanted}"


def test_a_ward_in_memory(start: Start, icu: Icu, tmp_path: Path) -> None:
    """A monitor's open stream is told to read all anew, and brings new readings once the sink runs again."""
    ward = start("supervise").ready()
    assert icu("db", "backup", "backup.db").returncode == 0
    ward.until("/patients", lambda response: all(each["latest"] for each in response.json()))
    refused = icu("db", "restore", "backup.db")
    assert (refused.returncode, "(python -m icu stop sink upkeep)" in refused.stderr) == (78, True)
    monitor = start("run", "monitor").ready()
    with httpx.stream("GET", f"{monitor.url}/stream", timeout=TIMEOUT) as response:
        lines = response.iter_lines()
        until(lines, "event: readings")
        assert icu("stop", "sink", "upkeep").returncode == 0
        restored = icu("db", "restore", "backup.db")
        assert restored.returncode == 0, restored.stderr
        until(lines, "event: reset")
        assert icu("start", "sink", "upkeep").returncode == 0
        until(lines, "event: readings")
    [kept] = [each for each in tmp_path.glob("icu.db.replaced-*") if each.suffix != ".lock"]
    assert str(kept) in restored.stdout
    assert icu("db", "check", "--full").returncode == 0
    assert (monitor.stop(), ward.stop()) == (0, 0)
    # What came after the backup is in the kept database alone: the topic in memory has it no longer.
    errors = {record["message"].partition(" records ")[2] for record in ward.records() if record["level"] == "ERROR"}
    assert errors <= {"are neither in this database nor any longer in the log"}


def test_a_backup_of_another_log_in_memory(start: Start, icu: Icu, tmp_path: Path) -> None:
    """A backup whose offsets are those of a topic that is gone with its process is taken, and the new topic is read."""
    ward = start("supervise").ready()
    ward.until("/patients", lambda response: all(each["latest"] for each in response.json()))
    assert icu("db", "backup", "backup.db").returncode == 0
    assert ward.stop() == 0
    assert icu("db", "restore", "backup.db").returncode == 0
    url = f"sqlite:///{tmp_path / 'icu.db'}"
    before = rows(url, READINGS)
    ward = start("supervise").ready()
    stored(url, len(before) + 8)
    assert ward.stop() == 0
    assert set(before) < set(rows(url, READINGS))
    assert rows(url, "SELECT DISTINCT log FROM consumer_offsets") == [(2,)]
    assert "ERROR" not in ward.log()


def test_a_ward_over_kafka(kafka: Start, icu: Icu, tmp_path: Path) -> None:
    """A backup is made while the sink stores; after its restoration the topic is read on, and all is there once."""
    sink = kafka("run", "sink").ready()
    patient = kafka("run", "patient", "--name", "Anna")
    url = f"sqlite:///{tmp_path / 'icu.db'}"
    stored(url, 5)
    assert icu("db", "backup", "backup.db").returncode == 0
    stored(url, 5 + len(rows(url, READINGS)))
    assert (patient.stop(), sink.stop()) == (0, 0)
    # Those that the patient sent while the sink stopped are stored by the next one.
    sink = kafka("run", "sink").ready()
    sink.until("/metrics", lambda response: "icu_sink_lag_records 0" in response.text)
    assert sink.stop() == 0
    readings, offsets = rows(url, READINGS), rows(url, OFFSETS)
    assert icu("db", "restore", "backup.db").returncode == 0
    assert len(rows(url, READINGS)) < len(readings)
    sink = kafka("run", "sink").ready()
    stored(url, len(readings))
    assert sink.stop() == 0
    assert rows(url, READINGS) == readings
    assert rows(url, OFFSETS) == offsets
    assert rows(url, "SELECT max(log) FROM consumer_offsets") == [(1,)]


def stored(url: str, least: int) -> None:
    """Wait until there are at least so many readings."""
    deadline = time.monotonic() + TIMEOUT
    while len(rows(url, READINGS)) < least:
        assert time.monotonic() < deadline
        time.sleep(0.05)
