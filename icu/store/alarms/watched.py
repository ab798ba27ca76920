"""State of all that is watched, read back after a restart, and after commands of people.

It is read without a transaction, patients by patients, so that nobody has to wait for it. Only this sink and commands
change it, and the number of commands is read first: what a command changes meanwhile is read again.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, TypeAlias
from uuid import UUID

from msgspec import Struct, field, structs
from sqlalchemy import text

from icu.alarms.bands import INFINITE
from icu.alarms.episodes import BedState, Episode
from icu.alarms.limits import NO_OVERRIDES, Limits
from icu.alarms.tally import COUNTED
from icu.store.alarms.episodes import open_episodes
from icu.store.alarms.spans import spans
from icu.store.decisions.beds import beds_by_key
from icu.store.decisions.count import commands_of
from icu.store.decisions.limits import LimitVersion, all_overrides, limits_of
from icu.store.engines.base import Transaction
from icu.store.readings import ReadingRow
from icu.store.tables.readings import COLUMNS

# Row of a reading, and the interval that the patient's sender states now, in seconds.
LastReading: TypeAlias = tuple[ReadingRow, float | None]

# Patients whose readings are read at a time.
PATIENTS_AT_ONCE: Final = 500

# Readings that tell clock, gaps and blind times of a sender: the last ones, and those of a time before the newest. As
# the windows do (icu.alarms.windows), it grows with the interval.
LEAST: Final = 11
_SPAN: Final = 180_000
_INTERVALS: Final = 18

# Readings on the clock that the sender has now, up to the present, and apart from them those that lie ahead: a clock
# that was ahead once has left readings with later times than the last ones.
_ON_THIS_CLOCK: Final = "timestamp > since AND timestamp <= until AND timestamp + lag >= coalesce(clock_set_at, 0)"
# And all whose times are not in the statistics yet: those of ten minutes, or of a batch, where this program stored the
# last ones.
_UNCOUNTED: Final = 2_000
# Materialized: else SQLite reads the whole table, and computes the parts anew for each of its rows.
_READINGS: Final = text(f"""
WITH times AS (
  SELECT CAST(-1 AS BIGINT) AS since, CAST(:now AS BIGINT) AS until
  UNION ALL SELECT CAST(:now AS BIGINT), CAST({INFINITE} AS BIGINT)
), parts AS MATERIALIZED (
  SELECT id, interval, since, until, clock_set_at,
    (SELECT min(timestamp) FROM (SELECT timestamp FROM patient_metrics WHERE patient_id = patients.id
       AND {_ON_THIS_CLOCK} ORDER BY timestamp DESC LIMIT {LEAST}) AS last_ones) AS first_of_last,
    (SELECT timestamp FROM patient_metrics WHERE patient_id = patients.id
       AND {_ON_THIS_CLOCK} ORDER BY timestamp DESC LIMIT 1)
      - CASE WHEN interval > {_SPAN // 1_000 // _INTERVALS} THEN CAST(interval * {_INTERVALS * 1_000} AS BIGINT)
             ELSE {_SPAN} END AS recent
  FROM patients LEFT JOIN bed_states ON bed_states.patient_id = patients.id CROSS JOIN times
  WHERE id > :after AND id <= :last
), uncounted AS MATERIALIZED (
  SELECT id, interval, coalesce((SELECT timestamp FROM patient_metrics WHERE patient_id = patients.id
    AND timestamp >= amount ORDER BY timestamp DESC LIMIT 1 OFFSET {_UNCOUNTED}), amount) AS begin
  FROM patients JOIN alarm_counts ON patient_id = id AND hour = 0 AND kind = '{COUNTED}' AND subject = ''
  WHERE id > :after AND id <= :last
)
SELECT parts.interval, {", ".join(f"metric.{name}" for name in COLUMNS)} FROM parts
  JOIN patient_metrics AS metric ON metric.patient_id = parts.id AND {_ON_THIS_CLOCK}
   AND metric.timestamp >= CASE WHEN recent < first_of_last THEN recent ELSE first_of_last END
UNION
SELECT uncounted.interval, {", ".join(f"metric.{name}" for name in COLUMNS)} FROM uncounted
  JOIN patient_metrics AS metric ON metric.patient_id = uncounted.id AND metric.timestamp >= begin
""")  # noqa: S608 - names and numbers of our own
_COUNTED: Final = text(
    f"SELECT id, amount FROM patients JOIN alarm_counts ON patient_id = id AND hour = 0 AND kind = '{COUNTED}'"  # noqa: S608 - a name of our own
    " AND subject = ''"
)
_AUDIT: Final = text("SELECT max(id) FROM audit")
_TOUCHED: Final = text("SELECT id, patient_uuid FROM audit WHERE id > :after ORDER BY id")


class Mark(Struct, frozen=True):
    """Commands that are known: how many there were, and the last line in the audit."""

    count: int
    audit: int


class Watched(Struct, frozen=True):
    """Everything that is decided and open, without readings."""

    mark: Mark
    ward: LimitVersion
    # By the patient's key in the store: those who have, or had, a bed.
    beds: Mapping[int, BedState]
    # Open alarms by patient.
    episodes: Mapping[UUID, Sequence[Episode]]
    # Overrides by patient: those who have some.
    limits: Mapping[UUID, LimitVersion]
    # Sender's times up to which times for the statistics are stored, by the patient's key.
    counted: Mapping[int, int] = field(default_factory=dict)

    def limits_of(self, patient: UUID) -> Limits:
        """Return the overrides of a patient, possibly none."""
        found = self.limits.get(patient)
        return NO_OVERRIDES if found is None else found.limits


async def read_watched(transaction: Transaction) -> Watched:
    """Read what is decided and open, of all patients."""
    mark = await _mark(transaction)
    episodes = defaultdict[UUID, list[Episode]](list)
    for each in await open_episodes(transaction):
        episodes[each.patient].append(each)
    return Watched(
        mark,
        await limits_of(transaction),
        await beds_by_key(transaction),
        episodes,
        await all_overrides(transaction),
        {key: int(until) for key, until in await transaction.rows(_COUNTED)},
    )


async def read_commanded(transaction: Transaction, known: Mark) -> Watched | None:
    """Read what commands have touched since a mark, and the ward's limits; None if there was none.

    The lines of the audit name the patients.
    """
    count = await commands_of(transaction)
    if count == known.count:
        return None
    lines = await transaction.rows(_TOUCHED, {"after": known.audit})
    patients = {UUID(patient) for _, patient in lines if patient is not None}
    beds = [await beds_by_key(transaction, each) for each in patients]
    return Watched(
        Mark(count, max((number for number, _ in lines), default=known.audit)),
        await limits_of(transaction),
        {key: bed for found in beds for key, bed in found.items()},
        {each: await open_episodes(transaction, each) for each in patients},
        {each: await limits_of(transaction, each) for each in patients},
    )


async def read_states(
    transaction: Transaction, keys: AbstractSet[int], now: int
) -> tuple[Watched, Mapping[int, Sequence[LastReading]]]:
    """Read what is decided and open of some patients who have a bed, and their last readings.

    Args:
        transaction: Open transaction, in which nobody else changes them.
        keys: Of the patients in the store.
        now: Server's time, in milliseconds since 1970 UTC.
    """
    found = await read_watched(transaction)
    beds = {key: bed for key, bed in found.beds.items() if key in keys}
    readings: dict[int, Sequence[LastReading]] = {}
    for after, last in spans(beds):
        some = await read_last(transaction, after, last, now)
        readings |= {key: each for key, each in some.items() if key in keys}
    return structs.replace(found, beds=beds), readings


async def read_last(transaction: Transaction, after: int, last: int, now: int) -> Mapping[int, Sequence[LastReading]]:
    """Read the last readings of patients, by their times on the clocks that the senders have now.

    Args:
        transaction: To read with.
        after: Key before the first patient.
        last: Key of the last patient.
        now: Server's time, in milliseconds since 1970 UTC.

    Returns:
        By the patient's key, in any order.
    """
    readings = defaultdict[int, list[LastReading]](list)
    for interval, *row in await transaction.rows(_READINGS, {"after": after, "last": last, "now": now}):
        readings[row[0]].append((tuple(row), interval))
    return readings


async def _mark(transaction: Transaction) -> Mark:
    count = await commands_of(transaction)
    [(last,)] = await transaction.rows(_AUDIT)
    return Mark(count, last or 0)
