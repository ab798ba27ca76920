"""A reading in its three forms: the observation that came, the row that is kept, the reading that is served."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, TypeAlias, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from icu.messages import Observation, Quality, Served
from icu.store.tables import COLUMNS
from icu.vitals.catalogue import DIASTOLIC, SIGNS, SYSTOLIC
from icu.vitals.signs import MOST_PRESSURES, format_blood_pressure, parse_blood_pressure, plain

# A reading's values in the order of COLUMNS: whole numbers, or None; the quality is text.
Row: TypeAlias = tuple[Any, ...]

# Values of many readings by column, each in the order of the readings.
Columns: TypeAlias = Mapping[str, Sequence[Any]]

# A sender this far ahead of us has a wrong clock; late readings are ordinary (backlog, backfill, replay).
CLOCK_TOLERANCE_MS: Final = 5 * 60 * 1000

# Values whose columns are remembered. Pressures are the most various of them.
MOST_KNOWN: Final = MOST_PRESSURES

# What is bound for NULL in columns that are mostly NULL; no such value can be.
ABSENT: Final = -1

TIMESTAMP: Final = COLUMNS.index("timestamp")
LAG: Final = COLUMNS.index("lag")
_SIGNS: Final = COLUMNS.index(SIGNS[0].name)
_OPTIONAL: Final = next(COLUMNS.index(each.name) for each in SIGNS if each.optional)
# Among the signs.
_HALVES: Final = slice(SIGNS.index(SYSTOLIC), SIGNS.index(DIASTOLIC) + 1)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

K = TypeVar("K")
V = TypeVar("V")


class Reading(Served, frozen=True, gc=False):
    """One patient's vital signs at one time. A sign that was not measured is null."""

    clock_ahead_seconds: Annotated[
        float | UnsetType,
        Meta(
            description="How far the timestamp was ahead of the arrival, if by over 5 minutes: the sender's clock is "
            "wrong, and when this was measured is not known",
            examples=[259_200],
        ),
    ] = UNSET


class PatientReading(Reading, frozen=True, gc=False, kw_only=True):
    """A reading in a stream of many patients."""

    patient_uuid: Annotated[UUID, Meta(description="Whose it is")]


def to_rows(observations: Sequence[Observation], patient_ids: Mapping[int, int], arrived: int) -> list[Row]:
    """The rows to keep: milliseconds and hundredths. `patient_ids` are found by the uuid as an integer.

    One loop for the whole batch, for it is the largest share of what the sink itself does. It names the signs: to go
    through the catalogue would take a third longer.
    """
    rows: list[Row] = []
    for each in observations:
        timestamp = (each.timestamp - _EPOCH) // _MILLISECOND
        systolic, diastolic = _pressure_columns[each.bp]
        rows.append(
            (
                patient_ids[each.patient_uuid.int],
                timestamp,
                arrived - timestamp,
                _hundredths[each.pulse],
                _hundredths[each.resp_rate],
                systolic,
                diastolic,
                _hundredths[each.spo2],
                _hundredths[each.temperature],
                _hundredths[each.map],
                None if each.bp_measured_at is None else (each.bp_measured_at - _EPOCH) // _MILLISECOND,
                None if each.quality is None else _quality_text[each.quality],
            )
        )
    return rows


def to_values(rows: Sequence[Row]) -> list[Row]:
    """Values to bind for the rows: ABSENT and empty texts in place of None, from the first optional sign on.

    To bind a None takes the driver as long as to bind ten numbers. Each place is named, as in `to_rows`.
    """
    return [
        (*row[:9], ABSENT if row[9] is None else row[9], ABSENT if row[10] is None else row[10], row[11] or "")
        for row in rows
    ]


def said(row: Sequence[object]) -> tuple[object, ...]:
    """What decides whether two rows of one patient and time say the same: all but how they arrived."""
    return tuple(row[_SIGNS:])


def to_reading(row: Row) -> Reading:
    """The reading to serve."""
    return Reading(*_served(row))


def to_patient_reading(row: Row, patient_uuid: UUID) -> PatientReading:
    """The reading to serve in a stream."""
    return PatientReading(*_served(row), patient_uuid=patient_uuid)


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970; what lies between two of them is cut off."""
    return (moment - _EPOCH) // _MILLISECOND


def from_milliseconds(count: int) -> datetime:
    """The moment, UTC."""
    return datetime.fromtimestamp(count / 1000, UTC)


class Known(dict[K, V]):
    """What a function answers, kept because a ward repeats its values.

    A look-up costs a third of the arithmetic, and half as much as in an `lru_cache`; there are five for every reading.
    """

    def __init__(self, answer: Callable[[K], V]) -> None:
        super().__init__()
        self._answer = answer

    def __missing__(self, key: K) -> V:
        if len(self) >= MOST_KNOWN:
            self.clear()
        self[key] = found = self._answer(key)
        return found


def _to_hundredths(value: float | None) -> int | None:
    return None if value is None else round(value * 100)


def _to_pressure_columns(text: str | None) -> tuple[int | None, int | None]:
    if text is None:
        return None, None
    pressure = parse_blood_pressure(text)
    return _hundredths[pressure.systolic], _hundredths[pressure.diastolic]


def _to_quality_text(quality: Quality) -> str:
    return msgspec.json.encode(quality).decode()


def to_quality(text: str) -> Quality:
    """What is said of the signs, from its column."""
    return msgspec.json.decode(text, type=Quality)


_hundredths: Final = Known(_to_hundredths)
_pressure_columns: Final = Known(_to_pressure_columns)
_quality_text: Final = Known(_to_quality_text)
_quality: Final = Known(to_quality)


def to_value(hundredths: int | None) -> float | None:
    """The number of a column."""
    # Dividing by 100 gives the very float that the decimal text means: 3706 is 37.06 again.
    return None if hundredths is None else plain(hundredths / 100)


def _value_or_unset(hundredths: int | None) -> float | UnsetType:
    return UNSET if hundredths is None else plain(hundredths / 100)


_nullable: Final = Known(to_value).__getitem__
_omitted: Final = Known(_value_or_unset).__getitem__


def _served(row: Row) -> tuple[Any, ...]:
    """Values of a Reading, in its order."""
    timestamp, lag = row[TIMESTAMP], row[LAG]
    measured, quality = row[-2:]
    values: list[Any] = [*map(_nullable, row[_SIGNS:_OPTIONAL]), *map(_omitted, row[_OPTIONAL:-2])]
    values[_HALVES] = [format_blood_pressure(*values[_HALVES])]
    return (
        from_milliseconds(timestamp),
        *values,
        UNSET if measured is None else from_milliseconds(measured),
        UNSET if quality is None else _quality[quality],
        -lag / 1000 if lag < -CLOCK_TOLERANCE_MS else UNSET,
    )
