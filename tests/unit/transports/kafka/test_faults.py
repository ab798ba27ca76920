"""Unreadable partitions: the pace of retries, and of log lines."""

import pytest
from loguru import logger

from icu.transports.kafka.faults import LONGEST_PAUSE, Faults
from icu.transports.kafka.foreign import UnreadableError

BAD = UnreadableError("the record is damaged", "mend it")


@pytest.fixture
def lines() -> list[tuple[str, str]]:
    """Return levels and messages of the log, without details."""
    lines: list[tuple[str, str]] = []
    logger.add(lambda message: lines.append((message.record["level"].name, message.record["message"])), level="INFO")
    return lines


def test_a_fault_is_retried_ever_more_rarely_and_logged_once(lines: list[tuple[str, str]]) -> None:
    """Retries come after 1, 2, 4 s and so on up to a minute; the log has one line at the begin and one at the end."""
    faults = Faults("icu.test")
    now = 100.0
    pauses = []
    for _ in range(9):
        faults.note(3, 17, BAD, now=now)
        since = now
        while not faults.due(now):
            now += 0.5
        pauses.append(now - since)
    assert pauses == [1, 2, 4, 8, 16, 32, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    assert faults.text == "partition 3 of icu.test cannot be read at offset 17: the record is damaged; mend it"
    faults.mended(3)
    assert (faults.text, faults.due(now), 3 in faults) == (None, [], False)
    assert [level for level, _ in lines] == ["ERROR", "INFO"]
    assert "partition 3" in lines[1][1]


def test_another_offset_is_another_fault(lines: list[tuple[str, str]]) -> None:
    """A fault at another offset is logged, and retried soon."""
    faults = Faults("icu.test")
    for now, offset in enumerate([17, 17, 18]):
        faults.note(3, offset, BAD, now=10.0 * now)
    assert faults.due(21.0) == [3]
    assert len(lines) == 2


def test_all_of_them_are_named_in_order() -> None:
    """All unreadable partitions are named in order, each with its offset."""
    faults = Faults("icu.test")
    faults.note(5, 1, BAD, now=0)
    faults.note(2, 9, BAD, now=0)
    assert faults.text is not None
    assert faults.text.index("partition 2 ") < faults.text.index("partition 5 ")


def test_a_partition_that_is_read_from_elsewhere_has_no_fault() -> None:
    """After an assignment at another offset, a partition has no fault."""
    faults = Faults("icu.test")
    for partition in range(3):
        faults.note(partition, 17, BAD, now=0)
    faults.keep({0: 17, 1: 0})
    assert (0 in faults, 1 in faults, 2 in faults) == (True, False, False)
