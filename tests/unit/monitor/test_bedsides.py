"""The list of patients beside the readings: bed, silences, worst alarm, and what is behind."""

from typing import Any

import anyio
import httpx
import msgspec
import pytest
from msgspec.structs import replace

from icu.alarms.effects import Change, EventKind
from icu.alarms.episodes import Episode, episode_id
from icu.monitor import latest
from icu.monitor.ages import Ages
from icu.monitor.listing import encode_patients
from icu.store.alarms import episodes
from icu.store.alarms.served import alarm_of
from icu.store.engines.base import Transaction
from icu.store.engines.table import engine_of
from icu.store.heartbeats import Beat
from icu.store.journal.appending import append_to_journal
from icu.store.journal.entries import AlarmNews
from icu.store.journal.following import Batch
from icu.store.writer import Writer
from tests.samples import ANNA, BORIS, START, observation
from tests.stores import NOON, desaturation, execute, put_alarm, store
from tests.unit.monitor.test_latest import Monitor
from tests.unit.monitor.test_latest import monitor as kept_monitor

__all__ = ["kept_monitor"]

DESATURATION = {
    "id": str(desaturation().id),
    "condition": "spo2.low",
    "priority": "medium",
    "signal": "on",
    "since": "2026-01-31T12:00:15Z",
}


async def change(url: str, found: Episode, before: int, event: EventKind) -> None:
    """Store an episode as the sink does, with its events in the journal."""

    async def work(transaction: Transaction) -> None:
        news = await episodes.save(transaction, [Change(found, before, event)], at=NOON)
        await append_to_journal(transaction, NOON, alarms=news)

    engine = engine_of(url)
    await engine.transact(work)
    await engine.aclose()


async def anna(monitor: Monitor) -> dict[str, Any]:
    """Anna as the list has her after a look at the journal."""
    await monitor.look()
    return {each["uuid"]: each for each in await monitor.kept()}[str(ANNA)]


async def test_the_worst_alarm(writer: Writer, url: str, kept_monitor: Monitor) -> None:
    """The most urgent one of those that the store has at first, and of those that come, get worse and end."""
    await store(writer, [observation(0), observation(0, patient=BORIS)])
    await put_alarm(url, desaturation())
    assert (await anna(kept_monitor))["alarm"] == DESATURATION
    asystole = Episode(
        id=episode_id(ANNA, "asystole", NOON, NOON),
        patient=ANNA,
        condition="asystole",
        presence="present",
        signal="on",
        tier=0,
        onsets=(NOON,),
        dues=(None,),
        onset=NOON,
        raised=NOON,
        seen=1,
    )
    await change(url, asystole, 0, "start")
    assert (await anna(kept_monitor))["alarm"]["condition"] == "asystole"
    await change(url, replace(asystole, version=2, presence="absent", signal="latched"), 1, "update")
    assert (await anna(kept_monitor))["alarm"]["signal"] == "latched"
    await change(url, replace(asystole, version=3, presence="absent", signal="off", ended=NOON), 2, "end")
    assert (await anna(kept_monitor))["alarm"] == DESATURATION
    ended = replace(desaturation(), version=2, presence="absent", signal="off", ended=NOON, end_reason="itself")
    await change(url, ended, 1, "end")
    assert (await anna(kept_monitor))["alarm"] is None
    assert [each["alarm"] for each in await kept_monitor.kept()] == [None, None]
    assert kept_monitor.asked.count("newest") == 1


async def test_pending_alarms_are_not_shown(writer: Writer, url: str, kept_monitor: Monitor) -> None:
    """Their delay is not over."""
    await store(writer, [observation(0)])
    await put_alarm(url, desaturation(presence="pending", signal="off", tier=-1, raised=None, seen=0))
    assert (await anna(kept_monitor))["alarm"] is None


async def test_alarms_while_the_list_is_loaded(
    writer: Writer, url: str, kept_monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alarm that ends between two statements of the load, whose event comes again behind it, has ended."""
    await store(writer, [observation(0)])
    await put_alarm(url, desaturation())
    await kept_monitor.look()
    read = kept_monitor.reader.open_alarms

    async def slow() -> list[Episode]:
        found = await read()
        await change(url, replace(desaturation(), version=2, signal="off", ended=NOON, presence="absent"), 1, "end")
        await kept_monitor.look()
        return found

    monkeypatch.setattr(kept_monitor.reader, "open_alarms", slow)
    assert [each["alarm"] for each in await kept_monitor.kept()] == [None]


async def test_beds_and_silences(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """A command is in the list at once; a new patient has a bed, and a discharged one has none."""
    await store(writer, [observation(0)])
    await monitor.get("patients")
    assert [each["bed"] for each in await listed(monitor, 1)] == ["1"]
    await monitor.post(f"/patient/{ANNA}/pause", json={"by": "Eva", "seconds": 60})
    await until(monitor, lambda found: found["paused"] is not None and found["paused"]["by"] == "Eva")
    await monitor.post(f"/patient/{ANNA}/standby", json={"by": "Ivan"})
    await until(monitor, lambda found: found["paused"] is None and found["standby"]["by"] == "Ivan")
    await monitor.post(f"/patient/{ANNA}/admit", json={"by": "Eva", "bed": "A 7"})
    await until(monitor, lambda found: (found["bed"], found["standby"]) == ("A 7", None))
    await store(writer, [observation(0, patient=BORIS)], start=1)
    assert [each["bed"] for each in await listed(monitor, 2)] == ["A 7", "1"]
    await monitor.post(f"/patient/{ANNA}/discharge", json={"by": "Eva"})
    await until(monitor, lambda found: found["bed"] is None)


async def listed(monitor: httpx.AsyncClient, count: int) -> list[dict[str, Any]]:
    """Wait for a list of so many patients."""
    with anyio.fail_after(10):
        while len(found := (await monitor.get("patients")).json()) != count:
            await anyio.sleep(0.01)
    return found


async def until(monitor: httpx.AsyncClient, condition: Any) -> None:
    """Wait until Anna, who is the first, is listed so: within the look at the journal, not the time of the beds."""
    with anyio.fail_after(latest.BEDS_FOR - 1):
        while not condition((await monitor.get("patients")).json()[0]):
            await anyio.sleep(0.01)


async def test_beds_that_the_sink_changes_by_itself(
    writer: Writer, url: str, kept_monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No command and no entry of the journal tells of them: the beds are read anew after some seconds."""
    await store(writer, [observation(0)])
    assert (await anna(kept_monitor))["bed"] == "1"
    execute(url, "UPDATE bed_states SET bed = 'X'")
    assert [each["bed"] for each in await kept_monitor.kept()] == ["1"]
    monkeypatch.setattr(kept_monitor.latest, "_beds_until", 0.0)
    assert [each["bed"] for each in await kept_monitor.kept()] == ["X"]
    assert kept_monitor.asked == ["newest"]


async def test_nothing_is_fresh_in_a_blind_ward(writer: Writer, kept_monitor: Monitor) -> None:
    """With sink or broker away every patient is stale, and that is behind; with a patient away that one is."""
    await store(writer, [observation(0), observation(20, patient=BORIS)], arrived=NOON)
    await store(writer, [observation(21, patient=BORIS)], start=2, arrived=NOON + 20_000)
    await kept_monitor.look()
    now = START.replace(second=22)
    found = await kept_monitor.latest.patients(now=now)
    for blind, expected in [
        (None, {"Anna": (True, "patient"), "Boris": (False, None)}),
        ("sink", {"Anna": (True, "sink"), "Boris": (True, "sink")}),
        ("transport", {"Anna": (True, "transport"), "Boris": (True, "transport")}),
    ]:
        ages = Ages(kept_monitor.reader, wall=now.timestamp, steady=lambda: 0.0)
        answer = msgspec.json.decode(await encode_patients(found, ages, blind))
        assert {each["name"]: (each["stale"], each["behind"]) for each in answer} == expected
        assert all(each["latest_age_seconds"] is not None for each in answer)


async def test_a_dead_sink_is_seen_in_the_list(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """Fresh readings of a sink that is silent are not served as fresh."""
    await store(writer, [observation(0)])
    await writer.beat(Beat(NOON, 0))
    with anyio.fail_after(10):
        while (await monitor.get("patients")).json()[0]["behind"] != "sink":
            await anyio.sleep(0.01)
    assert (await monitor.get("patients")).json()[0]["stale"]


async def test_an_older_state_of_an_alarm(writer: Writer, url: str, kept_monitor: Monitor) -> None:
    """An event that comes again, behind a newer state, changes nothing."""
    await store(writer, [observation(0)])
    await put_alarm(url, desaturation(version=3, signal="acknowledged"))
    assert (await anna(kept_monitor))["alarm"]["signal"] == "acknowledged"
    news = [AlarmNews(ANNA, "update", msgspec.json.encode(alarm_of(desaturation(version=2))).decode())]
    kept_monitor.latest.take([Batch(1, alarms=news)])
    assert (await anna(kept_monitor))["alarm"]["signal"] == "acknowledged"


async def test_a_new_patient_has_a_bed_at_once(writer: Writer, kept_monitor: Monitor) -> None:
    """Though the beds of all others were read a moment ago."""
    await store(writer, [observation(0)])
    await anna(kept_monitor)
    await store(writer, [observation(0, patient=BORIS)], start=1)
    await anna(kept_monitor)
    assert [each["bed"] for each in await kept_monitor.kept()] == ["1", "2"]
