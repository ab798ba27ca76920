"""Store observations without a sink, and read the file as another program does."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from icu.alarms.episodes import Episode, episode_id
from icu.messages import Observation, Position, Refusal
from icu.store import episodes
from icu.store.engines.table import engine_of
from icu.store.offsets import Move
from icu.store.reader import Page
from icu.store.readings import ObservedRow, Reading, to_observed, to_reading
from icu.store.requests import WriteRequest, WriteResult
from icu.store.tables import COLUMNS
from icu.store.writer import Writer
from tests.samples import ANNA, START, delivery

NOON = round(START.timestamp() * 1000)

# The patients change their keys, 1 and 2.
EXCHANGED = """
UPDATE patient_metrics SET patient_id = patient_id + 10; UPDATE patients SET id = id + 10;
UPDATE patient_metrics SET patient_id = 13 - patient_id; UPDATE patients SET id = 13 - id;
"""

# Makes the writer's journal that of a sink of an older version, which has no entries of patients and does not say so:
# ["readings", columns, rows] for ["readings", columns, rows, true].
OLDER_SINK = f"""
CREATE TRIGGER older_sink AFTER INSERT ON journal BEGIN
  DELETE FROM journal WHERE batch = NEW.batch AND substr(NEW.payload, 2, 9) = X'a8{b"patients".hex()}';
  UPDATE journal SET payload = CAST(X'93' || substr(NEW.payload, 2, length(NEW.payload) - 2) AS BLOB)
    WHERE batch = NEW.batch;
END
"""


class Offsets:
    """Offsets of the partition, which go on from one example to the next."""

    def __init__(self) -> None:
        self._next = 0

    def take(self, count: int) -> int:
        """Take so many; returns the first of them."""
        self._next += count
        return self._next - count


def connected(url: str) -> sqlite3.Connection:
    """Open another program's connection, which never waits for a lock and begins no transaction by itself."""
    return sqlite3.connect(url.removeprefix("sqlite:///"), timeout=0, isolation_level=None)


def execute(url: str, sql: str) -> None:
    """Run and commit one statement of another program."""
    with closing(connected(url)) as connection:
        connection.execute(sql)


def restored(url: str, script: str) -> None:
    """Restore another database into this one by SQLite itself: a copy of it, changed."""
    with closing(sqlite3.connect(":memory:")) as other, closing(connected(url)) as target:
        target.backup(other)
        other.executescript(script)
        other.backup(target)


def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    """Read rows as another program does."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def readings_of(page: Page) -> list[Reading]:
    """The readings of a page, one by one."""
    columns = {"patient_id": [0] * len(page.readings["timestamp"]), **page.readings}
    return [to_reading(row) for row in zip(*(columns[name] for name in COLUMNS), strict=True)]


async def store(
    writer: Writer,
    observations: Sequence[Observation],
    *,
    start: int = 0,
    refusals: Sequence[Refusal] = (),
    arrived: int = NOON,
) -> WriteResult:
    """Store the observations as offsets `start` and following of partition 0."""
    return await writer.write(request(observations, start=start, refusals=refusals), arrived=arrived)


def request(observations: Sequence[Observation], *, start: int = 0, refusals: Sequence[Refusal] = ()) -> WriteRequest:
    """Make the request to store the observations as offsets `start` and following of partition 0."""
    deliveries = [delivery(each, offset=start + index) for index, each in enumerate(observations)]
    end = start + len(observations) + len(refusals)
    move = Move(0, start, Position(end, "m"))
    return WriteRequest(observed(*observations), deliveries, refusals, [move])


def observed(*observations: Observation) -> list[ObservedRow]:
    """The values of observations, as the sink decodes them."""
    return [to_observed(each, each.patient_uuid.int) for each in observations]


def older(path: Path, version: str) -> None:
    """Make the tables of an older program."""
    engine = create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", "icu.store:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
    engine.dispose()


async def put_alarm(url: str, episode: Episode) -> None:
    """Store an episode as the sink does."""
    engine = engine_of(url)
    try:
        await engine.transact(lambda transaction: episodes.insert(transaction, episode))
    finally:
        await engine.aclose()


async def alarm_in(url: str, identity: UUID) -> Episode | None:
    """Read an episode."""
    engine = engine_of(url)
    try:
        return await engine.transact(lambda transaction: episodes.episode(transaction, identity))
    finally:
        await engine.aclose()


def desaturation(**fields: Any) -> Episode:
    """Make an episode of Anna's: SpO2 below 90 since noon, raised 15 s later, and it sounds."""
    values: dict[str, Any] = {
        "presence": "present",
        "signal": "on",
        "tier": 0,
        "onsets": (NOON, None),
        "dues": (None, None),
        "raised": NOON + 15_000,
        "value": 8_900,
        "limit": 9_000,
        "worst": 8_850,
        "seen": 1,
    }
    return Episode(
        id=episode_id(ANNA, "spo2.low", NOON, NOON),
        patient=ANNA,
        condition="spo2.low",
        onset=NOON,
        **{**values, **fields},
    )
