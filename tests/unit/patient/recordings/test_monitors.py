"""What monitors stored: which source counts, which 0 is none, and what becomes of time."""

import math
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icu.errors import RecordingError
from icu.patient.recordings.monitors import Series, Source, check_unit, known_as, recording_of
from icu.patient.recordings.recording import Recording
from icu.vitals.signs import VitalSigns

NAN = math.nan


def pulses(*series: tuple[float, float]) -> Recording:
    """A recording of pulses alone."""
    return recording_of(Path("a"), [Source({"pulse": series})])


def at_once(*sources: tuple[dict[str, float], bool]) -> VitalSigns:
    """The signs of one second, from values and whether they come from electrodes."""
    beside = Source({"temperature": [(0, 36.6)]})  # so that there always is a row
    made = [Source({sign: [(0, value)] for sign, value in values.items()}, chest) for values, chest in sources]
    (row,) = recording_of(Path("a"), [*made, beside]).rows
    return row.signs._replace(temperature=None)


MOMENTS = st.lists(st.integers(0, 10**7), min_size=1, max_size=50, unique=True)
PULSES = st.integers(1, 35_000).map(lambda value: value / 100)


@given(moments=MOMENTS, period=st.sampled_from([1, 1.024, 2, 60, 1 / 0.9765625]), data=st.data())
def test_values_and_times_that_go_in_come_out(moments: list[int], period: float, data: st.DataObject) -> None:
    """In whatever order they were stored, and with gaps of any length."""
    values = data.draw(st.lists(PULSES, min_size=len(moments), max_size=len(moments)))
    series = [(1_700_000_000 + moment * period, value) for moment, value in zip(moments, values, strict=True)]
    recording = pulses(*series)
    wanted = sorted(series)
    assert [row.signs.pulse for row in recording.rows] == [value for _, value in wanted]
    assert [row.elapsed for row in recording.rows] == [moment - wanted[0][0] for moment, _ in wanted]
    assert (recording.duration, recording.skipped) == (wanted[-1][0] - wanted[0][0], 0)


@given(st.lists(st.floats(0, 20), min_size=1, max_size=60))
def test_rows_are_never_as_near_as_the_store_cannot_keep_apart(moments: list[float]) -> None:
    """Whatever times there are: at most a row a second, and more than a millisecond between two."""
    rows = pulses(*[(moment, 70) for moment in moments]).rows
    assert all(after.elapsed - before.elapsed > 0.0015 for before, after in pairwise(rows))
    assert len(rows) <= rows[-1].elapsed + 2


def test_a_gap_is_a_gap() -> None:
    """What is missing makes no row, is counted, and moves nothing."""
    recording = pulses((10, NAN), (11, 70), (12, 0), (13, NAN), (20, 71), (21, NAN))
    assert [(row.elapsed, row.signs.pulse) for row in recording.rows] == [(1, 70), (10, 71)]
    assert (recording.skipped, recording.duration, recording.impossible) == (4, 11, 0)


def test_a_scaled_zero_is_a_zero() -> None:
    """Gain and baseline leave a little of it, which must not become a pulse of 0."""
    recording = pulses((0, 70), (1, 1e-9), (2, -1e-9))
    assert [row[:2] for row in recording.rows] == [(0, VitalSigns(70))]
    assert recording[1:4] == (2, 2, 0)


def test_the_first_value_of_a_second_counts() -> None:
    """Of faster series; nothing is averaged, and a value stands for the missing ones of its second."""
    recording = pulses(*[(n / 4, [70, NAN, 71, 72][n % 4] + n // 4) for n in range(12)])
    assert [row.signs.pulse for row in recording.rows] == [70, 71, 72, 73]
    assert [row.elapsed for row in recording.rows] == [0, 0.5, 1.5, 2.5]


def test_a_monitor_with_short_seconds_keeps_its_values() -> None:
    """999 ms between two values, and a little more or less."""
    assert len(pulses(*[(n * 0.999, 70) for n in range(400)]).rows) == 400
    assert len(pulses(*[(n + n % 3 / 100, 70) for n in range(400)]).rows) == 400


def test_signs_of_one_second_make_one_row() -> None:
    """Tracks of one monitor have times that differ by fractions."""
    recording = recording_of(
        Path("a"), [Source({"pulse": [(5, 70), (7, 71)]}), Source({"spo2": [(5.2, 97), (7.1, 0)]})]
    )
    assert [row[:2] for row in recording.rows] == [(0, VitalSigns(pulse=70, spo2=97)), (2, VitalSigns(pulse=71))]


@pytest.mark.parametrize(
    ("sources", "signs"),
    {
        "the electrodes before the finger": ([({"pulse": 70}, True), ({"pulse": 69}, False)], VitalSigns(70)),
        "the finger where there are none": ([({"pulse": 0}, True), ({"pulse": 69}, False)], VitalSigns(69)),
        "no pulse, no saturation": ([({"pulse": 0}, True), ({"spo2": 0}, False)], VitalSigns()),
        "the line before the cuff": (
            [({"systolic": 120, "diastolic": 80}, False), ({"systolic": 110, "diastolic": 70}, False)],
            VitalSigns(systolic=120, diastolic=80),
        ),
        "the cuff while the line is zeroed": (
            [({"systolic": 0, "diastolic": 0}, False), ({"systolic": 110, "diastolic": 70}, False)],
            VitalSigns(systolic=110, diastolic=70),
        ),
        "the cuff while the line is flushed": (
            [({"systolic": 999, "diastolic": -5}, False), ({"systolic": 110, "diastolic": 70}, False)],
            VitalSigns(systolic=110, diastolic=70),
        ),
        "the cuff where the line makes no sense": (
            [({"systolic": 60, "diastolic": 90}, False), ({"systolic": 110, "diastolic": 70}, False)],
            VitalSigns(systolic=110, diastolic=70),
        ),
        "parts are not put together": (
            [({"systolic": 120, "diastolic": 0}, False), ({"systolic": 110, "diastolic": 70, "mean": 83}, False)],
            VitalSigns(systolic=120),
        ),
        "a mean is its pressure's": (
            [({"systolic": 60, "diastolic": 90, "mean": 70}, False), ({"mean": 83}, False)],
            VitalSigns(mean=83),
        ),
        "apnoea": ([({"pulse": 70}, True), ({"resp_rate": 0}, True)], VitalSigns(70, 0)),
        "the electrodes are off": ([({"pulse": 0}, True), ({"resp_rate": 0}, True)], VitalSigns()),
        "they are off, the finger is on": (
            [({"pulse": 0}, True), ({"pulse": 69}, False), ({"resp_rate": 0}, True)],
            VitalSigns(69),
        ),
        "no capnometer": ([({"pulse": 70}, True), ({"resp_rate": 0}, False)], VitalSigns(70)),
        "a capnometer behind idle electrodes": (
            [({"pulse": 69}, False), ({"resp_rate": 0}, True), ({"resp_rate": 12}, False)],
            VitalSigns(69, 12),
        ),
    }.values(),
)
def test_which_source_counts(sources: list[tuple[dict[str, float], bool]], signs: VitalSigns) -> None:
    """The preferred one that measured; a 0 is a probe that is off, but for breaths beside beats."""
    assert at_once(*sources) == signs


def test_what_cannot_be_is_left_out_and_counted() -> None:
    """A table would be refused; a monitor's file cannot be mended."""
    recording = pulses((0, 70), (1, 400), (2, -1), (3, math.inf), (4, 71))
    assert [row.elapsed for row in recording.rows] == [0, 4]
    assert (recording.impossible, recording.skipped) == (3, 3)


@pytest.mark.parametrize(
    ("series", "why"),
    [
        ([], "no vital sign that was measured"),
        ([(0, NAN), (1, 0)], "no vital sign that was measured"),
        ([(0, 70), (1e12, 70)], "within 130 years"),
        ([(0, 70), (NAN, 70)], "within 130 years"),
        ([(0, 70), (math.inf, 70)], "within 130 years"),
    ],
)
def test_what_is_no_course_is_refused(series: Series, why: str) -> None:
    """Nothing measured, or times without sense."""
    with pytest.raises(RecordingError, match=why):
        pulses(*series)


def test_names_and_units_are_compared_without_their_dress() -> None:
    """Monitors write them in many ways; kPa would be taken for a dying patient."""
    assert {known_as(name) for name in ("ABP Sys", "ABPSys", "abp_sys", "ABP-SYS")} == {"abpsys"}
    check_unit(Path("a"), "Temp", "Deg.C")
    with pytest.raises(RecordingError, match=r"a: ABP Sys is in kPa"):
        check_unit(Path("a"), "ABP Sys", "kPa")
