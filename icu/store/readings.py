"""A reading in its three forms: the observation that came, the row that is kept, the reading that is served."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Final, TypeAlias, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from icu.messages import Observation, Quality, Served
from icu.store.tables import CLOCK_AHEAD
from icu.vitals.signs import MOST_PRESSURES, format_blood_pressure, parse_blood_pressure, plain

Row: TypeAlias = tuple[
    int,
    int,
    int | None,
    int | None,
    int | None,
    int | None,
    int | None,
    int | None,
    int,
    int,
    int | None,
    int | None,
    str | None,
]
"""patient_id, timestamp, pulse, resp_rate, systolic, diastolic, spo2, temperature, lag, flags, map, bp_measured_at,
quality: the table's columns."""

CLOCK_TOLERANCE_MS: Final = 5 * 60 * 1000
"""A sender this far ahead of us has a wrong clock; late readings are ordinary (backlog, backfill, replay)."""

MOST_KNOWN: Final = MOST_PRESSURES
"""Values whose columns are remembered. Pressures are the most various of them."""

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

    One loop for the whole batch, for it is the largest share of what the sink itself does.
    """
    rows: list[Row] = []
    for each in observations:
        timestamp = (each.timestamp - _EPOCH) // _MILLISECOND
        lag = arrived - timestamp
        systolic, diastolic = _pressure_columns[each.bp]
        rows.append(
            (
                patient_ids[each.patient_uuid.int],
                timestamp,
                _hundredths[each.pulse],
                _hundredths[each.resp_rate],
                systolic,
                diastolic,
                _hundredths[each.spo2],
                _hundredths[each.temperature],
                lag,
                CLOCK_AHEAD if lag < -CLOCK_TOLERANCE_MS else 0,
                _hundredths[each.map],
                None if each.bp_measured_at is None else (each.bp_measured_at - _EPOCH) // _MILLISECOND,
                None if each.quality is None else _quality_text[each.quality],
            )
        )
    return rows


def said(row: Sequence[object]) -> tuple[object, ...]:
    """What decides whether two rows of one patient and time say the same: all but how they arrived."""
    return (*row[2:8], *row[10:])


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


class _Known(dict[K, V]):
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


def _to_quality(text: str) -> Quality:
    return msgspec.json.decode(text, type=Quality)


_hundredths: Final = _Known(_to_hundredths)
_pressure_columns: Final = _Known(_to_pressure_columns)
_quality_text: Final = _Known(_to_quality_text)
_quality: Final = _Known(_to_quality)


@lru_cache(maxsize=MOST_KNOWN)
def _pressure_text(systolic: int | None, diastolic: int | None) -> str | None:
    return format_blood_pressure(_value(systolic), _value(diastolic))


def _value(hundredths: int | None) -> float | None:
    # Dividing by 100 gives the very float that the decimal text means: 3706 is 37.06 again.
    return None if hundredths is None else plain(hundredths / 100)


def _served(
    row: Row,
) -> tuple[
    datetime,
    float | None,
    float | None,
    str | None,
    float | None,
    float | None,
    float | UnsetType,
    datetime | UnsetType,
    Quality | UnsetType,
    float | UnsetType,
]:
    _, timestamp, pulse, resp_rate, systolic, diastolic, spo2, temperature, lag, flags, mean, measured, quality = row
    return (
        from_milliseconds(timestamp),
        _value(pulse),
        _value(resp_rate),
        _pressure_text(systolic, diastolic),
        _value(spo2),
        _value(temperature),
        UNSET if mean is None else plain(mean / 100),
        UNSET if measured is None else from_milliseconds(measured),
        UNSET if quality is None else _quality[quality],
        -lag / 1000 if flags & CLOCK_AHEAD else UNSET,
    )
