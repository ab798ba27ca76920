"""Roll-ups as a child would make them, and what is left of a history where parts of it were deleted."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from icu.store.doubts import words_of
from icu.store.tables.upkeep import ROLLUP_COLUMNS
from icu.vitals.catalogue import SIGNS
from tests.histories import buckets, moment
from tests.stores import execute, snapshot

MINUTE = 60_000
HOUR = 60 * MINUTE
TABLES = {"minute_rollups": MINUTE, "hour_rollups": HOUR}


def roll_up(url: str, *, until: int, without: Collection[int] = ()) -> None:
    """Make the roll-ups of all readings before a time.

    Args:
        url: The database.
        until: A whole minute; of hours the whole ones before it are rolled up.
        without: Times of readings that came later: their hours are marked as late.
    """
    [readings] = snapshot(url, ["SELECT * FROM patient_metrics"])
    rolled = [each for each in readings if each["timestamp"] < until]
    for table, unit in TABLES.items():
        found: dict[tuple[int, int], list[dict[str, Any]]] = {}
        for each in rolled:
            bucket = each["timestamp"] // unit * unit
            if bucket + unit <= until and each["timestamp"] not in without:
                found.setdefault((each["patient_id"], bucket), []).append(each)
        rows = [(*key, *(part for sign in SIGNS for part in _sums(some, sign.name))) for key, some in found.items()]
        _replace(url, table, ROLLUP_COLUMNS, rows)
    late = {(each["patient_id"], each["timestamp"] // HOUR * HOUR) for each in rolled if each["timestamp"] in without}
    _replace(url, "late_hours", ("patient_id", "hour"), list(late))
    set_state(url, marked_until=until, rolled_until=until)


def _replace(url: str, table: str, columns: Sequence[str], rows: Sequence[Sequence[int | None]]) -> None:
    """Insert rows, or put them in place of those of the same patient and time."""
    if rows:
        values = ", ".join(f"({', '.join('NULL' if each is None else str(each) for each in row)})" for row in rows)
        updates = ", ".join(f"{each} = excluded.{each}" for each in columns)
        key = ", ".join(columns[:2])
        names = ", ".join(columns)
        execute(url, f"INSERT INTO {table} ({names}) VALUES {values} ON CONFLICT ({key}) DO UPDATE SET {updates}")


def set_state(url: str, **columns: int | None) -> None:
    """Set columns of the state of the upkeep, as one more of its transactions."""
    values = ", ".join(f"{name} = {'NULL' if each is None else each}" for name, each in columns.items())
    execute(url, f"UPDATE upkeep_state SET commits = commits + 1, {values}")


def delete(url: str, *, raw: int, minute: int = 0, hour: int = 0) -> None:
    """Move the horizons, and delete what lies before them."""
    set_state(url, raw_horizon=raw, minute_horizon=minute, hour_horizon=hour)
    execute(url, f"DELETE FROM patient_metrics WHERE timestamp < {raw}")
    execute(url, f"DELETE FROM minute_rollups WHERE bucket < {minute}")
    execute(url, f"DELETE FROM hour_rollups WHERE bucket < {hour}")


def remaining(
    readings: Sequence[Mapping[str, Any]], since: int, until: int, every: int, horizons: Sequence[int]
) -> dict[int, dict[str, dict[str, Any]]]:
    """Statistics of buckets as tests.histories has them, of those readings of a span that count.

    Args:
        readings: All that there ever were, as they are served.
        since: Begin of the span.
        until: End of the span, excluded.
        every: Milliseconds of a bucket.
        horizons: Of readings, minutes and hours.
    """
    units = [(unit, horizon) for unit, horizon in zip((1, MINUTE, HOUR), horizons, strict=True) if every % unit == 0]

    def counts(time: int) -> bool:
        """A reading counts itself, or in a whole minute or hour of the span."""
        begins = ((time // unit * unit, unit, horizon) for unit, horizon in units)
        return any(begin >= max(since, horizon) and begin + unit <= until for begin, unit, horizon in begins)

    return buckets([each for each in readings if counts(moment(each))], every)


def _sums(readings: Sequence[dict[str, Any]], sign: str) -> tuple[int | None, ...]:
    """SUMS of a sign."""
    said = [words_of(each["quality"]) if each["quality"] else {} for each in readings]
    values = [(each[sign], sign in words) for each, words in zip(readings, said, strict=True) if each[sign] is not None]
    sure = [value for value, is_doubtful in values if not is_doubtful]
    flagged = len(values) - len(sure)
    return (len(sure), sum(sure), min(sure), max(sure), flagged) if sure else (0, None, None, None, flagged)
