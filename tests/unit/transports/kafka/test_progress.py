"""Partitions without progress: when one counts as stalled, and when an open transaction is named."""

import pytest
from loguru import logger

from icu.transports.kafka.progress import OPEN_AFTER, STALLED_AFTER, OpenTransactions, Stalls


def test_a_partition_is_stalled_after_a_while_with_records_behind() -> None:
    """A partition at one position for five seconds, with records behind it, is stalled."""
    stalls = Stalls()
    assert not stalls.note(0, 7, 9, now=100)
    assert not stalls.note(0, 7, 12, now=100 + STALLED_AFTER - 0.1)
    assert stalls.note(0, 7, 12, now=100 + STALLED_AFTER)


def test_slow_progress_is_not_stalled() -> None:
    """A slow partition, and one without further records, are not stalled."""
    stalls = Stalls()
    for now in range(30):
        assert not stalls.note(0, now // 4, 100, now=now)
        assert not stalls.note(1, 100, 100, now=now)
    assert not stalls.note(1, 100, 101, now=31)


def test_a_partition_that_waited_for_others_begins_anew() -> None:
    """A batch that other partitions filled restarts the time of those that did not come."""
    stalls = Stalls()
    stalls.note(0, 7, 9, now=0)
    stalls.clear()
    assert not stalls.note(0, 7, 9, now=STALLED_AFTER)
    assert stalls.note(0, 7, 9, now=2 * STALLED_AFTER)


def test_a_partition_that_was_read_to_its_end_begins_anew() -> None:
    """The time begins anew after a partition was read to its end, at the same position too."""
    stalls = Stalls()
    stalls.note(0, 7, 9, now=0)
    stalls.note(0, 7, 7, now=1)
    assert not stalls.note(0, 7, 9, now=STALLED_AFTER + 0.5)
    assert stalls.note(0, 7, 9, now=2 * STALLED_AFTER + 0.5)


@pytest.fixture
def lines() -> list[str]:
    """Return the warnings."""
    lines: list[str] = []
    logger.add(lambda message: lines.append(message.record["message"]), level="WARNING")
    return lines


def test_an_open_transaction_is_named_after_a_while_and_once(lines: list[str]) -> None:
    """An open transaction is named after a while, once, by partition and offset."""
    transactions = OpenTransactions("icu.test")
    for now in range(int(OPEN_AFTER)):
        transactions.note(2, 17, 20 + now, now=now)
        assert transactions.text is None
    for now in range(3):
        transactions.note(2, 17, 40, now=OPEN_AFTER + now)
        assert transactions.text is not None
        assert "offset 17 of partition 2 of icu.test" in transactions.text
    transactions.note(2, 40, 40, now=OPEN_AFTER + 4)
    assert transactions.text is None
    assert len(lines) == 1


def test_one_transaction_after_the_other_is_none_that_stays_open() -> None:
    """Transactions one after the other are not named, since the stable offset moves."""
    transactions = OpenTransactions("icu.test")
    for now in range(60):
        transactions.note(0, now // 5, 1_000, now=now)
        assert transactions.text is None


def test_the_next_transaction_has_a_time_of_its_own() -> None:
    """The next transaction has a time of its own, even if it is open when the named one ends."""
    transactions = OpenTransactions("icu.test")
    transactions.note(0, 17, 30, now=0)
    transactions.note(0, 17, 30, now=OPEN_AFTER)
    assert transactions.text is not None
    transactions.note(0, 25, 30, now=OPEN_AFTER + 1)
    assert transactions.text is None


def test_where_all_is_stable_nothing_is_open() -> None:
    """Without an open transaction nothing is named, and the next one begins anew."""
    transactions = OpenTransactions("icu.test")
    transactions.note(0, 17, 30, now=0)
    for now in range(1, 60):
        transactions.note(0, 17, 17, now=now)
        assert transactions.text is None
    transactions.note(0, 17, 30, now=60)
    assert transactions.text is None
