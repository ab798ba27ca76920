"""Tables as recordings: usual names, several clocks, what is missing, what is refused."""

from pathlib import Path

import pytest

from icu.errors import RecordingError
from icu.patient.recordings import read_recording
from icu.patient.recordings.recording import Recording
from icu.vitals.signs import VitalSigns


def read(tmp_path: Path, text: str, *, name: str = "a.csv", step: float = 60) -> Recording:
    """The recording with this text."""
    path = tmp_path / name
    path.write_bytes(text.encode())
    return read_recording(path, step=step)


def test_pipes_hours_and_missing_values(tmp_path: Path) -> None:
    """The form of the PhysioNet challenge: NaN stays missing, halves of a pressure too, fractions are kept."""
    recording = read(
        tmp_path,
        "HR|O2Sat|Temp|SBP|MAP|DBP|Resp|Age|ICULOS\n"
        "89.5|100|35.15|119|98|NaN|12.25|79.92|2\n"
        "NaN|NaN|NaN|NaN|NaN|NaN|NaN|79.92|3\n"
        "NaN|NaN|NaN|NaN|77|NaN|NaN|79.92|4\n"
        "90|NaN|NaN|120.5|NaN|80|NaN|79.92|5\n",
        name="a.psv",
    )
    assert [(row.elapsed, row.signs) for row in recording.rows] == [
        (0, VitalSigns(89.5, 12.25, 119, None, 100, 35.15, 98)),
        (7_200, VitalSigns(mean=77)),
        (10_800, VitalSigns(90, None, 120.5, 80, None, None)),
    ]
    assert (recording.skipped, recording.duration) == (1, 10_800)


@pytest.mark.parametrize("text", ["", "NaN", "nan", "NA", "N/A", "null", "None", "-", "  "])
def test_what_is_missing_stays_missing(tmp_path: Path, text: str) -> None:
    """No spelling of nothing becomes a 0."""
    assert read(tmp_path, f"hr,spo2\n{text},97\n").rows[0].signs == VitalSigns(spo2=97)


def test_zero_is_a_value(tmp_path: Path) -> None:
    """Asystole is measured, not missing."""
    assert read(tmp_path, "hr\n0\n").rows[0].signs.pulse == 0


@pytest.mark.parametrize(
    ("header", "cells", "elapsed"),
    [
        ("hr", ["70", "71", "72"], [0, 60, 120]),
        ("timestamp,hr", ["2026-01-31T12:00:00Z,70", "2026-01-31T15:00:10+03:00,71"], [0, 10]),
        ("time;hr", ["2026-01-31 12:00:00;70", "2026-01-31 12:00:07.5;71"], [0, 7.5]),
        ("time\thr", ["1700000000\t70", "1700000005\t71"], [0, 5]),
        ("seconds,hr", ["3,70", "4.5,71"], [0, 1.5]),
        ("Minutes,hr", ["0,70", "2,71"], [0, 120]),
        ("ICULOS|HR", ["7|70", "8|71"], [0, 3_600]),
    ],
)
def test_time_is_a_column_or_a_step(tmp_path: Path, header: str, cells: list[str], elapsed: list[float]) -> None:
    """Dates, seconds, minutes, hours since anything, or a fixed step; counted from the first row."""
    recording = read(tmp_path, "\n".join([header, *cells]))
    assert [row.elapsed for row in recording.rows] == pytest.approx(elapsed)


def test_a_pressure_may_stand_in_one_column(tmp_path: Path) -> None:
    """The brief's own form is a recording too."""
    rows = read(tmp_path, "pulse,bp\n70,120/80\n71,119/-\n72,\n").rows
    assert [(row.signs.systolic, row.signs.diastolic) for row in rows] == [(120, 80), (119, None), (None, None)]


@pytest.mark.parametrize("name", ["MAP", "mbp", "Mean", "ABPmean", "NBPmean", "Mean BP"])
def test_a_mean_pressure_by_its_usual_names(tmp_path: Path, name: str) -> None:
    """It stands beside either form of a pressure, whatever its name."""
    assert read(tmp_path, f"bp,{name}\n120/80,93.5\n").rows[0].signs == VitalSigns(
        systolic=120, diastolic=80, mean=93.5
    )
    assert read(tmp_path, f"sbp,dbp,{name}\n120,80,NaN\n").rows[0].signs == VitalSigns(systolic=120, diastolic=80)


def test_a_byte_order_mark_and_windows_lines_do_no_harm(tmp_path: Path) -> None:
    """What a spreadsheet saves can be read."""
    assert len(read(tmp_path, "\ufeffHR,Temp\r\n70,36.6\r\n71,36.7\r\n").rows) == 2


MISTAKES = {
    "a word": ("hr\n70\nfast\n", r"a\.csv:3: column hr: 'fast' is no number"),
    "infinite": ("hr\ninf\n", "is no number"),
    "impossible": ("hr,temp\n70,36\n71,900\n", r"a\.csv:3: column temp: 900 is outside 10 to 50"),
    "a mean beyond any monitor": ("hr,MAP\n70,361\n", r"a\.csv:2: column map: 361 is outside 0 to 360"),
    "two means": ("ABPmean,NBPmean\n93,91\n", r"a\.csv:1: the columns abpmean and nbpmean mean the same"),
    "a negative": ("spo2\n-1\n", "write NaN where nothing was measured"),
    "upside down": ("sbp,dbp\n80,120\n", r"a\.csv:2: column sbp: .* below the diastolic"),
    "a torn line": ("hr,temp\n70\n", r"a\.csv:2: has 1 fields, the header 2"),
    "time goes back": ("seconds,hr\n5,70\n4,71\n", r"a\.csv:3: its time is not later"),
    "time stands still": ("seconds,hr\n5,70\n5,71\n", "not later"),
    "time moves half a millisecond": ("seconds,hr\n0,70\n0.0005,71\n", r"a\.csv:3: .* less than a millisecond"),
    "time moves a millisecond, then less": (
        "seconds,hr\n0,70\n0.001,71\n0.0019,72\n",
        r"a\.csv:4: .* less than a millisecond",
    ),
    "three thousand years": ("ICULOS,hr\n0,70\n26280000,71\n", r"a\.csv:3: .* within 130 years of the first row's"),
    "beyond all time": ("ICULOS,hr\n0,70\n1e300,71\n", r"a\.csv:3: .* within 130 years"),
    "infinite hours": ("ICULOS,hr\n1e308,70\n", r"a\.csv:2: .* within 130 years"),
    "from year 1 to year 9999": (
        "time,hr\n0001-01-01T00:00:00+14:00,70\n9999-12-31T23:59:59-14:00,71\n",
        r"a\.csv:3: ",
    ),
    "no time": ("timestamp,hr\nyesterday,70\n", "column timestamp: 'yesterday'"),
    "no sign": ("age,gender\n70,1\n", r"a\.csv:1: none of its columns is a vital sign"),
    "twice the same": ("HR,pulse\n70,70\n", "mean the same"),
    "a pressure beside its halves": ("bp,SBP,DBP\n120/80,80,60\n", r"a\.csv:1: the columns bp and sbp and dbp mean"),
    "a pressure beside one half": ("bp,dia\n120/80,80\n", r"a\.csv:1: the columns bp and dia mean the same"),
    "no row": ("hr\n", "holds no row"),
    "only missing": ("hr\nNaN\n", "holds no row"),
    "empty": ("", "none of its columns"),
}


@pytest.mark.parametrize(("text", "why"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_names_file_line_and_column(tmp_path: Path, text: str, why: str) -> None:
    """What cannot be replayed is refused before anything is sent."""
    with pytest.raises(RecordingError, match=why):
        read(tmp_path, text)


def test_rows_may_lie_a_millisecond_apart(tmp_path: Path) -> None:
    """The store's resolution, whatever binary fractions make of it."""
    text = "seconds,hr\n" + "".join(f"{n / 1000},70\n" for n in range(2_000))
    assert len(read(tmp_path, text).rows) == 2_000
    assert len(read(tmp_path, "hr\n" + "70\n" * 2_000, step=0.001).rows) == 2_000


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """A picture is no recording."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"\x89PNG\xff\xfe\x00")
    with pytest.raises(RecordingError, match="cannot be read as a recording"):
        read_recording(path, step=1)
