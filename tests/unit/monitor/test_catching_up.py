"""A client that catches up while readings come: what the journal gave it does not come again from the watch."""

import re
from collections.abc import Sequence
from typing import Any

import anyio
import pytest

from icu.monitor.broadcast import MAX_KEPT, Broadcast, Update
from icu.monitor.stream import EventStream
from icu.store.reader import Batch, Reader
from icu.store.writer import Writer
from tests.samples import observation
from tests.stores import NOON, store

FIVE = range(1, 6)


@pytest.fixture
async def batches(writer: Writer, reader: Reader) -> dict[int, Batch]:
    """Those of the journal: five, of a reading each, by their place; and one more that is not in it yet."""
    for place in FIVE:
        await store(writer, [observation(place, pulse=60 + place)], start=place - 1, arrived=NOON)
    async with reader.follow() as follower:
        found = await follower.after(0, limit=10)
    assert found is not None
    assert [each.number - NOON for each in found] == list(FIVE)
    return {each.number - NOON: each for each in [*found, Batch(NOON + 6, found[0].readings)]}


async def sent_to_client(reader: Reader, last_seen: int, updates: Sequence[Update]) -> list[int | str]:
    """The places of the batches that a client is sent, where the watch finds these while it catches up; and resets."""
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
        await EventStream(broadcast, None, last_seen)({"type": "http"}, anyio.sleep_forever, send)
    events = re.findall(rb"id: (\d+)\nevent: readings|(event: reset)", body)
    return ["reset" if reset else int(number) - NOON for number, reset in events]


async def test_what_the_journal_gave_does_not_come_again(reader: Reader, batches: dict[int, Batch]) -> None:
    """Neither from the first of the ticks that waited meanwhile, nor from those behind it."""
    updates = [
        Update([batches[2], batches[3]], NOON + 1),
        Update([batches[4]], NOON + 3),
        Update([batches[5], batches[6]], NOON + 4),
    ]
    assert await sent_to_client(reader, NOON + 1, updates) == [2, 3, 4, 5, 6]


async def test_entries_without_readings_are_no_events(reader: Reader, batches: dict[int, Batch]) -> None:
    """A client is sent nothing for them, and goes on behind them."""
    assert await sent_to_client(reader, NOON + 4, [Update([Batch(NOON + 6, []), Batch(NOON + 7, [])], NOON + 5)]) == [5]
    entries = [Batch(NOON + 6, []), Batch(NOON + 7, batches[6].readings)]
    assert await sent_to_client(reader, NOON + 5, [Update(entries, NOON + 5)]) == [7]


async def test_who_is_not_behind_is_told_of_what_is_new(reader: Reader, batches: dict[int, Batch]) -> None:
    """Each tick follows the one before."""
    assert await sent_to_client(reader, NOON + 5, [Update([batches[6]], NOON + 5)]) == [6]


@pytest.mark.parametrize("last_seen", [NOON - 1, NOON + 99, 10**17])
async def test_a_client_that_was_reset_gets_what_comes(
    reader: Reader, batches: dict[int, Batch], last_seen: int
) -> None:
    """A place far ahead of ours, as of another database, keeps no client from what comes."""
    assert await sent_to_client(reader, last_seen, [Update([batches[6]], NOON + 5)]) == ["reset", 6]


async def test_a_watch_that_begins_anew_may_begin_lower(reader: Reader, batches: dict[int, Batch]) -> None:
    """A database that was replaced numbers from its own beginning."""
    updates = [Update((), NOON + 1, restart=True), Update([batches[2], batches[3]], NOON + 1)]
    assert await sent_to_client(reader, NOON + 5, updates) == ["reset", 2, 3]


async def test_a_watch_that_the_journal_left_behind_goes_on_at_its_end(
    reader: Reader, writer: Writer, batches: dict[int, Batch]
) -> None:
    """Clients are told once to read anew, and then of what comes."""
    broadcast = Broadcast(reader)
    broadcast._last_batch = NOON - 1
    sender, queue = anyio.create_memory_object_stream[Update](5)
    broadcast.subscribe(sender, anyio.CancelScope())
    async with reader.follow() as follower:
        await broadcast._catch_up(follower)
        await store(writer, [observation(9)], start=5, arrived=NOON)
        await broadcast._catch_up(follower)
    found = [queue.receive_nowait() for _ in range(queue.statistics().current_buffer_used)]
    assert [(update.restart, update.before - NOON, len(update.batches)) for update in found] == [
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
        found.append(await broadcast.missed(NOON + 2))

    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(come_back)
    assert places == [NOON + 2]
    first = found[0]
    assert first is not None
    assert [each.number - NOON for each in first.batches] == [3, 4, 5]
    assert all(each is first for each in found)


async def test_what_was_the_end_of_the_journal_goes_on(
    reader: Reader, writer: Writer, batches: dict[int, Batch]
) -> None:
    """A client that came to its end before the watch did is no measure for one that comes behind it."""
    broadcast = Broadcast(reader)
    broadcast._last_batch = NOON + 4
    early = await broadcast.missed(NOON + 5)
    await store(writer, [observation(9)], start=5, arrived=NOON)
    async with reader.follow() as follower:
        await broadcast._catch_up(follower)
    late = await broadcast.missed(NOON + 5)
    assert early is not None
    assert not early.batches
    assert late is not None
    assert [each.number - NOON for each in late.batches] == [6]
    assert broadcast._last_batch == NOON + 6
    broadcast.close()


async def test_many_places_are_not_kept(reader: Reader, batches: dict[int, Batch]) -> None:
    """Clients that make up places cost a question each, and no memory."""
    broadcast = Broadcast(reader)
    for place in range(100):
        assert await broadcast.missed(NOON - 1 - place) is None
    assert len(broadcast._missed) <= MAX_KEPT
