"""Scenarios of patients in real wards, ordered while they run and seen in the API; and patients with a past."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from icu.messages import uuid_of_name
from tests import web
from tests.e2e.conftest import Icu, Program, Start
from tests.ports import free_port

STABLE = 'scenario = "stable"\nartefacts = 0\nseed = 7\n'
# Times the usual pulse, which nobody comes to within seconds by chance.
FASTER = 1.3


@pytest.fixture
def port() -> int:
    """Return the port of the bed that has one."""
    return free_port()


@pytest.fixture
def ward(start: Start, tmp_path: Path, port: int) -> Program:
    """A ward with Anna, without a port of her own, Boris with one, and a recording."""
    (tmp_path / "rec.csv").write_text("HR,hours\n70,0\n71,9\n")
    (tmp_path / "supervisor.toml").write_text(
        '[[child]]\nrole = "sink"\n[[child]]\nrole = "monitor"\n'
        f'[[child]]\nrole = "patient"\nname = "Anna"\n{STABLE}'
        f'[[child]]\nrole = "patient"\nid = "icu"\nname = "Boris"\npatients = 2\nport = {port}\n{STABLE}'
        '[[child]]\nrole = "patient"\nname = "Rec"\nrecording = "rec.csv"\n'
    )
    return start("supervise").ready()


def readings(ward: Program, name: str) -> list[dict[str, Any]]:
    """Return a patient's readings, the newest first."""
    found: list[dict[str, Any]] = ward.get(f"/patient/{uuid_of_name(name)}/metrics").json()
    return found


def usual(ward: Program, name: str) -> float:
    """Return a patient's highest pulse so far, of some readings."""
    ward.until(f"/patient/{uuid_of_name(name)}/metrics", lambda response: len(response.json()) > 3)
    return max(float(each["pulse"]) for each in readings(ward, name))


def until_faster(ward: Program, name: str, before: float) -> None:
    """Wait for a pulse far above the usual one."""
    path = f"/patient/{uuid_of_name(name)}/metrics/latest"
    ward.until(path, lambda response: response.json()["pulse"] > FASTER * before)


def streamed(ward: Program) -> Iterator[dict[str, Any]]:
    """Return the readings from the stream."""
    with ward.stream() as events:
        for kind, found in events:
            if kind == "readings":
                yield from found


def test_by_order_of_the_supervisor(ward: Program, icu: Icu) -> None:
    """After an order, a bed without a port shows the scenario within seconds, in the API and in the stream."""
    before = {name: usual(ward, name) for name in ("Anna", "Boris 1")}
    done = icu("scenario", "Anna", "tachyarrhythmia")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Anna\n", "")
    until_faster(ward, "Anna", before["Anna"])
    anna = str(uuid_of_name("Anna"))
    assert next(each["pulse"] for each in streamed(ward) if each["patient_uuid"] == anna) > 1.1 * before["Anna"]
    assert usual(ward, "Boris 1") < FASTER * before["Boris 1"]
    done = icu("scenario", "beds", "stable")
    assert (done.returncode, done.stdout) == (3, "Anna\nBoris 1\nBoris 2\n")
    assert done.stderr.startswith("icu: Rec is a recording")
    for words, code in ((["Ana", "stable"], 4), (["Anna", "stabel"], 64)):
        done = icu("scenario", *words)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert ward.stop() == 0
    assert icu("scenario", "Anna", "stable").returncode == 75


def test_at_a_bed_s_own_port(ward: Program, icu: Icu, port: int) -> None:
    """The command and a plain HTTP client have the same effect: the truth changes at once, the readings follow."""
    url = f"http://127.0.0.1:{port}"
    before = {name: usual(ward, name) for name in ("Boris 1", "Boris 2")}
    done = icu("scenario", "--url", url, "Boris 2", "tachyarrhythmia")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Boris 2\n", "")
    answer = httpx.post(f"{url}/patient/{uuid_of_name('Boris 1')}/scenario", json={"scenario": "tachyarrhythmia"})
    assert (answer.status_code, answer.json()["phase"]) == (200, "fast")
    for name, pulse in before.items():
        assert web.get(f"{url}/patient/{uuid_of_name(name)}/truth").json()["scenario"] == "tachyarrhythmia"
        until_faster(ward, name, pulse)
    assert ward.stop() == 0
    assert icu("scenario", "--url", url, "Boris 2", "stable").returncode == 75


def everything(ward: Program, name: str) -> list[datetime]:
    """Return the times of all readings of a patient, page by page, oldest first."""
    found: list[datetime] = []
    path = f"/patient/{uuid_of_name(name)}/metrics?order=asc"
    while path:
        response = ward.get(path)
        found += [datetime.fromisoformat(each["timestamp"]) for each in response.json()]
        path = urljoin(path, response.links["next"]["url"]) if "next" in response.links else ""
    return found


def test_a_ward_with_a_past(start: Start, tmp_path: Path) -> None:
    """With `--backfill 2h`, each bed has a reading every 5 s from two hours ago until now, and goes on live."""
    names = ["Anna", "Bed 1", "Bed 2"]
    (tmp_path / "supervisor.toml").write_text(
        '[[child]]\nrole = "sink"\n[[child]]\nrole = "monitor"\n'
        '[[child]]\nrole = "patient"\nname = "Anna"\n'
        '[[child]]\nrole = "patient"\nid = "many"\nname = "Bed"\npatients = 2\n'
    )
    launched = datetime.now(UTC)
    ward = start("supervise", "--backfill", "2h", METRICS_INTERVAL="5")

    def lives(response: httpx.Response) -> bool:
        """Check that all patients have a reading later than the launch."""
        latest = [each["latest"] for each in response.json()] if response.status_code == 200 else []
        times = [datetime.fromisoformat(each["timestamp"]) for each in latest if each]
        return len(times) == len(names) and min(times) > launched + timedelta(seconds=10)

    ward.until("/patients", lives)
    for name in names:
        times = everything(ward, name)
        assert abs(times[0] - (launched - timedelta(hours=2))) < timedelta(seconds=10)
        assert {later - earlier for earlier, later in pairwise(times)} == {timedelta(seconds=5)}
        assert abs(times[-1] - datetime.now(UTC)) < timedelta(seconds=15)
    messages = [each["message"] for each in ward.records() if each["message"].startswith("history: ")]
    assert messages[-1].startswith("history: all patients have caught up with now")
    assert ward.stop() == 0
