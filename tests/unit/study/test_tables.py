"""Data sets of others: usual names, missing values, several readings an hour, and mistakes told with their place."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from icu.errors import RecordingError
from icu.study import hourly, tables
from icu.study.export import export
from icu.study.simulation import Plan
from icu.study.statistics import SIGNS


def csv_file(folder: Path, *lines: str) -> Path:
    """A file with these lines."""
    path = folder / "data.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("name", ["data.csv", "data.parquet"])
def test_our_own_come_back(tmp_path: Path, name: str) -> None:
    """Written and read again, all values are as in the fresh run; missing ones stay missing."""
    plan = Plan(patients=30, hours=20, artefacts=20)
    export(plan, out=tmp_path / name, labels=tmp_path / f"labels-{name}")
    read = tables.hourly(tmp_path / name)
    np.testing.assert_array_equal(read, hourly.simulated(plan))
    assert np.isnan(read).any()


def test_the_first_value_of_each_hour(tmp_path: Path) -> None:
    """Each sign's own: a temperature that is charted later in the hour is not lost."""
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
    """ICULOS counts hours; a patient begins with the first."""
    signs = tables.hourly(csv_file(tmp_path, "id,ICULOS,O2Sat", "a,5,97", "a,7,95"))
    np.testing.assert_array_equal(signs[0, :, SIGNS.index("O2Sat")], [97, np.nan, 95])


@pytest.mark.parametrize(
    ("lines", "hint"),
    [
        (["patient,time", "1,0"], "names no vital sign"),
        (["patient,hr", "1,70"], "names no time"),
        (["time,hr", "0,70"], "names no patient"),
        ([""], "names no patient"),
        (["patient,time,hr"], "holds no row"),
        (["patient,time,hr,pulse", "1,0,70,70"], "hr and pulse mean the same"),
        (["patient,time,hr", "1,0"], "data.csv:2: has 2 fields, the header 3"),
        (["patient,time,hr", "1,0,seventy"], "data.csv:2: could not convert"),
        (["patient,time,hr", "1,noon,70"], "data.csv:2: could not convert"),
        (["patient,time,hr", "1,inf,70"], "data.csv:2: "),
        (["patient,time,hr", "1,0,inf"], "pulse: inf is outside 0 to 350"),
        (["patient,time,temp", "1,0,98.6"], "temperature: 98.6 is outside 10 to 50"),
        (["patient,time,hr", "1,1970-01-01,70", "1,2026-01-01,70"], "more than a year apart"),
    ],
)
def test_mistakes(tmp_path: Path, lines: list[str], hint: str) -> None:
    """One sentence with the file, and the line where there is one."""
    with pytest.raises(RecordingError, match=hint):
        tables.hourly(csv_file(tmp_path, *lines))


def test_files_that_are_none(tmp_path: Path) -> None:
    """Missing, not text, not Parquet."""
    (tmp_path / "a.csv").write_bytes(b"patient,time,hr\n\xff,0,70\n")
    (tmp_path / "a.parquet").write_bytes(b"PAR?")
    for name in ("no.csv", "no.parquet", "a.csv", "a.parquet"):
        with pytest.raises(RecordingError, match=f"{name} cannot be read"):
            tables.hourly(tmp_path / name)


def test_parquet_of_others(tmp_path: Path) -> None:
    """Times as text, integers with nulls, categories, columns in any order and of any name."""
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
    """Each file is a patient; without a time column a row is an hour."""
    (tmp_path / "a.psv").write_text("HR|Temp\n70|NaN\nNaN|37\n")
    (tmp_path / "b.csv").write_text("minutes,spo2\n0,97\n30,96\n150,95\n")
    signs = hourly.recorded(tmp_path)
    np.testing.assert_array_equal(signs[0, :2, SIGNS.index("HR")], [70, np.nan])
    np.testing.assert_array_equal(signs[1, :, SIGNS.index("O2Sat")], [97, np.nan, 95])
