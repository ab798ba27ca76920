"""A client that catches up while readings arrive gets none of them twice."""

import re
from collections.abc import Sequence
from typing import Any

import anyio
import pytest

from icu.monitor.access.shares import Streams
from icu.monitor.broadcast import MAX_KEPT, Broadcast, Update
from icu.monitor.stream import EventStream
from icu.store.journal.following import Batch
from icu.store.reader import Reader
from icu.store.writer import Writer
from tests.faces import open_gate
from tests.samples import observation
from tests.stores import NOON, store

FIVE = range(1, 6)

# The number of the entry of the patient; the readings are numbered from there.
BEGIN = NOON + 1


@pytest.fixture
async def batches(writer: Writer, reader: Reader) -> dict[int, Batch]:
    """Batches of the journal, by number: five with a reading each, and one that is not in it yet."""
    for place in FIVE:
        await store(writer, [observation(place, pulse=60 + place)], start=place - 1, arrived=NOON)
    async with reader.follow() as follower:
        found = await follower.after(BEGIN, limit=10)
    assert found is not None
    assert [each.number - BEGIN for each in found] == list(FIVE)
    return {each.number - BEGIN: each for each in [*found, Batch(BEGIN + 6, found[0].readings)]}


async def sent_to_client(reader: Reader, url: str, last_seen: int, updates: Sequence[Update]) -> list[int | str]:
    """Return the numbers of the batches, and the resets, that a client gets, where the watch finds these meanwhile."""
    broadcast = Broadcast(reader)
    body = b""

    async def send(message: Any) -> None:
        nonlocal body
        body += message.get("body", b"")
        if message["type"] == "http.response.start":
            for update in updates:
                broadcast._offer(update)
            broadcast.close()

    with anyio.fail_after(10):
        await EventStream(broadcast, None, last_seen, Streams(open_gate(url)))(
            {"type": "http", "state": {}}, anyio.sleep_forever, send
        )
    events = re.findall(rb"id: (\d+)\nevent: readings|(event: reset)", body)
    return ["reset" if reset else int(number) - BEGIN for number, reset in events]


async def test_what_the_journal_gave_does_not_come_again(reader: Reader, url: str, batches: dict[int, Batch]) -> None:
    """Batches from the journal are not sent again, neither with the first tick that waited nor with later ones."""
    updates = [
        Update([batches[2], batches[3]], BEGIN + 1),
        Update([batches[4]], BEGIN + 3),
        Update([batches[5], batches[6]], BEGIN + 4),
    ]
    assert await sent_to_client(reader, url, BEGIN + 1, updates) == [2, 3, 4, 5, 6]


async def test_entries_without_readings_are_no_events(reader: Reader, url: str, batches: dict[int, Batch]) -> None:
    """Entries without readings cause no event, and the client goes on behind them."""
    assert await sent_to_client(
        reader, url, BEGIN + 4, [Update([Batch(BEGIN + 6, []), Batch(BEGIN + 7, [])], BEGIN + 5)]
    ) == [5]
    entries = [Batch(BEGIN + 6, []), Batch(BEGIN + 7, batches[6].readings)]
    assert await sent_to_client(reader, url, BEGIN + 5, [Update(entries, BEGIN + 5)]) == [7]


async def test_a_client_that_is_not_behind_gets_new_batches(
    reader: Reader, url: str, batches: dict[int, Batch]
) -> None:
    """A client that is not behind gets each tick after the other."""
    assert await sent_to_client(reader, url, BEGIN + 5, [Update([batches[6]], BEGIN + 5)]) == [6]


@pytest.mark.parametrize("last_seen", [BEGIN - 1, BEGIN + 99, 10**17])
async def test_a_client_that_was_reset_gets_what_comes(
    reader: Reader, url: str, batches: dict[int, Batch], last_seen: int
) -> None:
    """A client with a number far ahead of ours, as of another database, is reset, and gets new batches."""
    assert await sent_to_client(reader, url, last_seen, [Update([batches[6]], BEGIN + 5)]) == ["reset", 6]


async def test_a_watch_that_begins_anew_may_begin_lower(reader: Reader, url: str, batches: dict[int, Batch]) -> None:
    """After a new watch the numbers may be lower, since a replaced database counts from its own beginning."""
    updates = [Update((), BEGIN + 1, restart=True), Update([batches[2], batches[3]], BEGIN + 1)]
    assert await sent_to_client(reader, url, BEGIN + 5, updates) == ["reset", 2, 3]


async def test_a_watch_that_the_journal_left_behind_goes_on_at_its_end(
    reader: Reader, writer: Writer, batches: dict[int, Batch]
) -> None:
    """When the journal was cut before the watch, clients are reset once, and then get new batches."""
    broadcast = Broadcast(reader)
    broadcast._last_batch = BEGIN - 1
    sender, queue = anyio.create_memory_object_stream[Update](5)
    broadcast.subscribe(sender, anyio.CancelScope())
    async with reader.follow() as follower:
        await broadcast._catch_up(follower, explained=False)
        await store(writer, [observation(9)], start=5, arrived=NOON)
        await broadcast._catch_up(follower, explained=False)
    found = [queue.receive_nowait() for _ in range(queue.statistics().current_buffer_used)]
    assert [(update.restart, update.before - BEGIN, len(update.batches)) for update in found] == [
        (True, 5, 0),
        (False, 5, 1),
    ]
    broadcast.close()
    queue.close()


async def test_clients_that_come_back_to_one_place_share_what_is_read(
    reader: Reader, batches: dict[int, Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them do at once after a restart: the journal is read for one, and encoded for one of each filter."""
    broadcast = Broadcast(reader)
    places: list[int] = []
    read = Reader.after

    async def counted(reader: Reader, batch: int, *, limit: int) -> Sequence[Batch] | None:
        places.append(batch)
        return await read(reader, batch, limit=limit)

    monkeypatch.setattr(Reader, "after", counted)
    found: list[Update | None] = []

    async def come_back() -> None:
        found.append(await broadcast.missed(BEGIN + 2))

    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(come_back)
    assert places == [BEGIN + 2]
    first = found[0]
    assert first is not None
    assert [each.number - BEGIN for each in first.batches] == [3, 4, 5]
    assert all(each is first for each in found)


async def test_what_was_the_end_of_the_journal_goes_on(
    reader: Reader, writer: Writer, batches: dict[int, Batch]
) -> None:
    """A client that came to its end before the watch did is no measure for one that comes behind it."""
    broadcast = Broadcast(reader)
    broadcast._last_batch = BEGIN + 4
    early = await broadcast.missed(BEGIN + 5)
    await store(writer, [observation(9)], start=5, arrived=NOON)
    async with reader.follow() as follower:
        await broadcast._catch_up(follower, explained=False)
    late = await broadcast.missed(BEGIN + 5)
    assert early is not None
    assert not early.batches
    assert late is not None
    assert [each.number - BEGIN for each in late.batches] == [6]
    assert broadcast._last_batch == BEGIN + 6
    broadcast.close()


async def test_many_places_are_not_kept(reader: Reader, batches: dict[int, Batch]) -> None:
    """Clients that make up places cost a question each, and no memory."""
    broadcast = Broadcast(reader)
    for place in range(100):
        assert await broadcast.missed(BEGIN - 1 - place) is None
    assert len(broadcast._missed) <= MAX_KEPT
