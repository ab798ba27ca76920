"""Heartbeat of a topic's sink: how it is written, in one row, and read."""

from datetime import datetime
from typing import Final

from msgspec import Struct, structs
from sqlalchemy import text

from icu.store.engines.base import Connection, Transaction
from icu.store.readings import from_milliseconds

# Times that the sink does not know since its start stay as they are.
_WRITE: Final = text(
    "INSERT INTO heartbeats (topic, at, lag, away, away_since, degraded, committed, stored)"
    " VALUES (:topic, :at, :lag, :away, :away_since, :degraded, :committed, :stored) ON CONFLICT (topic) DO UPDATE SET"
    " at = excluded.at, lag = excluded.lag, away = excluded.away, away_since = excluded.away_since,"
    " degraded = excluded.degraded,"
    " committed = coalesce(excluded.committed, heartbeats.committed),"
    " stored = coalesce(excluded.stored, heartbeats.stored)"
)
_READ: Final = text(
    "SELECT at, lag, away, away_since, degraded, committed, stored FROM heartbeats ORDER BY at DESC LIMIT 1"
)


class Beat(Struct, frozen=True, gc=False):
    """Sign of life of a sink. Times are milliseconds since 1970 UTC."""

    at: int
    # Records of the topic that are not fetched yet.
    lag: int
    # Why no record can be read; None while some can.
    away: str | None = None
    away_since: int | None = None
    # Why some records cannot be read or sent; None while all can.
    degraded: str | None = None
    # Time since which the ward was blind, which ends with this one; None where it was not.
    blind_since: int | None = None


class Heartbeat(Struct, frozen=True):
    """Last sign of life of a sink, as stored."""

    at: datetime
    # Records of the topic that were not fetched then.
    lag: int
    # Why no record could be read; None if some could.
    away: str | None
    away_since: datetime | None
    # Why some records could not be read or sent; None if all could.
    degraded: str | None
    # Arrival of the last records whose offsets were moved, and of the last stored readings; None before the first.
    committed: datetime | None
    stored: datetime | None


async def write_beat(
    transaction: Transaction, topic: str, beat: Beat, *, committed: int | None, stored: int | None
) -> None:
    """Write a sign of life of the topic's sink.

    Args:
        transaction: Open transaction.
        topic: Topic of the sink.
        beat: The sign of life.
        committed: Arrival of the last records whose offsets were moved, in milliseconds; None keeps the stored time.
        stored: Likewise, of the last stored readings.
    """
    values = {"topic": topic, "committed": committed, "stored": stored, **structs.asdict(beat)}
    del values["blind_since"]  # a row of its own
    await transaction.execute(_WRITE, [values])


async def read_heartbeat(connection: Connection | Transaction) -> Heartbeat | None:
    """Read the last sign of life; None before the first."""
    rows = await connection.rows(_READ)
    if not rows:
        return None
    at, lag, away, away_since, degraded, committed, stored = rows[0]
    return Heartbeat(from_milliseconds(at), lag, away, _time(away_since), degraded, _time(committed), _time(stored))


def _time(count: int | None) -> datetime | None:
    return None if count is None else from_milliseconds(count)
