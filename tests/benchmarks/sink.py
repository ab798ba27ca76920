"""Rows a second into SQLite: the sink, beside the limit (bare sqlite3) and the obvious service (ORM, commit a message).

All write the same readings to files of their own on the same disk, round by round, so that a noisy machine hurts all.
"""

import json
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from statistics import median

import anyio
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from icu.bootstrap.process import tune_the_interpreter
from icu.messages import Delivery, Observation, Position, encode, uuid_of_name
from icu.sink.intake import decode_batches
from icu.store.engines.sqlite.transaction import INSERT_METRICS
from icu.store.readings import to_rows, to_values
from icu.store.tables import Patient, PatientMetric
from icu.store.writer import Intake, Writer, open_writer
from icu.transports.base import Batch
from tests.samples import START, observation

PATIENTS = 100
BATCH = 5_000
BATCHES = 10
ROUNDS = 5
NAIVE = 300
"""Messages that the naive service stores in a round: it would take minutes for as many as the others."""


def main() -> None:
    """Print rows a second and ratios."""
    anyio.run(compare)


async def compare() -> None:
    """Run all contestants in turn, several rounds."""
    speeds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        await store_only(f"sqlite:///{folder}/icu.db", [readings(0)[:BATCH]])
    tune_the_interpreter()  # as every role does, once everything is loaded
    for number in range(ROUNDS):
        observations = readings(number)
        batches = [observations[begin : begin + BATCH] for begin in range(0, len(observations), BATCH)]
        for name, contestant in CONTESTANTS.items():
            with tempfile.TemporaryDirectory() as folder:
                speeds.setdefault(name, []).append(await contestant(f"sqlite:///{folder}/icu.db", batches))
    limit, *_, slowest = (median(each) for each in speeds.values())
    for name, found in speeds.items():
        speed = median(found)
        ratios = f"{speed / limit:>7.1%} of bare sqlite3  {speed / slowest:>6.0f} x naive"
        print(f"{name:30} {speed:>9,.0f} rows/s  {ratios}")


def readings(number: int) -> list[Observation]:
    """Readings of all patients, in the order of time."""
    patients = [uuid_of_name(f"patient {n}") for n in range(PATIENTS)]
    return [
        observation(number * 10_000 + second, patient=patient, pulse=60 + second % 40)
        for second in range(BATCH * BATCHES // PATIENTS)
        for patient in patients
    ]


async def raw(url: str, batches: Sequence[Sequence[Observation]]) -> float:
    """The limit: rows made beforehand, one executemany and one transaction for each batch, same table and pragmas."""
    async with open_writer(url, topic="bench"):
        """Makes the tables."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")
    uuids = [uuid_of_name(f"patient {n}") for n in range(PATIENTS)]
    connection.executemany("INSERT INTO patients (uuid) VALUES (?)", [(str(uuid),) for uuid in uuids])
    keys = {uuid.int: number for number, uuid in enumerate(uuids, start=1)}
    prepared = [to_values(to_rows(batch, keys, 0)) for batch in batches]
    began = time.perf_counter()
    for rows in prepared:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(INSERT_METRICS, rows)
        connection.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    return sum(map(len, batches)) / seconds


async def store_only(url: str, batches: Sequence[Sequence[Observation]]) -> float:
    """The sink's transaction, with offsets and journal, on observations that are decoded already."""
    fetched = as_fetched(batches)
    intakes = [decode_batches([each]).intake for each in fetched]
    return await written(url, lambda place: intakes[place], fetched)


async def decode_and_store(url: str, batches: Sequence[Sequence[Observation]]) -> float:
    """Bytes in, commit out. One record in a thousand is no observation and becomes a dead letter."""
    fetched = as_fetched(batches, bad_every=1_000)
    return await written(url, lambda place: decode_batches([fetched[place]]).intake, fetched)


async def written(url: str, intake: Callable[[int], Intake], fetched: Sequence[Batch]) -> float:
    """Records a second."""
    async with open_writer(url, topic="bench") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        began = time.perf_counter()
        for place in range(len(fetched)):
            await write(writer, intake(place))
        return sum(len(each.deliveries) for each in fetched) / (time.perf_counter() - began)


async def write(writer: Writer, intake: Intake) -> None:
    """One transaction, with the arrival time of its first reading."""
    await writer.write(intake, arrived=round((START + timedelta(days=1)).timestamp() * 1000))


def as_fetched(batches: Sequence[Sequence[Observation]], *, bad_every: int = 0) -> list[Batch]:
    """The observations as the transport delivers them."""
    fetched = []
    offset = 0
    for batch in batches:
        deliveries = [
            Delivery(0, offset + place, record.key, b"{" if bad_every and place % bad_every == 0 else record.value)
            for place, record in enumerate(encode(batch))
        ]
        fetched.append(Batch(0, deliveries, offset, Position(offset + len(deliveries), "m")))
        offset += len(deliveries)
    return fetched


async def naive(url: str, batches: Sequence[Sequence[Observation]]) -> float:
    """What the brief suggests: parse, look the patient up, add an ORM object, commit; SQLite as it comes."""
    async with open_writer(url, topic="bench"):
        """Makes the tables."""
    messages = [record.value for record in encode(batches[0][:NAIVE])]
    engine = create_async_engine(url.replace("sqlite:", "sqlite+aiosqlite:"))
    known: dict[str, int] = {}
    began = time.perf_counter()
    for value in messages:
        fields = json.loads(value)
        async with AsyncSession(engine) as session:
            if fields["patient_uuid"] not in known:
                patient = Patient(uuid=fields["patient_uuid"], name=fields["patient_name"])
                session.add(patient)
                await session.flush()
                known[fields["patient_uuid"]] = patient.id
            systolic, diastolic = (int(half) * 100 for half in fields["bp"].split("/"))
            session.add(
                PatientMetric(
                    patient_id=known[fields["patient_uuid"]],
                    timestamp=round(datetime.fromisoformat(fields["timestamp"]).timestamp() * 1000),
                    pulse=fields["pulse"] * 100,
                    resp_rate=fields["resp_rate"] * 100,
                    systolic=systolic,
                    diastolic=diastolic,
                    spo2=fields["spo2"] * 100,
                    temperature=round(fields["temperature"] * 100),
                    lag=0,
                )
            )
            await session.commit()
    seconds = time.perf_counter() - began
    await engine.dispose()
    return len(messages) / seconds


CONTESTANTS: dict[str, Callable[[str, Sequence[Sequence[Observation]]], Awaitable[float]]] = {
    "bare sqlite3 executemany": raw,
    "sink: store": store_only,
    "sink: decode and store": decode_and_store,
    "naive: ORM, commit a message": naive,
}
