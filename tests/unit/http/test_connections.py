"""Which connection goes first, and which one is refused."""

import pytest
from loguru import logger

from icu.http.connections import FULL_LOG_INTERVAL, MAX_CONNECTIONS, MAX_REFUSED, Connections, ConnectionSlots


class Client:
    """A connection."""

    def __init__(self) -> None:
        self.is_cut = False

    def cut(self) -> None:
        """Note it."""
        self.is_cut = True


def clients(count: int) -> list[Client]:
    """So many connections."""
    return [Client() for _ in range(count)]


def cut(*them: Client) -> list[bool]:
    """Who had to go."""
    return [each.is_cut for each in them]


def test_the_longest_idle_one_makes_way() -> None:
    """Not the oldest one, but the one whose last request is the longest ago."""
    first, second, third, fourth = clients(4)
    room = ConnectionSlots(2)
    assert room.enter(first)
    assert room.enter(second)
    room.begin_work(first)
    room.end_work(first)
    assert room.enter(third)
    assert cut(first, second, third) == [False, True, False]
    assert room.enter(fourth)
    assert cut(first, third) == [True, False]
    assert len(room) == 2


def test_who_is_at_work_stays() -> None:
    """Where all are, nobody else comes in; and one that leaves makes place."""
    first, second, third = clients(3)
    room = ConnectionSlots(2)
    for each in (first, second):
        room.enter(each)
        room.begin_work(each)
    assert not room.enter(third)
    assert cut(first, second) == [False, False]
    room.leave(first)
    assert room.enter(third)


def test_who_has_made_way_is_gone() -> None:
    """What it still hears of its end, or of its last request, brings it back into no room."""
    first, second, third = clients(3)
    room = ConnectionSlots(1)
    room.enter(first)
    room.enter(second)
    room.begin_work(second)
    room.end_work(first)
    assert not room.enter(third)
    room.leave(first)
    assert len(room) == 1


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
