"""Several patients in one table are several recordings, never one."""

from pathlib import Path

import pytest

from icu.patient.errors import RecordingError
from icu.patient.recordings.tables import text as text_reader
from tests.unit.patient.recordings.tables.samples import recordings, signs, times

HEADERS = (
    "patient_id",
    "Patient ID",
    "subject_id",
    "SubjectID",
    "stay_id",
    "ICUSTAY_ID",
    "patientunitstayid",
    "hospitalization_id",
    "admissionid",
    "CaseID",
    "uuid",
    "MRN",
    "Name",
    "user_id",
    "session",
    "bed",
    "Bed No",
)


@pytest.mark.parametrize("header", HEADERS)
def test_one_after_the_other(tmp_path: Path, header: str) -> None:
    """Each patient begins at 0, whatever the column is called."""
    first, second = recordings(tmp_path, f"{header},hr\n7,80\n7,81\n8,140\n")
    assert (first.patient, signs(first), times(first)) == ("7", [{"pulse": 80}, {"pulse": 81}], [0, 3_600])
    assert (second.patient, signs(second), times(second)) == ("8", [{"pulse": 140}], [0])


def test_among_each_other(tmp_path: Path) -> None:
    """Interleaved rows are told apart, each patient with times of its own."""
    found = recordings(
        tmp_path,
        "subject_id,charttime,hr\n"
        "1,2150-01-01 00:00:00,80\n2,2110-01-01 00:00:07,140\n1,2150-01-01 00:01:00,81\n2,2110-01-01 00:02:07,141\n",
    )
    assert [(each.patient, times(each), each.duration) for each in found] == [("1", [0, 60], 60), ("2", [0, 120], 120)]


def test_a_stay_is_no_person(tmp_path: Path) -> None:
    """Two stays of one person are two histories; a column with the same value everywhere tells no patients apart."""
    text = "subject_id,hadm_id,stay_id,hr\n1,5,10,80\n1,5,11,90\n1,5,10,81\n"
    assert [(each.patient, len(each.rows)) for each in recordings(tmp_path, text)] == [("10", 2), ("11", 1)]
    text = "subject_id,visit_id,hr\n1,1,80\n1,2,90\n2,1,70\n"
    assert [each.patient for each in recordings(tmp_path, text)] == ["1/1", "1/2", "2/1"]


def test_a_move_to_another_bed_is_no_other_patient(tmp_path: Path) -> None:
    """A change of bed is ignored where another column names the patient."""
    [only] = recordings(tmp_path, "patient_id,bed,hr\n1,A,80\n1,B,81\n")
    assert (only.patient, signs(only)) == ("", [{"pulse": 80}, {"pulse": 81}])


def test_what_tells_others_apart_is_left_alone(tmp_path: Path) -> None:
    """Row numbers, a device that is always the same, and names of staff tell no patients apart."""
    [only] = recordings(tmp_path, "row_id,device_id,hr\n1,A,80\n2,A,81\n3,A,81\n")
    assert len(only.rows) == 3
    found = recordings(tmp_path, "id,patient_id,hr\n1,A,80\n2,B,81\n3,A,81\n")
    assert [(each.patient, len(each.rows)) for each in found] == [("A", 2), ("B", 1)]
    assert len(recordings(tmp_path, "stay_id,caregiver_id,hr\n1,A,80\n2,B,81\n1,B,81\n")) == 2


def test_those_without_a_sign_are_nobody(tmp_path: Path) -> None:
    """A patient without any sign makes no bed; the others do."""
    assert [each.patient for each in recordings(tmp_path, "patient_id,hr\n1,80\n2,\n")] == ["1"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("patient_id,hr\n1,80\n,81\n", r"a\.csv:3: column patient_id: says no patient"),
        ("id,hr\n1,80\n2,81\n3,82\n", r"a\.csv:1: column id: it is another in each row"),
        ("device_id,time (s),hr\nA,0,80\nB,1,140\nA,2,81\n", r"a\.csv:1: column device_id: may tell patients apart"),
        ("patient_id,seconds,hr\n1,5,80\n2,5,80\n1,4,81\n", r"a\.csv:4: its time is not later"),
    ],
)
def test_what_cannot_be_told(tmp_path: Path, text: str, why: str) -> None:
    """Rows without a patient, numbers of rows, and times that go back within a patient are refused."""
    with pytest.raises(RecordingError, match=why):
        recordings(tmp_path, text)


def test_a_bound_on_patients_and_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table with too many patients or rows is refused: it would fill the memory."""
    monkeypatch.setattr(text_reader, "MOST_PATIENTS", 2)
    with pytest.raises(RecordingError, match=r"a\.csv:4: there are over 2 patients"):
        recordings(tmp_path, "patient_id,hr\n1,80\n2,81\n3,82\n1,83\n")
    monkeypatch.setattr(text_reader, "MOST_ROWS", 2)
    with pytest.raises(RecordingError, match=r"a\.csv:4: there are over 2 rows"):
        recordings(tmp_path, "hr\n80\n81\n82\n")
