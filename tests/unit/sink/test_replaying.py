"""Replays of dead letters by a sink that runs: noticed beside its batches, and never an alarm as of now."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from icu.messages import Position
from icu.sink import replaying
from icu.store.commands.dead_letters import ask_replay, ask_replay_of
from icu.store.commands.door import Author
from icu.store.dead_letters.pages import Chosen
from icu.store.engines.sqlite.transaction import SqliteTransaction
from icu.store.writer import open_writer
from tests.clocks import forward_asyncio
from tests.hostile import ALONE, value
from tests.letters import refused, store_letters
from tests.samples import BORIS, observation
from tests.stores import NOON, execute, rows
from tests.wards import WatchedWard

pytestmark = pytest.mark.parametrize("anyio_backend", [forward_asyncio()])

INES = Author("Ines", "command line")


@pytest.fixture
async def ward(url: str) -> AsyncIterator[WatchedWard]:
    """Ward without a sink that runs."""
    ward = WatchedWard(url)
    yield ward
    await ward.aclose()


async def letters_of_before(ward: WatchedWard, *letters: Any) -> None:
    """Store letters of a log before the ward's."""
    async with open_writer(ward.url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "before")}, other_logs=frozenset())
        await store_letters(writer, letters)


async def test_a_record_is_stored_after_the_fix(ward: WatchedWard) -> None:
    """Refused by one program and accepted by the next: stored once, with its own time, while the ward goes on."""
    async with ward.sink():
        await ward.send(0)
        await ward.publish_as_is(value(timestamp="2026-01-31T11:59:00Z", schema_version=2))
        await ward.send(5)
        [(letter, reason)] = rows(ward.url, "SELECT partition || ':' || \"offset\", reason FROM dead_letters")
        assert reason == "invalid"
        asked = await ask_replay(ward.door, INES, [letter], again=False)
        assert asked.asked == 1
        await ward.shows("SELECT reason, outcome FROM dead_letters", [("invalid", "invalid")])
        # The program of now takes the schema: only the bytes can be exchanged under a running one.
        execute(ward.url, """UPDATE dead_letters SET value = CAST(replace(value, 'n": 2', 'n": 1') AS BLOB)""")
        await ask_replay(ward.door, INES, [letter], again=True)
        await ward.shows("SELECT reason, outcome FROM dead_letters", [("invalid", "stored")])
        await ward.send(10)
    times = rows(ward.url, f"SELECT (timestamp - {NOON}) / 1000 FROM patient_metrics ORDER BY 1")
    assert times == [(-60,), (0,), (5,), (10,)]
    late = f"SELECT timestamp + lag - arrived FROM patient_metrics, dead_letters WHERE timestamp < {NOON}"
    assert rows(ward.url, late) == [(0,)]
    counted = {
        outcome: ward.registry.get_sample_value("icu_sink_replays_total", {"outcome": outcome})
        for outcome in ("stored", "invalid")
    }
    assert counted == {"stored": 1, "invalid": 1}
    assert ward.registry.get_sample_value("icu_sink_stored_total") == 4


async def test_replays_that_were_asked_for_before_the_start(ward: WatchedWard, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sink that starts does all of them, some in a transaction, though nobody commands anything."""
    monkeypatch.setattr(replaying, "AT_ONCE", 2)
    await letters_of_before(ward, *refused(*(observation(n) for n in range(5))))
    await ask_replay_of(ward.door, INES, Chosen(), again=False)
    async with ward.sink():
        await ward.shows("SELECT outcome, count(*) FROM dead_letters GROUP BY outcome", [("stored", 5)])
    assert rows(ward.url, "SELECT count(*), min(timestamp + lag) FROM patient_metrics") == [(5, NOON + 2_000)]


async def test_an_old_reading_raises_no_alarm(ward: WatchedWard) -> None:
    """Not behind the newest reading of its patient, not before it, and not of a patient who was never heard; nor does
    a sink that starts find one in them."""
    async with ward.sink():
        for seconds in (0, 5, 10):
            await ward.send(seconds)
    await letters_of_before(
        ward,
        *refused(
            observation(3, pulse=0),
            observation(11, pulse=0),
            observation(12, pulse=0),
            observation(3, patient=BORIS, pulse=0),
        ),
    )
    await ask_replay_of(ward.door, INES, Chosen(), again=False)
    async with ward.sink():
        await ward.shows("SELECT outcome, count(*) FROM dead_letters GROUP BY outcome", [("stored", 4)])
        await ward.send(15)
        await ward.look_again()
    async with ward.sink():
        await ward.send(20)
        await ward.look_again()
    assert ward.episodes("condition") == []
    assert rows(ward.url, "SELECT count(*) FROM patient_metrics") == [(9,)]


async def test_a_patient_of_replays_alone_is_watched_once_heard(ward: WatchedWard) -> None:
    """The first reading of now admits the patient, and its alarms are raised."""
    await letters_of_before(ward, *refused(observation(-9, patient=BORIS)))
    async with ward.sink():
        await ask_replay_of(ward.door, INES, Chosen(), again=False)
        await ward.shows("SELECT outcome FROM dead_letters", [("stored",)])
        await ward.send(5, patient=BORIS, pulse=0)
        assert ward.episodes("condition") == [("asystole",)]


async def test_impossible_values_of_a_replay_are_counted(ward: WatchedWard) -> None:
    """As those of a batch: the reading is stored without them."""
    [letter] = refused(observation(1))
    bad = value(**{**ALONE, "spo2": 101, "pulse": 70})
    await letters_of_before(ward, type(letter)(type(letter.delivery)(0, 0, None, bad), "invalid", "before"))
    await ask_replay(ward.door, INES, ["0:0"], again=False)
    async with ward.sink():
        await ward.shows("SELECT outcome FROM dead_letters", [("stored",)])
    assert rows(ward.url, "SELECT pulse, spo2 FROM patient_metrics") == [(7000, None)]
    assert ward.registry.get_sample_value("icu_sink_implausible_total", {"sign": "spo2"}) == 1


async def test_a_batch_without_commands_looks_for_no_replays(
    ward: WatchedWard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only commands of people have the sink look at its dead letters."""
    statements: list[str] = []
    original = SqliteTransaction.rows

    async def counted(self: SqliteTransaction, statement: object, values: Any = None) -> Any:
        statements.append(str(statement))
        return await original(self, statement, values)  # type: ignore[arg-type] # passed on

    monkeypatch.setattr(SqliteTransaction, "rows", counted)
    async with ward.sink():
        await ward.send(0)
        await ward.look_again()
        statements.clear()
        for seconds in (5, 10):
            await ward.send(seconds)
            await ward.look_again()
        assert [each for each in statements if "dead_letters" in each] == []
        await ask_replay_of(ward.door, INES, Chosen(), again=False)
        await ward.settled(lambda: any("dead_letters" in each and "asked IS NOT NULL" in each for each in statements))
