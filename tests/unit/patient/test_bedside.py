"""HTTP face of a patient child: identities, current values, true states, and orders."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest

from icu.messages import uuid_of_name
from icu.patient.patients import EmulatedPatients
from icu.vitals.catalogue import SIGNS
from tests.bedsides import patients_of, serving
from tests.web import NO_TLS

ANNA, BORIS, REC = (uuid_of_name(name) for name in ("Anna", "Boris", "Rec"))


@pytest.fixture
def patients() -> EmulatedPatients:
    """Two simulated patients and a recorded one."""
    return patients_of(["Anna", "Boris"], recorded=["Rec"])


@pytest.fixture
async def ward(patients: EmulatedPatients) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the face of many."""
    async with serving(patients) as address, httpx.AsyncClient(verify=NO_TLS, base_url=address) as client:
        yield client


@pytest.fixture
def single() -> EmulatedPatients:
    """One patient."""
    return patients_of(["Anna"])


@pytest.fixture
async def bed(single: EmulatedPatients) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the face of one."""
    async with serving(single) as address, httpx.AsyncClient(verify=NO_TLS, base_url=address) as client:
        yield client


def observe(patients: EmulatedPatients) -> None:
    """Observe the bays, as an emulator does when they are due."""
    for bay in patients.bays:
        bay.observe()


async def test_who_lies_there(ward: httpx.AsyncClient, bed: httpx.AsyncClient) -> None:
    """All patients are listed; a single one has the short path too."""
    occupants = (await ward.get("/patients")).json()
    assert occupants == [{"uuid": str(uuid_of_name(name)), "name": name} for name in ("Anna", "Rec", "Boris")]
    assert (await bed.get("/patients")).json() == [(await bed.get("/")).json()]
    assert (await ward.get("/")).status_code == 404


async def test_what_the_monitors_show(ward: httpx.AsyncClient, patients: EmulatedPatients) -> None:
    """The latest reading; 503 and a reason before the first."""
    path = f"/patient/{BORIS}/current"
    response = await ward.get(path)
    assert (response.status_code, response.headers["content-type"]) == (503, "application/problem+json")
    observe(patients)
    current = (await ward.get(path)).json()
    assert current["patient_uuid"] == str(BORIS)
    assert current["timestamp"] == "2026-01-31T12:00:00Z"
    assert {"pulse", "resp_rate", "bp", "spo2", "temperature", "map"} <= set(current)
    recorded = (await ward.get(f"/patient/{REC}/current")).json()
    assert (recorded["pulse"], recorded["bp"]) == (70, None)
    assert "map" not in recorded


async def test_what_is_true(ward: httpx.AsyncClient, bed: httpx.AsyncClient) -> None:
    """The true state has the patient and the scenario; a recording has none."""
    truth = (await ward.get(f"/patient/{ANNA}/truth")).json()
    assert (truth["patient_uuid"], truth["scenario"], truth["phase"]) == (str(ANNA), "", "")
    assert truth["age"] > 0
    assert truth == (await bed.get("/truth")).json()
    response = await ward.get(f"/patient/{REC}/truth")
    assert (response.status_code, "is a recording" in response.json()["detail"]) == (409, True)


async def test_what_is_to_happen(
    ward: httpx.AsyncClient, bed: httpx.AsyncClient, patients: EmulatedPatients, single: EmulatedPatients
) -> None:
    """It begins at once, and for nobody else; the answer is the truth then."""
    answer = (await ward.post(f"/patient/{ANNA}/scenario", json={"scenario": "fever"})).json()
    assert (answer["scenario"], answer["phase"]) == ("fever", "rise")
    assert patients.truth(ANNA).scenario == "fever"
    assert patients.truth(BORIS).scenario == ""
    assert (await bed.post("/scenario", json={"scenario": "sepsis"})).json()["scenario"] == "sepsis"
    assert single.truth(ANNA).phase == "onset"


@pytest.mark.parametrize(
    ("patient", "body", "status", "why"),
    [
        (ANNA, {"scenario": "sepsys"}, 404, "choose one of"),
        (UUID(int=1), {"scenario": "sepsis"}, 404, "no patient has the uuid"),
        ("anna", {"scenario": "sepsis"}, 404, "nothing is served"),
        (REC, {"scenario": "sepsis"}, 409, "is a recording"),
        (ANNA, {"scenario": 3}, 400, "scenario"),
        (ANNA, {}, 400, "scenario"),
        (ANNA, {"scenario": "sepsis", "severity": 2}, 400, "severity"),
        (ANNA, ["sepsis"], 400, "object"),
    ],
)
async def test_orders_that_are_refused(
    ward: httpx.AsyncClient, patients: EmulatedPatients, patient: object, body: object, status: int, why: str
) -> None:
    """A refused order has a reason and no effect."""
    response = await ward.post(f"/patient/{patient}/scenario", json=body)
    assert response.headers["content-type"].startswith("application/problem+json")
    assert response.status_code == status
    assert why in response.json()["detail"]
    assert patients.truth(ANNA).scenario == ""


ORDERED = ["400", "403", "404", "409", "413", "415", "503"]


async def test_the_schema_documents_it_all(ward: httpx.AsyncClient, bed: httpx.AsyncClient) -> None:
    """OpenAPI has each path with its problems, and the short paths where there is one patient."""
    short = {"/": ["400", "503"], "/current": ["400", "503"], "/truth": ["400", "409", "503"], "/scenario": ORDERED}
    long = {
        "/patients": ["400", "503"],
        "/patient/{patient_uuid}/current": ["400", "404", "503"],
        "/patient/{patient_uuid}/truth": ["400", "404", "409", "503"],
        "/patient/{patient_uuid}/scenario": ORDERED,
    }
    for client, paths, title in [(ward, long, "Bedside monitors"), (bed, short | long, "Bedside monitor of Anna")]:
        schema = (await client.get("/schema/openapi.json")).json()
        assert schema["info"]["title"] == title
        found = {path: next(iter(each.values())) for path, each in schema["paths"].items()}
        own = {path: sorted(each["responses"]) for path, each in found.items() if each["tags"] == ["bedside"]}
        assert own == {path: ["200", *statuses] for path, statuses in paths.items()}
        doubts = schema["components"]["schemas"]["Quality"]["properties"]
        assert set(doubts) == {each.field for each in SIGNS}
        assert all("implausible" in each["description"] for each in doubts.values())
