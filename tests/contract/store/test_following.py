"""Following the journal: the next batches, gaps, and the version that changes with each commit."""

from collections.abc import AsyncIterator

import anyio
import msgspec
import pytest

from icu.store.reader import Follower, Reader
from icu.store.writer import Writer
from tests.samples import observation
from tests.stores import NOON, execute, store


@pytest.fixture
async def follower(reader: Reader, writer: Writer, url: str) -> AsyncIterator[Follower]:
    """Follower of a journal of three batches, the first of which is gone: 2 and 3 readings after noon."""
    for second in range(3):
        await store(writer, [observation(second)], start=second)
    execute(url, f"DELETE FROM journal WHERE batch = {NOON + 1}")
    async with reader.follow() as follower:
        yield follower


@pytest.mark.parametrize(
    ("batch", "limit", "found"),
    [
        (0, 10, [2, 3]),
        (0, 2, [2, 3]),
        (0, 1, [2]),
        (NOON + 2, 10, [3]),
        (NOON + 2, 1, [3]),
        (NOON + 3, 10, []),
        (NOON + 1, 10, None),
        (NOON, 10, None),
        (NOON + 4, 10, None),
    ],
)
async def test_batches_that_come_next(follower: Follower, batch: int, limit: int, found: list[int] | None) -> None:
    """At most `limit` batches follow one that the journal holds; after any other number some may be missing."""
    batches = await follower.after(batch, limit=limit)
    assert (None if batches is None else [each.number - NOON for each in batches]) == found
    assert await follower.end() == NOON + 3


async def test_entries_of_a_kind_that_is_not_known_are_skipped(follower: Follower, url: str) -> None:
    """Entries of an unknown kind hold no readings, and following goes on from them as from all others."""
    payload = msgspec.msgpack.encode(["alarms", {"of": "a newer program"}, 7]).hex()
    execute(url, f"INSERT INTO journal (batch, payload) VALUES ({NOON + 4}, X'{payload}')")
    batches = await follower.after(NOON + 2, limit=10)
    assert batches is not None
    assert [(each.number - NOON, len(each.readings)) for each in batches] == [(3, 1), (4, 0)]
    assert (await follower.end(), await follower.after(NOON + 4, limit=10)) == (NOON + 4, [])


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
