"""Partitions with unread readings hold up the deadlines of their patients, and of no others, and not for ever."""

from math import inf

from icu.messages import Delivery
from icu.sink.unread import Unread
from icu.store.evaluating import StoredReadings

ANNA, BORIS, CARLA = 1, 2, 3


def readings(*places: tuple[int, int], backlog: frozenset[int] = frozenset()) -> StoredReadings:
    """Readings of patients in partitions."""
    rows = [(patient,) for patient, _ in places]
    return StoredReadings(rows, [5.0] * len(rows), [Delivery(each, 0, None, b"") for _, each in places], 0, backlog)


def test_at_the_beginning_nobody_knows() -> None:
    """Until each partition was read to its end, or brought nothing for 5 s, all wait."""
    unread = Unread()
    assert unread.behind(ANNA, 10.0) == 0
    unread.begin([0, 1], 10.0)
    unread.learn(readings((ANNA, 0), (BORIS, 1)), 3)
    assert unread.behind(ANNA, 10.0) == inf
    unread.note({0: 10.5}, {0}, 10.5)
    assert unread.behind(ANNA, 10.5) == 0
    assert unread.behind(BORIS, 10.5) == unread.behind(CARLA, 10.5) == inf
    for now in (11.5, 12.5, 13.5, 14.5):
        unread.note({0: now}, {0}, now)
        assert unread.behind(BORIS, now) == unread.behind(CARLA, now) == inf
    unread.note({0: 14.9}, {0}, 15.0)
    assert unread.behind(BORIS, 15.0) == 0
    assert 99 < unread.behind(ANNA, 15.0) == unread.behind(CARLA, 15.0) < 101


def test_deadlines_pass_up_to_the_time_that_is_read() -> None:
    """Readings that may have come since the last fetch come first."""
    unread = Unread()
    unread.begin([0], 10.0)
    unread.learn(readings((ANNA, 0)), 1)
    unread.note({0: 11.0}, set(), 11.0)
    assert unread.behind(ANNA, 14.0) == 3_000


def test_a_partition_with_a_backlog_waits() -> None:
    """As long as it brings records, however long that takes."""
    unread = Unread()
    unread.begin([0, 1], 0.0)
    unread.learn(readings((ANNA, 0), (BORIS, 1)), 2)
    for now in range(1, 20):
        unread.note({1: now}, {0}, now)
        assert unread.behind(ANNA, now) == inf
        assert unread.behind(BORIS, now) == 0
    unread.note({0: 20, 1: 20}, {0}, 20)
    assert unread.behind(ANNA, 20) == 0


def test_a_sink_that_was_held_up_hears_nobody() -> None:
    """The time of a stall is no silence of a partition."""
    unread = Unread()
    unread.begin([0], 0.0)
    unread.learn(readings((ANNA, 0)), 1)
    unread.note({0: 1.0}, {0}, 1.0)
    unread.note({0: 1.0}, set(), 60.0)
    assert unread.behind(ANNA, 60.0) == 59_000
    unread.note({0: 60.0}, {0}, 60.1)
    assert 99 < unread.behind(ANNA, 60.1) < 101


def test_a_patient_who_was_moved() -> None:
    """The partition of a patient is learnt anew while one is unread, and from a backlog."""
    unread = Unread()
    unread.learn(readings((ANNA, 0)), 1)
    unread.begin([0, 1], 0.0)
    unread.learn(readings((ANNA, 1)), 1)
    unread.note({0: 1.0}, set(), 1.0)
    assert unread.behind(ANNA, 1.0) == inf
    unread.note({0: 1.0, 1: 2.0}, set(), 2.0)
    unread.learn(readings((ANNA, 0), backlog=frozenset({0})), 1)
    assert unread.behind(ANNA, 2.0) == 1_000
