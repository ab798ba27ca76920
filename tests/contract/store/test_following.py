"""Following the journal: the next batches, gaps, and the version that changes with each commit."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import anyio
import msgspec
import pytest

from icu.store.journal.entries import PatientNews
from icu.store.journal.following import Follower
from icu.store.reader import Reader
from icu.store.writer import Writer
from tests.samples import ANNA, BORIS, observation
from tests.stores import EXCHANGED, NOON, SQLITE_ALONE, execute, literal, make_sink_older, restored, store

# The number of the first reading, behind the one of its patient.
FIRST = NOON + 2


@pytest.fixture
async def follower(reader: Reader, writer: Writer, url: str) -> AsyncIterator[Follower]:
    """Follower of a journal of three batches, the first of which is gone, with the patient: 1 and 2 numbers behind."""
    for second in range(3):
        await store(writer, [observation(second)], start=second)
    execute(url, f"DELETE FROM journal WHERE batch <= {FIRST}")
    async with reader.follow() as follower:
        yield follower


@pytest.mark.parametrize(
    ("batch", "limit", "found"),
    [
        (0, 10, [1, 2]),
        (0, 2, [1, 2]),
        (0, 1, [1]),
        (FIRST + 1, 10, [2]),
        (FIRST + 1, 1, [2]),
        (FIRST + 2, 10, []),
        (FIRST, 10, None),
        (FIRST - 1, 10, None),
        (FIRST + 3, 10, None),
    ],
)
async def test_batches_that_come_next(follower: Follower, batch: int, limit: int, found: list[int] | None) -> None:
    """At most `limit` batches follow one that the journal holds; after any other number some may be missing."""
    batches = await follower.after(batch, limit=limit)
    assert (None if batches is None else [each.number - FIRST for each in batches]) == found
    assert await follower.end() == FIRST + 2


async def test_entries_of_a_kind_that_is_not_known_are_skipped(follower: Follower, url: str) -> None:
    """Entries of an unknown kind hold no readings, and following goes on from them as from all others."""
    payload = msgspec.msgpack.encode(["beds", {"of": "a newer program"}, 7])
    execute(url, f"INSERT INTO journal (batch, payload) VALUES ({FIRST + 3}, {literal(url, payload)})")
    batches = await follower.after(FIRST + 1, limit=10)
    assert batches is not None
    assert [(each.number - FIRST, len(each.readings)) for each in batches] == [(2, 1), (3, 0)]
    assert (await follower.end(), await follower.after(FIRST + 3, limit=10)) == (FIRST + 3, [])


async def test_an_empty_journal_ends_where_it_begins(writer: Writer, reader: Reader) -> None:
    """An empty journal ends at 0, after which nothing can be missed."""
    async with reader.follow() as follower:
        assert (await follower.end(), await follower.after(0, limit=10)) == (0, [])


async def test_each_commit_of_others_gives_another_version(writer: Writer, reader: Reader) -> None:
    """The version changes with each commit of another program, and with nothing else."""
    async with reader.follow() as follower:
        before = await follower.version()
        assert await follower.version() == before
        await store(writer, [observation(0)])
        assert await follower.version() != before


async def test_a_follower_stops_at_once(writer: Writer, reader: Reader) -> None:
    """A cancelled follower stops between two statements: only each statement is shielded."""
    with anyio.fail_after(2):
        with anyio.move_on_after(0.05):
            async with reader.follow() as follower:
                while True:
                    await follower.version()


async def test_patients_are_named_before_their_readings(reader: Reader, writer: Writer) -> None:
    """A batch of its own has what is new of them, and no reading."""
    async with reader.follow() as follower:
        await store(writer, [observation(0), observation(0, patient=BORIS, patient_name=None, interval=None)])
        await store(writer, [observation(1, interval=60)], start=2)
        await store(writer, [observation(2, interval=None, patient_name=None)], start=3)
        batches = await follower.after(0, limit=10)
    assert batches is not None
    assert [(list(each.news), len(each.readings)) for each in batches] == [
        ([PatientNews(1, ANNA, "Anna", 5), PatientNews(2, BORIS, None, None)], 0),
        ([], 2),
        ([PatientNews(1, ANNA, interval=60)], 0),
        ([], 1),
        ([], 1),
    ]
    assert [each.complete for each in batches] == [False, True, True, True, True]


async def test_patients_whom_an_older_sink_does_not_name(reader: Reader, writer: Writer, url: str) -> None:
    """They are found by their first readings, and again by whoever reads these again; never those from before."""
    await store(writer, [observation(0)])
    make_sink_older(url)
    boris = PatientNews(2, BORIS, "Boris", 5)
    async with reader.follow() as follower:
        begin = await follower.end()
        await store(writer, [observation(1), observation(1, patient=BORIS)], start=1)
        await store(writer, [observation(2), observation(2, patient=BORIS)], start=3)
        for batches in (await follower.after(begin, limit=10), await reader.after(begin, limit=10)):
            assert batches is not None
            assert [(list(each.news), len(each.readings)) for each in batches] == [([boris], 2), ([], 2)]
            assert [each.complete for each in batches] == [False, False]


async def test_the_first_patients_of_an_older_sink(reader: Reader, writer: Writer, url: str) -> None:
    """A database that was empty when it was first followed has all its patients still to come."""
    make_sink_older(url)
    async with reader.follow() as follower:
        assert await follower.end() == 0
        await store(writer, [observation(0)])
        batches = await follower.after(0, limit=10)
    assert batches is not None
    assert [[each.uuid for each in batch.news] for batch in batches] == [[ANNA]]


async def test_patients_that_were_passed_over_are_no_news(reader: Reader, writer: Writer) -> None:
    """A sink that names its patients named them already, in entries that nobody read."""
    async with reader.follow() as follower:
        await follower.end()
        await store(writer, [observation(0, patient=BORIS)])
        passed = await follower.end()
        await store(writer, [observation(1, patient=BORIS)], start=1)
        batches = await follower.after(passed, limit=10)
    assert batches is not None
    assert [(list(each.news), each.readings[0].patient_uuid) for each in batches] == [([], BORIS)]


@SQLITE_ALONE
async def test_patients_who_changed_their_keys(reader: Reader, writer: Writer, url: str) -> None:
    """After another database was restored into this one, readings are of the patients that it has."""
    await store(writer, [observation(0), observation(0, patient=BORIS)])
    async with reader.follow() as follower:
        begin = await follower.end()
        restored(url, EXCHANGED)
        await store(writer, [observation(1, pulse=61), observation(1, patient=BORIS, pulse=90)], start=2)
        batches = await follower.after(begin, limit=10)
    assert batches is not None
    found = [(reading.patient_uuid, reading.pulse) for batch in batches for reading in batch.readings]
    assert found == [(ANNA, 61), (BORIS, 90)]


async def test_two_who_look_at_once(url: str, writer: Writer) -> None:
    """Both know of the same patients: what one of them finds in the journal, the other tells a client."""
    await store(writer, [observation(0)])
    followers: list[Follower] = []

    async def follow(reader: Reader) -> None:
        async with reader.follow() as follower:
            followers.append(follower)

    async with aclosing(Reader(url)) as reader, anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(follow, reader)
    first, second = followers
    assert first._patients is second._patients
