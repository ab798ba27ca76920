"""Heartbeats of a topic's sinks: how they are written, a row for each sink, and read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct, structs
from sqlalchemy import text

from icu.alarms.blind import BLIND_AFTER
from icu.store.engines.base import Connection, Transaction
from icu.store.readings import from_milliseconds

# Times that the sink does not know since its start stay as they are.
_WRITE: Final = text(
    "INSERT INTO heartbeats (topic, member, run, taken, at, lag, away, away_since, degraded, committed, stored)"
    " VALUES (:topic, :member, :run, 0, :at, :lag, :away, :away_since, :degraded, :committed, :stored)"
    " ON CONFLICT (topic, member) DO UPDATE SET"
    " at = excluded.at, lag = excluded.lag, away = excluded.away, away_since = excluded.away_since,"
    " degraded = excluded.degraded,"
    " committed = coalesce(excluded.committed, heartbeats.committed),"
    " stored = coalesce(excluded.stored, heartbeats.stored)"
)
_READ: Final = text(
    "SELECT at, lag, away, away_since, degraded, committed, stored, member, partitions, run FROM heartbeats"
    " WHERE at > 0 AND topic = (SELECT topic FROM heartbeats ORDER BY at DESC LIMIT 1) ORDER BY at DESC"
)
_OTHERS: Final = text(
    "SELECT max(CASE WHEN away_since < at THEN away_since ELSE at END) FROM heartbeats"
    " WHERE topic = :topic AND member <> :member"
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
    # Name of the sink among those of its topic; empty where there is one.
    member: str = ""
    # Partitions that it reads; None where it shares them with nobody.
    partitions: tuple[int, ...] | None = None
    # Number of its process.
    run: int = 0

    @property
    def seeing(self) -> datetime:
        """Last time at which it could read the topic, as far as it says."""
        return self.at if self.away_since is None else min(self.at, self.away_since)


class Sender(Struct, frozen=True):
    """Sink whose signs of life are stored: its topic, its name among the sinks of that, and its process."""

    topic: str
    member: str = ""
    run: int = 0


async def write_beat(
    transaction: Transaction, sender: Sender, beat: Beat, *, committed: int | None, stored: int | None
) -> None:
    """Write a sign of life of a sink.

    Args:
        transaction: Open transaction.
        sender: The sink.
        beat: The sign of life.
        committed: Arrival of the last records whose offsets were moved, in milliseconds; None keeps the stored time.
        stored: Likewise, of the last stored readings.
    """
    values = {**structs.asdict(sender), "committed": committed, "stored": stored, **structs.asdict(beat)}
    del values["blind_since"]  # a row of its own
    await transaction.execute(_WRITE, [values])


async def blind_with_others(transaction: Transaction, sender: Sender, beat: Beat) -> int | None:
    """Return the time since which the whole ward was blind, where this sink was; None if another one could read.

    Args:
        transaction: Open transaction.
        sender: The sink.
        beat: Its sign of life, not yet written.
    """
    if beat.blind_since is None:
        return None
    [(seen,)] = await transaction.rows(_OTHERS, {"topic": sender.topic, "member": sender.member})
    since = max(beat.blind_since, seen or 0)
    return since if beat.at - since >= BLIND_AFTER else None


async def read_heartbeats(connection: Connection | Transaction) -> Sequence[Heartbeat]:
    """Read the last sign of life of each sink, the latest first."""
    return [_heartbeat(*row) for row in await connection.rows(_READ)]


async def read_heartbeat(connection: Connection | Transaction) -> Heartbeat | None:
    """Read the last sign of life of the sink that could read the topic last; None before the first of any."""
    return max(await read_heartbeats(connection), key=lambda each: each.seeing, default=None)


def _heartbeat(
    at: int,
    lag: int,
    away: str | None,
    away_since: int | None,
    degraded: str | None,
    committed: int | None,
    stored: int | None,
    member: str,
    partitions: str | None,
    run: int,
) -> Heartbeat:
    read = None if partitions is None else msgspec.json.decode(partitions, type=tuple[int, ...])
    times = from_milliseconds(at), _time(away_since), _time(committed), _time(stored)
    return Heartbeat(times[0], lag, away, times[1], degraded, *times[2:], member, read, run)


def _time(count: int | None) -> datetime | None:
    return None if count is None else from_milliseconds(count)
