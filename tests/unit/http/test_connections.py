"""The connection that makes way first, and the one that is refused."""

import pytest
from loguru import logger

from icu.http.connections import FULL_LOG_INTERVAL, MAX_CONNECTIONS, MAX_REFUSED, Connections, ConnectionSlots


class Client:
    """A connection."""

    def __init__(self) -> None:
        self.is_cut = False

    def cut(self) -> None:
        """Note that this connection was closed."""
        self.is_cut = True


def clients(count: int) -> list[Client]:
    """Connections, as many as asked for."""
    return [Client() for _ in range(count)]


def cut(*them: Client) -> list[bool]:
    """Check for each client if its connection was closed."""
    return [each.is_cut for each in them]


def test_the_longest_idle_one_makes_way() -> None:
    """Not the oldest one, but the one whose last request is the longest ago."""
    first, second, third, fourth = clients(4)
    slots = ConnectionSlots(2)
    assert slots.enter(first)
    assert slots.enter(second)
    slots.begin_work(first)
    slots.end_work(first)
    assert slots.enter(third)
    assert cut(first, second, third) == [False, True, False]
    assert slots.enter(fourth)
    assert cut(first, third) == [True, False]
    assert len(slots) == 2


def test_who_is_at_work_stays() -> None:
    """If all connections are busy, none is admitted; one that leaves frees a slot."""
    first, second, third = clients(3)
    slots = ConnectionSlots(2)
    for each in (first, second):
        slots.enter(each)
        slots.begin_work(each)
    assert not slots.enter(third)
    assert cut(first, second) == [False, False]
    slots.leave(first)
    assert slots.enter(third)


def test_who_has_made_way_is_gone() -> None:
    """Late calls about its end or its last request give it no slot again."""
    first, second, third = clients(3)
    slots = ConnectionSlots(1)
    slots.enter(first)
    slots.enter(second)
    slots.begin_work(second)
    slots.end_work(first)
    assert not slots.enter(third)
    slots.leave(first)
    assert len(slots) == 1


def test_beyond_the_cap_a_few_are_refused_and_the_rest_is_shut_out() -> None:
    """Of those that are refused one that says nothing makes way, too."""
    connections = Connections(cap=1, refused=1)
    served, refused, another, late = clients(4)
    assert connections.admit(served) is connections.served
    connections.served.begin_work(served)
    assert connections.admit(refused) is connections.refused
    assert connections.admit(another) is connections.refused
    assert cut(served, refused, another) == [False, True, False]
    connections.refused.begin_work(another)
    assert connections.admit(late) is None
    connections.served.end_work(served)
    assert connections.admit(late) is connections.served
    assert served.is_cut


def test_that_it_is_full_is_told_now_and_then() -> None:
    """With the number; not for each of those that are refused, nor where one makes way."""
    lines: list[str] = []
    logger.add(lines.append, format="{level} {message}")
    now = 100.0
    connections = Connections(cap=1, refused=2, clock=lambda: now)
    for each in clients(3):
        connections.admit(each)
    assert not lines
    connections.served.begin_work(each)
    for each in clients(50):
        connections.admit(each)
    [line] = lines
    assert line.startswith("WARNING all 1 HTTP connections")
    now += FULL_LOG_INTERVAL
    connections.admit(Client())
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("descriptors", "cap", "refused"),
    [
        (256, 192, 16),
        (1_024, 768, 64),
        (20_000, 15_000, 64),
        (1e6, MAX_CONNECTIONS, MAX_REFUSED),
        (float("inf"), MAX_CONNECTIONS, 64),
    ],
)
def test_a_quarter_of_the_descriptors_is_left_to_the_rest(descriptors: float, cap: int, refused: int) -> None:
    """Of which a quarter at most is for those that are refused."""
    connections = Connections.within(descriptors)
    assert (connections.served.size, connections.refused.size) == (cap, refused)
