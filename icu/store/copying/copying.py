"""The steps of a copy."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from msgspec import Struct
from sqlalchemy import text

from icu.errors import UsageError
from icu.store import schema
from icu.store.copying.comparing import compare
from icu.store.copying.plan import AT_END, IN_CHUNKS, NUMBERED
from icu.store.copying.shapes import SHAPES, Row, digest
from icu.store.copying.shares import Shares, shares_of
from icu.store.copying.state import Progress, Source, advance, begin, begun_in, finish, source_of
from icu.store.database.existing import connected
from icu.store.engines.base import Engine, Report, Transaction
from icu.store.errors import StoreError
from icu.store.tables.metadata import METADATA

# A look into the index for each patient.
_OLDEST: Final = text(
    "SELECT min(oldest) FROM (SELECT (SELECT timestamp FROM patient_metrics WHERE patient_id = patients.id"
    " ORDER BY timestamp LIMIT 1) AS oldest FROM patients) AS found"
)
# Milliseconds.
_DAY: Final = 86_400_000
# Days before now for whose readings room is made. Older ones are of a clock that was wrong, nearly always.
_MOST_DAYS: Final = 400


class Copied(Struct, frozen=True):
    """Copy that is complete."""

    source: str
    target: str
    # Milliseconds since 1970 UTC at which it was finished; None if it was now.
    before: int | None
    readings: int


async def copy(source: Engine, target: Engine, *, report: Report, wall: Callable[[], float] = time.time) -> Copied:
    """Copy a database into a new one, or go on with a copy that was interrupted.

    Args:
        source: Database to copy. It is not changed, and no program can write to it meanwhile.
        target: Where there is none yet, or an empty one, or a part of this copy.
        report: Told of the copying. If it raises, the copy can be continued.
        wall: Seconds since 1970.

    Raises:
        UsageError: The target holds something else, or the source has changed since the copy began.
        StoreInUseError: A sink or an upkeep has one of them.
        StoreError: The copy differs from its source, or any other error of the databases.
        ConfigurationError: There can be no database.
    """
    try:
        async with connected(source) as connection:
            await schema.check_writable(connection, source.location)
        if await source.identity() == await target.identity():
            raise UsageError(f"{target.location} is the database to be copied: name a new one")
        return await _done(target, await _source(source)) or await _copied(source, target, report, wall)
    finally:
        await source.aclose()
        await target.aclose()


async def _source(source: Engine) -> Source:
    return await source.read(lambda transaction: source_of(transaction, source.location))


async def _done(target: Engine, source: Source) -> Copied | None:
    """Return the copy if the target is a complete one; None if there is something to do."""
    identity = await target.identity()
    if identity is None:
        return None
    async with target.connection(identity) as connection:
        version = await schema.read_version(connection)
    if version is None:
        return None
    if version != schema.HEAD:
        raise UsageError(
            f"{target.location} has tables of version {version}, and a copy needs {schema.HEAD}: name a new database"
        )
    begun = await target.read(begun_in)
    if begun is None or begun.finished is None or begun.generation != source.generation:
        return None
    return Copied(source.location, target.location, begun.finished, 0)


async def _copied(source: Engine, target: Engine, report: Report, wall: Callable[[], float]) -> Copied:
    async with source.hold_alone(still=True), target.hold_alone(still=False):
        await target.upgrade()
        state = await _source(source)  # again: nobody can change it from here on
        progress = await target.transact(partial(begin, source=state, location=target.location, now=_now(wall)))
        await _make_room(source, target, _now(wall))
        shares = await shares_of(source, report)
        for name in IN_CHUNKS:
            progress[name] = await _copy_chunks(source, target, progress[name], shares)
        for name in IN_CHUNKS:
            await compare(source, target, progress[name], shares)
        if await _source(source) != state:
            raise UsageError(f"{source.location} was written to while it was copied: copy it into a new database")
        await _finish(source, target, _now(wall))
    return Copied(source.location, target.location, None, progress["patient_metrics"].count)


async def _make_room(source: Engine, target: Engine, now: int) -> None:
    """Make room for the readings of each day since the oldest one, a week at a time."""
    [(oldest,)] = await source.read(lambda transaction: transaction.rows(_OLDEST))
    moment = now if oldest is None else max(oldest, now - _MOST_DAYS * _DAY)
    while moment < now:
        await target.make_room(moment, since=moment)
        moment += 7 * _DAY
    await target.make_room(now)


async def _copy_chunks(source: Engine, target: Engine, progress: Progress, shares: Shares) -> Progress:
    """Copy the rest of a table."""
    shape = SHAPES[progress.name]
    while not progress.complete:
        rows = await shape.chunk(source, progress.after)
        progress = progress.behind(rows)

        async def store(transaction: Transaction, rows: Sequence[Row] = rows, progress: Progress = progress) -> None:
            await transaction.load(shape.table, rows)
            await advance(transaction, progress)

        await target.transact(store)
        shares.copied(progress)
    return progress


async def _finish(source: Engine, target: Engine, now: int) -> None:
    """Move what is left, and let programs have the target."""

    async def read(transaction: Transaction) -> dict[str, Sequence[Row]]:
        return {name: await SHAPES[name].all(transaction) for name in AT_END}

    async def last_numbers(transaction: Transaction) -> dict[str, int]:
        return {name: await transaction.last_number(METADATA.tables[name]) for name in NUMBERED}

    rest, numbers = await source.read(read), await source.read(last_numbers)

    async def store(transaction: Transaction) -> None:
        for name, rows in rest.items():
            shape = SHAPES[name]
            await transaction.execute(shape.emptied, [{}])
            await transaction.load(shape.table, rows)
            if digest(await shape.all(transaction)) != digest(rows):
                raise StoreError(f"{name} cannot be copied from {source.location} to {target.location}: they differ")
        for name, last in numbers.items():
            await transaction.number_behind(METADATA.tables[name], last)
        await finish(transaction, now)

    await target.transact(store)


def _now(wall: Callable[[], float]) -> int:
    return round(wall() * 1000)
