"""Store and forward: order, bounds, and what happens when both ends move at once."""

import anyio
import pytest

from icu.messages import Record
from icu.transports.sending import Outbox
from tests.clocks import virtual_time


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Nothing here needs real time."""
    return virtual_time()


def record(key: str, number: int) -> Record:
    """A record whose value tells its place."""
    return Record(key.encode(), str(number).encode())


def numbers(outbox: Outbox, most: int = 100) -> list[int]:
    """What would be sent next."""
    return [int(each.value) for each in outbox.head(most)]


async def test_records_stay_until_they_are_acknowledged() -> None:
    """Who asks again before that gets the same ones."""
    outbox = Outbox()
    outbox.put([record("a", n) for n in range(3)])
    assert numbers(outbox, 2) == numbers(outbox, 2) == [0, 1]
    assert outbox.acknowledged(outbox.head(2)) == 2
    assert numbers(outbox) == [2]
    assert len(outbox) == 1


async def test_each_key_has_its_own_bound_and_order() -> None:
    """A patient that sends a lot pushes out its own oldest records, and nobody else's."""
    outbox = Outbox(capacity=3)
    assert outbox.put([record("a", 1)]) == 0
    assert not outbox.is_full(b"b")
    assert outbox.put([record("b", n) for n in range(10, 15)]) == 2
    assert outbox.is_full(b"b")
    assert not outbox.is_full(b"a")
    assert numbers(outbox) == [1, 12, 13, 14]
    assert len(outbox) == 4


async def test_what_is_dropped_while_it_is_sent_releases_nothing_twice() -> None:
    """The acknowledgement of a record that was pushed out meanwhile does not take its successor along."""
    outbox = Outbox(capacity=2)
    outbox.put([record("a", 0), record("a", 1)])
    sending = outbox.head(2)
    assert outbox.put([record("a", 2)]) == 1
    assert outbox.acknowledged(sending) == 1
    assert numbers(outbox) == [2]


async def test_change_wakes_at_a_put_and_at_an_acknowledgement() -> None:
    """Both ends wait for each other without polling."""
    outbox = Outbox()
    woken: list[str] = []

    async def wait(name: str) -> None:
        await outbox.change()
        woken.append(name)

    for happen in (lambda: outbox.put([record("a", 0)]), lambda: outbox.acknowledged(outbox.head(1))):
        async with anyio.create_task_group() as group:
            group.start_soon(wait, "one")
            group.start_soon(wait, "two")
            await anyio.wait_all_tasks_blocked()
            happen()
    assert sorted(woken) == ["one", "one", "two", "two"]
