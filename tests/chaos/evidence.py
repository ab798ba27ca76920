"""Evidence: acknowledged readings, the log and the database, each read without the product's code."""

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DELIVERED = "delivered "
PARTITIONS = 6

# Settings of a topic whose records have the broker's time: the oracle of alarms asks when the log held a reading.
STAMPED = {"message.timestamp.type": "LogAppendTime"}

# A reading's identity: its patient, and its time in milliseconds since 1970.
Key: TypeAlias = tuple[str, int]

# Hundredths of pulse, respiration, systolic and diastolic pressure, saturation and temperature.
Signs: TypeAlias = tuple[int | None, ...]

T = TypeVar("T")


class Reading(NamedTuple):
    """One reading, from any source."""

    key: Key
    signs: Signs


class Acknowledged(NamedTuple):
    """A reading that was acknowledged to a patient, and the time, in seconds since 1970."""

    at: float
    reading: Reading


class Stored(NamedTuple):
    """Content of the database."""

    readings: list[Reading]
    dead_letters: int
    offsets: dict[int, int]
    primary_key: set[str]


def ledger(logs: Iterable[Path]) -> list[Acknowledged]:
    """Read the acknowledged readings from the logs of patients. A line that kill -9 has cut is left out."""
    return [each for log in logs for line in log.read_text().splitlines() for each in _acknowledged(line)]


def stored(path: Path) -> Stored:
    """Read the database."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "SELECT uuid, timestamp, pulse, resp_rate, systolic, diastolic, spo2, temperature"
            " FROM patient_metrics JOIN patients ON id = patient_id"
        )
        return Stored(
            readings=[Reading((uuid, timestamp), tuple(signs)) for uuid, timestamp, *signs in rows],
            dead_letters=connection.execute("SELECT count(*) FROM dead_letters").fetchone()[0],
            offsets=dict(connection.execute("SELECT partition, next FROM consumer_offsets")),
            primary_key={
                name for (name,) in connection.execute("SELECT name FROM pragma_table_info('patient_metrics') WHERE pk")
            },
        )


def count(path: Path) -> int:
    """Count the readings in the database; 0 before it exists."""
    if not path.exists():
        return 0
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        made = "SELECT count(*) FROM sqlite_master WHERE name = 'patient_metrics'"
        if not connection.execute(made).fetchone()[0]:
            return 0
        return int(connection.execute("SELECT count(*) FROM patient_metrics").fetchone()[0])


def log_of(bootstrap: str, topic: str) -> list[Reading]:
    """Read the whole topic, each partition in its order."""
    return [reading_of(each) for each in values_of(bootstrap, topic, PARTITIONS)]


def values_of(bootstrap: str, topic: str, partitions: int) -> list[dict[str, Any]]:
    """Read the values of a whole topic, each partition in its order."""
    return [json.loads(each.value) for each in _records(bootstrap, topic, partitions)]


def appends_of(bootstrap: str, topic: str) -> dict[Key, int]:
    """Return the time at which the broker first had each reading, of a topic that stamps its records so."""
    records = sorted(_records(bootstrap, topic, PARTITIONS), key=lambda each: each.timestamp, reverse=True)
    return {reading_of(json.loads(each.value)).key: each.timestamp for each in records}


def _records(bootstrap: str, topic: str, partitions: int) -> list[ConsumerRecord]:
    places = [TopicPartition(topic, partition) for partition in range(partitions)]

    async def read(consumer: AIOKafkaConsumer) -> list[ConsumerRecord]:
        ends = await consumer.end_offsets(places)
        for place in places:
            consumer.seek(place, 0)
        found: list[ConsumerRecord] = []
        while any([await consumer.position(place) < ends[place] for place in places]):
            batches = await consumer.getmany(timeout_ms=100)
            found += [each for records in batches.values() for each in records]
        return found

    return _ask(bootstrap, places, read)


def ends_of(bootstrap: str, topic: str) -> dict[int, int]:
    """Return the offset of each partition's next record."""
    places = _places(topic)

    async def ends(consumer: AIOKafkaConsumer) -> dict[int, int]:
        return {place.partition: offset for place, offset in (await consumer.end_offsets(places)).items()}

    return _ask(bootstrap, places, ends)


def committed_of(bootstrap: str, topic: str, group: str) -> dict[int, int]:
    """Return the committed offsets of the consumer group."""
    places = _places(topic)

    async def committed(consumer: AIOKafkaConsumer) -> dict[int, int]:
        return {place.partition: await consumer.committed(place) or 0 for place in places}

    return _ask(bootstrap, places, committed, group=group)


def _acknowledged(line: str) -> Iterator[Acknowledged]:
    try:
        record = json.loads(line)
    except ValueError:
        return
    if record["message"].startswith(DELIVERED):
        at = datetime.fromisoformat(record["timestamp"]).timestamp()
        for reading in _objects(record["message"].removeprefix(DELIVERED)):
            yield Acknowledged(at, reading_of(reading))


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Parse JSON objects with a space between them."""
    decoder, place = json.JSONDecoder(), 0
    while place < len(text):
        found, place = decoder.raw_decode(text, place)
        yield found
        place += 1


def reading_of(value: dict[str, Any]) -> Reading:
    """Read the value of a record."""
    milliseconds = (datetime.fromisoformat(value["timestamp"]) - EPOCH) // timedelta(milliseconds=1)
    halves = (value.get("bp") or "-/-").split("/")
    systolic, diastolic = (None if half == "-" else float(half) for half in halves)
    signs = (
        value.get("pulse"),
        value.get("resp_rate"),
        systolic,
        diastolic,
        value.get("spo2"),
        value.get("temperature"),
    )
    return Reading(
        (value["patient_uuid"], milliseconds), tuple(None if sign is None else round(sign * 100) for sign in signs)
    )


def _places(topic: str) -> list[TopicPartition]:
    return [TopicPartition(topic, partition) for partition in range(PARTITIONS)]


def _ask(
    bootstrap: str,
    places: list[TopicPartition],
    question: Callable[[AIOKafkaConsumer], Awaitable[T]],
    *,
    group: str | None = None,
) -> T:
    async def ask() -> T:
        async with asyncio.timeout(30):
            consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
            try:
                await consumer.start()
                consumer.assign(places)
                return await question(consumer)
            finally:
                await consumer.stop()

    return asyncio.run(ask())
