"""A data set has the readings that the emulator sends, and is reproducible in any size and order."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from icu.bootstrap.emulated import emulated_patients
from icu.config.load import packaged
from icu.config.settings import PatientChild
from icu.messages import Observation, uuid_of_name
from icu.patient.scenarios import load_scenarios
from icu.patient.telemetry import Telemetry
from icu.study import csv_text, simulation
from icu.study.simulation import Plan, blocks, patient

SCENARIOS = load_scenarios(packaged("config", "scenarios"))


def vital_lines(plan: Plan) -> bytes:
    """Return all lines of the vitals."""
    return b"".join(csv_text.vitals(block) for block in blocks(plan))


def label_lines(plan: Plan) -> bytes:
    """Return all lines of the labels."""
    return b"".join(csv_text.labels(block) for block in blocks(plan, labelled=True))


def sent(plan: Plan, number: int) -> list[Observation]:
    """Return the readings of a bedside monitor with this patient's uuid, seed, start and interval."""
    child = PatientChild(
        id="bed",
        name="Anna",
        uuid=patient(plan.seed, number).uuid,
        seed=plan.seed,
        interval=plan.every,
        start=plan.start,
        speed=float("inf"),
        scenario=plan.scenario,
        scenario_rate=plan.scenario_rate,
        artefacts=plan.artefacts,
    )
    [bay] = emulated_patients(child, SCENARIOS, interval=5, telemetry=Telemetry(CollectorRegistry())).bays
    bay.begin(datetime.now(UTC))
    observations = []
    for _ in range(plan.readings):
        observations += bay.observe()
        bay.advance(0, datetime.now(UTC))
    return observations


def as_line(observation: Observation) -> dict[str, str]:
    """Format an observation as a line of a data set."""
    systolic, diastolic = (observation.bp or "-/-").split("/")
    written = {
        "patient_uuid": observation.patient_uuid,
        "timestamp": observation.timestamp.isoformat().replace("+00:00", "Z"),
        "pulse": observation.pulse,
        "resp_rate": observation.resp_rate,
        "sbp": systolic,
        "dbp": diastolic,
        "map": observation.map,
        "spo2": observation.spo2,
        "temperature": observation.temperature,
    }
    return {name: "" if value in {None, "-"} else str(value) for name, value in written.items()}


@pytest.mark.parametrize(
    "plan",
    [
        Plan(patients=7, hours=38, seed=7),
        Plan(patients=3, hours=0.5, every=2.5, seed=-1, start=datetime(2020, 2, 29, 23, 59, tzinfo=UTC)),
        Plan(patients=3, hours=1, every=45, scenario="cardiac-arrest", artefacts=200, scenario_rate=50),
    ],
    ids=["hourly", "every 2.5 s", "an arrest, and sensors that fail"],
)
def test_it_is_what_the_emulator_sends(plan: Plan) -> None:
    """Each patient's lines equal the readings of a monitor that runs alone."""
    lines = list(csv.DictReader(io.StringIO((csv_text.VITALS + vital_lines(plan)).decode())))
    assert len(lines) == plan.patients * plan.readings
    expected = [as_line(each) for number in range(plan.patients) for each in sent(plan, number + 1)]
    assert lines == expected


def test_a_patient_is_the_same_in_a_smaller_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """A patient is the same with any number of others, in any size of groups and pieces."""
    plan = Plan(patients=20, hours=5, every=60, seed=3)
    vitals, labels = vital_lines(plan), label_lines(plan)
    assert vital_lines(plan._replace(patients=6)) == b"".join(vitals.splitlines(keepends=True)[: 6 * 300])
    for rows in (40_000, 900, 100):  # all at once, three patients, a third of one
        monkeypatch.setattr(simulation, "_ROWS", rows)
        assert vital_lines(plan) == vitals
        assert label_lines(plan) == labels
    pieces = [piece for block in blocks(plan, labelled=True) for piece in block.pieces(77)]
    assert max(piece.rows for piece in pieces) <= 77
    assert b"".join(map(csv_text.vitals, pieces)) == vitals
    assert b"".join(map(csv_text.labels, pieces)) == labels


def test_who_the_patients_are() -> None:
    """Patients are identified by seed and number, always the same, and differ from those of any ward."""
    assert str(patient(0, 1).uuid) == "e8d8f426-62f7-5edf-b7c9-3b6c2513004b"
    ours = {patient(seed, number).uuid for seed in range(30) for number in range(30)}
    assert len(ours) == 900
    assert not ours & {uuid_of_name(f"{seed}/{number}") for seed in range(30) for number in range(30)}


def test_labels_stand_beside_the_vitals() -> None:
    """Labels have the rows of the vitals, and are quoted where there are two events at once."""
    plan = Plan(patients=4, hours=2, every=30, seed=1, scenario="haemorrhage")
    lines = list(csv.DictReader(io.StringIO((csv_text.LABELS + label_lines(plan)).decode())))
    vitals = [line.split(",")[:2] for line in vital_lines(plan).decode().splitlines()]
    assert [[line["patient_uuid"], line["timestamp"]] for line in lines] == vitals
    assert {(line["scenario"], line["phase"]) for line in lines[:240]} >= {
        ("haemorrhage", "compensated"),
        ("haemorrhage", "recovery"),
        ("", ""),
    }
    assert all(line["sex"] in {"male", "female"} and 18 <= int(line["age"]) <= 95 for line in lines)


def test_hours_and_steps_that_do_not_fit() -> None:
    """The last reading is before the end of the hours, and there is at least one."""
    assert Plan(hours=38).readings == 38
    assert Plan(hours=0.1, every=0.1).readings == 3_600
    assert Plan(hours=1, every=50 * 60).readings == 2
    assert Plan(hours=1, every=7_200).readings == 1
    assert Plan(every=0.7).time(10) == simulation.START + timedelta(seconds=7)


def test_it_tells_how_far_it_is() -> None:
    """The reported rows add up to all rows."""
    rows: list[int] = []
    plan = Plan(patients=5, hours=3)
    list(blocks(plan, on_rows=rows.append))
    assert sum(rows) == 15
