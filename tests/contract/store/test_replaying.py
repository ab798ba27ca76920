"""Replays of dead letters: asked for by a person, done in a transaction of the sink, each reading stored once."""

import pytest

from icu.messages import Delivery, Position, Refusal
from icu.store.commands.dead_letters import ask_replay, ask_replay_of, purge, purge_of
from icu.store.commands.door import Author, Door
from icu.store.commands.errors import LetterNotFoundError, ReplayRefusedError, SenselessCommandError
from icu.store.dead_letters.inserting import MAX_KEPT_BYTES
from icu.store.dead_letters.pages import Chosen
from icu.store.journal import entries as journal
from icu.store.writer import Writer
from icu.store.writing.replaying import Replayed
from tests.hostile import value
from tests.letters import ARRIVED, LATER, decode, refused, store_letters
from tests.samples import ANNA, BORIS, observation
from tests.stores import NOON, allow_updates, execute, refuse_updates, rows, store

PERSON = Author("Ines", "command line")
FATES = 'SELECT "offset", reason, replayed, outcome, outcome_detail FROM dead_letters ORDER BY "offset"'


@pytest.fixture
def door(url: str) -> Door:
    """Door of the commands, an hour after the letters arrived."""
    return Door(url, wall=lambda: LATER / 1000)


async def replayed(writer: Writer, most: int = 100) -> Replayed:
    """Replay, as the sink does, what people asked for."""
    return await writer.replay(decode, most=most, now=LATER)


async def test_a_replay_stores_the_reading_once(writer: Writer, door: Door, url: str) -> None:
    """With its own time and the letter's arrival, and marks the letter, whose reason stays; no offset moves."""
    await store_letters(writer, refused(observation(1), observation(2)))
    assert (await ask_replay(door, PERSON, ["0:1"], again=False)).asked == 1
    assert (await replayed(writer)).counts == {"stored": 1}
    assert rows(url, "SELECT timestamp, lag FROM patient_metrics") == [(NOON + 2_000, ARRIVED - NOON - 2_000)]
    assert rows(url, FATES) == [(0, "invalid", None, None, None), (1, "invalid", LATER, "stored", None)]
    assert rows(url, "SELECT asked, asked_by FROM dead_letters WHERE asked IS NOT NULL") == [(LATER, "Ines")]
    assert await writer.positions() == {0: Position(2, "m")}
    assert (await replayed(writer)).outcomes == ()


async def test_a_replay_once_more_is_a_duplicate(writer: Writer, door: Door, url: str) -> None:
    """Only where it is asked for: a letter that was replayed is refused otherwise."""
    await store_letters(writer, refused(observation(1)))
    await ask_replay(door, PERSON, ["0:0"], again=False)
    with pytest.raises(ReplayRefusedError, match="asked for already"):
        await ask_replay(door, PERSON, ["0:0"], again=True)
    await replayed(writer)
    with pytest.raises(ReplayRefusedError, match="--again"):
        await ask_replay(door, PERSON, ["0:0"], again=False)
    await ask_replay(door, PERSON, ["0:0"], again=True)
    assert rows(url, FATES) == [(0, "invalid", None, None, None)]
    assert (await replayed(writer)).counts == {"duplicate": 1}
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(1,)]


async def test_a_letter_that_is_refused_again_says_why(writer: Writer, door: Door, url: str) -> None:
    """The new refusal stands beside the old one; a reading with other values is a conflict, and the first stands."""
    await store(writer, [observation(1)])
    bad = Refusal(Delivery(0, 1, None, b"?"), "invalid", "of a later schema")
    await store_letters(writer, [bad, *refused(observation(1, pulse=99), start=2)], start=1)
    await ask_replay(door, PERSON, ["0:1", "0:2"], again=False)
    assert (await replayed(writer)).counts == {"malformed": 1, "conflict": 1}
    fates = rows(url, FATES)
    assert [each[:4] for each in fates] == [(1, "invalid", LATER, "malformed"), (2, "invalid", LATER, "conflict")]
    assert "JSON" in fates[0][4]
    assert rows(url, "SELECT pulse FROM patient_metrics") == [(7200,)]


async def test_the_same_reading_twice_among_the_letters(writer: Writer, door: Door, url: str) -> None:
    """One of them is stored, the other one is a duplicate."""
    await store_letters(writer, refused(observation(1), observation(1)))
    await ask_replay_of(door, PERSON, Chosen(), again=False)
    assert (await replayed(writer)).counts == {"stored": 1, "duplicate": 1}
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(1,)]


async def test_letters_of_two_logs_at_one_place(writer: Writer, door: Door, url: str) -> None:
    """Each is replayed with its own bytes; their short id names neither."""
    await store_letters(writer, refused(observation(1)))
    await writer.begin({0: Position(0, "m")}, other_logs=frozenset({0}))
    await store_letters(writer, [Refusal(Delivery(0, 0, None, b"?"), "malformed", "no JSON")])
    with pytest.raises(SenselessCommandError, match=r"icu\.test/1/0:0 or icu\.test/2/0:0"):
        await ask_replay(door, PERSON, ["0:0"], again=False)
    await ask_replay(door, PERSON, ["1/0:0", "icu.test/2/0:0"], again=False)
    done = await replayed(writer)
    assert {each.key.log: each.outcome for each in done.outcomes} == {1: "stored", 2: "malformed"}
    assert rows(url, "SELECT log, outcome FROM dead_letters ORDER BY log") == [(1, "stored"), (2, "malformed")]


async def test_what_cannot_be_replayed_is_refused(writer: Writer, door: Door, url: str) -> None:
    """Letters without a value, and those whose value was cut; of several that are named, none is replayed then."""
    long = value()[:-1] + b" " * MAX_KEPT_BYTES + b"}"
    letters = [
        *refused(observation(1)),
        Refusal(Delivery(0, 1, None, None), "tombstone", "the record has no value"),
        Refusal(Delivery(0, 2, None, long), "invalid", "of a later schema"),
        Refusal(Delivery(0, 3, None, long[:MAX_KEPT_BYTES]), "malformed", "no JSON"),
    ]
    await store_letters(writer, letters)
    for name, why in (("0:1", "without a value"), ("0:2", "first 64 KiB")):
        with pytest.raises(ReplayRefusedError, match=why):
            await ask_replay(door, PERSON, ["0:0", name], again=False)
    with pytest.raises(LetterNotFoundError, match="0:4"):
        await ask_replay(door, PERSON, ["0:0", "0:4"], again=False)
    assert rows(url, "SELECT count(*) FROM dead_letters WHERE asked IS NOT NULL") == [(0,)]
    asked, rest = await ask_replay_of(door, PERSON, Chosen(), again=False)
    assert (asked.asked, asked.left_out, rest) == (2, {"no-value": 1, "cut": 1}, None)


async def test_some_letters_in_a_transaction(writer: Writer, door: Door) -> None:
    """Those that were asked for first come first; the next transaction goes on."""
    await store_letters(writer, refused(*(observation(n) for n in range(5))))
    await ask_replay_of(door, PERSON, Chosen(), again=False)
    assert [len((await replayed(writer, most=2)).outcomes) for _ in range(4)] == [2, 2, 1, 0]


async def test_a_replay_that_fails_changes_nothing(writer: Writer, door: Door, url: str) -> None:
    """Reading and mark are stored together, or neither: the next replay does all of it."""
    await store_letters(writer, refused(observation(1)))
    await ask_replay(door, PERSON, ["0:0"], again=False)
    refuse_updates(url, "dead_letters")
    with pytest.raises(Exception, match="full"):
        await replayed(writer)
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(0,)]
    allow_updates(url, "dead_letters")
    assert (await replayed(writer)).counts == {"stored": 1}


async def test_a_patient_of_replays_alone_gets_no_bed(writer: Writer, door: Door, url: str) -> None:
    """History admits nobody. The next reading of now does, and its patient is known."""
    await store_letters(writer, refused(observation(1, patient=BORIS)))
    await ask_replay(door, PERSON, ["0:0"], again=False)
    await replayed(writer)
    assert rows(url, "SELECT uuid FROM patients") == [(str(BORIS),)]
    assert rows(url, "SELECT count(*) FROM bed_states") == [(0,)]
    await store(writer, [observation(9, patient=BORIS)], start=1)
    assert rows(url, "SELECT count(*) FROM bed_states") == [(1,)]
    assert rows(url, "SELECT count(*) FROM patients") == [(1,)]


async def test_a_replay_renames_nobody(writer: Writer, door: Door, url: str) -> None:
    """The name and the interval of a later reading stand."""
    await store_letters(writer, refused(observation(1, patient_name="Anna before", interval=60)))
    await store(writer, [observation(9)], start=1)
    await ask_replay(door, PERSON, ["0:0"], again=False)
    assert (await replayed(writer)).counts == {"stored": 1}
    assert rows(url, "SELECT uuid, name, interval FROM patients") == [(str(ANNA), "Anna", 5.0)]


async def test_streams_get_replayed_readings(writer: Writer, door: Door, url: str) -> None:
    """The journal has the new reading, behind its new patient; a replay that stores nothing adds nothing."""
    await store_letters(writer, refused(observation(1)))
    before = rows(url, "SELECT max(batch) FROM journal")[0][0] or 0
    await ask_replay(door, PERSON, ["0:0"], again=False)
    await replayed(writer)
    entries = [
        journal.decode(payload) for (payload,) in rows(url, f"SELECT payload FROM journal WHERE batch > {before}")
    ]
    assert [[row[1] for row in each.rows] for each in entries] == [[], [NOON + 1_000]]
    await ask_replay(door, PERSON, ["0:0"], again=True)
    await replayed(writer)
    assert rows(url, f"SELECT count(*) FROM journal WHERE batch > {before}") == [(2,)]


async def test_a_replay_is_marked_as_late_for_the_roll_ups(writer: Writer, door: Door, url: str) -> None:
    """The hour of a replayed reading that was rolled up already is rolled up anew."""
    await store_letters(writer, refused(observation(1), observation(7_200)))
    await ask_replay_of(door, PERSON, Chosen(), again=False)
    execute(url, f"UPDATE upkeep_state SET commits = commits + 1, marked_until = {NOON + 3_600_000}")
    assert (await replayed(writer)).counts == {"stored": 2}
    assert rows(url, "SELECT hour FROM late_hours") == [(NOON,)]


async def test_a_replay_of_what_is_no_longer_kept(writer: Writer, door: Door, url: str) -> None:
    """A reading before the horizon of the readings is not stored: expired."""
    await store_letters(writer, refused(observation(1), observation(7_200)))
    await ask_replay_of(door, PERSON, Chosen(), again=False)
    execute(url, f"UPDATE upkeep_state SET commits = commits + 1, refused_until = {NOON + 3_600_000}")
    assert (await replayed(writer)).counts == {"expired": 1, "stored": 1}
    assert rows(url, "SELECT timestamp FROM patient_metrics") == [(NOON + 7_200_000,)]


async def test_commands_stand_in_the_audit_and_count(writer: Writer, door: Door, url: str) -> None:
    """The audit has the author and the letters, or their choice; the sink looks at the number of commands alone."""
    await store_letters(writer, refused(observation(1), observation(2), observation(3)))
    await ask_replay(door, PERSON, ["0:0"], again=False)
    await ask_replay_of(door, PERSON, Chosen(reason="invalid"), again=False)
    await ask_replay_of(door, PERSON, Chosen(reason="key"), again=False)
    assert await purge(door, PERSON, ["0:2"]) == 1
    assert await purge_of(door, PERSON, Chosen(before=NOON)) == (0, None)
    with pytest.raises(ReplayRefusedError):
        await ask_replay(door, PERSON, ["0:1"], again=False)
    audit = rows(url, 'SELECT "by", source, command, result, coalesce("before", "after") FROM audit ORDER BY id')
    assert {each[:2] for each in audit} == {("Ines", "command line")}
    assert [each[2:4] for each in audit] == [
        ("replay", "done"),
        ("replay", "done"),
        ("replay", "unchanged"),
        ("purge", "done"),
        ("purge", "unchanged"),
        ("replay", "waits"),
    ]
    assert '"letters":["icu.test/1/0:0"]' in audit[0][4]
    assert '"count":2' in audit[1][4]
    assert '"reason":"invalid"' in audit[1][4]
    assert rows(url, "SELECT count FROM command_count") == [(6,)]
    before = writer.commands
    await writer.check()
    assert writer.commands == before + 6


@pytest.mark.parametrize(("bound", "most"), [("AT_ONCE", 2), ("MAX_BYTES", 500)])
async def test_a_purge_of_many_goes_on_where_it_ended(
    writer: Writer, door: Door, url: str, monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    """Some in a transaction, or some bytes, the newest first, and all of the choice in the end; others stay."""
    monkeypatch.setattr(f"icu.store.commands.dead_letters.{bound}", most)
    await store_letters(writer, refused(*(observation(n) for n in range(5))))
    await store_letters(writer, refused(observation(9), reason="key", start=5), start=5)
    deleted, place, steps = 0, None, 0
    while steps == 0 or place is not None:
        count, place = await purge_of(door, PERSON, Chosen(reason="invalid"), after=place)
        deleted, steps = deleted + count, steps + 1
    assert (deleted, steps) == (5, 3)
    assert rows(url, "SELECT reason FROM dead_letters") == [("key",)]
