"""Recordings of monitors through the whole system: the API serves the values that the libraries wrote."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.e2e.conftest import Start
from tests.e2e.test_recordings import START, served
from tests.extras import QUIET, extra

wfdb = extra("wfdb")
vitaldb = extra("vitaldb")
np = extra("numpy")

pytestmark = QUIET


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A record of two segments, a file of a few tracks and a table."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name, pulses in (("anna_1", [70, 0]), ("anna_2", [72, 73])):
        wfdb.wrsamp(
            name,
            fs=1 / 60,
            sig_name=["HR", "RESP"],
            units=["bpm", "pm"],
            p_signal=np.array([pulses, [12, 0]], dtype=float).T,
            fmt=["16", "16"],
            adc_gain=[10.0, 10.0],
            baseline=[0, 0],
            write_dir=str(folder),
        )
    (folder / "anna_layout.hea").write_text(
        f"anna_layout 2 {1 / 60} 0\n~ 0 10/bpm 0 0 0 0 0 HR\n~ 0 10/pm 0 0 0 0 0 RESP\n"
    )
    (folder / "anna.hea").write_text(f"anna/4 2 {1 / 60} 7\nanna_layout 0\nanna_1 2\n~ 3\nanna_2 2\n")
    file = vitaldb.VitalFile()
    file.add_track("Solar8000/NIBP_SBP", [{"dt": 1_700_000_000.0, "val": 120.0}])
    file.add_track("Solar8000/NIBP_DBP", [{"dt": 1_700_000_000.0, "val": 80.0}])
    file.add_track("Solar8000/BT", [{"dt": 1_700_000_002.5, "val": 36.55}])
    file.to_vital(str(folder / "boris.vital"))
    (folder / "clara.csv").write_text("hr\n0\n")
    return folder


def test_what_monitors_stored_value_by_value(start: Start, folder: Path) -> None:
    """There is one bed for each recording, with its gaps and missing signs."""
    ward = start("supervise", "--recordings", str(folder), "--speed", "1000000", "--start", START.isoformat())
    ward.until("/metrics", lambda response: "icu_sink_stored_total 7.0" in response.text)
    assert {each["name"] for each in ward.get("/patients").json()} == {"anna", "boris", "clara"}
    anna = [(each["timestamp"] - START, each["pulse"], each["resp_rate"]) for each in served(ward, "anna")]
    assert anna == [
        (timedelta(minutes=0), 70, 12),
        (timedelta(minutes=1), None, None),
        (timedelta(minutes=5), 72, 12),
        (timedelta(minutes=6), 73, 0),
    ]
    assert [each.get("quality") for each in served(ward, "anna")] == [
        None,
        {"pulse": "lead-off", "resp_rate": "lead-off"},
        None,
        None,
    ]
    boris = [(each["timestamp"] - START, each["bp"], each["temperature"]) for each in served(ward, "boris")]
    assert boris == [(timedelta(0), "120/80", None), (timedelta(seconds=2.5), None, 36.55)]
    assert served(ward, "clara")[0]["pulse"] == 0
    assert ward.stop() == 0
    assert "3 rows of the recording hold no sign: skipped" in ward.log()


def test_a_waveform_is_refused_before_anything_starts(start: Start, tmp_path: Path) -> None:
    """A waveform ends the command in one line, with the exit code of a wrong setting."""
    wfdb.wrsamp(
        "p1", fs=125, sig_name=["II"], units=["mV"], p_signal=np.zeros((250, 1)), fmt=["16"], write_dir=str(tmp_path)
    )
    ward = start("supervise", "--recordings", str(tmp_path))
    assert ward.wait() == 78
    assert "holds waveforms (II; up to 125 samples a second)" in ward.log()
