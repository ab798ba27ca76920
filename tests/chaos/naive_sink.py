"""A sink as it must not be: the consumer group commits by itself, and rows are inserted one by one.

The mutation check of the chaos test: a checker that passes this one proves nothing. python naive_sink.py ADDRESS TOPIC
FILE.
"""

import asyncio
import json
import sqlite3
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

GROUP = "naive"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TABLES = """
CREATE TABLE IF NOT EXISTS patients (id TEXT PRIMARY KEY, uuid TEXT);
CREATE TABLE IF NOT EXISTS patient_metrics (
    patient_id TEXT, timestamp INTEGER, pulse INTEGER, resp_rate INTEGER, systolic INTEGER, diastolic INTEGER,
    spo2 INTEGER, temperature INTEGER
);
CREATE TABLE IF NOT EXISTS dead_letters (reason TEXT);
CREATE TABLE IF NOT EXISTS consumer_offsets (partition INTEGER, next INTEGER);
"""


async def main(bootstrap: str, topic: str, path: str) -> None:
    """Store the records of the topic, and begin again after an error."""
    database = sqlite3.connect(path)
    # The journal of a killed process could be rolled back by no reader.
    database.execute("PRAGMA journal_mode = wal")
    database.executescript(TABLES)
    while True:
        with suppress(KafkaError):
            await consume(database, bootstrap, topic)
        await asyncio.sleep(0.5)


async def consume(database: sqlite3.Connection, bootstrap: str, topic: str) -> None:
    """Store records until there is an error."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=GROUP,
        auto_offset_reset="earliest",
        session_timeout_ms=6_000,
        heartbeat_interval_ms=500,
    )
    try:
        await consumer.start()
        async for record in consumer:
            insert(database, json.loads(record.value))
    finally:
        await consumer.stop()


def insert(database: sqlite3.Connection, reading: dict[str, object]) -> None:
    """Insert one row in a transaction of its own."""
    patient = reading["patient_uuid"]
    systolic, diastolic = str(reading["bp"]).split("/")
    values = [reading["pulse"], reading["resp_rate"], systolic, diastolic, reading["spo2"], reading["temperature"]]
    milliseconds = (datetime.fromisoformat(str(reading["timestamp"])) - EPOCH) // timedelta(milliseconds=1)
    database.execute("INSERT OR IGNORE INTO patients VALUES (?, ?)", (patient, patient))
    database.execute(
        "INSERT INTO patient_metrics VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (patient, milliseconds, *(round(float(str(value)) * 100) for value in values)),
    )
    database.commit()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
