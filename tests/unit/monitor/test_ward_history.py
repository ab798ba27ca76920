"""The whole ward's history over HTTP, against the histories of its patients."""

import time
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from icu.messages import uuid_of_name
from icu.monitor import ward_history
from icu.monitor.formats import ward as ward_format
from icu.store.writer import Writer
from tests.histories import varied
from tests.samples import ANNA, BORIS, observation
from tests.stores import NOON, execute, restored, store

HOUR = {"from": "2026-01-31T12:00:00Z", "to": "2026-01-31T13:00:00Z"}
MINUTE = 60_000


async def asked(monitor: httpx.AsyncClient, **params: str) -> Any:
    """The answer to a request that is right."""
    response = await monitor.get("ward/history", params={**HOUR, **params})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


async def alone(monitor: httpx.AsyncClient, uuid: object, **params: str) -> Any:
    """Columns of one patient."""
    query = {**HOUR, "every": "1min", "format": "columns", **params}
    return (await monitor.get(f"patient/{uuid}/metrics", params=query)).json()


@pytest.mark.parametrize("short", [0, 5_000], ids=["in a thread", "on the loop"])
@pytest.mark.parametrize("at_once", [1, 65_536], ids=["in pieces", "whole"])
async def test_each_patient_has_its_own_columns(
    writer: Writer, monitor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, short: int, at_once: int
) -> None:
    """As the patient's own history has them, gaps and doubts too; and one without a reading is told."""
    monkeypatch.setattr(ward_format, "_SHORT", short)
    monkeypatch.setattr(ward_format, "_AT_ONCE", at_once)
    away = observation(7_200, patient=BORIS, patient_name='Boris "B"')
    await store(writer, [*varied(80, step=[5, 200]), away])
    for params in ({}, {"every": "90s"}, {"every": "1h"}):
        answer = await asked(monitor, **params)
        assert [each["uuid"] for each in answer["patients"]] == [str(ANNA), str(BORIS)]
        found = {each.pop("uuid"): each for each in answer["patients"]}
        assert (found[str(ANNA)].pop("name"), found[str(ANNA)].pop("bed")) == ("Anna", "1")
        assert found[str(ANNA)] == await alone(monitor, ANNA, **params)
        assert (found[str(BORIS)].pop("name"), found[str(BORIS)].pop("bed")) == ('Boris "B"', "2")
        assert found[str(BORIS)] == await alone(monitor, BORIS, **params)
        assert found[str(BORIS)]["times"] == []


async def test_the_order_of_the_beds(writer: Writer, monitor: httpx.AsyncClient, url: str) -> None:
    """Patients stand as their beds are numbered; behind them, by name, those without one."""
    beds = {"Eva": "10", "Dora": "2", "Anna": "1", "Boris 10": None, "Boris 9": None, "Clara": "A"}
    await store(writer, [observation(0, patient=uuid_of_name(name), patient_name=name) for name in beds])
    for name, bed in beds.items():
        label = "NULL, admitted = NULL" if bed is None else f"'b{bed}'"
        execute(url, f"UPDATE bed_states SET bed = {label} FROM patients WHERE id = patient_id AND name = '{name}'")
    patients = (await asked(monitor))["patients"]
    assert {each["name"]: each["bed"] for each in patients} == {
        name: None if bed is None else f"b{bed}" for name, bed in beds.items()
    }
    names = [each["name"] for each in patients]
    assert names == ["Anna", "Dora", "Eva", "Clara", "Boris 9", "Boris 10"]


async def test_the_span_is_told(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """In milliseconds, as the axis needs it; the end is excluded."""
    await store(writer, [observation(0), observation(3_599), observation(3_600)])
    answer = await asked(monitor, every="30min", signs="pulse")
    assert (answer["from"], answer["to"], answer["every"]) == (NOON, NOON + 3_600_000, 1_800_000)
    [patient] = answer["patients"]
    assert (patient["t0"], patient["step"]) == (NOON, 1_800_000)
    assert patient["columns"]["pulse"]["count"] == [1, 1]


async def test_some_signs(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """Those that are asked for, in the order of the catalogue, with the same values."""
    await store(writer, varied(80))
    whole = await alone(monitor, ANNA)
    [patient] = (await asked(monitor, signs="spo2, pulse,map"))["patients"]
    assert list(patient["columns"]) == list(patient["scale"]) == ["pulse", "spo2", "map"]
    assert patient["columns"] == {name: whole["columns"][name] for name in patient["columns"]}
    assert patient["scale"] == {name: whole["scale"][name] for name in patient["scale"]}


async def test_the_last_hour(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """Is what comes without a span: from a whole bucket on, and of clocks that are a little ahead too."""
    now = time.time() - NOON / 1000
    await store(writer, [observation(now + each) for each in (-4_000, -3_500, 200, 400)])
    answer = (await monitor.get("ward/history")).json()
    assert answer["from"] % MINUTE == 0
    assert 65 * MINUTE <= answer["to"] - answer["from"] < 66 * MINUTE
    [patient] = answer["patients"]
    assert sum(patient["columns"]["pulse"]["count"]) == 2


async def test_an_empty_ward(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """Has no patients."""
    await store(writer, [])
    assert (await asked(monitor))["patients"] == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"signs": "bp"}, "`signs`: 'bp' is no sign: there are pulse, resp_rate, systolic, diastolic, "),
        ({"signs": "pulse,puls"}, "`signs`: 'puls' is no sign: did you mean pulse?"),
        ({"signs": ""}, "`signs`: '' is no sign"),
        ({"signs": "pulse,spo2,pulse"}, "`signs` names pulse 2 times: name it once"),
        ({"every": "0s"}, "`every`"),
        ({"evry": "1s"}, "there is no parameter 'evry' here: did you mean every?"),
        ({"from": "2026-01-30T12:59:59.999Z"}, "`from` and `to` are over a day apart"),
        ({"from": "2026-01-31T13:00:00.001Z"}, "`from` is later than `to`"),
        ({"from": "noon"}, "`from` is no time"),
        ({"every": "1s"}, "1 patients x 3,600 buckets x 7 signs are over 25,199: write a longer `every`, name fewer"),
        ({"every": "7min", "from": "2026-01-31T11:59:59Z"}, None),
    ],
)
async def test_what_is_refused(
    writer: Writer,
    monitor: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    query: dict[str, str],
    said: str | None,
) -> None:
    """With what to write instead; what just fits is answered."""
    monkeypatch.setattr(ward_history, "MAX_SIZE", 25_199)
    await store(writer, [observation(0)])
    response = await monitor.get("ward/history", params={**HOUR, **query})
    if said is None:
        assert response.status_code == 200
    else:
        assert response.status_code == 400
        assert said in response.json()["detail"]


@pytest.mark.parametrize("span", [{"to": "0001-01-01T00:00:00Z"}, {"to": "9999-12-31T23:59:59Z"}])
async def test_the_ends_of_time(writer: Writer, monitor: httpx.AsyncClient, span: dict[str, str]) -> None:
    """Are hours like any other."""
    await store(writer, [observation(0)])
    answer = (await monitor.get("ward/history", params=span)).json()
    assert answer["to"] - answer["from"] in range(3_600_000, 3_660_000)
    assert answer["patients"][0]["times"] == []


async def test_a_beginning_that_is_to_come(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """Without an end, it is behind now."""
    await store(writer, [observation(0)])
    response = await monitor.get("ward/history", params={"from": "2999-01-01T00:00:00Z"})
    assert response.status_code == 400
    assert "later than `to`, which is now unless it is given" in response.json()["detail"]


def test_the_limit() -> None:
    """As it is documented: a day, and 250,000 values."""
    assert (ward_history.MAX_SPAN_MS, ward_history.MAX_SIZE) == (86_400_000, 250_000)


async def test_keys_that_change(
    writer: Writer, monitor: httpx.AsyncClient, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patients whose keys change keep their readings: each is found by its uuid."""
    await store(writer, [observation(0, pulse=61, patient=ANNA), observation(0, pulse=62, patient=BORIS)])
    before = await asked(monitor)
    tables = ("patient_metrics", "bed_states")
    moved = [f"UPDATE {each} SET patient_id = patient_id + 10" for each in tables]
    restored(url, "; ".join(["UPDATE patients SET id = id + 10", *moved]))
    assert await asked(monitor) == before


async def test_without_a_database(monitor: httpx.AsyncClient) -> None:
    """A problem says what to start."""
    response = await monitor.get("ward/history")
    assert response.status_code == 503
    assert "start the sink" in response.json()["detail"]


async def test_head_and_compression(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """As of any answer: HEAD has the same headers, and gzip the same bytes."""
    await store(writer, varied(1_000, step=[5]))
    params = {**HOUR, "every": "1s"}
    plain = await monitor.get("ward/history", params=params, headers={"Accept-Encoding": "identity"})
    packed = await monitor.get("ward/history", params=params, headers={"Accept-Encoding": "gzip"})
    head = await monitor.head("ward/history", params=params, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["vary"] == plain.headers["vary"] == "Accept-Encoding, Origin"


async def test_it_is_described(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """Each field of the answer, and of a patient."""
    await store(writer, [*varied(80), observation(-60, patient=BORIS)])
    document: Any = (await monitor.get(urljoin(str(monitor.base_url), "/schema/openapi.json"))).json()
    route = document["paths"]["/api/ward/history"]["get"]
    assert {each["name"] for each in route["parameters"]} == {"from", "to", "every", "signs"}
    schema = route["responses"]["200"]["content"]["application/json"]["schema"]
    answer = await asked(monitor)
    assert set(schema["required"]) == set(schema["properties"]) == set(answer)
    patient = schema["properties"]["patients"]["items"]
    assert set().union(*answer["patients"]) == set(patient["properties"])
    assert set(patient["required"]) == set.intersection(*map(set, answer["patients"]))
