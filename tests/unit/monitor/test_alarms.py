"""Alarms over HTTP: those of now in their order, and their history in pages, from a real database."""

from datetime import timedelta
from typing import Any
from urllib.parse import urljoin
from uuid import UUID, uuid4

import anyio
import httpx
import pytest
from msgspec.structs import replace

from icu.alarms.blind import BLIND_AFTER, ward_blind
from icu.alarms.episodes import Acknowledgement, Episode, Shelf
from icu.store.heartbeats import Beat
from icu.store.writer import Writer
from tests.samples import ANNA, BORIS, START, observation
from tests.stores import NOON, desaturation, execute, put_alarm, store

MINUTE = 60_000


@pytest.fixture
async def ward(monitor: httpx.AsyncClient, writer: Writer) -> httpx.AsyncClient:
    """Client of a monitor of Anna and Boris."""
    await store(writer, [observation(0), observation(0, patient=BORIS)])
    return monitor


def alarm(number: int, **fields: Any) -> Episode:
    """Make an episode that was raised some minutes after noon, and its id by that number."""
    onset = NOON + number * MINUTE
    values: dict[str, Any] = {"onset": onset, "raised": onset + 15_000, **fields}
    return replace(desaturation(), id=UUID(int=number), **values)


def numbers(answer: httpx.Response) -> list[int]:
    """Return the numbers of the alarms of an answer."""
    assert answer.status_code == 200, answer.text
    return [UUID(each["id"]).int for each in answer.json()]


async def test_an_alarm_as_it_is_served(ward: httpx.AsyncClient, url: str) -> None:
    """Times are UTC, values are in the sign's unit."""
    await put_alarm(url, desaturation(acknowledged=Acknowledgement("Eva", NOON + 20_000, "seen to")))
    assert (await ward.get("alarms")).json() == [
        {
            "id": str(desaturation().id),
            "patient_uuid": str(ANNA),
            "condition": "spo2.low",
            "kind": "physiological",
            "priority": "medium",
            "presence": "present",
            "signal": "on",
            "inhibition": "none",
            "onset": "2026-01-31T12:00:00Z",
            "raised": "2026-01-31T12:00:15Z",
            "ended": None,
            "end_reason": None,
            "ended_by": None,
            "value": 89,
            "limit": 90,
            "worst": 88.5,
            "last_valid_at": None,
            "late": False,
            "repeats": 0,
            "unanswered": False,
            "seen": 1,
            "version": 1,
            "acknowledged": {"by": "Eva", "at": "2026-01-31T12:00:20Z", "why": "seen to"},
            "shelved": None,
        }
    ]


async def test_the_most_urgent_is_the_first(ward: httpx.AsyncClient, url: str) -> None:
    """High before medium before low, then what sounds, then the newest; ended ones are absent, pending ones last."""
    stored = [
        alarm(1, condition="temperature.low", onsets=(None,), dues=(None,)),
        alarm(2),
        alarm(3, condition="pulse.high"),
        alarm(4, condition="pulse.low", signal="acknowledged"),
        alarm(5, patient=BORIS, condition="map.low", presence="clearing"),
        alarm(6, patient=BORIS, condition="pulse.high", tier=1, presence="absent", signal="latched"),
        alarm(7, patient=BORIS, condition="pulse.low", tier=1),
        alarm(8, patient=BORIS, condition="spo2.low", presence="pending", signal="off", tier=-1, raised=None, seen=0),
        alarm(9, patient=BORIS, presence="absent", signal="off", ended=NOON, end_reason="itself"),
        alarm(10, condition="systolic.low", inhibition="shelved", shelved=Shelf(NOON, "Eva", "known", 1)),
    ]
    for each in stored:
        await put_alarm(url, each)
    assert numbers(await ward.get("alarms")) == [7, 6, 5, 3, 2, 10, 4, 1]
    assert numbers(await ward.get("alarms?pending=true")) == [7, 6, 5, 3, 2, 10, 4, 1, 8]
    assert numbers(await ward.get("alarms", params={"patient": str(BORIS)})) == [7, 6, 5]
    assert numbers(await ward.get("alarms?priority=high")) == [7, 6]
    assert numbers(await ward.get("alarms", params={"patient": str(ANNA), "priority": "low"})) == [1]


def acknowledged_blind() -> Episode:
    """Make the ward's own alarm, acknowledged at noon."""
    given = Acknowledgement("Eva", NOON)
    fields = {"acknowledged": given, "reminder_due": NOON + 3 * MINUTE, "unanswered_due": None}
    return replace(ward_blind(NOON), signal="acknowledged", **fields)


async def test_a_heart_that_stands_still_again(ward: httpx.AsyncClient, url: str) -> None:
    """It comes before the low pulse that has led to it, newer than the asystole of before; not once it beats."""
    still = alarm(1, condition="asystole", onsets=(None,), dues=(None,))
    await put_alarm(url, still)
    await put_alarm(url, alarm(2, condition="pulse.low", tier=1))
    assert numbers(await ward.get("alarms")) == [1, 2]
    execute(url, "UPDATE alarms SET presence = 'absent', signal = 'latched' WHERE condition = 'asystole'")
    assert numbers(await ward.get("alarms")) == [2, 1]


async def test_a_blind_ward(ward: httpx.AsyncClient, writer: Writer, url: str) -> None:
    """Without a heartbeat the ward's own alarm is the first, for a patient too; the stored acknowledgement holds."""
    await put_alarm(url, alarm(1))
    await writer.beat(Beat(NOON, 0))
    found: list[dict[str, Any]] = []
    with anyio.fail_after(10):
        while len(found) != 2:
            found = (await ward.get("alarms", params={"patient": str(ANNA)})).json()
    blind = found[0]
    raised = (START + timedelta(milliseconds=BLIND_AFTER)).isoformat().replace("+00:00", "Z")
    assert (blind["condition"], blind["priority"], blind["patient_uuid"], blind["signal"]) == (
        "ward.blind", "high", None, "on",
    )  # fmt: skip
    assert (blind["id"], blind["onset"], blind["raised"]) == (str(ward_blind(NOON).id), "2026-01-31T12:00:00Z", raised)
    await ward.post(f"/alarms/{blind['id']}/acknowledge", json={"by": "Eva", "seen": blind["seen"]})
    [blind, _] = (await ward.get("alarms")).json()
    assert (blind["signal"], blind["acknowledged"]["by"]) == ("acknowledged", "Eva")
    assert len((await ward.get("alarms?priority=medium")).json()) == 1


async def test_the_blindness_of_before(ward: httpx.AsyncClient, url: str) -> None:
    """A stored alarm of the ward is not shown by a monitor that sees."""
    await put_alarm(url, acknowledged_blind())
    assert (await ward.get("alarms")).json() == []


async def test_a_reminder_of_a_blind_ward(ward: httpx.AsyncClient, writer: Writer, url: str) -> None:
    """While the sink is away the monitor does what the engine would: it sounds again, unanswered by now."""
    await put_alarm(url, acknowledged_blind())
    await writer.beat(Beat(NOON, 0))
    found: list[dict[str, Any]] = []
    with anyio.fail_after(10):
        while not found:
            found = (await ward.get("alarms")).json()
    [blind] = found
    assert (blind["signal"], blind["seen"], blind["unanswered"]) == ("on", 2, True)
    path = f"/alarms/{blind['id']}/acknowledge"
    assert (await ward.post(path, json={"by": "Ida", "seen": 1})).status_code == 409
    answer = (await ward.post(path, json={"by": "Ida", "seen": 2})).json()
    assert (answer["signal"], answer["acknowledged"]["by"]) == ("acknowledged", "Ida")
    assert (await ward.get("alarms")).json() == [answer]


async def test_pages_of_the_history(ward: httpx.AsyncClient, url: str) -> None:
    """Each page leads to the next one; alarms of the same onset are neither lost nor doubled."""
    for number in range(1, 8):
        ended = {"ended": NOON, "end_reason": "itself", "presence": "absent", "signal": "off"}
        await put_alarm(url, alarm(number, **ended, onset=NOON + number // 3 * MINUTE))
    found: list[int] = []
    link: str | None = ""
    while link is not None:
        page = await ward.get(urljoin(f"{ward.base_url}alarms/history", link or "?limit=2"))
        found += numbers(page)
        link = page.headers["link"].partition(">")[0][1:] if "link" in page.headers else None
    assert found == [7, 6, 5, 4, 3, 2, 1]


async def test_a_choice_of_the_history(ward: httpx.AsyncClient, url: str) -> None:
    """By onset, patient, condition and priority, together too; what was never raised is none."""
    ended = {"ended": NOON, "presence": "absent", "signal": "off"}
    stored = [
        alarm(1, **ended),
        alarm(2, **ended, condition="pulse.low", tier=1),
        alarm(3, **ended, patient=BORIS),
        alarm(4),
        alarm(5, patient=BORIS, raised=None, presence="pending", signal="off", tier=-1, seen=0),
    ]
    for each in stored:
        await put_alarm(url, each)
    for query, expected in [
        ("", [4, 3, 2, 1]),
        ("from=2026-01-31T12:02:00Z&to=2026-01-31T12:04:00Z", [3, 2]),
        (f"patient={ANNA}", [4, 2, 1]),
        ("condition=pulse.low", [2]),
        ("priority=medium", [4, 3, 1]),
        (f"patient={ANNA}&priority=medium&to=2026-01-31T12:04:00Z&condition=spo2.low", [1]),
    ]:
        assert numbers(await ward.get(f"alarms/history?{query}")) == expected, query


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("alarms?patien=1", "did you mean patient?"),
        ("alarms?priority=highest", "priority"),
        ("alarms/history?condition=spo2.lo", "did you mean spo2.low?"),
        ("alarms/history?condition=x", "GET /limits"),
        ("alarms/history?limit=1001", "limit"),
        ("alarms/history?limit=1e2", "limit"),
        ("alarms/history?from=2026-01-31T12:00:00", "with its zone"),
        ("alarms/history?cursor=MTIz", "begin without one"),
        ("alarms/history?cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTkvMQ", "begin without one"),
    ],
)
async def test_what_makes_no_sense(ward: httpx.AsyncClient, path: str, hint: str) -> None:
    """400, and the message says what to write."""
    answer = await ward.get(path)
    assert (answer.status_code, hint in answer.json()["detail"]) == (400, True), answer.text


@pytest.mark.parametrize("path", ["alarms", "alarms/history"])
async def test_unknown_patients(ward: httpx.AsyncClient, path: str) -> None:
    """404, rather than no alarms."""
    assert (await ward.get(path, params={"patient": str(uuid4())})).status_code == 404


async def test_a_database_that_is_away(monitor: httpx.AsyncClient) -> None:
    """503, rather than no alarms."""
    assert (await monitor.get("alarms")).status_code == 503
    assert (await monitor.get("alarms/history")).status_code == 503


async def test_it_is_described(ward: httpx.AsyncClient, url: str) -> None:
    """With each field of an alarm, and the names of all conditions."""
    await put_alarm(url, desaturation())
    document: Any = (await ward.get(urljoin(str(ward.base_url), "/schema/openapi.json"))).json()
    [answer] = (await ward.get("alarms")).json()
    schema = document["components"]["schemas"]["Alarm"]
    assert set(schema["required"]) == set(schema["properties"]) == set(answer)
    parameters = document["paths"]["/api/alarms/history"]["get"]["parameters"]
    [condition] = [each["schema"] for each in parameters if each["name"] == "condition"]
    assert {"spo2.low", "ward.blind"} <= set(condition["enum"])
