"""Scenarios by order: selection of patients, and reasons for refusals."""

from pathlib import Path

import pytest
from anyio import to_thread

from icu.bootstrap.children import build_ward
from icu.bootstrap.shared import Shared
from icu.config.errors import ConfigurationError
from icu.config.load import load
from icu.control.errors import UnknownBedError
from icu.messages import uuid_of_name
from icu.patient.errors import UnknownScenarioError
from icu.ward.processes import Processes
from icu.ward.tree import Ward
from tests.unit.ward.test_orders import up, write

FILE = """
[[child]]
role = "patient"
id = "anna"
name = "Anna Petrova"
[[child]]
role = "patient"
id = "icu"
name = "Bed"
count = 2
[[child]]
role = "patient"
id = "many"
name = "Many"
patients = 30
[[child]]
role = "patient"
id = "rec"
name = "Rec"
recording = "rec.csv"
"""
RECORDED = "Rec is a recording: what happened has happened, and nobody wrote down why"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """File of the ward."""
    write(tmp_path / "rec.csv", "HR,hours\n70,0\n71,9\n")
    path = tmp_path / "supervisor.toml"
    write(path, FILE)
    return path


MANY = [f"Many {number}" for number in range(1, 31)]


@pytest.mark.parametrize(
    ("bed", "patients", "problems"),
    [
        ("anna", ["Anna Petrova"], []),
        ("Anna Petrova", ["Anna Petrova"], []),
        ("Anna*", ["Anna Petrova"], []),
        (str(uuid_of_name("Many 7")), ["Many 7"], []),
        ("icu-*", ["Bed 1", "Bed 2"], []),
        ("many", MANY, []),
        ("Many 3", ["Many 3"], []),
        ("rec", [], [RECORDED]),
        ("beds", ["Anna Petrova", "Bed 1", "Bed 2", *MANY], [RECORDED]),
        ("*", ["Anna Petrova", "Bed 1", "Bed 2", *MANY], [RECORDED]),
    ],
)
async def test_selection(ward: Ward, shared: Shared, bed: str, patients: list[str], problems: list[str]) -> None:
    """A child's id means all its patients, and a recording is refused in words beside the others."""
    said = await ward.scenarios.begin_scenario(bed, "sepsis-fast")
    assert (sorted(said.patients), said.problems) == (sorted(patients), problems)
    ill = [
        each.name
        for name, patients in shared.patients.items()
        for each in patients.identities
        if name != "rec" and patients.truth(each.uuid).scenario == "sepsis-fast"
    ]
    assert sorted(ill) == sorted(patients)


async def test_unknown_patients_and_scenarios(ward: Ward) -> None:
    """A mistyped name gets a suggestion, a mistyped scenario the list of all."""
    with pytest.raises(UnknownBedError, match="no bed or patient is called Ana Petrova: did you mean Anna Petrova"):
        await ward.scenarios.begin_scenario("Ana Petrova", "sepsis")
    with pytest.raises(UnknownScenarioError, match="there is no scenario 'sepsys': choose one of bradycardia, "):
        await ward.scenarios.begin_scenario("anna", "sepsys")


async def test_stopped_children(ward: Ward) -> None:
    """A stopped patient gets no scenario; the reason names the command to start the child."""
    await ward.stop("icu-1", "many")
    said = await ward.scenarios.begin_scenario("beds", "fever")
    assert sorted(said.patients) == ["Anna Petrova", "Bed 2"]
    assert said.problems == [
        "icu-1 does not run (stopped): python -m icu start icu-1",
        "many does not run (stopped): python -m icu start many",
        RECORDED,
    ]
    await ward.start("icu-1")
    assert (await ward.scenarios.begin_scenario("Bed 1", "fever")).patients == ["Bed 1"]


async def test_processes_of_their_own(tmp_path: Path) -> None:
    """A process that does not run is a reason, with the command to start it."""
    text = '[transport]\nkind = "kafka"\n[[child]]\nrole = "patient"\nprocess = true\nname = "A"\n'
    write(tmp_path / "supervisor.toml", text)
    ward = await to_thread.run_sync(lambda: build_ward(Shared(load(tmp_path / "supervisor.toml", {})), Processes()))
    assert (await ward.scenarios.begin_scenario("A", "fever")).problems == [
        "bed-1 does not run (pending): python -m icu start bed-1"
    ]


async def test_patients_are_found_as_long_as_they_are_there(ward: Ward, shared: Shared, path: Path) -> None:
    """Patients are registered while they run: not after scaling down or a removal, nor after a failed change."""
    anna = shared.patients["anna"]
    await ward.changes.scale("icu", 1)
    assert set(shared.patients) == set(up(ward)) == {"anna", "icu-1", "many", "rec"}
    write(path, FILE.replace('"Anna Petrova"', '"Anna"').replace("rec.csv", "no.csv"))
    with pytest.raises(ConfigurationError):
        await ward.changes.reload()
    assert shared.patients["anna"] is anna
    write(path, FILE.replace('"Anna Petrova"', '"Anna"').partition('[[child]]\nrole = "patient"\nid = "rec"')[0])
    await ward.changes.reload()
    assert set(shared.patients) == {"anna", "icu-1", "icu-2", "many"}
    assert (await ward.scenarios.begin_scenario("Anna", "fever")).patients == ["Anna"]
    with pytest.raises(UnknownBedError):
        await ward.scenarios.begin_scenario("Anna Petrova", "fever")
