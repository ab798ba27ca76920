"""Readings as JSON: byte by byte what msgspec writes of the structs."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icu.messages import Quality
from icu.store import readings
from icu.store.json_texts import json_texts
from icu.store.readings import CLOCK_TOLERANCE_MS, Columns, ReadingRow, to_reading
from icu.store.tables.readings import COLUMNS
from icu.vitals.catalogue import SIGNS
from tests.stores import NOON

EVERYTHING: dict[str, Any] = dict.fromkeys(COLUMNS) | {"patient_id": 1, "timestamp": NOON, "lag": 40}
HUNDREDTHS = st.none() | st.integers(0, 35_000) | st.integers(-(2**40), 2**40)
# Of the years that are stored, and in some of them to the second and the minute.
TIMES = st.one_of(
    *(st.integers(-(10**12) // each, 4 * 10**12 // each).map(each.__mul__) for each in (1, 1_000, 60_000))
)
ROWS = st.fixed_dictionaries(
    {
        "timestamp": TIMES,
        "lag": st.integers(-(10**9), 10**9) | st.integers(-CLOCK_TOLERANCE_MS - 2, -CLOCK_TOLERANCE_MS + 2),
        **{each.name: HUNDREDTHS for each in SIGNS},
        "bp_measured_at": st.none() | TIMES,
        "quality": st.sampled_from(
            [
                None,
                '{"spo2":"motion"}',
                '{"bp":"damped","map":"implausible"}',
                '{"spo2":"motion","etco2":"newer"}',
                "{}",
            ]
        ),
    }
)


def columns_of(rows: list[dict[str, Any]]) -> Columns:
    return {name: [{**EVERYTHING, **row}[name] for row in rows] for name in COLUMNS}


def by_struct(columns: Columns) -> list[bytes]:
    """The usual way: a struct for each row."""
    found: list[ReadingRow] = list(zip(*(columns[name] for name in COLUMNS), strict=True))
    return [msgspec.json.encode(to_reading(row)) for row in found]


@given(st.lists(ROWS, max_size=20))
def test_each_is_what_msgspec_writes(rows: list[dict[str, Any]]) -> None:
    """The text is what msgspec writes: with nulls, absent and odd values, and a sender's clock ahead."""
    columns = columns_of(rows)
    assert [text.encode() for text in json_texts(columns, slice(None))] == by_struct(columns)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"pulse": 7250, "temperature": 3706, "spo2": 1, "resp_rate": 0},
        {"systolic": 12_000, "diastolic": 8_000, "map": 9_325},
        {"systolic": 11_950},
        {"diastolic": 8_025, "map": 0},
        {"bp_measured_at": NOON - 250, "quality": '{"bp":"damped"}'},
        {"timestamp": NOON + 59_999, "lag": -CLOCK_TOLERANCE_MS},
        {"timestamp": -1, "lag": -CLOCK_TOLERANCE_MS - 1},
    ],
)
def test_each_field_by_itself(said: dict[str, Any]) -> None:
    """Beside a reading of which nothing is said, so that each row has its own text."""
    columns = columns_of([said, {}])
    assert [text.encode() for text in json_texts(columns, slice(None))] == by_struct(columns)


def test_a_slice_holds_its_rows_alone() -> None:
    """Slices put together are the whole."""
    columns = columns_of([{"timestamp": NOON + n, "lag": -400_000 * (n % 2)} for n in range(10)])
    parts = [*json_texts(columns, slice(0, 3)), *json_texts(columns, slice(3, 10)), *json_texts(columns, slice(10, 20))]
    assert [text.encode() for text in parts] == by_struct(columns)


def test_more_values_than_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts are made again once they were forgotten."""
    monkeypatch.setattr(readings, "CACHE_SIZE", 3)
    rows = [
        {"pulse": n, "systolic": n, "quality": msgspec.json.encode(Quality(bp="q" * n)).decode()} for n in range(1, 9)
    ]
    columns = columns_of(rows * 2)
    assert [text.encode() for text in json_texts(columns, slice(None))] == by_struct(columns)
