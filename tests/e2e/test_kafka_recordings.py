"""Recordings through Kafka while sink and broker are killed: the API still serves the values of the files."""

import os
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.brokers import ApacheKafka
from tests.e2e.conftest import TIMEOUT, Program, Start
from tests.e2e.test_recordings import MINE, START, expected, served

BED = """
[[child]]
role = "patient"
name = "{path.stem}"
recording = "{path}"
speed = {speed}
start = {start}
"""


class Roles:
    """Patients, sink and monitor in processes of their own, around a broker that is also killed."""

    def __init__(self, start: Start, broker: ApacheKafka, folder: Path) -> None:
        self._start = partial(start, KAFKA_BOOTSTRAP_SERVERS=broker.bootstrap)
        self._broker = broker
        self._database = folder / "icu.db"
        self._settings = folder / "patients.toml"
        broker.start()
        self.monitor = self._start("run", "monitor")
        self.sink = self._start("run", "sink").ready()

    def replay(self, files: list[Path], *, speed: float) -> Program:
        """Start one process that replays the files, without a sink."""
        self._settings.write_text(
            "".join(BED.format(path=path, speed=speed, start=START.isoformat()) for path in files)
        )
        return self._start("supervise", "--transport", "kafka", "--config", str(self._settings))

    def until_stored(self, count: int) -> None:
        """Wait until the database holds this number of readings."""
        deadline = time.monotonic() + TIMEOUT
        while self._stored("patient_metrics") < count:
            assert time.monotonic() < deadline, f"{self._stored('patient_metrics')} of {count}\n{self.sink.log()}"
            time.sleep(0.02)

    def kill_sink(self) -> None:
        """Kill the sink with -9 and start another one."""
        self.sink.stop(signal.SIGKILL)
        self.sink = self._start("run", "sink")

    def kill_broker(self) -> None:
        """Kill the broker with -9 and start it again on its disk."""
        self._broker.kill()
        self._broker.start()

    def refused(self) -> int:
        """Count the records that became dead letters."""
        return self._stored("dead_letters")

    def _stored(self, table: str) -> int:
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True)) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def compare(roles: Roles, files: list[Path], *, speed: float) -> tuple[int, int]:
    """Replay the files with three kills on the way. Returns the numbers of equal readings and values."""
    wanted = {path.stem: expected(path) for path in files}
    total = sum(map(len, wanted.values()))
    patients = roles.replay(files, speed=speed)
    deaths: dict[float, Callable[[], None]] = {0.25: roles.kill_sink, 0.5: roles.kill_broker, 0.75: roles.kill_sink}
    for share, death in deaths.items():
        roles.until_stored(round(total * share))
        death()
    roles.until_stored(total)
    assert {each["name"] for each in roles.monitor.get("/patients").json()} == set(wanted)
    values = 0
    for name, readings in wanted.items():
        assert served(roles.monitor, name) == readings, name
        values += sum(value is not None for reading in readings for value in reading.values()) - len(readings)
    assert roles.refused() == 0
    for program in (patients, roles.monitor, roles.sink.ready()):
        assert program.stop() == 0
    return total, values


def test_small_recordings_over_kafka(start: Start, apache: ApacheKafka, tmp_path: Path) -> None:
    """Recordings of two patients, a few rows each and an hour a second, arrive complete."""
    for name, text in MINE.items():
        (tmp_path / name).write_text(text)
    files = [tmp_path / name for name in MINE]
    assert compare(Roles(start, apache, tmp_path), files, speed=3600) == (7, 21)


@pytest.mark.recordings
def test_real_recordings_over_kafka(start: Start, apache: ApacheKafka, tmp_path: Path) -> None:
    """Recordings of real intensive-care stays arrive complete; ICU_TEST_RECORDINGS names their folder."""
    folder = os.environ.get("ICU_TEST_RECORDINGS")
    if not folder:
        pytest.skip("ICU_TEST_RECORDINGS names no folder of recordings")
    files = sorted(Path(folder).glob("*.psv"))
    readings, values = compare(Roles(start, apache, tmp_path), files, speed=25_000)
    print(f"{readings} readings, {values} values agree")
    assert readings
