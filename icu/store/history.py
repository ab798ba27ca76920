"""One patient's history over a span of time, as a whole: readings, or statistics of buckets of time.

It is read in slices, column by column. Each slice is a statement of its own, on a connection that is given back: a
client that takes an hour to read holds neither a connection nor a snapshot. What arrives late, behind the slice that is
read, is left out, as between two pages.
"""

from collections.abc import AsyncIterator, Hashable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy import TextClause, text

from icu.errors import PatientNotFoundError
from icu.store.doubts import doubtful
from icu.store.engines.base import Connection
from icu.store.errors import StoreUnavailableError
from icu.store.reader import Reader
from icu.store.readings import Columns, milliseconds
from icu.store.tables import COLUMNS
from icu.vitals.catalogue import BY_NAME, SIGNS, Sign

# Readings that one statement reads: a day at 5 s is one slice, and takes 10 ms.
SLICE: Final = 20_000

# Readings of which one statement makes statistics, which takes four times as long, and of as many buckets at most.
STATISTICS_SLICE: Final = 5_000

# Readings that one statement sums up: 60 ms.
SUMMED: Final = 200_000

# Readings that are made into objects at once.
PAGE: Final = 1_000

# Of the values that nothing is said of: number, least, mean, greatest; and the number of those that are doubtful.
STATISTICS: Final = ("count", "min", "mean", "max", "flagged")

# Those that are no values of the sign.
COUNTS: Final = frozenset({"count", "flagged"})

READING_COLUMNS: Final = ("timestamp", *(each.name for each in SIGNS), "quality")
# Beyond every time that a reading may have, in milliseconds.
_NEVER: Final = 2**53

_SPAN: Final = (
    "FROM patient_metrics WHERE patient_id = (SELECT id FROM patients WHERE uuid = :uuid)"
    " AND timestamp >= :since AND timestamp <= :until"
)
_READINGS: Final = text(f"SELECT {', '.join(READING_COLUMNS)} {_SPAN} ORDER BY timestamp LIMIT :limit")
_ROWS: Final = text(f"SELECT {', '.join(COLUMNS)} {_SPAN} ORDER BY timestamp LIMIT :limit")
_ENDS: Final = text(
    "SELECT (SELECT timestamp FROM patient_metrics WHERE patient_id = patients.id AND timestamp >= :since"
    " AND timestamp <= :until ORDER BY timestamp LIMIT 1),"
    " (SELECT timestamp FROM patient_metrics WHERE patient_id = patients.id AND timestamp >= :since"
    " AND timestamp <= :until ORDER BY timestamp DESC LIMIT 1) FROM patients WHERE uuid = :uuid"
)
_COUNT: Final = text(f"SELECT count(*) FROM (SELECT timestamp {_SPAN} LIMIT :limit) AS found")  # noqa: S608 - our own
_COUNT_BUCKETS: Final = text(
    f"SELECT count(*) FROM (SELECT DISTINCT timestamp - timestamp % :every AS bucket {_SPAN} LIMIT :limit) AS found"  # noqa: S608 - names of our own
)
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


@cache
def buckets_of(names: tuple[str, ...]) -> TextClause:
    """Statement for the statistics of the signs of these names, in the order of `bucket_columns`."""
    signs = [BY_NAME[each] for each in names]
    marked = ", ".join(
        f"{each.name} AS any_{each.name},"
        f" CASE WHEN quality IS NULL OR NOT {doubtful(each)} THEN {each.name} END AS sure_{each.name}"
        for each in signs
    )
    # Means are rounded to the hundredth, halves up: the division is of whole numbers, on every engine.
    statistics = ", ".join(
        f"count(sure_{name}) AS {name}_count, min(sure_{name}) AS {name}_min,"
        f" (2 * sum(sure_{name}) + count(sure_{name})) / (2 * count(sure_{name})) AS {name}_mean,"
        f" max(sure_{name}) AS {name}_max, count(any_{name}) - count(sure_{name}) AS {name}_flagged"
        for name in names
    )
    return text(
        f"SELECT bucket AS timestamp, {statistics} FROM"  # noqa: S608 - names of our own
        f" (SELECT timestamp - timestamp % :every AS bucket, {marked} {_SPAN}) AS marked"
        " GROUP BY bucket ORDER BY bucket"
    )


def bucket_columns(names: Sequence[str]) -> tuple[str, ...]:
    """Names of the columns of buckets, for the signs of these names."""
    return ("timestamp", *(f"{name}_{statistic}" for name in names for statistic in STATISTICS))


def columns_of(sign: Sign, *, of_buckets: bool) -> Mapping[str, str]:
    """Names of a sign's columns, by statistic; of readings the one column, by an empty text."""
    return {each: f"{sign.name}_{each}" for each in STATISTICS} if of_buckets else {"": sign.name}


BUCKET_COLUMNS: Final = bucket_columns(tuple(BY_NAME))
_BUCKETS: Final = buckets_of(tuple(BY_NAME))


class Slice(Struct, frozen=True):
    """Some rows, oldest first, by column: a JSON array each, of whole numbers and null.

    `timestamp` holds milliseconds since 1970, and begins the bucket where there are buckets. Values are hundredths,
    counts are counts. `quality` of readings holds texts, for `icu.store.doubts.words_of`.
    """

    columns: Mapping[str, str]

    @property
    def count(self) -> int:
        """Number of rows."""
        times = self.columns["timestamp"]
        return 0 if times == "[]" else times.count(",") + 1

    @property
    def last(self) -> int:
        """Time of the last row."""
        times = self.columns["timestamp"]
        return int(times[max(times.rfind(","), 0) + 1 : -1])


class History:
    """A span of one patient's readings, whose ends are fixed: what is measured later does not belong to it.

    `rows` are the readings that it holds, or the most buckets that it may hold.
    """

    def __init__(
        self,
        reader: Reader,
        uuid: UUID,
        *,
        identity: Hashable,
        ends: tuple[int, int] | None,
        every: int | None,
        rows: int,
    ) -> None:
        self.uuid = uuid
        self.every = every
        self.rows = rows
        self._reader = reader
        self._identity = identity
        self._ends = ends

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
        values: dict[str, object] = {
            "uuid": str(uuid),
            "since": 0 if since is None else milliseconds(since),
            "until": _NEVER if until is None else milliseconds(until) - 1,
        }
        identity = await reader.look()
        async with reader.connection(identity) as connection:
            found = await connection.rows(_ENDS, values)
            if not found:
                raise PatientNotFoundError(uuid)
            first, last = found[0]
            if first is None:
                return cls(reader, uuid, identity=identity, ends=None, every=every, rows=0)
            values.update(since=first, until=last)
            rows = await _count(connection, values, (first, last), every, most)
        return cls(reader, uuid, identity=identity, ends=(first, last), every=every, rows=rows)

    async def slices(self) -> AsyncIterator[Slice]:
        """Read it in columns, slice by slice.

        Raises:
            StoreUnavailableError: The database was exchanged meanwhile, or readings vanished.
        """
        if self._ends is None:
            return
        since, last = self._ends
        read = 0
        while since <= last:
            # To the same database as before: another one's readings would be somebody else's.
            async with self._reader.connection(self._identity) as connection:
                found, since = await self._slice(connection, since, last)
            read += found.count
            if found.count:
                yield found
        if self.every is None:
            self._check_count(read)

    async def pages(self) -> AsyncIterator[Columns]:
        """Read the readings with all that is served of them, page by page. Errors are those of `slices`."""
        if self._ends is None:
            return
        since, last = self._ends
        read = 0
        while since <= last:
            values = self._values(since, last, limit=PAGE)
            async with self._reader.connection(self._identity) as connection:
                page = await connection.columns(_ROWS, COLUMNS, values)
            times = page["timestamp"]
            read += len(times)
            if times:
                yield page
            since = times[-1] + 1 if len(times) == PAGE else last + 1
        self._check_count(read)

    async def checksum(self, most: int) -> Sequence[object] | None:
        """Sum up the readings of the span: equal only where they are the same, of the same database.

        A third of the work of reading them.

        Args:
            most: Readings that are summed up; None for more.
        """
        sums: list[object] = [repr(self._identity), self._ends]
        since, last = self._ends or (0, -1)
        read = 0
        while since <= last and read <= most:
            async with self._reader.connection(self._identity) as connection:
                beyond = await connection.rows(_BEYOND, self._values(since, last, limit=SUMMED))
                end = beyond[0][0] if beyond else last + 1
                part = self._values(since, end - 1)
                [values] = await connection.rows(_SUMS, part)
                sums += [tuple(values), *map(tuple, await connection.rows(_DOUBTS, part))]
            read += values[0]
            since = end
        return sums if read <= most else None

    async def _slice(self, connection: Connection, since: int, last: int) -> tuple[Slice, int]:
        """The next slice, and where the one behind it begins."""
        if self.every is None:
            values = self._values(since, last, limit=SLICE)
            found = Slice(await connection.arrays(_READINGS, READING_COLUMNS, values))
            return found, found.last + 1 if found.count == SLICE else last + 1
        beyond = await connection.rows(_BEYOND, self._values(since, last, limit=STATISTICS_SLICE))
        # Whole buckets, at least one.
        end = max(_begin(beyond[0][0], self.every), _begin(since, self.every) + self.every) if beyond else last + 1
        values = self._values(since, min(end - 1, last), every=self.every)
        return Slice(await connection.arrays(_BUCKETS, BUCKET_COLUMNS, values)), end

    def _values(self, since: int, until: int, **more: int) -> dict[str, object]:
        return {"uuid": str(self.uuid), "since": since, "until": until, **more}

    def _check_count(self, read: int) -> None:
        if read < self.rows:
            raise StoreUnavailableError("readings vanished while they were read: ask again")


async def _count(
    connection: Connection, values: Mapping[str, object], ends: tuple[int, int], every: int | None, most: int
) -> int:
    """Number of rows, at most one more than `most`."""
    if every is None:
        [(found,)] = await connection.rows(_COUNT, {**values, "limit": most + 1})
        return int(found)
    # Those that may be, where that is enough to know: to count them is to read everything.
    possible = (_begin(ends[1], every) - _begin(ends[0], every)) // every + 1
    if possible <= most:
        return possible
    [(found,)] = await connection.rows(_COUNT_BUCKETS, {**values, "every": every, "limit": most + 1})
    return int(found)


def _begin(moment: int, every: int) -> int:
    """Beginning of a moment's bucket."""
    return moment - moment % every
