"""Connections at the cap: which one is closed for a new one, and which one is refused."""

import pytest
from loguru import logger

from icu.http.connections import FULL_LOG_INTERVAL, MAX_CONNECTIONS, MAX_REFUSED, Connections, ConnectionSlots


class Client:
    """A connection of a client."""

    def __init__(self) -> None:
        self.is_cut = False

    def cut(self) -> None:
        """Record that this connection was closed."""
        self.is_cut = True


def clients(count: int) -> list[Client]:
    """Make this number of connections."""
    return [Client() for _ in range(count)]


def cut(*them: Client) -> list[bool]:
    """Return for each client if its connection was closed."""
    return [each.is_cut for each in them]


def test_the_longest_idle_one_makes_way() -> None:
    """The connection whose last request is the longest ago is closed, not the oldest connection."""
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


def test_a_busy_connection_stays() -> None:
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


def test_a_closed_connection_stays_closed() -> None:
    """A closed connection gets no slot again by late calls about its end or its last request."""
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
    """A few connections beyond the cap are refused, and the rest closed at once; silent ones among the few make way."""
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


def test_a_full_server_is_logged_now_and_then() -> None:
    """The warning about a full server has the number, and comes now and then, not for each connection."""
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
    """A quarter of the descriptors is left for other uses; a quarter of it at most is for refused connections."""
    connections = Connections.within(descriptors)
    assert (connections.served.size, connections.refused.size) == (cap, refused)
