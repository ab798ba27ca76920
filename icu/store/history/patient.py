"""One patient's history over a span of time, as a whole: readings, or statistics of buckets of time.

It is read in slices, column by column. Each slice is a statement of its own, on a connection that is given back: a
client that takes an hour to read holds neither a connection nor a snapshot. What arrives late, behind the slice that is
read, is left out, as between two pages.
"""

from collections.abc import AsyncIterator, Hashable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy import text

from icu.store.engines.base import Connection
from icu.store.engines.columns import read_columns
from icu.store.errors import StoreUnavailableError
from icu.store.history.buckets import Buckets, Slice
from icu.store.history.spans import check_kept, find_ends, late_hours
from icu.store.reader import Reader
from icu.store.readings import Columns, milliseconds
from icu.store.rollups.coverage import READINGS, Coverage, Kept, Piece, down
from icu.store.tables.readings import COLUMNS
from icu.store.upkeep_state import read_upkeep_state
from icu.vitals.catalogue import BY_NAME, SIGNS

# Readings that one statement reads: a day at 5 s is one slice, and takes 10 ms.
SLICE: Final = 20_000

# Readings that one statement sums up: 60 ms.
SUMMED: Final = 200_000

# Readings that are made into objects at once.
PAGE: Final = 1_000

# Buckets from roll-ups that are held from their checksum to the answer, instead of reading them again: 3 MB.
HELD: Final = 20_000

READING_COLUMNS: Final = ("timestamp", *(each.name for each in SIGNS), "quality")
# Beyond every time that a reading may have, in milliseconds.
_NEVER: Final = 2**53

_SPAN: Final = (
    "FROM patient_metrics WHERE patient_id = (SELECT id FROM patients WHERE uuid = :uuid)"
    " AND timestamp >= :since AND timestamp < :until"
)
_READINGS: Final = text(f"SELECT {', '.join(READING_COLUMNS)} {_SPAN} ORDER BY timestamp LIMIT :limit")
_ROWS: Final = text(f"SELECT {', '.join(COLUMNS)} {_SPAN} ORDER BY timestamp LIMIT :limit")
_COUNT: Final = text(f"SELECT count(*) FROM (SELECT timestamp {_SPAN} LIMIT :limit) AS found")  # noqa: S608 - our own
# Equal for two states of a span only where they hold the same readings: each has its values and its arrival. What is
# said of them is compared word by word.
_SUMS: Final = text(
    "SELECT count(*), sum((31 * timestamp + lag) % 1000003), sum(bp_measured_at % 1000003), "
    f"{', '.join(f'sum({each.name})' for each in SIGNS)} {_SPAN}"
)
_DOUBTS: Final = text(
    f"SELECT quality, count(*), sum(timestamp % 1000003) {_SPAN} AND quality IS NOT NULL"
    " GROUP BY quality ORDER BY quality"
)
_BEYOND: Final = text(f"SELECT timestamp {_SPAN} ORDER BY timestamp LIMIT 1 OFFSET :limit")


class History:
    """A span of one patient's readings, whose ends are fixed: what is measured later does not belong to it.

    `rows` are the readings that it holds, or the most buckets that it may hold. `kept` says what is left of the span
    where parts of it were deleted.
    """

    def __init__(
        self,
        reader: Reader,
        uuid: UUID,
        *,
        identity: Hashable,
        pieces: Sequence[Piece],
        every: int | None,
        rows: int,
        kept: Kept,
    ) -> None:
        self.uuid = uuid
        self.every = every
        self.rows = rows
        self.kept = kept
        self._reader = reader
        self._identity = identity
        self._pieces = pieces
        # Buckets that were read for their checksum.
        self._held: Sequence[Slice] | None = None

    @classmethod
    async def find(
        cls,
        reader: Reader,
        uuid: UUID,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        every: int | None = None,
        most: int,
    ) -> "History":
        """Find what there is of a patient in `since` <= timestamp < `until`, and count it up to `most`.

        Args:
            reader: The store.
            uuid: The patient's.
            since: None for the beginning of all.
            until: None for the end of all.
            every: Milliseconds of a bucket; None for readings.
            most: Rows that are counted; one more where there are more.

        Raises:
            PatientNotFoundError: There is no such patient.
        """
        span = 0 if since is None else milliseconds(since), _NEVER if until is None else milliseconds(until)
        identity = await reader.look()
        async with reader.connection(identity) as connection:
            coverage = Coverage(await read_upkeep_state(connection), every)
            pieces: list[Piece] = []
            if ends := await find_ends(connection, uuid, coverage, *coverage.clip(*span)):
                late = await late_hours(connection, uuid, *ends) if every else ()
                pieces = coverage.pieces(*ends, late)
            found = cls(reader, uuid, identity=identity, pieces=pieces, every=every, rows=0, kept=coverage.kept(*span))
            found.rows = await found._count(connection, most)
        return found

    async def slices(self) -> AsyncIterator[Slice]:
        """Read it in columns, slice by slice.

        Raises:
            StoreUnavailableError: The database was exchanged meanwhile, or readings vanished.
        """
        async for each in self._readings() if self.every is None else self._buckets(self.every):
            yield each

    async def pages(self) -> AsyncIterator[Columns]:
        """Read the readings with all that is served of them, page by page. Errors are those of `slices`."""
        since, until = self._ends
        read = 0
        while since < until:
            async with self._reader.connection(self._identity) as connection:
                page = await read_columns(connection, _ROWS, COLUMNS, self._values(since, until, limit=PAGE))
                await check_kept(connection, READINGS, since)
            times = page["timestamp"]
            read += len(times)
            if times:
                yield page
            since = times[-1] + 1 if len(times) == PAGE else until
        self._check_count(read)

    async def checksum(self, most: int) -> Sequence[object] | None:
        """Sum up the readings of the span: equal only where the answer is the same, of the same database.

        Of readings it is a third of the work of reading them. Where there are roll-ups it is made from the answer,
        which is small then.

        Args:
            most: Readings that are summed up; None for more.
        """
        if any(each.source != READINGS for each in self._pieces):
            return [repr(self._identity), self.kept, await self._digest()]
        since, until = self._ends
        sums: list[object] = [repr(self._identity), self.kept, since, until]
        read = 0
        while since < until and read <= most:
            async with self._reader.connection(self._identity) as connection:
                beyond = await connection.rows(_BEYOND, self._values(since, until, limit=SUMMED))
                end = beyond[0][0] if beyond else until
                part = self._values(since, end)
                [values] = await connection.rows(_SUMS, part)
                sums += [tuple(values), *map(tuple, await connection.rows(_DOUBTS, part))]
            read += values[0]
            since = end
        return sums if read <= most else None

    async def _readings(self) -> AsyncIterator[Slice]:
        since, until = self._ends
        read = 0
        while since < until:
            # To the same database as before: another one's readings would be somebody else's.
            async with self._reader.connection(self._identity) as connection:
                values = self._values(since, until, limit=SLICE)
                found = Slice(await connection.arrays(_READINGS, READING_COLUMNS, values))
                await check_kept(connection, READINGS, since)
            read += found.count
            if found.count:
                yield found
            since = found.last + 1 if found.count == SLICE else until
        self._check_count(read)

    async def _buckets(self, every: int) -> AsyncIterator[Slice]:
        if self._held is not None:
            for each in self._held:
                yield each
            return
        async for each in self._statistics(every).slices(self._pieces):
            yield each

    async def _digest(self) -> str:
        """Digest of the buckets, which are held unless they are many."""
        digest, rows = sha256(), 0
        held: list[Slice] = []
        async for each in self.slices():
            digest.update("".join(each.columns.values()).encode())
            rows += each.count
            if rows <= HELD:
                held.append(each)
        self._held = held if rows <= HELD else None
        return digest.hexdigest()

    def _statistics(self, every: int) -> Buckets:
        return Buckets(self._reader, self._identity, self.uuid, every, tuple(BY_NAME))

    @property
    def _ends(self) -> tuple[int, int]:
        return (self._pieces[0].since, self._pieces[-1].until) if self._pieces else (0, 0)

    def _values(self, since: int, until: int, **more: int) -> dict[str, object]:
        return {"uuid": str(self.uuid), "since": since, "until": until, **more}

    async def _count(self, connection: Connection, most: int) -> int:
        """Number of rows, at most one more than `most`."""
        since, until = self._ends
        if self.every is None:
            [(found,)] = await connection.rows(_COUNT, self._values(since, until, limit=most + 1))
            return int(found)
        # Those that may be, where that is enough to know: to count them is to read everything.
        possible = (down(until - 1, self.every) - down(since, self.every)) // self.every + 1 if since < until else 0
        if possible <= most:
            return possible
        return await self._statistics(self.every).count(connection, self._pieces, most)

    def _check_count(self, read: int) -> None:
        if read < self.rows:
            raise StoreUnavailableError("readings vanished while they were read: ask again")
