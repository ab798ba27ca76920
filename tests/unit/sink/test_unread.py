"""Partitions with unread readings hold up the deadlines of their patients, and of no others, and not for ever."""

from math import inf

from icu.messages import Delivery
from icu.sink.unread import Unread
from icu.store.alarms.evaluating import StoredReadings

ANNA, BORIS, CARLA = 1, 2, 3


def readings(*places: tuple[int, int], backlog: frozenset[int] = frozenset()) -> StoredReadings:
    """Readings of patients in partitions."""
    rows = [(patient,) for patient, _ in places]
    return StoredReadings(rows, [5.0] * len(rows), [Delivery(each, 0, None, b"") for _, each in places], 0, backlog)


def test_at_the_beginning_nobody_knows() -> None:
    """Until each partition was read to its end, or brought nothing for 5 s, all wait."""
    unread = Unread()
    assert unread.read_until(ANNA) == inf
    unread.begin([0, 1], 10_000)
    unread.learn(readings((ANNA, 0), (BORIS, 1)), 3)
    assert unread.read_until(ANNA) == -inf
    for now in (11_000, 12_000, 13_000, 14_000):
        unread.note({0: now}, {0}, now)
        assert unread.read_until(ANNA) == now
        assert unread.read_until(BORIS) == unread.read_until(CARLA) == -inf
    unread.note({0: 14_900}, {0}, 15_000)
    assert unread.read_until(BORIS) == inf
    assert unread.read_until(ANNA) == unread.read_until(CARLA) == 14_900


def test_a_partition_with_a_backlog_waits() -> None:
    """As long as it brings records, however long that takes."""
    unread = Unread()
    unread.begin([0, 1], 0)
    unread.learn(readings((ANNA, 0), (BORIS, 1)), 2)
    for now in range(1_000, 20_000, 1_000):
        unread.note({1: now}, {0}, now)
        assert unread.read_until(ANNA) == -inf
        assert unread.read_until(BORIS) == now
    unread.note({0: 20_000, 1: 20_000}, {0}, 20_000)
    assert unread.read_until(ANNA) == 20_000


def test_a_sink_that_was_held_up_hears_nobody() -> None:
    """The time of a stall is no silence of a partition."""
    unread = Unread()
    unread.begin([0], 0)
    unread.learn(readings((ANNA, 0)), 1)
    unread.note({0: 1_000}, {0}, 1_000)
    unread.note({0: 1_000}, set(), 60_000)
    assert unread.read_until(ANNA) == 1_000
    unread.note({0: 60_000}, {0}, 60_100)
    assert unread.read_until(ANNA) == 60_000


def test_an_outage() -> None:
    """A topic is read since the last time that it could not be read for over 10 s; shorter pauses are none."""
    unread = Unread()
    assert unread.since(5_000) == 5_000
    unread.begin([0, 1], 5_000)
    unread.note({0: 6_000}, (), 6_000)
    unread.begin([1], 9_000)
    unread.note({1: 15_000}, (), 15_000)
    assert unread.since(25_000) == 6_000
    assert unread.since(25_001) == 25_001
    unread.note({1: 26_000}, (), 26_000)
    assert (unread.until, unread.since(27_000)) == (26_000, 26_000)


def test_a_clock_that_was_set_back() -> None:
    """A time on the clock before the jump tells nothing on the clock after it, and is no silence."""
    unread = Unread()
    unread.begin([0], 3_600_000)
    unread.learn(readings((ANNA, 0)), 1)
    unread.note({0: 3_601_000}, set(), 3_601_000)
    unread.note({0: 3_601_000}, set(), 1_000)
    assert unread.read_until(ANNA) == -inf
    unread.note({0: 1_500}, set(), 2_000)
    assert unread.read_until(ANNA) == 1_500


def test_a_patient_who_was_moved() -> None:
    """The partition of a patient is learnt anew while one is unread, and from a backlog."""
    unread = Unread()
    unread.learn(readings((ANNA, 0)), 1)
    unread.begin([0, 1], 0)
    unread.learn(readings((ANNA, 1)), 1)
    unread.note({0: 1_000}, set(), 1_000)
    assert unread.read_until(ANNA) == -inf
    unread.note({0: 2_000, 1: 1_500}, set(), 2_000)
    unread.learn(readings((ANNA, 0), backlog=frozenset({0})), 1)
    assert unread.read_until(ANNA) == 2_000
