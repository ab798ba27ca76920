"""Three forms of a reading."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from icu.messages import Quality
from icu.store import readings
from icu.store.readings import ABSENT, milliseconds, to_patient_reading, to_reading, to_rows, to_values
from icu.store.tables.readings import COLUMNS
from icu.vitals.catalogue import NUMBERS, SIGNS
from tests.samples import ANNA, START, observation
from tests.stores import NOON, observed


def test_more_values_than_a_cache_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full cache is emptied, and its values are computed again."""
    monkeypatch.setattr(readings, "CACHE_SIZE", 3)
    observations = [observation(n, pulse=n / 100, bp=f"{100 + n}/{n}") for n in range(1, 90)] * 2
    rows = to_rows(observed(*observations), {ANNA.int: 1}, 0)
    assert [row[COLUMNS.index("pulse")] for row in rows] == [*range(1, 90)] * 2
    halves = slice(COLUMNS.index("systolic"), COLUMNS.index("diastolic") + 1)
    assert [row[halves] for row in rows] == [((100 + n) * 100, n * 100) for n in range(1, 90)] * 2
    assert len(readings._hundredths) <= 3


def test_rows_have_the_order_of_the_columns() -> None:
    """Rows that are written out for speed have each sign in the column of the statements."""
    signs = {each.name: each.limits.low + 20 + index for index, each in enumerate(SIGNS)}
    fields = {each.field: signs[each.name] for each in NUMBERS}
    bp = f"{signs['diastolic'] + 30}/{signs['diastolic']}"
    came = observation(1, bp=bp, bp_measured_at=START, quality=Quality(spo2="motion"), **fields)
    [row] = to_rows(observed(came), {ANNA.int: 7}, NOON + 1040)
    hundredths = {name: round(value * 100) for name, value in signs.items()} | {
        "systolic": round(signs["diastolic"] * 100) + 3000
    }
    assert dict(zip(COLUMNS, row, strict=True)) == {
        "patient_id": 7,
        "timestamp": NOON + 1000,
        "lag": 40,
        **hundredths,
        "bp_measured_at": NOON,
        "quality": '{"spo2":"motion"}',
    }
    assert to_values([row]) == [row]


def test_nothing_that_is_often_absent_is_bound_as_none() -> None:
    """From the first optional sign on, None is bound as a value that no measurement has."""
    [values] = to_values([(1, NOON, 40, *[None] * (len(COLUMNS) - 3))])
    required = sum(not each.optional for each in SIGNS)
    optional = sum(each.optional for each in SIGNS)
    assert values[3:] == (*[None] * required, *[ABSENT] * optional, ABSENT, "")
    assert all(100 * each.limits.low > ABSENT for each in SIGNS if each.optional)


@pytest.mark.parametrize(
    "sent",
    [
        {"map": 93.25, "bp_measured_at": START - timedelta(minutes=5), "quality": Quality(spo2="motion")},
        {"map": 0, "bp_measured_at": datetime(1970, 1, 1, tzinfo=UTC), "pulse": 0, "temperature": 37.06},
        {"bp": "119.25/-", "spo2": None, "resp_rate": 12.5},
        {"bp": None, "pulse": None, "temperature": None},
    ],
)
def test_what_was_sent_is_served(sent: dict[str, Any]) -> None:
    """Readings are served to the hundredth and the millisecond; optional signs are absent, not null."""
    for known in (readings._hundredths, readings._pressure_columns, readings._quality_text, readings._quality):
        known.clear()  # what is remembered was worked out by another test
    came = observation(0.25, **sent)
    [row] = to_rows(observed(came), {ANNA.int: 1}, NOON + 1000)
    served = msgspec.structs.asdict(to_reading(row))
    optional = [each.field for each in SIGNS if each.optional]
    beside = (*optional, "bp_measured_at", "quality", "clock_ahead_seconds")
    expected = {name: getattr(came, name, None) for name in served}
    assert served == expected | {name: UNSET for name in beside if expected[name] is None}
    assert msgspec.structs.asdict(to_patient_reading(row, ANNA)) == served | {"patient_uuid": ANNA}


def test_moments_between_two_milliseconds() -> None:
    """Times are rounded down, also before 1970, so that a query finds the stored reading."""
    for microseconds, expected in ((1_999, 1), (2_000, 2), (-1, -1)):
        found = milliseconds(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds))
        assert (found, type(found)) == (expected, int)
