"""Rows a second into SQLite: the sink, beside the limit (bare sqlite3) and the naive service (ORM, commit a message).

A thousand patients send in turn, as in a ward, so that each batch touches a thousand places of the file. All write the
same readings, round by round: into new files, and into copies of one that is as large as a ward's after a day. The
limit writes rows that were made before, with the arrival that the sink gives them, in transactions as large as the
sink's, and nothing else. It is well set with a cache that holds those places, and a log that is brought in less often.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

import anyio
import numpy as np
from msgspec.structs import replace

from icu.messages import Delivery, Observation, Position, encode
from icu.sink.intake import decode_batches
from icu.sink.unread import Unread
from icu.sink.watching import Watching, load
from icu.store.heartbeats import Beat
from icu.store.writer import Writer, open_writer
from icu.store.writing.requests import WriteRequest
from icu.study.simulation import SIGNS, UNITS
from icu.transports.base import Batch
from tests.benchmarks.contest import Lap, Stopwatch, compare, tell
from tests.benchmarks.dataset import EVERY, INSERT, Values, data_set, introduce, new_database, rows, simulated

# Times in a transaction: 5,000 readings, as many as the sink takes at most.
BATCH: Final = 5
BATCHES: Final = 40
# Messages that the naive service stores in a round: it would take minutes for as many as the others.
NAIVE: Final = 2_000

AS_IT_COMES: Final = "bare, as SQLite comes"
WELL_SET: Final = "bare, well set"
STORE: Final = "sink: store"
STEADY: Final = "sink: store, steady ward"

DRAIN: Final = "sink: drain a steady ward"
PACE: Final = "sink: at a steady ward's pace"

# Readings in a transaction of a thousand patients who send every 5 s, where the broker gathers for 50 ms.
AT_ONCE: Final = 10
# Seconds of the ward.
PACED: Final = 25
HEALTHY: Final = {"pulse": 72, "resp_rate": 16, "sbp": 120, "dbp": 80, "spo2": 97, "temperature": 37, "map": 93}

_ALIKE: Final = ("synchronous = NORMAL", "foreign_keys = ON")
_DEFAULTS: Final = (*_ALIKE, "cache_size = -2000", "wal_autocheckpoint = 1000")
_WELL_SET: Final = (*_ALIKE, "cache_size = -65536", "wal_autocheckpoint = 10000")

# Stores one round's readings, which begin at this time, in this database.
Step: TypeAlias = Callable[[Path, datetime], Lap]


class Readings(NamedTuple):
    """Readings of one round."""

    uuids: Sequence[UUID]
    values: Values

    def batches(self, start: datetime) -> list[tuple[Values, datetime]]:
        """Return the rows of each transaction, and their first time."""
        return [
            (self.values[:, begin : begin + BATCH], start + timedelta(seconds=begin * EVERY))
            for begin in range(0, BATCHES * BATCH, BATCH)
        ]


def main(readings: int, rounds: int) -> None:
    """Print rows a second and ratios (goals: 75 % of the well set limit, and as fast on a large file within 15 %)."""
    data = data_set(readings)
    round_of = Readings(data.uuids(), simulated(data.patients, BATCHES * BATCH)[1])
    with tempfile.TemporaryDirectory(dir=data.path.parent) as scratch:
        empty = new_database(Path(scratch))
        with closing(sqlite3.connect(empty)) as connection, connection:
            introduce(connection, round_of.uuids)
        new = {name: on_new(empty, data.end, step) for name, step in steps(round_of).items()}
        large = {
            f"{name}, on {readings:,}": on_large(data.path, Path(scratch) / f"{place}.db", data.end, step)
            for place, (name, step) in enumerate(steps(round_of).items())
            if name in (AS_IT_COMES, WELL_SET, STORE)
        }
        everybody = {**new, **large, **naive_of(round_of, data.end, scratch)}
        laps = compare(rounds, everybody, beside=[WELL_SET, STORE, STEADY, DRAIN, PACE], unit="rows")
    print("\nThe same laps on the large file, beside the limit there")
    tell({name: laps[name] for name in large}, [f"{WELL_SET}, on {readings:,}"], unit="rows")


def steps(readings: Readings) -> dict[str, Step]:
    """Return the step of each contestant in a round."""
    calm = Readings(readings.uuids, steady(readings.values))
    return {
        AS_IT_COMES: partial(bare, _DEFAULTS, readings),
        WELL_SET: partial(bare, _WELL_SET, readings),
        STORE: partial(store, readings),
        "sink: store, with alarms": partial(store, readings, alarms=True),
        STEADY: partial(store, calm),
        "sink: store, with alarms, steady ward": partial(store, calm, alarms=True),
        DRAIN: partial(drain, calm),
        "sink: drain a steady ward, alarms": partial(drain, calm, alarms=True),
        PACE: partial(at_pace, calm),
        "sink: at a steady ward's pace, alarms": partial(at_pace, calm, alarms=True),
        "sink: decode and store": partial(decode_and_store, readings),
        "sink: decode": partial(decode, readings),
    }


def on_new(empty: Path, start: datetime, step: Step) -> Callable[[], Lap]:
    """Use a new file each time."""

    def run() -> Lap:
        with tempfile.TemporaryDirectory(dir=empty.parent) as folder:
            return step(Path(shutil.copy(empty, folder)), start)

    return run


def on_large(original: Path, copy: Path, start: datetime, step: Step) -> Callable[[], Lap]:
    """Use a large file, which grows from round to round."""
    shutil.copy(original, copy)  # with its mode: the sink warns of a file that others may read
    starts = (start + timedelta(seconds=number * BATCHES * BATCH * EVERY) for number in count())
    return lambda: step(copy, next(starts))


def naive_of(readings: Readings, start: datetime, scratch: str) -> dict[str, Callable[[], Lap]]:
    """Make the naive service, where pydantic is installed."""
    if find_spec("pydantic") is None:
        print("the naive service is left out, for want of pydantic: pip install -e '.[bench]'")
        return {}
    from tests.benchmarks import naive_sink  # noqa: PLC0415 - imports pydantic

    observations = [each for values, then in readings.batches(start) for each in made(readings.uuids, values, then)]
    messages = [record.value for record in encode(observations[:NAIVE])]

    def run() -> Lap:
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            url = f"sqlite:///{Path(folder) / 'icu.db'}"
            return anyio.run(naive_sink.store, url, readings.uuids, messages)

    return {"naive: ORM, commit a message, in WAL": run}


def bare(pragmas: Sequence[str], readings: Readings, path: Path, start: datetime) -> Lap:
    """Run the limit."""
    prepared = []
    for values, then in readings.batches(start):
        arrived = arrival(then)
        prepared.append([(*row[:-2], arrived - (row[1] or 0), row[-1]) for row in rows(values, then)])
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
        watch = Stopwatch()
        for batch in prepared:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(INSERT, batch)
            connection.execute("COMMIT")
        return watch.lap(sum(map(len, prepared)))


def store(readings: Readings, path: Path, start: datetime, *, alarms: bool = False) -> Lap:
    """Store observed values in the sink's transaction, with offsets and journal, and evaluate them."""
    fetched = as_fetched(readings, start)
    requests = [decode_batches([each]).request for each in fetched]
    return anyio.run(partial(written, alarms=alarms), path, start, lambda place: requests[place], fetched)


def decode_and_store(readings: Readings, path: Path, start: datetime) -> Lap:
    """Decode and store bytes. One record in a thousand is no observation and becomes a dead letter."""
    fetched = as_fetched(readings, start, bad_every=1_000)
    return anyio.run(written, path, start, lambda place: decode_batches([fetched[place]]).request, fetched)


def drain(readings: Readings, path: Path, start: datetime, *, alarms: bool = False) -> Lap:
    """Decode and store what a ward has sent before the sink came: all of it is history."""
    fetched = [replace(each, more=True) for each in as_fetched(readings, start)]
    back = start + timedelta(seconds=BATCHES * BATCH * EVERY)
    run = partial(written, alarms=alarms, back=back)
    return anyio.run(run, path, start, lambda place: decode_batches([fetched[place]]).request, fetched)


def decode(readings: Readings, _path: Path, start: datetime) -> Lap:
    """Decode bytes to observed values, of which rows are made."""
    fetched = as_fetched(readings, start)
    watch = Stopwatch()
    return watch.lap(sum(len(decode_batches([each]).request.observed) for each in fetched))


async def written(
    path: Path,
    start: datetime,
    request: Callable[[int], WriteRequest],
    fetched: Sequence[Batch],
    *,
    alarms: bool = False,
    back: datetime | None = None,
) -> Lap:
    """Take in and write all batches; the first one, in which everybody is new, is not measured.

    Each arrives with its last reading, or all at the time `back`.
    """
    async with open_writer(f"sqlite:///{path}", topic="bench") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        watching, _ = await load(writer, Unread(), arrival(start))
        watch = Stopwatch()
        for place in range(len(fetched)):
            if place == 1:
                watch = Stopwatch()
            arrived = arrival(back or start + timedelta(seconds=place * BATCH * EVERY))
            watching.begin()
            await writer.write(request(place), arrived=arrived, evaluator=watching if alarms else None)
            watching.install()
            await tick(writer, watching, arrived)
        return watch.lap(sum(len(each.deliveries) for each in fetched[1:]))


def at_pace(readings: Readings, path: Path, start: datetime, *, alarms: bool = False) -> Lap:
    """Decode and store readings as a ward sends them: few in each transaction."""
    observations = made(readings.uuids, readings.values[:, : PACED // EVERY + 1], start)
    deliveries = [Delivery(0, place, each.key, each.value) for place, each in enumerate(encode(observations))]
    fetched = [
        Batch(0, deliveries[place : place + AT_ONCE], place, Position(place + AT_ONCE, "m"), more=False)
        for place in range(0, len(deliveries), AT_ONCE)
    ]
    return anyio.run(partial(paced, alarms=alarms), path, start, len(readings.uuids), fetched)


async def paced(path: Path, start: datetime, patients: int, fetched: Sequence[Batch], *, alarms: bool) -> Lap:
    """Take in and write batches as they come; the first readings of all, which are new, are not measured."""
    async with open_writer(f"sqlite:///{path}", topic="bench") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        begin = round(start.timestamp() * 1000)
        watching, _ = await load(writer, Unread(), begin)
        watch = Stopwatch()
        for place, batch in enumerate(fetched):
            if place == patients // AT_ONCE:
                watch = Stopwatch()
            arrived = begin + 100 + 1000 * EVERY * place * AT_ONCE // patients
            watching.begin()
            request = decode_batches([batch]).request
            await writer.write(request, arrived=arrived, evaluator=watching if alarms else None)
            watching.install()
            await tick(writer, watching, arrived)
        return watch.lap(len(fetched) * AT_ONCE - patients)


async def tick(writer: Writer, watching: Watching, now: int) -> None:
    """Pass the deadlines, as the sink does behind each batch."""
    if watching.due is not None and watching.due <= now:
        watching.begin()
        if watching.tick(now):
            await writer.write_effects(watching.effects, Beat(now, 0))
        watching.install()


def steady(values: Values) -> Values:
    """Make the readings of patients as many, in whom nothing happens: healthy signs that move a little."""
    usual = np.array([HEALTHY[name] for name in SIGNS], dtype=values.dtype)
    units = np.array(UNITS, dtype=values.dtype)
    moves = np.random.default_rng(1).integers(-1, 2, size=values.shape, dtype=values.dtype)
    return (usual * units + moves).astype(values.dtype)


def arrival(start: datetime) -> int:
    """Compute the time at which the last reading of a batch has just arrived, in milliseconds since 1970."""
    return round((start + timedelta(seconds=(BATCH - 1) * EVERY + 0.1)).timestamp() * 1_000)


def as_fetched(readings: Readings, start: datetime, *, bad_every: int = 0) -> list[Batch]:
    """Make the deliveries of the observations, as the transport returns them."""
    fetched = []
    offset = 0
    for values, then in readings.batches(start):
        deliveries = [
            Delivery(0, offset + place, record.key, b"{" if bad_every and place % bad_every == 0 else record.value)
            for place, record in enumerate(encode(made(readings.uuids, values, then)))
        ]
        fetched.append(Batch(0, deliveries, offset, Position(offset + len(deliveries), "m"), more=False))
        offset += len(deliveries)
    return fetched


def made(uuids: Sequence[UUID], values: Values, start: datetime) -> list[Observation]:
    """Make the observations of all patients at each time, in turn."""
    observations = []
    for number in range(values.shape[1]):
        moment = start + timedelta(seconds=number * EVERY)
        for place, (uuid, signs) in enumerate(zip(uuids, values[:, number].tolist(), strict=True), start=1):
            measured = {
                name: None if sign < 0 else sign / unit if unit > 1 else sign
                for name, sign, unit in zip(SIGNS, signs, UNITS, strict=True)
            }
            systolic, diastolic = measured.pop("sbp"), measured.pop("dbp")
            observations.append(
                Observation(
                    patient_uuid=uuid,
                    timestamp=moment,
                    patient_name=f"Patient {place}",
                    bp=None if systolic is None or diastolic is None else f"{systolic}/{diastolic}",
                    interval=EVERY,
                    schema_version=1,
                    **measured,
                )
            )
    return observations
