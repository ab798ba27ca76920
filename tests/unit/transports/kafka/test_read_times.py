"""Read times of partitions: an answer tells what the log held when the one before it was processed."""

from icu.transports.kafka.read_times import ReadTimes

NONE: frozenset[int] = frozenset()


def test_the_first_answer_tells_of_the_assignment() -> None:
    """Nothing is known before; then all that the log held when the partitions were assigned is read."""
    times = ReadTimes({0: 0, 1: 0}, 100.0)
    times.note({0: None, 1: None}, NONE, 100.2)
    assert times.known == {}
    times.note({0: 1, 1: None}, NONE, 100.4)
    assert times.known == {0: 100.0}


def test_an_answer_may_be_old() -> None:
    """After a stall the waiting answer tells of the time before it; one asked for later tells of what came then."""
    times = ReadTimes({0: 0}, 100.0)
    for now, answer in ((100.1, 1), (100.2, 2), (100.3, 3)):
        times.note({0: answer}, NONE, now)
    assert times.known == {0: 100.1}
    times.note({0: 3}, NONE, 109.0)
    assert times.known == {0: 100.1}
    times.note({0: 4}, NONE, 109.1)
    assert times.known == {0: 100.2}
    times.note({0: 5}, NONE, 109.2)
    assert times.known == {0: 109.0}


def test_a_partition_with_a_rest_is_not_read() -> None:
    """What an answer tells counts once all that it brought is fetched."""
    times = ReadTimes({0: 0}, 100.0)
    times.note({0: 1}, frozenset({0}), 100.1)
    assert times.known == {}
    times.note({0: 1}, NONE, 100.2)
    assert times.known == {0: 100.0}
    times.note({0: 2}, frozenset({0}), 100.3)
    assert times.known == {0: 100.0}
