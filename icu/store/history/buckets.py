"""Statistics of buckets of time, from the readings or from their roll-ups: the same numbers from both.

Each statement is a snapshot of its own, and finds rows only if nothing of its span is being deleted by then.
"""

from collections.abc import AsyncIterator, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cache, reduce
from typing import Final, TypeAlias, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import TextClause, text

from icu.store.doubts import doubtful
from icu.store.engines.base import Connection
from icu.store.history.spans import check_kept
from icu.store.reader import Reader
from icu.store.rollups.coverage import HOUR, HOURS, MINUTES, READINGS, Piece, Run, Source, down, runs
from icu.store.tables.upkeep import SUMS
from icu.vitals.catalogue import BY_NAME, Sign

T = TypeVar("T")

# Readings of which one statement makes statistics, which takes four times as long as to read them, and of as many
# buckets at most.
STATISTICS_SLICE: Final = 5_000

# Milliseconds whose readings are few enough for one statement, without looking how many they are.
SHORT: Final = HOUR

# Minutes or hours that one statement sums up: 20 ms.
ROLLUPS_SLICE: Final = 10_000

# Minutes or hours of a bucket from which on it is cheaper to look for each bucket than to sort them.
MANY: Final = 8

# Of the values that nothing is said of: number, least, mean, greatest; and the number of those that are doubtful.
STATISTICS: Final = ("count", "min", "mean", "max", "flagged")

# Those that are no values of the sign.
COUNTS: Final = frozenset({"count", "flagged"})

# Begin of a bucket, and for each sign SUMS of it: 0 where there is no value.
_Sums: TypeAlias = Sequence[int]

_PATIENT: Final = "patient_id = (SELECT id FROM patients WHERE uuid = :uuid)"
_BEYOND: Final = text(
    f"SELECT timestamp FROM patient_metrics WHERE {_PATIENT} AND timestamp >= :since AND timestamp < :until"  # noqa: S608 - names of our own
    " ORDER BY timestamp LIMIT 1 OFFSET :limit"
)
_COUNTS: Final = {
    each: text(
        f"SELECT count(*) FROM (SELECT DISTINCT {each.time} - {each.time} % :every FROM {each.table}"  # noqa: S608 - names of our own
        f" WHERE {_PATIENT} AND {each.time} >= :since AND {each.time} < :until LIMIT :limit) AS found"
    )
    for each in (READINGS, MINUTES, HOURS)
}

_rows: Final = msgspec.json.Decoder(list[list[int]])


@cache
def statistics_of(source: Source, names: tuple[str, ...]) -> TextClause:
    """Statement for the statistics of buckets, for the signs of these names, in the order of `bucket_columns`."""
    statistics: list[str] = []
    for name in names:
        count, total, least, greatest, flagged = _sums(source, name)
        # Means are rounded to the hundredth, halves up: the division is of whole numbers, on every engine.
        mean = f"(2 * {total} + {count}) / (2 * {count})"
        columns = zip(STATISTICS, (count, least, mean, greatest, flagged), strict=True)
        statistics += [f"{expression} AS {name}_{part}" for part, expression in columns]
    return text(
        f"SELECT begin AS timestamp, {', '.join(statistics)} FROM"  # noqa: S608 - names of our own
        f" ({_rows_of(source, names)} AND {source.time} >= :since AND {source.time} < :until) AS found"
        " GROUP BY begin ORDER BY begin"
    )


@cache
def sums_of(source: Source, names: tuple[str, ...]) -> TextClause:
    """Statement for the sums of buckets, each a row with a JSON array of `_Sums`, for the signs of these names.

    The next bucket begins where the next row is, which is one look into the index. GROUP BY sorts all rows, because no
    engine knows that buckets are in the order of time: where they have many rows, that takes as long as all else.
    """
    # Joined by hand: no two engines have the same function for it.
    sums = " || ',' || ".join(
        f"{count} || ',' || coalesce({total}, 0) || ',' || coalesce({least}, 0) || ',' || coalesce({greatest}, 0)"
        f" || ',' || ({flagged})"
        for count, total, least, greatest, flagged in (_sums(source, name) for name in names)
    )
    return text(
        f"WITH RECURSIVE starts (start) AS (SELECT ({_first_bucket(source, ':since')}) UNION ALL"  # noqa: S608 - names of our own
        f" SELECT ({_first_bucket(source, 'start + :every')}) FROM starts WHERE start IS NOT NULL)"
        f" SELECT (SELECT '[' || start || ',' || {sums} || ']' FROM ({_rows_of(source, names)}"
        f" AND {source.time} >= CASE WHEN start < :since THEN :since ELSE start END"
        f" AND {source.time} < CASE WHEN start + :every > :until THEN :until ELSE start + :every END) AS found)"
        " FROM starts WHERE start IS NOT NULL"
    )


def bucket_columns(names: Sequence[str]) -> tuple[str, ...]:
    """Names of the columns of buckets, for the signs of these names."""
    return ("timestamp", *(f"{name}_{statistic}" for name in names for statistic in STATISTICS))


def columns_of(sign: Sign, *, of_buckets: bool) -> Mapping[str, str]:
    """Names of a sign's columns, by statistic; of readings the one column, by an empty text."""
    return {each: f"{sign.name}_{each}" for each in STATISTICS} if of_buckets else {"": sign.name}


BUCKET_COLUMNS: Final = bucket_columns(tuple(BY_NAME))


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


class Buckets:
    """Buckets of one patient.

    Args:
        reader: The store.
        identity: Database in which the patient was found.
        uuid: The patient's.
        every: Milliseconds of a bucket.
        names: Signs, in the order of the catalogue.
    """

    def __init__(self, reader: Reader, identity: Hashable, uuid: UUID, every: int, names: tuple[str, ...]) -> None:
        self._reader = reader
        self._identity = identity
        self._uuid = uuid
        self._every = every
        self._names = names

    async def slices(self, pieces: Iterable[Piece]) -> AsyncIterator[Slice]:
        """Read the pieces of a span, slice by slice, without empty ones.

        Raises:
            StoreUnavailableError: The database was exchanged meanwhile, or part of the pieces was deleted.
        """
        for piece, *others in runs(pieces, self._every):
            left = piece
            while left.since < left.until:
                # To the same database as before: another one's readings would be somebody else's.
                async with self._reader.connection(self._identity) as connection:
                    part = left if others else await self._first(connection, left)
                    found = await self._read(connection, [part, *others])
                if found.count:
                    yield found
                left = left._replace(since=part.until)

    async def count(self, connection: Connection, pieces: Iterable[Piece], most: int) -> int:
        """Number of buckets, at most one more than `most`; one that pieces share is counted for each."""
        count = 0
        for each in pieces:
            values = self._values(each, every=self._every, limit=most + 1 - count)
            [(found,)] = await connection.rows(_COUNTS[each.source], values)
            count += found
        return count

    async def _first(self, connection: Connection, piece: Piece) -> Piece:
        """The part of a piece that one statement reads: whole buckets, at least one."""
        if piece.until - piece.since <= SHORT:
            return piece
        if piece.source == READINGS:
            beyond = await connection.rows(_BEYOND, self._values(piece, limit=STATISTICS_SLICE))
            end = beyond[0][0] if beyond else piece.until
        else:
            end = piece.since + ROLLUPS_SLICE * piece.source.unit
        whole = max(down(end, self._every), down(piece.since, self._every) + self._every)
        return piece._replace(until=min(whole, piece.until) if end < piece.until else piece.until)

    async def _read(self, connection: Connection, run: Run) -> Slice:
        [piece, *others] = run
        if others:
            rows = [row for each in run for row in await self._sums(connection, each)]
            found = _slice([reduce(_added, rows)] if rows else [], self._names)
        elif piece.source != READINGS and self._every >= MANY * piece.source.unit:
            found = _slice(await self._sums(connection, piece), self._names)
        else:
            statement, values = statistics_of(piece.source, self._names), self._values(piece, every=self._every)
            found = Slice(await connection.arrays(statement, bucket_columns(self._names), values))
            if not found.count:
                await check_kept(connection, piece.source, piece.since)
        return found

    async def _sums(self, connection: Connection, piece: Piece) -> list[_Sums]:
        values = self._values(piece, every=self._every)
        rows = await connection.rows(sums_of(piece.source, self._names), values)
        if not rows:
            await check_kept(connection, piece.source, piece.since)
        return list(_rows.decode(f"[{','.join(row for (row,) in rows)}]"))

    def _values(self, piece: Piece, **more: int) -> dict[str, object]:
        return {"uuid": str(self._uuid), "since": piece.since, "until": piece.until, **more}


def joined(slices: Sequence[Slice], names: Sequence[str]) -> Slice:
    """Join slices of the buckets of the signs of these names, the oldest first, into one; of none, one without rows."""
    if len(slices) == 1:
        return slices[0]
    return Slice({name: f"[{','.join(each.columns[name][1:-1] for each in slices)}]" for name in bucket_columns(names)})


def _of_patient(source: Source) -> str:
    """Condition for the rows of a patient, of which there are none once a part of the span is being deleted."""
    kept = f"(SELECT coalesce({source.limit}, 0) FROM upkeep_state)"  # noqa: S608 - names of our own
    return f"{_PATIENT} AND :since >= {kept}"


def _first_bucket(source: Source, since: str) -> str:
    """Expression for the begin of the first bucket that has rows from a time on."""
    return (
        f"SELECT {source.time} - {source.time} % :every FROM {source.table} WHERE {_of_patient(source)}"  # noqa: S608 - names of our own
        f" AND {source.time} >= {since} AND {source.time} < :until ORDER BY {source.time} LIMIT 1"
    )


def _rows_of(source: Source, names: Sequence[str]) -> str:
    """Statement for the rows of a patient, each with the begin of its bucket: for conditions to be added to it."""
    # Of readings the values, and those that nothing is said of.
    marked = (
        f"{name} AS any_{name},"
        f" CASE WHEN quality IS NULL OR NOT {doubtful(BY_NAME[name])} THEN {name} END AS sure_{name}"
        for name in names
    )
    columns = ", ".join(marked) if source == READINGS else "*"
    return (
        f"SELECT {source.time} - {source.time} % :every AS begin, {columns} FROM {source.table}"  # noqa: S608 - names of our own
        f" WHERE {_of_patient(source)}"
    )


def _sums(source: Source, name: str) -> tuple[str, ...]:
    """Expressions for SUMS of a sign."""
    if source != READINGS:
        # Sums of sums are no whole numbers on every engine.
        count, total = (f"CAST(sum({name}_{part}) AS BIGINT)" for part in ("count", "sum"))
        return count, total, f"min({name}_min)", f"max({name}_max)", f"sum({name}_flagged)"
    sure = f"sure_{name}"
    return f"count({sure})", f"sum({sure})", f"min({sure})", f"max({sure})", f"count(any_{name}) - count({sure})"


def _added(one: _Sums, other: _Sums) -> _Sums:
    """Sums of two parts of a bucket."""
    signs = zip(_by_sign(one[1:]), _by_sign(other[1:]), strict=True)
    return [one[0], *(number for pair in signs for number in _added_sign(*pair))]


def _added_sign(one: Sequence[int], other: Sequence[int]) -> Sequence[int]:
    count, total, least, greatest, flagged = one
    others, their_total, their_least, their_greatest, their_flagged = other
    if count and others:
        least, greatest = min(least, their_least), max(greatest, their_greatest)
    elif others:
        least, greatest = their_least, their_greatest
    return count + others, total + their_total, least, greatest, flagged + their_flagged


def _slice(rows: Sequence[_Sums], names: Sequence[str]) -> Slice:
    """Statistics of buckets from their sums."""
    starts, *columns = zip(*rows, strict=True) if rows else [()] * (1 + len(names) * len(SUMS))
    arrays: list[Sequence[int | None]] = [starts]
    for counts, totals, least, greatest, flagged in _by_sign(columns):
        means = map(_mean, totals, counts)
        arrays += [counts, _or_none(least, counts), list(means), _or_none(greatest, counts), flagged]
    texts = (msgspec.json.encode(each).decode() for each in arrays)
    return Slice(dict(zip(bucket_columns(names), texts, strict=True)))


def _by_sign(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Group what there is for each of SUMS by sign."""
    return (items[place : place + len(SUMS)] for place in range(0, len(items), len(SUMS)))


def _mean(total: int, count: int) -> int | None:
    # As in `statistics_of`.
    return (2 * total + count) // (2 * count) if count else None


def _or_none(numbers: Sequence[int], counts: Sequence[int]) -> Sequence[int | None]:
    if 0 not in counts:
        return numbers
    return [number if count else None for number, count in zip(numbers, counts, strict=True)]
