"""Emulated patients, built from the settings of a child."""

from datetime import timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry

from icu.bootstrap.emulated import emulated_patients
from icu.config.settings import PatientChild
from icu.patient.telemetry import Telemetry
from tests.samples import START


def test_a_recording_that_began_in_a_process_that_is_gone(tmp_path: Path) -> None:
    """A replay goes on as in the earlier process: with the same timestamps, and the next row at the same moment."""
    (tmp_path / "rec.csv").write_text("HR,hours\n70,0\n71,1\n72,4\n")
    child = PatientChild(id="rec", name="Rec", recording=tmp_path / "rec.csv", speed=2)
    [bay] = emulated_patients(child, {}, interval=5, telemetry=Telemetry(CollectorRegistry()), launch=START).bays
    bay.begin(START + timedelta(hours=1))
    found = []
    while (due := bay.due()) is not None:
        found.append((bay.time - START, due / 3_600))
        bay.observe()
        bay.advance(due, START)
    assert found == [(timedelta(hours=-4), -1), (timedelta(hours=-3), -0.5), (timedelta(hours=0), 1)]
