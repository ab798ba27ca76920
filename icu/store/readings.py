"""Readings in three forms: observation on the topic, row in the database, reading in the API.

From observation to row there are two steps. What an observation alone gives is converted where it is decoded: see
`ObservedRow`. The store adds what it alone knows: the patient's key and the lag.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, TypeAlias, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from icu.messages import Observation, Quality, Served
from icu.store.tables.readings import COLUMNS
from icu.vitals.catalogue import DIASTOLIC, SIGNS, SYSTOLIC
from icu.vitals.signs import PRESSURE_CACHE_SIZE, format_blood_pressure, parse_blood_pressure, plain

# Values of a reading in the order of COLUMNS: integers or None; the quality is text.
ReadingRow: TypeAlias = tuple[Any, ...]

# Values of an observation: uuid of its patient as an integer, time in milliseconds since 1970, signs in hundredths,
# pressure time and quality, in the order of COLUMNS without the lag; then name of the patient and interval in seconds.
ObservedRow: TypeAlias = tuple[Any, ...]

# Values of many readings by column, each in the order of the readings.
Columns: TypeAlias = Mapping[str, Sequence[Any]]

# Milliseconds ahead of arrival from which a sender's clock is wrong. Late readings are normal (backlog, replay).
CLOCK_TOLERANCE_MS: Final = 5 * 60 * 1000

# Values in each cache. Pressures need the most: they vary more than any other value.
CACHE_SIZE: Final = PRESSURE_CACHE_SIZE

# Bound in place of NULL in columns that are mostly NULL: no value or time of a reading is negative.
ABSENT: Final = -1

# In rows and in observed values alike.
PATIENT: Final = COLUMNS.index("patient_id")
TIMESTAMP: Final = COLUMNS.index("timestamp")
# In observed values alone.
NAME: Final = -2
INTERVAL: Final = -1
LAG: Final = COLUMNS.index("lag")
# The primary key: patient and timestamp, the first columns.
KEY: Final = slice(PATIENT, TIMESTAMP + 1)
# The first sign, and the first optional one; all columns from there on are mostly NULL.
_SIGNS: Final = COLUMNS.index(SIGNS[0].name)
_OPTIONAL: Final = next(COLUMNS.index(each.name) for each in SIGNS if each.optional)
_BP_MEASURED_AT: Final = COLUMNS.index("bp_measured_at")
_QUALITY: Final = COLUMNS.index("quality")
# Both halves of the pressure, among the signs.
_HALVES: Final = slice(SIGNS.index(SYSTOLIC), SIGNS.index(DIASTOLIC) + 1)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

_NO_FLAGS: Final = Quality()

K = TypeVar("K")
V = TypeVar("V")


class Reading(Served, frozen=True, gc=False):
    """Vital signs of one patient at one time, as the API serves them. A sign that was not measured is null."""

    clock_ahead_seconds: Annotated[
        float | UnsetType,
        Meta(
            description="How far the timestamp was ahead of the arrival, if by over 5 minutes: the sender's clock is "
            "wrong, and when this was measured is not known",
            examples=[259_200],
        ),
    ] = UNSET


class PatientReading(Reading, frozen=True, gc=False, kw_only=True):
    """Reading in a stream of many patients."""

    patient_uuid: Annotated[UUID, Meta(description="Whose it is")]


def to_observed(observation: Observation, patient: int) -> ObservedRow:
    """Convert an observation of the patient with this uuid, as an integer.

    Raises:
        ValueError: The pressure is none, or impossible. Observations that were checked have no such pressure.
    """
    # Signs are named: a loop over the catalogue takes a third longer.
    systolic, diastolic = _pressure_columns[observation.bp]
    measured, quality = observation.bp_measured_at, observation.quality
    return (
        patient,
        (observation.timestamp - _EPOCH) // _MILLISECOND,
        _hundredths[observation.pulse],
        _hundredths[observation.resp_rate],
        systolic,
        diastolic,
        _hundredths[observation.spo2],
        _hundredths[observation.temperature],
        _hundredths[observation.map],
        None if measured is None else (measured - _EPOCH) // _MILLISECOND,
        None if quality is None else _quality_text[quality],
        observation.patient_name,
        observation.interval,
    )


def to_rows(observed: Sequence[ObservedRow], patient_ids: Mapping[int, int], arrived: int) -> list[ReadingRow]:
    """Convert observed values to rows.

    Args:
        observed: Readings of any patients.
        patient_ids: Keys in the store by the patient's uuid as an integer.
        arrived: Time of arrival, in milliseconds since 1970 UTC.
    """
    # Unpacked by name: it takes 130 ns a row, and 330 ns with a starred rest.
    return [
        (
            patient_ids[patient],
            timestamp,
            arrived - timestamp,
            pulse,
            resp_rate,
            systolic,
            diastolic,
            spo2,
            temperature,
            mean,
            measured,
            quality,
        )
        for (
            patient,
            timestamp,
            pulse,
            resp_rate,
            systolic,
            diastolic,
            spo2,
            temperature,
            mean,
            measured,
            quality,
            _name,
            _interval,
        ) in observed
    ]


def to_values(rows: Sequence[ReadingRow]) -> list[ReadingRow]:
    """Convert rows to values to bind: ABSENT or an empty text in place of None, from the first optional sign on."""
    # Binding one None takes the driver as long as binding ten numbers. Columns are unpacked by name, as in
    # `to_rows`.
    return [
        (
            patient,
            timestamp,
            lag,
            pulse,
            resp_rate,
            systolic,
            diastolic,
            spo2,
            temperature,
            ABSENT if mean is None else mean,
            ABSENT if measured is None else measured,
            quality or "",
        )
        for (
            patient,
            timestamp,
            lag,
            pulse,
            resp_rate,
            systolic,
            diastolic,
            spo2,
            temperature,
            mean,
            measured,
            quality,
        ) in rows
    ]


def content_of(row: Sequence[object]) -> tuple[object, ...]:
    """Return the content of a row: signs, pressure time and quality. Duplicates have the same, conflicts another."""
    return tuple(row[_SIGNS:])


def to_reading(row: ReadingRow) -> Reading:
    """Convert a row to the reading to serve."""
    return Reading(*_served(row))


def to_patient_reading(row: ReadingRow, patient_uuid: UUID) -> PatientReading:
    """Convert a row to the reading to serve in a stream."""
    return PatientReading(*_served(row), patient_uuid=patient_uuid)


def milliseconds(moment: datetime) -> int:
    """Convert a time to milliseconds since 1970 UTC, rounded down."""
    return (moment - _EPOCH) // _MILLISECOND


def from_milliseconds(count: int) -> datetime:
    """Convert milliseconds since 1970 to a time in UTC."""
    return datetime.fromtimestamp(count / 1000, UTC)


class Cache(dict[K, V]):
    """Cache of a function's results, for the values that a ward repeats. Errors are raised each time anew.

    A look-up costs a third of the computation, and half of an `lru_cache`; each reading needs five.
    """

    def __init__(self, compute: Callable[[K], V]) -> None:
        super().__init__()
        self._compute = compute

    def __missing__(self, key: K) -> V:
        if len(self) >= CACHE_SIZE:
            # All at once: to keep an order of use would cost each look-up.
            self.clear()
        self[key] = result = self._compute(key)
        return result


def _to_hundredths(value: float | None) -> int | None:
    return None if value is None else round(value * 100)


def _to_pressure_columns(text: str | None) -> tuple[int | None, int | None]:
    if text is None:
        return None, None
    pressure = parse_blood_pressure(text)
    return _hundredths[pressure.systolic], _hundredths[pressure.diastolic]


def _to_quality_text(quality: Quality) -> str | None:
    if quality == _NO_FLAGS:
        return None
    return msgspec.json.encode(quality).decode()


def to_quality(text: str) -> Quality:
    """Parse the quality column: the doubts about each sign."""
    return msgspec.json.decode(text, type=Quality)


_hundredths: Final = Cache(_to_hundredths)
_pressure_columns: Final = Cache(_to_pressure_columns)
_quality_text: Final = Cache(_to_quality_text)
_quality: Final = Cache(to_quality)


def to_value(hundredths: int | None) -> float | None:
    """Return the number that a column holds, in the unit of its sign."""
    # Division by 100 gives the float nearest to the decimal text: 3706 is 37.06 again.
    return None if hundredths is None else plain(hundredths / 100)


def _value_or_unset(hundredths: int | None) -> float | UnsetType:
    return UNSET if hundredths is None else plain(hundredths / 100)


_nullable: Final = Cache(to_value).__getitem__
_omitted: Final = Cache(_value_or_unset).__getitem__


def _served(row: ReadingRow) -> tuple[Any, ...]:
    """Return the values of a Reading, in the order of its fields."""
    timestamp, lag = row[TIMESTAMP], row[LAG]
    measured, quality = row[_BP_MEASURED_AT], row[_QUALITY]
    values: list[Any] = [*map(_nullable, row[_SIGNS:_OPTIONAL]), *map(_omitted, row[_OPTIONAL:_BP_MEASURED_AT])]
    values[_HALVES] = [format_blood_pressure(*values[_HALVES])]
    return (
        from_milliseconds(timestamp),
        *values,
        UNSET if measured is None else from_milliseconds(measured),
        UNSET if quality is None else _quality[quality],
        -lag / 1000 if lag < -CLOCK_TOLERANCE_MS else UNSET,
    )
