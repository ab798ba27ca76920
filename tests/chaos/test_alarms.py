"""A sink that is killed and held up: its alarms are those that the stored readings give, each from start to end."""

import asyncio
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from confluent_kafka.admin import AdminClient

from icu.alarms.limits import ConditionLimits, Limits
from icu.store.audit import DONE
from icu.store.commands.door import Author, Desk, Door
from icu.store.limits import insert_limits
from tests.brokers import ApacheKafka
from tests.chaos.evidence import count, values_of
from tests.chaos.stage import Stage, raised, until
from tests.chaos.test_chaos import apache, seed

__all__ = ["apache", "seed"]

# Seconds inside until an alarm ends: shorter than the sink is held up, for what comes meanwhile is in time.
OFF_DELAY = 0.25
HELD_UP = (0.1, 0.9)
ROUNDS = 30
# Alarms without which nothing was tried.
FEWEST = 20
ALARMS = "icu.alarms"


class Episode(NamedTuple):
    """An alarm as stored. Times in milliseconds."""

    identity: str
    onset: int
    raised: int
    ended: int | None


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
        problems = [
            problem
            for patient, limit in limits.items()
            for problem in judged(stage.database, patient, limit, since=begin + 2_000)
        ]
        assert not problems, "\n".join(problems[:20])
        published(stage)


def hold_up(stage: Stage, random: Random) -> None:
    """Suspend the sink for a while: readings go on to come."""
    stage.sink.suspend()
    time.sleep(random.uniform(*HELD_UP))
    stage.sink.resume()


async def set_limits(url: str, limits: Mapping[str, float]) -> None:
    """Make each value beyond a limit an alarm: no delay, no hysteresis, an end within few readings."""

    async def work(desk: Desk) -> None:
        for patient, limit in limits.items():
            sharp = {
                "pulse.high": ConditionLimits({"medium": limit, "high": None}, {"medium": 0}, OFF_DELAY, 0),
                "pulse.low": ConditionLimits({"medium": None, "high": None}),
            }
            await insert_limits(desk.transaction, Limits(1, sharp), patient=UUID(patient), by="Ann", at=desk.now)
            await desk.note(DONE, patient=UUID(patient))

    await Door(url).carry_out("limits", Author("Ann", "test"), work)


def rest(stage: Stage) -> None:
    """Stop the patients, and wait until all is stored and published."""
    for patient in stage.patients:
        patient.stop()
    until(stage.is_drained, "the sink did not reach the log's end")
    until(lambda: not query(stage.database, "SELECT 1 FROM outbox"), "events are left in the outbox")
    stage.sink.stop()


def judged(path: Path, patient: str, limit: float, *, since: int) -> list[str]:
    """Compare the alarms of a patient with what the stored readings give. Returns what is wrong."""
    alarms, pulses = episodes(path, patient), pulses_of(path, patient)
    beyond = {at for at, pulse in pulses if pulse > limit * 100}
    print(f"limit {limit:g}: {len(beyond)} of {len(pulses)} readings are beyond it, {len(alarms)} alarms")
    # One that begins with the limits, by the last value, has no reading of its own.
    begun = [
        f"{each} began with no value beyond the limit"
        for each in alarms
        if each.onset >= since and each.onset not in beyond
    ]
    early = [f"{each} was raised before its onset" for each in alarms if each.raised < each.onset]
    ended = [
        f"{each} ended while values were beyond"
        for each in alarms
        if each.ended is not None and any(each.ended - OFF_DELAY * 1000 < at < each.ended for at in beyond)
    ]
    doubled = [
        f"{one} and {other} overlap" for one, other in pairwise(alarms) if one.ended is None or one.ended > other.onset
    ]
    lost = [
        f"the value at {at} is in no alarm"
        for at in beyond
        if at >= since and not any(each.onset <= at <= (each.ended or at) for each in alarms)
    ]
    return [*begun, *early, *ended, *doubled, *lost]


def published(stage: Stage) -> None:
    """Check that the topic has each version's event, a start first, and an end of each alarm that has ended."""
    bootstrap = stage.broker.bootstrap
    topic = AdminClient({"bootstrap.servers": bootstrap}).list_topics(ALARMS, timeout=10).topics[ALARMS]
    events = values_of(bootstrap, ALARMS, len(topic.partitions))
    pairs = {(each["alarm"], each["version"]): each["event"] for each in events}
    kinds = defaultdict[str, Counter[str]](Counter)
    for (alarm, _), event in sorted(pairs.items()):
        kinds[alarm][event] += 1
    stored = query(stage.database, "SELECT id, ended FROM alarms WHERE seen > 0")
    assert {alarm for alarm, _ in stored} == set(kinds)
    wrong = [
        (alarm, dict(kinds[alarm]))
        for alarm, ended in stored
        if kinds[alarm]["start"] != 1 or kinds[alarm]["end"] != (ended is not None)
    ]
    assert not wrong


def episodes(path: Path, patient: str) -> list[Episode]:
    """Read the alarms of a high pulse that were raised, oldest first."""
    sql = (
        "SELECT alarms.id, onset, raised, ended FROM alarms JOIN patients ON patients.id = patient_id WHERE uuid = ?"
        " AND condition = 'pulse.high' AND raised IS NOT NULL ORDER BY onset"
    )
    return [Episode(*row) for row in query(path, sql, patient)]


def pulses_of(path: Path, patient: str) -> list[tuple[int, int]]:
    """Read the times and the valid pulses of a patient, in hundredths."""
    sql = (
        "SELECT timestamp, pulse FROM patient_metrics JOIN patients ON id = patient_id WHERE uuid = ?"
        " AND pulse IS NOT NULL AND (quality IS NULL OR quality NOT LIKE '%pulse%') ORDER BY timestamp"
    )
    return [(at, pulse) for at, pulse in query(path, sql, patient)]


def usual_pulses(path: Path) -> dict[str, float]:
    """Return the median of each patient's pulse, in whole beats."""
    patients = [patient for (patient,) in query(path, "SELECT uuid FROM patients")]
    return {each: round(median(pulse for _, pulse in pulses_of(path, each)) / 100) for each in patients}


def newest(path: Path) -> int:
    """Return the time of the newest reading."""
    [(at,)] = query(path, "SELECT max(timestamp) FROM patient_metrics")
    return int(at)


def query(path: Path, sql: str, *values: str) -> list[tuple[Any, ...]]:
    """Read rows as another program does."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(sql, values).fetchall()
