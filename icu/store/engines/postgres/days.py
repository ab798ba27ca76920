"""Readings by day: partitions that are made ahead, and dropped as a whole once they are old.

`patient_metrics` has three kinds of them: `past` for all before the first day, one for each day in UTC, and `ahead` for
all behind the last. None is the server's default partition: with one it does not read the days in their order, and the
latest reading of a patient takes a look into each.

Both changes want the table for themselves. While they wait for it, everybody else waits behind them: so they wait for
200 ms at most, and are tried again later.
"""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

from psycopg import errors, sql

from icu.store.engines.partitions import Part
from icu.store.engines.postgres.address import Address
from icu.store.engines.postgres.connections import Driver, Session, opened
from icu.store.engines.postgres.locks import DAYS, SPACE
from icu.store.errors import StoreBusyError, StoreDeniedError
from icu.store.tables.readings import COLUMNS

DAY: Final = 86_400_000

# Whole days that are made ahead of the present one.
MADE_AHEAD: Final = 7

# Days that are made in one transaction at most.
_MOST: Final = 30

# Milliseconds for which others may have to wait.
LOCK_TIMEOUT: Final = 200

NAME: Final = "icu-days"

_TABLE: Final = "patient_metrics"
_PAST: Final = f"{_TABLE}_past"
_AHEAD: Final = f"{_TABLE}_ahead"

# What the migrations made becomes `ahead`, and holds all until the first days are made.
PARTITION: Final = (
    f"ALTER TABLE {_TABLE} RENAME TO {_AHEAD}",
    f"ALTER TABLE {_AHEAD} RENAME CONSTRAINT {_TABLE}_pkey TO {_AHEAD}_pkey",
    f"CREATE TABLE {_TABLE} (LIKE {_AHEAD} INCLUDING ALL) PARTITION BY RANGE (timestamp)",
    f"ALTER TABLE {_TABLE} ATTACH PARTITION {_AHEAD} FOR VALUES FROM (MINVALUE) TO (MAXVALUE)",
)

_PARTS: Final = (
    b"SELECT relname, pg_get_expr(relpartbound, oid) FROM pg_inherits JOIN pg_class ON oid = inhrelid"
    b" WHERE inhparent = to_regclass('patient_metrics')"
)
_BOUNDS: Final = re.compile(r"FROM \((?:'(-?\d+)'|MINVALUE)\) TO \((?:'(-?\d+)'|MAXVALUE)\)")
_HOLDER: Final = (
    b"SELECT pid, application_name FROM pg_locks JOIN pg_stat_activity USING (pid)"
    b" WHERE relation = to_regclass('patient_metrics') AND granted AND pid <> pg_backend_pid()"
    b" ORDER BY xact_start LIMIT 1"
)
_WAIT_BRIEFLY: Final = f"SET LOCAL lock_timeout = {LOCK_TIMEOUT}".encode()


async def read_parts(session: Driver | Session) -> list[Part]:
    """Read the partitions, in the order of their times."""
    rows = await session.rows(_PARTS) if isinstance(session, Session) else await _rows(session, _PARTS)
    return sorted((_part(*row) for row in rows), key=lambda part: (part.since is not None, part.since))


async def make_days(address: Address, now: int, since: int | None) -> None:
    """Make the days to come: see icu.store.engines.base.Engine.make_room. Errors are the driver's."""
    async with _changing(address) as driver:
        parts = await read_parts(driver)
        if borders := borders_of(parts, now, since):
            await _split(driver, parts[-1].since, borders)


async def drop_days(address: Address, until: int) -> int:
    """Drop days that are over: see icu.store.engines.base.Engine.drop_before. Errors are the driver's."""
    async with _changing(address) as driver:
        parts = await read_parts(driver)
        due = due_before(parts, until)
        if due:
            # All in `past` is older than these days.
            gone = [each.name for each in parts if each.since is None or each in due]
            await _run(driver, "DROP TABLE {}", sql.SQL(", ").join(map(sql.Identifier, gone)))
            await _add(driver, _PAST, None, due[-1].until)
        return len(due)


def due_before(parts: Sequence[Part], until: int) -> list[Part]:
    """Find the days that end at a time, or before it."""
    return [each for each in parts if each.since is not None and each.until is not None and each.until <= until]


def lacks_days(parts: Sequence[Part], now: int) -> bool:
    """Tell if the present day, or the next one, has no partition of its own."""
    return bool(borders_of(parts, now - (MADE_AHEAD - 1) * DAY))


def borders_of(parts: Sequence[Part], now: int, since: int | None = None) -> list[int]:
    """Find where to split `ahead`: what lies before the first border gets a partition, and `ahead` begins at the last.

    Args:
        parts: The partitions that there are.
        now: Milliseconds since 1970 UTC.
        since: Days are made one by one from this time on, if it is before now.

    Returns:
        Begins of days, as many as one transaction makes; none if all days are made.
    """
    begin = parts[-1].since
    today, end = _day_of(now), _day_of(now) + (MADE_AHEAD + 1) * DAY
    if begin is None:
        first = today if since is None else min(today, _day_of(since))
    else:
        # Days that nobody has made for a while are one together: all that lies in `ahead` stays where it is.
        first = (begin if since is not None else max(begin, today)) + DAY
    return list(range(first, end + 1, DAY))[:_MOST]


async def _split(driver: Driver, begin: int | None, borders: Sequence[int]) -> None:
    """Make `ahead` the partition before the first border, and a new one; what lies behind the border is moved."""
    name = _PAST if begin is None else _name(begin)
    await _run(driver, "ALTER TABLE {} DETACH PARTITION {}", sql.Identifier(_TABLE), sql.Identifier(_AHEAD))
    await _run(driver, "ALTER TABLE {} RENAME TO {}", sql.Identifier(_AHEAD), sql.Identifier(name))
    old, new = sql.Identifier(f"{_AHEAD}_pkey"), sql.Identifier(f"{name}_pkey")
    await _run(driver, "ALTER TABLE {} RENAME CONSTRAINT {} TO {}", sql.Identifier(name), old, new)
    for since, until in pairwise(borders):
        await _add(driver, _name(since), since, until)
    await _add(driver, _AHEAD, borders[-1], None)
    columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    await _run(
        driver,
        "WITH moved AS (DELETE FROM {} WHERE timestamp >= {} RETURNING {}) INSERT INTO {} ({}) SELECT * FROM moved",
        sql.Identifier(name),
        sql.Literal(borders[0]),
        columns,
        sql.Identifier(_TABLE),
        columns,
    )
    await _run(
        driver,
        "ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})",
        sql.Identifier(_TABLE),
        sql.Identifier(name),
        _least(begin),
        sql.Literal(borders[0]),
    )


async def _add(driver: Driver, name: str, since: int | None, until: int | None) -> None:
    await _run(
        driver,
        "CREATE TABLE {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})",
        sql.Identifier(name),
        sql.Identifier(_TABLE),
        _least(since),
        sql.SQL("MAXVALUE") if until is None else sql.Literal(until),
    )


def _least(since: int | None) -> sql.Composable:
    return sql.SQL("MINVALUE") if since is None else sql.Literal(since)


@asynccontextmanager
async def _changing(address: Address) -> AsyncIterator[Driver]:
    """Open a transaction that changes the partitions, one at a time.

    Raises:
        StoreBusyError: Others hold the table. Nothing was changed.
        StoreDeniedError: The user does not own the table.
    """
    driver = await opened(address, NAME)
    try:
        async with driver.transaction():
            await driver.execute(_WAIT_BRIEFLY)
            await driver.execute(b"SELECT pg_advisory_xact_lock(%s, %s)", (SPACE, DAYS))
            yield driver
    except errors.LockNotAvailable as exc:
        holders = await _rows(driver, _HOLDER)
        who = "; ".join(f"process {pid} of the server ({name or 'no name'})" for pid, name in holders)
        raise StoreBusyError(f"{address.location}: {_TABLE} is held by {who or 'others'}") from exc
    except errors.InsufficientPrivilege as exc:
        whose = "only the owner of the tables makes and drops days: let the upkeep log in as that user"
        raise StoreDeniedError(f"{address.location}: {whose} ({exc.diag.message_primary})") from exc
    finally:
        await driver.close()


async def _run(driver: Driver, statement: str, *parts: sql.Composable) -> None:
    await driver.execute(sql.SQL(statement).format(*parts))


async def _rows(driver: Driver, statement: bytes) -> Sequence[Sequence[object]]:
    return await (await driver.execute(statement)).fetchall()


def _part(name: object, bounds: object) -> Part:
    found = _BOUNDS.search(str(bounds))
    if found is None:
        raise AssertionError(f"{name} has bounds that are not ours: {bounds}")
    since, until = (None if each is None else int(each) for each in found.groups())
    return Part(str(name), since, until)


def _day_of(moment: int) -> int:
    return moment - moment % DAY


def _name(begin: int) -> str:
    return f"{_TABLE}_{datetime.fromtimestamp(begin / 1000, UTC):%Y%m%d}"
