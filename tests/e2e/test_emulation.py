"""Truth and scenarios through real monitors: beside the supervisor, as its child, and without one."""

import os
import re
import signal
from pathlib import Path

import httpx
import pytest

from icu.messages import uuid_of_name
from tests.e2e.conftest import TIMEOUT, Icu, Program, Start

PATIENTS = {"Bed 1", "Bed 2", "Many 1", "Many 2", "Rec"}
BY = {"by": "Eva"}


@pytest.fixture(params=["", "process = true\n"], ids=["beside the supervisor", "of its own"])
def ward(request: pytest.FixtureRequest, kafka: Start, tmp_path: Path) -> Program:
    """A ward of two processes, one task with two patients, a recording, and the monitor."""
    (tmp_path / "rec.csv").write_text("HR,hours\n70,0\n71,9\n")
    (tmp_path / "supervisor.toml").write_text(
        '[supervisor]\nwatchdog = 600\n[transport]\nkind = "kafka"\n[[child]]\nrole = "sink"\n'
        f'[[child]]\nrole = "monitor"\n{request.param}'
        '[[child]]\nrole = "patient"\nid = "icu"\nname = "Bed"\ncount = 2\nprocess = true\nscenario_rate = 0\n'
        '[[child]]\nrole = "patient"\nid = "many"\nname = "Many"\npatients = 2\nscenario_rate = 0\n'
        '[[child]]\nrole = "patient"\nid = "rec"\nname = "Rec"\nrecording = "rec.csv"\nprocess = true\n'
    )
    ward = kafka("supervise")
    ward.until("/patients", lambda response: response.is_success and len(response.json()) == len(PATIENTS))
    return ward


def truth(url: str, name: str) -> httpx.Response:
    """Ask a monitor for the truth of a patient."""
    return httpx.get(f"{url}/patient/{uuid_of_name(name)}/truth", timeout=TIMEOUT)


def begin(url: str, name: str, scenario: str) -> httpx.Response:
    """Command a scenario at a monitor."""
    return httpx.post(
        f"{url}/patient/{uuid_of_name(name)}/scenario", json={**BY, "scenario": scenario}, timeout=TIMEOUT
    )


def test_each_patient_is_found(ward: Program, icu: Icu) -> None:
    """A scenario begins in whichever process the patient is; the audit has who, before and after."""
    names = ["Bed 1", "Bed 2", "Many 1", "Many 2"]
    for name in names:
        before = truth(ward.url, name).json()
        assert (before["patient_uuid"], before["scenario"]) == (str(uuid_of_name(name)), "")
        after = begin(ward.url, name, "sepsis-fast")
        assert (after.status_code, after.json()["phase"]) == (200, "chills")
        assert truth(ward.url, name).json()["scenario"] == "sepsis-fast"
    assert [
        (each["patient_uuid"], each["before"]["scenario"], each["after"]["scenario"], each["by"])
        for each in ward.get("/audit").json()
    ] == [(str(uuid_of_name(name)), "", "sepsis-fast", "Eva") for name in reversed(names)]
    assert icu("scenario", "Bed 1", "stable").returncode == 0
    assert truth(ward.url, "Bed 1").json()["scenario"] == "stable"
    for answer in (truth(ward.url, "Rec"), begin(ward.url, "Rec", "fever")):
        assert (answer.status_code, answer.json()["detail"].startswith("Rec is a recording")) == (409, True)
    assert truth(ward.url, "Nobody").status_code == 404
    assert begin(ward.url, "Bed 1", "fewer").status_code == 422
    assert "sepsis-fast" in {each["name"] for each in ward.get("/scenarios").json()}
    assert ward.stop() == 0


def test_children_that_do_not_answer(ward: Program, icu: Icu) -> None:
    """A stopped child is 409; a suspended process is 503, and answers again once it goes on."""
    assert icu("stop", "icu-1", "many").returncode == 0
    for name, child in (("Bed 1", "icu-1"), ("Many 2", "many")):
        for answer in (truth(ward.url, name), begin(ward.url, name, "fever")):
            why = f"{child} does not run (stopped): python -m icu start {child}"
            assert (answer.status_code, answer.json()["detail"]) == (409, why)
    pid = int(re.findall(r'"started on pid (\d+)[^\n]*"child":"icu-2"', ward.log())[-1])
    os.kill(pid, signal.SIGSTOP)
    silent = truth(ward.url, "Bed 2")
    assert (silent.status_code, "icu-2 gave no answer within 5 s" in silent.json()["detail"]) == (503, True)
    os.kill(pid, signal.SIGCONT)
    assert begin(ward.url, "Bed 2", "fever").status_code == 200
    assert ward.stop() == 0


@pytest.mark.parametrize("ward", [""], indirect=True, ids=[""])
def test_without_a_supervisor(ward: Program, start: Start, tmp_path: Path) -> None:
    """A monitor of its own passes orders on to the ward on its database, and says so when that has ended."""
    alone = start("run", "monitor", folder=tmp_path)
    alone.until("/patients", lambda response: response.status_code == 200)
    assert begin(alone.url, "Bed 2", "fever").json()["scenario"] == "fever"
    assert ward.stop() == 0
    for answer in (truth(alone.url, "Bed 2"), begin(alone.url, "Bed 2", "stable")):
        assert (answer.status_code, "no supervisor runs on this database" in answer.json()["detail"]) == (409, True)
    assert [each["after"]["scenario"] for each in alone.get("/audit").json()] == ["fever"]
    assert alone.stop() == 0
