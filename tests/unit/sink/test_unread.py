"""Partitions with unread readings hold up the deadlines of their patients, and of no others, and not for ever."""

from icu.messages import Delivery
from icu.sink.unread import Unread
from icu.store.evaluating import StoredReadings

ANNA, BORIS, CARLA = 1, 2, 3


def readings(*places: tuple[int, int]) -> StoredReadings:
    """Readings of patients in partitions."""
    rows = [(patient,) for patient, _ in places]
    return StoredReadings(rows, [5.0] * len(rows), [Delivery(each, 0, None, b"") for _, each in places], 0)


def test_at_the_beginning_nobody_knows() -> None:
    """Until each partition was read to its end, or brought nothing for 5 s, all wait."""
    unread = Unread()
    assert ANNA not in unread
    unread.begin([0, 1], 0)
    unread.learn(readings((ANNA, 0), (BORIS, 1)), 3)
    assert ANNA in unread
    unread.note([0], frozenset(), 10)
    assert ANNA not in unread
    assert BORIS in unread
    assert CARLA in unread
    unread.drop(4_999)
    assert BORIS in unread
    unread.drop(5_000)
    assert BORIS not in unread
    assert CARLA not in unread


def test_a_partition_with_a_backlog_waits() -> None:
    """As long as its batches are not the last ones; an empty log ends it."""
    unread = Unread()
    unread.learn(readings((ANNA, 0), (BORIS, 1)), 2)
    unread.note([0, 1], frozenset({0}), 1_000)
    unread.note([0], frozenset({0}), 4_000)
    unread.drop(8_000)
    assert ANNA in unread
    assert BORIS not in unread
    unread.clear()
    assert ANNA not in unread


def test_a_patient_who_was_moved() -> None:
    """The partition of a patient is learnt anew while anything is unread."""
    unread = Unread()
    unread.learn(readings((ANNA, 0)), 1)
    unread.note([1], frozenset({1}), 0)
    unread.learn(readings((ANNA, 1)), 1)
    assert ANNA in unread
