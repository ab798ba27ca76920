"""Read times of partitions: an answer tells what the log held when the one before it was processed."""

from icu.transports.kafka.read_times import ReadTimes


def test_the_first_answers_tell_nothing() -> None:
    """Nobody knows when they were asked for; the third was requested after the beginning of the first fetch."""
    times = ReadTimes([0, 1])
    times.note({0: 1, 1: None}, (), 100.1)
    times.note({0: 2, 1: None}, (), 100.2)
    assert times.known == {}
    times.note({0: 3, 1: None}, (), 100.3)
    assert times.known == {0: 100.1}


def test_an_answer_may_be_old() -> None:
    """After a stall the waiting answer tells of the time before it; one asked for later tells of what came then."""
    times = ReadTimes([0])
    for began, answer in ((100.1, 1), (100.2, 2), (100.3, 3), (100.4, 4)):
        times.note({0: answer}, (), began)
    assert times.known == {0: 100.2}
    times.note({0: 4}, (), 109.0)
    assert times.known == {0: 100.2}
    times.note({0: 5}, (), 109.1)
    assert times.known == {0: 100.3}
    times.note({0: 6}, (), 109.2)
    assert times.known == {0: 109.0}


def test_a_partition_with_a_rest_is_not_read() -> None:
    """The time of an answer counts once all that it brought is fetched."""
    times = ReadTimes([0])
    times.note({0: 1}, (), 100.1)
    times.note({0: 2}, (), 100.2)
    times.note({0: 3}, {0}, 100.3)
    assert times.known == {}
    times.note({0: 3}, (), 100.4)
    assert times.known == {0: 100.1}
    times.note({0: 4}, {0}, 100.5)
    assert times.known == {0: 100.1}
