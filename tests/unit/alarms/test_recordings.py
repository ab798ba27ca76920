"""Real stays replayed: a value that was not charted is no alarm of the patient, nor is a probe that is off."""

import csv
from pathlib import Path

import pytest

from tests.alarms import Bed

FOLDER = Path(__file__).parents[4] / "shared" / "recordings"
FILES = sorted(FOLDER.glob("*.psv"))
COLUMNS = {
    "pulse": "HR",
    "resp_rate": "Resp",
    "systolic": "SBP",
    "diastolic": "DBP",
    "spo2": "O2Sat",
    "temperature": "Temp",
    "map": "MAP",
}
LIMITS = {
    "pulse.low": lambda row: row["pulse"] < 50,
    "pulse.high": lambda row: row["pulse"] > 120,
    "spo2.low": lambda row: row["spo2"] < 90,
    "resp_rate.low": lambda row: row["resp_rate"] < 8,
    "resp_rate.high": lambda row: row["resp_rate"] > 30,
    "map.low": lambda row: row["map"] < 60,
    "map.high": lambda row: row["map"] > 110,
    "systolic.low": lambda row: row["systolic"] < 90,
    "systolic.high": lambda row: row["systolic"] > 160,
    "temperature.low": lambda row: row["temperature"] < 35,
    "temperature.high": lambda row: row["temperature"] > 39,
}


def stay(path: Path) -> list[dict[str, float | None]]:
    """Read the signs of a stay, a row an hour."""
    with path.open() as file:
        rows = list(csv.DictReader(file, delimiter="|"))
    return [
        {name: None if row[column] == "NaN" else float(row[column]) for name, column in COLUMNS.items()} for row in rows
    ]


@pytest.mark.recordings
@pytest.mark.skipif(not FILES, reason="no recordings here")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_alarm_has_a_value_beyond_its_limit(path: Path) -> None:
    """Every physiological alarm of a stay begins at a charted value beyond its limit, and each such run has one."""
    bed = Bed(interval=3600)
    rows = stay(path)
    for number, row in enumerate(rows):
        bed.send(number * 3600, **row)
    bed.wait(len(rows) * 3600)
    for name, is_beyond in LIMITS.items():
        sign = name.split(".")[0]
        beyond = [number for number, row in enumerate(rows) if row[sign] is not None and is_beyond(row)]
        onsets = [round((each.onset - bed.rows[0][0][1]) / 3_600_000) for each in bed.alarms(name)]
        assert set(onsets) <= set(beyond), name
        assert bool(onsets) == bool(beyond), name


@pytest.mark.recordings
@pytest.mark.skipif(not FILES, reason="no recordings here")
def test_probe_off_is_no_alarm_of_the_patient() -> None:
    """The same stays with every sign flagged raise technical alarms alone."""
    for path in FILES[:6]:
        bed = Bed(interval=3600)
        bed.send(0)
        flags = dict.fromkeys(("pulse", "resp_rate", "bp", "spo2", "temperature"), "probe-off")
        for number, row in enumerate(stay(path), start=1):
            bed.send(number * 3600, flags=flags, **row)
        assert {each.definition.kind for each in bed.alarms()} == {"technical"}
