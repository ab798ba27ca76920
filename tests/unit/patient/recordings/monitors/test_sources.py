"""Sources of signs in monitors' recordings: their order, zeros that are no values, and times."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icu.patient.errors import RecordingError
from icu.patient.recordings.monitors.seconds import MOST_SECONDS, Series
from icu.patient.recordings.monitors.sources import Source, check_unit, normalised_name, recording_of
from icu.patient.recordings.recording import Recording, Row
from icu.vitals.catalogue import VitalSigns

NAN = math.nan


def pulses(*series: tuple[float, float]) -> Recording:
    """Make a recording of pulses alone."""
    return recording_of(Path("a"), [Source({"pulse": series})])


def at_once(*sources: Source) -> Row:
    """Return the row of one second, with a temperature added."""
    beside = Source({"temperature": [(0, 36.6)]})  # so that something was measured
    (row,) = recording_of(Path("a"), [*sources, beside]).rows
    return row._replace(signs=row.signs._replace(temperature=None))


def source(*, electrodes: bool = False, cuff: bool = False, **signs: float) -> Source:
    """Make a source with one value of each sign."""
    return Source({sign: [(0, value)] for sign, value in signs.items()}, electrodes, cuff)


MOMENTS = st.lists(st.integers(0, 10**7), min_size=1, max_size=50, unique=True)
PULSES = st.integers(1, 35_000).map(lambda value: value / 100)


@given(moments=MOMENTS, period=st.sampled_from([1, 1.024, 2, 60, 1 / 0.9765625]), data=st.data())
def test_values_and_times_that_go_in_come_out(moments: list[int], period: float, data: st.DataObject) -> None:
    """Values and times are read in any stored order, and with gaps of any length."""
    values = data.draw(st.lists(PULSES, min_size=len(moments), max_size=len(moments)))
    series = [(1_700_000_000 + moment * period, value) for moment, value in zip(moments, values, strict=True)]
    recording = pulses(*series)
    wanted = sorted(series)
    assert [row.signs.pulse for row in recording.rows] == [value for _, value in wanted]
    assert [row.elapsed for row in recording.rows] == [moment - wanted[0][0] for moment, _ in wanted]
    assert (recording.duration, recording.skipped) == (wanted[-1][0] - wanted[0][0], 0)


@given(st.lists(st.floats(0, 20), min_size=1, max_size=60))
def test_rows_are_never_as_near_as_the_store_cannot_keep_apart(moments: list[float]) -> None:
    """Rows are at most one a second, and more than a millisecond apart, whatever times there are."""
    rows = pulses(*[(moment, 70) for moment in moments]).rows
    assert all(after.elapsed - before.elapsed > 0.0015 for before, after in pairwise(rows))
    assert len(rows) <= rows[-1].elapsed + 2


def test_a_gap_is_a_gap() -> None:
    """A missing value makes no row, is counted, and moves no other row."""
    recording = pulses((10, NAN), (11, 70), (12, NAN), (13, NAN), (20, 71), (21, NAN))
    assert [(row.elapsed, row.signs.pulse) for row in recording.rows] == [(1, 70), (10, 71)]
    assert (recording.skipped, recording.duration, recording.impossible) == (4, 11, 0)


def test_a_scaled_zero_is_a_zero() -> None:
    """A 0 that gain and baseline have shifted a little is no pulse."""
    recording = pulses((0, 70), (1, 1e-9), (2, -1e-9))
    assert [(row.signs.pulse, row.quality) for row in recording.rows] == [
        (70, {}),
        (None, {"pulse": "lead-off"}),
        (None, {"pulse": "lead-off"}),
    ]
    assert (recording.skipped, recording.impossible) == (0, 0)


def test_the_first_value_of_a_second_counts() -> None:
    """The first value of a second counts, without averages, and replaces missing ones of its second."""
    recording = pulses(*[(n / 4, [70, NAN, 71, 72][n % 4] + n // 4) for n in range(12)])
    assert [row.signs.pulse for row in recording.rows] == [70, 71, 72, 73]
    assert [row.elapsed for row in recording.rows] == [0, 0.5, 1.5, 2.5]


def test_a_monitor_with_short_seconds_keeps_its_values() -> None:
    """Values about 999 ms apart all make rows."""
    assert len(pulses(*[(n * 0.999, 70) for n in range(400)]).rows) == 400
    assert len(pulses(*[(n + n % 3 / 100, 70) for n in range(400)]).rows) == 400


def test_signs_of_one_second_make_one_row() -> None:
    """Tracks whose times differ by fractions of a second make one row."""
    recording = recording_of(
        Path("a"), [Source({"pulse": [(5, 70), (7, 71)]}), Source({"spo2": [(5.2, 97), (7.1, 0)]})]
    )
    assert recording.rows == [
        Row(0, VitalSigns(pulse=70, spo2=97)),
        Row(2, VitalSigns(pulse=71), {"spo2": "probe-off"}),
    ]


LINE = {"systolic": 120, "diastolic": 80}
CUFF = {"systolic": 110, "diastolic": 70}
OF_CUFF = VitalSigns(systolic=110, diastolic=70)
OFF, LEAD, WRONG = "probe-off", "lead-off", "implausible"


@pytest.mark.parametrize(
    ("sources", "signs", "quality"),
    {
        "the electrodes before the finger": (
            [source(electrodes=True, pulse=70), source(pulse=69)],
            VitalSigns(70),
            {},
        ),
        "the finger where there are none": ([source(electrodes=True, pulse=0), source(pulse=69)], VitalSigns(69), {}),
        "no pulse": ([source(electrodes=True, pulse=0)], VitalSigns(), {"pulse": LEAD}),
        "no pulse, no saturation": (
            [source(electrodes=True, pulse=0), source(spo2=0)],
            VitalSigns(),
            {"pulse": LEAD, "spo2": OFF},
        ),
        "nothing known": ([source(pulse=NAN), source(spo2=NAN)], VitalSigns(), {}),
        "another source knows": ([source(pulse=NAN), source(pulse=0)], VitalSigns(), {"pulse": LEAD}),
        "the preferred source knows better": ([source(spo2=101), source(spo2=0)], VitalSigns(), {"spo2": WRONG}),
        "a share of one": ([source(spo2=0.97)], VitalSigns(), {"spo2": WRONG}),
        "the line before the cuff": (
            [source(**LINE), source(cuff=True, **CUFF)],
            VitalSigns(systolic=120, diastolic=80),
            {},
        ),
        "the cuff while the line is zeroed": (
            [source(systolic=0, diastolic=0), source(cuff=True, **CUFF)],
            OF_CUFF,
            {},
        ),
        "nothing while the line is zeroed": (
            [source(systolic=0, diastolic=0, map=0), source(cuff=True, systolic=0, diastolic=0)],
            VitalSigns(),
            {"bp": OFF},
        ),
        "a cuff that does not measure just then": (
            [source(cuff=True, systolic=0, diastolic=0, map=0)],
            VitalSigns(),
            {},
        ),
        "the cuff while the line is flushed": (
            [source(systolic=999, diastolic=-5), source(cuff=True, **CUFF)],
            OF_CUFF,
            {},
        ),
        "the line is flushed": ([source(systolic=999, diastolic=-5, map=400)], VitalSigns(), {"bp": WRONG}),
        "an impossible half": ([source(systolic=-12, diastolic=70)], VitalSigns(diastolic=70), {"bp": WRONG}),
        "an impossible mean": (
            [source(**LINE, map=-3)],
            VitalSigns(systolic=120, diastolic=80),
            {"map": WRONG},
        ),
        "an impossible mean, and another": ([source(map=-3), source(map=83)], VitalSigns(map=83), {}),
        "the cuff where the line makes no sense": (
            [source(systolic=60, diastolic=90), source(cuff=True, **CUFF)],
            OF_CUFF,
            {},
        ),
        "upside down": ([source(systolic=60, diastolic=90, map=70)], VitalSigns(), {"bp": WRONG}),
        "parts are not put together": (
            [source(systolic=120, diastolic=0), source(cuff=True, map=83, **CUFF)],
            VitalSigns(systolic=120),
            {"bp": OFF},
        ),
        "a mean is its pressure's": (
            [source(systolic=60, diastolic=90, map=70), source(map=83)],
            VitalSigns(map=83),
            {"bp": WRONG},
        ),
        "apnoea": ([source(electrodes=True, pulse=70), source(electrodes=True, resp_rate=0)], VitalSigns(70, 0), {}),
        "the electrodes are off": (
            [source(electrodes=True, pulse=0), source(electrodes=True, resp_rate=0)],
            VitalSigns(),
            {"pulse": LEAD, "resp_rate": LEAD},
        ),
        "they are off, the finger is on": (
            [source(electrodes=True, pulse=0), source(pulse=69), source(electrodes=True, resp_rate=0)],
            VitalSigns(69),
            {"resp_rate": LEAD},
        ),
        "no capnometer": (
            [source(electrodes=True, pulse=70), source(resp_rate=0)],
            VitalSigns(70),
            {"resp_rate": LEAD},
        ),
        "a capnometer behind idle electrodes": (
            [source(pulse=69), source(electrodes=True, resp_rate=0), source(resp_rate=12)],
            VitalSigns(69, 12),
            {},
        ),
    }.values(),
)
def test_which_source_counts(sources: list[Source], signs: VitalSigns, quality: dict[str, str]) -> None:
    """The first source with a value counts; a 0 means a probe that is off, except for breaths beside beats."""
    assert at_once(*sources) == Row(0, signs, quality)


def test_no_temperature() -> None:
    """A temperature of 0 means a probe that is off."""
    [row] = recording_of(Path("a"), [source(pulse=70), source(temperature=0)]).rows
    assert row == Row(0, VitalSigns(70), {"temperature": "probe-off"})


def test_a_probe_that_is_off_is_reported_all_the_time() -> None:
    """Each time of the recording has the reason, although no other sign has a value then."""
    off = [(minute * 60, 0) for minute in range(1, 61)]
    recording = recording_of(Path("a"), [Source({"spo2": [(0, 97), *off]})])
    assert [row.elapsed for row in recording.rows] == [minute * 60 for minute in range(61)]
    assert {row.quality["spo2"] for row in recording.rows[1:]} == {"probe-off"}


def test_a_measured_value_of_the_same_second_counts_before_a_0() -> None:
    """A value after a 0 in the same second counts, since the probe was put on then."""
    assert pulses((0, 0), (0.3, -3), (0.4, 70)).rows == [Row(0, VitalSigns(70))]


def test_more_seconds_than_memory_holds_are_refused() -> None:
    """Half a year with a value a second is refused: its rows would be gigabytes."""
    moments = np.arange(MOST_SECONDS + 1, dtype=float)
    series = np.column_stack((moments, np.full(len(moments), NAN)))
    with pytest.raises(RecordingError, match=r"a: 2000001 seconds .* cut it into parts"):
        recording_of(Path("a"), [Source({"pulse": series})])


def test_what_cannot_be_is_left_out_and_counted() -> None:
    """An impossible value is left out and counted, since a monitor's file cannot be corrected."""
    recording = pulses((0, 70), (1, 400), (2, -1), (3, math.inf), (4, 71))
    assert [(row.elapsed, row.signs.pulse) for row in recording.rows] == [
        (0, 70),
        (1, None),
        (2, None),
        (3, None),
        (4, 71),
    ]
    assert [row.quality for row in recording.rows] == [{}, *[{"pulse": "implausible"}] * 3, {}]
    assert (recording.impossible, recording.skipped) == (3, 0)


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
    """A file without values, or with impossible times, is refused."""
    with pytest.raises(RecordingError, match=why):
        pulses(*series)


def test_names_and_units_are_compared_without_their_dress() -> None:
    """Monitors write them in many ways; kPa would be taken for a dying patient."""
    assert {normalised_name(name) for name in ("ABP Sys", "ABPSys", "abp_sys", "ABP-SYS")} == {"abpsys"}
    check_unit(Path("a"), "Temp", "Deg.C")
    with pytest.raises(RecordingError, match=r"a: ABP Sys is in kPa"):
        check_unit(Path("a"), "ABP Sys", "kPa")
