"""Files written by VitalDB's own library: values and times are read as written."""

import gzip
import math
from pathlib import Path

import pytest

from icu.patient.errors import RecordingError
from icu.patient.recordings import read_recordings
from icu.patient.recordings.recording import Recording, Row
from icu.vitals.catalogue import VitalSigns
from tests.extras import QUIET, extra

vitaldb = extra("vitaldb")
np = extra("numpy")

pytestmark = QUIET

NAN = math.nan
BEGIN = 1_700_000_000.0


def write(folder: Path, tracks: dict[str, list[tuple[float, float]]], *, packed: bool = True, unit: str = "") -> Path:
    """Write a file of numeric tracks, with times since its beginning, and with a waveform and remarks."""
    file = vitaldb.VitalFile()
    for name, series in tracks.items():
        file.add_track(name, [{"dt": BEGIN + moment, "val": value} for moment, value in series], unit=unit)
    wave = [{"dt": BEGIN + second, "val": np.arange(100, dtype=np.float32)} for second in range(3)]
    file.add_track("SNUADC/HR", wave, srate=100)
    file.add_track("EVENT", [{"dt": BEGIN - 60, "val": "Case started"}])
    path = folder / "a.vital"
    assert file.to_vital(str(path), packed=packed)
    return path


def read(path: Path) -> Recording:
    """Read the file; the step is for tables and changes nothing."""
    [recording] = read_recordings(path, step=7)
    return recording


@pytest.mark.parametrize("packed", [True, False])
def test_a_monitor_in_an_operating_room(tmp_path: Path, packed: bool) -> None:
    """The arterial line counts before the cuff, probes that are off give no value, and other tracks are left out."""
    path = write(
        tmp_path,
        {
            "Solar8000/HR": [(0, 80), (2, 81), (4, 0), (60, 82)],
            "Solar8000/PLETH_HR": [(0, 79), (2, 79), (4, 78), (60, 0)],
            "Solar8000/PLETH_SPO2": [(0, 97), (2, 0), (4, NAN), (60, 98)],
            "Solar8000/ART_SBP": [(0.1, 120), (2, -11), (4, 0)],
            "Solar8000/ART_DBP": [(0.1, 80), (2, -12), (4, 0)],
            "Solar8000/ART_MBP": [(0, 93.5), (2, 0)],
            "Solar8000/NIBP_SBP": [(0, 110), (2, 111), (60, 112)],
            "Solar8000/NIBP_DBP": [(0, 70), (2, 71), (60, 72)],
            "Solar8000/BT": [(2, 36.6)],
            "Primus/RR_CO2": [(2, 12), (4, 0)],
            "BIS/BIS": [(0, 97)],
        },
        packed=packed,
    )
    recording = read(path)
    assert recording.rows == [
        Row(0, VitalSigns(80, None, 120, 80, 97, map=93.5)),
        Row(2, VitalSigns(81, 12, 111, 71, None, 36.6), {"spo2": "probe-off"}),
        Row(4, VitalSigns(78), {"resp_rate": "lead-off", "bp": "probe-off"}),
        Row(60, VitalSigns(82, None, 112, 72, 98)),
    ]
    assert (recording.duration, recording.skipped, recording.impossible) == (60, 0, 2)


@pytest.mark.parametrize("device", ["Intellivue/", "Bx50/", ""])
def test_a_track_is_known_by_its_last_part(tmp_path: Path, device: str) -> None:
    """A track is known by the last part of its name, with any device or none."""
    names = {"ECG_HR": 70, "RR": 12, "ABP_SYS": 119, "ABP_DIA": 79, "PLETH_SAT_O2": 97, "TEMP": 36.5}
    path = write(tmp_path, {f"{device}{name}": [(0, value)] for name, value in names.items()})
    assert read(path).rows[0].signs == VitalSigns(70, 12, 119, 79, 97, 36.5)


def test_halves_of_a_pressure_are_of_one_device(tmp_path: Path) -> None:
    """Both halves of a pressure come from one monitor: the first one, or else the other."""
    tracks = {"A/ART_SBP": [(0.0, 120.0)], "A/ART_DBP": [(0.0, NAN), (9, 81)], "B/ART_SBP": [(0.0, 110.0), (9, NAN)]}
    tracks |= {"B/ART_DBP": [(0.0, 70.0)], "B/HR": [(0.0, 70.0)]}
    assert [row.signs for row in read(write(tmp_path, tracks)).rows] == [
        VitalSigns(70, None, 120),
        VitalSigns(diastolic=81),
    ]


def test_values_and_times_that_go_in_come_out(tmp_path: Path) -> None:
    """Values and times of a long file with gaps are read as written."""
    dice = np.random.default_rng(7)
    moments = np.cumsum(dice.integers(1, 9, 3_000)).tolist()
    values = np.round(dice.uniform(1, 350, 3_000), 2).tolist()
    recording = read(write(tmp_path, {"Solar8000/HR": list(zip(moments, values, strict=True))}))
    assert [row.elapsed for row in recording.rows] == [moment - moments[0] for moment in moments]
    assert [row.signs.pulse for row in recording.rows] == values


def test_no_vital_sign(tmp_path: Path) -> None:
    """A file without signs is refused with the names of its tracks; a waveform is no sign, whatever its name."""
    with pytest.raises(RecordingError, match=r"a\.vital: none of its tracks is a vital sign: they are BIS/BIS, .*HR"):
        read(write(tmp_path, {"BIS/BIS": [(0, 97)]}))


def test_another_unit(tmp_path: Path) -> None:
    """A pressure in kPa is refused: 16/10 kPa is 120/75 mmHg, and no dying patient."""
    with pytest.raises(RecordingError, match="A/ART_SBP is in kPa"):
        read(write(tmp_path, {"A/ART_SBP": [(0, 16)]}, unit="kPa"))


def test_a_file_that_is_cut_off(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is cut off anywhere is refused."""
    path = write(tmp_path, {"Solar8000/HR": [(n, 60 + n % 40) for n in range(300)]})
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(RecordingError, match=r"a\.vital (is cut off|cannot be read)"):
            read(path)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"HR\n70\n",
        gzip.compress(b""),
        gzip.compress(b"VITA"),
        gzip.compress(b"HR\n70\n"),
        gzip.compress(b"VITA\3"),
    ],
    # gzip writes the time into its header, and all workers have to find tests of the same names
    ids=["nothing", "text", "nothing packed", "a part of the sign", "text packed", "the sign alone"],
)
def test_what_is_no_such_file(tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of another kind is refused, and the library prints nothing."""
    path = tmp_path / "a.vital"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=r"a\.vital cannot be read as a \.vital file"):
        read(path)
    assert capsys.readouterr() == ("", "")


def test_damage_inside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Damage that the library only prints is an error of ours."""
    path = write(tmp_path, {"Solar8000/HR": [(0, 70)]})
    body = bytearray(gzip.decompress(path.read_bytes()))
    at = body.index(b"Solar8000")
    body[at - 4 : at] = b"\xff\xff\xff\xff"  # its length
    path.write_bytes(gzip.compress(bytes(body)))
    with pytest.raises(RecordingError, match=r"a\.vital"):
        read(path)
    assert capsys.readouterr() == ("", "")
