"""Commits of which the journal does not tell: those of the sink and of commands leave what is in memory as it is."""

from collections.abc import Sequence

import pytest

from icu.alarms.effects import Change, Effects
from icu.monitor.broadcast import Broadcast
from icu.store.commands.beds import pause
from icu.store.commands.door import Author, Door
from icu.store.heartbeats import Beat
from icu.store.journal.following import Batch, Follower
from icu.store.reader import Reader
from icu.store.writer import Writer
from tests.samples import ANNA, observation
from tests.stores import NOON, desaturation, execute, request, store


class Memory:
    """Neighbour that counts how often it begins anew."""

    active = True

    def __init__(self) -> None:
        self.taken = 0
        self.forgotten = 0

    def take(self, batches: Sequence[Batch]) -> None:
        """Count batches."""
        self.taken += len(batches)

    def forget(self) -> None:
        """Count beginnings."""
        self.forgotten += 1


class Watch:
    """Broadcast that looks when it is told to."""

    def __init__(self, broadcast: Broadcast, follower: Follower, memory: Memory) -> None:
        self._broadcast = broadcast
        self._follower = follower
        self._version: int | None = None
        self._memory = memory

    async def look(self) -> int:
        """Look once. Returns how often the memory began anew for it."""
        before = self._memory.forgotten
        self._version = await self._broadcast._look(self._follower, self._version)
        return self._memory.forgotten - before


async def test_who_commits(reader: Reader, writer: Writer, url: str) -> None:
    """Heartbeats, commands and alarms that nobody sees yet are explained; changes by hand, beside them too, are not."""
    await store(writer, [observation(0)])
    broadcast, memory = Broadcast(reader), Memory()
    broadcast.observe(memory)
    async with reader.follow() as follower:
        watch = Watch(broadcast, follower, memory)
        await watch.look()
        assert await watch.look() == 0
        await writer.beat(Beat(NOON + 1, 0))
        assert await watch.look() == 0
        await pause(Door(url), ANNA, Author("Ann", "here"), seconds=60)
        assert await watch.look() == 0
        pending = desaturation(presence="pending", signal="off", raised=None, seen=0)
        await writer.write_effects(Effects(changes=[Change(pending, 0, None)]), Beat(NOON + 2, 0))
        assert await watch.look() == 0
        execute(url, "UPDATE patients SET name = 'Anne'")
        assert await watch.look() == 1
        execute(url, "UPDATE heartbeats SET at = at - 1")
        assert await watch.look() == 1
        # A batch's heartbeat explains the batch, and nothing that comes later.
        await writer.write(request([observation(5)], start=1), arrived=NOON, beat=Beat(NOON + 9, 0))
        assert await watch.look() == 0
        execute(url, "UPDATE patients SET name = 'Anja'")
        assert await watch.look() == 1


async def test_the_upkeep_commits(reader: Reader, writer: Writer, url: str) -> None:
    """Transactions of the upkeep are explained, many a second, but for one from which on readings are dropped."""
    await store(writer, [observation(0)])
    broadcast, memory = Broadcast(reader), Memory()
    broadcast.observe(memory)
    async with reader.follow() as follower:
        watch = Watch(broadcast, follower, memory)
        await watch.look()
        execute(url, "UPDATE upkeep_state SET commits = commits + 1, rolled_until = 60000")
        assert await watch.look() == 0
        execute(url, "UPDATE upkeep_state SET commits = commits + 1, raw_horizon = 3600000")
        assert await watch.look() == 1
        execute(url, "UPDATE upkeep_state SET commits = commits - 1")
        assert await watch.look() == 1


@pytest.mark.parametrize("event", ["start", "end"])
async def test_events_of_alarms_are_in_the_journal(reader: Reader, writer: Writer, url: str, event: str) -> None:
    """Followers get each event in an entry of its own, behind the readings, under a number of the same ids."""
    await store(writer, [observation(0)])
    broadcast, memory = Broadcast(reader), Memory()
    broadcast.observe(memory)
    async with reader.follow() as follower:
        end = await follower.end()
        change = Change(desaturation(), 0, event)  # type: ignore[arg-type] # one of the kinds
        await writer.write_effects(Effects(changes=[change]), Beat(NOON + 1, 0))
        [batch] = await follower.after(end, limit=5) or ()
    assert batch.number == end + 1
    assert batch.complete
    [news] = batch.alarms
    assert (news.patient, news.event) == (ANNA, event)
    assert '"condition":"spo2.low"' in news.alarm
