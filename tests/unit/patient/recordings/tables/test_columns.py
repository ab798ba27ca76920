"""Columns of a table that are signs, and the choice between several of a sign."""

from pathlib import Path
from typing import Any

import pytest

from icu.patient.errors import RecordingError
from tests.unit.patient.recordings.tables.samples import read, recordings, signs

TOLD: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "the oximeter, not the blood gas": (
        "HR|O2Sat|SaO2|ICULOS\n80|97|60|1\n80|NaN|61|2\n",
        [{"pulse": 80, "spo2": 97}, {"pulse": 80}],
    ),
    "eICU's saturation, of the oximeter": ("heartrate,sao2\n80,97\n", [{"pulse": 80, "spo2": 97}]),
    "the ECG, and the finger where it has none": (
        "Time [s], HR, PULSE, RESP, SpO2\n0,94,93,25,97\n1,NaN,92,25,97\n",
        [{"pulse": 94, "resp_rate": 25, "spo2": 97}, {"pulse": 92, "resp_rate": 25, "spo2": 97}],
    ),
    "the line, and the cuff where it has none": (
        (
            "time,systemicsystolic,systemicdiastolic,noninvasivesystolic,noninvasivediastolic,noninvasivemean\n"
            "0,120,60,110,50,70\n1,,,111,51,71\n2,121,,112,52,72\n"
        ),
        [
            {"systolic": 120, "diastolic": 60},
            {"systolic": 111, "diastolic": 51, "map": 71},
            {"systolic": 121},
        ],
    ),
    "MIMIC's pressures": (
        "charttime,sbp,dbp,mbp,sbp_ni,dbp_ni,mbp_ni\n2150-01-01 00:00,,,,120,60,80\n2150-01-01 01:00,121,61,81,,,\n",
        [{"systolic": 120, "diastolic": 60, "map": 80}, {"systolic": 121, "diastolic": 61, "map": 81}],
    ),
    "a mean of no source in particular": (
        "MAP,ABPSys,ABPDias\n80,120,60\n81,,\n",
        [{"systolic": 120, "diastolic": 60, "map": 80}, {"map": 81}],
    ),
    "a mean of no source in particular beside a cuff": (
        "MAP,NBPSys,NBPDias\n80,120,60\n81,,\n",
        [{"systolic": 120, "diastolic": 60, "map": 80}, {"map": 81}],
    ),
    "a mean beside a cuff that has its own": (
        "MAP,NBPSys,NBPDias,NBPMean\n80,120,60,81\n82,,,\n",
        [{"systolic": 120, "diastolic": 60, "map": 81}, {"map": 82}],
    ),
    "VitalDB's": (
        "Time,Solar8000/HR,Solar8000/ART_SBP,Solar8000/ART_DBP,Solar8000/BT,BIS/BIS\n0,80,120,60,36.5,40\n",
        [{"pulse": 80, "systolic": 120, "diastolic": 60, "temperature": 36.5}],
    ),
    "the mean of a window": ("time,hr,mean,std\n0,75,74.5,2\n", [{"pulse": 75}]),
    "a mean beside nothing else": ("hr,mean\n75,74.5\n", [{"pulse": 75}]),
    "the mean of a window beside pressures": ("sys,dia,mean,std\n120,60,80,2\n", [{"systolic": 120, "diastolic": 60}]),
    "a mean beside pressures": ("sys,dia,mean\n120,60,80\n", [{"systolic": 120, "diastolic": 60, "map": 80}]),
    "intervals in seconds": ("time,hr,rr\n0,75,0.80\n1,75,0.81\n", [{"pulse": 75}, {"pulse": 75}]),
    "intervals in milliseconds": ("time,hr,rr\n0,75,800\n1,75,810\n", [{"pulse": 75}, {"pulse": 75}]),
    "breaths": ("time,hr,rr\n0,75,18\n1,75,17\n", [{"pulse": 75, "resp_rate": 18}, {"pulse": 75, "resp_rate": 17}]),
    "T is the temperature": (
        "HR,T\n80,36.6\n81,36.7\n",
        [{"pulse": 80, "temperature": 36.6}, {"pulse": 81, "temperature": 36.7}],
    ),
    "T with a value that is none": (
        "HR,T\n80,0\n81,36.6\n82,36.7\n",
        [{"pulse": 80}, {"pulse": 81, "temperature": 36.6}, {"pulse": 82, "temperature": 36.7}],
    ),
    "T beside a time": (
        "time,hr,T\n0,80,37\n5,81,38\n",
        [{"pulse": 80, "temperature": 37}, {"pulse": 81, "temperature": 38}],
    ),
    "a pressure in one cell": (
        "pulse,bp\n70,120/80\n71,119/-\n72,\n73,-/-\n",
        [{"pulse": 70, "systolic": 120, "diastolic": 80}, {"pulse": 71, "systolic": 119}, {"pulse": 72}, {"pulse": 73}],
    ),
}


@pytest.mark.parametrize(("text", "wanted"), TOLD.values(), ids=TOLD)
def test_signs_that_can_be_told(tmp_path: Path, text: str, wanted: list[dict[str, Any]]) -> None:
    """A column of a known meaning gives the right value, or none."""
    assert signs(read(tmp_path, text)) == wanted


REFUSED = {
    "a waveform": ("Time [s], RESP\n0,0.25\n0.008,0.26\n0.016,0.27\n", "column RESP: 125 rows a second are a waveform"),
    "a waveform of two people": (
        "id,time (s),RESP\na,0,20\nb,0,20\na,0.008,20\nb,0.008,20\na,0.016,20\n",
        "column RESP: 125 rows a second",
    ),
    "an interval alone": ("rr\n0.8\n0.81\n", "column rr: its values are intervals between heart beats"),
    "twice the same": ("HR,heart_rate\n70,70\n", "the columns HR and heart_rate mean the same"),
    "two arterial lines": ("ABPSys,ART_SBP\n120,121\n", "the columns ABPSys and ART_SBP mean the same"),
    "a pressure beside its halves": ("bp,SBP,DBP\n120/80,80,60\n", "the columns bp and SBP and DBP mean the same"),
    "no sign": ("age,gender\n70,1\n", r"a\.csv:1: none of its columns is a vital sign: they are age, gender"),
    "CLIF": (
        "hospitalization_id,recorded_dttm,vital_category,vital_value\n1,2024-05-01,heart_rate,80\n",
        r"has a row for each value \(hospitalization_id, .*\): make it a table with a column for each sign",
    ),
    "MIMIC's chart": ("subject_id,charttime,itemid,valuenum\n1,2150-01-01,220045,80\n", "has a row for each value"),
    "SICdb": ("id,CaseID,DataID,Offset,Val\n1,10,708,60,80\n", "has a row for each value"),
    "no pressure": ("bp\n120\n", r"a\.csv:2: column bp: blood pressure is written systolic/diastolic, .* not '120'"),
    "a pressure of three": ("bp\n120/80/1\n", "blood pressure is written"),
}


@pytest.mark.parametrize(("text", "why"), REFUSED.values(), ids=REFUSED)
def test_signs_that_cannot(tmp_path: Path, text: str, why: str) -> None:
    """A column of several meanings is refused, and never another value in silence."""
    with pytest.raises(RecordingError, match=why):
        recordings(tmp_path, text)


def test_a_waveform_beside_a_sign(tmp_path: Path) -> None:
    """A sign beside a waveform keeps its own times, and a note names the waveform."""
    lines = "".join(f"{n / 100:.2f},{0.1 * n:.1f},{80 if n % 100 == 0 else ''}\n" for n in range(300))
    recording = read(tmp_path, f"time (s),RESP,HR\n{lines}")
    assert signs(recording) == [{"pulse": 80}] * 3
    assert [row.elapsed for row in recording.rows] == [0, 1, 2]
    assert "waveforms of up to 100 values a second are not taken: RESP" in recording.notes


def test_ten_a_second_are_none(tmp_path: Path) -> None:
    """Ten values a second are no waveform, as in WFDB."""
    lines = "".join(f"{n / 10:.1f},80\n" for n in range(50))
    assert len(read(tmp_path, f"time (s),HR\n{lines}").rows) == 50
    with pytest.raises(RecordingError, match="20 rows a second"):
        read(tmp_path, "HR\n80\n", step=0.05)


def test_what_is_left_alone_is_named(tmp_path: Path) -> None:
    """Unused columns are named once, in one sentence, with the reason where people may wonder."""
    recording = read(tmp_path, "HR|O2Sat|SaO2|pH|Age|Unit1|ICULOS\n80|97|60|7.4|68|0|1\n")
    assert recording.notes == [
        "column SaO2 is a blood gas beside an oximeter: not taken",
        "columns left alone: pH, Age, Unit1",
    ]
    recording = read(tmp_path, "hr,rr\n80,800\n")
    assert recording.notes[1:] == ["column rr: its values are intervals between heart beats: not taken"]
    assert (recording.impossible, recording.rows[0].quality) == (0, {})
    recording = read(tmp_path, "hr,pulse,mean,std,rr\n80,79,1,2,0.8\n")
    assert recording.notes[1:] == [
        "column rr: its values are intervals between heart beats: not taken",
        "column pulse counts where hr has no value",
        "column mean is no mean of a pressure here: not taken",
        "columns left alone: std",
    ]
