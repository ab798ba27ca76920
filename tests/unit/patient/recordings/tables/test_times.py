"""Columns of times as people write them: seconds, or a refusal that names the column."""

from pathlib import Path

import pytest

from icu.patient.errors import RecordingError
from tests.unit.patient.recordings.tables.samples import read, times

TOLD = {
    "no column": ("hr", ["70", "71"], [0, 3_600]),
    "a unit in brackets": ("Time [s], HR", ["0,70", "1,71", "10,72"], [0, 1, 10]),
    "a unit in parentheses": ("Elapsed time (min),hr", ["0,70", "2,71"], [0, 120]),
    "milliseconds in the name": ("time_ms,hr", ["0,70", "5000,71"], [0, 5]),
    "minutes in the name": ("time_min,HR", ["0,70", "5,71"], [0, 300]),
    "hours in the name": ("TimeHours,hr", ["0,70", "2,71"], [0, 7_200]),
    "microseconds in the name": ("timestamp_us,hr", ["1,70", "1500001,71"], [0, 1.5]),
    "a unit behind a comma": ('"time, s",hr', ["3,70", "5,71"], [0, 2]),
    "hours since admission": ("ICULOS|HR", ["7|70", "8|71"], [0, 3_600]),
    "eICU's minutes, from before admission": ("observationoffset,heartrate", ["-5,70", "0,71"], [0, 300]),
    "an epoch": ("timestamp,hr", ["1714557600,70", "1714557605,71"], [0, 5]),
    "a float epoch": ("timestamp,hr", ["1714557600.25,70", "1714557605.5,71"], [0, 5.25]),
    "an epoch in ms": ("timestamp,hr", ["1714557600000,70", "1714557605250,71"], [0, 5.25]),
    "an epoch in us": ("timestamp,hr", ["1714557600000000,70", "1714557605000000,71"], [0, 5]),
    "an epoch in ns": ("timestamp,hr", ["1714557600000000000,70", "1714557605000000000,71"], [0, 5]),
    "numpy's numbers": ("time,hr", ["1.714557600000000000e+09,70", "1.714557605000000000e+09,71"], [0, 5]),
    "recorded at": ("recorded_at,HR", ["2026-10-25T02:59:55Z,70", "2026-10-25T03:05:55Z,71"], [0, 360]),
    "MIMIC": ("charttime,hr", ["2181-11-25 19:06:00,70", "2181-11-25 20:06:00,71"], [0, 3_600]),
    "a time zone in the header": ("Timestamp (UTC),hr", ["2024-05-01 10:00,70", "2024-05-01 10:05,71"], [0, 300]),
    "a form in the header": ("Time (hh:mm:ss),hr", ["10:00:00,70", "10:00:05,71"], [0, 5]),
    "compact": ("timestamp,hr", ["20240501100055,70", "20240501100100,71", "20240501110000,72"], [0, 5, 3_545]),
    "compact to the minute": ("timestamp,hr", ["202405010959,70", "202405011000,71"], [0, 60]),
    "compact days": ("date,hr", ["20240228,70", "20240229,71", "20240301,72"], [0, 86_400, 172_800]),
    "a spreadsheet's days": ("time,hr", ["45413.416667,70", "45413.420139,71"], [0, 299.981]),
    "date and time apart": ("Date,Time,hr", ["2026-03-03,23:59,70", "2026-03-04,00:09,71"], [0, 600]),
    "date and a clock without its colon": ("Date,Time,Pul", ["2026-03-03,959,59", "2026-03-03,1030,60"], [0, 1_860]),
    "date and a clock with leading zeros": ("date,time,hr", ["2026-03-03,0059,70", "2026-03-03,0101,71"], [0, 120]),
    "date and six digits": ("date,time,hr", ["20260303,095959,70", "20260303,100001,71"], [0, 2]),
    "a spreadsheet's day and fraction": ("Date,Time,hr", ["46084,0.5,70", "46084,0.75,71"], [0, 21_600]),
    "day first, by its dots": ("time,hr", ["03.04.2026 10:00,70", "04.04.2026 10:00,71"], [0, 86_400]),
    "day first, by a 13th": ("time,hr", ["12/04/2026 10:00,70", "13/04/2026 10:00,71"], [0, 86_400]),
    "month first, by a 13th, with halves of a day": (
        "time,hr",
        ["4/12/2026 11:59 PM,70", "4/13/2026 12:00 AM,71"],
        [0, 60],
    ),
    "year first, with strokes": ("Date,Time,hr", ["2026/03/03,14:20,70", "2026/03/04,2:20 PM,71"], [0, 86_400]),
    "VitalDB": ("Time,Solar8000/HR", ["0,70", "2,71"], [0, 2]),
    "rdsamp's units in a line": ("'Elapsed time','HR'", ["'minutes','bpm'", "0,70", "2,71"], [0, 120]),
    "the first of several": ("minutes,storetime,time,hr", ["9,x,0,70", "9,x,5,71"], [0, 5]),
    "T beside another temperature": ("T,HR,Temp", ["0,70,36", "5,71,36"], [0, 5]),
    "hours of a stay beside dates": (
        "Date,ICULOS,hr",
        ["2026-01-01,20,70", "2026-01-02,25,71"],
        [0, 18_000],
    ),
    "hours on one day": ("Date,Hour,hr", ["2026-01-01,8,70", "2026-01-01,9,71"], [0, 3_600]),
    "t through a body's temperatures": ("t,hr", [f"{n},70" for n in range(20, 80, 20)], [0, 20, 40]),
    "t": ("t,hr", ["3,70", "4.5,71"], [0, 1.5]),
}


@pytest.mark.parametrize(("header", "lines", "wanted"), TOLD.values(), ids=TOLD)
def test_times_that_can_be_told(tmp_path: Path, header: str, lines: list[str], wanted: list[float]) -> None:
    """Times are counted from the first row, and distances between rows are exact."""
    text = "\n".join([header, *lines])
    assert times(read(tmp_path, text)) == wanted


REFUSED = {
    "a clock or a count": ("time,hr\n1420,70\n1430,71\n", "column time: .*a clock"),
    "seconds or days": ("time,hr\n45413,70\n45414,71\n", "column time: .* spreadsheets"),
    "day or month": ("time,hr\n03/04/2026 10:00,70\n04/04/2026 10:00,71\n", "column time: which is the day"),
    "no unit that fits": ("time,hr\n20000000000,70\n20000000005,71\n", "column time: what its numbers mean"),
    "an unknown unit": ("Time (fortnights),hr\n1,70\n", "column Time .fortnights.: its unit fortnights"),
    "another time zone": ("Time (EST),hr\n2026-01-01,70\n", "its unit est is not known"),
    "an unknown name": ("observed_when,hr\n1,70\n2,71\n", "column observed_when: looks like one of time"),
    "an unknown name of seconds": ("seconds since start,hr\n0,70\n5,71\n", "column seconds since start: looks like"),
    "an unknown name of times": ("x,hr\n2026-01-01T10:00Z,70\n2026-01-01T11:00Z,71\n", "column x: looks like one of"),
    "a spreadsheet's rounding": ("time,hr\n1.71456E+12,70\n", r"a\.csv:2: column time: '1.71456E\+12' is no time"),
    "two forms": ("time,hr\n2026-01-01T10:00Z,70\n1714557600,71\n", r"a\.csv:3: column time: '1714557600' is no time"),
    "two compact forms": ("time,hr\n20240501,70\n20240501100000,71\n", "column time: what its numbers mean"),
    "other digits": ("seconds,hr\n٣,70\n", r"a\.csv:2: column seconds: '٣' is no number"),
    "digits with strokes": ("seconds,hr\n7_0,70\n", "'7_0' is no number"),
    "no time": ("time,hr\n0,70\n,71\n", r"a\.csv:3: column time: there is no time in this row"),
    "T of two meanings": ("T,hr\n36,70\n37,71\n", "column T: may count seconds or be a temperature"),
    "T that may be a clock": ("T,hr\n0,70\n5,71\n", "column T: may count seconds or be a temperature"),
    "T in Fahrenheit": ("T,hr\n98.6,70\n98.7,71\n", "column T: most of its values .* Fahrenheit"),
    "hours of a day, or of a stay": (
        "Date,Hour,hr\n2026-01-01,8,70\n2026-01-02,9,71\n",
        "column Hour: may be of the day",
    ),
    "seconds of a day, or of a stay": (
        "Date,Time,hr\n2026-01-01,75,70\n2026-01-02,80,71\n",
        "column Time: may be of the day",
    ),
    "a day with a time beside one": (
        "Date,Time,hr\n2026-01-01 05:00,10:00,70\n2026-01-02 05:00,10:00,71\n",
        "more than a day",
    ),
}


@pytest.mark.parametrize(("text", "why"), REFUSED.values(), ids=REFUSED)
def test_times_that_cannot(tmp_path: Path, text: str, why: str) -> None:
    """Times of several meanings are refused, never misread in silence."""
    with pytest.raises(RecordingError, match=why):
        read(tmp_path, text)


def test_the_step_is_said_and_so_is_a_missing_unit(tmp_path: Path) -> None:
    """A note has the step between rows, and a unit that was assumed."""
    assert "no column is of time: a row every 60 s" in read(tmp_path, "hr\n70\n", step=60).notes
    assert any("column time has no unit" in note for note in read(tmp_path, "time,hr\n0,70\n5,71\n").notes)
    assert not read(tmp_path, "time,hr\n1714557600,70\n").notes
