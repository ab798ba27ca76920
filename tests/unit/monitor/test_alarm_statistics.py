"""Statistics of alarms over HTTP, from alarms, counts, beds and the audit of a real database."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from msgspec.structs import replace

from icu.alarms.episodes import Acknowledgement
from icu.monitor.alarms import statistics
from icu.store.writer import Writer
from tests.samples import ANNA, BORIS, observation
from tests.stores import NOON, desaturation, execute, put_alarm, store

SPAN = "from=2026-01-31T12:00:00Z&to=2026-01-31T13:00:00Z"
HOUR = 3_600_000


@pytest.fixture
async def ward(monitor: httpx.AsyncClient, writer: Writer, url: str) -> httpx.AsyncClient:
    """Client of a monitor of Anna, who was admitted at noon and has alarms, and Boris, who came half an hour later."""
    await store(writer, [observation(0), observation(0, patient=BORIS)], arrived=NOON)
    execute(url, f"UPDATE bed_states SET admitted = {NOON + HOUR // 2} WHERE patient_id = 2")
    ended = {"presence": "absent", "signal": "off", "end_reason": "itself"}
    first = desaturation(**ended, sounded=NOON + 15_000, ended=NOON + 45_000)
    seen = Acknowledgement("Eva", NOON + 140_000)
    second = desaturation(tier=1, raised=NOON + 75_000, sounded=NOON + 80_000, acknowledged=seen)
    later = replace(desaturation(raised=NOON + HOUR), onset=NOON + HOUR)
    for number, each in enumerate((first, second, later)):
        await put_alarm(url, replace(each, id=UUID(int=number), ended=each.ended or NOON + 2 * HOUR))
    silent = desaturation(late=True, **ended, ended=NOON + 15_000)
    await put_alarm(url, replace(silent, id=UUID(int=9), condition="pulse.high", patient=BORIS))
    for hour, count in ((NOON - HOUR, 100), (NOON, 3), (NOON + HOUR, 100)):
        execute(url, f"INSERT INTO alarm_counts VALUES (1, {hour}, 'suppressed_by_delay', 'pulse.low', {count})")
    execute(url, f"INSERT INTO alarm_counts VALUES (1, {NOON}, 'late', '', 50)")
    return monitor


async def ask(ward: httpx.AsyncClient, query: str) -> dict[str, Any]:
    """Return the answer."""
    answer = await ward.get(f"alarms/statistics?{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_an_hour_of_the_ward(ward: httpx.AsyncClient) -> None:
    """Alarms by their onset, the sound by the server's time, suppressed ones by condition, and what is not known."""
    found = await ask(ward, SPAN)
    assert (found["begin"], found["end"], found["patient_uuid"]) == (
        "2026-01-31T12:00:00Z", "2026-01-31T13:00:00Z", None,
    )  # fmt: skip
    assert (found["beds"], found["watched_hours"]) == (2, 1.5)
    assert (found["monitored_hours"], found["flagged_share"], found["all"]["per_monitored_hour"]) == (None, None, None)
    everything = found["all"]
    assert (everything["raised"], everything["audible"], everything["late"], everything["suppressed"]) == (3, 2, 1, 3)
    assert everything["audible_per_bed_day"] == 32
    assert everything["to_acknowledge"] == {"count": 1, "median": 60, "p90": 60, "longest": 60}
    assert {name: each["raised"] for name, each in found["by_priority"].items()} == {"high": 1, "medium": 2}
    assert {each["suppressed"] for each in found["by_priority"].values()} == {None}
    conditions = {name: (each["raised"], each["suppressed"]) for name, each in found["by_condition"].items()}
    assert conditions == {"spo2.low": (2, 0), "pulse.high": (1, 0), "pulse.low": (0, 3)}
    assert len(found["absent"]) == 4
    assert found["literature"]["audible_per_bed_day"]["value"] == 187


async def test_times_with_valid_and_with_flagged_data(ward: httpx.AsyncClient, url: str) -> None:
    """By whole hours, and a part of those that lie partly in the span; the newest hour ends where it is counted to."""
    counts = [
        (1, 0, "counted", "", NOON + HOUR + HOUR // 4),
        (1, NOON - HOUR, "monitored", "", HOUR // 2),
        (1, NOON, "monitored", "", HOUR * 3 // 4),
        (1, NOON, "flagged", "spo2", HOUR // 4),
        (1, NOON + HOUR, "monitored", "", HOUR // 8),
    ]
    for each in counts:
        execute(url, f"INSERT INTO alarm_counts VALUES {each}")
    # Boris was never counted: who knows how long he was monitored?
    assert (await ask(ward, SPAN))["monitored_hours"] is None
    execute(url, f"INSERT INTO alarm_counts VALUES (2, 0, 'counted', '', {NOON + HOUR})")
    found = await ask(ward, SPAN)
    assert (found["monitored_hours"], found["flagged_share"]) == (0.75, {"spo2": 0.25 / 1.5})
    assert found["all"]["per_monitored_hour"] == 3 / 0.75
    longer = await ask(ward, f"from=2026-01-31T11:30:00Z&to=2026-01-31T14:00:00Z&patient={ANNA}")
    # Before the admission nobody watched.
    assert longer["monitored_hours"] == 0.75 + 0.125
    shorter = await ask(ward, f"from=2026-01-31T12:30:00Z&to=2026-01-31T13:07:30Z&patient={ANNA}")
    assert shorter["monitored_hours"] == 0.375 + 0.0625


async def test_patients_who_were_heard_before_their_time_was_counted(ward: httpx.AsyncClient, url: str) -> None:
    """A span that begins before has no such time; one that begins later has."""
    for each in ((0, "counted", NOON + HOUR), (0, "counted_from", NOON + HOUR // 2), (NOON, "monitored", HOUR // 2)):
        execute(url, "INSERT INTO alarm_counts VALUES (1, {}, '{}', '', {})".format(*each))
    assert (await ask(ward, f"{SPAN}&patient={ANNA}"))["monitored_hours"] is None
    later = await ask(ward, f"from=2026-01-31T12:45:00Z&to=2026-01-31T13:00:00Z&patient={ANNA}")
    assert later["monitored_hours"] == 0.25


async def test_one_patient(ward: httpx.AsyncClient) -> None:
    """Alarms, beds and counts of this one alone."""
    found = await ask(ward, f"{SPAN}&patient={BORIS}")
    assert (found["beds"], found["watched_hours"], found["all"]["raised"], found["all"]["suppressed"]) == (1, 0.5, 1, 0)


async def test_what_people_did(ward: httpx.AsyncClient, url: str) -> None:
    """Pauses, silences of the ward, shelves and limits of the last day; refused ones are none."""
    execute(url, f"UPDATE alarms SET ended = NULL WHERE id = '{UUID(int=1)}'")
    execute(url, f"UPDATE alarms SET tier = 0 WHERE id = '{UUID(int=1)}'")
    await ward.post(f"/alarms/{UUID(int=1)}/shelve", json={"by": "Eva", "why": "known", "minutes": 10})
    await ward.post(f"/alarms/{UUID(int=0)}/shelve", json={"by": "Eva", "why": "known", "minutes": 10})
    await ward.post(f"/patient/{ANNA}/pause", json={"by": "Eva", "seconds": 60})
    await ward.post(f"/patient/{BORIS}/pause", json={"by": "Ivan", "seconds": 120})
    limits = {"spo2.low": {"values": {"medium": 88}}}
    await ward.put("/limits", json={"by": "Eva", "version": 0, "conditions": limits})
    await ward.put("/limits", json={"by": "Eva", "version": 0, "conditions": limits})
    found = await ask(ward, "")
    assert found["pauses"] == {"count": 2, "minutes": 3, "by": {"Eva": 1, "Ivan": 1}}
    assert found["shelves"] == {"count": 1, "minutes": 10, "by": {"Eva": 1}}
    assert (found["limit_changes"], found["limit_changes_by"]) == (1, {"Eva": 1})
    assert (await ask(ward, f"patient={ANNA}"))["pauses"]["count"] == 1
    assert (await ask(ward, "to=2026-01-31T13:00:00Z"))["pauses"]["count"] == 0


async def test_more_than_may_be_read(ward: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """400 and what to do, rather than statistics of a part."""
    monkeypatch.setattr(statistics, "MAX_ALARMS", 2)
    answer = await ward.get(f"alarms/statistics?{SPAN}")
    assert (answer.status_code, "narrow" in answer.json()["detail"]) == (400, True)
    monkeypatch.setattr(statistics, "MAX_ALARMS", 3)
    assert (await ask(ward, SPAN))["all"]["raised"] == 3


async def test_the_ends_of_time(ward: httpx.AsyncClient) -> None:
    """The first day has no day before it, and the future none yet."""
    assert (await ask(ward, "to=0001-01-01T00:00:00Z"))["all"]["raised"] == 0
    assert (await ward.get("alarms/statistics?from=9999-01-01T00:00:00Z")).status_code == 400
