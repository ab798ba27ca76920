"""WFDB records written by the library itself: values and times are read as written."""

import math
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest

from icu.patient.errors import RecordingError
from icu.patient.recordings import read_recordings
from icu.patient.recordings.recording import Recording
from icu.vitals.catalogue import VitalSigns
from tests.extras import QUIET, extra

wfdb = extra("wfdb")
np = extra("numpy")

pytestmark = QUIET

NAN = math.nan
ALL = ("HR", "PULSE", "RESP", "%SpO2", "ABP Sys", "ABP Dias", "ABPMean", "NBPSys", "NBPDias", "Temp", "CVP")


def write(folder: Path, name: str, fs: float, signals: dict[str, list[float]], **more: Any) -> Path:
    """Write a record of these signals, to a hundredth. Returns its header."""
    wfdb.wrsamp(
        name,
        fs=fs,
        sig_name=list(signals),
        units=more.pop("units", ["nu"] * len(signals)),
        p_signal=np.array(list(signals.values()), dtype=float).T,
        fmt=["32"] * len(signals),
        adc_gain=[100.0] * len(signals),
        baseline=[0] * len(signals),
        write_dir=str(folder),
        **more,
    )
    return folder / f"{name}.hea"


def read(path: Path) -> Recording:
    """Read the record; the step is for tables and changes nothing."""
    [recording] = read_recordings(path, step=7)
    return recording


def test_numerics_of_mimic(tmp_path: Path) -> None:
    """A record as of MIMIC is read: a value a minute, far dates, signs that come and go, and other signals."""
    rows = [
        (80, 79, 12, 97, 120, 80, 93, NAN, NAN, NAN, 5),
        (NAN, 78, NAN, 98, 0, 0, 0, 110, 70, 36.65, 5),
        (NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, 5),
        (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5),
        (81.5, NAN, 0, NAN, 119, NAN, NAN, 110, 70, NAN, 5),
    ]
    signals = dict(zip(ALL, map(list, zip(*rows, strict=True)), strict=True))
    path = write(tmp_path, "p000001n", 1 / 60, signals, base_date=date(2101, 10, 20), base_time=time(16, 30))
    recording = read(path)
    assert [row.signs for row in recording.rows] == [
        VitalSigns(80, 12, 120, 80, 97, map=93),
        VitalSigns(78, None, 110, 70, 98, 36.65),
        VitalSigns(),
        VitalSigns(81.5, 0, 119),
    ]
    assert [row.quality for row in recording.rows] == [
        {},
        {},
        {
            "pulse": "lead-off",
            "resp_rate": "lead-off",
            "bp": "probe-off",
            "spo2": "probe-off",
            "temperature": "probe-off",
        },
        {},
    ]
    assert [row.elapsed for row in recording.rows] == pytest.approx([0, 60, 180, 240])
    assert (recording.skipped, recording.impossible) == (1, 0)
    assert recording.duration == pytest.approx(240)


@pytest.mark.parametrize("fs", [1, 0.9765625, 0.2, 1 / 60])
def test_values_and_times_that_go_in_come_out(tmp_path: Path, fs: float) -> None:
    """Values and times of a long record are read as written, at usual rates."""
    dice = np.random.default_rng(7)
    pulse = np.round(dice.uniform(1, 350, 2_000), 2)
    spo2 = np.round(dice.uniform(1, 100, 2_000), 2)
    pulse[dice.random(2_000) < 0.3] = NAN
    spo2[dice.random(2_000) < 0.3] = NAN
    rows = read(write(tmp_path, "a", fs, {"HR": pulse.tolist(), "SpO2": spo2.tolist()})).rows
    wanted = [number for number in range(2_000) if not math.isnan(pulse[number]) or not math.isnan(spo2[number])]
    assert [row.elapsed for row in rows] == [number / fs for number in wanted]
    for row, number in zip(rows, wanted, strict=True):
        assert (row.signs.pulse or NAN) == pytest.approx(pulse[number], nan_ok=True)
        assert (row.signs.spo2 or NAN) == pytest.approx(spo2[number], nan_ok=True)


def test_segments_and_the_gaps_between_them(tmp_path: Path) -> None:
    """A record of several segments is one course, without rows in the gaps between them."""
    write(tmp_path, "m_1", 1, {"HR": [70, 71, 72], "SpO2": [97, 97, 98]})
    write(tmp_path, "m_2", 1, {"HR": [80, 81]})
    (tmp_path / "m_layout.hea").write_text("m_layout 2 1 0\n~ 0 1/bpm 0 0 0 0 0 HR\n~ 0 1/% 0 0 0 0 0 SpO2\n")
    (tmp_path / "m.hea").write_text("m/4 2 1 9\nm_layout 0\nm_1 3\n~ 4\nm_2 2\n")
    recording = read(tmp_path / "m.hea")
    assert [(row.elapsed, row.signs.pulse, row.signs.spo2) for row in recording.rows] == [
        (0, 70, 97),
        (1, 71, 97),
        (2, 72, 98),
        (7, 80, None),
        (8, 81, None),
    ]
    assert recording.skipped == 4


def test_a_faster_record_gives_a_row_a_second(tmp_path: Path) -> None:
    """A faster record gives one row a second, with the first value."""
    recording = read(write(tmp_path, "a", 5, {"HR": list(range(70, 90))}))
    assert [row.signs.pulse for row in recording.rows] == [70, 73, 78, 83, 88]
    assert [row.elapsed for row in recording.rows] == [0, 0.6, 1.6, 2.6, 3.6]


def test_waveforms_are_no_readings(tmp_path: Path) -> None:
    """RESP at 125 Hz is a waveform of the chest, and no respiratory rate."""
    path = write(tmp_path, "p000001", 125, {"II": [0.1] * 250, "RESP": [0.2] * 250})
    with pytest.raises(RecordingError, match=r"p000001\.hea holds waveforms \(II, RESP; up to 125 samples a second\)"):
        read(path)


def test_waveforms_beside_numerics_are_left_alone(tmp_path: Path) -> None:
    """Waveforms beside numerics are left out; a signal may have several samples a frame."""
    wfdb.wrsamp(
        "a",
        fs=1,
        sig_name=["HR", "RESP"],
        units=["bpm", "pm"],
        e_p_signal=[np.array([70.0, 71]), np.arange(250) / 250],
        samps_per_frame=[1, 125],
        fmt=["16", "16"],
        write_dir=str(tmp_path),
    )
    signs = [row.signs for row in read(tmp_path / "a.hea").rows]
    assert [round(each.pulse or 0) for each in signs] == [70, 71]
    assert [each.resp_rate for each in signs] == [None, None]


def test_no_vital_sign(tmp_path: Path) -> None:
    """A record without signs is refused with the names of its signals."""
    with pytest.raises(RecordingError, match=r"a\.hea: none of its signals is a vital sign: they are CVP, ICP"):
        read(write(tmp_path, "a", 1, {"CVP": [5, 6], "ICP": [9, 9]}))


def test_another_unit(tmp_path: Path) -> None:
    """A pressure in kPa is refused: 16/10 kPa is 120/75 mmHg, and no dying patient."""
    with pytest.raises(RecordingError, match="ABPSys is in kPa"):
        read(write(tmp_path, "a", 1, {"ABPSys": [16.0, 15]}, units=["kPa"]))


@pytest.mark.parametrize(
    "header",
    ["", "nonsense", "a 1 1 3\n", "a 1 1 3\nmissing.dat 16 1/bpm 16 0 0 0 0 HR\n", "a/2 1 1 6\nb 3\nc 3\n", "\0\xff"],
    ids=["empty", "nonsense", "no signals", "no samples", "no segments", "bytes"],
)
def test_a_damaged_record(tmp_path: Path, header: str) -> None:
    """An error of the library names the file."""
    (tmp_path / "a.hea").write_text(header)
    with pytest.raises(RecordingError, match=r"a\.hea"):
        read(tmp_path / "a.hea")


def test_a_header_without_a_length(tmp_path: Path) -> None:
    """A record without a length in its header is as long as its samples, as the format allows."""
    path = write(tmp_path, "a", 1, {"HR": [70, 71, 72]})
    lines = path.read_text().splitlines()
    path.write_text("\n".join(["a 1 1", *lines[1:]]))
    assert [row.signs.pulse for row in read(path).rows] == [70, 71, 72]


def test_samples_that_are_cut_off(tmp_path: Path) -> None:
    """A record whose samples are cut off is refused."""
    path = write(tmp_path, "a", 1, {"HR": [70.0] * 100})
    samples = tmp_path / "a.dat"
    samples.write_bytes(samples.read_bytes()[:150])
    with pytest.raises(RecordingError, match=r"a\.hea cannot be read as a WFDB record"):
        read(path)
