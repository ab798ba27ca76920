"""Emulated patients over HTTP: their true states, their scenarios, and who is none of them."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from uuid import uuid4

import anyio
import httpx
import pytest

from icu.bootstrap.patients import LocalEmulation
from icu.bootstrap.roles.monitor import _scenarios
from icu.bootstrap.shared import Shared
from icu.config.load import packaged
from icu.config.settings import Settings, Supervision
from icu.emulation import Emulation
from icu.messages import uuid_of_name
from icu.monitor.emulation import Scenarios
from icu.patient.patients import EmulatedPatients
from icu.store.writer import Writer
from icu.ward import asking
from icu.ward.emulation import RemoteEmulation
from tests.bedsides import patients_of
from tests.samples import ANNA, BORIS, observation
from tests.stores import connected, rows, store

REC = uuid_of_name("Rec")
TRUTH, SCENARIO = f"/patient/{ANNA}/truth", f"/patient/{ANNA}/scenario"
FEVER = {"by": " Eva ", "scenario": "fever"}
FOLDER = packaged("config", "scenarios")
NAMES = [each.stem for each in sorted(FOLDER.glob("*.toml"))]
AUDIT = 'SELECT command, "by", patient_uuid, result FROM audit'


@pytest.fixture
def patients() -> EmulatedPatients:
    """Anna, simulated, and a recording. Boris is elsewhere."""
    return patients_of(["Anna"], ["Rec"])


@pytest.fixture
async def emulation(patients: EmulatedPatients) -> Emulation:
    """These patients."""
    return LocalEmulation(patients)


@pytest.fixture
def scenarios() -> Scenarios:
    """The scenarios of the program."""
    return Scenarios(partial(_scenarios, Shared(Settings())))


@pytest.fixture
async def ward(monitor: httpx.AsyncClient, writer: Writer) -> httpx.AsyncClient:
    """Client of a monitor that knows Anna, Boris and the recording."""
    await store(writer, [observation(0), observation(0, patient=BORIS), observation(0, patient=REC)])
    return monitor


async def test_the_truth(ward: httpx.AsyncClient, patients: EmulatedPatients) -> None:
    """It is what the patient's own port would answer."""
    patients.begin_scenario(ANNA, "fever")
    found = (await ward.get(TRUTH)).json()
    truth = patients.truth(ANNA)
    assert found == {"patient_uuid": str(ANNA), "timestamp": None, **truth._asdict()}
    assert (found["scenario"], found["phase"]) == ("fever", truth.phase)


async def test_the_scenarios_of_a_patient(ward: httpx.AsyncClient) -> None:
    """One who is emulated here can have all. A recording, another program's patient and an unknown one have none."""
    found = (await ward.get("/scenarios", params={"patient": str(ANNA)})).json()
    assert [each["name"] for each in found] == NAMES
    for patient in (REC, BORIS, uuid4()):
        answer = await ward.get("/scenarios", params={"patient": str(patient)})
        assert (answer.status_code, answer.json()) == (200, [])
        assert answer.headers["cache-control"] == "private, no-cache"
    assert (await ward.get("/scenarios", params={"patient": "anna"})).status_code == 400


async def test_a_scenario_begins(ward: httpx.AsyncClient, patients: EmulatedPatients) -> None:
    """The answer is the truth that holds; the audit has the author, and the states before and after."""
    patients.begin_scenario(ANNA, "stable")
    answer = await ward.post(SCENARIO, json=FEVER)
    assert (answer.status_code, answer.json()["scenario"]) == (200, "fever")
    assert answer.json() == (await ward.get(TRUTH)).json()
    [entry] = (await ward.get("/audit")).json()
    assert (entry["command"], entry["by"], entry["patient_uuid"], entry["source"], entry["result"]) == (
        "scenario",
        "Eva",
        str(ANNA),
        "127.0.0.1",
        "done",
    )
    assert (entry["before"]["scenario"], entry["after"]) == ("stable", answer.json())


async def both(ward: httpx.AsyncClient, patient: Any) -> list[httpx.Response]:
    """Ask for the truth of a patient, and command a scenario."""
    path = f"/patient/{patient}"
    return [await ward.get(f"{path}/truth"), await ward.post(f"{path}/scenario", json=FEVER)]


async def test_an_unknown_patient(ward: httpx.AsyncClient, url: str) -> None:
    """Nobody whom the database does not know has a truth."""
    unknown = uuid4()
    for answer in await both(ward, unknown):
        assert (answer.status_code, str(unknown) in answer.json()["detail"]) == (404, True)
    assert rows(url, AUDIT) == []


async def test_a_recording(ward: httpx.AsyncClient, url: str) -> None:
    """409 in words, without a `state`; the audit holds only what was done."""
    for answer in await both(ward, REC):
        assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
        assert answer.json()["detail"].startswith("Rec is a recording")
    assert rows(url, AUDIT) == []


class TestWithoutASupervisor:
    """A monitor on whose database no supervisor runs."""

    @pytest.fixture
    async def emulation(self, nobody: Emulation) -> Emulation:
        """Nothing listens."""
        return nobody

    async def test_it_is_a_conflict(self, ward: httpx.AsyncClient, url: str) -> None:
        """409 says what to start; `GET /supervisor` stays 503."""
        for answer in await both(ward, ANNA):
            assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
            assert answer.json()["detail"].startswith("no supervisor runs on this database here")
            assert "python -m icu supervise" in answer.json()["detail"]
        assert rows(url, AUDIT) == []

    async def test_an_unknown_patient(self, ward: httpx.AsyncClient) -> None:
        """It is unknown first of all."""
        assert [each.status_code for each in await both(ward, uuid4())] == [404, 404]


class TestWithoutAnAnswer:
    """A monitor whose supervisor runs, and does not answer."""

    @pytest.fixture
    async def emulation(self, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Emulation]:
        """Connections wait in the socket, and nobody takes them."""
        monkeypatch.setattr(asking, "FORWARDED_DEADLINE", 0.3)
        with tempfile.TemporaryDirectory(prefix="icu-") as folder:
            place = Path(folder) / "icu.sock"
            async with await anyio.create_unix_listener(place):
                yield RemoteEmulation(partial(asking.send, Settings(supervisor=Supervision(socket=place))))

    async def test_it_is_unavailable(self, ward: httpx.AsyncClient, url: str) -> None:
        """503 in time, with the time after which to ask again."""
        for answer in await both(ward, ANNA):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
            assert "gave no answer within 0.3 s" in answer.json()["detail"]
        assert rows(url, AUDIT) == []


@pytest.mark.parametrize("name", ["fewer", "", "x" * 500, "Fever"])
async def test_an_unknown_scenario(ward: httpx.AsyncClient, url: str, patients: EmulatedPatients, name: str) -> None:
    """422 lists all names, and nothing changes."""
    answer = await ward.post(SCENARIO, json={**FEVER, "scenario": name})
    assert (answer.status_code, answer.json()["detail"].startswith("scenario: write one of bradycardia, ")) == (
        422,
        True,
    )
    assert "tachyarrhythmia" in answer.json()["detail"]
    assert (patients.truth(ANNA).scenario, rows(url, AUDIT)) == ("", [])


@pytest.mark.parametrize("by", ["", " ", "a\nb"])
async def test_a_name_that_nobody_can_read(
    ward: httpx.AsyncClient, url: str, patients: EmulatedPatients, by: str
) -> None:
    """422, and no scenario begins."""
    assert (await ward.post(SCENARIO, json={**FEVER, "by": by})).status_code == 422
    assert (patients.truth(ANNA).scenario, rows(url, AUDIT)) == ("", [])


async def test_only_pages_of_its_own(ward: httpx.AsyncClient, patients: EmulatedPatients) -> None:
    """A page of another origin, a form and a query command nothing."""
    assert (await ward.post(SCENARIO, json=FEVER, headers={"Origin": "https://evil.example"})).status_code == 403
    assert (await ward.post(SCENARIO, content=b"by=Eva", headers={"Content-Type": "text/plain"})).status_code == 415
    assert (await ward.post(SCENARIO, json=FEVER, params={"now": "1"})).status_code == 400
    assert patients.truth(ANNA).scenario == ""


async def test_a_database_that_cannot_be_written(
    ward: httpx.AsyncClient, url: str, impatient: None, patients: EmulatedPatients
) -> None:
    """503 does not hide that the scenario has begun: the audit alone lacks it."""
    with closing(connected(url)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = await ward.post(SCENARIO, json=FEVER)
        other.execute("ROLLBACK")
    detail = answer.json()["detail"]
    assert (answer.status_code, detail.startswith("fever has begun, but the audit lacks it: ")) == (503, True)
    assert (patients.truth(ANNA).scenario, rows(url, AUDIT)) == ("fever", [])


async def test_without_a_database(monitor: httpx.AsyncClient, patients: EmulatedPatients) -> None:
    """503, and no scenario begins: nobody knows the patient."""
    assert [each.status_code for each in await both(monitor, ANNA)] == [503, 503]
    assert patients.truth(ANNA).scenario == ""


async def test_the_catalogue(monitor: httpx.AsyncClient) -> None:
    """All scenarios with title, note and phases; a client that has them gets 304."""
    answer = await monitor.get("/scenarios")
    found = {each["name"]: each for each in answer.json()}
    assert list(found) == NAMES
    assert found["sepsis-fast"]["title"] == "Sepsis, for teaching"
    assert found["sepsis-fast"]["phases"][:2] == ["chills", "shock"]
    assert found["sepsis-fast"]["note"].startswith("What takes a day")
    held = await monitor.get("/scenarios", headers={"If-None-Match": answer.headers["etag"]})
    assert (held.status_code, held.content, answer.headers["cache-control"]) == (304, b"", "public, max-age=3600")
    assert (await monitor.get("/scenarios", params={"name": "fever"})).status_code == 400


async def test_they_are_described(monitor: httpx.AsyncClient) -> None:
    """OpenAPI has the three paths, all their answers, and the values of the truth."""
    schema = (await monitor.get(urljoin(str(monitor.base_url), "/schema/openapi.json"))).json()
    paths = schema["paths"]
    truth = paths["/api/patient/{patient_uuid}/truth"]["get"]
    command = paths["/api/patient/{patient_uuid}/scenario"]["post"]
    assert set(truth["responses"]) == {"200", "400", "404", "409", "503"}
    assert set(command["responses"]) == {"200", "400", "401", "403", "404", "409", "413", "415", "422", "503"}
    problem = command["responses"]["409"]["content"]["application/problem+json"]["schema"]
    assert problem == {"$ref": "#/components/schemas/Problem"}
    assert {"200", "304"} <= set(paths["/api/scenarios"]["get"]["responses"])
    assert "sepsis" in schema["components"]["schemas"]["State"]["properties"]["condition"]["enum"]
