"""Patients of a recording: identities, log records about the file, and the quality of readings."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from loguru import logger
from prometheus_client import CollectorRegistry

from icu.bootstrap.emulated import emulated_patients
from icu.config.errors import ConfigurationError
from icu.config.settings import PatientChild
from icu.messages import Observation, Quality, uuid_of_name
from icu.patient.errors import RecordingError
from icu.patient.patients import EmulatedPatients
from icu.patient.telemetry import Telemetry

START = datetime(2026, 1, 31, tzinfo=UTC)


def patients_of(folder: Path, text: str, **settings: object) -> EmulatedPatients:
    """Build the patients of a child with this recording."""
    (folder / "ward.csv").write_text(text)
    child = PatientChild(id="bed-1", name="ward", recording=folder / "ward.csv", start=START, **settings)  # type: ignore[arg-type] # whatever a case sets
    return emulated_patients(child, {}, interval=5, telemetry=Telemetry(CollectorRegistry()))


def replayed(patients: EmulatedPatients) -> list[Observation]:
    """All observations of the first patient."""
    [bay, *_] = patients.bays
    found: list[Observation] = []
    while bay.due() is not None:
        found += bay.observe()
        bay.advance(0, START)
    return found


def test_several_patients_of_a_file_are_several_beds(tmp_path: Path) -> None:
    """Patients are named after the child and by the file, in a stable order, and all begin at the start."""
    found = patients_of(tmp_path, "patient_id,hr\n7,80\n8,140\n7,81\n")
    assert [each.name for each in found.identities] == ["ward/7", "ward/8"]
    assert [each.uuid for each in found.identities] == [uuid_of_name("ward/7"), uuid_of_name("ward/8")]
    assert [bay.time for bay in found.bays] == [START, START]
    assert [each.pulse for each in replayed(found)] == [80, 81]


def test_one_patient_is_the_childs(tmp_path: Path) -> None:
    """A single patient has the child's name, whatever the file calls them."""
    assert [each.name for each in patients_of(tmp_path, "patient_id,hr\n7,80\n7,81\n").identities] == ["ward"]


def test_one_uuid_is_no_uuid_for_two(tmp_path: Path) -> None:
    """Two patients with one uuid would share a history: the settings are refused."""
    with pytest.raises(ConfigurationError, match=r"bed-1: .*ward\.csv holds 2 patients, who cannot have one uuid"):
        patients_of(tmp_path, "patient_id,hr\n7,80\n8,140\n", uuid=uuid_of_name("Anna"))
    assert len(patients_of(tmp_path, "hr\n80\n", uuid=uuid_of_name("Anna")).identities) == 1


def test_names_that_are_one_name(tmp_path: Path) -> None:
    """Names that differ only in the encoding of an accent are refused: nobody can tell if they are one person."""
    with pytest.raises(RecordingError, match="calls two patients"):
        patients_of(tmp_path, "patient,hr\nRene\u0301,80\nRen\u00e9,140\n")
    with pytest.raises(ConfigurationError, match="control character"):
        patients_of(tmp_path, "patient,hr\nA\u202eB,80\nC,140\n")


def test_implausible_values_are_marked_in_each_reading(tmp_path: Path) -> None:
    """An implausible value is absent with a reason; the reading stays."""
    found = replayed(
        patients_of(tmp_path, "hr,sbp,dbp,MAP,spo2\n80,97,287,77.67,98\n-1,120,80,999,0.5\n82,400,80,,97\n")
    )
    assert [(each.pulse, each.bp, each.map, each.spo2, each.quality) for each in found] == [
        (80, None, 77.67, 98, Quality(bp="implausible")),
        (None, "120/80", None, None, Quality(pulse="implausible", map="implausible", spo2="implausible")),
        (82, "-/80", None, 97, Quality(bp="implausible")),
    ]


def test_records_about_the_file_are_logged_once(tmp_path: Path) -> None:
    """Records about the file are logged once, at INFO, for any number of patients."""
    said: list[str] = []
    handler = logger.add(lambda message: said.append(message.record["message"]), level="INFO")
    try:
        patients_of(tmp_path, "patient_id,hr,Age\n7,80,1\n7,,1\n8,-1,1\n8,999,1\n")
    finally:
        logger.remove(handler)
    assert said == [
        "the recording: no column is of time: a row every 3600 s",
        "the recording: columns left alone: Age",
        "1 rows of the recording hold no sign: skipped",
        "2 values cannot have been measured: left out",
    ]
