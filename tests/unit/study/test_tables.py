"""Data sets of any origin: usual names, missing values, several readings an hour, and mistakes with their place."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from icu.patient.errors import RecordingError
from icu.study import hourly, tables
from icu.study.export import export
from icu.study.simulation import Plan
from icu.study.statistics import SIGNS


def csv_file(folder: Path, *lines: str) -> Path:
    """Write a file with these lines."""
    path = folder / "data.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("name", ["data.csv", "data.parquet"])
def test_our_own_come_back(tmp_path: Path, name: str) -> None:
    """A written data set is read with the values of the fresh run, and missing ones stay missing."""
    plan = Plan(patients=30, hours=20, artefacts=20)
    export(plan, out=tmp_path / name, labels=tmp_path / f"labels-{name}")
    read = tables.hourly(tmp_path / name)
    np.testing.assert_array_equal(read, hourly.simulated(plan))
    assert np.isnan(read).any()


def test_the_first_value_of_each_hour(tmp_path: Path) -> None:
    """The first value of each sign in an hour counts, also one charted later than other signs."""
    path = csv_file(
        tmp_path,
        "subject_id|charttime|HR|Temp",
        "1|2026-01-31T12:10:00Z|70|",
        "1|2026-01-31T12:20:00Z|71|37.5",
        "1|2026-01-31T14:00:00+01:00|72|NaN",
        "1|2026-01-31 15:59|73|-",
        "2|2025-12-31T00:00:00Z|80|36.6",
    )
    signs = tables.hourly(path)
    assert signs.shape == (2, 4, len(SIGNS))
    np.testing.assert_array_equal(signs[:, :, SIGNS.index("HR")], [[70, 72, np.nan, 73], [80, *[np.nan] * 3]])
    np.testing.assert_array_equal(signs[:, 0, SIGNS.index("Temp")], [37.5, 36.6])


def test_hours_that_are_counted(tmp_path: Path) -> None:
    """ICULOS counts hours; a patient begins with the first one."""
    signs = tables.hourly(csv_file(tmp_path, "id,ICULOS,O2Sat", "a,5,97", "a,7,95"))
    np.testing.assert_array_equal(signs[0, :, SIGNS.index("O2Sat")], [97, np.nan, 95])


@pytest.mark.parametrize(
    ("lines", "hint"),
    [
        (["patient,time", "1,0"], "none of its columns is a vital sign: they are patient, time"),
        (["patient,hr", "1,70"], "names no time"),
        (["time,hr", "0,70"], "names no patient"),
        ([""], "data.csv is empty"),
        (["patient,time,hr"], "holds no row"),
        (["patient,time,hr,heart_rate", "1,0,70,70"], "hr and heart_rate mean the same"),
        (["patient,time,hr", "1,0"], "data.csv:2: has 2 fields, the header 3"),
        (["patient,time,hr", "1,0,seventy"], "data.csv:2: column hr: 'seventy' is no number"),
        (["patient,time,hr", "1,0,70", "1,0,seventy"], "data.csv:3: column hr: 'seventy' is no number"),
        (["patient,time,hr", "1,noon,70"], "data.csv:2: column time: 'noon' is no time"),
        (["patient,time,hr", ",0,70"], "data.csv:2: column patient: says no patient"),
        (["patient,time,hr", "1,inf,70"], "data.csv:2: "),
        (["patient,time,hr", "1,0,inf"], "data.csv:2: column hr: 'inf' is no number"),
        (["patient,time,temp", "1,0,98.6"], "column temp: most of its values .* Fahrenheit"),
        (["patient,time (s),resp", "1,0,20", "1,0.01,20", "1,0.02,20"], "100 rows a second are a waveform"),
        (["patient,itemid,time,value", "1,220045,0,70"], "has a row for each value"),
        (["patient,time,hr", "1,1970-01-01,70", "1,2026-01-01,70"], "more than a year apart"),
    ],
)
def test_mistakes(tmp_path: Path, lines: list[str], hint: str) -> None:
    """A mistake is one sentence with the file, and the line where there is one."""
    with pytest.raises(RecordingError, match=hint):
        tables.hourly(csv_file(tmp_path, *lines))


def test_files_that_are_none(tmp_path: Path) -> None:
    """A missing file, one that is no text, and one that is no Parquet are refused."""
    (tmp_path / "a.csv").write_bytes(b"patient,time,hr\n\0\xff,0,70\n")
    (tmp_path / "a.parquet").write_bytes(b"PAR?")
    for name in ("no.csv", "no.parquet", "a.csv", "a.parquet"):
        with pytest.raises(RecordingError, match=f"{name} cannot be read"):
            tables.hourly(tmp_path / name)


def test_a_waveform_in_parquet(tmp_path: Path) -> None:
    """More than ten values a second throughout an hour are refused as a waveform."""
    path = tmp_path / "data.parquet"
    rows = 40_000
    columns = {"id": pa.array([1] * rows), "time_ms": pa.array(range(0, rows * 8, 8)), "resp": pa.array([20] * rows)}
    pq.write_table(pa.table(columns), path)
    with pytest.raises(RecordingError, match="over 10 values of resp_rate a second are a waveform"):
        tables.hourly(path)


def test_a_bound_on_hours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hours are bounded, since they are held in memory."""
    monkeypatch.setattr(hourly, "_MOST", 2)
    assert tables.hourly(csv_file(tmp_path, "id,hours,hr", "a,0,70", "a,1,71")).shape[:2] == (1, 2)
    with pytest.raises(RecordingError, match="over 2 hours of patients"):
        tables.hourly(csv_file(tmp_path, "id,hours,hr", "a,0,70", "a,1,71", "b,0,71"))


def test_a_pipe_is_no_data_set(tmp_path: Path) -> None:
    """A pipe is refused: it would be waited for, and cannot be read twice."""
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(RecordingError, match=r"a\.csv cannot be read: it is no regular file"):
        tables.hourly(tmp_path / "a.csv")


def test_parquet_of_others(tmp_path: Path) -> None:
    """Parquet of other programs is read: times as text, integers with nulls, categories, columns in any order."""
    path = tmp_path / "data.parquet"
    columns = {
        "Temp": pa.array([None, 37.5, 38]),
        "note": pa.array(["x", None, "y"]),
        "TIME": pa.array(["2026-01-31T12:10:00Z", "2026-01-31T12:20:00Z", "2026-01-31T13:00:00Z"]),
        "hr": pa.array([70, 71, None], pa.int32()),
        "id": pa.array(["a", "a", "a"]).dictionary_encode(),
    }
    pq.write_table(pa.table(columns), path)
    signs = tables.hourly(path)
    np.testing.assert_array_equal(signs[0, :, SIGNS.index("HR")], [70, np.nan])
    np.testing.assert_array_equal(signs[0, :, SIGNS.index("Temp")], [37.5, 38])
    for wrong in ({"hr": pa.array(["a", "b", "c"])}, {"id": pa.array(["a", None, "a"])}, {"hr": pa.array([[1]] * 3)}):
        pq.write_table(pa.table({**columns, **wrong}), path)
        with pytest.raises(RecordingError, match="columns that cannot be used"):
            tables.hourly(path)


def test_a_folder_of_recordings(tmp_path: Path) -> None:
    """Each recording of a folder is a patient; without a time column a row is an hour."""
    (tmp_path / "a.psv").write_text("HR|Temp\n70|NaN\nNaN|37\n")
    (tmp_path / "b.csv").write_text("minutes,spo2\n0,97\n30,96\n150,95\n")
    signs = hourly.recorded(tmp_path)
    np.testing.assert_array_equal(signs[0, :2, SIGNS.index("HR")], [70, np.nan])
    np.testing.assert_array_equal(signs[1, :, SIGNS.index("O2Sat")], [97, np.nan, 95])


CHANGED = ("SaO2,Heart Rate (bpm),Pulse,Temp (F),spo2,sbp,dbp,MAP", "60,70,69,98.6,0.97,120,80,93")


SECOND = [{"HR": 72, "O2Sat": 90, "SBP": 121, "DBP": 81}.get(sign, np.nan) for sign in SIGNS]


def test_columns_are_known_as_those_of_recordings(tmp_path: Path) -> None:
    """Columns follow the rules for recordings: units, the better of two sources, and impossible values."""
    header, first = CHANGED
    path = csv_file(
        tmp_path,
        f"subject_id,stay_id,time_min,{header}",
        f"1,1,0,{first}",
        "1,2,0,,-5,71,,0.9,80,120,999",
        "1,2,10,,72,,,,121,81,",
    )
    signs = tables.hourly(path)
    assert signs.shape == (2, 1, len(SIGNS))
    first_row = {"HR": 70, "O2Sat": 97, "Temp": 37, "SBP": 120, "MAP": 93, "DBP": 80}
    np.testing.assert_array_equal(signs[0, 0], [first_row.get(sign, np.nan) for sign in SIGNS])
    np.testing.assert_array_equal(signs[1, 0], SECOND)


def test_parquet_is_read_by_the_same_names(tmp_path: Path) -> None:
    """Parquet has the same names, conversions and limits."""
    path = tmp_path / "data.parquet"
    columns = {
        "subject_id": pa.array([1, 1, 1]),
        "stay_id": pa.array([1, 2, 2]),
        "time_ms": pa.array([0, 0, 600_000]),
        "SaO2": pa.array([60, 61, 62]),
        "SpO2": pa.array([0.97, 0.9, None]),
        "Heart Rate (bpm)": pa.array([70, -5, 72]),
        "Pulse": pa.array([69, 71, None]),
        "Temp (F)": pa.array([98.6, None, None]),
        "sbp": pa.array([120, 80, 121]),
        "dbp": pa.array([80, 120, 81]),
        "MAP": pa.array([93, 999, None]),
    }
    pq.write_table(pa.table(columns), path)
    text = tmp_path / "data.csv"
    rows = zip(*(column.to_pylist() for column in columns.values()), strict=True)
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
    text.write_text("\n".join([",".join(columns), *lines]))
    np.testing.assert_array_equal(tables.hourly(path).round(2), tables.hourly(text))
    np.testing.assert_array_equal(tables.hourly(text)[1, 0], SECOND)


@pytest.mark.parametrize(
    ("column", "hint"),
    [
        ({"Temp": pa.array([98.6, 98.7])}, "Fahrenheit"),
        ({"hr": pa.array([0.9, 1.2])}, "all values lie between 0 and 3"),
        ({"T": pa.array([36.6, 36.7]), "hr": pa.array([70, 71])}, None),
    ],
)
def test_parquet_in_other_units(tmp_path: Path, column: dict[str, pa.Array], hint: str | None) -> None:
    """Parquet in other units is refused as CSV is."""
    path = tmp_path / "data.parquet"
    pq.write_table(pa.table({"id": pa.array([1, 2]), "time": pa.array([0, 0]), **column}), path)
    if hint is None:
        np.testing.assert_array_equal(tables.hourly(path)[:, 0, SIGNS.index("Temp")], [36.6, 36.7])
    else:
        with pytest.raises(RecordingError, match=hint):
            tables.hourly(path)


def test_epochs_of_parquet_by_their_magnitude(tmp_path: Path) -> None:
    """Seconds, ms and us since 1970 give the same hours."""
    for scale in (1, 10**3, 10**6):
        path = tmp_path / f"{scale}.parquet"
        moments = pa.array([1_714_557_600 * scale, (1_714_557_600 + 7_200) * scale])
        pq.write_table(pa.table({"id": pa.array([1, 1]), "timestamp": moments, "hr": pa.array([70, 72])}), path)
        np.testing.assert_array_equal(tables.hourly(path)[0, :, SIGNS.index("HR")], [70, np.nan, 72])


@pytest.mark.parametrize(
    ("moments", "hint"),
    [
        ([1420, 1430], "a clock"),
        ([45_413, 45_414], "spreadsheets"),
        ([20_000_000_000, 20_000_000_005], "cannot be told"),
    ],
)
def test_numbers_of_parquet_that_mean_several_things(tmp_path: Path, moments: list[int], hint: str) -> None:
    """Ambiguous numbers in Parquet are refused as in CSV."""
    path = tmp_path / "data.parquet"
    pq.write_table(pa.table({"id": pa.array([1, 1]), "time": pa.array(moments), "hr": pa.array([70, 72])}), path)
    with pytest.raises(RecordingError, match=hint):
        tables.hourly(path)


def test_a_folder_of_several_patients_a_file(tmp_path: Path) -> None:
    """Each patient of each file is a patient of the scorecard."""
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("patient_id,ICULOS,hr,sbp,dbp\n1,1,70,80,120\n2,1,80,120,80\n1,2,71,,\n")
    signs = hourly.recorded(tmp_path)
    np.testing.assert_array_equal(signs[:, :, SIGNS.index("HR")], [[70, 71], [80, np.nan]] * 2)
    np.testing.assert_array_equal(signs[:, 0, SIGNS.index("SBP")], [np.nan, 120] * 2)


def test_patients_whom_two_columns_tell_apart(tmp_path: Path) -> None:
    """A visit number within a patient makes a history of its own, in Parquet too."""
    columns = {"patient_id": [1, 1, 2], "visit_id": [1, 2, 1], "time_min": [0, 0, 0], "hr": [70, 80, 90]}
    rows = [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    pq.write_table(pa.table(columns), tmp_path / "data.parquet")
    for path in (csv_file(tmp_path, ",".join(columns), *rows), tmp_path / "data.parquet"):
        assert sorted(tables.hourly(path)[:, 0, SIGNS.index("HR")]) == [70, 80, 90]
