"""Check of the database's content: tables of this version, offsets, journal, and roll-ups beside their readings."""

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from sqlalchemy import TextClause, text

from icu.store import schema
from icu.store.database.existing import connected
from icu.store.doubts import doubtful
from icu.store.engines.base import Connection, Engine, Report
from icu.store.errors import SchemaError
from icu.store.readings import from_milliseconds
from icu.store.tables.upkeep import ROLLUP_COLUMNS
from icu.store.upkeep_state import read_upkeep_state
from icu.vitals.catalogue import SIGNS

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

# Hours of patients whose roll-ups a check compares, unless it compares all.
SAMPLE: Final = 200

_OFFSETS: Final = text(
    "SELECT (SELECT count(*) FROM consumer_offsets), EXISTS (SELECT 1 FROM patient_metrics),"
    " (SELECT count(*) FROM consumer_offsets WHERE next < 0 OR log < 1)"
)
_JOURNAL: Final = text("SELECT (SELECT batch FROM journal_end), (SELECT max(batch) FROM journal)")
# First and last reading, and first and last roll-up of a minute.
_SPANS: Final = text(
    "SELECT id, uuid,"
    " (SELECT timestamp FROM patient_metrics WHERE patient_id = patients.id ORDER BY timestamp LIMIT 1),"
    " (SELECT timestamp FROM patient_metrics WHERE patient_id = patients.id ORDER BY timestamp DESC LIMIT 1),"
    " (SELECT bucket FROM minute_rollups WHERE patient_id = patients.id ORDER BY bucket LIMIT 1),"
    " (SELECT bucket FROM minute_rollups WHERE patient_id = patients.id ORDER BY bucket DESC LIMIT 1)"
    " FROM patients ORDER BY id"
)


def _comparison(table: str, every: int, horizon: str) -> TextClause:
    """Statement for the buckets of a patient and span whose roll-up is not that of the readings.

    Buckets that have late readings, are not rolled up yet, or lie before a horizon are left out. It is one statement,
    so one moment: upkeep and sink may go on.
    """
    marked = ", ".join(
        f"{each.name} AS any_{each.name},"
        f" CASE WHEN quality IS NULL OR NOT {doubtful(each)} THEN {each.name} END AS sure_{each.name}"
        for each in SIGNS
    )
    sums = ", ".join(
        f"count(sure_{each.name}), sum(sure_{each.name}), min(sure_{each.name}), max(sure_{each.name}),"
        f" count(any_{each.name}) - count(sure_{each.name})"
        for each in SIGNS
    )
    columns = ", ".join(ROLLUP_COLUMNS[1:])
    return text(
        f"WITH found ({columns}) AS (SELECT bucket, {sums} FROM"  # noqa: S608 - names of our own
        f" (SELECT timestamp - timestamp % {every} AS bucket, {marked} FROM patient_metrics"
        " WHERE patient_id = :patient AND timestamp >= :since AND timestamp < :until) AS marked GROUP BY bucket),"
        f" stored AS (SELECT {columns} FROM {table}"
        " WHERE patient_id = :patient AND bucket >= :since AND bucket < :until),"
        " lacking AS (SELECT * FROM found EXCEPT SELECT * FROM stored),"
        " wrong AS (SELECT * FROM stored EXCEPT SELECT * FROM found)"
        " SELECT bucket FROM (SELECT bucket FROM lacking UNION SELECT bucket FROM wrong) AS buckets, upkeep_state"
        f" WHERE bucket + {every} <= rolled_until AND bucket >= coalesce(raw_horizon, bucket)"
        f" AND bucket >= coalesce({horizon}, bucket)"
        f" AND bucket - bucket % {HOUR} NOT IN (SELECT hour FROM late_hours WHERE patient_id = :patient)"
        " ORDER BY bucket"
    )


_COMPARISONS: Final = {
    "minutes": _comparison("minute_rollups", MINUTE, "minute_horizon"),
    "hours": _comparison("hour_rollups", HOUR, "hour_horizon"),
}


class _Span(NamedTuple):
    """Whole hours of a patient."""

    patient: int
    uuid: str
    since: int
    until: int


async def find_faults(engine: Engine, *, full: bool, report: Report) -> Sequence[str]:
    """Find what is wrong with the content of a database, a sentence each.

    Args:
        engine: The database. Its connections are closed.
        full: True to compare all roll-ups with the readings, and not only a sample.
        report: Told of the comparison.
    """
    async with connected(engine) as connection:
        try:
            await schema.check(connection, engine.location)
        except SchemaError as exc:
            return [str(exc)]
        return [
            *await _offsets(connection),
            *await _journal(connection),
            *await _gaps(engine),
            *await _rollups(connection, full=full, report=report),
        ]


async def _offsets(connection: Connection) -> Sequence[str]:
    [(offsets, readings, senseless)] = await connection.rows(_OFFSETS)
    if readings and not offsets:
        return ["it holds readings and no offsets: a sink reads its topic from the beginning, and stores none twice"]
    return ["it holds offsets that no topic can have: restore a backup"] if senseless else []


async def _journal(connection: Connection) -> Sequence[str]:
    [(end, newest)] = await connection.rows(_JOURNAL)
    if newest is not None and newest != end:
        return [f"the journal ends at {newest}, and its end is noted as {end}: streams would miss readings"]
    return []


async def _gaps(engine: Engine) -> Sequence[str]:
    """Find times whose readings have no partition, and could not be stored."""
    parts = await engine.parts() or ()
    ends = [None, *(each.until for each in parts)]
    begins = [*(each.since for each in parts), None]
    return [
        f"readings {_span(until, since)} have no partition, and cannot be stored: attach the one that was there again"
        for until, since in zip(ends, begins, strict=True)
        if until != since
    ]


def _span(since: int | None, until: int | None) -> str:
    """Name a span of time; None for an end that is open."""
    begin = "" if since is None else f"from {from_milliseconds(since).isoformat()}"
    end = "" if until is None else f"until {from_milliseconds(until).isoformat()}"
    return " ".join(filter(None, (begin, end)))


async def _rollups(connection: Connection, *, full: bool, report: Report) -> Sequence[str]:
    spans = await _spans(connection)
    parts = list(_days(spans) if full else _sample(spans))
    wrong: dict[str, list[tuple[str, int]]] = {buckets: [] for buckets in _COMPARISONS}
    for number, part in enumerate(parts, start=1):
        values = {"patient": part.patient, "since": part.since, "until": part.until}
        for buckets, comparison in _COMPARISONS.items():
            wrong[buckets] += [(part.uuid, bucket) for (bucket,) in await connection.rows(comparison, values)]
        report(number / len(parts))
    return [_sentence(buckets, found) for buckets, found in wrong.items() if found]


async def _spans(connection: Connection) -> Sequence[_Span]:
    """Return the time of each patient that should be rolled up, and whose readings are there."""
    state = await read_upkeep_state(connection)
    spans = []
    for key, uuid, *ends in await connection.rows(_SPANS):
        times = [each for each in ends if each is not None]
        if times and state.rolled_until is not None:
            since = max(min(times), state.raw_horizon or min(times))
            # To the end of an hour: what comes meanwhile would be half of a bucket that is rolled up whole.
            until = max(times) - max(times) % HOUR + HOUR
            if since < state.rolled_until:
                spans.append(_Span(key, uuid, since - since % HOUR, until))
    return [each for each in spans if each.since < each.until]


def _days(spans: Sequence[_Span]) -> Iterator[_Span]:
    """Cut spans into days: the statement for each takes a moment."""
    for span in spans:
        for since in range(span.since, span.until, DAY):
            yield span._replace(since=since, until=min(since + DAY, span.until))


def _sample(spans: Sequence[_Span]) -> Iterable[_Span]:
    """Take hours at random, each of them once."""
    taken = set()
    for span in random.choices(spans, k=SAMPLE) if spans else ():  # noqa: S311 - any hours will do
        since = random.randrange(span.since, span.until, HOUR)  # noqa: S311 - as above
        taken.add(span._replace(since=since, until=since + HOUR))
    return taken


def _sentence(buckets: str, found: Sequence[tuple[str, int]]) -> str:
    uuid, bucket = found[0]
    return (
        f"{len(found)} roll-ups of {buckets} are not those of the readings,"
        f" the first of patient {uuid} at {from_milliseconds(bucket).isoformat()}: restore a backup"
    )
