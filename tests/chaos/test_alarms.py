"""A sink that is killed and held up: its alarms are those that the stored readings give, each from start to end."""

import asyncio
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import pytest

from tests.brokers import ApacheKafka
from tests.chaos.alarm_oracle import SEEN, WAITING, Episode, Pulse, judge, set_limits, unpublished, verdict_of
from tests.chaos.evidence import Key, appends_of, count
from tests.chaos.stage import TOPIC, Stage, raised, until
from tests.chaos.test_chaos import apache, seed

__all__ = ["apache", "seed"]

# Longer than OFF_DELAY, for what comes meanwhile is in time.
HELD_UP = (0.1, 0.9)
ROUNDS = 30
PULSES = (
    "SELECT timestamp, CASE WHEN quality LIKE '%pulse%' THEN NULL ELSE pulse END, timestamp + lag"
    " FROM patient_metrics JOIN patients ON id = patient_id WHERE uuid = ? ORDER BY timestamp"
)
# Alarms without which nothing was tried.
FEWEST = 20


@pytest.mark.endurance
def test_alarms_in_a_storm(apache: ApacheKafka, tmp_path: Path, seed: int) -> None:
    """However often the sink is held up and dies, no alarm is lost, doubled or made up; each event is published."""
    random = Random(seed)
    with raised(apache, tmp_path) as stage:
        until(lambda: count(stage.database) > 100, "no readings")
        limits = usual_pulses(stage.database)
        begin = newest(stage.database)
        asyncio.run(set_limits(f"sqlite:///{stage.database}", limits))
        for _ in range(ROUNDS):
            hold_up(stage, random)
            enough = count(stage.database) + random.randint(0, 100)
            until(lambda enough=enough: count(stage.database) > enough, "nobody goes on")  # type: ignore[misc] - a default argument has no type here
            if random.random() < 0.5:
                stage.sink.kill()
                stage.sink.start()
        rest(stage)
        assert sum(len(episodes(stage.database, patient)) for patient in limits) >= FEWEST, "no alarms to judge"
        appends = appends_of(stage.broker.bootstrap, TOPIC)
        found = [
            judge(episodes(stage.database, each), pulses(stage.database, each, appends), limit, since=begin + 2_000)
            for each, limit in limits.items()
        ]
        verdict = verdict_of(found)
        print(verdict)
        assert verdict.holds, verdict
        published(stage)


def hold_up(stage: Stage, random: Random) -> None:
    """Suspend the sink for a while: readings go on to come."""
    stage.sink.suspend()
    time.sleep(random.uniform(*HELD_UP))
    stage.sink.resume()


def rest(stage: Stage) -> None:
    """Stop the patients, and wait until all is stored and published."""
    for patient in stage.patients:
        patient.stop()
    until(stage.is_drained, "the sink did not reach the log's end")
    until(lambda: not query(stage.database, "SELECT 1 FROM outbox"), "events are left in the outbox")
    stage.sink.stop()


def published(stage: Stage) -> None:
    """Check that the topic has each version's event, a start first, and an end of each alarm that has ended."""
    wrong = unpublished(stage.broker.bootstrap, query(stage.database, SEEN), query(stage.database, WAITING))
    assert not wrong


def episodes(path: Path, patient: str) -> list[Episode]:
    """Read the alarms of a high pulse that were raised, oldest first."""
    sql = (
        "SELECT alarms.id, onset, raised, ended FROM alarms JOIN patients ON patients.id = patient_id WHERE uuid = ?"
        " AND condition = 'pulse.high' AND raised IS NOT NULL ORDER BY onset"
    )
    return [Episode(*row) for row in query(path, sql, patient)]


def pulses(path: Path, patient: str, appends: Mapping[Key, int]) -> list[Pulse]:
    """Read the pulses of a patient, oldest first."""
    rows = query(path, PULSES, patient)
    return [Pulse(at, value, appends[patient, at], arrived) for at, value, arrived in rows]


def usual_pulses(path: Path) -> dict[str, float]:
    """Return the median of each patient's pulse, in whole beats."""
    patients = [patient for (patient,) in query(path, "SELECT uuid FROM patients")]
    values = {each: [pulse for _, pulse, _ in query(path, PULSES, each) if pulse is not None] for each in patients}
    return {each: round(median(found) / 100) for each, found in values.items()}


def newest(path: Path) -> int:
    """Return the time of the newest reading."""
    [(at,)] = query(path, "SELECT max(timestamp) FROM patient_metrics")
    return int(at)


def query(path: Path, sql: str, *values: str) -> list[tuple[Any, ...]]:
    """Read rows as another program does."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(sql, values).fetchall()
