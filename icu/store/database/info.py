"""Figures of a database: size, content, growth, and how far its upkeep has come."""

from collections.abc import Hashable
from datetime import datetime
from typing import Final

from msgspec import Struct
from sqlalchemy import text

from icu.store import schema
from icu.store.engines.base import Connection, Engine, Storage
from icu.store.heartbeats import read_heartbeat
from icu.store.readings import from_milliseconds
from icu.store.upkeep_state import UpkeepState, read_upkeep_state

HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR

# Bytes of a database whose readings are counted, in a second; those of a larger one are estimated.
COUNTED: Final = 256_000_000

# Patients whose readings are sampled for an estimate, where there are so many; less than twice as many are.
SAMPLED: Final = 100

# Readings from which the bytes of one are told: a new database is mostly empty pages.
_ENOUGH: Final = 1_000

_SPANS: Final = (
    "SELECT patients.id, (SELECT timestamp FROM patient_metrics WHERE patient_id = patients.id"
    " AND timestamp >= :since AND timestamp < :until ORDER BY timestamp LIMIT 1) AS first,"
    " (SELECT timestamp FROM patient_metrics WHERE patient_id = patients.id"
    " AND timestamp >= :since AND timestamp < :until ORDER BY timestamp DESC LIMIT 1) AS last FROM patients"
)
_COUNT: Final = text(
    "SELECT count(timestamp) FROM patients LEFT JOIN patient_metrics ON patient_id = patients.id"
    " AND timestamp >= :since AND timestamp < :until"
)
_ENDS: Final = text(f"SELECT min(first), max(last), coalesce(sum(last - first), 0) FROM ({_SPANS}) AS spans")  # noqa: S608 - names of our own
# Time and readings of some patients: a tenth of the time for each hour that is counted, or less where it is shorter.
_SAMPLE: Final = text(
    "WITH RECURSIVE parts (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM parts WHERE number < 9),"  # noqa: S608 - names of our own
    f" spans AS (SELECT id, first, (last - first) / 10 AS step FROM ({_SPANS} WHERE patients.id % :every = 0) AS one),"
    f" widths AS (SELECT *, CASE WHEN step < {HOUR} THEN step ELSE {HOUR} END AS width FROM spans WHERE step > 0),"
    " counts AS (SELECT step, width, (SELECT count(*) FROM patient_metrics WHERE patient_id = widths.id"
    " AND timestamp >= first + number * step AND timestamp < first + number * step + width) AS count"
    " FROM widths, parts)"
    " SELECT coalesce(sum(step), 0), coalesce(sum(1.0 * count * step / width), 0) FROM counts"
)
_CONTENT: Final = text(
    "SELECT (SELECT count(*) FROM patients), (SELECT count(*) FROM dead_letters), (SELECT count(*) FROM late_hours),"
    " (SELECT count(*) FROM journal), (SELECT coalesce(max(batch) - min(batch), 0) FROM journal)"
)
# Milliseconds since 1970, before and behind all that can be stored.
_BEFORE_ALL: Final = -(2**62)
_BEHIND_ALL: Final = 2**62


class DatabaseInfo(Struct, frozen=True):
    """Figures of a database. Times are UTC."""

    location: str
    # Of the tables.
    version: str
    storage: Storage
    patients: int
    readings: int
    # True where the readings were not counted, but estimated from some hours of some patients.
    estimated: bool
    # None where there are no readings.
    oldest: datetime | None
    newest: datetime | None
    # Whole database by its readings; None where there are too few.
    bytes_per_reading: float | None
    # Bytes a day, from the readings of the last 24 hours; None where they are too few.
    growth: float | None
    # Until the disk is full, if nothing is deleted; None where growth or disk are unknown.
    days_left: float | None
    # None before the first roll-ups.
    rolled_until: datetime | None
    # Hours of patients that wait for new roll-ups.
    late_hours: int
    # What lies before them is deleted; None where nothing was.
    raw_horizon: datetime | None
    minute_horizon: datetime | None
    hour_horizon: datetime | None
    # Last sign of life of the upkeep, and of the sink; None before the first.
    upkeep_seen: datetime | None
    sink_seen: datetime | None
    dead_letters: int
    # Entries of the journal, and readings in it.
    journal_entries: int
    journal_readings: int
    # Partitions of readings between those of the past and of the time ahead; None where one table holds them all.
    days: int | None
    # Begin of the last complete backup; None where there was none.
    backed_up: datetime | None


async def describe(engine: Engine, connection: Connection, storage: Storage, now: int) -> DatabaseInfo:
    """Describe a database in a second or two, however large it is.

    Args:
        engine: Its engine.
        connection: Connection for reading.
        storage: What it takes on the disk.
        now: Milliseconds since 1970 UTC.

    Raises:
        SchemaError: The tables are missing, or of a version that this program cannot read.
    """
    await schema.check(connection, engine.location)
    [(patients, dead_letters, late_hours, entries, journalled)] = await connection.rows(_CONTENT)
    estimated = storage.size > COUNTED
    every = max(1, patients // SAMPLED) if estimated else None
    readings, oldest, newest = await _readings(connection, _BEFORE_ALL, _BEHIND_ALL, every)
    recent, _, _ = await _readings(connection, now - DAY, now, every)
    cost = (storage.content - storage.unused) / readings if readings >= _ENOUGH else None
    growth = _growth(recent, cost, now, oldest)
    room = None if storage.disk is None else storage.disk + storage.unused
    heartbeat = await read_heartbeat(connection)
    state = await read_upkeep_state(connection)
    return DatabaseInfo(
        location=engine.location,
        version=await schema.read_version(connection) or "",
        storage=storage,
        patients=patients,
        readings=readings,
        estimated=estimated,
        oldest=_time(oldest),
        newest=_time(newest),
        bytes_per_reading=cost,
        growth=growth,
        days_left=room / growth if growth and room is not None else None,
        late_hours=late_hours,
        sink_seen=None if heartbeat is None else heartbeat.at,
        dead_letters=dead_letters,
        journal_entries=entries,
        journal_readings=journalled,
        days=await _days(engine),
        **_upkeep(state),
    )


async def _days(engine: Engine) -> int | None:
    parts = await engine.parts()
    return None if parts is None else sum(None not in {each.since, each.until} for each in parts)


def _upkeep(state: UpkeepState) -> dict[str, datetime | None]:
    return {
        "rolled_until": _time(state.rolled_until),
        "raw_horizon": _time(state.raw_horizon),
        "minute_horizon": _time(state.minute_horizon),
        "hour_horizon": _time(state.hour_horizon),
        "upkeep_seen": _time(state.looked),
        "backed_up": _time(state.backed_up),
    }


async def _readings(
    connection: Connection, since: int, until: int, every: int | None
) -> tuple[int, int | None, int | None]:
    """Return the number of readings in a span, counted or estimated from each `every`th patient, and its ends."""
    values: dict[str, Hashable] = {"since": since, "until": until}
    [(first, last, time)] = await connection.rows(_ENDS, values)
    if every is None:
        [(count,)] = await connection.rows(_COUNT, values)
        return count, first, last
    [(sampled, found)] = await connection.rows(_SAMPLE, {**values, "every": every})
    return round(found * time / sampled) if sampled else 0, first, last


def _growth(recent: int, cost: float | None, now: int, oldest: int | None) -> float | None:
    """Return bytes a day; None where the readings of less than an hour would have to tell it."""
    if cost is None or oldest is None or not recent:
        return None
    span = min(DAY, now - oldest)
    return None if span < HOUR else recent * cost * DAY / span


def _time(count: int | None) -> datetime | None:
    return None if count is None else from_milliseconds(count)
