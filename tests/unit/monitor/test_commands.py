"""Commands over HTTP, on a real database beside a real writer: states, refusals, and the audit."""

import sqlite3
import time
from contextlib import closing
from typing import Any
from uuid import uuid4

import httpx
import pytest

from icu.alarms.episodes import Acknowledgement
from icu.store.writer import Writer
from tests.samples import ANNA, BORIS, START, observation
from tests.stores import connected, desaturation, execute, put_alarm, rows, store

ALARM = desaturation().id
ACKNOWLEDGE = f"/alarms/{ALARM}/acknowledge"
COUNT = "SELECT count FROM command_count"


@pytest.fixture
async def ward(monitor: httpx.AsyncClient, writer: Writer, url: str) -> httpx.AsyncClient:
    """Client of a monitor of Anna, whose alarm sounds, and Boris."""
    await store(writer, [observation(0), observation(0, patient=BORIS)])
    await put_alarm(url, desaturation())
    return monitor


def audit(url: str) -> list[tuple[Any, ...]]:
    """Commands and results in the audit."""
    return rows(url, 'SELECT command, "by", result FROM audit ORDER BY id')


async def test_the_first_to_acknowledge_stands(ward: httpx.AsyncClient, url: str) -> None:
    """The second person gets 200 with the name of the first, whatever `seen` said; the audit has both."""
    first = await ward.post(ACKNOWLEDGE, json={"by": " Anna ", "seen": 1, "why": "seen to"})
    assert first.status_code == 200
    found = first.json()
    assert (found["signal"], found["acknowledged"]["by"], found["acknowledged"]["why"]) == (
        "acknowledged",
        "Anna",
        "seen to",
    )
    second = await ward.post(ACKNOWLEDGE, json={"by": "Boris", "seen": 0})
    assert (second.status_code, second.json()) == (200, found)
    assert audit(url) == [("acknowledge", "Anna", "done"), ("acknowledge", "Boris", "unchanged")]
    assert rows(url, COUNT) == [(2,)]
    assert rows(url, "SELECT event, version FROM outbox") == [("update", 2)]


async def test_an_alarm_that_has_sounded_again(ward: httpx.AsyncClient, url: str) -> None:
    """A stale `seen` is 409 with the state that holds, which a second attempt can use."""
    execute(url, "UPDATE alarms SET seen = 2")
    stale = await ward.post(ACKNOWLEDGE, json={"by": "Anna", "seen": 1})
    assert (stale.status_code, stale.json()["state"]["seen"]) == (409, 2)
    assert stale.headers["content-type"] == "application/problem+json"
    assert (await ward.post(ACKNOWLEDGE, json={"by": "Anna", "seen": 2})).status_code == 200
    assert [result for *_, result in audit(url)] == ["seen before", "done"]


async def test_a_latched_alarm_ends_once(monitor: httpx.AsyncClient, writer: Writer, url: str) -> None:
    """An acknowledgement ends a latched alarm; the second one is 409, never a re-opening."""
    await store(writer, [observation(0)])
    await put_alarm(url, desaturation(tier=1, presence="absent", signal="latched", onsets=(None, None)))
    found = (await monitor.post(ACKNOWLEDGE, json={"by": "Anna", "seen": 1})).json()
    assert (found["end_reason"], found["ended_by"]) == ("acknowledged", "Anna")
    second = await monitor.post(ACKNOWLEDGE, json={"by": "Boris", "seen": 1})
    assert (second.status_code, second.json()["state"]) == (409, found)


async def test_a_shelf(ward: httpx.AsyncClient, url: str) -> None:
    """An alarm is shelved for minutes with a reason; not for longer than an hour, and not one of high priority."""
    path = f"/alarms/{ALARM}/shelve"
    for minutes in (0, -1, 61, 1e308):
        answer = await ward.post(path, json={"by": "Anna", "why": "suction", "minutes": minutes})
        assert answer.status_code == 422
        assert "write minutes above 0, up to 60" in answer.json()["detail"]
    found = (await ward.post(path, json={"by": "Anna", "why": "suction", "minutes": 10})).json()
    assert (found["inhibition"], found["shelved"]["by"], found["shelved"]["why"]) == ("shelved", "Anna", "suction")
    execute(url, "UPDATE alarms SET tier = 1")
    high = await ward.post(path, json={"by": "Anna", "why": "suction", "minutes": 10})
    assert (high.status_code, high.json()["state"]["priority"]) == (409, "high")
    assert [result for *_, result in audit(url)] == ["done", "not to be shelved"]


async def test_a_pause(ward: httpx.AsyncClient, url: str) -> None:
    """A pause silences what sounds at the bed, for two minutes at most; it can be given again."""
    path = f"/patient/{ANNA}/pause"
    for seconds in (0, -5, 121, 1e308):
        for each in (path, "/ward/silence"):
            assert (await ward.post(each, json={"by": "Anna", "seconds": seconds})).status_code == 422
    for by in ("Anna", "Boris"):
        answer = await ward.post(path, json={"by": by, "seconds": 120})
        assert (answer.status_code, answer.json()["paused"]["by"]) == (200, by)
    assert rows(url, "SELECT inhibition FROM alarms") == [("paused",)]
    assert rows(url, COUNT) == [(2,)]


async def test_the_silence_of_the_ward(ward: httpx.AsyncClient, url: str) -> None:
    """Only the beds that sound are paused, and the answer names them."""
    beds = (await ward.post("/ward/silence", json={"by": "Anna", "seconds": 60})).json()["beds"]
    assert [each["patient_uuid"] for each in beds] == [str(ANNA)]
    assert (await ward.post("/ward/silence", json={"by": "Boris", "seconds": 60})).json() == {"beds": []}
    assert audit(url) == [("silence", "Anna", "done"), ("silence", "Boris", "unchanged")]


async def test_standby_and_admission(ward: httpx.AsyncClient, url: str) -> None:
    """Standby ends the alarms and is said once; an admission ends it, and may give another bed."""
    for _ in range(2):
        answer = await ward.post(f"/patient/{ANNA}/standby", json={"by": "Anna"})
        assert (answer.status_code, answer.json()["standby"]["by"]) == (200, "Anna")
    assert rows(url, "SELECT end_reason, ended_by FROM alarms") == [("standby", "Anna")]
    admitted = (await ward.post(f"/patient/{ANNA}/admit", json={"by": "Anna", "bed": " A 7 "})).json()
    assert (admitted["bed"], admitted["standby"]) == ("A 7", None)
    assert [result for *_, result in audit(url)] == ["done", "unchanged", "done"]


async def test_a_bed_is_one_patients(ward: httpx.AsyncClient, url: str) -> None:
    """A label that another patient has is 409 with that bed; a discharge frees it, and the patient may come back."""
    taken = await ward.post(f"/patient/{ANNA}/admit", json={"by": "Anna", "bed": "2"})
    assert (taken.status_code, taken.json()["state"]["patient_uuid"]) == (409, str(BORIS))
    for _ in range(2):
        gone = await ward.post(f"/patient/{BORIS}/discharge", json={"by": "Anna"})
        assert (gone.status_code, gone.json()["bed"], gone.json()["admitted"]) == (200, None, None)
    assert (await ward.post(f"/patient/{BORIS}/pause", json={"by": "Anna", "seconds": 5})).status_code == 409
    assert (await ward.post(f"/patient/{BORIS}/standby", json={"by": "Anna"})).status_code == 409
    assert (await ward.post(f"/patient/{ANNA}/admit", json={"by": "Anna", "bed": "2"})).json()["bed"] == "2"
    assert (await ward.post(f"/patient/{BORIS}/admit", json={"by": "Anna"})).json()["bed"] == "1"
    for label, why in (
        ("", "a label has 1 to 16 characters"),
        (" ", "a label has 1 to 16 characters"),
        ("x" * 17, "a label has 1 to 16 characters"),
        ("a\x07", "a label cannot hold the control character U+0007"),
    ):
        refused = await ward.post(f"/patient/{ANNA}/admit", json={"by": "Anna", "bed": label})
        assert (refused.status_code, refused.json()["detail"]) == (422, f"bed: {why}")


async def test_limits_of_the_ward(ward: httpx.AsyncClient, url: str) -> None:
    """A change needs the version that its author saw; older versions are kept."""
    before = (await ward.get("/limits")).json()
    assert (before["version"], before["by"]) == (0, None)
    change = {"by": "Anna", "version": 0, "conditions": {"spo2.low": {"values": {"medium": 92}}}}
    after = (await ward.put("/limits", json=change)).json()
    assert (after["version"], after["by"]) == (1, "Anna")
    assert after["conditions"]["spo2.low"]["values"] == {"medium": 92, "high": 80}
    assert (await ward.get("/limits")).json() == after
    stale = await ward.put("/limits", json=change)
    assert (stale.status_code, stale.json()["state"]["version"]) == (409, 1)
    again = {"by": "Anna", "version": 1, "conditions": {"spo2.low": {"values": {"medium": 91}}}}
    assert (await ward.put("/limits", json=again)).json()["version"] == 2
    assert rows(url, "SELECT scope, version FROM limits") == [("ward", 1), ("ward", 2)]


@pytest.mark.parametrize(
    "conditions",
    [
        {"spo2.low": {"values": {"medium": 100}}},
        {"spo2.low": {"values": {"medium": 79}}},
        {"pulse.low": {"values": {"medium": 130, "high": 125}}},
        {"pulse.low": {"values": {"medium": -5}}},
        {"spo2.lo": {"values": {"medium": 92}}},
    ],
)
async def test_limits_without_sense(ward: httpx.AsyncClient, url: str, conditions: dict[str, object]) -> None:
    """Limits that cannot clear, or stand upside down, are 422 with what to write, and nothing is changed."""
    for path in ("/limits", f"/patient/{ANNA}/limits"):
        answer = await ward.put(path, json={"by": "Anna", "version": 0, "conditions": conditions})
        assert (answer.status_code, next(iter(conditions)) in answer.json()["detail"]) == (422, True)
    assert rows(url, "SELECT * FROM limits") == []
    assert rows(url, COUNT) == [(0,)]


async def test_limits_of_a_patient(ward: httpx.AsyncClient, url: str) -> None:
    """A patient's own limits stand above the ward's, and are replaced as a whole; the ward's must fit beneath."""
    path = f"/patient/{ANNA}/limits"
    own = {"spo2.low": {"values": {"medium": 85}}}
    found = (await ward.put(path, json={"by": "Anna", "version": 0, "conditions": own})).json()
    assert (found["conditions"], found["in_force"]["spo2.low"]["values"]) == (own, {"medium": 85, "high": 80})
    assert (await ward.get(path)).json() == found
    worse = {"by": "Anna", "version": 0, "conditions": {"spo2.low": {"values": {"medium": 92, "high": 88}}}}
    refused = await ward.put("/limits", json=worse)
    assert (refused.status_code, str(ANNA) in refused.json()["detail"]) == (422, True)
    none = (await ward.put(path, json={"by": "Anna", "version": 1, "conditions": {}})).json()
    assert (none["version"], none["conditions"]) == (2, {})
    again = await ward.put(path, json={"by": "Anna", "version": 2, "conditions": {}})
    assert (again.status_code, again.json()) == (200, none)
    assert audit(url)[-1] == ("limits", "Anna", "unchanged")
    assert rows(url, "SELECT max(version) FROM limits") == [(2,)]


async def test_automatic_limits(ward: httpx.AsyncClient, writer: Writer) -> None:
    """They lie around the present values; of old ones none are made, nor of those that an outage has held up.

    What a clock left that was days ahead once is not the present.
    """
    path = f"/patient/{ANNA}/limits/auto"
    now, since = round(time.time() * 1000), time.time() - START.timestamp()
    old = [await ward.post(path, json={"by": "Anna", "version": 0})]
    await store(writer, [observation(since - 600), observation(since + 3 * 86_400)], start=2, arrived=now - 60_000)
    old.append(await ward.post(path, json={"by": "Anna", "version": 0}))
    assert [(each.status_code, "wait for one" in each.json()["detail"]) for each in old] == [(422, True)] * 2

    await store(writer, [observation(since, temperature=None)], start=4, arrived=now)
    found = (await ward.post(path, json={"by": "Anna", "version": 0})).json()
    assert found["conditions"]["pulse.low"]["values"] == {"medium": 58}
    assert [each.split(":")[0] for each in found["refused"]] == ["map", "temperature"]
    again = await ward.post(path, json={"by": "Anna", "version": 1})
    assert (again.status_code, again.json()) == (200, found)


async def test_inputs_of_news2(ward: httpx.AsyncClient, url: str) -> None:
    """They are kept with name and time, the older ones too."""
    path = f"/patient/{ANNA}/news2"
    entered = {"by": "Anna", "oxygen": True, "consciousness": "voice", "scale": 2}
    found = (await ward.put(path, json=entered)).json()
    assert {key: found[key] for key in entered} == entered
    assert (await ward.put(path, json={**entered, "scale": 3})).status_code == 400
    await ward.put(path, json={**entered, "oxygen": False})
    assert rows(url, "SELECT oxygen, consciousness, scale FROM news2_inputs ORDER BY at") == [
        (1, "voice", 2),
        (0, "voice", 2),
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "why"),
    [
        ("POST", ACKNOWLEDGE, {"seen": "1"}, "seen: write a whole number of at least 0, without quotes"),
        ("POST", ACKNOWLEDGE, {"seen": True}, "seen: write a whole number of at least 0"),
        ("POST", ACKNOWLEDGE, {"seen": 1, "by": 7}, "by: write text"),
        (
            "POST",
            f"/alarms/{ALARM}/shelve",
            {"why": "suction", "minutes": "inf"},
            "minutes: write a number, without quotes",
        ),
        ("POST", f"/patient/{ANNA}/pause", {"seconds": "nan"}, "seconds: write a number, without quotes"),
        (
            "POST",
            f"/patient/{ANNA}/limits/auto",
            {"version": "0"},
            "version: write a whole number of at least 0, without quotes",
        ),
        (
            "PUT",
            f"/patient/{ANNA}/news2",
            {"oxygen": "true", "consciousness": "alert", "scale": 1},
            "oxygen: write true or false, without quotes",
        ),
        (
            "PUT",
            f"/patient/{ANNA}/news2",
            {"oxygen": True, "consciousness": "alert", "scale": "1"},
            "scale: write one of 1, 2, without quotes",
        ),
    ],
)
async def test_no_text_is_taken_for_a_number(
    ward: httpx.AsyncClient, url: str, method: str, path: str, body: dict[str, object], why: str
) -> None:
    """A field of another type is 400 with its name and what to write, and nothing is carried out."""
    answer = await ward.request(method, path, json={"by": "Anna", **body})
    assert (answer.status_code, answer.json()["detail"]) == (400, why)
    assert audit(url) == []


@pytest.mark.parametrize(
    ("conditions", "why"),
    [
        (5, "conditions: write a JSON object"),
        ({"spo2.low": 88}, "conditions.spo2.low: write a JSON object"),
        (
            {"pulse.low": {}, "spo2.low": {"value": 88}},
            "conditions.spo2.low: there is no field 'value' here: accepted are",
        ),
        ({"spo2.low": {"values": 88}}, "conditions.spo2.low.values: write a JSON object"),
        (
            {"spo2.low": {"values": {"medium": "88"}}},
            "conditions.spo2.low.values.medium: write a number, without quotes",
        ),
        ({"spo2.low": {"values": {"hihg": 88}}}, "conditions.spo2.low.values: 'hihg' is none of low, medium, high"),
        ({"spo2.low": {"delays": {"low": None}}}, "conditions.spo2.low.delays.low: write a number"),
        ({"spo2.low": {"hysteresis": [1]}}, "conditions.spo2.low.hysteresis: write a number"),
    ],
)
async def test_wrong_types_within_limits(ward: httpx.AsyncClient, url: str, conditions: object, why: str) -> None:
    """The answer leads to the innermost field that is wrong, by the names of the body."""
    answer = await ward.put("/limits", json={"by": "Anna", "version": 0, "conditions": conditions})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(why)
    assert audit(url) == []


BODIES = {
    f"/patient/{ANNA}/pause": {"seconds": 5},
    f"/patient/{ANNA}/standby": {},
    f"/patient/{ANNA}/admit": {},
    f"/patient/{ANNA}/discharge": {},
    f"/patient/{ANNA}/limits/auto": {"version": 0},
    ACKNOWLEDGE: {"seen": 1},
    f"/alarms/{ALARM}/shelve": {"why": "suction", "minutes": 5},
}


@pytest.mark.parametrize("path", BODIES)
async def test_unknown_ones(ward: httpx.AsyncClient, path: str) -> None:
    """An unknown patient or alarm is 404, and nothing is written."""
    unknown = str(uuid4())
    other = path.replace(str(ANNA), unknown).replace(str(ALARM), unknown)
    answer = await ward.post(other, json={"by": "Anna", **BODIES[path]})
    assert (answer.status_code, unknown in answer.json()["detail"]) == (404, True)


@pytest.mark.parametrize("by", ["", " ", "x" * 201, "a\nb", "\u202eanna", "\u200b"])
async def test_a_name_that_nobody_can_read(ward: httpx.AsyncClient, url: str, by: str) -> None:
    """Names have 1 to 200 printable characters: others are 422, and no command is carried out."""
    for path, body in BODIES.items():
        assert (await ward.post(path, json={**body, "by": by})).status_code == 422
    assert audit(url) == []


@pytest.mark.parametrize("path", BODIES)
async def test_pages_of_other_origins_are_refused(ward: httpx.AsyncClient, url: str, path: str) -> None:
    """A browser with a foreign page, or a form, commands nothing."""
    body = {"by": "Anna", **BODIES[path]}
    foreign = await ward.post(path, json=body, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    form = await ward.post(path, content=b'{"by": "Anna"}', headers={"Content-Type": "text/plain"})
    assert form.status_code == 415
    assert audit(url) == []


async def test_the_audit(ward: httpx.AsyncClient) -> None:
    """The newest entries come first, with their states; by patient, and from an entry on."""
    await ward.post(ACKNOWLEDGE, json={"by": "Anna", "seen": 1})
    await ward.post(f"/patient/{BORIS}/discharge", json={"by": "Boris"})
    both = (await ward.get("/audit")).json()
    assert [(each["command"], each["patient_uuid"], each["source"]) for each in both] == [
        ("discharge", str(BORIS), "127.0.0.1"),
        ("acknowledge", str(ANNA), "127.0.0.1"),
    ]
    assert (both[1]["before"]["signal"], both[1]["after"]["signal"], both[1]["alarm"]) == (
        "on",
        "acknowledged",
        str(ALARM),
    )
    assert (await ward.get("/audit", params={"patient": str(ANNA)})).json() == both[1:]
    assert (await ward.get("/audit", params={"before": both[0]["id"], "limit": 1})).json() == both[1:]


async def test_a_database_that_cannot_be_written(ward: httpx.AsyncClient, url: str, impatient: None) -> None:
    """A locked database is 503, and the same command works afterwards."""
    with closing(connected(url)) as other:
        other.execute("BEGIN IMMEDIATE")
        refused = await ward.post(ACKNOWLEDGE, json={"by": "Anna", "seen": 1})
        assert (refused.status_code, "locked" in refused.json()["detail"]) == (503, True)
        other.execute("ROLLBACK")
    assert (await ward.post(ACKNOWLEDGE, json={"by": "Anna", "seen": 1})).status_code == 200
    assert [result for *_, result in audit(url)] == ["done"]


async def test_tables_of_a_newer_program(ward: httpx.AsyncClient, url: str) -> None:
    """A monitor reads tables of a newer version that allow it, but writes to its own alone."""
    execute(url, "UPDATE alembic_version SET version_num = '9999'")
    refused = await ward.post(ACKNOWLEDGE, json={"by": "Anna", "seen": 1})
    assert (refused.status_code, "update the program" in refused.json()["detail"]) == (503, True)


async def test_no_database_is_made(monitor: httpx.AsyncClient, url: str) -> None:
    """A command before there is a database is 503, and makes no file."""
    refused = await monitor.post(ACKNOWLEDGE, json={"by": "Anna", "seen": 1})
    assert refused.status_code == 503
    with (
        pytest.raises(sqlite3.OperationalError),
        closing(sqlite3.connect(f"file:{url.removeprefix('sqlite:///')}?mode=ro", uri=True)) as connection,
    ):
        connection.execute("SELECT 1")


async def test_the_sink_goes_on_beside_commands(ward: httpx.AsyncClient, writer: Writer, url: str) -> None:
    """Commands of the monitor's process change neither the sink's patients nor its positions."""
    await store(writer, [observation(1)], start=2)
    known = writer.guard.patients
    await ward.post(ACKNOWLEDGE, json={"by": "Anna", "seen": 1})
    await writer.check()
    assert (await store(writer, [observation(2)], start=3)).stored == 1
    assert writer.guard.patients is known
    assert rows(url, "SELECT count(*) FROM patients") == [(2,)]


async def test_acknowledged_by_someone_before(monitor: httpx.AsyncClient, writer: Writer, url: str) -> None:
    """An alarm that sounds again is on, and its old acknowledgement does not count for a new one."""
    await store(writer, [observation(0)])
    await put_alarm(url, desaturation(acknowledged=Acknowledgement("Anna", 1), seen=2))
    found = (await monitor.post(ACKNOWLEDGE, json={"by": "Boris", "seen": 2})).json()
    assert found["acknowledged"]["by"] == "Boris"
